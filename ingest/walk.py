"""Walking over what was handed over: files and folders in one fixed order, nothing followed, nothing skipped unsaid."""

from __future__ import annotations

import base64
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.outcome import Finding


@dataclass(frozen=True, slots=True)
class Name:
    """A name as deposited: readable text and, where its bytes are not UTF-8, those bytes in base64."""

    text: str
    raw: str | None = None
    legacy: bool = False
    encoding: str = "GB18030"


@dataclass(frozen=True, slots=True)
class Found:
    """An ordinary file: its name below the deposit's root and where its bytes lie."""

    name: Name
    location: bytes


def read_name(raw: bytes) -> Name:
    """The name that ``raw`` means: UTF-8, else GB18030 (``legacy``), else with unreadable bytes escaped."""
    try:
        return Name(raw.decode("utf-8"))
    except UnicodeDecodeError:
        kept = base64.b64encode(raw).decode()
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return Name(raw.decode("utf-8", "backslashreplace"), kept)
    if not all(one.isprintable() for one in text):
        return Name(raw.decode("utf-8", "backslashreplace"), kept)
    return Name(text, kept, legacy=True)


def name_finding(name: Name) -> Finding | None:
    """What is to be said about a name that is not UTF-8."""
    if name.raw is None:
        return None
    if name.legacy:
        return Finding("name.legacy_encoding", name.text, {"encoding": name.encoding})
    return Finding("name.not_utf8", name.text)


def walk(paths: Iterable[Path]) -> Iterator[Found | Finding]:
    """Every ordinary file below ``paths``, sorted by the bytes of its name, and findings for everything else.

    One folder alone is the deposit's root; several paths keep their own last name. A path named by the person may be
    a link; links inside folders are refused, never followed.
    """
    given = [os.fsencode(path) for path in paths]
    if len(given) == 1 and Path(os.fsdecode(given[0])).is_dir():
        yield from _folder(given[0], b"")
        return
    for path in given:
        real = os.path.realpath(path)
        yield from _one(real, os.path.basename(os.path.abspath(path)), _mode(real))  # noqa: PTH100, PTH119 - bytes


def _mode(path: bytes) -> int | OSError:
    try:
        return os.lstat(path).st_mode
    except OSError as error:
        return error


def _one(path: bytes, name: bytes, mode: int | OSError) -> Iterator[Found | Finding]:
    shown = read_name(name)
    if isinstance(mode, OSError):
        yield Finding("deposit.unreadable", shown.text, {"reason": errno.errorcode.get(mode.errno or 0, "?")})
    elif stat.S_ISREG(mode):
        yield Found(shown, path)
        if found := name_finding(shown):
            yield found
    elif stat.S_ISDIR(mode):
        yield from _folder(path, name + b"/")
    elif stat.S_ISLNK(mode):
        yield Finding("deposit.link", shown.text)
    else:
        yield Finding("deposit.special_file", shown.text)


def _folder(path: bytes, prefix: bytes) -> Iterator[Found | Finding]:
    try:
        with os.scandir(path) as listing:
            entries = sorted(listing, key=lambda one: one.name)
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, "?")
        yield Finding("deposit.unreadable", read_name(prefix.rstrip(b"/")).text or ".", {"reason": reason})
        return
    if not entries and prefix:
        yield Finding("deposit.empty_folder", read_name(prefix.rstrip(b"/")).text)
    for entry in entries:
        if entry.is_file(follow_symlinks=False):
            shown = read_name(prefix + entry.name)
            yield Found(shown, entry.path)
            if shown.raw is not None and (told := name_finding(shown)):
                yield told
            continue
        if entry.is_dir(follow_symlinks=False):
            mode: int | OSError = stat.S_IFDIR
        else:
            mode = _mode(entry.path)
        yield from _one(entry.path, prefix + entry.name, mode)
