"""The figures of a site that its database knows, for ``lantai.metrics``: those that cost little, and those that count rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ingest.pipeline import is_outage
from lantai.heartbeats import database_seconds
from lantai.job_tables import JOBS, in_schema
from lantai.site import Site
from repository.rights import JOBS_SCHEMA
from repository.tables import (
    Alarm,
    AuditRun,
    Counter,
    Heartbeat,
    Incident,
    LedgerEntry,
    LedgerPending,
    Outbox,
    Replica,
    ReplicaObject,
    Submission,
)

Samples = list[tuple[Mapping[str, str], float]]
Figures = dict[str, Samples]

_JOB_STATES = {
    "ENQUEUED": "waiting",
    "DELAYED": "waiting",
    "PENDING": "running",
    "SUCCESS": "done",
    "ERROR": "failed",
    "MAX_RECOVERY_ATTEMPTS_EXCEEDED": "failed",
    "CANCELLED": "stopped",
}
_STATES = ("receiving", "examining", "waiting", "accepted", "storing", "done", "returned", "failed")
_LOOKED_AT = 1000


def light(session: Session, site: Site) -> Figures:
    """Figures that are kept or indexed: may be asked every few seconds at any size."""
    now = site.archive.clock.now()
    return {
        **_totals(session),
        **_submissions(session),
        **_outbox(session, now),
        **_ledger(session, now),
        **_workers(session, site.settings.worker_ttl_seconds),
        **_jobs(session),
        **_alarms(session),
    }


def heavy(session: Session, site: Site) -> Figures:
    """Figures that count the objects of every replica: once a minute is enough."""
    return {**_incidents(session), **_replicas(session, site.archive.clock.now()), **_audits(session)}


def _totals(session: Session) -> Figures:
    kept = dict(session.execute(select(Counter.name, Counter.value)).tuples().all())
    names = {"records": "records", "versions": "versions", "files": "files", "payload_bytes": "bytes"}
    return {f"lantai_{name}": [({}, float(kept.get(counter, 0)))] for name, counter in names.items()}


def _submissions(session: Session) -> Figures:
    found = dict(session.execute(select(Submission.state, func.count()).group_by(Submission.state)).tuples().all())
    wanted = select(Submission.error).where(
        Submission.state.in_(("examining", "accepted", "storing")), Submission.error.is_not(None)
    )
    errors = session.scalars(wanted.limit(_LOOKED_AT))
    waiting = sum(1 for one in errors if one and is_outage(str(one.get("code"))))
    return {
        "lantai_submissions": [({"state": state}, float(found.get(state, 0))) for state in _STATES],
        "lantai_submissions_waiting_for_outage": [({}, float(waiting))],
    }


def _outbox(session: Session, now: datetime) -> Figures:
    pending, oldest = session.execute(
        select(func.count(), func.min(Outbox.created_at)).where(Outbox.done_at.is_(None))
    ).one()
    return {
        "lantai_outbox_pending": [({}, float(pending))],
        "lantai_outbox_oldest_seconds": [({}, _age(now, oldest))],
    }


def _ledger(session: Session, now: datetime) -> Figures:
    found = dict(
        session.execute(select(LedgerPending.stream, func.count()).group_by(LedgerPending.stream)).tuples().all()
    )
    first = select(LedgerPending.entry_seq).order_by(LedgerPending.entry_seq).limit(1).scalar_subquery()
    oldest = session.scalar(select(LedgerEntry.at).where(LedgerEntry.seq == first))
    return {
        "lantai_ledger_unsealed": [({"stream": one}, float(found.get(one, 0))) for one in ("acts", "use")],
        "lantai_ledger_unsealed_oldest_seconds": [({}, _age(now, oldest))],
    }


def _workers(session: Session, ttl: float) -> Figures:
    now = database_seconds(session)
    alive = list(session.scalars(select(Heartbeat.seen).where(Heartbeat.seen >= now - ttl)))
    return {
        "lantai_workers": [({}, float(len(alive)))],
        "lantai_worker_oldest_beat_seconds": [({}, max(0.0, now - min(alive)))] if alive else [],
    }


def _jobs(session: Session) -> Figures:
    """Jobs by queue and state; of a database in which no worker ever ran there are none."""
    ready = in_schema(session, None if session.get_bind().dialect.name == "sqlite" else JOBS_SCHEMA)
    wanted = select(JOBS.c.queue_name, JOBS.c.status, func.count()).group_by(JOBS.c.queue_name, JOBS.c.status)
    found: dict[tuple[str, str], float] = {}
    for queue, status, count in ready.execute(wanted):
        key = (queue or "none", _JOB_STATES.get(status, "other"))
        found[key] = found.get(key, 0.0) + count
    return {"lantai_jobs": [({"queue": queue, "state": state}, n) for (queue, state), n in sorted(found.items())]}


def _alarms(session: Session) -> Figures:
    wanted = select(Alarm.kind, func.count()).where(Alarm.closed_at.is_(None)).group_by(Alarm.kind)
    return {"lantai_alarms_open": [({"kind": kind}, float(n)) for kind, n in session.execute(wanted).tuples()]}


def _incidents(session: Session) -> Figures:
    wanted = select(Incident.replica, Incident.fault, Incident.state, func.count()).group_by(
        Incident.replica, Incident.fault, Incident.state
    )
    rows = session.execute(wanted).tuples()
    return {
        "lantai_incidents": [
            ({"replica": replica, "fault": fault, "state": state}, float(n)) for replica, fault, state, n in rows
        ]
    }


def _replicas(session: Session, now: datetime) -> Figures:
    names = list(session.scalars(select(Replica.name).order_by(Replica.name)))
    kinds = {"": (), "_pending": (ReplicaObject.written_at.is_(None),)}
    kinds["_unread"] = (ReplicaObject.checked_at.is_(None), ReplicaObject.written_at.is_not(None))
    found: Figures = {f"lantai_replica_objects{kind}": [] for kind in kinds}
    found["lantai_replica_oldest_read_seconds"] = []
    for name in names:
        mine = ReplicaObject.replica == name
        for kind, criteria in kinds.items():
            count = session.scalar(select(func.count()).select_from(ReplicaObject).where(mine, *criteria)) or 0
            found[f"lantai_replica_objects{kind}"].append(({"replica": name}, float(count)))
        oldest = session.scalar(select(func.min(ReplicaObject.checked_at)).where(mine))
        if oldest is not None:
            found["lantai_replica_oldest_read_seconds"].append(({"replica": name}, _age(now, oldest)))
    return found


def _audits(session: Session) -> Figures:
    wanted = (
        select(AuditRun.replica, func.sum(AuditRun.objects), func.sum(AuditRun.bytes_read))
        .where(AuditRun.kind != "inventory")
        .group_by(AuditRun.replica)
    )
    rows = session.execute(wanted).tuples().all()
    return {
        "lantai_audit_objects_total": [({"replica": name}, float(objects or 0)) for name, objects, _ in rows],
        "lantai_audit_bytes_total": [({"replica": name}, float(read or 0)) for name, _, read in rows],
    }


def _age(now: datetime, oldest: datetime | None) -> float:
    return 0.0 if oldest is None else max(0.0, (now - oldest.astimezone(UTC)).total_seconds())
