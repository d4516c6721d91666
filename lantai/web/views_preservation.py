"""Read models of preservation: the one sentence, the state of each replica, incidents, audits."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.i18n import N_
from lantai.web import display, labels
from lantai.web.visit import Visit
from metadata.errors import LantaiError, NotFound
from repository.storage import layout
from repository.tables import AuditRun, Incident, Replica, ReplicaObject

_RUNS = 20
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
    states: dict[str, dict[str | None, int]] = {}
    for name, outcome, count in session.execute(
        select(ReplicaObject.replica, ReplicaObject.outcome, func.count()).group_by(
            ReplicaObject.replica, ReplicaObject.outcome
        )
    ):
        states.setdefault(name, {})[outcome] = count
    oldest = dict(
        session.execute(
            select(ReplicaObject.replica, func.min(ReplicaObject.checked_at)).group_by(ReplicaObject.replica)
        )
        .tuples()
        .all()
    )
    open_faults = dict(
        session.execute(
            select(Incident.replica, func.count(func.distinct(Incident.key)))
            .where(Incident.state == "open")
            .group_by(Incident.replica)
        )
        .tuples()
        .all()
    )
    made = []
    for row in session.scalars(select(Replica).order_by(Replica.name)):
        mine = states.get(row.name, {})
        faults = open_faults.get(row.name, 0)
        unchecked = mine.get(None, 0) + mine.get("not_checked", 0)
        kind, words = (
            ("bad", _("Faults"))
            if faults
            else ("run", _("Waiting for the first audit"))
            if unchecked
            else ("ok", _("Intact"))
        )
        made.append(
            ReplicaLine(
                name=row.name,
                objects=sum(mine.values()),
                intact=mine.get("intact", 0),
                unchecked=unchecked,
                faults=faults,
                last_audit=_last_audit(session, row.name),
                oldest=oldest.get(row.name),
                kind=kind,
                words=words,
            )
        )
    return made


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
    if unchecked:
        return Answer(
            "look",
            _(
                "%(objects)s objects on %(replicas)s replicas; %(unchecked)s copies have not been re-read yet. No damage is known."
            )
            % values,
            notes,
        )
    if late:
        return Answer(
            "look",
            _(
                "No damage is known, but some of the %(objects)s objects were last re-read on %(since)s, more than %(days)s days ago."
            )
            % values,
            notes,
        )
    return Answer(
        "ok",
        _("All %(objects)s objects on %(replicas)s replicas were re-read within %(days)s days; none is damaged.")
        % values,
        notes,
    )


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
            href, title = f"/records/{one.record_id}", found[one.record_id].title
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
        detail=_detail(visit, one.detail),
        resolution=told,
    )


_DETAIL = {
    "members": N_("Files concerned"),
    "files": N_("Files concerned"),
    "expected": N_("Digest recorded"),
    "found": N_("Digest found"),
    "found_sha256": N_("Digest found"),
    "size": N_("Size"),
    "spans": N_("Places in the object"),
}


def _detail(visit: Visit, detail: dict[str, Any]) -> list[tuple[str, str]]:
    _ = i18n.translations(visit.language).gettext
    made = []
    for name, value in detail.items():
        if value in (None, "", [], {}):
            continue
        words = _(_DETAIL[name]) if name in _DETAIL else name
        made.append((words, "、".join(str(one) for one in value) if isinstance(value, list) else str(value)))
    return made


def runs(session: Session) -> list[RunLine]:
    """The newest audits."""
    wanted = select(AuditRun).order_by(AuditRun.started_at.desc()).limit(_RUNS)
    return [
        RunLine(one.replica, one.started_at, one.finished_at, one.objects, one.bytes_read, sorted(one.outcomes.items()))
        for one in session.scalars(wanted)
    ]
