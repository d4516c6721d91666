"""Containers read in a process of their own: 7z and RAR by libarchive, mail by the standard library's parser.

The process lists, then writes what it takes out to a folder of quarantine, a batch a call; here it is told how much it
may write and how long it may take, and what it wrote is digested. A process that hangs or dies costs one finding.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.containers.members import Clock, Damaged, Listing, Member, TakenOut
from ingest.containers.naming import decide, named
from ingest.limits import IngestLimits
from ingest.outcome import Finding, Outcome
from ingest.pool import CheckPool, Failed
from ingest.walk import Name

_LIST, _TAKE = "ingest.containers.libarchive_child:listed", "ingest.containers.libarchive_child:taken"
_MAIL = "ingest.containers.mail_child:opened"
_FIRST_LINES = re.compile(rb"(?:\xef\xbb\xbf)?(?:From [^\r\n]*\r?\n)?[!-9;-~]{1,76}:[ \t\r\n]")
_BATCH_FILES, _BATCH_BYTES = 512, 256 << 20


@dataclass(frozen=True, slots=True)
class Apart:
    """Where the process may write, and the standing pool for what is short: mail."""

    folder: Path
    pool: Callable[[], CheckPool]


def is_mail(head: bytes) -> bool:
    """Whether a file begins as a mail does: with a header line (RFC 5322 2.2)."""
    return _FIRST_LINES.match(head) is not None and b"\x00" not in head


def listing(kind: str, path: Path, name: str, limits: IngestLimits, clock: Clock, helper: Apart) -> Listing:
    """Every entry, or ``Damaged``."""
    if kind == "mail":
        return _mail(path, name, limits, clock, helper)
    if kind not in {"7z", "rar"}:
        raise Damaged
    _whole_and_open(path, kind)
    pool = CheckPool(1, memory_bytes=limits.check_memory, seconds=clock.left, batch=1)
    try:
        answer = _asked(pool, _LIST, (bytes(path), kind, limits.container_entries), clock, kind)
    except BaseException:
        pool.close()
        raise
    encoding = decide(raw for raw, *_ in answer)
    members = [
        Member(named(raw, encoding), what, size or 0, size or 0, encrypted=locked, supported=size is not None)
        for raw, what, size, locked in answer
    ]
    return Listing(kind, members, clock, state=pool)


def _asked(pool: CheckPool, function: str, item: Any, clock: Clock, kind: str) -> Any:
    """The process's answer; ``Damaged`` for a fault that it names or that ended it."""
    answer = next(iter(pool.map(function, [item])))[1]
    if answer == Failed("time"):
        raise clock.too_slow()
    clock.check()
    if isinstance(answer, Failed):
        raise Damaged
    if not isinstance(answer, str):
        return answer
    if answer == "container.no_reader":
        raise Damaged(answer, kind=kind.upper())
    raise Damaged(answer)


def _whole_and_open(path: Path, kind: str) -> None:
    """Refuse a RAR that is one volume of several, or whose directory is encrypted, by its first header."""
    with path.open("rb") as opened:
        head = opened.read(64)
    if kind != "rar":
        return
    if head.startswith(b"Rar!\x1a\x07\x00"):
        flags = struct.unpack_from("<H", head, 10)[0] if len(head) >= 12 else 0
        volume, locked = bool(flags & 0x1), bool(flags & 0x80)
    else:
        volume, locked = _rar5(head[12:])
    if locked:
        raise Damaged("container.encrypted")
    if volume:
        raise Damaged("container.unsupported")


def _rar5(data: bytes) -> tuple[bool, bool]:
    """Whether the first header says volume, and whether it is the one in front of encrypted headers."""
    numbers: list[int] = []
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            numbers.append(value)
            value = shift = 0
    # size of the header, its type, its flags, then size of the extra area if flag 1 says so, then the archive's flags
    if len(numbers) < 5:
        return False, False
    if numbers[1] == 4:
        return False, True
    return numbers[1] == 1 and bool(numbers[4 if numbers[2] & 1 else 3] & 1), False


def _mail(path: Path, name: str, limits: IngestLimits, clock: Clock, helper: Apart) -> Listing:
    """The mail's attachments, written to the folder at once: they are no larger than the mail."""
    helper.folder.mkdir(parents=True, exist_ok=True)
    if path.stat().st_size > limits.directory_bytes:
        return Listing("mail", [], clock, [_not_opened(name)])
    item = (bytes(path), bytes(helper.folder), limits.container_entries)
    answer = next(iter(helper.pool().map(_MAIL, [item])))[1]
    if isinstance(answer, Failed):
        return Listing("mail", [], clock, [_not_opened(name)])
    clock.check()
    if isinstance(answer, str):
        raise Damaged(answer, limit=limits.container_entries)
    whole, attachments = answer
    members = [
        Member(Name(text, raw, legacy=raw is not None, encoding=encoding), "file", size, size)
        for text, raw, encoding, size in attachments
    ]
    return Listing("mail", members, clock, [] if whole else [Finding("mail.damaged", name)])


def _not_opened(name: str) -> Finding:
    return Finding("mail.damaged", name, outcome=Outcome.NOT_CHECKED)


def take_out(path: Path, listed: Listing, limits: IngestLimits, helper: Apart, first: int) -> Iterator[TakenOut]:
    """The files, without the ``first`` ones, as they lie in the folder."""
    files = [(place, member) for place, member in enumerate(listed.members) if member.kind == "file"][first:]
    helper.folder.mkdir(parents=True, exist_ok=True)
    if listed.kind == "mail":
        for place, member in files:
            yield TakenOut(member, lying=helper.folder / str(place))
        return
    sizes = {place: member.size for place, member in files}
    while files:
        order = (bytes(path), listed.kind, bytes(helper.folder), sizes, files[0][0], limits.batch_seconds)
        written = _asked(listed.state, _TAKE, (*order, _BATCH_FILES, _BATCH_BYTES), listed.clock, listed.kind)
        if not written or written != [place for place, _ in files[: len(written)]]:
            raise Damaged
        for place, member in files[: len(written)]:
            yield TakenOut(member, lying=helper.folder / str(place))
        files = files[len(written) :]
