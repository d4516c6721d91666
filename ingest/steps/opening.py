"""One container while it is being opened: what is kept between two batches, and how one file leaves it."""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from ingest import containers, deposit_list, files, listing, quarantine
from ingest.containers import Clock, Damaged, Listing, Member, TakenOut
from ingest.context import Context
from ingest.files import FileRow
from ingest.outcome import Finding
from ingest.receiving import Received, digest_small, wanted
from ingest.streaming import stream
from ingest.walk import Name
from repository.tables import SubmissionFile

_SMALL = 1 << 20
_HEAD = 512


@dataclass(slots=True)
class Opening:
    """A container on its way out; lost with the process, then made anew from what is recorded.

    ``first``: the position of its first file among those of the submission; ``done``: how many of them are recorded.
    """

    one: FileRow
    listed: Listing
    taken: Iterator[TakenOut]
    folder: Path
    prefix: str
    clock: Clock
    first: int | None
    done: int
    finished: bool = False
    total: int = field(init=False)

    def __post_init__(self) -> None:
        self.total = sum(member.kind == "file" for member in self.listed.members)

    def next(self) -> TakenOut | None:
        """The next file; None, and ``finished``, behind the last. ``Damaged`` when the container breaks off."""
        self.clock.check()
        try:
            found = next(self.taken, None)
        except containers.DAMAGED as error:
            raise Damaged from error
        except Exception as error:
            if containers.is_foreign(error):
                raise Damaged from error
            raise
        self.finished = found is None
        return found

    def progress(self) -> dict[str, Any]:
        """What is recorded with each batch."""
        seconds = round(self.clock.spent, 1)
        return {
            "seq": self.one.seq, "first": self.first, "done": self.done, "members": self.total, "seconds": seconds
        }  # fmt: skip

    def last_words(self) -> list[Finding]:
        """What is to be said once everything is out."""
        if self.listed.kind == "mail":
            return [Finding("mail.opened", self.one.path, {"count": self.total})] if self.total else []
        empty = _empty_folders(self.listed.members)
        return [Finding("deposit.empty_folder", self.prefix + name) for name in empty]

    def close(self) -> None:
        """Give back files and processes, and what was written apart."""
        if hasattr(self.taken, "close"):
            self.taken.close()
        self.listed.close()
        quarantine.remove(self.folder)
        with contextlib.suppress(OSError):
            self.folder.parent.rmdir()  # unless another process is at work beside it


def _empty_folders(members: Sequence[Member]) -> list[str]:
    names = {member.name.text.removeprefix("./").rstrip("/") for member in members if member.kind == "folder"}
    if not names:
        return []
    full: set[str] = set()
    for member in members:
        parts = member.name.text.removeprefix("./").rstrip("/").split("/")
        full.update("/".join(parts[:length]) for length in range(1, len(parts)))
    return sorted(names - full - {""})


def received(base: Path, position: int, taken: TakenOut, prefix: str, algorithms: Sequence[str]) -> Received:
    """One file, in quarantine under its number and digested; ``Damaged`` when it is not what the container says."""
    member = taken.member
    name = Name(prefix + member.name.text.removeprefix("./"), member.name.raw, member.name.legacy, member.name.encoding)
    source = quarantine.numbered(position, name.text)
    target = base / source
    try:
        if taken.lying is not None:
            crc32, digests, chunks, head = _moved(taken.lying, target, member.size, wanted(algorithms))
        elif member.size <= _SMALL:
            crc32, digests, chunks, head = _small(taken, target, wanted(algorithms))
        else:
            crc32, digests, chunks, head = _large(taken, target, wanted(algorithms))
    except containers.DAMAGED as error:
        raise Damaged from error
    except Exception as error:
        if containers.is_foreign(error):
            raise Damaged from error
        raise
    kind = containers.kind_of(name.text, head)
    return Received(name, source, member.size, None, crc32, digests, chunks, kind)


_Digested = tuple[int, dict[str, str], str | None, bytes]


def _small(taken: TakenOut, target: Path, algorithms: tuple[str, ...]) -> _Digested:
    assert taken.start is not None
    size = taken.member.size
    source = taken.start()
    buffer = memoryview(bytearray(size + 1))  # one more, so that the end is reached and a longer member is seen
    filled = 0
    while filled <= size and (got := source.readinto(buffer[filled:])):
        filled += got
    if filled != size:
        raise Damaged
    data = bytes(buffer[:size])
    handle = quarantine.create(target)
    try:
        quarantine.write_all(handle, data)
    finally:
        os.close(handle)
    return zlib.crc32(data), digest_small(data, algorithms), None, data[:_HEAD]


def _large(taken: TakenOut, target: Path, algorithms: tuple[str, ...]) -> _Digested:
    assert taken.start is not None
    size = taken.member.size
    handle = quarantine.create(target)
    try:
        several, chunks, head = stream(taken.start(), handle, algorithms, at_most=size, size=size)
    finally:
        os.close(handle)
    if several.size != size:
        raise Damaged
    return several.crc32, several.result(), chunks, head


def _moved(lying: Path, target: Path, size: int, algorithms: tuple[str, ...]) -> _Digested:
    with lying.open("rb", buffering=0) as source:
        several, chunks, head = stream(source, None, algorithms, at_most=size, size=size)
    if several.size != size:
        raise Damaged
    target.parent.mkdir(parents=True, exist_ok=True)
    lying.replace(target)
    return several.crc32, several.result(), chunks, head


# -- what lies around ----------------------------------------------------------------------------------------------


class Around:
    """What lies around the containers of one batch: deposited bags, deposit lists, how deep a container lies.

    Each look takes in only the rows behind those seen before, so that ten thousand small containers do not cost ten
    thousand looks at everything. ``forget`` it when rows are taken away.
    """

    def __init__(self, context: Context, submission_id: str) -> None:
        self._context = context
        self._submission_id = submission_id
        self.forget()

    def forget(self) -> None:
        """Look at everything again the next time."""
        self._seen = -1
        self._roots: list[str] = []
        self._lists: list[FileRow] = []
        self._named: set[str] = set()
        self._depths: dict[str, int] = {}

    def stays_shut(self, session: Session, one: FileRow) -> bool:
        """Whether the container is a file like any other: inside a deposited bag, or named by the deposit list."""
        self._look(session)
        inside = one.container is not None or "/" in one.path
        return (inside and any(files.within(one.path, root) for root in self._roots)) or one.path in self._named

    def _look(self, session: Session) -> None:
        mine = SubmissionFile.submission_id == self._submission_id
        last = session.scalar(select(func.max(SubmissionFile.position)).where(mine)) or 0
        if last <= self._seen:
            return
        names = ("bagit.txt", *sorted(deposit_list.FILE_NAMES))
        wanted = (SubmissionFile.position > self._seen, or_(*(SubmissionFile.path.like(f"%{name}") for name in names)))
        new = files.rows(session, self._submission_id, *wanted)
        self._seen = last
        bags = [f"{root}/bagit.txt" if root else "bagit.txt" for root in self._roots]
        self._roots = files.bag_roots([*bags, *(row.path for row in new)])
        if lists := [row for row in new if files.name_of(row.path) != "bagit.txt"]:
            self._lists += lists
            self._named = listing.named_files(self._context, self._submission_id, self._lists)

    def depth(self, session: Session, one: FileRow) -> int:
        """How many containers lie around this one; each was received before what it holds."""
        passed: list[str] = []
        outer, position = one.container, one.position
        while outer is not None and outer not in self._depths:
            passed.append(outer)
            around = (SubmissionFile.path == outer, SubmissionFile.position < position)
            last = select(SubmissionFile.container, SubmissionFile.position).where(
                SubmissionFile.submission_id == self._submission_id, *around
            )
            found = session.execute(last.order_by(SubmissionFile.position.desc()).limit(1)).first()
            outer, position = (found[0], found[1]) if found is not None else (None, position)
        depth = self._depths.get(outer, 0) if outer is not None else 0
        for path in reversed(passed):
            depth += 1
            self._depths[path] = depth
        return depth
