"""Read models of alarms: the line of the list, and the course of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from access import alarms
from access.alarms import AlarmLine, AlarmStep
from lantai import alarm_words, i18n
from lantai.web import display, labels
from lantai.web.views_history import Moment
from lantai.web.visit import Visit
from repository.alarms import AlarmArea

ROOMS = {AlarmArea.USE: "use", AlarmArea.PRESERVATION: "preservation", AlarmArea.SYSTEM: "system"}
"""In which room alarms of an area stand."""


@dataclass(frozen=True, slots=True)
class Line:
    """An alarm as the list and its page show it."""

    id: str
    seq: int
    title: str
    about: str
    organ: str
    words: str
    state: str
    raised_at: datetime
    last_at: datetime
    times: int
    over_at: datetime | None
    taken_by: str
    taken_at: datetime | None
    closed_by: str
    closed_at: datetime | None
    remark: str
    href: str
    alarm: AlarmLine


def line(visit: Visit, one: AlarmLine) -> Line:
    """The line of an alarm in the person's language."""
    catalogue = i18n.translations(visit.language)
    return Line(
        id=one.id,
        seq=one.seq,
        title=alarm_words.title(visit.language, one.kind),
        about=alarm_words.subject(visit.language, one),
        organ=one.organ_name,
        words=alarm_words.sentence(visit.language, one),
        state=one.state,
        raised_at=one.raised_at,
        last_at=one.last_at,
        times=one.times,
        over_at=one.over_at,
        taken_by=labels.actor(catalogue, one.taken_by, "") if one.taken_at else "",
        taken_at=one.taken_at,
        closed_by=labels.actor(catalogue, one.closed_by, "") if one.closed_at else "",
        closed_at=one.closed_at,
        remark=one.remark,
        href=f"/alarms/{one.id}",
        alarm=one,
    )


def course(visit: Visit, steps: Sequence[AlarmStep]) -> list[Moment]:
    """What became of an alarm, newest first, as the timeline shows it."""
    catalogue = i18n.translations(visit.language)
    return [
        Moment(
            one.at,
            display.moment(one.at, visit.site.archive.zone),
            labels.label(catalogue, one.step, "alarm_step"),
            who=labels.actor(catalogue, one.actor_id, one.name),
            note=one.words,
        )
        for one in reversed(steps)
    ]


def chosen_area(visit: Visit, asked: str) -> AlarmArea | None:
    """The area that is asked for; without one, the first that the person is told of."""
    told = alarms.areas(visit.person, visit.site.archive.profile)
    if asked in set(AlarmArea):
        return AlarmArea(asked)
    return told[0] if told else None
