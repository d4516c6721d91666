"""What happened in a case (停保、重新受理 …): entering it, taking it back; the retention of the file follows at once."""

from __future__ import annotations

from datetime import date

from fastapi import Response

from access import gate
from access.masking import without_names
from lantai import i18n
from lantai.part import Part
from lantai.web import labels, saying, views_cases, views_retention
from lantai.web.chosen import row_version
from lantai.web.display import masked
from lantai.web.options import Options
from lantai.web.rendering import page
from lantai.web.saying import Undo
from lantai.web.visit import Form, Posted, SignedVisit, Visit
from metadata.errors import Invalid
from retention import events

router = Part()
_FIELDS = {"case.event_unknown": "event", "case.event_day": "on", "case.event_note": "note"}


@router.get("/retention/cases/{case_file_id}")
def show(visit: SignedVisit, case_file_id: str) -> Response:
    """The events of a case with the clock that follows from them; looking is entered in the use register."""
    return _page(visit, case_file_id)


@router.post("/retention/cases/{case_file_id}/events")
def enter(visit: SignedVisit, case_file_id: str, form: Form) -> Response:
    """Enter an event; it can be taken back from the page that follows."""
    event, day = form.text("event"), form.text("on")
    _require(visit, case_file_id)
    try:
        on = _day(day)
        with visit.noting_refusal(case_file=case_file_id), visit.writing() as session:
            case = events.enter(
                session,
                archive=visit.site.archive,
                actor=visit.person,
                case_file=case_file_id,
                event=event,
                on=on,
                note=form.text("note"),
                row_version=row_version(form),
            )
            session.flush()
            target, seen = f"/retention/cases/{case.id}", case.row_version
    except Invalid as error:
        return _page(visit, case_file_id, {_FIELDS.get(error.code, "note"): error.sentence(visit.language)}, form)
    _ = i18n.translations(visit.language).gettext
    name = labels.term(visit.language, visit.site.archive.profile.events[event])
    fields = {"event": event, "on": on.isoformat(), "reason": _("taken back at once"), "row_version": str(seen)}
    return saying.after(
        visit,
        target,
        _("Entered: %(event)s on %(day)s. The retention of the file follows it.") % {"event": name, "day": on},
        Undo(f"{target}/events/withdraw", fields),
    )


@router.post("/retention/cases/{case_file_id}/events/withdraw")
def withdraw(visit: SignedVisit, case_file_id: str, form: Form) -> Response:
    """Take an event back that was entered wrongly; the history keeps it, and why."""
    _require(visit, case_file_id)
    try:
        with visit.noting_refusal(case_file=case_file_id), visit.writing() as session:
            case = events.withdraw(
                session,
                archive=visit.site.archive,
                actor=visit.person,
                case_file=case_file_id,
                event=form.text("event"),
                on=_day(form.text("on")),
                reason=form.text("reason"),
                row_version=row_version(form),
            )
            target = f"/retention/cases/{case.id}"
    except Invalid as error:
        return _page(visit, case_file_id, {"reason": error.sentence(visit.language)})
    _ = i18n.translations(visit.language).gettext
    return saying.after(visit, target, _("The event was taken back; the history keeps it and the reason."))


def _require(visit: Visit, case_file_id: str) -> None:
    """Whoever may enter nothing there is told so before anything else is said of what she typed."""
    with visit.noting_refusal(case_file=case_file_id), visit.reading() as session:
        events.case_to_enter(session, visit.site.archive, visit.person, case_file_id)


def _page(
    visit: Visit, case_file_id: str, errors: dict[str, str] | None = None, form: Posted | None = None
) -> Response:
    profile = visit.site.archive.profile
    with visit.looking(case_file=case_file_id) as session:
        case = gate.get_case(session, visit.person, case_file_id, profile)
        visit.looked(session, "case.viewed", case_file_id=case.id)
        hidden = views_cases.hidden_names(session, visit, case)
        context = {
            "case": views_cases.case_view(session, visit, case),
            "case_version": case.row_version,
            "entered": _lines(visit, case.state.get("events", []), hidden),
            "withdrawn": _lines(visit, case.state.get("withdrawn", []), hidden),
            "retention": views_retention.of_case(session, visit, case),
            "holds": views_retention.holds_of_case(session, visit, case),
            "may_enter": events.may_enter(visit.person, profile, case),
        }
    return page(
        visit,
        "retention_case.html",
        room="retention" if visit.may("retention.read") else "holdings",
        status=422 if errors else 200,
        here_tab="",
        errors=errors or {},
        kinds=_kinds(visit),
        typed={name: form.text(name) if form else "" for name in ("event", "on", "note")},
        today=views_retention.today_of(visit),
        **context,
    )


def _kinds(visit: Visit) -> Options:
    kinds = visit.site.archive.profile.events.values()
    return [("", [(one.code, labels.term(visit.language, one)) for one in kinds if one.entered])]


def _lines(visit: Visit, entries: list[dict[str, str]], hidden: tuple[str, ...]) -> list[dict[str, str]]:
    known = visit.site.archive.profile.events
    return [
        {
            "event": str(one.get("event")),
            "on": str(one.get("on"))[:10],
            "name": labels.term(visit.language, known[one["event"]])
            if one.get("event") in known
            else str(one.get("event")),
            "note": without_names(masked(str(one.get("note") or "")), hidden),
            "reason": without_names(masked(str(one.get("reason") or "")), hidden),
        }
        for one in sorted(entries, key=lambda one: str(one.get("on")), reverse=True)
    ]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "case.event_day",
            zh="日期看不懂；请写成 2030-12-31 的样子。",
            en="This is no date; write it as 2030-12-31.",
        ) from None
