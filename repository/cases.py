"""Households and case files (一户一号, 一户一档): made once, then only given new states as numbered revisions.

A household's ID number is sealed and blinded before it reaches a row. ``state`` of a case file holds ``members`` (with
sealed ID numbers), ``events`` (``{"event", "on", "note"}``), those that were ``withdrawn``, and ``facts``; the order of records stands in
``CaseRecord.position`` and in every revision.
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from metadata import divisions, idcard
from metadata.errors import Conflict, NotFound
from metadata.household import check_household_no
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.clock import stamp
from repository.ledger.acts import ActorRef
from repository.revisions import revise_case
from repository.tables import CaseFile, CaseRecord, Household, Record

ID_NUMBER = "id_number"
ID_LAST_FOUR = "id_number_last4"
"""Purposes of the blind index: exact lookup, and lookup by the last four characters."""

ARRANGED = "arranged"
"""In the state of a case file whose records stand in an order that a person gave them."""

_BATCH = 500
_LAST = 10_000
_Placed = tuple[tuple[int, date, int], str, int | None]
"""A record of a case file: its rank in the profile's order, its id, its position (none for one that is new)."""


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the household; the ID number is sealed as soon as it arrives."""

    name: str
    id_number: str | None = None
    relation: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """A record to be put into case files: what its place in the file depends on."""

    record_id: str
    document_type: str | None
    dated: date | None


def household(
    session: Session,
    *,
    archive: Archive,
    household_no: str,
    division_code: str,
    applicant_name: str = "",
    applicant_id: str | None = None,
) -> Household:
    """The household with this number, made when it is new; empty fields of an existing one are filled.

    ``Invalid`` for a number or division code that breaks its rule.
    """
    number = check_household_no(household_no)
    found = session.scalars(select(Household).where(Household.household_no == number)).first()
    if found is None:
        found = Household(
            id=new_id(),
            household_no=number,
            division_code=divisions.checked(division_code),
            applicant_name="",
            created_at=archive.clock.now(),
        )
        session.add(found)
    if applicant_name and not found.applicant_name:
        found.applicant_name = applicant_name
    if applicant_id and found.applicant_id_sealed is None:
        text = applicant_id.strip().upper()
        found.applicant_id_sealed = archive.keys.seal(text)
        found.applicant_id_blind = archive.keys.blind(text, ID_NUMBER)
        found.applicant_id_last4_blind = archive.keys.blind(text[-4:], ID_LAST_FOUR)
    session.flush()
    return found


def find_household(session: Session, household_no: str) -> Household:
    """The household with this number, or ``NotFound``."""
    found = session.scalars(select(Household).where(Household.household_no == household_no)).first()
    if found is None:
        raise NotFound(
            "household.unknown",
            zh=f"没有户号为 {household_no} 的户。请核对户号。",
            en=f"There is no household {household_no}. Check the number.",
            household_no=household_no,
        )
    return found


def case_file(
    session: Session,
    *,
    archive: Archive,
    household: Household,
    programme: str,
    organ_id: str,
    title: str | None = None,
    opened_on: date | None = None,
    stopped_on: date | None = None,
    members: Sequence[Member] = (),
    events: Sequence[Mapping[str, Any]] = (),
    facts: Mapping[str, bool] | None = None,
) -> tuple[CaseFile, bool]:
    """The household's file in ``programme``, made when it is new, else given what is new about it; whether it changed.

    An event that a person withdrew does not come back with a list that still has it.

    Nothing is frozen here: whoever calls puts a changed case through ``revisions.revise_cases`` in the same
    transaction, a new one at the latest when its records are accessioned.
    """
    found = session.scalars(
        select(CaseFile).where(CaseFile.household_id == household.id, CaseFile.programme == programme)
    ).first()
    if found is None:
        found = CaseFile(
            id=new_id(),
            household_id=household.id,
            programme=programme,
            title=title or household.applicant_name or household.household_no,
            division_code=household.division_code,
            organ_id=organ_id,
            state={"members": [], "events": [], "facts": {}},
            created_at=archive.clock.now(),
        )
        session.add(found)
    before = (found.state, found.opened_on, found.stopped_on)
    state = dict(found.state)
    if members:
        state["members"] = _members(archive, members, state.get("members", []))
    taken_back = {(one["on"], one["event"]) for one in state.get("withdrawn", [])}
    state["events"] = _merged(
        state.get("events", []), (one for one in events if (one["on"], one["event"]) not in taken_back)
    )
    state["facts"] = {**state.get("facts", {}), **(facts or {})}
    found.opened_on = found.opened_on or opened_on
    found.stopped_on = stopped_on or found.stopped_on
    changed = before != (state, found.opened_on, found.stopped_on)
    if changed:
        found.state = state
    session.flush()
    return found, changed


def _members(archive: Archive, members: Sequence[Member], known: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Members with sealed numbers; a member whose number is known already keeps its seal, so that nothing changes."""
    seals = {one.get("id_blind"): one.get("id_sealed") for one in known}
    told = []
    for member in members:
        row: dict[str, Any] = {"name": member.name, "relation": member.relation, "note": member.note}
        if member.id_number:
            text = member.id_number.strip().upper()
            blind = archive.keys.blind(text, ID_NUMBER)
            sealed = seals.get(blind) or base64.b64encode(archive.keys.seal(text)).decode()
            row |= {"id_blind": blind, "id_sealed": sealed, "id_masked": idcard.mask(text)}
        told.append({name: value for name, value in row.items() if value is not None})
    return told


def _merged(known: Iterable[Mapping[str, Any]], fresh: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """All events once, by day; an event is the same when its code and day are."""
    events = {(one["on"], one["event"]): dict(one) for one in known}
    for one in fresh:
        events.setdefault((one["on"], one["event"]), dict(one))
    return [events[key] for key in sorted(events)]


def add_records(
    session: Session, *, archive: Archive, links: Mapping[str, Sequence[Filed]]
) -> list[tuple[CaseFile, dict[str, Any]]]:
    """Put records into case files (id -> records) in the profile's order; the cases with the state to be frozen.

    A record that is in the file already stays there, so the call is harmless when repeated. A file that somebody
    arranged keeps its order; what is new comes after the last record that it follows in the profile's order.
    """
    case_ids = sorted(links)
    placed: dict[str, list[_Placed]] = defaultdict(list)
    for start in range(0, len(case_ids), _BATCH):
        wanted = (
            select(
                CaseRecord.case_file_id, CaseRecord.record_id, CaseRecord.position, Record.document_type, Record.dated
            )
            .join(Record, Record.id == CaseRecord.record_id)
            .where(CaseRecord.case_file_id.in_(case_ids[start : start + _BATCH]))
        )
        for case_id, record_id, position, document_type, dated in session.execute(wanted):
            placed[case_id].append((_rank(archive, document_type, dated, position), record_id, position))
    cases: dict[str, CaseFile] = {}
    for start in range(0, len(case_ids), _BATCH):
        found = session.scalars(select(CaseFile).where(CaseFile.id.in_(case_ids[start : start + _BATCH])))
        cases.update({case.id: case for case in found})
    fresh: list[dict[str, Any]] = []
    moved: list[tuple[str, str, int]] = []
    for case_id in case_ids:
        present = {record_id for _, record_id, _ in placed[case_id]}
        last = max((position or 0 for _, _, position in placed[case_id]), default=0)
        new: list[_Placed] = [
            (_rank(archive, one.document_type, one.dated, last + number), one.record_id, None)
            for number, one in enumerate((one for one in links[case_id] if one.record_id not in present), start=1)
        ]
        arranged = bool(cases[case_id].state.get(ARRANGED))
        for position, (_, record_id, before) in enumerate(_in_order(placed[case_id], new, arranged), start=1):
            if before is None:
                fresh.append({"case_file_id": case_id, "record_id": record_id, "position": position})
            elif before != position:
                moved.append((case_id, record_id, position))
    if fresh:
        session.execute(insert(CaseRecord), fresh)
    for case_id, record_id, position in moved:
        where = (CaseRecord.case_file_id == case_id, CaseRecord.record_id == record_id)
        session.execute(update(CaseRecord).where(*where).values(position=position))
    return [(cases[case_id], dict(cases[case_id].state)) for case_id in case_ids]


def _in_order(present: list[_Placed], new: list[_Placed], arranged: bool) -> list[_Placed]:
    """Records of a file in the profile's order, or, once somebody ``arranged`` it, in hers with what is ``new`` fitted in."""
    if not arranged:
        return sorted([*present, *new], key=lambda one: one[0])
    made = sorted(present, key=lambda one: one[2] or 0)
    for one in sorted(new, key=lambda one: one[0]):
        after = (number for number, other in enumerate(made, start=1) if other[0][:2] <= one[0][:2])
        made.insert(max(after, default=0), one)
    return made


def _rank(archive: Archive, document_type: str | None, dated: date | None, position: int) -> tuple[int, date, int]:
    known = archive.profile.document_types.get(document_type or "")
    return (known.order if known and known.order else _LAST, dated or date.max, position)


def record_event(
    session: Session, *, archive: Archive, actor: ActorRef, case: CaseFile, event: str, on: date, note: str = ""
) -> int:
    """Something happened in the case: a new revision of its state; its number. ``Conflict`` for the same event twice."""
    known = list(case.state.get("events", []))
    fresh = {"event": event, "on": on.isoformat(), "note": note}
    events = _merged(known, [fresh])
    if len(events) == len(known):
        raise Conflict(
            "case.event_known",
            zh="该案卷在这一天已登记同一事件，没有重复登记。",
            en="This event stands in the case file for that day already; it was not entered twice.",
            event=event,
        )
    return revise_case(session, archive=archive, actor=actor, case=case, state={**case.state, "events": events})


def lock(session: Session, case: CaseFile, row_version: int | None) -> None:
    """Hold the case file until the end of the transaction; ``Conflict`` when somebody changed it since ``row_version``."""
    wanted = select(CaseFile.row_version).where(CaseFile.seq == case.seq).with_for_update()
    current = session.scalars(wanted).one()
    if current != case.row_version or row_version not in {None, current}:
        raise Conflict(
            "case.changed",
            zh="在您操作期间，另一人改动了这个户档，本次没有改动。请看一下现在的样子，再做一次。",
            en="Somebody else changed this household file meanwhile; nothing of yours was done. Look at it as it is now, and do it again.",
            row_version=current,
        )


def withdraw_event(
    session: Session, *, archive: Archive, actor: ActorRef, case: CaseFile, event: str, on: date, reason: str
) -> int:
    """An event was entered wrongly: a new revision without it, which says who took it back and why; its number.

    ``Conflict`` (``case.event_gone``) when the event does not stand in the file.
    """
    known, day = list(case.state.get("events", [])), on.isoformat()
    gone = next((one for one in known if (one["event"], str(one["on"])[:10]) == (event, day)), None)
    if gone is None:
        raise Conflict(
            "case.event_gone",
            zh="该案卷中已没有这一天的这一事件，没有更改。请刷新后查看。",
            en="This event does not stand in the case file for that day any more; nothing was changed. Reload the page.",
            event=event,
        )
    note = {**gone, "reason": reason, "withdrawn_by": actor.id, "withdrawn_at": stamp(archive.clock.now())}
    state = {
        **case.state,
        "events": [one for one in known if one is not gone],
        "withdrawn": [*case.state.get("withdrawn", []), note],
    }
    return revise_case(session, archive=archive, actor=actor, case=case, state=state)
