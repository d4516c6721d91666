"""The audit: every object on every replica is read in full and compared with its recorded SHA-256.

All replicas are read at the same time by the same threads. Results are written in batches of a few seconds, one
transaction each, so that an audit that is killed has lost at most a batch, and the next one goes on where it stopped:
never checked first, then oldest check first. What differs is looked into (which members of the bag, which bytes) before
it is written down.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository.archive import Archive
from repository.fixity import markers
from repository.fixity.drilldown import look_into
from repository.fixity.inventory import strangers
from repository.fixity.outcome import AuditResult, AuditResults, Outcome, Run
from repository.fixity.reading import Readers, Reading, Task, bundled
from repository.fixity.results import begin_run, finish_run, objects_at_fault, save_totals, write_readings
from repository.fixity.selection import Selection
from repository.ledger.acts import ActorRef

Progress = Callable[[int, int], None]
"""Called now and then with bytes read so far and bytes to read in all."""

BATCH_SECONDS = 2.0
BATCH_OBJECTS = 8000
_DOUBTFUL = frozenset({Outcome.MISSING, Outcome.UNREADABLE, Outcome.NOT_CHECKED})
"""Outcomes that may lie in the replica as a whole, which is then asked whether it answers as itself."""
_SYSTEM = ActorRef("system", "system")


@dataclass(slots=True)
class _Part:
    """One replica's part of an audit."""

    run: Run
    selection: Selection
    waiting: list[Reading] = field(default_factory=list)
    trouble: LantaiError | None = None

    def unread(self) -> int:
        """How many objects the run has not even tried to read; those it read are no longer due."""
        return self.selection.total()[0] - self.run.outcomes.get(Outcome.NOT_CHECKED, 0)


def audit(
    archive: Archive,
    *,
    actor: ActorRef,
    replicas: Sequence[str] | None = None,
    keys: Sequence[str] | None = None,
    deep: bool = False,
    all: bool = True,  # noqa: A002 - the word of the command line
    limit: int | None = None,
    older_than: datetime | None = None,
    cold: bool = True,
    listing: bool | None = None,
    progress: Progress | None = None,
) -> AuditResults:
    """Re-read objects on ``replicas`` (default all); what is not intact, and the totals of each replica's run.

    ``keys`` limits the audit to these objects; ``all=False`` to those never checked; ``older_than`` to those not
    checked since that moment; ``limit`` to so many objects a replica. ``deep`` opens every bag and checks every
    manifest of it for every file. ``cold`` has objects that were never checked read from the disk instead of the
    operating system's cache. ``listing`` also takes the inventory, which finds what nobody registered (default: when
    every object is read). A replica that does not answer, or carries another holding's marker, is not checked; that
    is said in its result and is no pass. Faults raise nothing: they are outcomes and incidents.
    """
    parts = {}
    for name in _known(archive, replicas):
        selection = Selection(
            archive.reading,
            name,
            now=archive.clock.now(),
            keys=keys,
            only_new=not all,
            older_than=older_than,
            limit=limit,
            cold=cold,
            deep=deep,
        )
        parts[name] = _Part(Run("", name, "deep_audit" if deep else "audit"), selection)
    if listing is None:
        listing = all and keys is None and limit is None and older_than is None
    return _Audit(archive, actor, parts, listing=listing, progress=progress).run()


def first_audit(archive: Archive, *, limit: int | None = None, actor: ActorRef = _SYSTEM) -> AuditResults:
    """Read every object that no audit has read yet, from the disk; ``checked`` is 0 when there was none.

    Scheduled so often that no object waits 24 hours for it; ``limit`` is a number of objects a replica.
    """
    return audit(archive, actor=actor, all=False, limit=limit)


def _known(archive: Archive, replicas: Sequence[str] | None) -> list[str]:
    names = list(archive.replicas.names if replicas is None else dict.fromkeys(replicas))
    for name in names:
        if name not in archive.replicas.names:
            raise NotFound(
                "replica.unknown",
                zh=f"没有名为 {name} 的副本；现有副本：{'、'.join(archive.replicas.names)}。",
                en=f"There is no replica {name}; there are {', '.join(archive.replicas.names)}.",
                replica=name,
            )
    return names


class _Audit:
    def __init__(
        self,
        archive: Archive,
        actor: ActorRef,
        parts: dict[str, _Part],
        *,
        listing: bool,
        progress: Progress | None,
    ) -> None:
        self._archive = archive
        self._actor = actor
        self._parts = parts
        self._listing = listing
        self._progress = progress
        self._at_fault = objects_at_fault(archive)
        self._results = AuditResults()

    def run(self) -> AuditResults:
        started = time.monotonic()
        for name, part in self._parts.items():
            found = markers.standing(self._archive, name)
            part.trouble = found.trouble
            part.waiting += markers.readings(name, found, self._at_fault)
        total = sum(part.selection.total()[1] for part in self._parts.values()) if self._progress else 0
        stores = {name: self._archive.replicas.store(name) for name in self._parts}
        written, waiting = started, 0
        with Readers(stores) as readers:
            for readings in readers.read(self._bundles()):
                for one in readings:
                    self._parts[one.task.replica].waiting.append(one)
                waiting += len(readings)
                if waiting >= BATCH_OBJECTS or (waiting and time.monotonic() - written >= BATCH_SECONDS):
                    self._write()
                    waiting, written = 0, time.monotonic()
                if self._progress:
                    self._progress(min(readers.bytes_read, total), total)
        if self._listing:
            self._list_strangers()
        self._finish(started)
        return self._results

    def _bundles(self) -> Iterator[list[Task]]:
        """Bundles of all replicas in turn, so that every disk and every core is kept busy."""
        sources = {name: bundled(part.selection.tasks()) for name, part in self._parts.items()}
        while sources:
            for name in list(sources):
                bundle = next(sources[name], None) if self._parts[name].trouble is None else None
                if bundle is None:
                    del sources[name]
                else:
                    yield bundle

    def _write(self) -> None:
        """Look into what differs, then write all that was read since the last time in one transaction."""
        for part in self._parts.values():
            self._judge(part)
        with self._archive.sessions.begin() as session:
            self._write_waiting(session)
        for part in self._parts.values():
            part.waiting = []

    def _write_waiting(self, session: Session) -> None:
        now = self._archive.clock.now()
        for part in self._parts.values():
            if part.waiting:
                self._begin(session, part)
                write_readings(
                    session,
                    archive=self._archive,
                    at=max(now, part.selection.mark),
                    actor=self._actor,
                    run=part.run,
                    readings=part.waiting,
                    results=self._results,
                    at_fault=self._at_fault,
                )
                save_totals(session, part.run)

    def _judge(self, part: _Part) -> None:
        suspects = [one for one in part.waiting if one.outcome in _DOUBTFUL]
        if suspects and part.trouble is None:
            part.trouble = markers.standing(self._archive, part.run.replica).trouble
        if part.trouble is not None:
            for one in suspects:
                one.outcome, one.detail = Outcome.NOT_CHECKED, {"error": part.trouble.code}
        for one in part.waiting:
            if one.outcome is Outcome.DAMAGED:
                one.detail.update(look_into(self._archive, one.task))

    def _begin(self, session: Session, part: _Part) -> None:
        if not part.run.run_id:
            at = self._archive.clock.now()
            begun = begin_run(session, at=at, actor=self._actor, replica=part.run.replica, kind=part.run.kind)
            part.run.run_id = begun.run_id

    def _list_strangers(self) -> None:
        """What the replicas have too much of; what they lack or hold damaged, reading has shown."""
        for name, part in self._parts.items():
            if part.trouble is not None:
                continue
            try:
                counts = strangers(self._archive, actor=self._actor, replica=name, results=self._results)
            except LantaiError as error:
                part.trouble = error
                continue
            for outcome in (Outcome.UNEXPECTED, Outcome.STALE):
                if number := counts.get(outcome):
                    part.run.count(outcome, number)

    def _finish(self, started: float) -> None:
        """Write the rest and close the runs; a short audit is one transaction."""
        for part in self._parts.values():
            self._judge(part)
        if any(part.trouble is not None for part in self._parts.values()):
            self._write()  # so that what is left unread can be counted
        ended = [
            part
            for part in self._parts.values()
            if part.run.run_id or part.run.outcomes or part.waiting or part.trouble is not None
        ]
        for part in ended:
            if part.trouble is not None:
                detail = {"error": part.trouble.code, "zh": part.trouble.zh, "en": part.trouble.en}
                unread = part.unread()
                if unread or not part.run.outcomes.get(Outcome.NOT_CHECKED):
                    part.run.count(Outcome.NOT_CHECKED, max(unread, 1))
                self._results.note_fault(AuditResult(part.run.replica, "-", Outcome.NOT_CHECKED, detail=detail))
        if ended:
            with self._archive.sessions.begin() as session:
                self._write_waiting(session)
                for part in ended:
                    self._begin(session, part)
                    part.run.seconds = time.monotonic() - started
                    finish_run(session, at=self._archive.clock.now(), actor=self._actor, run=part.run)
        self._results.runs.extend(part.run for part in ended)
