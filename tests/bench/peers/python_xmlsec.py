"""python3-xmlsec with lxml as a peer of tests/bench/signature.py: reads lines "FILE COUNT", answers
each with the seconds of the processor that COUNT verifications took. Each begins with the bytes of
the document and of the certificate whose key has to have signed it.
"""

import pathlib
import sys
import time

import xmlsec
from lxml import etree


def verify(document, signer):
    tree = etree.fromstring(document)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer, xmlsec.KeyFormat.CERT_DER)
    context.verify(xmlsec.tree.find_node(tree, xmlsec.Node.SIGNATURE))  # raises when it fails


def main():
    signer = pathlib.Path(sys.argv[1]).read_bytes()
    for line in sys.stdin:
        path, count = line.split()
        document = pathlib.Path(path).read_bytes()
        begun = time.process_time()
        for _ in range(int(count)):
            verify(document, signer)
        print(time.process_time() - begun, flush=True)


if __name__ == "__main__":
    main()
