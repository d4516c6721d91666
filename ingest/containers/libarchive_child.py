"""7z and RAR by the system's libarchive: runs in a process of its own, never in the worker (``ingest.pool``).

Only the two formats are switched on. Between calls the archive stays open, so that a solid one is read through once.
"""

from __future__ import annotations

import ctypes
import os
import time
import zlib
from collections.abc import Iterator
from typing import Any

from ingest.containers.rar_headers import checksums

_FILE, _FOLDER, _LINK = 0o100000, 0o040000, 0o120000
_OPEN_BLOCK = 1 << 16
_READ = 1 << 20
_NO_READER, _DAMAGED, _ENCRYPTED = "container.no_reader", "container.damaged", "container.encrypted"
_held: dict[tuple[bytes, int], tuple[_Archive, Iterator[tuple[int, Any]]]] = {}


class _Fault(Exception):
    """Ends reading; the argument is the finding's code."""


def _library() -> Any:
    try:
        from libarchive import ffi  # loads the system's library, which may not be there

        ffi.read_support_format_rar5 = ffi.get_read_format_function("rar5")
    except (ImportError, OSError, AttributeError, TypeError, ValueError) as error:
        raise _Fault(_NO_READER) from error
    return ffi


class _Archive:
    """An open archive and its one entry."""

    def __init__(self, path: bytes, kind: str) -> None:
        self.ffi = _library()
        self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._checksums = checksums(self._handle) if kind == "rar" else []
        self.archive = self.ffi.read_new()
        self.entry = self.ffi.entry_new()
        for one in ("7zip",) if kind == "7z" else ("rar", "rar5"):
            getattr(self.ffi, f"read_support_format_{one}")(self.archive)
        self._guarded(self.ffi.read_open_fd, self.archive, self._handle, _OPEN_BLOCK)

    def _guarded(self, call: Any, *arguments: Any) -> int:
        """The call's answer; a warning counts as damage, because a wrong checksum is no more to libarchive."""
        try:
            answer = int(call(*arguments))
        except Exception as error:
            raise self._fault() from error
        if answer < 0:
            raise self._fault()
        return answer

    def _fault(self) -> _Fault:
        told = self.ffi.error_string(self.archive) or b""
        return _Fault(_ENCRYPTED if self._locked() or b"ncrypt" in told or b"assphrase" in told else _DAMAGED)

    def _locked(self) -> bool:
        asks = self.ffi.libarchive.archive_read_has_encrypted_entries
        asks.argtypes, asks.restype = [ctypes.c_void_p], ctypes.c_int
        return int(asks(self.archive)) == 1

    def entries(self) -> Iterator[tuple[int, Any]]:
        """Each header with its number."""
        number = 0
        while self._guarded(self.ffi.read_next_header2, self.archive, self.entry) != self.ffi.ARCHIVE_EOF:
            yield number, self.entry
            number += 1

    def told(self) -> tuple[bytes, str, int | None, bool]:
        """Name, kind, size (None: not said) and whether the entry is encrypted."""
        ffi, entry = self.ffi, self.entry
        raw = ffi.entry_pathname(entry)
        if raw is None:
            wide = ffi.entry_pathname_w(entry)
            if wide is None:
                raise _Fault(_DAMAGED)
            raw = wide.encode("utf-8", "surrogatepass")
        locked = ffi.libarchive.archive_entry_is_encrypted
        locked.argtypes, locked.restype = [ctypes.c_void_p], ctypes.c_int
        kind = {_FILE: "file", _FOLDER: "folder", _LINK: "link"}.get(ffi.entry_filetype(entry), "special")
        if ffi.entry_hardlink(entry) is not None:
            kind = "link"
        size = int(ffi.entry_size(entry)) if ffi.entry_size_is_set(entry) else None
        if size is not None and size < 0:
            raise _Fault(_DAMAGED)
        return bytes(raw), kind, size if kind == "file" else 0, bool(locked(entry))

    def write(self, target: bytes, number: int, size: int) -> None:
        """The entry's bytes to ``target``; they must be exactly ``size``."""
        out = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o640)
        buffer = ctypes.create_string_buffer(_READ)
        written = checksum = 0
        try:
            while got := self._guarded(self.ffi.read_data, self.archive, buffer, _READ):
                written += got
                if written > size:
                    raise _Fault(_DAMAGED)
                view = memoryview(buffer)[:got]
                checksum = zlib.crc32(view, checksum)
                while view:
                    view = view[os.write(out, view) :]
        finally:
            os.close(out)
        wanted = self._checksums[number] if number < len(self._checksums) else None
        if written != size or wanted not in {None, checksum}:
            raise _Fault(_DAMAGED)

    def close(self) -> None:
        """Give everything back."""
        self.ffi.read_free(self.archive)
        self.ffi.entry_free(self.entry)
        os.close(self._handle)


def listed(items: list[tuple[bytes, str, int]]) -> list[Any]:
    """For each ``(path, kind, most entries)`` its entries as ``_Archive.told`` gives them, or a finding's code."""
    return [_listed(*one) for one in items]


def _listed(path: bytes, kind: str, most: int) -> Any:
    found: list[Any] = []
    try:
        archive = _Archive(path, kind)
        try:
            for number, _ in archive.entries():
                if number >= most:
                    return "container.too_many_entries"
                found.append(archive.told())
        finally:
            archive.close()
    except _Fault as fault:
        return str(fault.args[0])
    except ValueError:
        return _DAMAGED
    return found


def taken(items: list[tuple[bytes, str, bytes, dict[int, int], int, float, int, int]]) -> list[Any]:
    """Write a batch of each archive's files to its folder, named by their numbers: which were written, or a code."""
    return [_taken(*one) for one in items]


def _taken(
    path: bytes, kind: str, folder: bytes, sizes: dict[int, int], first: int, seconds: float, files: int, most: int
) -> Any:
    until = time.monotonic() + seconds
    written: list[int] = []
    try:
        archive, entries = _held.pop((path, first)) if (path, first) in _held else _begun(path, kind)
        for number, _ in entries:
            if number not in sizes or number < first:
                continue
            archive.write(folder + b"/%d" % number, number, sizes[number])
            written.append(number)
            most -= sizes[number]
            if len(written) >= files or most <= 0 or time.monotonic() > until:
                break
        later = [number for number in sizes if written and number > written[-1]]
        if later:
            _held[path, min(later)] = archive, entries
        else:
            archive.close()
    except _Fault as fault:
        return str(fault.args[0])
    except ValueError:
        return _DAMAGED
    return written


def _begun(path: bytes, kind: str) -> tuple[_Archive, Iterator[tuple[int, Any]]]:
    archive = _Archive(path, kind)
    return archive, archive.entries()
