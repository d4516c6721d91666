"""Read models of preservation: the one sentence, the state of each replica, incidents, audits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.i18n import N_
from lantai.web import display, labels
from lantai.web.visit import Visit
from metadata.errors import LantaiError, NotFound
from repository.storage import layout
from repository.tables import AuditRun, Incident, Replica, ReplicaObject, StoredObject

_RUNS = 20
_FIRST_AUDIT = timedelta(hours=24)
_FAULT_WORDS = {
    "damaged": N_("%(thing)s has other bytes than recorded"),
    "missing": N_("%(thing)s is not there any more"),
    "unreadable": N_("%(thing)s cannot be read"),
    "unexpected": N_("%(thing)s lies there and nobody registered it"),
    "stale": N_("%(thing)s is behind the other replicas"),
}
_SOURCES = {
    "unchanged": N_("Found intact again without a repair."),
    "withdrawn": N_("The object is gone or explained."),
    "catalogue": N_("Written again from the catalogue."),
}


@dataclass(frozen=True, slots=True)
class ReplicaLine:
    """One replica: counts over all objects it must hold."""

    name: str
    objects: int
    intact: int
    unchecked: int
    overdue: int
    faults: int
    last_audit: datetime | None
    oldest: datetime | None
    kind: str
    words: str


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident in words."""

    id: str
    words: str
    replica: str
    done: str
    state: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentView:
    """One incident, whole."""

    id: str
    words: str
    replica: str
    key: str
    state: str
    record_href: str
    record_title: str
    opened_at: datetime
    closed_at: datetime | None
    detail: list[tuple[str, str]]
    resolution: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class RunLine:
    """One audit."""

    replica: str
    started_at: datetime
    finished_at: datetime | None
    objects: int
    bytes_read: int
    outcomes: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Answer:
    """The sentence that answers the only question, and what else should be known."""

    kind: str
    words: str
    notes: list[str] = field(default_factory=list)


def replicas(session: Session, visit: Visit) -> list[ReplicaLine]:
    """Every replica with what the last re-reading of each of its objects said."""
    _ = i18n.translations(visit.language).gettext
    made = []
    for row in session.scalars(select(Replica).order_by(Replica.name)):
        mine = ReplicaObject.replica == row.name
        objects = _count(session, mine)
        unchecked = _count(session, mine, ReplicaObject.checked_at.is_(None))
        overdue = _overdue(session, visit, row.name) if unchecked else 0
        faults = session.scalar(_at_fault(row.name)) or 0
        registered = session.scalar(_at_fault(row.name).where(exists().where(mine, ReplicaObject.key == Incident.key)))
        intact = max(objects - unchecked - (registered or 0), 0)
        oldest = session.scalar(select(func.min(ReplicaObject.checked_at)).where(mine))
        kind, words = "ok", _("Intact")
        if faults:
            kind, words = "bad", _("Faults")
        elif overdue or not intact:
            kind, words = "run", _("Waiting for the first audit")
        made.append(
            ReplicaLine(
                name=row.name,
                objects=objects,
                intact=intact,
                unchecked=unchecked,
                overdue=overdue,
                faults=faults,
                last_audit=_last_audit(session, row.name),
                oldest=oldest,
                kind=kind,
                words=words,
            )
        )
    return made


def _count(session: Session, *criteria: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(ReplicaObject).where(*criteria)) or 0


def _at_fault(replica: str) -> Select[tuple[int]]:
    """How many objects of a replica have an open incident."""
    return select(func.count(func.distinct(Incident.key))).where(Incident.state == "open", Incident.replica == replica)


def _overdue(session: Session, visit: Visit, replica: str) -> int:
    """Copies that waited more than a day for their first re-reading, or to be written at all."""
    since = visit.site.archive.clock.now() - _FIRST_AUDIT
    written = func.coalesce(ReplicaObject.written_at, StoredObject.created_at)
    wanted = (
        select(func.count())
        .select_from(ReplicaObject)
        .join(StoredObject, StoredObject.key == ReplicaObject.key)
        .where(ReplicaObject.replica == replica, ReplicaObject.checked_at.is_(None), written < since)
    )
    return session.scalar(wanted) or 0


def _last_audit(session: Session, replica: str) -> datetime | None:
    return session.scalar(
        select(func.max(AuditRun.finished_at)).where(AuditRun.replica == replica, AuditRun.kind != "inventory")
    )


def answer(visit: Visit, found: list[ReplicaLine]) -> Answer:
    """Is everything still there and unchanged? In one sentence, or what is not so."""
    translated = i18n.translations(visit.language)
    _, archive = translated.gettext, visit.site.archive
    days = visit.site.settings.audit_days
    objects = max((one.objects for one in found), default=0)
    faults = sum(one.faults for one in found)
    unchecked = sum(one.unchecked for one in found)
    oldest = min((one.oldest for one in found if one.oldest is not None), default=None)
    late = oldest is not None and oldest < archive.clock.now() - timedelta(days=days)
    values = {
        "objects": display.number(objects),
        "replicas": len(found),
        "days": days,
        "faults": faults,
        "unchecked": display.number(unchecked),
        "since": display.moment(oldest, archive.zone),
    }
    notes = []
    if len(found) < 2:
        notes.append(_("There is only one replica: a copy on another machine is needed."))
    if faults:
        message = translated.ngettext(
            "%(faults)s object is at fault; the other %(objects)s objects on %(replicas)s replicas are being kept.",
            "%(faults)s objects are at fault, of %(objects)s on %(replicas)s replicas.",
            faults,
        )
        return Answer("bad", message % values, notes)
    if not objects:
        return Answer("plain", _("Nothing is kept here yet."), notes)
    if any(one.overdue for one in found):
        kind, words = (
            "look",
            _(
                "%(objects)s objects on %(replicas)s replicas; %(unchecked)s copies have not been re-read yet. No damage is known."
            ),
        )
    elif late:
        kind, words = (
            "look",
            _(
                "No damage is known, but some of the %(objects)s objects were last re-read on %(since)s, more than %(days)s days ago."
            ),
        )
    elif not any(one.intact for one in found):
        kind, words = (
            "run",
            _(
                "%(objects)s objects on %(replicas)s replicas were written less than a day ago; their first re-reading follows within 24 hours."
            ),
        )
    elif unchecked:
        kind, words = (
            "ok",
            _(
                "All copies on %(replicas)s replicas were re-read within %(days)s days, but for %(unchecked)s that were written less than a day ago; none is damaged."
            ),
        )
    else:
        kind, words = (
            "ok",
            _("All %(objects)s objects on %(replicas)s replicas were re-read within %(days)s days; none is damaged."),
        )
    return Answer(kind, words % values, notes)


def _thing(visit: Visit, key: str) -> str:
    _ = i18n.translations(visit.language).gettext
    try:
        kind = layout.parse(key).kind
    except LantaiError:
        return _("An object")
    return labels.label(i18n.translations(visit.language), kind, "object_kind")


def _words(visit: Visit, one: Incident) -> str:
    _ = i18n.translations(visit.language).gettext
    return _(_FAULT_WORDS.get(one.fault, "%(thing)s")) % {"thing": _thing(visit, one.key)}


def _done(visit: Visit, one: Incident) -> str:
    _ = i18n.translations(visit.language).gettext
    if one.resolution is None:
        return "–"
    source = str(one.resolution.get("source", ""))
    if source in _SOURCES:
        return _(_SOURCES[source])
    return _("Written again from replica %s.") % source


def incident_line(visit: Visit, one: Incident) -> IncidentLine:
    """An incident in words."""
    return IncidentLine(one.id, _words(visit, one), one.replica, _done(visit, one), one.state, one.opened_at)


def incidents(session: Session, visit: Visit, *, limit: int = 100) -> list[IncidentLine]:
    """Incidents, open ones first, then newest first."""
    wanted = select(Incident).order_by((Incident.state != "open"), Incident.seq.desc()).limit(limit)
    return [incident_line(visit, one) for one in session.scalars(wanted)]


def open_count(session: Session) -> int:
    """How many incidents are open."""
    return session.scalar(select(func.count()).select_from(Incident).where(Incident.state == "open")) or 0


def incident(session: Session, visit: Visit, incident_id: str) -> IncidentView:
    """One incident, or ``NotFound``; its record is named only when the gate lets the person see it."""
    _ = i18n.translations(visit.language).gettext
    one = session.get(Incident, incident_id)
    if one is None:
        raise NotFound(
            "incident.unknown",
            zh="没有这起事件。请从保管页面的列表中选择。",
            en="There is no such incident. Choose one from the list on the preservation page.",
        )
    href = title = ""
    if one.record_id:
        found = gate.records_by_id(session, visit.person, [one.record_id], visit.site.archive.profile)
        if one.record_id in found:
            href, title = f"/records/{one.record_id}", display.masked(found[one.record_id].title)
    resolution = dict(one.resolution or {})
    told = [(_("How"), _done(visit, one))]
    if resolution.get("sha256"):
        told.append((_("Digest of the bytes written"), str(resolution["sha256"])))
    if resolution.get("evidence_key"):
        told.append((_("Damaged bytes kept at"), str(resolution["evidence_key"])))
    return IncidentView(
        id=one.id,
        words=_words(visit, one),
        replica=one.replica,
        key=one.key,
        state=one.state,
        record_href=href,
        record_title=title,
        opened_at=one.opened_at,
        closed_at=one.closed_at,
        detail=_detail(visit, one.detail, named=bool(href)),
        resolution=told,
    )


_DETAIL = {
    "members": N_("Files concerned"),
    "files": N_("Files concerned"),
    "sha256": N_("Digest found"),
    "size": N_("Size found"),
    "recorded_size": N_("Size recorded"),
    "compared_with": N_("Compared with replica"),
    "first_difference": N_("First difference at byte"),
    "differing_bytes": N_("Bytes that differ"),
    "spans": N_("Places in the object"),
    "structure": N_("The container itself is touched"),
    "findings": N_("Files concerned"),
    "not_examined": N_("Could not be looked into"),
    "error": N_("Why"),
}


_NAMING = frozenset({"members", "files", "findings"})
"""Notes that name files, whose names may tell of persons."""


def _detail(visit: Visit, detail: dict[str, Any], *, named: bool) -> list[tuple[str, str]]:
    """What the audit noted, for people; what has no words yet is left to the ledger.

    ``named``: with the names of files, which only who may see the record may read.
    """
    _ = i18n.translations(visit.language).gettext
    made = []
    for name, value in detail.items():
        if name not in _DETAIL or value in (None, "", [], {}) or value is False or (name in _NAMING and not named):
            continue
        shown = _("yes") if value is True else str(value)
        if isinstance(value, list):
            shown = "、".join(
                str(one.get("path") or one.get("code")) if isinstance(one, dict) else str(one) for one in value
            )
        made.append((_(_DETAIL[name]), display.masked(shown) if name in _NAMING else shown))
    return made


def runs(session: Session) -> list[RunLine]:
    """The newest audits."""
    wanted = select(AuditRun).order_by(AuditRun.started_at.desc()).limit(_RUNS)
    return [
        RunLine(one.replica, one.started_at, one.finished_at, one.objects, one.bytes_read, sorted(one.outcomes.items()))
        for one in session.scalars(wanted)
    ]
