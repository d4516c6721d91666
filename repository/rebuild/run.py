"""The rebuild itself, as one story: ledger, people, bags, case files, objects, retention."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from metadata.errors import Conflict, NotFound
from repository.archive import Archive
from repository.clock import parse_stamp
from repository.db import Sessions
from repository.ledger import acts
from repository.ledger.entry import ActorRef
from repository.rebuild.alarms import restore_alarms
from repository.rebuild.carried import carry_over
from repository.rebuild.cases import restore_cases
from repository.rebuild.compare import compare
from repository.rebuild.history import History, check_ledger, restore_ledger
from repository.rebuild.holds import restore_holds
from repository.rebuild.objects import restore_objects
from repository.rebuild.people import restore_people, restore_profiles
from repository.rebuild.records import restore_records
from repository.rebuild.report import Progress, RebuildReport
from repository.rebuild.sources import Sources
from repository.storage.replicas import ACTIVE, FILLING
from repository.tables import (
    Account,
    CaseFile,
    Holding,
    LedgerEntry,
    Organ,
    Record,
    Replica,
    ReplicaFill,
    StoredObject,
    Submission,
)

Assign = Callable[[Session, Sequence[str]], None]
"""Gives the records with these ids their retention anew; retention stands above this package and hands it in."""

_SYSTEM = ActorRef("system", "system")


def _no_progress(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""


def rebuild(
    archive: Archive,
    replica_name: str,
    *,
    forward: bool = False,
    assign: Assign | None = None,
    actor: ActorRef = _SYSTEM,
    present: Sessions | None = None,
    progress: Progress = _no_progress,
) -> RebuildReport:
    """Make the catalogue anew from replica ``replica_name`` in the archive's empty, migrated database.

    All of it is one transaction: a rebuild that breaks off leaves the database empty, to be repeated. The other
    replicas are listed too; they give what the chosen one names and has lost, and with ``forward`` all that they hold.
    ``present`` is another database's sessions to compare with; ``forward`` carries over from it what no store holds. Text and index are queued, not made.

    Raises ``NotFound`` for an unknown replica, ``Unavailable`` when it does not answer, ``Conflict`` when the database
    is not empty, and, unless ``forward``: when the replica's ledger ends before a checkpoint or another replica shows,
    does not verify, or was signed by keys that this site does not have.
    """
    if replica_name not in archive.replicas.names:
        raise NotFound(
            "rebuild.unknown_replica",
            zh=f"没有名为 {replica_name} 的副本。现有副本：{'、'.join(archive.replicas.names)}。",
            en=f"There is no replica {replica_name}; there are {', '.join(archive.replicas.names)}.",
            replica=replica_name,
        )
    report = RebuildReport(replica_name)
    with archive.sessions.begin() as session:
        _refuse_when_not_empty(session)
        progress("listing", 0, 0)
        sources = Sources(archive, replica_name, forward=forward)
        report.unreachable = sources.unreachable
        for key, error in sources.damaged:
            report.fault(key, error)
        progress("ledger", 0, 0)
        check_ledger(archive, sources, report)
        _restore_site(session, archive, sources)
        batches = _restore_contents(session, archive, sources, report, progress)
        for number, ids in enumerate(batches, start=1):
            if assign is not None and ids:
                assign(session, ids)
            progress("retention", number, len(batches))
        if present is not None:
            session.flush()
            with present() as other:
                report.differences = list(compare(session, other))
                if forward:
                    carry_over(session, other, report)
        acts.rebuild_finished(
            session,
            at=archive.clock.now(),
            actor=actor,
            replica=replica_name,
            as_of={stream: head.number for stream, head in report.as_of.items()},
            records=report.counts["records"],
            unconfirmed=len(report.unconfirmed),
            forward=forward,
        )
    return report


def _restore_contents(
    session: Session, archive: Archive, sources: Sources, report: RebuildReport, progress: Progress
) -> list[list[str]]:
    """All that the stores tell, in the order in which one thing names another; ids of records, a batch each."""
    history = restore_ledger(session, archive, sources, report)
    destroyed = {str(info.record_id) for _, info in sources.of_kind("tombstone")}
    report.counts["tombstones"] = len(destroyed)
    _restore_added(session, history, archive.clock.now())
    restore_profiles(session, sources, history, archive.clock, report)
    restore_people(session, sources, report)
    report.unfinished = sorted(history.submissions - set(session.scalars(select(Submission.id))))
    found = restore_records(session, archive, sources, history, report, destroyed=destroyed, progress=progress)
    batches = list(found)
    progress("case files", 0, 0)
    restore_cases(session, archive, sources, report, destroyed=destroyed)
    restore_holds(session, sources, report)
    restore_alarms(session, sources, report)
    progress("objects", 0, 0)
    restore_objects(session, sources, archive.clock, report, destroyed=destroyed)
    report.elsewhere = sources.elsewhere()
    return batches


def _restore_added(session: Session, history: History, now: datetime) -> None:
    """When each replica joined, and which were being filled or out of use, as the ledger tells it."""
    for name, at in history.replicas.items():
        state = history.states.get(name, ACTIVE)
        session.execute(update(Replica).where(Replica.name == name).values(added_at=at, state=state))
        if state == FILLING and session.get(Replica, name) is not None:
            session.add(ReplicaFill(replica=name, actor=_SYSTEM.id, started_at=now, updated_at=now))
    session.flush()


def _refuse_when_not_empty(session: Session) -> None:
    for table in (Record, CaseFile, LedgerEntry, StoredObject, Organ, Account):
        if session.execute(select(table).limit(1)).first() is not None:
            raise Conflict(
                "rebuild.not_empty",
                zh="数据库不是空的，没有重建。请先把现有数据库文件移走（不要删除），再重试。",
                en="The database is not empty; nothing was rebuilt. Move the present database file away (do not delete it) and try again.",
                table=table.__tablename__,
            )


def _restore_site(session: Session, archive: Archive, sources: Sources) -> None:
    """The rows of the holding and its replicas, when the site did not insert them before."""
    now = archive.clock.now()
    if session.get(Holding, archive.holding_id) is None:
        marker = sources.markers[sources.first]
        created_at = parse_stamp(marker.created_at)
        session.execute(insert(Holding).values(id=archive.holding_id, zone=marker.zone, created_at=created_at))
    for store in archive.replicas.stores:
        if session.get(Replica, store.name) is None:
            session.execute(
                insert(Replica).values(
                    name=store.name,
                    kind=store.kind,
                    location=str(getattr(store, "root", None) or ""),
                    required=store.name in archive.replicas.required,
                    added_at=now,
                )
            )
