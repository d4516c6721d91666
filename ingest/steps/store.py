"""Store: each frozen bag on every replica as one conditional create, before any row points at it.

Small bags go in batches, large ones stream with one read to all replicas. A retry writes the same bytes and is
confirmed; other bytes under the same key are a conflict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert, select, update

from ingest import files, findings, quarantine
from ingest.checks import pins
from ingest.context import Context
from ingest.endings import note_end
from ingest.leaving_out import going_on
from ingest.outcome import MORE, PASSED, Finding, StepOutcome, rejected
from repository import objects
from repository.bag.pack import SourceChanged, chunks, pack_bytes
from repository.bag.plan import BagPlan
from repository.storage import layout
from repository.storage.base import Written
from repository.tables import Finding as FindingRow
from repository.tables import RecordPlan, Submission

_SMALL = 4 << 20
_LOOKED = "pins_looked_at"


def run(context: Context, submission_id: str) -> StepOutcome:
    """Store one batch of bags."""
    with context.archive.reading() as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        first = not submission.counts.get(_LOOKED)
        rows = (
            files.rows(session, submission_id, going_on(submission_id))
            if first and submission.options.get("in_place")
            else []
        )
        plans = session.scalars(
            select(RecordPlan)
            .where(RecordPlan.submission_id == submission_id, RecordPlan.state == "frozen")
            .order_by(RecordPlan.position)
            .limit(context.limits.batch_records)
        ).all()
    if first and (found := list(pins.run(context.base(submission_id), rows))):
        return _refuse(context, submission_id, found)
    if not plans:
        return _finish(context, submission_id)
    batch = _fitting(context, plans)
    try:
        written = _write(context, submission_id, batch)
    except SourceChanged as error:
        return _refuse(context, submission_id, [Finding("source.changed", _original(context, batch, error))])
    except FileNotFoundError as error:
        missing = _in_place(context, submission_id, error)
        if missing is None:
            raise
        return _refuse(context, submission_id, [missing])
    _confirm(context, submission_id, batch, written)
    return MORE


def _fitting(context: Context, plans: Sequence[RecordPlan]) -> list[RecordPlan]:
    batch: list[RecordPlan] = []
    size = 0
    for one in plans:
        size += one.object_size or 0
        if batch and size > context.limits.batch_bytes:
            break
        batch.append(one)
    return batch


def _plan(context: Context, one: RecordPlan) -> BagPlan:
    return context.plan(context.archive.quarantine / str(one.plan_path))


def _write(context: Context, submission_id: str, batch: Sequence[RecordPlan]) -> dict[str, dict[str, Written]]:
    replicas = context.archive.replicas
    open_source = quarantine.opener(context.base(submission_id))
    small = [one for one in batch if (one.object_size or 0) <= _SMALL]

    def packed() -> Iterator[tuple[str, bytes]]:
        for one in small:
            yield layout.bag_key(one.record_id, 1), pack_bytes(_plan(context, one), open_source)

    written = replicas.create_many(packed())
    for one in batch:
        if (one.object_size or 0) > _SMALL:
            plan = _plan(context, one)
            key = layout.bag_key(one.record_id, 1)
            written[key] = replicas.create_stream(
                key,
                lambda plan=plan: chunks(plan, open_source),  # type: ignore[misc]  # a default binds the loop's plan
                plan.object_size,
                known=tuple(plan.known()),
            )
    return written


def _confirm(
    context: Context, submission_id: str, batch: Sequence[RecordPlan], written: dict[str, dict[str, Written]]
) -> None:
    changes: list[dict[str, Any]] = []
    ids = [one.record_id for one in batch]
    for one in batch:
        told = written[layout.bag_key(one.record_id, 1)]
        sha256 = next(iter(told.values())).sha256
        changes.append(
            {
                "record_id": one.record_id,
                "state": "stored",
                "object_sha256": sha256,
                "spec": {**one.spec, "written": sorted(told)},
            }
        )
    with context.writing(submission_id) as session:
        objects.confirmed(session, context.archive.replicas, written)
        waiting = select(RecordPlan.record_id).where(RecordPlan.record_id.in_(ids), RecordPlan.state == "frozen")
        still = set(
            session.scalars(waiting.with_for_update())
        )  # another worker may have taken the job over and gone on
        changes = [one for one in changes if one["record_id"] in still]
        if not changes:
            return
        session.execute(update(RecordPlan), changes)
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        stored = submission.counts.get("stored", 0) + len(changes)
        submission.counts = {**submission.counts, _LOOKED: True, "stored": stored}


def _finish(context: Context, submission_id: str) -> StepOutcome:
    with context.writing(submission_id) as session:
        session.execute(update(Submission).where(Submission.id == submission_id).values(step="accession"))
    return PASSED


def _original(context: Context, batch: Sequence[RecordPlan], error: SourceChanged) -> str:
    for one in batch:
        for file in _plan(context, one).payload:
            if file.path == error.path:
                return file.original_name
    return error.path


def _in_place(context: Context, submission_id: str, error: FileNotFoundError) -> Finding | None:
    """The finding about a source that vanished; None when quarantine itself lost a file."""
    with context.archive.reading() as session:
        rows = files.rows(session, submission_id)
    gone = [row for row in rows if quarantine.is_in_place(row.source)]
    return next(iter(pins.run(context.base(submission_id), gone)), None) if error.filename is not None else None


def _refuse(context: Context, submission_id: str, found: Sequence[Finding]) -> StepOutcome:
    """The source is no longer what was examined: no row is made; what was written already is a stray."""
    archive = context.archive
    with context.writing(submission_id) as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        submission.state = "rejected"
        submission.updated_at = archive.clock.now()
        session.execute(insert(FindingRow), findings.rows(found, submission_id, archive.clock.now()))
        note_end(session, archive, submission)
    return rejected("submission.rejected")
