"""Alarms: what a person must look at, who has taken it, what came of it."""

from __future__ import annotations

from fastapi import Response

from access import alarms, use_register
from access.alarms import STATES, State
from lantai import alarm_words, i18n
from lantai.part import Part
from lantai.web import saying, views_alarms
from lantai.web.rendering import page, query
from lantai.web.visit import Form, SignedVisit, Visit
from metadata.errors import Invalid
from repository.alarms import AlarmArea

router = Part()
_PAGE = 50


@router.get("/alarms")
def show_list(visit: SignedVisit, area: str = "", state: str = "", before: int = 0) -> Response:
    """Alarms of one area, the newest first; those that wait unless others are asked for."""
    profile = visit.site.archive.profile
    chosen = views_alarms.chosen_area(visit, area)
    wanted: State = next((one for one in STATES if one == state), "waiting")
    with visit.reading() as session:
        found = alarms.alarms(
            session, visit.person, profile, state=wanted, area=chosen, after=before or None, limit=_PAGE + 1
        )
    here = {"area": chosen or "", "state": "" if wanted == "waiting" else wanted}
    return page(
        visit,
        "alarms.html",
        room=views_alarms.ROOMS[chosen or AlarmArea.SYSTEM],
        alarms=[views_alarms.line(visit, one) for one in found[:_PAGE]],
        areas=[
            (alarm_words.area(visit.language, one), f"/alarms?area={one}", one == chosen)
            for one in alarms.areas(visit.person, profile)
        ],
        area=str(chosen or ""),
        state=wanted,
        first="/alarms" + query(here) if before else "",
        following="/alarms" + query(here, before=found[_PAGE - 1].seq) if len(found) > _PAGE else "",
    )


@router.get("/alarms/{alarm_id}")
def show_one(visit: SignedVisit, alarm_id: str) -> Response:
    """One alarm: what happened, what became of it, and the forms to take and to close it."""
    return _page(visit, alarm_id)


def _page(visit: Visit, alarm_id: str, wrong: str = "", words: str = "") -> Response:
    profile = visit.site.archive.profile
    with visit.reading() as session:
        one, steps = alarms.alarm(session, visit.person, profile, alarm_id)
    area = AlarmArea(one.area)
    return page(
        visit,
        "alarm.html",
        room=views_alarms.ROOMS[area],
        status=422 if wrong else 200,
        one=views_alarms.line(visit, one),
        area=one.area,
        area_name=alarm_words.area(visit.language, area),
        course=views_alarms.course(visit, steps),
        reads=use_register.reads_others(visit.person, profile),
        wrong=wrong,
        words=words,
    )


@router.post("/alarms/{alarm_id}/take")
def take(visit: SignedVisit, alarm_id: str, form: Form) -> Response:
    """Take an alarm in hand, or say how it goes."""
    _ = i18n.translations(visit.language).gettext
    words = form.text("words")
    try:
        with visit.writing() as session:
            step = alarms.take(session, archive=visit.site.archive, actor=visit.person, alarm_id=alarm_id, words=words)
    except Invalid as error:
        return _page(visit, alarm_id, wrong=error.sentence(visit.language), words=words)
    said = _("You deal with this alarm now.") if step == "taken" else _("What you said was added to the alarm.")
    return saying.after(visit, f"/alarms/{alarm_id}", said)


@router.post("/alarms/{alarm_id}/close")
def close(visit: SignedVisit, alarm_id: str, form: Form) -> Response:
    """Close an alarm with what came of it."""
    _ = i18n.translations(visit.language).gettext
    words = form.text("words")
    try:
        with visit.writing() as session:
            alarms.close(session, archive=visit.site.archive, actor=visit.person, alarm_id=alarm_id, remark=words)
    except Invalid as error:
        return _page(visit, alarm_id, wrong=error.sentence(visit.language), words=words)
    return saying.after(visit, f"/alarms/{alarm_id}", _("The alarm is closed."))
