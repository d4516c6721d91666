"""Examine: open containers, identify formats, validate deposited bags, run every check, say what becomes one record.

Phases follow each other; each batch is one transaction, so that a crash repeats at most one. All findings are
collected, never only the first.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from ingest import deposit_list, files, findings, quarantine, records_of
from ingest.checks import deposit_list as list_check
from ingest.checks import duplicates, empty, names, options
from ingest.checks import format as format_check
from ingest.checks.pool import Failed
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.files import FileRow
from ingest.identify import FUNCTION, VERSIONS, Identified
from ingest.outcome import MORE, PASSED, Finding, StepOutcome
from ingest.records_of import RecordOf
from ingest.steps.bags import validate_next
from ingest.steps.unpack import open_next
from metadata.identifiers import new_id
from repository.tables import Finding as FindingRow
from repository.tables import RecordPlan, Submission, SubmissionFile

_ROUND = 512


def run(context: Context, submission_id: str) -> StepOutcome:
    """One batch of examining."""
    if open_next(context, submission_id):
        return MORE
    if "format" in context.checks and _identify(context, submission_id):
        return MORE
    if "bag" in context.checks and validate_next(context, submission_id):
        return MORE
    _conclude(context, submission_id)
    return PASSED


# -- formats -------------------------------------------------------------------------------------------------------


def _identify(context: Context, submission_id: str) -> bool:
    """Identify files for a few seconds; whether there was anything to do."""
    until = time.monotonic() + context.limits.batch_seconds
    worked = False
    while time.monotonic() < until:
        wanted = (SubmissionFile.mime.is_(None), SubmissionFile.role.in_(("payload", "tag")))
        with context.archive.reading() as session:
            submission = _submission(session, submission_id)
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
        submission = _submission(session, submission_id)
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
        _tell(session, context, submission_id, found)
        submission = _submission(session, submission_id)
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


# -- the end -------------------------------------------------------------------------------------------------------


def _conclude(context: Context, submission_id: str) -> None:
    """Light checks over everything and the records to be made, in the transaction that ends the step."""
    with context.archive.reading() as session:
        submission = _submission(session, submission_id)
        rows = files.rows(session, submission_id)
        listed, prefix, found = read_list(context, submission_id, rows)
        named = _list_path(rows)
        marked = files.marked(rows, named)
        found += _checks(context, session, submission, marked, listed, prefix)
    records, said = records_of.group(
        marked,
        listed=listed,
        prefix=prefix,
        one_record=bool(submission.options.get("one_record")),
        title=submission.title,
        limit=context.limits.files_per_record,
    )
    with context.archive.sessions.begin() as session:
        submission = _submission(session, submission_id)
        _tell(session, context, submission_id, [*found, *said])
        _plan(session, submission, marked, records, listed, prefix)
        counted = session.execute(
            select(FindingRow.severity, func.count())
            .where(FindingRow.submission_id == submission_id)
            .group_by(FindingRow.severity)
        ).tuples()
        payload = [row for row in marked if row.role == "payload"]
        submission.counts = {
            **submission.counts,
            "files": len(payload),
            "bytes": sum(row.size for row in payload),
            "records": len(records),
            "findings": dict(counted.all()),
        }
        submission.step = "accept"
        submission.updated_at = context.archive.clock.now()


def _checks(
    context: Context,
    session: Session,
    submission: Submission,
    rows: list[FileRow],
    listed: DepositList | None,
    prefix: str,
) -> list[Finding]:
    profile = context.archive.profile
    found = list(options.run(submission.options, profile))
    if listed is not None:
        found += list_check.run(session, listed, prefix, rows, profile)
    if "empty" in context.checks:
        found += empty.run(rows)
    if "names" in context.checks:
        found += names.run(rows, context.limits)
    if "duplicates" in context.checks:
        sha256 = {position: digests["sha256"] for position, digests in files.digests(session, submission.id)}
        found += duplicates.run(session, rows, sha256)
    return found


def _plan(
    session: Session,
    submission: Submission,
    rows: list[FileRow],
    records: list[RecordOf],
    listed: DepositList | None,
    prefix: str,
) -> None:
    plans: list[dict[str, Any]] = []
    owners: list[dict[str, Any]] = []
    whole = len(records) == 1 and len(records[0].files) == len(rows)
    for position, record in enumerate(records):
        record_id = new_id()
        plans.append(
            {
                "record_id": record_id,
                "submission_id": submission.id,
                "position": position,
                "state": "planned",
                "spec": _spec(record, rows, prefix, listed),
            }
        )
        if not whole:
            owners += [{"seq": rows[number].seq, "record_id": record_id} for number in record.files]
    if plans:
        session.execute(insert(RecordPlan), plans)
    mine = SubmissionFile.submission_id == submission.id
    if whole:
        session.execute(update(SubmissionFile).where(mine).values(record_id=plans[0]["record_id"]))
    elif owners:
        session.execute(update(SubmissionFile), owners)
    lists = [row.seq for row in rows if row.role == "list"]
    if lists:
        session.execute(update(SubmissionFile).where(SubmissionFile.seq.in_(lists)).values(role="list"))
    tags = [{"seq": rows[number].seq, "role": "tag"} for record in records for number in record.tags]
    if tags:
        session.execute(update(SubmissionFile), tags)


def _spec(record: RecordOf, rows: list[FileRow], prefix: str, listed: DepositList | None) -> dict[str, Any]:
    spec: dict[str, Any] = {"title": record.title, "kind": record.kind}
    order = [rows[number].position for number in record.files]
    if order != sorted(order):
        spec["order"] = order
    if record.root is not None:
        spec["root"] = record.root
        spec["tags"] = [rows[number].position for number in record.tags]
    if record.part:
        spec["part"] = record.part
    if record.listed is not None:
        spec["listed"] = record.listed.model_dump(mode="json", exclude={"files"}, exclude_none=True)
        spec["prefix"] = prefix
    if listed is not None and listed.organ:
        spec["organ"] = listed.organ
    return spec


# -- the deposit list ----------------------------------------------------------------------------------------------


def _list_path(rows: Iterable[FileRow]) -> str | None:
    """The list at the root, else one in a folder directly below it; deeper ones are ordinary files."""
    named = [
        row.path
        for row in rows
        if row.path.endswith(deposit_list.FILE_NAME)
        and row.role in {"payload", "list"}
        and files.name_of(row.path) == deposit_list.FILE_NAME
        and row.path.count("/") <= 1
    ]
    return min(named, key=lambda path: (path.count("/"), path), default=None)


def read_list(
    context: Context, submission_id: str, rows: Iterable[FileRow]
) -> tuple[DepositList | None, str, list[Finding]]:
    """The deposit list with its folder, or the findings that keep it from being read."""
    path = _list_path(rows)
    row = next((row for row in rows if row.path == path), None)
    if path is None or row is None:
        return None, "", []
    if row.size > context.limits.list_bytes:
        told = {"position": "-", "reason_zh": "文件过大", "reason_en": "it is too large"}
        return None, "", [Finding("list.malformed", path, told)]
    try:
        with quarantine.opener(context.base(submission_id))(row.source) as source:
            data = source.read(row.size + 1)
    except OSError:
        return None, "", [Finding("source.missing", path)]
    with context.archive.reading() as session:
        kept = session.scalars(select(SubmissionFile.digests).where(SubmissionFile.seq == row.seq)).one()
    if hashlib.sha256(data).hexdigest() != kept["sha256"]:
        return None, "", [Finding("source.changed", path)]
    read = deposit_list.read(data, path)
    if isinstance(read, DepositList):
        return read, files.folder_of(path), []
    return None, "", read


# -- shared --------------------------------------------------------------------------------------------------------


def _submission(session: Session, submission_id: str) -> Submission:
    return session.scalars(select(Submission).where(Submission.id == submission_id)).one()


def _tell(session: Session, context: Context, submission_id: str, found: Iterable[Finding]) -> None:
    rows = findings.rows(found, submission_id, context.archive.clock.now())
    if rows:
        session.execute(insert(FindingRow.__table__), rows)  # type: ignore[arg-type]  # a Table, seen as FromClause
