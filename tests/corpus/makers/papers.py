"""PDF and OFD written by hand: small, exact, and wrong in whatever way a test needs."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Sequence

from PIL import Image, ImageDraw

_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")
_ID = bytes(range(16))


def pdf(objects: Sequence[bytes], *, trailer: bytes = b"", head: bytes = b"%PDF-1.7\n") -> bytes:
    """``objects`` are numbered from 1; the first is the catalogue."""
    out, places = io.BytesIO(), []
    out.write(head)
    for number, one in enumerate(objects, start=1):
        places.append(out.tell())
        out.write(b"%d 0 obj\n" % number + one + b"\nendobj\n")
    at = out.tell()
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table)
    out.write(b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, at))
    return out.getvalue()


def stream(data: bytes, more: bytes = b"") -> bytes:
    """A stream object."""
    return b"<</Length %d%s>>\nstream\n" % (len(data), more) + data + b"\nendstream"


def plain_pdf(pages: int = 1, *, catalogue: bytes = b"", extra: Sequence[bytes] = (), trailer: bytes = b"") -> bytes:
    """``pages`` pages with a line of text each; ``extra`` objects are numbered from 3 + 2 * pages + 1."""
    kids = b" ".join(b"%d 0 R" % (4 + 2 * number) for number in range(pages))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R%s>>" % catalogue,
        b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, pages),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    for number in range(pages):
        font = b"/Resources<</Font<</F 3 0 R>>>>"
        objects.append(b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]%s/Contents %d 0 R>>" % (font, 5 + 2 * number))
        objects.append(stream(b"BT /F 12 Tf 72 700 Td (Page %d of the file) Tj ET" % (number + 1)))
    return pdf([*objects, *extra], trailer=trailer)


def scanned_pdf(pictures: Sequence[tuple[bytes, tuple[int, int], bytes]]) -> bytes:
    """A page for each picture (data, size, entries of its dictionary), A4 and nothing else on it."""
    kids = b" ".join(b"%d 0 R" % (3 + 3 * number) for number in range(len(pictures)))
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(pictures))]
    for number, (data, (width, height), entries) in enumerate(pictures):
        first = 3 + 3 * number
        objects += [
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</XObject<</I %d 0 R>>>>/Contents %d 0 R>>"
            % (first + 1, first + 2),
            stream(data, b"/Type/XObject/Subtype/Image/Width %d/Height %d%s" % (width, height, entries)),
            stream(b"q 595 0 0 842 0 0 cm /I Do Q"),
        ]
    return pdf(objects)


def jpeg_page(page: Image.Image) -> tuple[bytes, tuple[int, int], bytes]:
    """``page`` as ``scanned_pdf`` takes it, as JPEG."""
    out = io.BytesIO()
    page.convert("L").save(out, "JPEG", quality=70)
    return out.getvalue(), page.size, b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/DCTDecode"


def sampled_page(page: Image.Image, *, keep: float = 1.0) -> tuple[bytes, tuple[int, int], bytes]:
    """``page`` as ``scanned_pdf`` takes it, as packed samples of which only a part is there."""
    data = page.convert("L").tobytes()
    packed = zlib.compress(data[: int(len(data) * keep)])
    return packed, page.size, b"/ColorSpace/DeviceGray/BitsPerComponent 8/Filter/FlateDecode"


def locked_pdf(password: bytes, rights: int = -4) -> bytes:
    """A PDF under the standard security handler, revision 2 (RC4, 40 bits); an empty password opens by itself."""
    owner = _rc4(hashlib.md5(_padded(b"owner")).digest()[:5], _padded(password))
    seed = _padded(password) + owner + rights.to_bytes(4, "little", signed=True) + _ID
    user = _rc4(hashlib.md5(seed).digest()[:5], _PADDING)
    handler = b"<</Filter/Standard/V 1/R 2/P %d/O<%s>/U<%s>>>" % (rights, owner.hex().encode(), user.hex().encode())
    return plain_pdf(extra=[handler], trailer=b"/Encrypt 6 0 R/ID[<%s><%s>]" % (_ID.hex().encode(), _ID.hex().encode()))


def signed_pdf() -> bytes:
    """A PDF with one signature field that is filled in, though by nobody."""
    form = b"/AcroForm<</Fields[6 0 R]/SigFlags 3>>"
    field = b"<</FT/Sig/Type/Annot/Subtype/Widget/Rect[0 0 0 0]/T(Sig1)/V 7 0 R/P 4 0 R>>"
    value = b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/adbe.pkcs7.detached/ByteRange[0 1 2 3]/Contents<00>/M(D:20260102030405Z)>>"  # fmt: skip
    return plain_pdf(catalogue=form, extra=[field, value])


def _padded(password: bytes) -> bytes:
    return (password + _PADDING)[:32]


def _rc4(key: bytes, data: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for one in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(one ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def page(size: tuple[int, int] = (827, 1169), *, lines: int = 24, turned: float = 0.0, indent: int = 90) -> Image.Image:
    """A grey page with rows of marks that look like writing, turned by ``turned`` degrees."""
    made = Image.new("L", size, 248)
    draw = ImageDraw.Draw(made)
    width, height = size
    for line in range(lines):
        y = height // 10 + line * height // 30
        for x in range(indent, width - indent - 12, 24):
            if (x * 7 + line * 13) % 5:
                draw.rectangle((x, y, x + 14, y + height // 70), fill=40)
    return made.rotate(turned, fillcolor=248) if turned else made


def ofd(*, pages: int = 1, without: str = "", more: dict[str, bytes] | None = None, text: str = "电子凭证") -> bytes:
    """An OFD document (GB/T 33190-2016); the part named ``without`` is left out, ``more`` parts are added."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    listed = "".join(f'<ofd:Page ID="{n + 1}" BaseLoc="Pages/Page_{n}/Content.xml"/>' for n in range(pages))
    parts = {
        "OFD.xml": f'<ofd:OFD {space} DocType="OFD" Version="1.0"><ofd:DocBody><ofd:DocRoot>Doc_0/Document.xml</ofd:DocRoot>'
        f"{'<ofd:Signatures>Doc_0/Signs/Signatures.xml</ofd:Signatures>' if more and 'Doc_0/Signs/Signatures.xml' in more else ''}"
        "</ofd:DocBody></ofd:OFD>",
        "Doc_0/Document.xml": f"<ofd:Document {space}><ofd:CommonData><ofd:PublicRes>PublicRes.xml</ofd:PublicRes>"
        f"</ofd:CommonData><ofd:Pages>{listed}</ofd:Pages></ofd:Document>",
        "Doc_0/PublicRes.xml": f'<ofd:Res {space} BaseLoc="Res"><ofd:MultiMedias><ofd:MultiMedia ID="9" Type="Image">'
        "<ofd:MediaFile>seal.png</ofd:MediaFile></ofd:MultiMedia></ofd:MultiMedias></ofd:Res>",
    }
    for n in range(pages):
        parts[f"Doc_0/Pages/Page_{n}/Content.xml"] = (
            f"<ofd:Page {space}><ofd:Content><ofd:Layer><ofd:TextObject><ofd:TextCode>{text}</ofd:TextCode>"
            "</ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>"
        )
    picture = io.BytesIO()
    Image.new("RGB", (20, 20), "red").save(picture, "PNG")
    given = {name: data.encode() for name, data in parts.items()} | {"Doc_0/Res/seal.png": picture.getvalue()}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in (given | (more or {})).items():
            if name != without:
                package.writestr(name, data)
    return out.getvalue()
