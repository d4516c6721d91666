"""The alarm about damage: one a replica, raised when a run finds a fault, over when its last incident is closed."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from repository.alarms import AlarmKind, alarm_over, raise_alarm
from repository.archive import Archive
from repository.tables import Incident


def damage_found(session: Session, *, archive: Archive, replica: str) -> None:
    """A run has just written faults of ``replica`` down: somebody must look."""
    detail = {"incidents": _open(session, replica)}
    raise_alarm(session, archive=archive, kind=AlarmKind.DAMAGE, subject=replica, detail=detail)


def damage_mended(session: Session, *, archive: Archive, replica: str) -> None:
    """Incidents of ``replica`` were closed: say so when none is open any more."""
    if not _open(session, replica):
        alarm_over(session, archive=archive, kind=AlarmKind.DAMAGE, subject=replica)


def _open(session: Session, replica: str) -> int:
    session.flush()
    counted = select(func.count()).select_from(Incident).where(Incident.state == "open", Incident.replica == replica)
    return session.scalar(counted) or 0
