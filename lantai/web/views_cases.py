"""Read models of case files: the list, and the household file with its contents and what is missing from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate, masking
from lantai import i18n
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.views_records import VOLUME, RecordRow, rows
from lantai.web.visit import Visit
from metadata.profile import DocumentType, Profile
from metadata.required import expected, facts_of
from metadata.rights import Permission
from repository.tables import CaseFile, CaseRecord, Household, Record

_WHOLE_FILE = 500
_LAST = 10_000


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One line of the list of case files."""

    seq: int
    id: str
    title: str
    household_no: str
    programme: str
    division_code: str
    opened_on: date | None
    stopped_on: date | None
    records: int | None
    """How many may be listed; nothing for a person who may list none there: a nought would call the file empty."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the household; the number is masked before it gets here."""

    name: str
    relation: str
    id_number: str


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """Something that happened in the case."""

    on: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the contents: a record with its number in the file, or a required paper that is not there and ``why``."""

    code: str
    name: str
    record: RecordRow | None
    number: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the procedure with its papers."""

    code: str
    name: str
    slots: tuple[Slot, ...]


@dataclass(frozen=True, slots=True)
class CaseView:
    """A household file."""

    id: str
    title: str
    household_no: str
    programme: str
    programme_code: str
    division_code: str
    opened_on: date | None
    stopped_on: date | None
    archival_code: str | None
    revision: int
    row_version: int
    records: int
    members: tuple[Member, ...]
    events: tuple[CaseEvent, ...]


def _households(session: Session, cases: Sequence[CaseFile]) -> dict[str, Household]:
    wanted = select(Household).where(Household.id.in_({one.household_id for one in cases}))
    return {one.id: one for one in session.scalars(wanted)}


def _counts(session: Session, visit: Visit, cases: Sequence[CaseFile]) -> dict[str, int]:
    """How many records of each file may be listed; a count of all of them would tell of hidden ones."""
    listable = gate.visible_records(visit.person, visit.site.archive.profile, Permission.RECORD_LIST)
    wanted = (
        select(CaseRecord.case_file_id, func.count())
        .join(Record, Record.id == CaseRecord.record_id)
        .where(CaseRecord.case_file_id.in_([one.id for one in cases]), listable)
        .group_by(CaseRecord.case_file_id)
    )
    return dict(session.execute(wanted).tuples().all())


def lists(visit: Visit, case: CaseFile) -> bool:
    """Whether the person may list the records of a file by a role she holds there."""
    return gate.allowed_at(
        visit.person,
        Permission.RECORD_LIST,
        visit.site.archive.profile,
        division_code=case.division_code,
        organ_id=case.organ_id,
    )


def _programme(visit: Visit, code: str) -> str:
    found = visit.site.archive.profile.programmes.get(code)
    return labels.term(visit.language, found) if found else code


def household_no(session: Session, case: CaseFile) -> str:
    """The number of the household whose file this is."""
    return _households(session, [case])[case.household_id].household_no


def case_rows(session: Session, visit: Visit, cases: Sequence[CaseFile]) -> list[CaseRow]:
    """Lines of the list, in the order given."""
    households, counts = _households(session, cases), _counts(session, visit, cases)
    person, profile = visit.person, visit.site.archive.profile
    return [
        CaseRow(
            seq=one.seq,
            id=one.id,
            title=masking.case_title(person, one, households[one.household_id], profile),
            household_no=households[one.household_id].household_no,
            programme=_programme(visit, one.programme),
            division_code=one.division_code,
            opened_on=one.opened_on,
            stopped_on=one.stopped_on,
            records=counts.get(one.id, 0) if one.id in counts or lists(visit, one) else None,
        )
        for one in cases
    ]


def case_view(session: Session, visit: Visit, case: CaseFile) -> CaseView:
    """``case`` as a page shows it; ID numbers are masked, and names for who is not shown them."""
    household = _households(session, [case])[case.household_id]
    profile = visit.site.archive.profile
    events = profile.events
    hidden = masking.hidden_names(visit.person, case, household, profile)
    return CaseView(
        id=case.id,
        title=masking.case_title(visit.person, case, household, profile),
        household_no=household.household_no,
        programme=_programme(visit, case.programme),
        programme_code=case.programme,
        division_code=case.division_code,
        opened_on=case.opened_on,
        stopped_on=case.stopped_on,
        archival_code=case.archival_code,
        revision=case.revision,
        row_version=case.row_version,
        records=_counts(session, visit, [case]).get(case.id, 0),
        members=tuple(
            Member(
                name=masking.masked_name(str(one.get("name", ""))) if hidden else str(one.get("name", "")),
                relation=str(one.get("relation") or ""),
                id_number=str(one.get("id_masked") or ""),
            )
            for one in case.state.get("members", [])
        ),
        events=tuple(
            CaseEvent(
                on=str(one.get("on", "")),
                name=labels.term(visit.language, events.get(str(one.get("event"))))
                if one.get("event") in events
                else str(one.get("event")),
                note=masking.without_names(masked(str(one.get("note") or "")), hidden),
            )
            for one in sorted(case.state.get("events", []), key=lambda one: str(one.get("on", "")), reverse=True)
        ),
    )


def contents(session: Session, visit: Visit, case: CaseFile) -> tuple[list[Stage], int | None]:
    """The contents grouped by stage, with an empty place for each required paper that is missing; how many are.

    ``None`` for a person who may list no records: to her every paper would seem to be missing. A paper that is there
    and hidden from her is not missing either.
    """
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    listed = gate.list_records(session, visit.person, profile, case_file_id=case.id, limit=_WHOLE_FILE)
    present = rows(session, visit, listed)
    told = lists(visit, case)
    have = gate.kinds_present(session, case.id) if told else frozenset()
    missing = [one for one in expected(profile, case.programme, case.state) if one.code not in have] if told else []
    groups = [(stage.code, labels.term(visit.language, stage)) for stage in profile.stages.values()]
    groups += [(VOLUME, _("Registers that name this household")), ("", _("Other papers"))]
    stages, number = [], 0
    for code, name in groups:
        slots: list[tuple[int, Slot]] = []
        for row in present:
            if row.stage == code:
                number += 1
                slots.append((_order(profile, row.code), Slot(row.code, row.type_name, row, number)))
        for one in missing:
            if one.stage == code:
                why = _why(visit, one, case)
                after = [
                    place for place, (order, _slot) in enumerate(slots, start=1) if order <= _order(profile, one.code)
                ]
                slot = Slot(one.code, labels.term(visit.language, one), None, why=why)
                slots.insert(max(after, default=0), (_order(profile, one.code), slot))
        if slots:
            stages.append(Stage(code, name, tuple(slot for _place, slot in slots)))
    return stages, len(missing) if told else None


def _order(profile: Profile, code: str) -> int:
    kind = profile.document_types.get(code)
    return (kind.order if kind else 0) or _LAST


def _why(visit: Visit, kind: DocumentType, case: CaseFile) -> str:
    """The rule that asks for a paper, in words."""
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    if kind.required == "if" and kind.when is not None:
        held = facts_of(profile, case.state)
        facts = [labels.term(visit.language, profile.facts[one]) for one in kind.when.names if one in held]
        return _("Asked for because: %(facts)s") % {"facts": ("; " if visit.language == "en" else "；").join(facts)}
    if kind.event in {str(one.get("event")) for one in case.state.get("events", [])}:
        event = labels.term(visit.language, profile.events.get(kind.event))
        return _("Asked for because this happened: %(event)s") % {"event": event}
    return _("Belongs in every file of this programme")


def hidden_names(session: Session, visit: Visit, case: CaseFile) -> tuple[str, ...]:
    """Names of the household that the person is not shown."""
    household = _households(session, [case])[case.household_id]
    return masking.hidden_names(visit.person, case, household, visit.site.archive.profile)


def other_cases(session: Session, visit: Visit, case: CaseFile, household_no: str) -> list[CaseFile]:
    """Further files of the same household that the person may see."""
    found = gate.list_cases(session, visit.person, visit.site.archive.profile, household_no=household_no, limit=20)
    return [one for one in found if one.id != case.id]
