"""Looking into files: identification and every check of a single file, in the pool, a batch at a time."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import update

from ingest import files, quarantine
from ingest.checks import format as format_check
from ingest.context import Context
from ingest.files import FileRow
from ingest.identify import FUNCTION, VERSIONS, Identified
from ingest.outcome import Finding
from ingest.pool import Failed
from ingest.steps.telling import submission_of, tell
from repository.tables import SubmissionFile

_ROUND = 512


def inspect_some(context: Context, submission_id: str) -> bool:
    """Look into files for a few seconds; whether there was anything to do."""
    if "format" not in context.checks:
        return False
    until = time.monotonic() + context.limits.batch_seconds
    worked = False
    while time.monotonic() < until:
        wanted = (SubmissionFile.mime.is_(None), SubmissionFile.role.in_(("payload", "tag")))
        with context.archive.reading() as session:
            submission = submission_of(session, submission_id)
            known = "tools" in submission.counts
            rows = files.rows(session, submission_id, *wanted, limit=_ROUND * 4)
        if not rows:
            break
        worked = True
        base = context.base(submission_id)
        if not known:
            _note_tools(context, submission_id)
        for start in range(0, len(rows), _ROUND):
            _identify_some(context, submission_id, rows[start : start + _ROUND], base)
            if time.monotonic() > until:
                break
    return worked


def _note_tools(context: Context, submission_id: str) -> None:
    _, tools = next(iter(context.pool.map(VERSIONS, [None])))
    told = {"unknown": tools.reason} if isinstance(tools, Failed) else tools
    with context.archive.sessions.begin() as session:
        submission = submission_of(session, submission_id)
        submission.counts = {**submission.counts, "tools": told}


def _identify_some(context: Context, submission_id: str, rows: list[FileRow], base: Any) -> None:
    by_path = [quarantine.locate(base, row.source) for row in rows]
    found: list[Finding] = []
    changes: list[dict[str, Any]] = []
    for row, (_, answer) in zip(rows, context.pool.map(FUNCTION, by_path), strict=True):
        if row.role == "payload":
            found += format_check.run(row.path, row.size, answer)
        changes.append({"seq": row.seq, **_columns(answer)})
    with context.archive.sessions.begin() as session:
        session.execute(update(SubmissionFile), changes)
        tell(session, context, submission_id, found)
        submission = submission_of(session, submission_id)
        submission.counts = {**submission.counts, "starts": 0}  # something was done: this start was not in vain


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
