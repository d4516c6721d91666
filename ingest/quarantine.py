"""Quarantine: where deposited bytes lie until the first audit of their records has passed.

    <quarantine>/<submission id>/files/000/000012.pdf    bytes as deposited, numbered; names stand in the database
    <quarantine>/<submission id>/plans/...               frozen plans of bags
    <quarantine>/<submission id>/bags/...                deposited bags by their own names, for validation

A *source* is the text that says where a file's bytes are: relative to the submission's folder, an absolute path for a
source read where it lies, or ``file:`` and the percent-encoded bytes of an absolute path that is not UTF-8.
"""

from __future__ import annotations

import ctypes
import errno
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote_from_bytes, unquote_to_bytes

from metadata.errors import Unavailable
from metadata.identifiers import checked_id

_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,10}\Z")
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def folder(quarantine: Path, submission_id: str) -> Path:
    """The submission's folder; the id is checked, so that it can never lead elsewhere."""
    return quarantine / checked_id(submission_id)


def numbered(position: int, name: str) -> str:
    """The source of the ``position``-th file: a number and the suffix, which format identification reads."""
    found = _SUFFIX.search(name)
    return f"files/{position // 1000:03d}/{position:06d}{found.group().lower() if found else ''}"


def in_place(path: bytes) -> str:
    """The source of a file that is read where it lies."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - bytes path
    try:
        return absolute.decode("utf-8")
    except UnicodeDecodeError:
        return "file:" + quote_from_bytes(absolute)


def is_in_place(source: str) -> bool:
    """Whether ``source`` lies outside quarantine."""
    return source.startswith(("/", "file:"))


def locate(base: Path, source: str) -> bytes:
    """The path of ``source`` for a submission whose folder is ``base``."""
    if source.startswith("file:"):
        return unquote_to_bytes(source[5:])
    if source.startswith("/"):
        return os.fsencode(source)
    return os.fsencode(base) + b"/" + source.encode()


def opener(base: Path) -> Callable[[str], BinaryIO]:
    """What ``repository.bag.pack`` reads sources with."""

    def open_source(source: str) -> BinaryIO:
        return open(locate(base, source), "rb", buffering=0)

    return open_source


def write_all(handle: int, data: bytes | memoryview) -> None:
    """Write every byte of ``data``: a nearly full disk takes a part and only says so at the next call."""
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]


def create(path: Path) -> int:
    """A file handle for writing ``path`` anew; missing folders are made."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
    try:
        return os.open(path, flags, 0o640)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o640)


def settle(path: Path) -> None:
    """Put everything written below ``path`` on stable storage: one ``syncfs`` instead of one fsync a file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        syncfs = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
        if syncfs is None:
            os.sync()
        elif syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(handle)


def settle_name(path: Path) -> None:
    """Put the name of one new file on stable storage; its bytes are the caller's business."""
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_behind(base: Path, position: int) -> None:
    """Remove every numbered file after ``position``, lowest number first: what a container had given before it broke."""
    folders = sorted((base / "files").glob("[0-9]*"))
    for folder_ in (one for one in folders if int(one.name) >= position // 1000):
        for one in sorted(folder_.iterdir()):
            number = one.name.partition(".")[0]
            if number.isdecimal() and int(number) > position:
                one.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a folder of quarantine whose bytes are safe elsewhere, or that is to be made anew."""
    shutil.rmtree(path, ignore_errors=True)


def trouble(error: OSError) -> Unavailable:
    """The sentence for a person when quarantine or a source could not be written or read."""
    if error.errno in _FULL:
        return Unavailable(
            "quarantine.full",
            zh="隔离区所在磁盘已满，本次接收没有完成，已存内容没有丢失。请腾出空间后重试。",
            en="The disk of the quarantine is full; receiving did not finish and nothing kept was lost. Free some space and try again.",
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return Unavailable(
            "quarantine.refused",
            zh="没有权限读写所需的文件或隔离区。请检查文件夹权限后重试。",
            en="A needed file or the quarantine may not be read or written. Check the folder's permissions and try again.",
        )
    return Unavailable(
        "quarantine.unavailable",
        zh=f"读写隔离区或来源时出错（{errno.errorcode.get(error.errno or 0, '?')}）。请检查磁盘后重试。",
        en=f"Quarantine or source could not be read or written ({errno.errorcode.get(error.errno or 0, '?')}). Check the disk and try again.",
    )
