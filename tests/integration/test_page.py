"""uketsuke-page draws attachments that were built to break whoever draws them: each ends with a
picture or a word, soon, and nothing happens."""

import os
import pathlib
import socket
import struct
import subprocess
import threading
import zlib

import pytest

PROGRAM = pathlib.Path(os.environ.get("UKETSUKE_BUILD", pathlib.Path(__file__).resolve()
                                      .parents[2] / "build")) / "uketsuke-page"
DRAWN, NONE, KIND, LOCKED, BROKEN = range(5)
LIMIT = None  # no answer at all


def draw(data, page=1, width=400):
    """(outcome, pages, PNG); outcome None: it was ended at a limit."""
    try:
        done = subprocess.run([PROGRAM, str(page), str(width)], input=data, capture_output=True,
                              timeout=20)  # the console waits no longer, either
    except subprocess.TimeoutExpired:
        return LIMIT, 0, b""
    assert done.stderr == b""
    if len(done.stdout) < 24:
        assert done.returncode != 0
        return LIMIT, 0, b""
    magic, outcome, pages, wide, high, length = struct.unpack("6I", done.stdout[:24])
    assert magic == 0x75706731 and length == len(done.stdout) - 24
    if outcome == DRAWN:
        assert struct.unpack(">II", done.stdout[40:48]) == (wide, high)
    return outcome, pages, done.stdout[24:]


# --- files --------------------------------------------------------------------------------------

def pdf(content=b"", media="0 0 200 100", catalogue=b"", resources=b"", more=(), compressed=None,
        pages=1, page=b""):
    """A PDF with the same content on each page; `more`: objects from number 10 on."""
    stream = zlib.compress(compressed) if compressed is not None else content
    filter_ = b"/Filter /FlateDecode" if compressed is not None else b""
    kids = b" ".join(b"%d 0 R" % (100 + i) for i in range(pages))
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R %s >>" % catalogue,
               2: b"<< /Type /Pages /Count %d /Kids [%s] >>" % (pages, kids),
               3: b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(stream), filter_, stream)}
    for i in range(pages):
        objects[100 + i] = (b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents 3 0 R"
                            b" /Resources << %s >> %s >>" % (media.encode(), resources, page))
    objects.update(dict(enumerate(more, 10)))
    out, places = b"%PDF-1.7\n", {}
    for number, body in objects.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 1\n0000000000 65535 f \n"
    for number, place in places.items():
        out += b"%d 1\n%010d 00000 n \n" % (number, place)
    return out + b"trailer << /Size 1000 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % start


def png(wide, high, rows=None, more=b""):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(
            ">I", zlib.crc32(kind + data))
    pixels = rows if rows is not None else (b"\0" + b"\x20\x40\x60" * wide) * high
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", wide, high, 8, 2, 0, 0, 0))
            + more + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))


def dark(picture):
    """How many bytes of the picture's rows are no white."""
    at, data = 8, b""
    while at < len(picture):
        (length,) = struct.unpack(">I", picture[at:at + 4])
        if picture[at + 4:at + 8] == b"IDAT":
            data += picture[at + 8:at + 8 + length]
        at += 12 + length
    return sum(byte not in (0, 255) for byte in zlib.decompress(data))


# --- what is sound ------------------------------------------------------------------------------

def test_pages_of_a_pdf():
    file = pdf(b"0 0 1 rg 20 20 50 50 re f", pages=3)
    outcome, pages, picture = draw(file)
    assert (outcome, pages) == (DRAWN, 3) and dark(picture) > 0
    assert draw(file, page=3)[:2] == (DRAWN, 3)
    assert draw(file, page=4)[:2] == (NONE, 3)


def test_japanese_without_an_embedded_font():
    font = (b"<< /Type /Font /Subtype /Type0 /BaseFont /MS-Mincho /Encoding /90ms-RKSJ-H"
            b" /DescendantFonts [11 0 R] >>")
    descendant = (b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /MS-Mincho /CIDSystemInfo"
                  b" << /Registry (Adobe) /Ordering (Japan1) /Supplement 2 >> /DW 1000"
                  b" /FontDescriptor 12 0 R >>")
    descriptor = (b"<< /Type /FontDescriptor /FontName /MS-Mincho /Flags 4 /FontBBox [0 -137 1000"
                  b" 859] /ItalicAngle 0 /Ascent 859 /Descent -137 /CapHeight 709 /StemV 78 >>")
    text = b"BT /F1 40 Tf 10 30 Td <" + "桜野".encode("cp932").hex().encode() + b"> Tj ET"
    outcome, _, picture = draw(pdf(text, resources=b"/Font << /F1 10 0 R >>",
                                   more=(font, descendant, descriptor)))
    assert outcome == DRAWN and dark(picture) > 200


def test_images_are_drawn_anew():
    comment = b"<script>alert(1)</script>"
    chunk = struct.pack(">I", len(comment) + 5) + b"tEXt" + b"note\0" + comment
    chunk += struct.pack(">I", zlib.crc32(chunk[4:]))
    file = png(300, 200, more=chunk)
    assert comment in file
    outcome, pages, picture = draw(file)
    assert (outcome, pages) == (DRAWN, 1) and comment not in picture and b"tEXt" not in picture
    assert draw(file, page=2)[0] == NONE
    outcome, _, small = draw(png(3000, 10), width=600)
    assert outcome == DRAWN and struct.unpack(">II", small[16:24]) == (600, 2)


def test_jpeg(tmp_path):
    ppm = b"P6 64 48 255\n" + bytes(range(256)) * 36
    (tmp_path / "a.ppm").write_bytes(ppm)
    made = subprocess.run(["pdftoppm", "-jpeg", "-r", "30", "-", tmp_path / "a"],
                          input=pdf(b"1 0 0 rg 0 0 100 100 re f"), capture_output=True)
    assert made.returncode == 0, made.stderr
    file = next(tmp_path.glob("a*.jpg")).read_bytes()
    outcome, pages, picture = draw(file)
    assert (outcome, pages) == (DRAWN, 1) and picture.startswith(b"\x89PNG")
    assert draw(file[:len(file) // 2] + b"\xff\xd9")[0] in (DRAWN, BROKEN, KIND)


# --- what is not --------------------------------------------------------------------------------

@pytest.mark.parametrize("data", [
    b"x", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    b"<!doctype html><script>alert(1)</script>", b"GIF89a" + bytes(100), b"%PDF-1.7\n",
    b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"PK\x03\x04" + bytes(100), bytes(1000)],
    ids=["text", "svg", "html", "gif", "pdf-head", "png-head", "jpeg-head", "zip", "zeros"])
def test_what_is_no_such_file_is_not_drawn(data):
    outcome, _, picture = draw(data)
    assert outcome in (KIND, BROKEN, LIMIT) and picture == b""


LIES = {
    "more pixels than there are": png(60000, 60000, rows=b"\0"),
    "a header that lies": png(5000, 5000, rows=b"\0"),
    "rows that never end": png(4, 4, rows=bytes(1 << 20)),
}


@pytest.mark.parametrize("name", LIES)
def test_images_that_lie(name):
    assert draw(LIES[name])[0] in (BROKEN, DRAWN, KIND)


BOMB = b"q 1 0 0 1 0 0 cm 0 0 200 100 re f Q\n" * 4_000_000  # 150 MB in some KB


GLUTTONS = {
    "a page of ten million points": pdf(b"", media="0 0 10000000 10000000"),
    "a page without size": pdf(b"", media="0 0 0 0"),
    "a page that is none": pdf(b"", media="NaN x 1 2"),
    "a form that draws itself": pdf(b"/X Do", resources=b"/XObject << /X 10 0 R >>", more=(
        b"<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Resources << /XObject << /X 10 0 R >> >>"
        b" /Length 5 >>\nstream\n/X Do\nendstream",)),
    "an image of sixteen thousand million pixels": pdf(
        b"200 0 0 100 0 0 cm /X Do", resources=b"/XObject << /X 10 0 R >>", more=(
            b"<< /Type /XObject /Subtype /Image /Width 131072 /Height 131072 /BitsPerComponent 8"
            b" /ColorSpace /DeviceRGB /Filter /FlateDecode /Length 9 >>\nstream\nxxxxxxxxx\nendstream",)),
    "a pattern of a million tiles": pdf(
        b"/Pattern cs /P scn 0 0 200 100 re f", resources=b"/Pattern << /P 10 0 R >>", more=(
            b"<< /Type /Pattern /PatternType 1 /PaintType 1 /TilingType 1 /BBox [0 0 1 1]"
            b" /XStep 0.001 /YStep 0.001 /Resources << >> /Length 12 >>\nstream\n0 0 1 1 re f\nendstream",)),
    "content that swells": pdf(compressed=BOMB),
    "a cross-reference that points everywhere": pdf().replace(b"00000 n", b"99999 n"),
}


@pytest.mark.parametrize("name", GLUTTONS)
def test_pdfs_that_eat_time_or_memory_end_soon(name):
    outcome, _, picture = draw(GLUTTONS[name], width=1200)
    assert outcome in (DRAWN, BROKEN, NONE, KIND, LIMIT)
    assert (outcome == DRAWN) == bool(picture)


def test_scripts_and_links_of_a_pdf_do_nothing():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = b"http://127.0.0.1:%d/" % listener.getsockname()[1]
        action = (b"/OpenAction << /S /JavaScript /JS (app.launchURL('%s')) >> /AA << /WC << /S /URI"
                  b" /URI (%s) >> >>" % (url, url))
        launch = (b"<< /Type /Annot /Subtype /Link /Rect [0 0 200 100] /A << /S /Launch /F"
                  b" (/bin/sh) >> >>")
        file = pdf(b"1 0 0 rg 0 0 10 10 re f", catalogue=action, more=(launch,),
                   page=b"/Annots [10 0 R]")
        outcome, _, picture = draw(file)
        assert outcome == DRAWN and b"JavaScript" not in picture
        listener.settimeout(0.5)
        with pytest.raises(TimeoutError):
            listener.accept()


def test_a_pdf_that_asks_for_a_password(tmp_path):
    trailer = b"/Encrypt << /Filter /Standard /V 1 /R 2 /O <" + b"00" * 32 + b"> /U <" + \
        b"11" * 32 + b"> /P -4 >> /ID [<00> <00>] /Root"
    assert draw(pdf(b"f").replace(b"/Root", trailer))[0] in (LOCKED, BROKEN)


def test_many_at_once():
    file, outcomes = pdf(b"0 0 9 9 re f"), []
    threads = [threading.Thread(target=lambda: outcomes.append(draw(file)[0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == [DRAWN] * 8
