"""TCP ports of the loopback interface for programs that listen, stop and come back."""

import functools
import pathlib
import socket


class Ports:
    """Ports that are this process's own. They lie below those the kernel gives to outgoing connections
    (what listens could not come back on such a port once a connection had it), and a block of them
    belongs to whoever listens on its first one."""
    FIRST, BLOCK = 10240, 128

    def __init__(self):
        range_file = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range")
        end = int(range_file.read_text().split()[0])
        for first in range(self.FIRST, end - self.BLOCK, self.BLOCK):
            self.lock = socket.socket()
            try:
                self.lock.bind(("127.0.0.1", first))
                self.lock.listen(1)
            except OSError:
                self.lock.close()
                continue
            self.first, self.next = first, 0
            return
        raise OSError(f"no block of {self.BLOCK} ports free from {self.FIRST} to {end}")

    def take(self):
        """The next one of the block that nobody listens on, the longest unused first."""
        for _ in range(1, self.BLOCK):
            self.next = self.next % (self.BLOCK - 1) + 1
            if is_free(self.first + self.next):
                return self.first + self.next
        raise OSError(f"no free port among {self.BLOCK} from {self.first}")


def is_free(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return True
        except OSError:
            return False


@functools.cache
def own_ports():
    return Ports()


def free_port(preferred=0):
    """`preferred` when nobody listens there, else one of this process's own."""
    return preferred if preferred and is_free(preferred) else own_ports().take()
