"""Where a bag's files come from: a folder, a ZIP file, a TAR file. Deposited bags come in every shape; all are untrusted.

Paths are relative to the bag's base folder. Links are never followed out of the bag; names that could lead out of it
are set aside as faults and never read.
"""

from __future__ import annotations

import os
import posixpath
import stat
import tarfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from types import TracebackType
from typing import IO, Self, cast

from repository.bag.codes import BagFinding
from repository.bag.control import is_control
from repository.bag.rules import is_unsafe

CHUNK = 1 << 20
CONTROL_LIMIT = 1 << 30
READ_ERRORS = (OSError, zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, NotImplementedError, RuntimeError)


class OpenBag(ABC):
    """A bag that can be read. ``sizes``: path -> bytes of every regular file below the base.

    ``aliases``: path -> path of links inside the bag; ``faults``: what is wrong already; ``random``: whether several
    threads may read files in any order.
    """

    random = True

    def __init__(self) -> None:
        self.sizes: dict[str, int] = {}
        self.aliases: dict[str, str] = {}
        self.faults: list[BagFinding] = []
        self.has_data_folder = False
        self.base = ""
        self._resources = ExitStack()

    @abstractmethod
    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of one file; raises ``OSError`` when they cannot be read."""

    def stream(self, wanted: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The wanted files in the order that is cheapest here."""
        for path in wanted:
            yield path, self.chunks(path)

    def control_files(self) -> dict[str, bytes]:
        """The control files whole, as far as they can be read."""
        found = {}
        for path in sorted(filter(is_control, [*self.sizes, *self.aliases])):
            size = self.sizes.get(self.aliases.get(path, path), 0)
            if size > CONTROL_LIMIT:
                self.fault("bag.tag_too_large", path, size=size)
                continue
            try:
                found[path] = b"".join(self.chunks(path))
            except READ_ERRORS as error:
                self.fault("bag.unreadable_file", path, detail=str(error))
        return found

    def fault(self, code: str, path: str | None = None, **params: object) -> None:
        """Note what is wrong."""
        self.faults.append(BagFinding(code, path, params))

    def close(self) -> None:
        """Free what is open."""
        self._resources.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- what containers share -----------------------------------------------------------------------------------

    def _find_base(self, names: Iterable[str]) -> None:
        """The one folder that holds ``bagit.txt``; without one, the single top folder."""
        all_names = list(names)
        if "bagit.txt" in all_names:
            self.base = ""
            self.fault("bag.no_top_folder")
            return
        tops = {name.split("/", 1)[0] for name in all_names if "/" in name}
        bags = sorted(top for top in tops if f"{top}/bagit.txt" in set(all_names))
        if len(bags) > 1:
            self.fault("bag.several_bags", found=", ".join(bags))
        if bags:
            self.base = bags[0] + "/"
        elif len(tops) == 1:
            self.base = tops.pop() + "/"

    def _below_base(self, name: str) -> str | None:
        """The path below the base, or ``None`` (and a fault) for what lies outside of it."""
        if name.startswith(self.base):
            return name[len(self.base) :]
        self.fault("bag.outside_base", name)
        return None

    def _alias(self, path: str, target: str) -> None:
        """A link at ``path`` (below the base) to ``target``, resolved against the base."""
        if is_unsafe(target):
            self.fault("bag.link_outside", path)
        else:
            self.aliases[path] = target
            self.fault("bag.link_inside", path)

    def _settle_aliases(self) -> None:
        """Drop links that lead to nothing; follow links to links a few steps."""
        for path, first in list(self.aliases.items()):
            target = first
            for _ in range(8):
                target = self.aliases.get(target, target)
            if target in self.sizes:
                self.aliases[path] = target
            else:
                del self.aliases[path]
                self.fault("bag.special_file", path)


class FolderBag(OpenBag):
    """A bag as a folder."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self._root = os.fspath(root)
        self._walk("")
        self._settle_aliases()

    def _walk(self, above: str) -> None:
        folders = [above]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(f"{self._root}/{folder}") as entries:
                    for entry in entries:
                        self._entry(folder + entry.name, entry, folders)
            except OSError as error:
                self.fault("bag.unreadable_file", folder, detail=error.strerror or str(error))

    def _entry(self, path: str, entry: os.DirEntry[str], folders: list[str]) -> None:
        if entry.is_symlink():
            root = os.path.realpath(self._root)
            real = os.path.realpath(entry.path)
            inside = real.startswith(root + os.sep)
            if inside and Path(real).is_dir():
                self.fault("bag.special_file", path)
            else:
                self._alias(path, os.path.relpath(real, root) if inside else "..")
        elif entry.is_dir(follow_symlinks=False):
            if path == "data":
                self.has_data_folder = True
            folders.append(path + "/")
        else:
            status = entry.stat(follow_symlinks=False)
            if stat.S_ISREG(status.st_mode):
                self.sizes[path] = status.st_size
            else:
                self.fault("bag.special_file", path)

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of one file."""
        name = f"{self._root}/{self.aliases.get(path, path)}"
        with open(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb", buffering=0) as file:
            yield from _pieces(cast("IO[bytes]", file))


class ZipBag(OpenBag):
    """A bag in a ZIP file of any making (stored or compressed)."""

    def __init__(self, file: IO[bytes], *, label: str) -> None:
        super().__init__()
        self._resources.enter_context(file)
        self._archive: zipfile.ZipFile | None = None
        self._infos: dict[str, zipfile.ZipInfo] = {}
        try:
            self._archive = self._resources.enter_context(zipfile.ZipFile(file))
            self._read(self._archive.infolist())
        except READ_ERRORS as error:
            self.fault("bag.container_damaged", label, detail=str(error))

    def _read(self, infos: list[zipfile.ZipInfo]) -> None:
        named: dict[str, zipfile.ZipInfo] = {}
        folders = []
        for info in infos:
            name = _zip_name(info)
            if is_unsafe(name):
                self.fault("bag.unsafe_member", name)
            elif name.endswith("/"):
                folders.append(name)
            elif name in named:
                self.fault("bag.duplicate_member", name)
            else:
                named[name] = info
        self._find_base(named)
        self.has_data_folder = self.base + "data/" in folders
        for name, info in named.items():
            path = self._below_base(name)
            if path is None:
                continue
            if info.flag_bits & 1:
                self.fault("bag.encrypted", path)
            elif stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFREG}:
                self.fault("bag.link_outside", path)
            else:
                self.sizes[path] = info.file_size
                self._infos[path] = info

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of one member; its CRC-32 is checked by the reader."""
        assert self._archive is not None
        with self._archive.open(self._infos[path]) as member:
            yield from _pieces(member)


def _zip_name(info: zipfile.ZipInfo) -> str:
    """A member's name; without the UTF-8 flag it may still be UTF-8, or GB18030 as Chinese Windows writes it."""
    if info.flag_bits & 0x800:
        return info.filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:
        return info.filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding).split("\0", 1)[0]
        except UnicodeDecodeError:
            continue
    return info.filename


class TarBag(OpenBag):
    """A bag in a TAR file, compressed or not: read once for its list and control files, once for everything."""

    random = False

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        self._control: dict[str, bytes] = {}
        self._names: dict[str, str] = {}
        try:
            self._read()
        except READ_ERRORS as error:
            self.fault("bag.container_damaged", path.name, detail=str(error))
        self._settle_aliases()

    @staticmethod
    def looks_like_tar(path: Path) -> bool:
        """Whether tarfile finds an archive there (old archives have no magic number)."""
        try:
            return tarfile.is_tarfile(path)
        except OSError:
            return False

    def _open(self) -> tarfile.TarFile:
        return tarfile.open(self._path, "r|*")

    def _read(self) -> None:
        members: dict[str, tarfile.TarInfo] = {}
        control: dict[str, bytes] = {}
        folders = set()
        with closing(self._open()) as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isdir():
                    folders.add(name)
                    continue
                if is_unsafe(name):
                    self.fault("bag.unsafe_member", name)
                    continue
                if name in members:
                    self.fault("bag.duplicate_member", name)
                    continue
                members[name] = member
                if member.isreg() and name.count("/") <= 1 and is_control(name.rsplit("/", 1)[-1]):
                    file = archive.extractfile(member)
                    if file is not None and member.size <= CONTROL_LIMIT:
                        control[name] = file.read()
        self._find_base(members)
        self.has_data_folder = self.base + "data" in folders
        for name, member in members.items():
            self._member(name, member)
        self._control = {n[len(self.base) :]: data for n, data in control.items() if n.startswith(self.base)}

    def _member(self, name: str, member: tarfile.TarInfo) -> None:
        path = self._below_base(name)
        if path is None:
            return
        if member.isreg():
            self.sizes[path] = member.size
            self._names[name] = path
        elif member.islnk() or member.issym():
            folder = "" if member.islnk() else posixpath.dirname(name)
            target = posixpath.normpath(posixpath.join(folder, member.linkname))
            inside = target.startswith(self.base) and not is_unsafe(target)
            self._alias(path, target[len(self.base) :] if inside else "..")
        else:
            self.fault("bag.special_file", path)

    def control_files(self) -> dict[str, bytes]:
        """The control files, kept from the first pass."""
        return self._control

    def chunks(self, path: str) -> Iterator[bytes]:
        """The bytes of one file (one pass over the archive up to it)."""
        for _path, chunks in self.stream([path]):
            yield from chunks

    def stream(self, wanted: Iterable[str]) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The wanted files in the order of the archive, in one pass."""
        left = set(wanted)
        with closing(self._open()) as archive:
            for member in archive:
                path = self._names.get(member.name.removeprefix("./"))
                if path not in left or not member.isreg():
                    continue
                left.discard(path)
                file = archive.extractfile(member)
                assert file is not None
                yield path, _pieces(file)
                if not left:
                    return


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk
