"""Archives as no honest program writes them, byte by byte where an ordinary writer would not make them."""

from __future__ import annotations

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import libarchive


def zipped(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members:
            out.writestr(zipfile.ZipInfo(name) if isinstance(name, str) else name, data, method)
    return path


def raw_zip(path: Path, members: list[tuple[bytes, bytes]], *, flags: int = 0, method: int = 0) -> Path:
    """A ZIP of stored members with exactly these name bytes, as Python's writer would not make it."""
    out = io.BytesIO()
    directory = b""
    for name, data in members:
        crc, at = zlib.crc32(data), out.tell()
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x21, crc, len(data), len(data), len(name), 0)
        out.write(b"PK\x03\x04" + common + name + data)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, at) + name
    at = out.tell()
    out.write(directory)
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), at, 0))
    path.write_bytes(out.getvalue())
    return path


def zip_entry(
    name: bytes,
    data: bytes,
    *,
    flags: int = 0,
    method: int = 0,
    packed: bytes | None = None,
    local_name: bytes | None = None,
    local_size: int | None = None,
    extra: bytes = b"",
    attributes: int = 0,
    host: int = 0,
    descriptor: bytes = b"",
) -> tuple[bytes, bytes, bytes]:
    """Local header with data, and the directory's entry in two halves around its offset."""
    body = data if packed is None else packed
    crc = zlib.crc32(data)
    here = local_name if local_name is not None else name
    size = len(data) if local_size is None else local_size
    sizes = (0, 0, 0) if flags & 8 else (crc, len(body), size)
    local = struct.pack("<4sHHHHHIIIHH", b"PK\x03\x04", 20, flags, method, 0, 0x21, *sizes, len(here), len(extra))
    front = struct.pack(
        "<4sBBHHHHHIIIHHHHHI",
        *(b"PK\x01\x02", 20, host, 20, flags, method, 0, 0x21, crc, len(body), len(data), len(name), len(extra)),
        *(0, 0, 0, attributes),
    )
    return local + here + extra + body + descriptor, front, name + extra


def write_zip(path: Path, *entries: tuple[bytes, bytes, bytes], before: bytes = b"", after: bytes = b"") -> Path:
    """A ZIP of these entries with ``before`` in front of its directory and ``after`` behind its end."""
    out, directory = b"", b""
    for local, front, rest in entries:
        directory += front + struct.pack("<I", len(out)) + rest
        out += local
    out += before
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, len(entries), len(entries), len(directory), len(out), 0)
    path.write_bytes(out + directory + end + after)
    return path


def write_tar(path: Path, members: list[tuple[str, bytes]], mode: str = "w", **options: object) -> Path:
    """A TAR of ordinary files."""
    with tarfile.open(path, mode, **options) as out:  # type: ignore[call-overload]
        for name, data in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            out.addfile(entry, io.BytesIO(data))
    return path


def write_7z(path: Path, members: dict[str, bytes], options: str = "") -> Path:
    """A 7z by libarchive."""
    with libarchive.file_writer(str(path), "7zip", options=options) as out:
        for name, data in members.items():
            out.add_file_from_memory(name, len(data), data)
    return path


def _rar4_block(kind: int, flags: int, body: bytes) -> bytes:
    head = struct.pack("<BHH", kind, flags, 7 + len(body)) + body
    return struct.pack("<H", zlib.crc32(head) & 0xFFFF) + head


def rar4(members: dict[bytes, bytes], *, archive_flags: int = 0, file_flags: int = 0, crc: int = 0) -> bytes:
    """A RAR 4 of stored files; ``crc`` is added to each checksum."""
    out = b"Rar!\x1a\x07\x00" + _rar4_block(0x73, archive_flags, bytes(6))
    for name, data in members.items():
        told = (len(data), len(data), 3, (zlib.crc32(data) + crc) & 0xFFFFFFFF, 0x5A210000, 20, 0x30, len(name))
        head = struct.pack("<IIBIIBBHI", *told, 0o100644)
        out += _rar4_block(0x74, 0x8000 | file_flags, head + name) + data
    return out + _rar4_block(0x7B, 0x4000, b"")


def _vint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _rar5_block(body: bytes) -> bytes:
    sized = _vint(len(body)) + body
    return struct.pack("<I", zlib.crc32(sized)) + sized


def rar5(members: dict[str, bytes], *, archive_flags: int = 0, crc: int = 0) -> bytes:
    """A RAR 5 of stored files."""
    out = b"Rar!\x1a\x07\x01\x00" + _rar5_block(b"\x01\x00" + _vint(archive_flags))
    for name, data in members.items():
        checksum = struct.pack("<I", (zlib.crc32(data) + crc) & 0xFFFFFFFF)
        raw = name.encode()
        head = b"\x02\x02" + _vint(len(data)) + b"\x04" + _vint(len(data)) + _vint(0o100644) + checksum
        out += _rar5_block(head + b"\x00\x01" + _vint(len(raw)) + raw) + data
    return out + _rar5_block(b"\x05\x00\x00")


def tarred(path: Path, *infos: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A TAR of these headers and their data, whatever they say; compressed as its ending says."""
    mode = {".gz": "w:gz", ".tgz": "w:gz", ".bz2": "w:bz2", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as out:  # type: ignore[call-overload]
        for info, data in infos:
            info.size = len(data)
            out.addfile(info, io.BytesIO(data))
    return path


def tar_info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """The header of a TAR member."""
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def inside(*members: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The bytes of a ZIP of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()
