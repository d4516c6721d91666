"""Read models of holds, and what a person means who names records, households or a whole search to be held."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate, masking
from lantai import i18n
from lantai.web.display import masked
from lantai.web.searching import Asked
from lantai.web.views_retention import today_of
from lantai.web.visit import Visit
from metadata.errors import Invalid, NotFound
from metadata.identifiers import is_id
from metadata.rights import Permission
from repository.tables import Account, Hold, Household
from retention import holding, holds
from retention.holding import MOST_SUBJECTS
from search import service

_SHOWN = 50
_BATCH = 400


@dataclass(frozen=True, slots=True)
class HoldLine:
    """A hold in the list; ``state``: standing, lifting, lifted; ``due_for_review``: its day of review has come."""

    seq: int
    id: str
    title: str
    authority: str
    reference: str
    placed_at: datetime
    review_on: date | None
    due_for_review: bool
    state: str


@dataclass(frozen=True, slots=True)
class Named:
    """A record or case file under a hold."""

    seq: int
    href: str
    title: str
    note: str


@dataclass(frozen=True, slots=True)
class HoldView:
    """A hold with what the person may know of it; counts are of what lies in her reach."""

    id: str
    title: str
    authority: str
    reference: str
    reason: str
    review_on: date | None
    due_for_review: bool
    placed_by: str
    placed_at: datetime
    state: str
    lifted_by: str
    lifted_at: datetime | None
    lift_authority: str
    lift_reason: str
    row_version: int
    records: int
    case_files: int
    named: tuple[Named, ...]
    more_cases: int
    more_records: int
    may_lift: bool
    may_review: bool


@dataclass(frozen=True, slots=True)
class Meant:
    """What a person named: records and case files that she may put on hold, and words that named nothing."""

    record_ids: tuple[str, ...] = ()
    case_file_ids: tuple[str, ...] = ()
    unknown: tuple[str, ...] = field(default=())


def _due(visit: Visit, hold: Hold) -> bool:
    return hold.lift_entry is None and hold.review_on is not None and hold.review_on <= today_of(visit)


def lines(session: Session, visit: Visit, state: str, *, after: int, limit: int) -> list[HoldLine]:
    """A page of the list: ``in_force``, ``review``, ``lifted`` or ``all``."""
    chosen = state if state in {"all", "in_force", "lifted", "review"} else "in_force"
    found = holds.list_holds(
        session,
        visit.person,
        visit.site.archive.profile,
        state=chosen,  # type: ignore[arg-type]  # one of the four, as was just seen
        today=today_of(visit),
        after=after,
        limit=limit,
    )
    return [
        HoldLine(
            seq=one.seq,
            id=one.id,
            title=masked(one.title),
            authority=masked(one.authority),
            reference=masked(one.reference),
            placed_at=one.placed_at,
            review_on=one.review_on,
            due_for_review=_due(visit, one),
            state=holds.state_of(session, one),
        )
        for one in found
    ]


def view(session: Session, visit: Visit, hold_id: str, *, after_case: int = 0, after_record: int = 0) -> HoldView:
    """One hold; ``NotFound`` when the person may not know of it."""
    profile, person = visit.site.archive.profile, visit.person
    hold = holds.get_hold(session, person, hold_id, profile)
    records, case_files = holds.counted(session, person, profile, hold.id)
    named, more_cases, more_records = _named(session, visit, hold.id, after_case, after_record)
    names = _names(session, [hold.placed_by, hold.lifted_by or ""])
    return HoldView(
        id=hold.id,
        title=masked(hold.title),
        authority=masked(hold.authority),
        reference=masked(hold.reference),
        reason=masked(hold.reason),
        review_on=hold.review_on,
        due_for_review=_due(visit, hold),
        placed_by=names.get(hold.placed_by, hold.placed_by),
        placed_at=hold.placed_at,
        state=holds.state_of(session, hold),
        lifted_by=names.get(hold.lifted_by or "", hold.lifted_by or ""),
        lifted_at=hold.lifted_at,
        lift_authority=masked(hold.lift_authority),
        lift_reason=masked(hold.lift_reason),
        row_version=hold.row_version,
        records=records,
        case_files=case_files,
        named=named,
        more_cases=more_cases,
        more_records=more_records,
        may_lift=holding.may_lift(session, person, profile, hold),
        may_review=holding.may_review(session, person, profile, hold),
    )


def _names(session: Session, ids: Sequence[str]) -> dict[str, str]:
    return dict(session.execute(select(Account.id, Account.display_name).where(Account.id.in_(ids))).tuples().all())


def _named(
    session: Session, visit: Visit, hold_id: str, after_case: int, after_record: int
) -> tuple[tuple[Named, ...], int, int]:
    """Case files and records by name, as far as they may be listed; where each goes on (0: all were shown)."""
    profile = visit.site.archive.profile
    cases = holds.cases_of(session, visit.person, profile, hold_id, after=after_case, limit=_SHOWN + 1)
    records = holds.records_of(session, visit.person, profile, hold_id, after=after_record, limit=_SHOWN + 1)
    numbers = dict(
        session.execute(
            select(Household.id, Household.household_no).where(Household.id.in_({one.household_id for one in cases}))
        )
        .tuples()
        .all()
    )
    _ = i18n.translations(visit.language).gettext
    titles = masking.case_titles(session, visit.person, cases, profile)
    named = [
        Named(
            one.seq,
            f"/case-files/{one.id}",
            titles[one.id],
            _("household file %s, with papers yet to come") % numbers.get(one.household_id, ""),
        )
        for one in cases[:_SHOWN]
    ]
    named += [Named(one.seq, f"/records/{one.id}", masked(one.title), _("record")) for one in records[:_SHOWN]]
    return (
        tuple(named),
        cases[_SHOWN - 1].seq if len(cases) > _SHOWN else 0,
        records[_SHOWN - 1].seq if len(records) > _SHOWN else 0,
    )


def meant(session: Session, visit: Visit, text: str) -> Meant:
    """What lines of identifiers and household numbers name, as far as the person may put it on hold.

    A household number means every file of the household. What is not there and what she may not hold is unknown alike.
    """
    words = list(dict.fromkeys(one.strip(" ,;，；、").strip() for one in text.replace("，", "\n").split("\n")))
    words = [part for one in words for part in one.split()]
    if len(words) > MOST_SUBJECTS:
        raise Invalid(
            "hold.subjects",
            zh=f"一次最多 {MOST_SUBJECTS} 项。请分开设置。",
            en=f"At most {MOST_SUBJECTS} at once. Place several holds.",
            most=MOST_SUBJECTS,
        )
    profile, person = visit.site.archive.profile, visit.person
    place = Permission.HOLD_PLACE
    records: set[str] = set()
    by_word: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(words), _BATCH):
        part = words[start : start + _BATCH]
        ids = [one for one in part if is_id(one)]
        numbers = [one.upper() for one in part if not is_id(one)]
        records.update(gate.records_by_id(session, person, ids, profile, permission=place))
        for case_id in gate.cases_by_id(session, person, ids, profile, permission=place):
            by_word[case_id].append(case_id)
        for number, case_id in gate.cases_numbered(session, person, numbers, profile, permission=place):
            by_word[number].append(case_id)
    cases = [case_id for word in words for case_id in by_word.get(word if is_id(word) else word.upper(), ())]
    unknown = [
        word[:80] for word in words if word not in records and (word if is_id(word) else word.upper()) not in by_word
    ]
    return Meant(
        tuple(one for one in dict.fromkeys(words) if one in records), tuple(dict.fromkeys(cases)), tuple(unknown)
    )


def search_meant(visit: Visit, asked: Asked) -> Meant:
    """All that a search finds, as far as the person may put it on hold; the search is in the use register.

    ``Invalid`` when it finds more than one hold names.
    """
    visit.require(Permission.HOLD_PLACE)
    engine = visit.site.search_engine()
    try:
        found = service.export(
            visit.site.archive,
            engine,
            visit.person,
            asked.text,
            filters=asked.filters,
            period=asked.period,
            kinds=service.KINDS,
            most=MOST_SUBJECTS + 1,
            reason=visit.purpose,
            call_id=visit.request_id,
        )
        rows = [(str(row["kind"]), str(row["id"])) for row in found.rows]
    finally:
        engine.close()
    if len(rows) > MOST_SUBJECTS:
        raise Invalid(
            "hold.search_too_wide",
            zh=f"检索结果超过 {MOST_SUBJECTS} 项。请缩小检索范围，或按户档设置冻结。",
            en=f"The search finds more than {MOST_SUBJECTS}. Narrow it, or put case files on hold.",
            most=MOST_SUBJECTS,
        )
    with visit.reading() as session:
        ids = "\n".join(one for _, one in rows)
        made = meant(session, visit, ids)
    if not made.record_ids and not made.case_file_ids:
        raise NotFound(
            "hold.search_empty",
            zh="检索没有找到可以冻结的档案。请修改检索词。",
            en="The search finds nothing that you may put on hold. Change its words.",
        )
    return made
