"""Reading bags: members of a stored object by range or in one pass, and any bag from folder, ZIP, TAR or store."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from metadata.errors import Invalid, NotFound
from repository.bag import container
from repository.bag.sources import FolderBag, OpenBag, TarBag, ZipBag
from repository.storage.base import Store

__all__ = ["Member", "OpenBag", "StreamedMember", "directory", "members_of", "open_bag", "read_member"]

_LOOK = 512


@dataclass(frozen=True, slots=True)
class Member:
    """A file inside a bag object. ``path`` below the top folder; ``offset`` where its bytes begin; sizes in bytes."""

    path: str
    offset: int
    size: int
    crc32: int


@dataclass(frozen=True, slots=True)
class StreamedMember:
    """A member met while an object streams by; ``chunks`` must be exhausted before the next member is asked for."""

    name: str
    size: int
    crc32: int
    chunks: Iterator[bytes]


def damaged(detail: str) -> Invalid:
    """The object is not the stored ZIP that storage format 1 describes."""
    return Invalid(
        "bag.container_damaged",
        zh=f"档案包容器损坏或不是第 1 版存储格式：{detail}。请运行完整性检查并修复。",
        en=f"The bag's container is damaged or not of storage format 1: {detail}. Run a fixity audit and repair it.",
        detail=detail,
    )


# -- objects in a store ----------------------------------------------------------------------------------------------


def directory(store: Store, key: str) -> list[Member]:
    """All members of a bag object, from the ZIP's directory, by range reads only."""
    try:
        with zipfile.ZipFile(cast("IO[bytes]", open_object(store, key))) as archive:
            members = []
            for info in archive.infolist():
                start = info.header_offset + container.local_header_length(info.filename, info.file_size)
                path = info.filename.partition("/")[2]
                if info.compress_type != zipfile.ZIP_STORED or not path:
                    raise damaged(info.filename)
                members.append(Member(path, start, info.file_size, info.CRC))
            return members
    except (zipfile.BadZipFile, OSError) as error:
        raise damaged(str(error)) from error


def read_member(store: Store, key: str, offset: int, size: int) -> Iterator[bytes]:
    """The bytes of one member in chunks; ``offset`` and ``size`` from ``directory`` or the catalogue."""
    return store.read_range(key, offset, size)


def open_object(store: Store, key: str) -> io.BufferedReader:
    """An object as a seekable file that reads by range."""
    return io.BufferedReader(_ObjectFile(store, key), buffer_size=256 << 10)


class _ObjectFile(io.RawIOBase):
    def __init__(self, store: Store, key: str) -> None:
        super().__init__()
        self._store, self._key = store, key
        self._size = store.head(key).size
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError("seek before the object's beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer)).cast("B")
        filled = 0
        for chunk in self._store.read_range(self._key, self._position, len(view)):
            view[filled : filled + len(chunk)] = chunk
            filled += len(chunk)
        self._position += filled
        return filled


# -- one pass over a stored object -----------------------------------------------------------------------------------


def _refuse(name: str) -> None:
    raise damaged(name)


def members_of(
    chunks: Iterable[bytes], *, on_crc_fault: Callable[[str], None] = _refuse
) -> Generator[StreamedMember, None, None]:
    """The members of a bag object of storage format 1 as its bytes go by, in their order; memory stays flat.

    Raises ``Invalid`` (``bag.container_damaged``) where headers, CRC-32 or directory are not what the format says;
    ``on_crc_fault`` is told the member's name instead when given, and reading goes on.
    """
    stream = _Stream(chunks, on_crc_fault)
    directory_bytes: list[bytes] = []
    while True:
        start = stream.position
        signature = stream.exactly(4)
        if signature != container.LOCAL_SIGNATURE:
            break
        fixed = signature + stream.exactly(container.LOCAL_LENGTH - 4)
        crc32, size, name_length, extra_length = container.read_local_header(fixed)
        raw_name, extra = stream.exactly(name_length), stream.exactly(extra_length)
        size = container.zip64_size(extra) or size
        try:
            name = raw_name.decode()
        except UnicodeDecodeError:
            raise damaged(f"byte {start}") from None
        if fixed + raw_name + extra != container.local_header(name, size, crc32):
            raise damaged(name)
        stream.open_member = True
        yield StreamedMember(name, size, crc32, stream.checked(name, size, crc32))
        if stream.open_member:
            raise RuntimeError(f"{name} was not read to its end")
        directory_bytes.append(container.central_header(name, size, crc32, start))
    whole = b"".join(directory_bytes)
    whole += container.end_of_directory(len(directory_bytes), stream.position - 4, len(whole))
    if not directory_bytes or signature + stream.rest(len(whole) + 1) != whole:
        raise damaged("directory")


class _Stream:
    def __init__(self, chunks: Iterable[bytes], on_crc_fault: Callable[[str], None]) -> None:
        self._chunks = iter(chunks)
        self._on_crc_fault = on_crc_fault
        self._held = memoryview(b"")
        self.position = 0
        self.open_member = False

    def _take(self, most: int) -> memoryview:
        while not self._held:
            chunk = next(self._chunks, None)
            if chunk is None:
                return self._held
            self._held = memoryview(chunk)
        piece, self._held = self._held[:most], self._held[most:]
        self.position += len(piece)
        return piece

    def rest(self, most: int) -> bytes:
        """What follows, at most ``most`` bytes."""
        parts = []
        while most and (piece := self._take(most)):
            parts.append(bytes(piece))
            most -= len(piece)
        return b"".join(parts)

    def exactly(self, count: int) -> bytes:
        """``count`` bytes, or the object is cut short."""
        data = self.rest(count)
        if len(data) != count:
            raise damaged(f"byte {self.position}")
        return data

    def checked(self, name: str, size: int, crc32: int) -> Iterator[bytes]:
        """A member's bytes; its CRC-32 is compared at the end."""
        found = 0
        left = size
        while left:
            piece = bytes(self._take(left))
            if not piece:
                raise damaged(name)
            left -= len(piece)
            found = zlib.crc32(piece, found)
            yield piece
        self.open_member = False
        if found != crc32:
            self._on_crc_fault(name)


# -- any bag ---------------------------------------------------------------------------------------------------------


def open_bag(source: Path | str | tuple[Store, str]) -> OpenBag:
    """A bag in a folder, a ``.zip``, ``.tar`` or ``.tar.gz`` file (told by content), or a (store, key).

    Use it as a context manager. ``NotFound`` when nothing is there; ``Invalid`` (``bag.not_a_container``) for a file
    that is no ZIP and no TAR. What is wrong inside is in ``faults`` of the bag, never raised.
    """
    if isinstance(source, tuple):
        store, key = source
        return ZipBag(cast("IO[bytes]", open_object(store, key)), label=key)
    path = Path(source)
    if path.is_dir():
        return FolderBag(path)
    try:
        with path.open("rb") as file:
            head = file.read(_LOOK)
    except FileNotFoundError:
        raise NotFound(
            "bag.not_found", zh=f"找不到 {path.name}。", en=f"There is no {path.name}.", path=path.name
        ) from None
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZipBag(path.open("rb"), label=path.name)
    if head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar" or TarBag.looks_like_tar(path):
        return TarBag(path)
    raise Invalid(
        "bag.not_a_container",
        zh=f"{path.name} 既不是文件夹，也不是 ZIP、TAR 文件，无法作为 BagIt 包读取。",
        en=f"{path.name} is no folder, ZIP or TAR file, so it cannot be read as a bag.",
        path=path.name,
    )
