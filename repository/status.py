"""What the archive looks like now, cheap enough to ask for on every page: totals, replicas, faults, work in progress."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository.archive import Archive
from repository.clock import stamp
from repository.storage import layout
from repository.storage.base import Store
from repository.tables import (
    AuditRun,
    Counter,
    Incident,
    LedgerBlock,
    LedgerPending,
    Outbox,
    Record,
    RecordPlan,
    RecordVersion,
    Replica,
    ReplicaObject,
    StoredFile,
    Submission,
)

LISTED = 20
_PLANS_LOOKED_AT = 200
_TOTALS = {
    "records": select(func.count()).select_from(Record),
    "versions": select(func.count()).select_from(RecordVersion),
    "files": select(func.count()).select_from(StoredFile),
    "bytes": select(func.coalesce(func.sum(RecordVersion.payload_bytes), 0)),
}


def status(archive: Archive) -> dict[str, Any]:
    """The whole state as plain values, ready for JSON.

    ``bytes`` are payload bytes of all versions. ``strays`` counts objects that deposits on their way in (or broken off)
    have left on replicas so far; ``unexpected`` objects are faults and stand among the incidents. ``index_lag`` is the
    number of changes that the search index does not show yet.
    """
    with archive.reading() as session:
        found: dict[str, Any] = {"holding_id": archive.holding_id, "at": stamp(archive.clock.now())}
        found.update(_totals(session))
        found["replicas"] = [_replica(archive, session, row) for row in _replica_rows(session)]
        found["submissions"] = dict(
            session.execute(
                select(Submission.state, func.count()).group_by(Submission.state).order_by(Submission.state)
            )
            .tuples()
            .all()
        )
        found["incidents"] = _incidents(session)
        found["index_lag"] = session.scalar(select(func.count()).where(Outbox.done_at.is_(None)).select_from(Outbox))
        found["ledger"] = _ledger(session)
        plans = session.scalars(
            select(RecordPlan.record_id)
            .where(RecordPlan.state.not_in(("accessioned", "left_out")))
            .limit(_PLANS_LOOKED_AT)
        ).all()
    found["failure_domains"] = _failure_domains(found["replicas"])
    strays = _strays(archive, plans)
    found["strays"] = len(strays)
    found["stray_objects"] = strays[:LISTED]
    return found


def _totals(session: Session) -> dict[str, int]:
    counted = dict(session.execute(select(Counter.name, Counter.value)).tuples().all())
    return {
        name: int(counted[name] if name in counted else session.scalar(statement) or 0)
        for name, statement in _TOTALS.items()
    }


def _replica_rows(session: Session) -> list[Replica]:
    return list(session.scalars(select(Replica).order_by(Replica.name)))


def _replica(archive: Archive, session: Session, row: Replica) -> dict[str, Any]:
    store = archive.replicas.store(row.name) if row.name in archive.replicas.names else None
    mine = ReplicaObject.replica == row.name
    objects = session.scalar(select(func.count()).select_from(ReplicaObject).where(mine)) or 0
    pending = session.scalar(
        select(func.count()).select_from(ReplicaObject).where(mine, ReplicaObject.written_at.is_(None))
    )
    unread = session.scalar(
        select(func.count())
        .select_from(ReplicaObject)
        .where(mine, ReplicaObject.checked_at.is_(None), ReplicaObject.written_at.is_not(None))
    )
    oldest = session.scalar(select(func.min(ReplicaObject.checked_at)).where(mine))
    last = session.scalars(
        select(AuditRun)
        .where(AuditRun.replica == row.name, AuditRun.kind != "inventory", AuditRun.finished_at.is_not(None))
        .order_by(AuditRun.finished_at.desc())
        .limit(1)
    ).first()
    damaged = session.scalar(
        select(func.count(func.distinct(Incident.key))).where(Incident.state == "open", Incident.replica == row.name)
    )
    domain, reachable = _failure_domain(store)
    return {
        "name": row.name,
        "kind": row.kind,
        "location": row.location,
        "required": row.required,
        "state": row.state,
        "reachable": reachable,
        "objects": objects,
        "pending": pending or 0,
        "never_checked": unread or 0,
        "oldest_check": _moment(oldest),
        "last_audit": None if last is None else _run(last),
        "inventoried_at": _moment(row.inventoried_at),
        "damaged": damaged or 0,
        "failure_domain": domain,
    }


def _run(run: AuditRun) -> dict[str, Any]:
    return {
        "kind": run.kind,
        "started_at": stamp(run.started_at),
        "finished_at": _moment(run.finished_at),
        "objects": run.objects,
        "bytes": run.bytes_read,
        "outcomes": run.outcomes,
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else stamp(at)


def _failure_domain(store: Store | None) -> tuple[str, bool]:
    """What fails together with the replica, and whether it is there now."""
    if store is None:
        return "unknown", False
    try:
        return store.failure_domain(), True
    except LantaiError:
        return "unknown", False


def _failure_domains(replicas: list[dict[str, Any]]) -> dict[str, Any]:
    domains: dict[str, list[str]] = defaultdict(list)
    for replica in replicas:
        domains[replica["failure_domain"]].append(replica["name"])
    domains.pop("unknown", None)
    shared = [names for names in domains.values() if len(names) > 1]
    zh = en = ""
    if shared:
        names = "; ".join(", ".join(one) for one in shared)
        zh = f"副本 {names} 在同一设备或同一服务上，损坏时会一同丢失。请把其中一个移到别处。"
        en = f"Replicas {names} lie on one device or service and would be lost together. Move one of them elsewhere."
    return {"count": len(domains), "shared": shared, "zh": zh, "en": en}


def _incidents(session: Session) -> dict[str, Any]:
    opened = session.scalar(select(func.count()).select_from(Incident).where(Incident.state == "open"))
    head = session.scalars(select(Incident).where(Incident.state == "open").order_by(Incident.seq).limit(LISTED))
    return {
        "open": opened or 0,
        "list": [
            {
                "id": one.id,
                "replica": one.replica,
                "key": one.key,
                "record_id": one.record_id,
                "fault": one.fault,
                "opened_at": stamp(one.opened_at),
                # names of files are content; who may see the record finds them with the incident
                "detail": {name: value for name, value in one.detail.items() if name != "members"},
            }
            for one in head
        ],
    }


def _ledger(session: Session) -> dict[str, Any]:
    pending = dict(
        session.execute(select(LedgerPending.stream, func.count()).group_by(LedgerPending.stream)).tuples().all()
    )
    found: dict[str, Any] = {}
    for stream in ("acts", "use"):
        block = session.scalars(
            select(LedgerBlock).where(LedgerBlock.stream == stream).order_by(LedgerBlock.number.desc()).limit(1)
        ).first()
        found[stream] = {
            "block": None if block is None else block.number,
            "sealed_at": None if block is None else stamp(block.sealed_at),
            "pending": pending.get(stream, 0),
        }
    return found


def _strays(archive: Archive, plans: Sequence[str]) -> list[dict[str, str]]:
    """Objects that lie on a replica without a row, because their deposit has not come to its end."""
    found = []
    for record_id in plans:
        key = layout.bag_key(record_id, 1)
        for name in archive.replicas.names:
            try:
                archive.replicas.store(name).head(key)
            except NotFound:
                continue
            except LantaiError:
                break
            found.append({"replica": name, "key": key, "record_id": record_id})
    return found
