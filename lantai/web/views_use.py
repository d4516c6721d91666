"""Read models of the use register: what was asked for, lines in words, choices of the filters, the list as a file."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import IO, Any, cast

from sqlalchemy import or_, select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from access import gate, masking, use_register
from access.actors import Actor
from access.register_lines import STEPS, Filters, UseEntry
from access.register_scope import hidden_cases, organs_named
from lantai import i18n, use_lists
from lantai.use_lists import RegisterTable
from lantai.web import display, labels
from lantai.web.rendering import query
from lantai.web.visit import Visit
from metadata.errors import Invalid
from metadata.identifiers import is_id
from metadata.profile import Profile
from metadata.rights import Permission
from repository.ledger.acts import LOOKS
from repository.tables import AccessRequest, Account

NAMES = ("record", "case_file", "person", "organ", "since", "until", "act", "form", "request")
_KEPT_IN_MEMORY = 1 << 20
_READ = 1 << 16
_NOBODY = "-"
"""Stands in a filter for what nobody and nothing has, so that the list is empty and tells nothing."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The register as an address asks for it, in the words that were typed."""

    record: str = ""
    case_file: str = ""
    person: str = ""
    organ: str = ""
    since: str = ""
    until: str = ""
    act: str = ""
    form: str = ""
    request: str = ""

    @classmethod
    def read(cls, fields: QueryParams) -> Asked:
        """From the fields of an address."""
        return cls(**{name: fields.get(name, "").strip()[:200] for name in NAMES})

    @property
    def fields(self) -> dict[str, str]:
        """As fields of an address; empty ones are left out there."""
        return {name: getattr(self, name) for name in NAMES}

    @property
    def narrowed(self) -> bool:
        """Whether anything was asked for at all."""
        return any(self.fields.values())

    def address(self, path: str, **more: Any) -> str:
        """An address with these fields."""
        return path + query(self.fields, **more)


def filters(session: Session, asked: Asked, actor: Actor, profile: Profile) -> Filters:
    """What was typed as what the register knows: a household number, a user name, the number of a request.

    What nothing bears finds nothing, as what ``actor`` may not see. ``Invalid`` for days that are none.
    """
    since, until = _day(asked.since), _day(asked.until)
    if since and until and since > until:
        raise _bad_period()
    made = Filters(
        record_id=asked.record or None,
        organ_id=asked.organ or None,
        act=asked.act or None,
        form=asked.form or None,
        since=since,
        until=until,
    )
    if asked.case_file:
        made = replace(made, case_file_id=_case_file(session, asked.case_file, actor, profile))
    if asked.person:
        made = replace(made, actor_id=_person(session, asked.person))
    if asked.request:
        made = replace(made, request_id=_request(session, asked.request))
    return made


def _case_file(session: Session, text: str, actor: Actor, profile: Profile) -> str:
    meant = gate.case_meant(session, text)
    if meant is None or is_id(text):
        return meant or _NOBODY
    return _NOBODY if hidden_cases(session, actor, profile, {meant}) else meant


def _person(session: Session, text: str) -> str:
    if is_id(text) or ":" in text:
        return text
    named = or_(Account.username == text, Account.display_name == text)
    return session.scalar(select(Account.id).where(named).order_by(Account.username != text).limit(1)) or _NOBODY


def _request(session: Session, text: str) -> str:
    if is_id(text):
        return text
    return session.scalar(select(AccessRequest.id).where(AccessRequest.number == text)) or _NOBODY


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _bad_period() from error


def _bad_period() -> Invalid:
    return Invalid(
        "use_register.bad_period",
        zh="日期范围看不懂，或结束早于开始。请写成 2024-03-01 的样子，或清空日期。",
        en="The period is not understood, or ends before it begins. Write days as 2024-03-01, or clear them.",
    )


@dataclass(frozen=True, slots=True)
class UseLine:
    """One line of the register in words; ``href`` only where there is something that the reader may open."""

    seq: int
    at: datetime
    who: str
    organ: str
    act: str
    refused: bool
    subject: str
    href: str
    page: int | None
    purpose: str
    form: str
    count: int | None
    request: str
    request_href: str
    roles: str = ""


def lines(session: Session, visit: Visit, entries: Sequence[UseEntry]) -> list[UseLine]:
    """Entries in the person's language. Titles only of what she may read: a register is not a way round the gate."""
    catalogue = i18n.translations(visit.language)
    profile = visit.site.archive.profile
    names = titles(session, visit, entries)
    numbers = request_numbers(session, entries)
    opens = visit.may(Permission.REQUEST_READ)
    made = []
    for one in entries:
        subject_id = one.record_id or one.case_file_id or one.file_id or ""
        title, href = names.get(subject_id, (display.short(subject_id, 13) if subject_id else "–", ""))
        number = numbers.get(one.request_id or "", "")
        made.append(
            UseLine(
                seq=one.seq,
                at=one.at,
                who=labels.actor(catalogue, one.actor_id, one.actor_name),
                organ=one.organ_name,
                act=labels.label(catalogue, one.act, "act"),
                refused=one.act == "access.refused",
                subject=title,
                href=href,
                page=one.page,
                purpose=labels.purpose(catalogue, profile, visit.language, one.reason),
                form=labels.label(catalogue, one.form, "form") if one.form else "–",
                count=one.count,
                request=number,
                request_href=f"/requests/{one.request_id}" if number and opens else "",
            )
        )
    return made


def titles(session: Session, visit: Visit, entries: Sequence[UseEntry]) -> dict[str, tuple[str, str]]:
    """Names and addresses of what entries are about, for what the person may still see."""
    person, profile = visit.person, visit.site.archive.profile
    ids = list({one.record_id for one in entries if one.record_id})
    found = {
        record_id: (display.masked(record.title), f"/records/{record_id}")
        for record_id, record in gate.records_by_id(session, person, ids, profile).items()
    }
    case_ids = {one.case_file_id for one in entries if one.case_file_id}
    seen = gate.cases_by_id(session, person, case_ids, profile).values()
    for case_file_id, title in masking.case_titles(session, person, seen, profile).items():
        found[case_file_id] = (title, f"/case-files/{case_file_id}")
    return found


def request_numbers(session: Session, entries: Sequence[UseEntry]) -> dict[str, str]:
    """Numbers of the requests that entries name; older entries bear the number of a call instead, which has none."""
    ids = {one.request_id for one in entries if one.request_id}
    if not ids:
        return {}
    wanted = select(AccessRequest.id, AccessRequest.number).where(AccessRequest.id.in_(ids))
    return dict(session.execute(wanted).tuples().all())


@dataclass(frozen=True, slots=True)
class Choices:
    """What the filters offer: (code, words)."""

    organs: list[tuple[str, str]]
    acts: list[tuple[str, str]]
    forms: list[tuple[str, str]]


def choices(session: Session, visit: Visit) -> Choices:
    """Organs whose looks the person may read, acts and forms."""
    catalogue = i18n.translations(visit.language)
    acts = list(LOOKS)
    if visit.may(Permission.REQUEST_READ):
        acts += [one for one in labels.WORDS["act"] if one.startswith(STEPS)]
    worded = sorted(((one, labels.label(catalogue, one, "act")) for one in set(acts)), key=lambda one: one[1])
    return Choices(
        organs=list(organs_named(session, visit.person, visit.site.archive.profile).items()),
        acts=worded,
        forms=[(one, labels.label(catalogue, one, "form")) for one in use_register.FORMS],
    )


def about(session: Session, visit: Visit, asked: Asked) -> list[tuple[str, str]]:
    """The filters in words, for the head of a printed list: (name, value)."""
    _ = i18n.translations(visit.language).gettext
    catalogue = i18n.translations(visit.language)
    organs = organs_named(session, visit.person, visit.site.archive.profile)
    told = [
        (_("Record"), asked.record),
        (_("Case file"), asked.case_file),
        (_("Person"), asked.person),
        (_("Organ"), organs.get(asked.organ, asked.organ)),
        (_("From"), asked.since),
        (_("Until"), asked.until),
        (_("Act"), labels.label(catalogue, asked.act, "act") if asked.act else ""),
        (_("Form"), labels.label(catalogue, asked.form, "form") if asked.form else ""),
        (_("Request"), asked.request),
    ]
    return [(name, value) for name, value in told if value]


def taken_out(visit: Visit, wanted: Filters, kind: str) -> Iterator[bytes]:
    """The register as a file of a ``kind`` of ``result_lists.MEDIA_TYPES``; its own look is in the register by then.

    ``Forbidden`` for all but the auditor, before the first piece.
    """
    enter_export(visit, wanted, "export")
    archive = visit.site.archive
    table = RegisterTable(archive, visit.person, wanted, visit.language)
    return _pieces(table, kind)


def enter_export(visit: Visit, wanted: Filters, form: str) -> None:
    """Enter that the register was taken out or printed."""
    use_register.require_export(visit.person, visit.site.archive.profile)
    given = {"record_id": wanted.record_id, "case_file_id": wanted.case_file_id}
    known: dict[str, Any] = {name: value for name, value in given.items() if value and is_id(value)}
    with visit.writing() as session:
        visit.looked(session, "register.exported", form=form, **known)


def _pieces(table: RegisterTable, kind: str) -> Iterator[bytes]:
    if kind != "xlsx":
        yield from use_lists.chunks(table, kind)
        return
    with tempfile.SpooledTemporaryFile(max_size=_KEPT_IN_MEMORY) as out:
        use_lists.write_xlsx(table, cast("IO[bytes]", out))
        out.seek(0)
        while piece := out.read(_READ):
            yield piece
