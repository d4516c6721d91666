"""A replica leaves: it is no longer written, read or audited; what lies on it stays as it is."""

from __future__ import annotations

from typing import cast

from sqlalchemy import Table, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from metadata.errors import Conflict, NotFound
from repository.archive import Archive
from repository.fixity.incidents import RETIRED as GONE_WITH_REPLICA
from repository.fixity.incidents import close_incidents
from repository.fixity.outcome import FAULTS
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.storage.replicas import ACTIVE, FILLING, RETIRED
from repository.tables import Incident, RecordPlan, Replica, ReplicaFill, ReplicaObject, Submission

LEAST = 2
"""Replicas in full use that a holding keeps at least."""
_OVER = ("rejected", "returned", "withdrawn")
"""States of a submission whose bags will never be entered; one that failed may be taken up again."""
_placed = cast("Table", ReplicaObject.__table__)


def retire_replica(session: Session, *, archive: Archive, actor: ActorRef, name: str, confirmations: int) -> bool:
    """Take replica ``name`` out of use; False when it is already. One that is still being filled may always leave.

    ``confirmations`` as in the settings. ``NotFound`` for an unknown replica; ``Conflict`` when too few would be left
    (``replica.too_few``), or when it alone has the good bytes of some object (``replica.only_copy``).
    """
    # two that leave at once are looked at one after the other, as is what a deposit writes down meanwhile
    session.execute(select(Replica.name).order_by(Replica.name).with_for_update())
    row = session.get(Replica, name, populate_existing=True)
    if row is None:
        raise unknown_replica(archive, name)
    if row.state == RETIRED:
        return False
    if row.state == ACTIVE:
        _refuse_when_too_few(session, archive, name, confirmations)
        _refuse_when_only_copy(session, name)
    now = archive.clock.now()
    row.state = RETIRED
    session.flush()
    objects = session.scalar(
        select(func.count())
        .select_from(ReplicaObject)
        .where(ReplicaObject.replica == name, ReplicaObject.written_at.is_not(None))
    )
    session.execute(delete(ReplicaObject).where(ReplicaObject.replica == name, ReplicaObject.written_at.is_(None)))
    session.execute(
        update(ReplicaFill)
        .where(ReplicaFill.replica == name, ReplicaFill.finished_at.is_(None))
        .values(phase="given_up", trouble=None, updated_at=now, finished_at=now)
    )
    keys = select(Incident.key).where(Incident.state == "open", Incident.replica == name).distinct()
    for key in session.scalars(keys).all():
        close_incidents(session, at=now, actor=actor, replica=name, key=key, sha256="", source=GONE_WITH_REPLICA)
    acts.replica_retired(session, at=now, actor=actor, replica=name, objects=objects or 0)
    return True


def unknown_replica(archive: Archive, name: str) -> NotFound:
    """There is no replica of this name."""
    return NotFound(
        "replica.unknown",
        zh=f"没有名为 {name} 的副本；现有副本：{'、'.join(archive.replicas.names)}。",
        en=f"There is no replica {name}; there are {', '.join(archive.replicas.names)}.",
        replica=name,
    )


def _refuse_when_too_few(session: Session, archive: Archive, name: str, confirmations: int) -> None:
    others = select(Replica.name, Replica.required).where(Replica.state == ACTIVE, Replica.name != name)
    rows = session.execute(others).tuples().all()
    asked = archive.replicas.required  # by the settings, which may have changed since a replica joined
    required = [other for other, counted in rows if counted and other in asked]
    if len(rows) >= LEAST and len(required) >= max(1, confirmations):
        return
    joining = session.scalar(select(func.count()).select_from(Replica).where(Replica.state == FILLING))
    zh = "正在补写的副本补写完成后再试。" if joining else "请先用 lantai replica add 增加一个副本。"
    en = (
        "Wait until the replica that is being filled is in use."
        if joining
        else "Add another with `lantai replica add` first."
    )
    raise Conflict(
        "replica.too_few",
        zh=f"停用副本 {name} 后只剩 {len(rows)} 个副本（其中 {len(required)} 个计入确认），少于所需，没有停用。{zh}",
        en=f"Without replica {name} only {len(rows)} would be left ({len(required)} of them counted for confirmation), fewer than needed; it was not retired. {en}",
        replica=name,
        left=len(rows),
    )


def _refuse_when_only_copy(session: Session, name: str) -> None:
    """What the replica alone holds intact, or never re-read, would leave with it.

    Bags of deposits that have no row yet are looked at first: what is entered meanwhile is then among the rows.
    """
    over = exists().where(Submission.id == RecordPlan.submission_id, Submission.state.in_(_OVER))
    stored = select(RecordPlan.spec).where(RecordPlan.state == "stored", ~over)
    staying = set(session.scalars(select(Replica.name).where(Replica.state == ACTIVE, Replica.name != name)))
    plans = session.scalars(stored.execution_options(yield_per=500))
    coming = sum(not staying.intersection(spec.get("written", ())) for spec in plans)
    other = _placed.alias()
    faults = [str(one) for one in FAULTS]
    elsewhere = (
        exists()
        .where(other.c.key == ReplicaObject.key, other.c.replica != name, other.c.written_at.is_not(None))
        .where(or_(other.c.outcome.is_(None), other.c.outcome.not_in(faults)))
        .where(exists().where(Replica.name == other.c.replica, Replica.state == ACTIVE))
    )
    alone = session.scalar(
        select(func.count())
        .select_from(ReplicaObject)
        .where(
            ReplicaObject.replica == name,
            ReplicaObject.written_at.is_not(None),
            or_(ReplicaObject.outcome.is_(None), ReplicaObject.outcome.not_in(faults)),
            ~ReplicaObject.key.startswith("evidence/"),
            ~elsewhere,
        )
    )
    if alone := (alone or 0) + coming:
        raise Conflict(
            "replica.only_copy",
            zh=f"有 {alone} 个对象只有副本 {name} 有完好的内容，没有停用。请等其他副本补写完成，或先修复其他副本。",
            en=f"Replica {name} alone has good bytes of {alone} objects; it was not retired. Wait until the others have caught up, or repair them first.",
            replica=name,
            count=alone,
        )
