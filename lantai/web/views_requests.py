"""Read models of requests and grants: lists, one request with its story, what a decision is about, what may be read now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate, grants, letters, masking, request_decisions, requests, use_register
from access.letters import Letter
from access.request_rules import OPEN, Wanted, fields_of, requester_of, requesters_for
from lantai import i18n
from lantai.web import labels
from lantai.web.display import masked, moment
from lantai.web.visit import Visit
from metadata.errors import NotFound
from metadata.profile import Requester
from metadata.rights import Permission
from repository.tables import AccessGrant, AccessRequest, Account, CaseFile, Organ, Record


@dataclass(frozen=True, slots=True)
class RequestLine:
    """One line of a list of requests. ``ends_at``: of its grant, when there is one in force."""

    seq: int
    id: str
    number: str
    asker: str
    organ: str
    requester: str
    purpose: str
    wanted: str
    state: str
    decision: str | None
    days: int
    renews: str | None
    submitted_at: datetime | None
    ends_at: datetime | None
    days_left: int | None

    @property
    def standing(self) -> str:
        """The state as people read it: what was granted in part says so."""
        return "part" if self.state == "approved" and self.decision == "part" else self.state


@dataclass(frozen=True, slots=True)
class Thing:
    """A record or case file of a request, as who decides or keeps it is shown it."""

    kind: str
    id: str
    title: str
    note: str
    href: str
    shows: str
    bar: str | None
    granted: bool
    level: str = ""
    marks: tuple[str, ...] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class GrantView:
    """A grant: what it permits, until when."""

    id: str
    permissions: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    days_left: int
    renewals: int
    in_force: bool
    revoke_reason: str


@dataclass(frozen=True, slots=True)
class RequestView:
    """A request as this person may see it. ``things`` is empty for its asker until something is granted."""

    line: RequestLine
    row_version: int
    purpose_text: str
    form: str
    numbers: str
    details: tuple[tuple[str, str], ...]
    wanted: Wanted
    refuse_reason: str | None
    approver_role: str
    letter_type: str
    mine: bool
    decides: bool
    may_name: bool
    must_grant: bool
    sighting: tuple[str, ...]
    elsewhere: int
    story: tuple[dict[str, Any], ...]
    things: tuple[Thing, ...] = ()
    grant: GrantView | None = None
    acts: frozenset[str] = field(default_factory=frozenset)


def kinds(visit: Visit) -> list[Requester]:
    """As what the person may ask."""
    return requesters_for(visit.person.role_codes, visit.site.archive.profile)


def needed(kind: Requester) -> list[str]:
    """Fields that this kind of requester fills in."""
    return fields_of(kind)


def lines(session: Session, visit: Visit, rows: Sequence[AccessRequest]) -> list[RequestLine]:
    """Rows of a list, in the order given; names and ends are fetched for all of them at once."""
    accounts = dict(
        session.execute(
            select(Account.id, Account.display_name).where(Account.id.in_({one.account_id for one in rows}))
        )
        .tuples()
        .all()
    )
    organs = {one.id: one for one in session.scalars(select(Organ).where(Organ.id.in_({one.organ_id for one in rows})))}
    held = {
        one.request_id: one
        for one in session.scalars(
            select(AccessGrant).where(AccessGrant.request_id.in_({one.renews or one.id for one in rows}))
        )
    }
    now = visit.site.archive.clock.now()
    found = []
    for one in rows:
        grant = held.get(one.renews or one.id)
        live = grant is not None and one.state == "approved" and grants.in_force(grant, now)
        found.append(
            RequestLine(
                seq=one.seq,
                id=one.id,
                number=one.number,
                asker=accounts.get(one.account_id, ""),
                organ=labels.term(visit.language, organs.get(one.organ_id)),
                requester=_word(visit, "requesters", one.requester),
                purpose=_word(visit, "purposes", one.purpose),
                wanted=wanted_words(visit, Wanted.of_json(one.wanted)),
                state=one.state,
                decision=one.decision,
                days=one.days,
                renews=one.renews,
                submitted_at=one.submitted_at,
                ends_at=grant.ends_at if live and grant else None,
                days_left=_days_left(visit, grant.ends_at) if live and grant else None,
            )
        )
    return found


def _days_left(visit: Visit, ends_at: datetime) -> int:
    """Whole days until the grant ends; 0 on its last day."""
    return max(0, (ends_at - visit.site.archive.clock.now()).days)


def _word(visit: Visit, kind: str, code: str) -> str:
    found = next((one for one in getattr(visit.site.archive.profile.borrowing, kind) if one.code == code), None)
    return code if found is None else labels.term(visit.language, found)


def wanted_words(visit: Visit, wanted: Wanted) -> str:
    """What was asked for, in a few words; nothing of it was looked up."""
    catalogue = i18n.translations(visit.language)
    if wanted.kind == "household":
        return catalogue.gettext("Household %(number)s") % {"number": wanted.household_no}
    if wanted.kind == "search":
        return masked(wanted.words)
    count = len(wanted.record_ids)
    return catalogue.ngettext("%(num)d record", "%(num)d records", count) % {"num": count}


def shown(session: Session, visit: Visit, request_id: str) -> RequestView:
    """The request for its asker, its approver or who holds the files; the others' look is entered in the use register."""
    archive, person = visit.site.archive, visit.person
    profile = archive.profile
    request = requests.get(session, person, request_id, profile)
    mine = request.account_id == person.id
    if not mine:
        _enter_look(session, visit, request)
    kind = requester_of(request.requester, profile)
    seat = requests.seat_of(person, request, profile) is not None
    grant = grants.of_request(session, request)
    view = None if grant is None else grant_view(visit, grant)
    own_file = kind is not None and kind.own_file
    return RequestView(
        line=lines(session, visit, [request])[0],
        row_version=request.row_version,
        purpose_text=masked(request.purpose_text),
        form=request.form,
        numbers=request.numbers,
        details=_details(visit, request),
        wanted=Wanted.of_json(request.wanted),
        refuse_reason=_word(visit, "refuse_reasons", request.refuse_reason) if request.refuse_reason else None,
        approver_role=labels.term(visit.language, profile.roles.get(request.approver_role or "")),
        letter_type=str(request.details.get("letter_type", "")) if request.letter_id else "",
        mine=mine,
        decides=seat and request.state in OPEN,
        may_name=not mine and request_decisions.may_name(session, person, request, profile),
        must_grant=kind is not None and kind.must_grant,
        sighting=tuple(profile.borrowing.household_id_check.model_dump()) if own_file else (),
        elsewhere=0 if mine else int(request.details.get("elsewhere", 0)),
        story=tuple(_story(session, visit, request)),
        things=tuple(granted_things(session, visit, grant) if mine else _things(session, visit, request)),
        grant=view,
        acts=_acts(visit, request, view, mine=mine, seat=seat),
    )


def _enter_look(session: Session, visit: Visit, request: AccessRequest) -> None:
    use_register.looked(
        session,
        archive=visit.site.archive,
        actor=visit.person,
        act="request.viewed",
        reason=visit.purpose,
        form="api" if visit.request.url.path.startswith("/api/") else "screen",
        request_id=request.id,
        call_id=visit.request_id,
    )


def _acts(visit: Visit, request: AccessRequest, grant: GrantView | None, *, mine: bool, seat: bool) -> frozenset[str]:
    """What the person may do with the request now."""
    found: set[str] = set()
    live = grant is not None and grant.in_force and request.state == "approved"
    if mine and request.state == "questioned":
        found.add("answer")
    if mine and request.state in OPEN:
        found.add("withdraw")
    if mine and live and grant is not None:
        found.add("give_back")
        if grant.renewals < visit.site.archive.profile.borrowing.max_renewals and request.renews is None:
            found.add("renew")
    if seat and request.state == "submitted":
        found |= {"decide", "question"}
    if seat and request.state == "questioned":
        found.add("refuse")
    if seat and live:
        found.add("revoke")
    return frozenset(found)


def _details(visit: Visit, request: AccessRequest) -> tuple[tuple[str, str], ...]:
    catalogue = i18n.translations(visit.language)
    found = []
    for name, value in request.details.items():
        if name in ("elsewhere", "letter_type"):
            continue
        words = str(value)
        if name == "sighted":
            words = ", ".join(labels.label(catalogue, one, "sighted") for one in words.split())
        found.append((labels.label(catalogue, name, "request_detail"), masked(words)))
    return tuple(found)


def grant_view(visit: Visit, grant: AccessGrant) -> GrantView:
    """A grant as pages show it."""
    return GrantView(
        id=grant.id,
        permissions=tuple(grant.permissions),
        starts_at=grant.starts_at,
        ends_at=grant.ends_at,
        days_left=_days_left(visit, grant.ends_at),
        renewals=grant.renewals,
        in_force=grants.in_force(grant, visit.site.archive.clock.now()),
        revoke_reason=grant.revoke_reason,
    )


def _story(session: Session, visit: Visit, request: AccessRequest) -> Iterable[dict[str, Any]]:
    """The conversation, newest first, as the timeline shows it."""
    catalogue = i18n.translations(visit.language)
    ids = {str(one["actor_id"]) for one in request.told}
    names = dict(session.execute(select(Account.id, Account.display_name).where(Account.id.in_(ids))).tuples().all())
    others = {"console": catalogue.gettext("Console"), "system": catalogue.gettext("Lantai")}
    for one in reversed(request.told):
        actor_id = str(one["actor_id"])
        what = labels.label(catalogue, one["act"], "request_step")
        if one.get("decision"):
            what = labels.label(catalogue, one["decision"], "request_decision")
        reason = _word(visit, "refuse_reasons", str(one["reason"])) if one.get("reason") else ""
        yield {
            "at": one["at"],
            "when": moment(one["at"], visit.site.archive.zone),
            "act": one["act"],
            "what": what,
            "note": " ".join(filter(None, (reason, masked(str(one["words"]))))),
            "who": names.get(actor_id) or others.get(actor_id.partition(":")[0], actor_id),
            "href": "",
        }


def _things(session: Session, visit: Visit, request: AccessRequest) -> list[Thing]:
    """What the request means, for who decides or holds it: titles as far as this person may see them."""
    archive = visit.site.archive
    meant = request_decisions.meant(session, archive, request)
    records = _records(session, visit, [one.id for one in meant if one.kind == "record"])
    found = []
    for one in meant:
        shows = "" if one.bar else _would_show(visit, request, clear=one.shows_numbers)
        if one.kind == "record":
            thing = _record_thing(visit, one.id, records.get(one.id), one.bar, one.granted, shows)
            found.append(replace(thing, shared=one.shared))
        else:
            found.append(_case_thing(session, visit, one.id, one.bar, one.granted))
    found.sort(key=lambda one: (one.kind != "case_file", one.note, one.title, one.id))
    return found


def _would_show(visit: Visit, request: AccessRequest, *, clear: bool) -> str:
    _ = i18n.translations(visit.language).gettext
    if clear and request.form == "copy":
        return _("Pages as they are, with their numbers; copies may be taken out.")
    if clear:
        return _("Pages as they are, with their numbers; nothing is taken out.")
    return _("Text with numbers masked; no pictures of pages.")


def granted_things(session: Session, visit: Visit, grant: AccessGrant | None) -> list[Thing]:
    """What the asker was granted, through the gate: nothing once the grant is over."""
    if grant is None:
        return []
    named = grants.subjects(session, [grant.id])[grant.id]
    records = _records(session, visit, [one for kind, one in named if kind == "record"])
    found = [_record_thing(visit, one, row, None, True, "") for one, row in records.items()]
    for kind, one in named:
        if kind == "case_file" and (case := _case_thing(session, visit, one, None, True)).href:
            found.append(case)
    return sorted(found, key=lambda one: (one.kind != "case_file", one.note, one.title))


def _records(session: Session, visit: Visit, ids: Sequence[str]) -> dict[str, Record]:
    return gate.records_by_id(session, visit.person, ids, visit.site.archive.profile, permission=Permission.RECORD_LIST)


def _record_thing(
    visit: Visit, record_id: str, record: Record | None, bar: str | None, granted: bool, shows: str
) -> Thing:
    if record is None:
        return Thing("record", record_id, "", "", "", shows, bar, granted)
    profile = visit.site.archive.profile
    kind = profile.document_types.get(record.document_type or "")
    return Thing(
        kind="record",
        id=record_id,
        title=masked(record.title),
        note=" · ".join(
            filter(None, (labels.term(visit.language, kind) if kind else "", str(record.dated or record.year or "")))
        ),
        href=f"/records/{record_id}",
        shows=shows,
        bar=bar,
        granted=granted,
        level=record.access_level,
        marks=tuple(
            labels.term(visit.language, profile.access_marks[one]) if one in profile.access_marks else one
            for one in record.access_marks
        ),
    )


def _case_thing(session: Session, visit: Visit, case_file_id: str, bar: str | None, granted: bool) -> Thing:
    _ = i18n.translations(visit.language).gettext
    note = _("Cover of the household file")
    try:
        case: CaseFile = gate.get_case(session, visit.person, case_file_id, visit.site.archive.profile)
    except NotFound:
        return Thing("case_file", case_file_id, "", note, "", "", bar, granted)
    title = masking.case_titles(session, visit.person, [case], visit.site.archive.profile)[case.id]
    return Thing("case_file", case_file_id, title, note, f"/case-files/{case_file_id}", "", bar, granted)


def letter(session: Session, visit: Visit, request_id: str) -> Letter:
    """The letter of a request, for who may read the request; ``NotFound`` alike when there is none."""
    archive = visit.site.archive
    request = requests.get(session, visit.person, request_id, archive.profile)
    if request.letter_id is None:
        raise NotFound(
            "letter.not_found", zh="没有这份公函，或您无权查看。", en="There is no such letter, or you may not see it."
        )
    if request.account_id != visit.person.id:
        _enter_look(session, visit, request)
    return letters.read(session, archive, request.letter_id)
