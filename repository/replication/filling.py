"""Filling a replica that joins: rows for every object, the objects themselves, and all of them read back.

Work goes in steps of seconds; what a step has done stands in the catalogue, so that a fill that is killed goes on where
it stopped and nothing is done twice. One process fills a replica at a time (lease). Objects that come in meanwhile are
written to the replica like to any other; the fill is over when everything that the holding had at its beginning lies
there and was read back intact. Only then is the replica ``active``, and counts when writes are confirmed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    CursorResult,
    Select,
    Table,
    and_,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository import leases, pending
from repository.archive import Archive
from repository.fixity.audit import audit
from repository.fixity.outcome import FAULTS, Outcome
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.storage.replicas import ACTIVE, FILLING
from repository.tables import Replica, ReplicaFill, ReplicaObject, StoredObject

LISTED_AT_ONCE = 5000
COPIED_AT_ONCE = 500
VERIFIED_AT_ONCE = 2000
_LEASE_SECONDS = 30.0
_SYSTEM = ActorRef("system", "system")
_placed = cast("Table", ReplicaObject.__table__)
_stored = cast("Table", StoredObject.__table__)


class Step(StrEnum):
    """What a step of filling ended in."""

    MORE = "more"
    """Something was done and more is to do."""
    WAITING = "waiting"
    """Nothing can be done now; ``ReplicaFill.trouble`` says why. Try again later."""
    DONE = "done"
    """The replica is active, or no longer filling."""


def filling_replicas(session: Session) -> list[str]:
    """Names of the replicas that are being filled."""
    return list(session.scalars(select(Replica.name).where(Replica.state == FILLING).order_by(Replica.name)))


@contextmanager
def right_to_fill(archive: Archive, name: str) -> Iterator[None]:
    """Be the one process that fills ``name``; ``Unavailable`` (``lease.held``) while another does.

    The lease is short, so that a killed filler is soon followed by another, and renewed beside the work.
    """
    lease, holder = f"fill-{name}"[:40], leases.holder_name("fill")
    with leases.kept(archive.sessions, lease, holder, _LEASE_SECONDS, archive.clock):
        yield


def fill(archive: Archive, name: str) -> Step:
    """Do one step of filling replica ``name``; the caller has the right to (``right_to_fill``)."""
    with archive.reading() as session:
        found = session.get(ReplicaFill, name)
        state = session.scalar(select(Replica.state).where(Replica.name == name))
    if found is None or state != FILLING:
        return Step.DONE
    if name not in archive.replicas.described:
        return _wait(archive, name, _not_described(name))
    return {"listing": _list, "copying": _copy, "verifying": _verify}[found.phase](archive, name)


def _list(archive: Archive, name: str) -> Step:
    """Rows for the next objects in the order of keys; memory does not grow with the holding."""
    with archive.sessions.begin() as session:
        found = session.get_one(ReplicaFill, name)
        page = select(StoredObject.key).where(StoredObject.key > found.listed_to).order_by(StoredObject.key)
        last = session.scalar(page.offset(LISTED_AT_ONCE - 1).limit(1)) or session.scalar(
            select(func.max(StoredObject.key)).where(StoredObject.key > found.listed_to)
        )
        if last is not None:
            _add_rows(session, name, and_(_stored.c.key > found.listed_to, _stored.c.key <= last))
            found.listed_to = last
        else:
            found.phase = "copying"
            _count(session, found)
        found.updated_at = archive.clock.now()
    return Step.MORE


def _add_rows(session: Session, name: str, which: ColumnElement[bool]) -> int:
    """Rows of ``name`` for the objects ``which``, where it has none; evidence belongs to the replica where it lies."""
    missing = (
        select(literal(name), _stored.c.key)
        .where(which, _stored.c.kind != "evidence")
        .where(~exists().where(_placed.c.replica == name, _placed.c.key == _stored.c.key))
    )
    added = session.execute(insert(_placed).from_select(["replica", "key"], missing))
    return cast("CursorResult[Any]", added).rowcount


def close_gaps(session: Session) -> int:
    """Rows for objects that a replica in full use has none for: a batch that was entered while it joined. How many.

    Objects of destroyed records are left to ``pending``, which brings them nowhere.
    """
    names = session.scalars(select(Replica.name).where(Replica.state == ACTIVE)).all()
    return sum(_add_rows(session, name, literal(1) == 1) for name in names)


def _count(session: Session, found: ReplicaFill) -> None:
    """Count anew what there is, what was brought and what was read back."""
    mine = _placed.join(_stored, _stored.c.key == _placed.c.key)

    def counted(*which: ColumnElement[bool]) -> tuple[int, int]:
        wanted = select(func.count(), func.coalesce(func.sum(_stored.c.size), 0)).select_from(mine)
        number, size = session.execute(wanted.where(_placed.c.replica == found.replica, *which)).one()
        return int(number), int(size)

    found.objects, found.bytes = counted()
    found.copied_objects, found.copied_bytes = counted(_placed.c.written_at.is_not(None))
    found.verified_objects, found.verified_bytes = counted(_placed.c.outcome == str(Outcome.INTACT))


def _copy(archive: Archive, name: str) -> Step:
    """Bring the next objects. What the store holds otherwise under a key is left for the reading back to judge."""
    caught = pending.catch_up(archive, name, COPIED_AT_ONCE)
    with archive.sessions.begin() as session:
        found = session.get_one(ReplicaFill, name)
        now = archive.clock.now()
        if caught.clashes:
            there = update(ReplicaObject).where(ReplicaObject.replica == name, ReplicaObject.key.in_(caught.clashes))
            session.execute(there.values(written_at=now))
        found.copied_objects += caught.objects + len(caught.clashes)
        found.copied_bytes += caught.size
        found.objects = max(found.objects, found.copied_objects)
        found.bytes = max(found.bytes, found.copied_bytes)
        found.trouble = _told(caught.trouble)
        found.updated_at = now
        moved = bool(caught.objects or caught.clashes)
        if caught.trouble is None and not moved:
            found.phase = "verifying"
            _count(session, found)
            return Step.MORE
    return Step.WAITING if caught.trouble is not None else Step.MORE


def _verify(archive: Archive, name: str) -> Step:
    """Read back the next objects that no audit has read on this replica."""
    results = audit(archive, actor=_SYSTEM, replicas=[name], all=False, limit=VERIFIED_AT_ONCE)
    trouble = next((one for one in results if one.outcome is Outcome.NOT_CHECKED), None)
    with archive.sessions.begin() as session:
        found = session.get_one(ReplicaFill, name)
        found.verified_objects += results.total(Outcome.INTACT)
        found.verified_bytes += results.bytes_read
        found.verified_bytes = min(found.verified_bytes, max(found.bytes, found.copied_bytes))
        found.trouble = None
        found.updated_at = archive.clock.now()
        if trouble is not None:
            found.trouble = {
                "code": str(trouble.detail.get("error", "replica.not_checked")),
                "zh": str(trouble.detail.get("zh", "副本没有应答。")),
                "en": str(trouble.detail.get("en", "The replica does not answer.")),
            }
            return Step.WAITING
    return Step.MORE if results.checked else _finish(archive, name)


def _finish(archive: Archive, name: str) -> Step:
    """Take the replica into full use, when nothing that the holding had at the beginning is missing on it."""
    with archive.sessions.begin() as session:
        if session.scalar(select(Replica.state).where(Replica.name == name).with_for_update()) != FILLING:
            return Step.DONE  # it was retired while it was read back
        found = session.get_one(ReplicaFill, name)
        now = archive.clock.now()
        gaps = _add_rows(session, name, literal(1) == 1)
        _count(session, found)
        found.updated_at = now
        unwritten = _unsettled(session, name, found)
        if gaps or unwritten:
            found.phase = "copying"
            found.trouble = None if gaps else _told(_not_given(name, unwritten))
            return Step.MORE if gaps else Step.WAITING
        faults = session.scalar(
            select(func.count())
            .select_from(ReplicaObject)
            .where(ReplicaObject.replica == name, ReplicaObject.outcome.in_([str(one) for one in FAULTS]))
        )
        if faults:
            found.trouble = _told(_at_fault(name, faults))
            return Step.WAITING
        lacking = session.scalar(_unwritten(name, found))
        found.phase, found.trouble, found.finished_at = "done", None, now
        session.execute(update(Replica).where(Replica.name == name).values(state=ACTIVE))
        acts.replica_filled(
            session,
            at=now,
            actor=_SYSTEM,
            replica=name,
            objects=found.verified_objects,
            size=found.verified_bytes,
            lacking=lacking or 0,
        )
    return Step.DONE


def _unwritten(name: str, found: ReplicaFill) -> Select[tuple[int]]:
    """How many objects that were there at the beginning are not on the replica."""
    return (
        select(func.count())
        .select_from(ReplicaObject)
        .join(StoredObject, StoredObject.key == ReplicaObject.key)
        .where(
            ReplicaObject.replica == name,
            ReplicaObject.written_at.is_(None),
            StoredObject.created_at <= found.started_at,
        )
    )


def _unsettled(session: Session, name: str, found: ReplicaFill) -> int:
    """As ``_unwritten``, but for those that no other replica could give: an object lost everywhere keeps no replica out."""
    other = _placed.alias()
    could_give = (
        exists()
        .where(other.c.key == ReplicaObject.key, other.c.replica != name, other.c.written_at.is_not(None))
        .where(or_(other.c.outcome.is_(None), other.c.outcome.not_in([str(one) for one in FAULTS])))
        .where(exists().where(Replica.name == other.c.replica, Replica.state == ACTIVE))
    )
    has_body = or_(StoredObject.body.is_not(None), StoredObject.kind == "block")
    return session.scalar(_unwritten(name, found).where(or_(could_give, has_body))) or 0


def _wait(archive: Archive, name: str, why: LantaiError) -> Step:
    with archive.sessions.begin() as session:
        found = session.get_one(ReplicaFill, name)
        found.trouble, found.updated_at = _told(why), archive.clock.now()
    return Step.WAITING


def _told(why: LantaiError | None) -> dict[str, Any] | None:
    return None if why is None else {"code": why.code, "zh": why.zh, "en": why.en}


def _not_described(name: str) -> LantaiError:
    return NotFound(
        "replica.not_described",
        zh=f"本进程的设置中没有副本 {name}。请检查 lantai.toml 或环境变量，然后重新启动工作进程。",
        en=f"The settings of this process describe no replica {name}. Check lantai.toml or the environment and restart the worker.",
        replica=name,
    )


def _not_given(name: str, number: int) -> LantaiError:
    return NotFound(
        "replica.not_given",
        zh=f"有 {number} 个对象没有任何副本能给出完好内容，无法补写到副本 {name}。请运行 lantai fixity audit --all 查明，修复后会自动继续。",
        en=f"No replica gives the recorded bytes of {number} objects, so they cannot be brought to replica {name}. Run `lantai fixity audit --all` to see which; the work goes on by itself after a repair.",
        replica=name,
        count=number,
    )


def _at_fault(name: str, number: int) -> LantaiError:
    return NotFound(
        "replica.at_fault",
        zh=f"副本 {name} 上有 {number} 个对象读回时不完好，暂不启用。请在“保管”页面修复（或运行 lantai fixity repair），然后继续。",
        en=f"{number} objects did not read back intact on replica {name}, so it is not in use yet. Repair them on the preservation page (or run `lantai fixity repair`), then go on.",
        replica=name,
        count=number,
    )
