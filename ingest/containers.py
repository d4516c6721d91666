"""Containers: ZIP and TAR as transport only. Looked through before anything is unpacked, unpacked under limits.

``listing`` reads the directory, ``ingest.checks.container`` judges it, ``extract`` unpacks members to quarantine and
digests them on the way. Nothing is unpacked from a container with an error finding. RAR and 7z are refused.
"""

from __future__ import annotations

import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.walk import Name, read_name

_UTF8_FLAG = 0x800
_ENCRYPTED_FLAG = 0x1
_END = b"PK\x05\x06"
_END64_LOCATOR = b"PK\x06\x07"
_SUPPORTED = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_TAR_SUFFIXES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
DAMAGED = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, struct.error, ValueError)
"""What a broken container raises while it is read."""


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a container's directory. ``kind``: file, folder, link, special."""

    name: Name
    kind: str
    size: int
    packed: int
    offset: int
    encrypted: bool = False
    supported: bool = True
    raw: Any = None


class Damaged(Exception):
    """The container cannot be read to its end."""


def kind_of(name: str, head: bytes) -> str | None:
    """``zip``, ``tar``, ``rar`` or ``7z`` when ``name`` and the first bytes say so; None for everything else.

    Office documents and OFD are ZIPs too: only a name that ends in ``.zip`` makes a ZIP a container.
    """
    lower = name.lower()
    if head.startswith((b"Rar!\x1a\x07", b"7z\xbc\xaf\x27\x1c")):
        return "rar" if head.startswith(b"Rar!") else "7z"
    if lower.endswith(".zip") and head.startswith((b"PK\x03\x04", _END, b"PK\x07\x08")):
        return "zip"
    if lower.endswith(_TAR_SUFFIXES) and (head[257:262] == b"ustar" or not lower.endswith(".tar")):
        return "tar"
    return None


def listing(path: Path, name: str, limits: IngestLimits) -> list[Member] | Finding:
    """Every entry of the container at ``path``, or the finding that keeps it shut."""
    try:
        if name.lower().endswith(_TAR_SUFFIXES):
            return _tar_listing(path, name, limits)
        return _zip_listing(path, name, limits)
    except (*DAMAGED, NotImplementedError):
        return Finding("container.damaged", name)


def _zip_listing(path: Path, name: str, limits: IngestLimits) -> list[Member] | Finding:
    entries, directory = _zip_end(path)
    if entries > limits.container_entries or directory > limits.directory_bytes:
        return Finding("container.too_many_entries", name, {"limit": limits.container_entries})
    members: list[Member] = []
    with zipfile.ZipFile(path) as opened:
        for info in opened.infolist():
            members.append(_zip_member(info))
            if len(members) > limits.container_entries:
                return Finding("container.too_many_entries", name, {"limit": limits.container_entries})
    return members


def _zip_end(path: Path) -> tuple[int, int]:
    """Entries and bytes of the ZIP's directory, from its end record, before any of it is read into memory."""
    size = path.stat().st_size
    with path.open("rb") as opened:
        opened.seek(max(0, size - 65_557))
        tail = opened.read()
        at = tail.rfind(_END)
        if at < 0 or len(tail) < at + 22:
            raise zipfile.BadZipFile
        entries, directory = struct.unpack_from("<HI", tail, at + 10)
        locator = at - 20
        if locator >= 0 and tail[locator : locator + 4] == _END64_LOCATOR:
            opened.seek(struct.unpack_from("<Q", tail, locator + 8)[0])
            record = opened.read(56)
            if len(record) < 56:
                raise zipfile.BadZipFile
            entries, directory = struct.unpack_from("<QQ", record, 32)
    return int(entries), int(directory)


def _zip_member(info: zipfile.ZipInfo) -> Member:
    if info.flag_bits & _UTF8_FLAG:
        name = Name(info.orig_filename)
    else:
        name = read_name(info.orig_filename.encode("cp437", "replace"))
    mode = info.external_attr >> 16
    kind = "file"
    if name.text.endswith("/"):
        kind = "folder"
    elif stat.S_ISLNK(mode):
        kind = "link"
    elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
        kind = "special"
    return Member(
        name=name,
        kind=kind,
        size=info.file_size,
        packed=info.compress_size,
        offset=info.header_offset,
        encrypted=bool(info.flag_bits & _ENCRYPTED_FLAG),
        supported=info.compress_type in _SUPPORTED,
        raw=info,
    )


def _tar_listing(path: Path, name: str, limits: IngestLimits) -> list[Member] | Finding:
    """A compressed TAR has no directory: it is read through once, and stopped as soon as a limit is passed."""
    members: list[Member] = []
    total = 0
    on_disk = path.stat().st_size
    with tarfile.open(path, "r:*", encoding="utf-8", errors="surrogateescape") as opened:
        for info in opened:
            members.append(_tar_member(info))
            total += info.size if info.isreg() else 0
            if len(members) > limits.container_entries:
                return Finding("container.too_many_entries", name, {"limit": limits.container_entries})
            if total > limits.container_bytes:
                return Finding("container.too_large", name, {"limit": limits.container_bytes})
            if total > limits.container_ratio_from and total > limits.container_ratio * max(1, on_disk):
                ratio = total // max(1, on_disk)
                return Finding("container.bomb", name, {"ratio": ratio, "limit": limits.container_ratio})
    return members


def _tar_member(info: tarfile.TarInfo) -> Member:
    kind = "special"
    if info.isreg():
        kind = "file"
    elif info.isdir():
        kind = "folder"
    elif info.issym() or info.islnk():
        kind = "link"
    name = read_name(info.name.encode("utf-8", "surrogateescape"))
    return Member(name, kind, info.size, info.size, info.offset, raw=info)


def extract(path: Path, name: str, members: list[Member]) -> Iterator[tuple[Member, Callable[[], IO[bytes]]]]:
    """Every file of the container with what opens it, in the container's own order; ``Damaged`` when it breaks off.

    The opener must be read to its end before the next member is asked for: the ZIP's CRC is checked there.
    """
    try:
        if name.lower().endswith(_TAR_SUFFIXES):
            with tarfile.open(path, "r:*", encoding="utf-8", errors="surrogateescape") as tar:
                for member in members:
                    if member.kind == "file":
                        yield member, _tar_opener(tar, member)
        else:
            with zipfile.ZipFile(path) as opened:
                for member in members:
                    if member.kind == "file":
                        yield member, _zip_opener(opened, member)
    except (*DAMAGED, NotImplementedError) as error:
        raise Damaged from error


def _zip_opener(opened: zipfile.ZipFile, member: Member) -> Callable[[], IO[bytes]]:
    return lambda: opened.open(member.raw)


def _tar_opener(opened: tarfile.TarFile, member: Member) -> Callable[[], IO[bytes]]:
    def start() -> IO[bytes]:
        found = opened.extractfile(member.raw)
        if found is None:
            raise tarfile.ReadError
        return found

    return start
