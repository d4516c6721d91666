"""What the archive looks like now, cheap enough to ask for on every page: totals, replicas, faults, work in progress."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository.archive import Archive
from repository.clock import stamp
from repository.replication.report import UNKNOWN, ReplicaReport, report, shared_by
from repository.storage import layout
from repository.storage.replicas import RETIRED
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
        replicas = report(archive, session)
        found["replicas"] = [_replica(session, one) for one in replicas]
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
    found["failure_domains"] = _failure_domains(archive, replicas)
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


def _replica(session: Session, one: ReplicaReport) -> dict[str, Any]:
    last = session.scalars(
        select(AuditRun)
        .where(AuditRun.replica == one.name, AuditRun.kind != "inventory", AuditRun.finished_at.is_not(None))
        .order_by(AuditRun.finished_at.desc())
        .limit(1)
    ).first()
    return {
        "name": one.name,
        "kind": one.kind,
        "location": one.location,
        "required": one.required,
        "state": one.state,
        "reachable": one.reachable,
        "objects": one.objects,
        "pending": one.pending,
        "never_checked": one.never_checked,
        "oldest_check": _moment(one.oldest_check),
        "last_audit": None if last is None else _run(last),
        "inventoried_at": _moment(one.inventoried_at),
        "damaged": one.damaged,
        "failure_domain": one.domain,
        "filling": None if one.filling is None else asdict(one.filling),
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


def _failure_domains(archive: Archive, replicas: Sequence[ReplicaReport]) -> dict[str, Any]:
    found = shared_by(archive, replicas)
    known = {one.domain for one in replicas if one.state != RETIRED} - {UNKNOWN}
    return {
        "count": len(known),
        "shared": [list(one.replicas) for one in found if one.kind != "credentials"],
        "credentials": [list(one.replicas) for one in found if one.kind == "credentials"],
        "zh": "".join(one.zh for one in found),
        "en": " ".join(one.en for one in found),
    }


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
