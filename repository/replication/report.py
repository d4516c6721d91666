"""The state of every replica as plain values: for lists, pages and programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.replication.domains import Shared, shared
from repository.storage.base import Store
from repository.storage.replicas import FILLING, RETIRED
from repository.tables import AuditRun, Incident, Replica, ReplicaComparison, ReplicaFill, ReplicaObject

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Filling:
    """How far a replica that joins has come; objects and bytes of how many, once they are counted."""

    phase: str
    objects: int
    bytes: int
    copied_objects: int
    copied_bytes: int
    verified_objects: int
    verified_bytes: int
    trouble: dict[str, str] | None
    started_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class ReplicaReport:
    """One replica. ``domain``: what fails together with it; ``pending``: objects it still has to get."""

    name: str
    kind: str
    location: str
    required: bool
    state: str
    described: bool
    reachable: bool
    domain: str
    added_at: datetime
    objects: int
    pending: int
    never_checked: int
    damaged: int
    oldest_check: datetime | None
    last_audit: datetime | None
    inventoried_at: datetime | None
    filling: Filling | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Copies:
    """How many objects a replica is to hold, and how many of those written were never read again."""

    objects: int
    never_checked: int


def copies(session: Session, name: str) -> Copies:
    """Count them: half a second for half a million."""
    count = select(func.count()).select_from(ReplicaObject).where(ReplicaObject.replica == name)
    unchecked = count.where(ReplicaObject.checked_at.is_(None), ReplicaObject.written_at.is_not(None))
    return Copies(session.scalar(count) or 0, session.scalar(unchecked) or 0)


def report(
    archive: Archive, session: Session, *, count: Callable[[Session, str], Copies] = copies
) -> list[ReplicaReport]:
    """Every replica that the catalogue knows, in the order of names; retired ones too. ``count``: who asks often may
    know the numbers of copies already."""
    rows = session.scalars(select(Replica).order_by(Replica.name)).all()
    return [_of(archive, session, row, count(session, row.name)) for row in rows]


def shared_by(archive: Archive, replicas: Sequence[ReplicaReport]) -> list[Shared]:
    """What the replicas in use share that could hit them together."""
    domains = {one.name: one.domain for one in replicas if one.state != RETIRED}
    return shared(domains, archive.replicas.same_credentials)


def comparisons(session: Session, *, limit: int = 5) -> list[ReplicaComparison]:
    """The newest comparisons."""
    return list(session.scalars(select(ReplicaComparison).order_by(ReplicaComparison.seq.desc()).limit(limit)))


def _of(archive: Archive, session: Session, row: Replica, held: Copies) -> ReplicaReport:
    described = row.name in archive.replicas.described
    domain, reachable = UNKNOWN, False
    if described and row.state != RETIRED:
        domain, reachable = domain_of(archive.replicas.store(row.name))
    mine = ReplicaObject.replica == row.name
    waiting = select(func.count()).select_from(ReplicaObject).where(mine, ReplicaObject.written_at.is_(None))
    damaged = select(func.count(func.distinct(Incident.key))).where(
        Incident.state == "open", Incident.replica == row.name
    )
    return ReplicaReport(
        name=row.name,
        kind=row.kind,
        location=row.location,
        required=row.required,
        state=row.state,
        described=described,
        reachable=reachable,
        domain=domain,
        added_at=row.added_at,
        objects=held.objects,
        pending=session.scalar(waiting) or 0,
        never_checked=held.never_checked,
        damaged=session.scalar(damaged) or 0,
        oldest_check=session.scalar(select(func.min(ReplicaObject.checked_at)).where(mine)),
        last_audit=session.scalar(
            select(func.max(AuditRun.finished_at)).where(AuditRun.replica == row.name, AuditRun.kind != "inventory")
        ),
        inventoried_at=row.inventoried_at,
        filling=_filling(session, row),
    )


def _filling(session: Session, row: Replica) -> Filling | None:
    found = session.get(ReplicaFill, row.name) if row.state == FILLING else None
    if found is None:
        return None
    return Filling(
        phase=found.phase,
        objects=found.objects,
        bytes=found.bytes,
        copied_objects=found.copied_objects,
        copied_bytes=found.copied_bytes,
        verified_objects=found.verified_objects,
        verified_bytes=found.verified_bytes,
        trouble=found.trouble,
        started_at=found.started_at,
        updated_at=found.updated_at,
    )


def domain_of(store: Store) -> tuple[str, bool]:
    """What fails together with a store, and whether it is there now."""
    try:
        return store.failure_domain(), True
    except LantaiError:
        return UNKNOWN, False
