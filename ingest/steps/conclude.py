"""The end of examining: light checks over everything, and what becomes one record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from access.actors import actor_again
from access.gate import known_households
from ingest import files, records_of
from ingest.checks import deposit_list as list_check
from ingest.checks import duplicates, empty, names, options
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.files import FileRow
from ingest.findings import told_to
from ingest.listing import read
from ingest.outcome import Finding
from ingest.records_of import RecordOf
from ingest.steps.telling import submission_of, tell
from ingest.suggest import suggest
from metadata.identifiers import new_id
from repository.clock import local_date
from repository.ledger.acts import ActorRef
from repository.tables import Finding as FindingRow
from repository.tables import Organ, RecordPlan, Submission, SubmissionFile


def conclude(context: Context, submission_id: str) -> None:
    """Light checks over everything and the records to be made, in the transaction that ends the step."""
    with context.archive.reading() as session:
        submission = submission_of(session, submission_id)
        rows = files.rows(session, submission_id)
        listing = read(context, submission_id, rows)
        listed, prefix = listing.listed, listing.prefix
        marked = files.marked(rows, listing.path)
        found = [*listing.findings, *listing.placed(_checks(context, session, submission, marked, listed, prefix))]
    records, said = records_of.group(
        marked,
        listed=listed,
        prefix=prefix,
        one_record=bool(submission.options.get("one_record")),
        title=submission.title,
        limit=context.limits.files_per_record,
    )
    if kind := context.archive.profile.document_types.get(str(submission.options.get("document_type"))):
        records_of.name_by_type(records, kind.zh)
    with context.archive.reading() as session:
        suggested = suggest(context, session, submission_of(session, submission_id), marked, records)
    with context.writing(submission_id) as session:
        submission = submission_of(session, submission_id)
        tell(session, context, submission_id, [*found, *said])
        _plan(session, submission, marked, records, listed, prefix, suggested)
        counted = session.execute(
            select(FindingRow.severity, func.count())
            .where(FindingRow.submission_id == submission_id, told_to(submission.actor_id, may_accept=False))
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
    ref = ActorRef(**submission.options["actor"])
    depositor = actor_again(session, ref, profile, local_date(context.archive.clock.now(), context.archive.zone))
    if listed is not None:
        organ = session.get_one(Organ, submission.organ_id)
        households = known_households(depositor, profile, organ_prefix=organ.division_prefix)
        found += list_check.run(session, listed, prefix, rows, profile, households=households)
    if "empty" in context.checks:
        found += empty.run(rows)
    if "names" in context.checks:
        found += names.run(rows, context.limits)
    if "duplicates" in context.checks:
        sha256 = {position: digests["sha256"] for position, digests in files.digests(session, submission.id)}
        found += duplicates.run(session, rows, sha256, depositor=depositor, profile=profile)
    return found


def _plan(
    session: Session,
    submission: Submission,
    rows: list[FileRow],
    records: list[RecordOf],
    listed: DepositList | None,
    prefix: str,
    suggested: Mapping[int, dict[str, Any]],
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
                "suggested": suggested.get(position),
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
