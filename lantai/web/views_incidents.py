"""Read models of incidents: what happened, what was done, by whom."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate
from lantai import i18n
from lantai.i18n import N_
from lantai.web import display, labels
from lantai.web.views_history import Moment
from lantai.web.visit import Visit
from metadata.errors import LantaiError, NotFound
from repository.fixity.incidents import UNREADABLE_EVIDENCE
from repository.storage import layout
from repository.tables import Account, Incident, LedgerEntry

_FAULT_WORDS = {
    "damaged": N_("%(thing)s has other bytes than recorded"),
    "missing": N_("%(thing)s is not there any more"),
    "unreadable": N_("%(thing)s cannot be read"),
    "unexpected": N_("%(thing)s lies there and nobody registered it"),
    "stale": N_("%(thing)s is behind the other replicas"),
}
_DESTROYED = N_("%(thing)s was destroyed on the other replicas and still lies here")
_SOURCES = {
    "unchanged": N_("Found intact again without a repair."),
    "withdrawn": N_("The object is gone or explained."),
    "catalogue": N_("Written again from the catalogue."),
    "retired": N_("The replica was taken out of use."),
}


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """One incident in words."""

    id: str
    words: str
    replica: str
    done: str
    state: str
    opened_at: datetime
    who: str = ""


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
    history: list[Moment]


def _thing(visit: Visit, key: str) -> str:
    _ = i18n.translations(visit.language).gettext
    try:
        kind = layout.parse(key).kind
    except LantaiError:
        return _("An object")
    return labels.label(i18n.translations(visit.language), kind, "object_kind")


def _words(visit: Visit, one: Incident) -> str:
    _ = i18n.translations(visit.language).gettext
    words = _DESTROYED if one.detail.get("destroyed_elsewhere") else _FAULT_WORDS.get(one.fault, "%(thing)s")
    return _(words) % {"thing": _thing(visit, one.key)}


def _done(visit: Visit, one: Incident) -> str:
    _ = i18n.translations(visit.language).gettext
    if one.resolution is None:
        return "–"
    source = str(one.resolution.get("source", ""))
    if source in _SOURCES:
        return _(_SOURCES[source])
    return _("Written again from replica %s.") % source


def incident_line(visit: Visit, one: Incident, who: str = "") -> IncidentLine:
    """An incident in words; ``who`` ended it."""
    return IncidentLine(one.id, _words(visit, one), one.replica, _done(visit, one), one.state, one.opened_at, who)


def incidents(session: Session, visit: Visit, *, limit: int = 100) -> list[IncidentLine]:
    """Incidents, open ones first, then newest first."""
    wanted = select(Incident).order_by((Incident.state != "open"), Incident.seq.desc()).limit(limit)
    catalogue = i18n.translations(visit.language)
    found = list(session.scalars(wanted))
    entries = _entries(session, [one.closed_at for one in found if one.closed_at], "incident.repaired")
    return [
        incident_line(visit, one, labels.actor(catalogue, *entries[one.id]) if one.id in entries else "")
        for one in found
    ]


def _entries(session: Session, moments: Sequence[datetime], act: str) -> dict[str, tuple[str, str]]:
    """Who entered ``act`` in the ledger at one of ``moments``, by incident: the actor's id and name."""
    wanted = (
        select(LedgerEntry.actor_id, Account.display_name, LedgerEntry.body)
        .outerjoin(Account, Account.id == LedgerEntry.actor_id)
        .where(LedgerEntry.stream == "acts", LedgerEntry.at.in_(moments), LedgerEntry.act == act)
    )
    found = {}
    for actor_id, name, body in session.execute(wanted).tuples():
        incident_id = json.loads(body).get("incident_id")
        if incident_id:
            found[str(incident_id)] = (actor_id, name or "")
    return found


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
    elif resolution.get("evidence") == UNREADABLE_EVIDENCE:
        told.append((_("Damaged bytes kept at"), _("nowhere: the store could not read them")))
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
        history=_history(session, visit, one),
    )


def _history(session: Session, visit: Visit, one: Incident) -> list[Moment]:
    """What happened to the incident and who did it, newest first."""
    catalogue = i18n.translations(visit.language)
    made = []
    for at, act in ((one.closed_at, "incident.repaired"), (one.opened_at, "incident.opened")):
        if at is None:
            continue
        entered = _entries(session, [at], act).get(one.id)
        who = labels.actor(catalogue, *entered) if entered else ""
        what = _done(visit, one) if act == "incident.repaired" else labels.label(catalogue, act, "act")
        made.append(Moment(at=at, when=display.moment(at, visit.site.archive.zone), what=what, who=who))
    return made


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
