"""Incidents: one per replica, key and fault, from discovery until it is mended.

A second discovery of the same fault adds a check, not an incident. Opening and closing write a ledger entry in the
same transaction.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from metadata.identifiers import new_id
from repository.db import insert_or
from repository.fixity.outcome import Outcome
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.tables import Counter, Incident

UNCHANGED = "unchanged"
WITHDRAWN = "withdrawn"
RETIRED = "retired"
UNREADABLE_EVIDENCE = "unreadable"
"""Why a repaired object has no evidence: the store could not read it, so there was nothing to keep."""


def open_incidents(session: Session, *, limit: int | None = None) -> list[Incident]:
    """Open incidents, oldest first."""
    return list(session.scalars(select(Incident).where(Incident.state == "open").order_by(Incident.seq).limit(limit)))


def open_incident(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    replica: str,
    key: str,
    fault: Outcome,
    record_id: str | None,
    detail: dict[str, Any],
) -> str:
    """The id of the open incident for this fault, opened now when there is none."""
    number = _next_number(session)  # holds other openers back until this transaction ends
    found = session.scalar(
        select(Incident.id).where(
            Incident.state == "open",
            Incident.replica == replica,
            Incident.key == key,
            Incident.fault == str(fault),
        )
    )
    if found is not None:
        return found
    incident = Incident(
        id=new_id(),
        seq=number,
        replica=replica,
        key=key,
        record_id=record_id,
        fault=str(fault),
        state="open",
        detail=detail,
        opened_at=at,
    )
    session.add(incident)
    acts.incident_opened(
        session,
        at=at,
        actor=actor,
        incident_id=incident.id,
        replica=replica,
        key=key,
        fault=str(fault),
        record_id=record_id,
        detail=detail,
    )
    return incident.id


def close_incidents(
    session: Session,
    *,
    at: datetime,
    actor: ActorRef,
    replica: str,
    key: str,
    sha256: str,
    source: str,
    evidence_key: str | None = None,
    evidence: str | None = None,
) -> list[str]:
    """Close every open incident about ``key`` on ``replica``, whose bytes were just read and have ``sha256``.

    ``source`` is where the bytes came from: a replica's name, ``catalogue``, ``unchanged`` when the object was found
    intact without help (a store that did not answer does again; a person put the file back), ``withdrawn`` when an
    unexpected object is gone or explained, ``retired`` when the replica was taken out of use.
    ``evidence`` says why there is no ``evidence_key`` where one would be expected (``UNREADABLE_EVIDENCE``).
    """
    found = session.scalars(
        select(Incident).where(Incident.state == "open", Incident.replica == replica, Incident.key == key)
    ).all()
    for incident in found:
        incident.state = "closed" if source in {UNCHANGED, WITHDRAWN, RETIRED} else "repaired"
        incident.closed_at = at
        incident.resolution = {"source": source, "sha256": sha256, "evidence_key": evidence_key}
        if evidence is not None:
            incident.resolution = {**incident.resolution, "evidence": evidence}
        acts.incident_repaired(
            session,
            at=at,
            actor=actor,
            incident_id=incident.id,
            replica=replica,
            key=key,
            sha256=sha256,
            source=source,
            evidence_key=evidence_key,
            evidence=evidence,
            record_id=incident.record_id,
        )
    return [incident.id for incident in found]


def _next_number(session: Session) -> int:
    statement = insert_or(session, Counter).values(name="incident.seq", value=1)
    statement = statement.on_conflict_do_update(index_elements=[Counter.name], set_={"value": Counter.value + 1})
    return int(session.execute(statement.returning(Counter.value)).scalar_one())
