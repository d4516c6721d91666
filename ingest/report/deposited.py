"""One deposit as the database knows it, or, after a rebuild, as the bags of its records tell of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from ingest.leaving_out import LEFT_OUT
from ingest.report import files as file_facts
from ingest.report.files import FileFacts, Seen, by_camera, measured, was_scanned
from ingest.report.kept import Holdings, holdings
from repository.archive import Archive
from repository.tables import Record, RecordPlan, Submission, SubmissionFile

_EXAMINED = frozenset({"waiting", "accepted", "storing", "done", "rejected", "returned"})
_PAYLOAD = "payload"


@dataclass
class Deposited:
    """``examined``: the examination has ended. ``roles``: files by role. ``images``: records that are runs of page images.

    ``lost``: what the records of a deposit say whose own rows a rebuild has not brought back.
    """

    submission: Submission
    examined: bool
    facts: FileFacts
    roles: dict[str, int]
    images: dict[str, list[str]]
    plans: list[dict[str, Any]]
    bags: int
    lost: Holdings | None = None

    @property
    def going(self) -> list[dict[str, Any]]:
        """The records that are, or will be, in the holdings: what was left out is none of them."""
        return [one for one in self.plans if one["state"] != LEFT_OUT]


def gathered(session: Session, archive: Archive, actor: Actor, submission: Submission) -> Deposited:
    """The deposit's files, plans and packages; from the bags of its records that ``actor`` may read when rows are lost."""
    examined = submission.state in _EXAMINED or (
        submission.state == "failed" and submission.step not in {"", "examine"}
    )
    roles = dict(
        session.execute(
            select(SubmissionFile.role, func.count())
            .where(SubmissionFile.submission_id == submission.id)
            .group_by(SubmissionFile.role)
        )
        .tuples()
        .all()
    )
    if not roles and submission.counts.get("files") and submission.state == "done":
        return _from_bags(session, archive, actor, submission)
    facts = FileFacts()
    images: dict[str, list[str]] = {}
    kinds = _plans(session, submission.id)
    mixed: set[str | None] = {None}
    for one in _seen(session, submission.id):
        facts.add(one)
        if one.is_page:
            images.setdefault(str(one.record_id), []).append(one.path)
        else:
            mixed.add(one.record_id)
    images = {record_id: names for record_id, names in images.items() if record_id not in mixed and len(names) > 1}
    bags = session.scalar(
        select(func.count()).where(
            SubmissionFile.submission_id == submission.id,
            SubmissionFile.role == "tag",
            SubmissionFile.path.like("%bagit.txt"),
        )
    )
    return Deposited(submission, examined, facts, roles, images, kinds, bags or 0)


def _from_bags(session: Session, archive: Archive, actor: Actor, submission: Submission) -> Deposited:
    """The deposit as its records tell of it, for a catalogue that was rebuilt."""
    mine = (Record.submission_id == submission.id, gate.visible_records(actor, archive.profile))
    records = list(session.scalars(select(Record).where(*mine).order_by(Record.seq)))
    kept = holdings(session, archive, records)
    facts = file_facts.of_all(one for some in kept.files.values() for one in some)
    plans = [
        {"record_id": one.id, "state": "accessioned", "spec": {"title": one.title, "description": one.description}}
        for one in records
    ]
    return Deposited(submission, True, facts, {_PAYLOAD: facts.files}, {}, plans, 0, kept)


def _plans(session: Session, submission_id: str) -> list[dict[str, Any]]:
    wanted = select(RecordPlan.record_id, RecordPlan.state, RecordPlan.spec).where(
        RecordPlan.submission_id == submission_id
    )
    rows = session.execute(wanted.order_by(RecordPlan.position)).tuples()
    return [{"record_id": record_id, "state": state, "spec": spec} for record_id, state, spec in rows]


def _seen(session: Session, submission_id: str) -> Iterator[Seen]:
    wanted = (
        select(
            SubmissionFile.path,
            SubmissionFile.size,
            SubmissionFile.puid,
            SubmissionFile.format_name,
            SubmissionFile.mime,
            SubmissionFile.technical,
            SubmissionFile.record_id,
        )
        .where(SubmissionFile.submission_id == submission_id, SubmissionFile.role == _PAYLOAD)
        .order_by(SubmissionFile.position)
        .execution_options(yield_per=2_000)
    )
    for path, size, puid, name, mime, technical, record_id in session.execute(wanted).tuples():
        signatures = len((technical or {}).get("signatures") or ())
        opened, scanned, camera = measured(technical), was_scanned(technical), by_camera(technical)
        yield Seen(path, size, puid, name, mime, opened, signatures, record_id, scanned, camera)
