"""Read models of preservation: the one sentence, the state of each replica, audits and their calendar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.orm import Session

from lantai import i18n
from lantai.web import charts, display
from lantai.web.charts import Day, Figure
from lantai.web.views_incidents import IncidentLine, IncidentView, incident, incident_line, incidents, open_count
from lantai.web.visit import Visit
from repository.clock import local_date
from repository.storage.replicas import FILLING, RETIRED
from repository.tables import AuditRun, Counter, Incident, Replica, ReplicaObject, StoredFile, StoredObject

__all__ = [
    "Answer",
    "IncidentLine",
    "IncidentView",
    "ReplicaLine",
    "RunLine",
    "answer",
    "calendar",
    "files_kept",
    "incident",
    "incident_line",
    "incidents",
    "open_count",
    "replicas",
    "runs",
]

_RUNS = 20
_FIRST_AUDIT = timedelta(hours=24)
_MOST_WEEKS = 26
GLANCE_SECONDS = 30
LARGE = 5_000
"""Objects of a replica that are counted at every look."""


@dataclass(frozen=True, slots=True)
class ReplicaLine:
    """One replica: counts over all objects it must hold; ``next_audit``: the day by which one falls due again."""

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
    next_audit: datetime | None = None
    state: str = "active"


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
    """Every replica with what the last re-reading of each of its objects said.

    Counting a large holding takes a while and pages ask all the time: it is counted at most twice a minute unless an
    audit or an incident came or went.
    """
    kept = visit.request.app.state.glances
    changed = (open_count(session), session.scalar(select(func.max(AuditRun.finished_at))))
    known = kept.get(visit.language)
    if known is not None and known[1] == changed and time.monotonic() - known[0] < GLANCE_SECONDS:
        return list(known[2])
    made = _counted(session, visit)
    kept.pop(visit.language, None)
    if max((one.objects for one in made), default=0) > LARGE:
        kept[visit.language] = (time.monotonic(), changed, made)
    return made


def _counted(session: Session, visit: Visit) -> list[ReplicaLine]:
    _ = i18n.translations(visit.language).gettext
    made = []
    for row in session.scalars(select(Replica).where(Replica.state != RETIRED).order_by(Replica.name)):
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
        elif row.state == FILLING:
            kind, words = "run", _("Being filled")
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
                next_audit=_next(visit, oldest, unchecked),
                state=row.state,
            )
        )
    return made


def _next(visit: Visit, oldest: datetime | None, unchecked: int) -> datetime | None:
    """Until when something must be re-read: within a day what never was, else when the oldest reading is too old."""
    if unchecked:
        return visit.site.archive.clock.now() + _FIRST_AUDIT
    return None if oldest is None else oldest + timedelta(days=visit.site.settings.audit_days)


def files_kept(session: Session) -> int:
    """How many files the records hold, by the counter that accessions keep."""
    known = session.get(Counter, "files")
    return known.value if known is not None else session.scalar(select(func.count()).select_from(StoredFile)) or 0


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


def answer(visit: Visit, found: list[ReplicaLine], files: int) -> Answer:
    """Is everything still there and unchanged? In one sentence, or what is not so; ``files``: how many are kept.

    A replica that is still being filled is not counted, but for its faults.
    """
    translated = i18n.translations(visit.language)
    _, archive = translated.gettext, visit.site.archive
    days = visit.site.settings.audit_days
    faults = sum(one.faults for one in found)
    found = [one for one in found if one.state != FILLING]
    objects = max((one.objects for one in found), default=0)
    unchecked = sum(one.unchecked for one in found)
    oldest = min((one.oldest for one in found if one.oldest is not None), default=None)
    late = oldest is not None and oldest < archive.clock.now() - timedelta(days=days)
    values = {
        "files": display.number(files),
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
            "%(faults)s object is at fault, of %(objects)s on %(replicas)s replicas.",
            "%(faults)s objects are at fault, of %(objects)s on %(replicas)s replicas.",
            faults,
        )
        return Answer("bad", message % values, notes)
    if not objects:
        return Answer("plain", _("Nothing is kept here yet."), notes)
    kind, words = _standing(_, found, late=late, unchecked=unchecked)
    return Answer(kind, words % values, notes)


def _standing(_: Callable[[str], str], found: Sequence[ReplicaLine], *, late: bool, unchecked: int) -> tuple[str, str]:
    """How copies stand of which none is at fault: the kind of answer, and the sentence before its values stand in it."""
    if any(one.overdue for one in found):
        return (
            "look",
            _(
                "%(objects)s objects on %(replicas)s replicas; %(unchecked)s copies have not been re-read yet. No damage is known."
            ),
        )
    if late:
        return (
            "look",
            _(
                "No damage is known, but some of the %(objects)s objects were last re-read on %(since)s, more than %(days)s days ago."
            ),
        )
    if not any(one.intact for one in found):
        return (
            "run",
            _(
                "%(objects)s objects on %(replicas)s replicas were written less than a day ago; their first re-reading follows within 24 hours."
            ),
        )
    if unchecked:
        return (
            "ok",
            _(
                "All copies on %(replicas)s replicas were re-read within %(days)s days, but for %(unchecked)s that were written less than a day ago; none is damaged."
            ),
        )
    return (
        "ok",
        _("All %(files)s files on %(replicas)s replicas were re-read within %(days)s days; 0 are damaged."),
    )


def runs(session: Session) -> list[RunLine]:
    """The newest audits."""
    wanted = select(AuditRun).order_by(AuditRun.started_at.desc()).limit(_RUNS)
    return [
        RunLine(one.replica, one.started_at, one.finished_at, one.objects, one.bytes_read, sorted(one.outcomes.items()))
        for one in session.scalars(wanted)
    ]


def calendar(session: Session, visit: Visit) -> Figure:
    """The strip of days within which everything must be re-read: on which days what was, and where faults were found."""
    translated = i18n.translations(visit.language)
    _ = translated.gettext
    archive = visit.site.archive
    today = local_date(archive.clock.now(), archive.zone)
    weeks = min(_MOST_WEEKS, visit.site.settings.audit_days // 7 + 1)
    first = today - timedelta(days=today.weekday()) - timedelta(weeks=weeks - 1)
    told: dict[date, dict[str, list[int]]] = {}
    since = archive.clock.now() - timedelta(days=(today - first).days + 1)
    for run in session.scalars(select(AuditRun).where(AuditRun.started_at >= since, AuditRun.kind != "inventory")):
        line = told.setdefault(local_date(run.started_at, archive.zone), {}).setdefault(run.replica, [0, 0])
        line[0] += run.objects
        line[1] += sum(count for code, count in run.outcomes.items() if code not in {"intact", "not_checked"})
    days, rows = [], []
    for number in range((today - first).days + 1):
        day = first + timedelta(days=number)
        found = told.get(day, {})
        faults = sum(line[1] for line in found.values())
        copies = sum(line[0] for line in found.values())
        words = _("%(day)s: %(copies)s copies re-read, %(faults)s at fault") % {
            "day": day.isoformat(),
            "copies": display.number(copies),
            "faults": display.number(faults),
        }
        days.append(Day(day, "bad" if faults else "read" if copies else "", words))
        rows += [
            (day.isoformat(), name, display.number(line[0]), display.number(line[1])) for name, line in found.items()
        ]
    title = _("Calendar of audits")
    read = sum(1 for one in days if one.kind)
    described = translated.ngettext(
        "%(count)s day with a re-reading since %(first)s", "%(count)s days with a re-reading since %(first)s", read
    ) % {"count": read, "first": first.isoformat()}
    head = (_("Day"), _("Replica"), _("Copies"), _("Faults"))
    return Figure(
        "calendar", title, head, rows[::-1], charts.calendar("calendar", title, described, days), notes=(described,)
    )
