"""Accession: the catalogue's rows, one transaction a batch, for bags that every required replica has confirmed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ingest import case_files, files
from ingest.context import Context
from ingest.deposit_list import DepositList
from ingest.endings import actor_of, note_end
from ingest.files import Technical
from ingest.outcome import MORE, PASSED, StepOutcome
from ingest.steps.package import deposit_list_of
from repository import outbox, records
from repository.records import AccessionItem
from repository.revisions import revise_cases
from repository.storage import layout
from repository.tables import RecordPlan, Submission
from retention.schedules import assign_batch

_FILES = 20_000


def run(context: Context, submission_id: str) -> StepOutcome:
    """Enter one batch of records."""
    archive = context.archive
    with archive.reading() as session:
        plans = session.scalars(
            select(RecordPlan)
            .where(RecordPlan.submission_id == submission_id, RecordPlan.state == "stored")
            .order_by(RecordPlan.position)
            .limit(context.limits.batch_records)
        ).all()
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        known = files.of_records(session, submission_id, [one.record_id for one in plans], Technical)
        listed = None if plans else deposit_list_of(context, session, submission)
    if not plans:
        _finish(context, submission_id, listed)
        return PASSED
    batch: list[RecordPlan] = []
    count = 0
    for one in plans:
        count += len(known[one.record_id])
        if batch and count > _FILES:
            break
        batch.append(one)
    items = [_item(context, submission, one, known[one.record_id]) for one in batch]
    with context.writing(submission_id) as session:
        _enter(context, session, submission_id, batch, items)
    for one in batch:
        context.forget_plan(archive.quarantine / str(one.plan_path))
    return MORE


def _item(context: Context, submission: Submission, one: RecordPlan, own: list[Technical]) -> AccessionItem:
    spec: dict[str, Any] = one.spec
    told = spec["description"]
    plan = context.plan(context.archive.quarantine / str(one.plan_path))
    received = files.in_order(own, spec)
    return AccessionItem(
        record_id=one.record_id,
        title=told["title"],
        document_type=told["document_type"],
        category=spec["category"],
        programme=told["programme"],
        year=told["year"],
        dated=date.fromisoformat(told["date"]) if told["date"] else None,
        organ_id=spec["organ_id"],
        division_code=spec["division_code"],
        access_level=told["access_level"],
        access_marks=told["access_marks"],
        description=told,
        profile_version=submission.profile_version,
        object_key=layout.bag_key(one.record_id, 1),
        object_sha256=str(one.object_sha256),
        object_size=plan.object_size,
        algorithms=plan.algorithms,
        payload_bytes=plan.payload_bytes,
        files=[
            {
                "path": packed.path,
                "original_name": packed.original_name,
                "original_name_bytes": packed.original_name_bytes,
                "size": packed.size,
                "offset": packed.offset,
                "crc32": packed.crc32,
                "digests": packed.digests,
                "sha256": packed.digests.get("sha256"),
                "sha512": packed.digests.get("sha512"),
                "chunk_sha256": bytes.fromhex(file.chunk_sha256) if file.chunk_sha256 else None,
                "puid": file.puid,
                "format_name": file.format_name,
                "format_version": file.format_version,
                "mime": file.mime or None,
            }
            for packed, file in zip(plan.payload, received, strict=True)
        ],
        written=spec["written"],
        case_file_ids=spec["case_file_ids"],
    )


def _enter(
    context: Context,
    session: Session,
    submission_id: str,
    batch: Sequence[RecordPlan],
    items: Sequence[AccessionItem],
) -> None:
    """The rows of one batch, unless another process has entered it meanwhile."""
    archive = context.archive
    ids = [one.record_id for one in batch]
    waiting = select(func.count()).select_from(RecordPlan).where(RecordPlan.record_id.in_(ids))
    if session.scalar(waiting.where(RecordPlan.state == "stored")) != len(ids):
        return
    submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
    records.accession(session, archive=archive, actor=actor_of(submission), batch=items, submission_id=submission_id)
    assign_batch(
        session,
        archive=archive,
        records=[(one.record_id, one.document_type, one.programme, one.year, one.dated) for one in items],
    )
    session.execute(update(RecordPlan).where(RecordPlan.record_id.in_(ids)).values(state="accessioned"))
    entered = submission.counts.get("accessioned", 0) + len(ids)
    submission.counts = {**submission.counts, "accessioned": entered}
    submission.updated_at = archive.clock.now()


def _finish(context: Context, submission_id: str, listed: DepositList | None) -> None:
    """Freeze the case files that got no record, and the submission's end."""
    archive = context.archive
    with context.writing(submission_id) as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        actor = actor_of(submission)
        if listed is not None:
            empty = case_files.made_without_records(session, listed)
            revise_cases(session, archive=archive, actor=actor, cases=[(case, dict(case.state)) for case in empty])
            outbox.enqueue(session, outbox.CASE_FILE, [case.id for case in empty], archive.clock.now())
        submission.state = "done"
        submission.step = "done"
        submission.updated_at = archive.clock.now()
        note_end(session, archive, submission)
