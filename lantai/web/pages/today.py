"""Today: what waits for this person, by urgency, each one click from the act."""

from __future__ import annotations

import time
from dataclasses import dataclass

from fastapi import APIRouter, Response
from sqlalchemy.orm import Session

from lantai import i18n
from lantai.web import views_preservation, views_submissions
from lantai.web.rendering import page
from lantai.web.views_preservation import Answer
from lantai.web.visit import SignedVisit, Visit
from metadata.rights import Permission

router = APIRouter()
_NEWEST = 6
_GLANCE_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do; ``kind`` is ``bad`` for damage and what came back, else ``plain``."""

    count: int
    title: str
    hint: str
    href: str
    kind: str = "plain"


@router.get("/")
def show(visit: SignedVisit) -> Response:
    """The first page after sign-in."""
    _ = i18n.translations(visit.language).gettext
    deposits = visit.may(Permission.DEPOSIT) or visit.may(Permission.ACCEPT)
    with visit.reading() as session:
        tasks = _tasks(session, visit)
        newest = views_submissions.listed(session, visit, limit=_NEWEST) if deposits else []
        answer = None
        if visit.may(Permission.FIXITY_READ):
            answer = _glance(session, visit)
    profile = visit.site.archive.profile
    roles = [profile.roles[code].label(visit.language) for code in visit.person.role_codes if code in profile.roles]
    greeting = f"{visit.person.name} · {', '.join(roles) if visit.language == 'en' else '、'.join(roles)}"
    if not roles:
        greeting = _("Your account holds no role yet. The security administrator grants roles.")
    return page(
        visit, "today.html", room="today", tasks=tasks, submissions=newest, preservation=answer, greeting=greeting
    )


def _glance(session: Session, visit: Visit) -> Answer:
    """The sentence of the preservation page, counted at most twice a minute: Today is asked for all the time."""
    kept: dict[str, tuple[float, int, Answer]] = visit.request.app.state.glances
    now, incidents = time.monotonic(), views_preservation.open_count(session)
    known = kept.get(visit.language)
    if known is None or now - known[0] > _GLANCE_SECONDS or known[1] != incidents:
        known = (now, incidents, views_preservation.answer(visit, views_preservation.replicas(session, visit)))
        kept[visit.language] = known
    return known[2]


def _tasks(session: Session, visit: Visit) -> list[Task]:
    _ = i18n.translations(visit.language).gettext
    found = []
    if visit.may(Permission.FIXITY_READ):
        count = views_preservation.open_count(session)
        found.append(
            Task(count, _("Damage found"), _("Incidents that are not mended yet"), "/preservation#incidents", "bad")
        )
    if visit.may(Permission.DEPOSIT):
        count = views_submissions.count(session, visit, "back", own=True)
        found.append(
            Task(count, _("Came back to you"), _("Deposits with something to mend"), "/submissions?state=back", "bad")
        )
    if visit.may(Permission.ACCEPT):
        count = views_submissions.count(session, visit, "waiting")
        found.append(
            Task(
                count,
                _("Accept or return"),
                _("Deposits that were examined and wait for you"),
                "/submissions?state=waiting",
            )
        )
    return [one for one in found if one.count]
