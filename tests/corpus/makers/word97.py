"""The smallest Word 97 document: an OLE2 compound file with a FIB, a piece table and text in UTF-16.

Only for tests: there is no free writer of this format. [MS-DOC] and [MS-CFB] name the fields.
"""

from __future__ import annotations

import struct

_SECTOR = 512
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_TEXT_AT = 2048


def word97(text: str) -> bytes:
    """A ``.doc`` whose only content is ``text``; line ends become paragraph marks."""
    characters = text.replace("\n", "\r") + "\r"
    body = characters.encode("utf-16-le")
    fib = bytearray(0x382 + 2)
    struct.pack_into("<HHHH", fib, 0, 0xA5EC, 0x00C1, 0, 0x0804)
    struct.pack_into("<H", fib, 0x0A, 0x0200 | 0x1000)  # fWhichTblStm, fExtChar
    struct.pack_into("<H", fib, 0x0C, 0x00BF)
    struct.pack_into("<II", fib, 0x18, _TEXT_AT, _TEXT_AT + len(body))
    struct.pack_into("<H", fib, 0x20, 14)
    struct.pack_into("<H", fib, 0x3E, 22)
    struct.pack_into("<I", fib, 0x40, _TEXT_AT + len(body))
    struct.pack_into("<I", fib, 0x4C, len(characters))
    struct.pack_into("<H", fib, 0x98, 0x5D)
    styles = struct.pack("<H", 18) + struct.pack("<HHHHHHHHH", 0, 10, 1, 91, 15, 0, 0, 0, 0)
    pieces = struct.pack("<II", 0, len(characters)) + struct.pack("<HIH", 0, _TEXT_AT, 0)
    clx = b"\x02" + struct.pack("<I", len(pieces)) + pieces
    fonts = struct.pack("<HH", 0, 0)
    section = struct.pack("<II", 0, len(characters)) + struct.pack("<HIHI", 0, 0xFFFFFFFF, 0, 0)
    runs = struct.pack("<II", _TEXT_AT, _TEXT_AT + len(body)) + struct.pack("<I", _TEXT_AT // _SECTOR - 1)
    table = bytearray()
    for entry, part in ((1, styles), (6, section), (12, runs), (13, runs), (15, fonts), (31, bytes(600)), (33, clx)):
        struct.pack_into("<II", fib, 0x9A + 8 * entry, len(table), len(part))
        table += part
    # one page of formatting for characters and paragraphs alike: one run over all the text, without properties
    page = struct.pack("<II", _TEXT_AT, _TEXT_AT + len(body)).ljust(_SECTOR - 1, b"\0") + b"\x01"
    document = bytes(fib).ljust(_TEXT_AT - _SECTOR, b"\0") + page + body
    return _compound({"WordDocument": document.ljust(4096, b"\0"), "1Table": bytes(table).ljust(4096, b"\0")})


def _compound(streams: dict[str, bytes]) -> bytes:
    """An OLE2 compound file with ``streams`` (each of at least 4,096 bytes) in its root."""
    sectors: list[bytes] = []
    chain: list[int] = []

    def put(data: bytes) -> int:
        first = len(sectors)
        pieces = [data[at : at + _SECTOR].ljust(_SECTOR, b"\0") for at in range(0, len(data), _SECTOR)]
        sectors.extend(pieces)
        chain.extend([*range(first + 1, first + len(pieces)), _END])
        return first

    placed = {name: (put(data), len(data)) for name, data in streams.items()}
    names = sorted(placed, key=lambda name: (len(name), name.upper()))
    right = {name: names[at + 1] if at + 1 < len(names) else "" for at, name in enumerate(names)}
    number = {name: at + 1 for at, name in enumerate(names)}
    entries = _entry("Root Entry", 5, _FREE, number[names[0]], _END, 0)
    for name in names:
        follows = number[right[name]] if right[name] else _FREE
        entries += _entry(name, 2, follows, _FREE, *placed[name])
    directory = put(entries.ljust(_SECTOR, b"\0"))
    fat_at = len(sectors)
    chain.append(_FAT)
    fat = struct.pack(f"<{len(chain)}I", *chain).ljust(_SECTOR, b"\xff")
    assert len(fat) == _SECTOR, "one sector of the table is enough for a test"
    header = struct.pack("<8s16sHHHHH6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", bytes(16), 0x3E, 3, 0xFFFE, 9, 6)
    header += struct.pack("<IIIIIIIII", 0, 1, directory, 0, 4096, _END, 0, _END, 0)
    header += struct.pack("<109I", fat_at, *[_FREE] * 108)
    return header + b"".join(sectors) + fat


def _entry(name: str, kind: int, right: int, child: int, start: int, size: int) -> bytes:
    encoded = name.encode("utf-16-le") + b"\0\0"
    return (
        encoded.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(encoded), kind, 1, _FREE, right, child)
        + bytes(16 + 4 + 16)
        + struct.pack("<IQ", start, size)
    )
