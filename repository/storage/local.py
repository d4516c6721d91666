"""The store in a local folder: atomic, exclusive and durable creates, links never followed (POSIX).

An object is written to a file of its own in ``.tmp`` (same file system, never listed), brought to stable storage, and
only then given its name by a hard link, which fails when the name is taken. The folder that holds the name, and every
folder made on the way, is brought to stable storage too. Every step below the root goes through folder descriptors
opened without following links, so that a link planted in the store leads nowhere.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from metadata.errors import Invalid, LantaiError, NotFound
from repository.storage import failures, walk, writeback
from repository.storage.base import CHUNK, Stat, Written, checked_key
from repository.storage.digested import DigestedChunks
from repository.storage.walk import FOLDER, TEMPORARY

SWEEP_AFTER_SECONDS = 24 * 3600
_FLUSH_EVERY = 16 << 20  # large objects begin to reach the disk while they are read, not all at the end
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_REMEMBERED = 100_000


class LocalStore:
    """One folder as a store (the port of ``storage.base``)."""

    kind = "local"

    def __init__(self, name: str, root: Path, *, domain: str = "") -> None:
        self.name = name
        self.root = Path(root).absolute()
        self._domain = domain
        self._identity: tuple[int, int] | None = None
        self._synced: set[str] = set()

    # -- the port ------------------------------------------------------------------------------------------------

    def create(self, key: str, chunks: Iterable[bytes | memoryview], *, expect: str | None = None) -> Written:
        """Write a whole new object, atomically and durably, never over another (``storage.base.Store.create``)."""
        parts = self.parts(key)
        with self.folder(parts[:-1], key, make=True) as folder:
            if self._exists(folder, parts[-1], key):
                return self._confirm(folder, parts[-1], key, self._measure(chunks), expect)
            with self._temporary(key) as (temporary, name, descriptor):
                size, sha256 = self._fill(descriptor, chunks, key)
                if expect is not None and sha256 != expect:
                    raise failures.not_as_expected(self.name, key, expect, sha256)
                try:
                    with self.errors(key):
                        os.fsync(descriptor)
                        os.link(name, parts[-1], src_dir_fd=temporary, dst_dir_fd=folder, follow_symlinks=False)
                        os.fsync(folder)
                except FileExistsError:
                    return self._confirm(folder, parts[-1], key, (size, sha256), expect)
        return Written(key, size, sha256)

    def read(self, key: str) -> Iterator[bytes]:
        """All bytes in chunks."""
        return self._pieces(key, 0, None)

    def read_range(self, key: str, offset: int, length: int) -> Iterator[bytes]:
        """``length`` bytes from ``offset``, fewer at the object's end."""
        if offset < 0 or length < 0:
            raise ValueError("a range begins and reaches forward")
        return self._pieces(key, offset, offset + length)

    def head(self, key: str) -> Stat:
        """Size of one object."""
        parts = self.parts(key)
        with self.folder(parts[:-1], key) as folder, self._opened(folder, parts[-1], key) as (_descriptor, size):
            return Stat(key, size)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[Stat]:
        """Every object below ``prefix`` in the order of the keys' bytes, streaming.

        Links and special files are listed too (an inventory must see them); names that are not UTF-8 come with
        backslash escapes.
        """
        wanted, start = os.fsencode(prefix), os.fsencode(after)
        with self.errors("."):
            root = self._open_root()
            try:
                yield from walk.files(root, b"", wanted, start)
            finally:
                os.close(root)

    def set_aside(self, key: str, evidence_key: str) -> None:
        """Move a damaged object to ``evidence_key``; repeating it after a crash is harmless."""
        parts, target = self.parts(key), self.parts(evidence_key)
        with self.folder(target[:-1], evidence_key, make=True) as kept:
            before = self._inode(kept, target[-1])
            with self.folder(parts[:-1], key, missing_is_none=before is not None) as folder:
                here = self._inode(folder, parts[-1])
                if here is None:
                    if before is None:
                        raise failures.not_found(self.name, key)
                    return
                if before is not None and before != here:
                    raise failures.other_bytes(self.name, evidence_key)
                with self.errors(key):
                    if before is None:
                        os.link(parts[-1], target[-1], src_dir_fd=folder, dst_dir_fd=kept, follow_symlinks=False)
                    os.fsync(kept)
                    os.unlink(parts[-1], dir_fd=folder)
                    os.fsync(folder)

    # -- the folder as a whole -----------------------------------------------------------------------------------

    @property
    def location(self) -> str:
        """The folder."""
        return str(self.root)

    def failure_domain(self) -> str:
        """The device that the folder lies on, or what the settings say."""
        with self.errors("."):
            root = self._open_root()
            try:
                return self._domain or f"device:{os.fstat(root).st_dev}"
            finally:
                os.close(root)

    def prepare(self) -> None:
        """Make the store's folder when it is new, with every folder above it on stable storage; then check it."""
        with self.errors(str(self.root)):
            missing = []
            path = self.root
            while not path.is_dir():
                missing.append(path)
                path = path.parent
            for one in reversed(missing):
                with suppress(FileExistsError):
                    one.mkdir(mode=0o750)
                descriptor = os.open(one.parent, os.O_RDONLY | os.O_DIRECTORY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        self.check()

    def check(self, *, sweep_after: float = SWEEP_AFTER_SECONDS) -> int:
        """Prove that the folder is there and can be written; remove temporary files older than ``sweep_after`` s.

        Returns how many were removed. Raises ``Unavailable`` with one sentence that names the store.
        """
        with self._temporary(TEMPORARY) as (folder, name, descriptor), self.errors(TEMPORARY):
            os.write(descriptor, b"check")
            other = name + "-link"
            os.link(name, other, src_dir_fd=folder, dst_dir_fd=folder)
            os.unlink(other, dir_fd=folder)
            removed = 0
            oldest = time.time() - sweep_after
            with os.scandir(folder) as entries:
                for entry in entries:
                    with suppress(FileNotFoundError):
                        if entry.name != name and entry.stat(follow_symlinks=False).st_mtime < oldest:
                            os.unlink(entry.name, dir_fd=folder)
                            removed += 1
            return removed

    # -- folders and descriptors ---------------------------------------------------------------------------------

    def parts(self, key: str) -> tuple[str, ...]:
        """The parts of a key that this store can hold; ``Invalid`` for others."""
        parts = tuple(checked_key(key).split("/"))
        if parts[0] == TEMPORARY:
            raise Invalid(
                "store.bad_key",
                zh=f"存储键不合规：{key!r}。",
                en=f"Not a storage key: {key!r}.",
                key=key,
            )
        return parts

    @contextmanager
    def errors(self, key: str) -> Iterator[None]:
        """Turn what the file system says about ``key`` into a sentence; ``FileExistsError`` passes."""
        try:
            yield
        except FileExistsError:
            raise
        except OSError as error:
            raise failures.of_os_error(error, self.name, key) from error

    def _open_root(self) -> int:
        try:
            root = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise failures.root_missing(self.name, str(self.root)) from error
        status = os.fstat(root)
        identity = (status.st_dev, status.st_ino)
        if self._identity is None:
            self._identity = identity
        elif self._identity != identity:
            os.close(root)
            raise failures.root_changed(self.name, str(self.root))
        return root

    @contextmanager
    def folder(
        self, parts: tuple[str, ...], key: str, *, make: bool = False, missing_is_none: bool = False
    ) -> Generator[int, None, None]:
        """Descriptor of the folder ``parts`` below the root; -1 when it is missing and ``missing_is_none``.

        A folder met for the first time by this process has its name brought to stable storage even when another
        process made it: that process may not have come so far yet.
        """
        with self.errors(key):
            current = self._open_root()
        try:
            walked = ""
            for part in parts:
                walked += part + "/"
                try:
                    with self.errors(key):
                        entered = self._enter(current, part, walked, make=make)
                except NotFound:
                    if not missing_is_none:
                        raise
                    os.close(current)
                    current = -1
                    break
                os.close(current)
                current = entered
            yield current
        finally:
            if current >= 0:
                os.close(current)

    def _enter(self, parent: int, part: str, walked: str, *, make: bool) -> int:
        made = False
        try:
            entered = os.open(part, FOLDER, dir_fd=parent)
        except FileNotFoundError:
            if not make:
                raise
            with suppress(FileExistsError):
                os.mkdir(part, 0o750, dir_fd=parent)
            made = True
            entered = os.open(part, FOLDER, dir_fd=parent)
        except NotADirectoryError:
            if stat.S_ISLNK(os.stat(part, dir_fd=parent, follow_symlinks=False).st_mode):
                raise failures.link_in_the_way(self.name, walked) from None
            if not make:
                raise failures.not_found(self.name, walked) from None
            raise
        if make and (made or walked not in self._synced):
            os.fsync(parent)
            if len(self._synced) >= _REMEMBERED:
                self._synced.clear()
            self._synced.add(walked)
        return entered

    @contextmanager
    def _temporary(self, key: str) -> Iterator[tuple[int, str, int]]:
        """A new file in ``.tmp``: (folder, name, descriptor); its temporary name is gone afterwards."""
        with self.errors(key):
            root = self._open_root()
            try:
                with suppress(FileExistsError):
                    os.mkdir(TEMPORARY, 0o750, dir_fd=root)
                folder = os.open(TEMPORARY, FOLDER, dir_fd=root)
            finally:
                os.close(root)
        try:
            name = f"{os.getpid()}-{secrets.token_hex(12)}"
            with self.errors(key):
                descriptor = os.open(name, _WRITE, 0o640, dir_fd=folder)
            try:
                yield folder, name, descriptor
            finally:
                os.close(descriptor)
                with suppress(OSError):  # a name that stays is swept later
                    os.unlink(name, dir_fd=folder)
        finally:
            os.close(folder)

    def _fill(self, descriptor: int, chunks: Iterable[bytes | memoryview], key: str) -> tuple[int, str]:
        own = None if isinstance(chunks, DigestedChunks) else hashlib.sha256()
        size = started = 0
        for chunk in chunks:  # errors of the source pass through as they are
            if own is not None:
                own.update(chunk)
            with self.errors(key):
                written = os.write(descriptor, chunk)
                if written < len(chunk):
                    rest = memoryview(chunk)[written:]
                    while rest:
                        rest = rest[os.write(descriptor, rest) :]
                size += len(chunk)
                if size - started >= _FLUSH_EVERY:
                    writeback.start(descriptor, started, size - started)
                    started = size
        if own is not None:
            return size, own.hexdigest()
        assert isinstance(chunks, DigestedChunks)
        return size, chunks.sha256()

    @staticmethod
    def _measure(chunks: Iterable[bytes | memoryview]) -> tuple[int, str]:
        own, size = hashlib.sha256(), 0
        for chunk in chunks:
            own.update(chunk)
            size += len(chunk)
        return size, own.hexdigest()

    # -- objects -------------------------------------------------------------------------------------------------

    @staticmethod
    def _inode(folder: int, name: str) -> tuple[int, int] | None:
        if folder < 0:
            return None
        try:
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return status.st_dev, status.st_ino

    def _exists(self, folder: int, name: str, key: str) -> bool:
        with self.errors(key):
            return self._inode(folder, name) is not None

    def _confirm(self, folder: int, name: str, key: str, given: tuple[int, str], expect: str | None) -> Written:
        """The key is there: the same bytes are a success, others a conflict."""
        size, sha256 = given
        if expect is not None and sha256 != expect:
            raise failures.not_as_expected(self.name, key, expect, sha256)
        own, found = hashlib.sha256(), 0
        taken = failures.key_taken_by_folder
        with self._opened(folder, name, key, is_folder=taken) as (descriptor, there):
            if there != size:
                raise failures.other_bytes(self.name, key)
            with self.errors(key):
                while piece := os.pread(descriptor, CHUNK, found):
                    own.update(piece)
                    found += len(piece)
                os.fsync(folder)  # who linked it may have died before this
        if own.hexdigest() != sha256:
            raise failures.other_bytes(self.name, key)
        return Written(key, size, sha256, existed=True)

    @contextmanager
    def _opened(
        self, folder: int, name: str, key: str, *, is_folder: Callable[[str, str], LantaiError] = failures.not_found
    ) -> Iterator[tuple[int, int]]:
        with self.errors(key):
            descriptor = os.open(name, _READ, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise is_folder(self.name, key)
            if not stat.S_ISREG(status.st_mode):
                raise failures.link_in_the_way(self.name, key)
            yield descriptor, status.st_size
        finally:
            os.close(descriptor)

    def _pieces(self, key: str, start: int, end: int | None) -> Iterator[bytes]:
        parts = self.parts(key)
        with self.folder(parts[:-1], key) as folder, self._opened(folder, parts[-1], key) as (descriptor, size):
            stop = size if end is None else min(end, size)
            while start < stop:
                with self.errors(key):
                    piece = os.pread(descriptor, min(CHUNK, stop - start), start)
                if not piece:
                    return
                start += len(piece)
                yield piece
