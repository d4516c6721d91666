"""What a person may read now under grants (阅览), for the page and the API."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import requests
from lantai.web.views_requests import GrantView, RequestLine, Thing, grant_view, granted_things, lines
from lantai.web.visit import Visit
from repository.tables import AccessGrant, AccessRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """A grant in force, the request that it came of, and what it names as far as it is still there."""

    grant: GrantView
    request: RequestLine
    things: tuple[Thing, ...] = ()


def readable_now(session: Session, visit: Visit) -> list[Reading]:
    """What the person may read under grants in force, the first to end first."""
    held = [one.id for one in visit.person.grants if not one.waiting]
    rows = (
        session.execute(
            select(AccessRequest, AccessGrant)
            .join(AccessGrant, AccessRequest.id == AccessGrant.request_id)
            .where(AccessGrant.id.in_(held))
            .order_by(AccessGrant.ends_at, AccessGrant.seq)
        )
        .tuples()
        .all()
    )
    described = lines(session, visit, [request for request, _ in rows])
    return [
        Reading(grant_view(visit, grant), line, tuple(granted_things(session, visit, grant)))
        for (_, grant), line in zip(rows, described, strict=True)
    ]


def given_by(session: Session, visit: Visit) -> list[Reading]:
    """Grants of others in force that this person may take back, or that concern files she holds."""
    rows = requests.grants_of_others(session, visit.person, visit.site.archive)
    described = lines(session, visit, [request for request, _ in rows])
    return [Reading(grant_view(visit, grant), line) for (_, grant), line in zip(rows, described, strict=True)]
