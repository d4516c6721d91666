"""What a person may read now under grants (阅览), for the page and the API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate, requests
from lantai import i18n
from lantai.web.views_requests import GrantView, RequestLine, Thing, grant_view, granted_things, lines
from lantai.web.visit import Visit
from repository.tables import AccessGrant, AccessRequest


@dataclass(frozen=True, slots=True)
class Reading:
    """A grant in force, the request that it came of, and what it names as far as it is still there.

    ``households``: of each record the household it tells of, in words, and the address of its file where the person
    may see that; a record of many households names none of them.
    """

    grant: GrantView
    request: RequestLine
    things: tuple[Thing, ...] = ()
    households: Mapping[str, tuple[str, str]] = field(default_factory=dict)


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
    found = []
    for (request, grant), line in zip(rows, described, strict=True):
        things = tuple(granted_things(session, visit, grant))
        asked = str(request.wanted.get("household_no") or "")
        found.append(Reading(grant_view(visit, grant), line, things, _households(session, visit, things, asked)))
    return found


def _households(session: Session, visit: Visit, things: Sequence[Thing], asked: str) -> dict[str, tuple[str, str]]:
    """Words for the household of each record, and the way to its file: only of a file that the person may see.

    ``asked``: the household that she asked for herself, whose number she knows. A grant of a record alone tells nothing
    else of the files it stands in.
    """
    catalogue = i18n.translations(visit.language)
    ids = [one.id for one in things if one.kind == "record"]  # these the gate has let through
    stands = gate.file_numbers(session, visit.person, visit.site.archive.profile, ids)
    found = {}
    for record_id, found_in in stands.items():
        told = [one for one in found_in if one[3] or one[1] == asked]
        if not told:
            continue
        numbers = {number for _, number, _, _ in told}
        words = catalogue.gettext("Household %(number)s") % {"number": min(numbers)}
        if len(numbers) > 1:
            count = catalogue.ngettext("%(num)d household", "%(num)d households", len(numbers))
            words = count % {"num": len(numbers)}
        opens = next((case_id for case_id, _, _, seen in told if seen), "") if len(numbers) == 1 else ""
        found[record_id] = (words, f"/case-files/{opens}" if opens else "")
    return found


def given_by(session: Session, visit: Visit) -> list[Reading]:
    """Grants of others in force that this person may take back, or that concern files she holds."""
    rows = requests.grants_of_others(session, visit.person, visit.site.archive)
    described = lines(session, visit, [request for request, _ in rows])
    return [Reading(grant_view(visit, grant), line) for (_, grant), line in zip(rows, described, strict=True)]
