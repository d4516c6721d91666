"""Opening containers: looked through, judged, then taken out to quarantine and digested, some seconds a batch.

A batch is one transaction: what lies in quarantine, its rows and its progress. After a crash the next batch goes on
behind the last one recorded. What of a container has been taken out when it proves damaged is removed again, with its
rows and findings. A container inside a deposited bag, or named by the deposit list, is a file and stays shut.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import Session

from ingest import containers, files, findings, quarantine
from ingest.checks import container as container_check
from ingest.checks.container import Before
from ingest.context import Context
from ingest.files import FileRow
from ingest.outcome import Finding, Severity
from ingest.steps.opening import Around, Opening, received
from ingest.steps.telling import submission_of, tell
from ingest.walk import name_finding
from metadata.identifiers import new_id
from repository.tables import Finding as FindingRow
from repository.tables import SubmissionFile

_ROWS = 2_000
_STATE = "opening"
"""In ``submission.counts``: the container being opened, the position of its first file, how many are recorded."""


def open_next(context: Context, submission_id: str) -> bool:
    """Open containers of the submission, or a part of one, for some seconds; False when none is left."""
    until = time.monotonic() + context.limits.batch_seconds
    before: Before | None = None
    worked = False
    around = Around(context, submission_id)
    at = 0  # in the order received: what a container holds comes behind it
    while True:
        wanted = (SubmissionFile.role == "container", SubmissionFile.position >= at)
        with context.archive.reading() as session:
            waiting = files.rows(session, submission_id, *wanted, limit=1)
            if not waiting:
                return worked
            before = before or _before(session, submission_id)
        at = waiting[0].position
        before = _work_on(context, submission_id, waiting[0], before, until, around)
        worked = True
        if time.monotonic() > until:
            return True


def _before(session: Session, submission_id: str) -> Before:
    inside = SubmissionFile.container.is_not(None)
    size = SubmissionFile.size
    told = select(func.sum(case((inside, 0), else_=size)), func.sum(case((inside, size), else_=0)), func.count())
    given, unpacked, count = session.execute(told.where(SubmissionFile.submission_id == submission_id)).one()
    return Before(given or 0, unpacked or 0, count)


def _work_on(
    context: Context, submission_id: str, one: FileRow, before: Before, until: float, around: Around
) -> Before:
    """Open ``one``, or go on with it until the time is up; what the submission holds then."""
    opening = _held(context, submission_id) or _begin(context, submission_id, one, before, around)
    if opening is None:
        return before
    kept = False
    try:
        with opening.clock.running():
            taken = _take_out(context, submission_id, opening, until)
        kept = taken is not None and not opening.finished
    finally:
        if kept:
            context.keep_opening(submission_id, opening)
        else:
            opening.close()
    if taken is None:
        around.forget()
        return before
    return Before(before.received, before.unpacked + taken.bytes, before.files + taken.files)


def _held(context: Context, submission_id: str) -> Opening | None:
    """What this process kept from the batch before, unless another process has gone on since."""
    opening: Opening | None = context.opening(submission_id)
    if opening is None:
        return None
    with context.archive.reading() as session:
        recorded = submission_of(session, submission_id).counts.get(_STATE) or {}
    if all(recorded.get(name) == value for name, value in opening.progress().items() if name != "seconds"):
        return opening
    opening.close()
    return None


# -- beginning -----------------------------------------------------------------------------------------------------


def _begin(context: Context, submission_id: str, one: FileRow, before: Before, around: Around) -> Opening | None:
    """The container ready to be taken out, or None after it was closed or left shut."""
    with context.archive.reading() as session:
        shut = around.stays_shut(session, one)
        depth = around.depth(session, one)
        progress = submission_of(session, submission_id).counts.get(_STATE) or {}
        received_ones = SubmissionFile.container.is_(None)
        alone = one.container is None and len(files.rows(session, submission_id, received_ones, limit=2)) == 1
    if shut:
        _end(context, submission_id, one, "payload", [])
        return None
    base = context.base(submission_id)
    if progress.get("seq") == one.seq and _cut_off(context, submission_id, progress):
        around.forget()
        progress = {}
    path = Path(os.fsdecode(quarantine.locate(base, one.source)))
    going_on = progress if progress.get("seq") == one.seq else {}
    clock = containers.Clock(context.limits, one.size, float(going_on.get("seconds", 0.0)))
    quarantine.remove(base / "opening")
    helper = containers.Apart(base / "opening" / new_id(), lambda: context.pool)
    with clock.running():
        listed = _listed(context, path, one, depth, helper, clock)
    if isinstance(listed, Finding):
        _refuse(context, submission_id, one, [listed])
        return None
    found = listed.found
    if listed.kind != "mail":
        found += container_check.run(one.path, one.size, listed.members, context.limits, None if going_on else before)
    if any(findings.kind_of(finding.code).severity is Severity.ERROR for finding in found):
        listed.close()
        _refuse(context, submission_id, one, found)
        return None
    own = any(member.name.text.split("/")[0] == one.path for member in listed.members)
    prefix = "" if alone and listed.kind != "mail" and not own else one.path + "/"
    done = int(going_on.get("done", 0))
    taken = containers.extract(path, listed, context.limits, helper, done)
    return Opening(one, listed, taken, helper.folder, prefix, clock, going_on.get("first"), done)


def _listed(
    context: Context, path: Path, one: FileRow, depth: int, helper: containers.Apart, clock: containers.Clock
) -> containers.Listing | Finding:
    if depth >= context.limits.container_depth:
        return Finding("container.too_deep", one.path, {"limit": context.limits.container_depth})
    return containers.listing(path, one.path, context.limits, helper, clock)


def _cut_off(context: Context, submission_id: str, progress: dict[str, Any]) -> bool:
    """Whether a crash cut off the removal of what had been taken out; then the container is begun anew."""
    mine = (SubmissionFile.submission_id == submission_id, SubmissionFile.position == progress["first"])
    with context.archive.reading() as session:
        first = session.scalars(select(SubmissionFile.source).where(*mine)).first()
    if first is not None and (context.base(submission_id) / first).is_file():
        return False
    with context.writing(submission_id) as session:
        _remove_rows(session, submission_id, progress)
    return True


# -- taking out ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Taken:
    files: int
    bytes: int


def _take_out(context: Context, submission_id: str, opening: Opening, until: float) -> _Taken | None:
    """One batch; None when the container proved damaged and was closed."""
    base = context.base(submission_id)
    with context.archive.reading() as session:
        mine = SubmissionFile.submission_id == submission_id
        first = (session.scalar(select(func.max(SubmissionFile.position)).where(mine)) or 0) + 1
    opening.first = first if opening.first is None else opening.first
    rows: list[dict[str, Any]] = []
    found: list[Finding] = []
    size = 0
    algorithms = context.archive.profile.digest_algorithms
    try:
        while (taken := opening.next()) is not None:
            got = received(base, first + len(rows), taken, opening.prefix, algorithms)
            rows.append(got.row(submission_id, first + len(rows), opening.one.path))
            size += got.size
            if told := name_finding(got.name):
                found.append(told)
            if time.monotonic() > until or len(rows) >= _ROWS:
                break
    except containers.Damaged as damaged:
        _refuse(context, submission_id, opening.one, [*opening.listed.found, damaged.finding(opening.one.path)])
        return None
    except OSError as error:
        raise quarantine.trouble(error) from error
    quarantine.settle(base)
    opening.done += len(rows)
    _record(context, submission_id, opening, rows, found)
    return _Taken(len(rows), size)


def _record(
    context: Context, submission_id: str, opening: Opening, rows: list[dict[str, Any]], found: list[Finding]
) -> None:
    one, begun = opening.one, opening.done == len(rows)
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        counts = dict(submission.counts)
        if begun:
            counts["members"] = counts.get("members", 0) + opening.total
        counts["unpacked"] = counts.get("unpacked", 0) + len(rows)
        counts["starts"] = 0  # something was done: this start was not in vain
        if rows:
            session.execute(insert(SubmissionFile.__table__), rows)  # type: ignore[arg-type]  # a Table, seen as FromClause
        if opening.finished:
            counts.pop(_STATE, None)
            found = [*found, *opening.listed.found, *opening.last_words()]
            role = "payload" if opening.listed.kind == "mail" else "opened"
            session.execute(update(SubmissionFile).where(SubmissionFile.seq == one.seq).values(role=role))
        else:
            counts[_STATE] = opening.progress()
        submission.counts = counts
        tell(session, context, submission_id, found)


# -- closing -------------------------------------------------------------------------------------------------------


def _end(context: Context, submission_id: str, one: FileRow, role: str, found: Iterable[Finding]) -> None:
    with context.writing(submission_id) as session:
        session.execute(update(SubmissionFile).where(SubmissionFile.seq == one.seq).values(role=role))
        tell(session, context, submission_id, found)


def _refuse(context: Context, submission_id: str, one: FileRow, found: list[Finding]) -> None:
    """Close the container and leave nothing of what was taken out of it: no file, no row, no finding about one.

    The first file goes first, so that a crash in between is seen by it (``_cut_off``).
    """
    base = context.base(submission_id)
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        progress = submission.counts.get(_STATE) or {}
        if progress.get("seq") == one.seq:
            _remove_rows(session, submission_id, progress)
        session.execute(update(SubmissionFile).where(SubmissionFile.seq == one.seq).values(role="closed"))
        tell(session, context, submission_id, found)
        mine = SubmissionFile.submission_id == submission_id
        last = session.scalar(select(func.max(SubmissionFile.position)).where(mine)) or 0
        quarantine.remove_behind(base, last)
    quarantine.remove(base / "opening")


def _remove_rows(session: Session, submission_id: str, progress: dict[str, Any]) -> None:
    """Forget the files taken out of the container that ``progress`` is about, and what was said about them."""
    mine = SubmissionFile.submission_id == submission_id
    taken = (mine, SubmissionFile.position >= progress["first"])
    others = select(SubmissionFile.path).where(mine, SubmissionFile.position < progress["first"])
    about = FindingRow.path.in_(select(SubmissionFile.path).where(*taken)) & FindingRow.path.not_in(others)
    session.execute(
        delete(FindingRow)
        .where(FindingRow.submission_id == submission_id, about)
        .execution_options(synchronize_session=False)
    )
    session.execute(delete(SubmissionFile).where(*taken).execution_options(synchronize_session=False))
    submission = submission_of(session, submission_id)
    counts = dict(submission.counts)
    counts["unpacked"] = counts.get("unpacked", 0) - progress["done"]
    counts["members"] = counts.get("members", 0) - progress["members"]
    counts.pop(_STATE, None)
    submission.counts = counts
