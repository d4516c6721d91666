"""Still pictures of every family, whole; what a case does to them afterwards is its own affair."""

from __future__ import annotations

import io
import struct
import zlib
from functools import cache
from random import Random

from PIL import Image

A4 = (1654, 2339)
"""Pixels of an A4 page at 200 dots an inch."""
FORMS = {
    ".jpg": ("JPEG", {"quality": 80}),
    ".png": ("PNG", {}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".gif": ("GIF", {}),
    ".bmp": ("BMP", {}),
    ".webp": ("WEBP", {}),
    ".jp2": ("JPEG2000", {}),
    ".avif": ("AVIF", {}),
}


def saved(image: Image.Image, kind: str, **more: object) -> bytes:
    """``image`` as Pillow writes it."""
    out = io.BytesIO()
    image.save(out, kind, **more)  # type: ignore[arg-type]  # each format has options of its own
    return out.getvalue()


def noise(size: tuple[int, int] = (400, 300), seed: int = 7) -> Image.Image:
    """A picture that hardly packs, so that a part of the file is a part of the picture."""
    return Image.frombytes("RGB", size, Random(seed).randbytes(size[0] * size[1] * 3))


@cache
def picture(ending: str) -> bytes:
    """A whole picture in the format of ``ending``."""
    kind, options = FORMS[ending]
    image = noise()
    return saved(image.convert("P") if kind == "GIF" else image, kind, **options)


def cut(data: bytes, share: float) -> bytes:
    """The first part of ``data``."""
    return data[: int(len(data) * share)]


def photograph(**more: object) -> bytes:
    """A JPEG that names the camera that made it."""
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    return saved(noise(), "JPEG", exif=exif, **more)


def flat_png(width: int, height: int, rows: bytes = bytes(1 << 20)) -> bytes:
    """A PNG that says it is ``width`` by ``height`` pixels of one bit, and brings ``rows`` for them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
