"""What is done with requests and grants, once for pages and API: each act is one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from access import grants, request_decisions, request_filing, requests
from access.letters import Letter
from access.request_decisions import Decision
from access.request_rules import Asking, RequestFaults, Wanted, checked
from lantai import request_letters
from lantai.web.visit import Visit
from metadata.errors import Invalid, LantaiError
from metadata.identifiers import is_id


def letter_of(visit: Visit, name: str, data: bytes) -> Letter:
    """A letter that came with a request; ``Invalid`` (``letter.*``) when it may not be kept."""
    return request_letters.taken_in(visit.site.settings, name, data)


def wanted_of(record_ids: Sequence[str], household_no: str, words: str) -> Wanted:
    """What is asked for, from three fields of which one is filled in; ``Invalid`` (``request.one_of``) otherwise."""
    ids = tuple(one for one in record_ids if one.strip())
    given = [name for name, value in (("records", ids), ("household", household_no), ("search", words)) if value]
    if len(given) != 1:
        raise Invalid(
            "request.one_of",
            zh="请只填一项：户编号、档案编号，或要查找的内容。",
            en="Fill in one: a household number, ids of records, or what is to be found.",
        )
    if given == ["records"]:
        return Wanted("records", record_ids=ids)
    return Wanted("household", household_no=household_no) if given == ["household"] else Wanted("search", words=words)


def faults_of(visit: Visit, asking: Asking, *, with_letter: bool) -> dict[str, LantaiError]:
    """Everything that is missing or wrong in a request, by field, without filing it."""
    try:
        checked(asking, visit.person.role_codes, visit.site.archive.profile, with_letter=with_letter)
    except RequestFaults as error:
        return error.faults
    return {}


def file(visit: Visit, asking: Asking, letter: Letter | None, key: str) -> str:
    """File a request; its id. The same ``key`` again gives the request it made before."""
    with visit.writing() as session:
        made = request_filing.file(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            asking=asking,
            letter=letter,
            key=key or None,
        )
        return made.id


def answer(visit: Visit, request_id: str, said: str, row_version: int | None = None) -> None:
    """Answer the approver's question."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        requests.unchanged(session, request, row_version)
        request_filing.answer(session, archive=visit.site.archive, actor=visit.person, request=request, said=said)


def withdraw(visit: Visit, request_id: str, row_version: int | None = None) -> None:
    """Take an undecided request back."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        requests.unchanged(session, request, row_version)
        request_filing.withdraw(session, archive=visit.site.archive, actor=visit.person, request=request)


def ask_longer(visit: Visit, request_id: str, *, days: int, said: str, key: str = "") -> str:
    """Ask for a grant to last longer; the id of the request that this is."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        requests.unchanged(session, request, None)
        made = request_filing.ask_longer(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            request=request,
            days=days,
            said=said,
            key=key or None,
        )
        return made.id


def give_back(visit: Visit, request_id: str, row_version: int | None = None) -> None:
    """End one's own grant before its time."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        requests.unchanged(session, request, row_version)
        grants.give_back(session, archive=visit.site.archive, actor=visit.person, request=request)


def ask_back(visit: Visit, request_id: str, said: str, row_version: int | None = None) -> None:
    """Put a question to the asker."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        request_decisions.require_seat(visit.person, request, visit.site.archive.profile)
        requests.unchanged(session, request, row_version)
        request_decisions.ask_back(session, archive=visit.site.archive, actor=visit.person, request=request, said=said)


def name_records(visit: Visit, request_id: str, record_ids: Sequence[str]) -> int:
    """Say which records a request means; how many were added."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        requests.unchanged(session, request, None)
        return request_decisions.name_records(
            session, archive=visit.site.archive, actor=visit.person, request=request, record_ids=record_ids
        )


def decide(visit: Visit, request_id: str, decision: Decision, row_version: int | None) -> None:
    """Grant or refuse."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        request_decisions.require_seat(visit.person, request, visit.site.archive.profile)
        requests.unchanged(session, request, row_version)
        request_decisions.decide(
            session, archive=visit.site.archive, actor=visit.person, request=request, decision=decision
        )


def require_seat(visit: Visit, request_id: str) -> None:
    """``NotFound`` or ``Forbidden`` unless the request is the person's to decide."""
    with visit.reading() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        request_decisions.require_seat(visit.person, request, visit.site.archive.profile)


def everything(visit: Visit, request_id: str) -> frozenset[tuple[str, str]]:
    """All that the request means and that can be granted to its asker; for who decides."""
    with visit.reading() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        if requests.seat_of(visit.person, request, visit.site.archive.profile) is None:
            return frozenset()
        things = request_decisions.meant(session, visit.site.archive, request)
        return frozenset(one.key for one in things if one.bar is None)


def revoke(visit: Visit, request_id: str, reason: str) -> None:
    """Take a grant back at once."""
    with visit.writing() as session:
        request = requests.get(session, visit.person, request_id, visit.site.archive.profile)
        grants.revoke(session, archive=visit.site.archive, actor=visit.person, request=request, reason=reason)


def chosen_of(fields: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    """Records and case files ticked on a form: fields named ``pick_<kind>_<id>``."""
    found = set()
    for name, value in fields.items():
        first, _, rest = name.partition("_")
        kind, _, one = rest.rpartition("_")
        if first == "pick" and value and kind in ("record", "case_file") and is_id(one):
            found.add((kind, one))
    return frozenset(found)
