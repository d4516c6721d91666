"""The inventory: what a replica lists against what the catalogue says, both ways.

Two sorted listings are merged as they stream, so that memory does not grow with the holding. Nothing is read but names
and sizes: an object that is listed is not thereby intact. Whatever looks wrong is looked at once more before it is
written down, because records come in while a listing runs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, select, update

from metadata.errors import Invalid, LantaiError, NotFound
from repository.archive import Archive
from repository.db import by_bytes
from repository.fixity import markers
from repository.fixity.alarming import damage_mended
from repository.fixity.drilldown import look_into
from repository.fixity.incidents import WITHDRAWN, close_incidents
from repository.fixity.outcome import AuditResult, AuditResults, Outcome, Run
from repository.fixity.reading import Reading, Task
from repository.fixity.results import begin_run, finish_run, objects_at_fault, save_totals, write_readings
from repository.ledger.acts import ActorRef
from repository.ledger.checkpoints import read_inventory, read_newest
from repository.storage import layout
from repository.storage.base import Stat, Store, checked_key
from repository.tables import Incident, RecordPlan, Replica, ReplicaObject, StoredObject

LISTED = "listed"
STRAY = "stray"
BEHIND_AFTER = timedelta(hours=24)
_PAGE = 5000
_CHECKPOINT_ROWS = 400
_OWN_KINDS = frozenset({"marker", "document"})


def inventory(archive: Archive, *, actor: ActorRef, replicas: Sequence[str] | None = None) -> AuditResults:
    """Compare each replica's listing with the catalogue, and the catalogue with the newest checkpoint there; what is wrong, and the totals of each replica's run.

    Opens incidents for objects that are missing, have another size, were not expected, or should have been destroyed.
    ``outcomes`` also counts ``listed`` and ``stray`` (objects of deposits still on their way in). Objects that wait
    longer than a day to be written are counted as stale without an incident. A replica that does not answer is
    not checked.
    """
    names = list(replicas) if replicas is not None else list(archive.replicas.names)
    results = AuditResults()
    for name in names:
        results.runs.append(_Inventory(archive, actor, name, results).run())
    return results


def strangers(archive: Archive, *, actor: ActorRef, replica: str, results: AuditResults) -> Mapping[str, int]:
    """Only what a replica has too much of, as part of an audit that reads everything else; counts by outcome.

    Faults are written down and noted in ``results``. Raises what the store raises.
    """
    return _Inventory(archive, actor, replica, results, only_strangers=True).list_only()


@dataclass(frozen=True, slots=True)
class _Expected:
    key: str
    kind: str
    record_id: str | None
    sha256: str
    size: int
    written: bool
    behind: bool


class _Inventory:
    def __init__(
        self, archive: Archive, actor: ActorRef, replica: str, results: AuditResults, *, only_strangers: bool = False
    ) -> None:
        self._archive = archive
        self._actor = actor
        self._store: Store = archive.replicas.store(replica)
        self._replica = replica
        self._found: list[Reading] = []
        self._strangers: list[Stat] = []
        self._results = results
        self._at_fault = objects_at_fault(archive)
        self._only_strangers = only_strangers
        self._run = Run("", replica, "inventory")

    def list_only(self) -> Mapping[str, int]:
        self._merge()
        self._flush()
        return self._run.outcomes

    def run(self) -> Run:
        started = time.monotonic()
        complete = False
        with self._archive.sessions.begin() as session:
            at = self._archive.clock.now()
            self._run = begin_run(session, at=at, actor=self._actor, replica=self._replica, kind="inventory")
        try:
            found = markers.standing(self._archive, self._replica)
            if found.trouble is not None:
                raise found.trouble
            self._found += markers.readings(self._replica, found, self._at_fault)
            self._merge()
            self._flush()
            self._against_checkpoint()
            self._flush()
            self._withdraw()
            complete = True
        except LantaiError as error:
            self._run.count(Outcome.NOT_CHECKED)
            detail = {"error": error.code, "zh": error.zh, "en": error.en}
            self._results.note_fault(AuditResult(self._replica, "-", Outcome.NOT_CHECKED, detail=detail))
        self._run.seconds = time.monotonic() - started
        now = self._archive.clock.now()
        with self._archive.sessions.begin() as session:
            finish_run(session, at=now, actor=self._actor, run=self._run)
            if complete:
                session.execute(update(Replica).where(Replica.name == self._replica).values(inventoried_at=now))
        return self._run

    def _merge(self) -> None:
        expected = self._expected()
        wanted = next(expected, None)
        for stat in self._store.list():
            if not _is_key(stat.key):
                self._strangers.append(stat)
                continue
            while wanted is not None and wanted.key < stat.key:
                self._not_listed(wanted)
                wanted = next(expected, None)
            if wanted is not None and wanted.key == stat.key:
                self._listed(wanted, stat)
                wanted = next(expected, None)
            else:
                self._strangers.append(stat)
            if len(self._found) + len(self._strangers) >= _PAGE:
                self._flush()
        while wanted is not None:
            self._not_listed(wanted)
            wanted = next(expected, None)
            if len(self._found) >= _PAGE:
                self._flush()

    def _listed(self, wanted: _Expected, stat: Stat) -> None:
        if stat.size == wanted.size or self._only_strangers:
            self._run.objects += 1
            self._run.count(LISTED)
            return
        task = self._task(wanted)
        detail = {"size": stat.size, "recorded_size": wanted.size} | look_into(self._archive, task)
        self._found.append(Reading(task, Outcome.DAMAGED, 0, detail))

    def _not_listed(self, wanted: _Expected) -> None:
        if not wanted.written:
            if wanted.behind:
                self._run.count(Outcome.STALE)
            return
        if self._only_strangers:
            return
        try:
            self._store.head(wanted.key)
        except NotFound:
            self._found.append(Reading(self._task(wanted), Outcome.MISSING))
        else:
            self._run.objects += 1
            self._run.count(LISTED)

    def _task(self, wanted: _Expected) -> Task:
        return Task(self._replica, wanted.key, wanted.kind, wanted.record_id, wanted.sha256, wanted.size)

    def _against_checkpoint(self) -> None:
        """Hold the catalogue itself against the newest checkpoint on this replica: it may have lost or changed rows."""
        checkpoint = read_newest(self._store)
        if checkpoint is None:
            return
        listed = read_inventory(self._store, checkpoint)
        try:
            while rows := list(islice(listed, _CHECKPOINT_ROWS)):
                self._compare(rows)
        except LantaiError as error:
            self._run.count(Outcome.NOT_CHECKED)
            detail = {"error": error.code, "zh": error.zh, "en": error.en}
            key = str(error.params.get("key", "-"))
            self._results.note_fault(AuditResult(self._replica, key, Outcome.NOT_CHECKED, detail=detail))

    def _compare(self, rows: Sequence[dict[str, Any]]) -> None:
        about = {row["key"]: layout.parse(row["key"]) for row in rows}
        stones = {
            key: layout.tombstone_key(owner)
            for key, info in about.items()
            if (owner := info.record_id or info.subject_id)
        }
        with self._archive.reading() as session:
            known = dict(
                session.execute(
                    select(StoredObject.key, StoredObject.sha256).where(
                        StoredObject.key.in_([*about, *set(stones.values())])
                    )
                )
                .tuples()
                .all()
            )
        for row in rows:
            key = row["key"]
            if known.get(key) == row["sha256"] or stones.get(key) in known:
                continue
            task = Task(self._replica, key, row["kind"], about[key].record_id, row["sha256"], row["size"])
            detail = {"checkpoint_sha256": row["sha256"], "catalogue_sha256": known.get(key)}
            if key in known:
                self._found.append(Reading(task, Outcome.UNEXPECTED, 0, detail))
            elif self._is_gone(key):  # what is there was listed, and is unexpected already
                self._found.append(Reading(task, Outcome.MISSING, 0, detail))

    def _flush(self) -> None:
        """Judge the keys that no row explained, then write faults down in one transaction."""
        if self._strangers:
            self._judge_strangers()
        now = self._archive.clock.now()
        with self._archive.sessions.begin() as session:
            write_readings(
                session,
                archive=self._archive,
                at=now,
                actor=self._actor,
                run=self._run,
                readings=self._found,
                results=self._results,
                at_fault=self._at_fault,
            )
            save_totals(session, self._run)
        self._found = []

    def _judge_strangers(self) -> None:
        about = {stat.key: layout.parse(stat.key) for stat in self._strangers}
        keys = list(about)
        records = [info.record_id for info in about.values() if info.record_id is not None]
        incidents = [info.subject_id for info in about.values() if info.kind == "evidence"]
        registered = self._those(select(StoredObject.key), StoredObject.key, keys)
        destroyed = self._those(
            select(StoredObject.record_id).where(StoredObject.kind == "tombstone"), StoredObject.record_id, records
        )
        on_their_way = self._those(
            select(RecordPlan.record_id).where(RecordPlan.state != "accessioned"), RecordPlan.record_id, records
        )
        known_incidents = self._those(select(Incident.id), Incident.id, incidents)
        for stat in self._strangers:
            info = about[stat.key]
            known = stat.key in registered or info.kind in _OWN_KINDS
            if known or (info.kind == "evidence" and info.subject_id in known_incidents):
                self._run.objects += 1
                self._run.count(LISTED)
            elif info.record_id in destroyed and info.kind != "tombstone":
                self._found.append(self._strange(stat, info, Outcome.STALE))
            elif info.record_id in on_their_way:
                self._run.objects += 1
                self._run.count(STRAY)
            else:
                self._found.append(self._strange(stat, info, Outcome.UNEXPECTED))
        self._strangers = []

    def _strange(self, stat: Stat, info: layout.KeyInfo, outcome: Outcome) -> Reading:
        task = Task(self._replica, stat.key[:200], info.kind, info.record_id, "", stat.size)
        return Reading(task, outcome, 0, {"size": stat.size})

    def _those(self, statement: Select[Any], column: Any, values: Sequence[Any]) -> set[Any]:
        found: set[Any] = set()
        with self._archive.reading() as session:
            for start in range(0, len(values), 500):
                found.update(session.scalars(statement.where(column.in_(values[start : start + 500]))))
        return found

    def _expected(self) -> Iterator[_Expected]:
        """Objects that this replica holds or has to hold, by the bytes of their keys."""
        late = self._archive.clock.now() - BEHIND_AFTER
        with self._archive.reading() as session:
            key = by_bytes(session, ReplicaObject.key)
        rows = (
            select(
                ReplicaObject.key,
                ReplicaObject.written_at,
                StoredObject.kind,
                StoredObject.record_id,
                StoredObject.sha256,
                StoredObject.size,
                StoredObject.created_at,
            )
            .join(StoredObject, StoredObject.key == ReplicaObject.key)
            .where(ReplicaObject.replica == self._replica)
            .order_by(key)
            .limit(_PAGE)
        )
        page: Sequence[Row[Any]]
        after = ""
        while True:
            with self._archive.reading() as session:
                page = session.execute(rows.where(key > after)).all()
            if not page:
                return
            for row in page:
                written = row.written_at is not None
                behind = not written and row.created_at < late
                yield _Expected(row.key, row.kind, row.record_id, row.sha256, row.size, written, behind)
            after = page[-1].key

    def _withdraw(self) -> None:
        """Close incidents about unexpected objects that are gone, or that the catalogue has come to know."""
        with self._archive.reading() as session:
            opened = session.execute(
                select(Incident.key, Incident.fault, Incident.detail).where(
                    Incident.state == "open",
                    Incident.replica == self._replica,
                    Incident.fault.in_([str(Outcome.UNEXPECTED), str(Outcome.STALE)]),
                )
            ).all()
        if not opened:
            return
        unexpected = [
            row.key for row in opened if row.fault == Outcome.UNEXPECTED and "checkpoint_sha256" not in row.detail
        ]
        explained = self._those(select(StoredObject.key), StoredObject.key, unexpected)
        over = explained | {row.key for row in opened if self._is_gone(row.key)}
        now = self._archive.clock.now()
        with self._archive.sessions.begin() as session:
            for key in sorted(over):
                close_incidents(
                    session, at=now, actor=self._actor, replica=self._replica, key=key, sha256="", source=WITHDRAWN
                )
            if over:
                damage_mended(session, archive=self._archive, replica=self._replica)

    def _is_gone(self, key: str) -> bool:
        try:
            self._store.head(key)
        except NotFound:
            return True
        except LantaiError:
            return False
        return False


def _is_key(key: str) -> bool:
    try:
        checked_key(key)
    except Invalid:
        return False
    return True
