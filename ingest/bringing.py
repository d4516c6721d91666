"""Bags that no replica can give now, packed again from quarantine, where deposits lie until they are safe everywhere.

Where fewer confirmations suffice than there are replicas, a bag may lie on one alone for a while. When that one goes away,
or never comes back, the others need not wait for it: the frozen plan and the deposited bytes make the same object.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.orm import Session, aliased

from ingest import quarantine
from ingest.submissions import RELEASED
from metadata.errors import Conflict, LantaiError, Unavailable
from repository.archive import Archive
from repository.bag.pack import chunks
from repository.bag.plan import load
from repository.fixity.markers import standing
from repository.fixity.outcome import FAULTS
from repository.pending import tell_of_conflict
from repository.storage.failures import OTHER_BYTES
from repository.tables import RecordPlan, RecordVersion, ReplicaObject, StoredObject, Submission

log = logging.getLogger(__name__)
_PAGE = 100
AFTER = timedelta(seconds=30)
"""How long another replica has the time to give a bag first: that costs no reading of the deposit."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    key: str
    sha256: str
    submission_id: str
    plan_path: str
    replicas: tuple[str, ...]


def bring_from_quarantine(archive: Archive, limit: int = 100) -> int:
    """Write about ``limit`` bags that replicas lack and that none which answers holds; how many were brought.

    What quarantine cannot give any more (a deposit in place whose files are gone) goes on waiting for its replica.
    """
    lacking = _lacking(archive)
    with archive.reading() as session:
        if session.execute(lacking.limit(1)).first() is None:
            return 0
    answering = [name for name in archive.replicas.names if standing(archive, name).trouble is None]
    clashes: dict[str, Conflict] = {}
    try:
        return _bring_in_turn(archive, lacking, answering, limit, clashes)
    finally:
        for name, clash in clashes.items():
            tell_of_conflict(archive, name, clash)


def _bring_in_turn(
    archive: Archive, lacking: Select[Any], answering: Sequence[str], limit: int, clashes: dict[str, Conflict]
) -> int:
    brought, after = 0, ""
    while brought < limit:
        with archive.reading() as session:
            wanted = _wanted(session, lacking.where(ReplicaObject.key > after), answering)
        if not wanted:
            break
        after = wanted[-1].key
        for one in wanted:
            try:
                brought += _bring_where_free(archive, one, clashes)
            except Unavailable as error:
                log.warning("%s could not be brought from quarantine: %s", one.key, error)
                return brought
            except (LantaiError, OSError) as error:
                log.warning("quarantine does not give %s: %s", one.key, error)
    return brought


def _bring_where_free(archive: Archive, one: _Wanted, clashes: dict[str, Conflict]) -> bool:
    """Bring it to the replicas that hold nothing else under its key; those that do are noted in ``clashes``."""
    while one.replicas:
        try:
            _bring(archive, one)
        except Conflict as error:
            if error.code != OTHER_BYTES:
                raise
            log.warning("quarantine does not give %s: %s", one.key, error)
            clashing = str(error.params["store"])
            clashes[clashing] = error
            one = replace(one, replicas=tuple(name for name in one.replicas if name != clashing))
        else:
            return True
    return False


def _wanted(session: Session, lacking: Select[Any], answering: Sequence[str]) -> list[_Wanted]:
    """The next of those that are ``lacking`` on a replica that answers, while no other that answers can give them."""
    holder, stone = aliased(ReplicaObject), aliased(StoredObject)
    given = exists().where(
        holder.key == ReplicaObject.key,
        holder.replica.in_(answering),
        holder.written_at.is_not(None),
        or_(holder.outcome.is_(None), holder.outcome.not_in([str(one) for one in FAULTS])),
    )
    destroyed = exists().where(stone.kind == "tombstone", stone.record_id == StoredObject.record_id)
    keys = lacking.where(ReplicaObject.replica.in_(answering), ~given, ~destroyed)
    found: dict[str, _Wanted] = {}
    for row in session.execute(keys.order_by(ReplicaObject.key).limit(_PAGE)):
        known = found.get(row.key)
        also = (*known.replicas, row.replica) if known else (row.replica,)
        found[row.key] = _Wanted(row.key, row.sha256, row.submission_id, row.plan_path, also)
    return list(found.values())


def _lacking(archive: Archive) -> Select[Any]:
    """Bags that some replica in use lacks and whose deposit still lies in quarantine."""
    return (
        select(
            ReplicaObject.key,
            ReplicaObject.replica,
            StoredObject.sha256,
            RecordPlan.submission_id,
            RecordPlan.plan_path,
        )
        .join(StoredObject, StoredObject.key == ReplicaObject.key)
        .join(RecordVersion, RecordVersion.object_key == StoredObject.key)
        .join(RecordPlan, RecordPlan.record_id == RecordVersion.record_id)
        .join(Submission, Submission.id == RecordPlan.submission_id)
        .where(
            ReplicaObject.written_at.is_(None),
            ReplicaObject.replica.in_(archive.replicas.names),
            RecordVersion.number == 1,  # later ones were made of what is kept, not of a deposit
            StoredObject.created_at < archive.clock.now() - AFTER,
            RecordPlan.plan_path.is_not(None),
            Submission.step != RELEASED,
        )
    )


def _bring(archive: Archive, one: _Wanted) -> None:
    plan = load(archive.quarantine / one.plan_path)
    open_source = quarantine.opener(quarantine.folder(archive.quarantine, one.submission_id))
    written = archive.replicas.create_stream(
        one.key,
        lambda: _as_recorded(one, chunks(plan, open_source)),
        plan.object_size,
        only=one.replicas,
        known=tuple(plan.known()),
    )
    mine = (
        ReplicaObject.key == one.key,
        ReplicaObject.replica.in_(sorted(written)),
        ReplicaObject.written_at.is_(None),
    )
    with archive.sessions.begin() as session:
        session.execute(update(ReplicaObject).where(*mine).values(written_at=archive.clock.now()))
    log.info("%s was packed again from quarantine for %s", one.key, ", ".join(sorted(written)))


def _as_recorded(one: _Wanted, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same pieces; the last is given when all of them have the digest that the catalogue knows."""
    digest = hashlib.sha256()
    held = b""
    for piece in pieces:
        if held:
            yield held
        digest.update(piece)
        held = piece
    if digest.hexdigest() != one.sha256:
        raise Conflict(
            "store.not_as_expected",
            zh=f"隔离区中的内容重新封装后与 {one.key} 登记的摘要不同，没有写入。",
            en=f"What quarantine gives does not make {one.key} as it is recorded; nothing was written.",
            key=one.key,
        )
    yield held
