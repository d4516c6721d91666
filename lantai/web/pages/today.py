"""Today: what waits for this person, by urgency, each one click from the act; what changed; what is kept."""

from __future__ import annotations

from fastapi import Response

from lantai import i18n, saved_searches
from lantai.part import Part
from lantai.web import display, views_figures, views_parts, views_preservation, views_submissions, views_today
from lantai.web.rendering import page, query
from lantai.web.visit import SignedVisit, Visit
from metadata.rights import Permission

router = Part()
_NEWEST = 6
_KEPT = 8


@router.get("/")
def show(visit: SignedVisit, months: int = 12) -> Response:
    """The first page after sign-in; ``months``: how far back the charts reach (0: all)."""
    deposits = visit.may(Permission.DEPOSIT) or visit.may(Permission.ACCEPT)
    period = months if months in views_figures.PERIODS else views_figures.PERIODS[0]
    with visit.reading() as session:
        tasks = views_today.tasks(session, visit)
        newest = views_submissions.listed(session, visit, limit=_NEWEST) if deposits else []
        answer = None
        if visit.may(Permission.FIXITY_READ):
            replicas = views_preservation.replicas(session, visit)
            answer = views_preservation.answer(visit, replicas, views_preservation.files_kept(session))
        since = views_today.last_visit(session, visit)
        changes = views_today.changes(session, visit, since)
        figures = views_figures.drawn(session, visit, period)
        kept = saved_searches.mine(session, visit.person)[:_KEPT] if visit.may(Permission.SEARCH) else []
    return page(
        visit,
        "today.html",
        room="today",
        tasks=tasks,
        troubles=views_parts.troubles(visit),
        door=views_today.first_door(visit),
        submissions=newest,
        preservation=answer,
        greeting=_greeting(visit),
        since=display.moment(since, visit.site.archive.zone) if since else "",
        changes=changes,
        figures=figures,
        kept_searches=[(one.name, f"/search?{one.query}") for one in kept],
        periods=_periods(visit, period),
    )


def _greeting(visit: Visit) -> str:
    _ = i18n.translations(visit.language).gettext
    known, person = visit.site.archive.profile.roles, visit.person
    roles = [known[code].label(visit.language) for code in dict.fromkeys(person.role_codes) if code in known]
    if not roles:
        return _("Your account holds no role yet. The security administrator grants roles.")
    return f"{person.name} · {', '.join(roles) if visit.language == 'en' else '、'.join(roles)}"


def _periods(visit: Visit, chosen: int) -> list[tuple[str, str, bool]]:
    _ = i18n.translations(visit.language).gettext
    words = {12: _("12 months"), 36: _("3 years"), 0: _("All years")}
    return [(words[one], "/" + query({}, months=one) + "#figures", one == chosen) for one in views_figures.PERIODS]
