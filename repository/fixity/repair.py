"""Repair: an object at fault is written again from bytes that have its recorded digest, and from nothing else.

The damaged bytes are set aside as evidence and kept. Every step can be repeated after a crash: the object is read
again first, and what was already set aside or written is found as it is. When no copy has the recorded digest, nothing
is touched and the result says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from metadata.errors import LantaiError, NotFound
from repository import leases
from repository.archive import Archive
from repository.fixity import markers
from repository.fixity.alarming import damage_mended
from repository.fixity.incidents import UNCHANGED, UNREADABLE_EVIDENCE, close_incidents, open_incidents
from repository.fixity.outcome import Outcome
from repository.fixity.reading import digest, unread
from repository.fixity.sources import CATALOGUE, good_source
from repository.holding import check_marker, write_marker
from repository.ledger.acts import ActorRef
from repository.storage import failures, layout
from repository.storage.base import Store
from repository.tables import FixityCheck, Incident, ReplicaObject, StoredObject

_LEASE = "fixity-repair"
_LEASE_SECONDS = 900.0
INTERRUPTED = "interrupted"
"""Source of bytes that an earlier repair wrote before it was killed; they have the recorded digest."""

_REPAIRABLE = frozenset({Outcome.DAMAGED, Outcome.MISSING, Outcome.UNREADABLE})


@dataclass(frozen=True, slots=True)
class RepairResult:
    """What became of one incident. ``repaired``: the object is intact on its replica now.

    ``source`` is the replica that gave the bytes, ``catalogue``, ``interrupted`` when an earlier repair had written them
    already, or ``unchanged`` when the object was intact.
    ``evidence_key`` is where the damaged bytes lie. When not repaired, ``code`` and the sentences say why.
    """

    incident_id: str
    replica: str
    key: str
    record_id: str | None
    fault: str
    repaired: bool
    source: str | None = None
    evidence_key: str | None = None
    code: str = ""
    zh: str = ""
    en: str = ""

    @property
    def note(self) -> str:
        """What was done, or why nothing was, for a line on the screen."""
        return f"{self.zh} {self.en}".strip() if self.code else f"{self.source} {self.evidence_key or ''}".strip()

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return asdict(self)


def repair(archive: Archive, *, actor: ActorRef, incident_ids: Sequence[str] | None = None) -> list[RepairResult]:
    """Mend the open incidents (or those named), one after another; one result each.

    Raises ``Unavailable`` (``lease.held``) when another process repairs. What cannot be mended now is a result, not an
    error; its incident stays open.
    """
    holder = leases.holder_name("repair")
    results = []
    with leases.held(archive.sessions, _LEASE, holder, _LEASE_SECONDS, archive.clock):
        with archive.reading() as session:
            found = sorted(open_incidents(session), key=lambda one: not _is_marker(one))  # a store's marker first
        wanted = None if incident_ids is None else set(incident_ids)
        for incident in found:
            if wanted is not None and incident.id not in wanted:
                continue
            leases.renew(archive.sessions, _LEASE, holder, _LEASE_SECONDS, archive.clock)
            results.append(_repair(archive, actor, incident))
    return results


def _repair(archive: Archive, actor: ActorRef, incident: Incident) -> RepairResult:
    with archive.reading() as session:
        state = session.scalar(select(Incident.state).where(Incident.id == incident.id))
        stored = session.get(StoredObject, incident.key)
    if state != "open":  # closed together with another incident about the same object
        return _done(incident, UNCHANGED, None)
    if incident.fault not in _REPAIRABLE:
        return _left(
            incident,
            "repair.needs_person",
            zh=f"副本 {incident.replica} 上的 {incident.key} 不是可以自动修复的损坏（{incident.fault}），未作改动；请由人员查明来历后处理。",
            en=f"{incident.key} on replica {incident.replica} is not damage that can be mended ({incident.fault}); nothing was touched. A person must find out where it comes from.",
        )
    if incident.replica not in archive.replicas.names or (stored is None and not _is_marker(incident)):
        return _left(
            incident,
            "repair.not_registered",
            zh=f"{incident.key} 或副本 {incident.replica} 已不在目录中（可能已依法销毁或停用），未作改动。",
            en=f"{incident.key} or replica {incident.replica} is no longer known (destroyed, or taken out of use); nothing was touched.",
        )
    store = archive.replicas.store(incident.replica)
    try:
        if stored is None:
            return _mend_marker(archive, actor, store, incident)
        check_marker(store, archive.holding_id)
        return _Repair(archive, actor, store, incident, stored).mend()
    except LantaiError as error:
        return _left(incident, error.code, zh=error.zh, en=error.en)
    except OSError as error:
        told = failures.of_os_error(error, incident.replica, incident.key)
        return _left(incident, told.code, zh=told.zh, en=told.en)


def _is_marker(incident: Incident) -> bool:
    return layout.parse(incident.key).kind == "marker"


def _mend_marker(archive: Archive, actor: ActorRef, store: Store, incident: Incident) -> RepairResult:
    """A damaged marker is set aside and a new one written; what it says is known to the catalogue."""
    evidence_key = layout.evidence_key(None, incident.id, incident.replica, incident.key)
    found = markers.standing(archive, incident.replica)
    if found.trouble is not None and not _exists(store, evidence_key):
        raise found.trouble
    source = UNCHANGED
    if found.damaged is not None or found.trouble is not None:
        if found.damaged is not None:
            store.set_aside(found.damaged, evidence_key)
        write_marker(store, holding_id=archive.holding_id, zone=archive.zone, at=archive.clock.now())
        source = CATALOGUE
    kept = evidence_key if _exists(store, evidence_key) else None
    sha256, _size = digest(store, incident.key)
    now = archive.clock.now()
    with archive.sessions.begin() as session:
        if kept is not None:
            _register_evidence(
                session, replica=incident.replica, record_id=None, key=kept, found=digest(store, kept), at=now
            )
        close_incidents(
            session,
            at=now,
            actor=actor,
            replica=incident.replica,
            key=incident.key,
            sha256=sha256,
            source=source,
            evidence_key=kept,
        )
        damage_mended(session, archive=archive, replica=incident.replica)
    return _done(incident, source, kept)


def _exists(store: Store, key: str) -> bool:
    try:
        store.head(key)
    except NotFound:
        return False
    except LantaiError:
        return True  # there, and as unreadable as it was
    return True


@dataclass(frozen=True, slots=True)
class _Repair:
    """One object on one replica, on its way to be intact again."""

    archive: Archive
    actor: ActorRef
    store: Store
    incident: Incident
    stored: StoredObject

    @property
    def evidence_key(self) -> str:
        """Where the damaged bytes go; the same after every crash, because it is made of the incident."""
        return layout.evidence_key(self.stored.record_id, self.incident.id, self.incident.replica, self.stored.key)

    def mend(self) -> RepairResult:
        """Read, find good bytes, set the bad ones aside, write, read again, write it down."""
        stored, incident = self.stored, self.incident
        state = self._state()
        if state is Outcome.INTACT:
            return self._already_intact()
        source = good_source(self.archive, stored.key, stored.sha256, but=incident.replica)
        if source is None:
            return _left(
                incident,
                "repair.no_good_copy",
                zh=f"没有任何副本保存 {incident.key} 的完好字节（摘要与登记一致者），未作改动。请从离线备份中寻找该对象。",
                en=f"No replica has bytes of {incident.key} with the recorded digest; nothing was touched. Look for the object in offline copies.",
            )
        if state is not Outcome.MISSING:
            self.store.set_aside(stored.key, self.evidence_key)
        self.store.create(stored.key, source.chunks(), expect=stored.sha256)
        if self._state() is not Outcome.INTACT:
            return _left(
                incident,
                "repair.not_intact_after_write",
                zh=f"{incident.key} 已重新写入副本 {incident.replica}，但回读仍不一致；请检查该存储设备。",
                en=f"{incident.key} was written to replica {incident.replica} again but does not read back intact; check that store's disk.",
            )
        return self._close(source.name)

    def _already_intact(self) -> RepairResult:
        """An earlier repair got that far, the fault has passed, or it lies in the bag itself."""
        if self.incident.detail.get("sha256") == self.stored.sha256:
            return _left(
                self.incident,
                "repair.bag_invalid",
                zh=f"{self.incident.key} 的字节与登记一致，但袋内清单不符；所有副本都是这样，无法从副本修复。",
                en=f"{self.incident.key} has its recorded bytes, yet its manifests do not agree with its files; every copy is the same, so no copy can mend it.",
            )
        return self._close(INTERRUPTED if _exists(self.store, self.evidence_key) else UNCHANGED)

    def _state(self) -> Outcome:
        try:
            sha256, _size = digest(self.store, self.stored.key, cold=True)
        except NotFound:
            return Outcome.MISSING
        except (LantaiError, OSError) as error:
            if unread(error) is not Outcome.UNREADABLE:
                raise  # it passes by itself; a good object must not be set aside for it
            return Outcome.UNREADABLE
        return Outcome.INTACT if sha256 == self.stored.sha256 else Outcome.DAMAGED

    def _close(self, source: str) -> RepairResult:
        """One transaction: the object is intact, its evidence is registered, its incidents are closed."""
        evidence_key = self.evidence_key if _exists(self.store, self.evidence_key) else None
        evidence: tuple[str, int] | None = None
        if evidence_key is not None:
            try:
                evidence = digest(self.store, evidence_key)
            except (LantaiError, OSError):
                evidence = None  # bytes that cannot be read have no digest to hold them to
        now = self.archive.clock.now()
        replica, stored = self.incident.replica, self.stored
        with self.archive.sessions.begin() as session:
            session.execute(
                update(ReplicaObject)
                .where(ReplicaObject.replica == replica, ReplicaObject.key == stored.key)
                .values(written_at=now, checked_at=now, outcome=str(Outcome.INTACT))
            )
            session.add(
                FixityCheck(
                    replica=replica,
                    key=stored.key,
                    outcome=str(Outcome.INTACT),
                    deep=False,
                    checked_at=now,
                    detail={"repaired_from": source},
                )
            )
            if evidence is not None and evidence_key is not None:
                _register_evidence(
                    session, replica=replica, record_id=stored.record_id, key=evidence_key, found=evidence, at=now
                )
            close_incidents(
                session,
                at=now,
                actor=self.actor,
                replica=replica,
                key=stored.key,
                sha256=stored.sha256,
                source=source,
                evidence_key=evidence_key,
                evidence=self._evidence_lost(evidence_key, source),
            )
            damage_mended(session, archive=self.archive, replica=replica)
        return _done(self.incident, source, evidence_key)

    def _evidence_lost(self, evidence_key: str | None, source: str) -> str | None:
        """Said of an object whose bytes could not be read at all, so that there was nothing to set aside."""
        lost = self.incident.fault == Outcome.UNREADABLE and evidence_key is None and source != UNCHANGED
        return UNREADABLE_EVIDENCE if lost else None


def _register_evidence(
    session: Session, *, replica: str, record_id: str | None, key: str, found: tuple[str, int], at: datetime
) -> None:
    """Evidence lies on the replica where the damage was and nowhere else; it is audited there like anything kept."""
    if session.get(StoredObject, key) is not None:
        return
    sha256, size = found
    session.add(StoredObject(key=key, kind="evidence", record_id=record_id, sha256=sha256, size=size, created_at=at))
    session.flush()
    session.add(ReplicaObject(replica=replica, key=key, written_at=at))


def _done(incident: Incident, source: str, evidence_key: str | None) -> RepairResult:
    return RepairResult(
        incident.id,
        incident.replica,
        incident.key,
        incident.record_id,
        incident.fault,
        repaired=True,
        source=source,
        evidence_key=evidence_key,
    )


def _left(incident: Incident, code: str, *, zh: str, en: str) -> RepairResult:
    return RepairResult(
        incident.id,
        incident.replica,
        incident.key,
        incident.record_id,
        incident.fault,
        repaired=False,
        code=code,
        zh=zh,
        en=en,
    )
