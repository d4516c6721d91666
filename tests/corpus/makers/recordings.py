"""Compound files (MS-CFB) and MP4, as small as they can be and still be themselves."""

from __future__ import annotations

import struct

_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD


def compound(streams: dict[str, bytes]) -> bytes:
    """A compound file with ``streams`` side by side, each padded to the size from which the large table is used."""
    sectors: list[bytes] = [b"", b""]  # the table and the directory come first
    table = [_FAT, _END]
    entries = [_entry("Root Entry", 5, _END, 0, child=1 if streams else _FREE)]
    names = list(streams)
    for number, name in enumerate(names, start=1):
        data = streams[name].ljust(4096, b"\0")
        first = len(sectors)
        pieces = [data[start : start + 512].ljust(512, b"\0") for start in range(0, len(data), 512)]
        sectors += pieces
        table += [*range(first + 1, first + len(pieces)), _END]
        entries.append(_entry(name, 2, first, len(data), right=number + 1 if number < len(names) else _FREE))
    entries += [_entry("", 0, 0, 0)] * (-len(entries) % 4)
    assert len(entries) == 4
    assert len(table) <= 128
    sectors[0] = struct.pack("<128I", *table, *[_FREE] * (128 - len(table)))
    sectors[1] = b"".join(entries)
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, 1, 0, 4096, _END, 0, _END, 0)
    return head + struct.pack("<109I", 0, *[_FREE] * 108) + b"".join(sectors)


def _entry(name: str, kind: int, first: int, size: int, *, right: int = _FREE, child: int = _FREE) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0" if name else b""
    return (
        text.ljust(64, b"\0")
        + struct.pack("<HBBIII", len(text), kind, 1, _FREE, right, child)
        + bytes(36)
        + struct.pack("<IQ", first, size)
    )


def mp4(seconds: int = 2, *, table: bool = True) -> bytes:
    """Sound without compression in MP4; without its ``table`` nothing says what the data is."""
    rate, data = 8000, bytes(2 * 8000 * seconds)
    kind = _box(b"ftyp", b"isom" + struct.pack(">I", 512) + b"isomiso2mp41")
    header = struct.pack(">IIIIIIH10x", 0, 0, 0, 1000, 1000 * seconds, 0x10000, 0x100) + _matrix() + bytes(24)
    track = struct.pack(">IIIIIIIIhhhH", 7, 0, 0, 1, 0, 1000 * seconds, 0, 0, 0, 0, 0x100, 0) + _matrix() + bytes(8)
    sound = bytes(6) + struct.pack(">HIIHHHHI", 1, 0, 0, 1, 16, 0, 0, rate << 16)
    samples = (
        _full(b"stsd", struct.pack(">I", 1) + _box(b"sowt", sound))
        + _full(b"stts", struct.pack(">III", 1, rate * seconds, 1))
        + _full(b"stsc", struct.pack(">IIII", 1, 1, rate * seconds, 1))
        + _full(b"stsz", struct.pack(">II", 2, rate * seconds))
        + _full(b"stco", struct.pack(">II", 1, len(kind) + 8))
    )
    source = _box(b"dinf", _full(b"dref", struct.pack(">I", 1) + _box(b"url ", struct.pack(">I", 1))))
    media = _box(
        b"mdia",
        _box(b"mdhd", struct.pack(">IIIIIHH", 0, 0, 0, rate, rate * seconds, 0x55C4, 0))
        + _full(b"hdlr", struct.pack(">I4s12x", 0, b"soun") + b"sound\0")
        + _box(b"minf", _full(b"smhd", bytes(4)) + source + _box(b"stbl", samples)),
    )
    movie = _box(b"moov", _box(b"mvhd", header + struct.pack(">I", 2)) + _box(b"trak", _box(b"tkhd", track) + media))
    return kind + _box(b"mdat", data) + (movie if table else b"")


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data) + 8) + kind + data


def _full(kind: bytes, data: bytes) -> bytes:
    return _box(kind, bytes(4) + data)


def _matrix() -> bytes:
    return struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
