"""Looking into files: identification and every check of a single file, in the pool, a batch at a time.

A round is one transaction, so findings appear while later files wait. A file on which a process died, hung or ran out
of memory gets one finding, and its format by a second try that only identifies it; it is never looked at again.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import update

from ingest import files, quarantine
from ingest.checks import extension, readability
from ingest.checks import format as format_check
from ingest.context import Context
from ingest.files import FileRow
from ingest.identify import FUNCTION as IDENTIFY
from ingest.identify import VERSIONS, Identified
from ingest.inspect import FUNCTION, Inspection, Look
from ingest.media.medium import Bounds
from ingest.outcome import Finding
from ingest.pool import Failed
from ingest.steps.telling import submission_of, tell
from repository.cases import ID_NUMBER
from repository.tables import SubmissionFile

_READ = 2_048  # rows fetched at once
_ROUND_BYTES = 256 << 20
_LOOKING = frozenset({"readability", "quality", "text"})


def inspect_some(context: Context, submission_id: str) -> bool:
    """Look into files for a few seconds; whether there was anything to do."""
    if "format" not in context.checks:
        return False
    until = time.monotonic() + context.limits.batch_seconds
    worked = False
    while True:  # at least once: that the time is up never means that nothing is left to look into
        wanted = (SubmissionFile.mime.is_(None), SubmissionFile.role.in_(("payload", "tag")))
        with context.archive.reading() as session:
            submission = submission_of(session, submission_id)
            known = "tools" in submission.counts
            rows = files.rows(session, submission_id, *wanted, limit=_READ)
        if not rows:
            return worked
        worked = True
        base = context.base(submission_id)
        if not known:
            _note_tools(context, submission_id)
        for some in _rounds(rows, 2 * context.pool.workers * context.limits.check_files):
            _look_at(context, submission_id, some, base)
            if time.monotonic() > until:
                return True


def _rounds(rows: Sequence[FileRow], most: int) -> Iterator[Sequence[FileRow]]:
    """``rows`` in runs of at most ``most`` files; a run ends before it passes ``_ROUND_BYTES``."""
    start = weight = 0
    for place, row in enumerate(rows):
        if place > start and (place - start >= most or weight + row.size > _ROUND_BYTES):
            yield rows[start:place]
            start, weight = place, 0
        weight += row.size
    yield rows[start:]


def _note_tools(context: Context, submission_id: str) -> None:
    _, tools = next(iter(context.pool.map(VERSIONS, [None])))
    told = {"unknown": tools.reason} if isinstance(tools, Failed) else tools
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        submission.counts = {**submission.counts, "tools": told}


def _look_at(context: Context, submission_id: str, rows: Sequence[FileRow], base: Path) -> None:
    found: list[Finding] = []
    changes: list[dict[str, Any]] = []
    for row, answer in _answers(context, rows, base):
        if isinstance(answer, Inspection):
            found += answer.findings
            technical = _technical(context, answer) if row.role == "payload" else None
            changes.append({"seq": row.seq, **_columns(answer.identified), "technical": technical})
        else:
            found += _broken(context, row, base, answer, changes)
    with context.writing(submission_id) as session:
        session.execute(update(SubmissionFile), changes)
        tell(session, context, submission_id, found)
        submission = submission_of(session, submission_id)
        submission.counts = {**submission.counts, "starts": 0}  # something was done: this start was not in vain


def _answers(context: Context, rows: Sequence[FileRow], base: Path) -> Iterator[tuple[FileRow, Inspection | Failed]]:
    bounds = Bounds.of(context.limits)
    checks = context.checks & _LOOKING | {"format"}
    looks = [
        Look(
            quarantine.locate(base, row.source),
            row.path,
            row.size,
            bounds,
            checks if row.role == "payload" else frozenset(),
        )
        for row in rows
    ]
    answers = context.pool.map(FUNCTION, looks, [row.size for row in rows])
    for row, (_, answer) in zip(rows, answers, strict=True):
        yield row, answer


def _broken(
    context: Context, row: FileRow, base: Path, failed: Failed, changes: list[dict[str, Any]]
) -> Iterator[Finding]:
    """Looking into a file broke off: identify it by itself, so that at least its format is known."""
    _, again = next(iter(context.pool.map(IDENTIFY, [quarantine.locate(base, row.source)])))
    changes.append({"seq": row.seq, **_columns(again), "technical": None})
    if row.role != "payload":
        return
    yield from format_check.run(row.path, row.size, again)
    if isinstance(again, Identified):
        yield from extension.run(row.path, row.size, again)
        yield readability.not_run(row.path, failed.reason)


def _technical(context: Context, answer: Inspection) -> dict[str, Any]:
    """What was measured; ID numbers only as the blinds by which households are looked up."""
    if not answer.id_numbers:
        return answer.technical
    blinds = [context.archive.keys.blind(number, ID_NUMBER) for number in answer.id_numbers]
    return {**answer.technical, "id_blinds": blinds}


def _columns(answer: Identified | Failed) -> dict[str, str | None]:
    if isinstance(answer, Failed):
        return {"puid": None, "format_name": None, "format_version": None, "mime": ""}
    mime = answer.mime
    if mime in {"application/octet-stream", "application/zip", ""} and answer.puid_mime:
        mime = answer.puid_mime.partition(",")[0].strip()
    return {
        "puid": answer.puid,
        "format_name": answer.name[:200] or None,
        "format_version": answer.version[:40] or None,
        "mime": mime[:200],
    }
