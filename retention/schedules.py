"""Retention assignments in the catalogue, written in batches.

Rows are append-only; ``current`` marks the one in force. An assignment never destroys: due means *appraise*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from metadata.profile import Profile
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import CaseFile, CaseRecord, Record, RetentionAssignment
from retention.assignment import Assignment, CaseFacts, assign, decisions, longest, together
from retention.triggers import CaseEvent, case_events

_BATCH = 400
Events = Sequence[Mapping[str, Any] | CaseEvent]
_Groups = dict[str, dict[str, Assignment]]


class RecordToAssign(NamedTuple):
    """What ``assign_batch`` asks about a record.

    ``events`` of its case file (``None``: in no case file) count only while the catalogue does not yet say in which
    case files the record stands.
    """

    record_id: str
    document_type: str | None
    programme: str | None
    year: int | None
    dated: date | None
    events: Events | None = None


def _facts(one: RecordToAssign, profile: Profile, events: Events | None, programme: str | None = None) -> CaseFacts:
    kind = profile.document_types.get(one.document_type or "")
    happened = case_events(events or ())
    granted, refused = decisions(happened, profile.events)
    return CaseFacts(
        document_type=one.document_type,
        level=kind.level if kind else None,
        programme=programme or one.programme,
        year=one.year,
        dated=one.dated,
        events=happened,
        in_case_file=events is not None,
        granted=granted,
        refused=refused,
    )


def _assigned(facts: CaseFacts, profile: Profile, today: date) -> Assignment:
    return assign(facts, profile.retention_rules, today, triggers=profile.triggers)


def _today(archive: Archive) -> date:
    return local_date(archive.clock.now(), archive.zone)


def assign_batch(session: Session, *, archive: Archive, records: Sequence[RecordToAssign | tuple[Any, ...]]) -> None:
    """Assign a rule to each record; call it after the records stand in their case files.

    Household items are settled with all items of their case files, because they are appraised together; so are the
    files of a record that was a household item until its description changed.
    """
    given = [RecordToAssign(*one) for one in records]
    cases = _case_files_of(session, [one.record_id for one in given])
    before = _together_before(session, list(cases))
    today = _today(archive)
    alone: dict[str, Assignment] = {}
    files: set[str] = set()
    for one in given:
        facts = _facts(one, archive.profile, one.events if not cases.get(one.record_id) else ())
        if facts.household_item and cases.get(one.record_id):
            files.update(cases[one.record_id])
            continue
        alone[one.record_id] = _assigned(facts, archive.profile, today)
        if one.record_id in before:
            files.update(cases[one.record_id])
    _write(session, archive, alone, settled=False)
    settle_cases(session, archive=archive, case_file_ids=sorted(files))


def assign_records(session: Session, *, archive: Archive, record_ids: Sequence[str]) -> None:
    """Assign a rule to records as they stand in the catalogue: after a rebuild, or when descriptions changed.

    A record that was taken out of a case file changes that file too: settle it besides (``settle_cases``).
    """
    for start in range(0, len(record_ids), _BATCH):
        rows = session.execute(
            select(Record.id, Record.document_type, Record.programme, Record.year, Record.dated)
            .where(Record.id.in_(record_ids[start : start + _BATCH]))
            .order_by(Record.seq)
        )
        assign_batch(session, archive=archive, records=[RecordToAssign(*row) for row in rows.tuples()])


def assign_record(session: Session, *, archive: Archive, record: Record) -> None:
    """``assign_records`` for one."""
    assign_records(session, archive=archive, record_ids=[record.id])


def _case_files_of(session: Session, record_ids: Sequence[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for start in range(0, len(record_ids), _BATCH):
        placed = select(CaseRecord.record_id, CaseRecord.case_file_id).where(
            CaseRecord.record_id.in_(record_ids[start : start + _BATCH])
        )
        for record_id, case_file_id in session.execute(placed):
            found[record_id].append(case_file_id)
    return dict(found)


def _together_before(session: Session, record_ids: Sequence[str]) -> set[str]:
    """Those of the records whose assignment in force was settled with a case file."""
    found: set[str] = set()
    for start in range(0, len(record_ids), _BATCH):
        rows = session.execute(
            select(RetentionAssignment.record_id, RetentionAssignment.detail).where(
                RetentionAssignment.record_id.in_(record_ids[start : start + _BATCH]), RetentionAssignment.current
            )
        )
        found.update(record_id for record_id, detail in rows if detail.get("together"))
    return found


def settle_cases(session: Session, *, archive: Archive, case_file_ids: Sequence[str]) -> None:
    """Assign anew all household items of these case files: after an event, or when items came or went.

    An item that stands in further case files keeps the longest of what all of them say.
    """
    for start in range(0, len(case_file_ids), _BATCH):
        part = case_file_ids[start : start + _BATCH]
        groups = _groups(session, archive, part)
        items = sorted({record_id for group in groups.values() for record_id in group})
        further = {case_file_id for files in _case_files_of(session, items).values() for case_file_id in files} - set(
            part
        )
        own: dict[str, list[Assignment]] = {record_id: [] for record_id in items}
        for group in (*groups.values(), *_groups(session, archive, sorted(further)).values()):
            for record_id, assigned in group.items():
                if record_id in own:
                    own[record_id].append(assigned)
        _write(session, archive, {record_id: longest(found) for record_id, found in own.items()}, settled=True)


def _groups(session: Session, archive: Archive, case_file_ids: Sequence[str]) -> _Groups:
    """Case file -> its household items with the assignment they have in common."""
    profile, today = archive.profile, _today(archive)
    groups: _Groups = defaultdict(dict)
    for start in range(0, len(case_file_ids), _BATCH):
        items = session.execute(
            select(
                CaseFile.id,
                CaseFile.programme,
                CaseFile.state,
                Record.id,
                Record.document_type,
                Record.year,
                Record.dated,
            )
            .join(CaseRecord, CaseRecord.case_file_id == CaseFile.id)
            .join(Record, Record.id == CaseRecord.record_id)
            .where(CaseFile.id.in_(case_file_ids[start : start + _BATCH]), Record.state == "active")
            .order_by(CaseFile.id, Record.seq)
        ).tuples()
        for case_file_id, programme, state, record_id, document_type, year, dated in items:
            one = RecordToAssign(record_id, document_type, programme, year, dated)
            facts = _facts(one, profile, (state or {}).get("events") or (), programme)
            if facts.household_item:
                groups[case_file_id][record_id] = _assigned(facts, profile, today)
    return {case_file_id: together(group) for case_file_id, group in groups.items()}


def settle_case(session: Session, *, archive: Archive, case_file_id: str) -> None:
    """``settle_cases`` for one case file."""
    settle_cases(session, archive=archive, case_file_ids=[case_file_id])


def _row(archive: Archive, record_id: str, one: Assignment, organ_id: str | None, settled: bool) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "organ_id": organ_id,
        "rule_id": one.rule_id,
        "profile_version": archive.profile.label,
        "outcome": one.outcome,
        "trigger": one.trigger,
        "trigger_on": one.trigger_on,
        "due_on": one.due_on,
        "detail": {
            "waiting_for": one.waiting_for,
            "together": settled,
            # "due now" is true on the day it is asked, so it is added when the story is told
            "story": [
                {"code": step.code, "rule_id": step.rule_id, "params": dict(step.params)}
                for step in one.story
                if step.code != "due_now"
            ],
        },
        "current": True,
    }


def _write(session: Session, archive: Archive, assigned: Mapping[str, Assignment], *, settled: bool) -> None:
    """Insert what differs from the row in force; what did not change leaves no row."""
    now, ids = archive.clock.now(), list(assigned)
    fresh: list[dict[str, Any]] = []
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        organs = dict(session.execute(select(Record.id, Record.organ_id).where(Record.id.in_(part))).tuples().all())
        in_force = {
            row.record_id: row
            for row in session.scalars(
                select(RetentionAssignment).where(RetentionAssignment.record_id.in_(part), RetentionAssignment.current)
            )
        }
        over: list[int] = []
        for record_id in part:
            row = _row(archive, record_id, assigned[record_id], organs.get(record_id), settled)
            before = in_force.get(record_id)
            if before is not None:
                if all(getattr(before, name) == value for name, value in row.items()):
                    continue
                over.append(before.seq)
            fresh.append({**row, "assigned_at": now})
        if over:
            session.execute(update(RetentionAssignment).where(RetentionAssignment.seq.in_(over)).values(current=False))
    if fresh:
        session.execute(insert(RetentionAssignment), fresh)


def current_assignment(session: Session, record_id: str) -> RetentionAssignment | None:
    """The row in force of a record."""
    return session.scalars(
        select(RetentionAssignment)
        .where(RetentionAssignment.record_id == record_id, RetentionAssignment.current)
        .order_by(RetentionAssignment.seq.desc())
        .limit(1)
    ).one_or_none()


def current_assignments(session: Session, record_ids: Iterable[str]) -> dict[str, RetentionAssignment]:
    """The rows in force of many records, by record."""
    ids = list(record_ids)
    found: dict[str, RetentionAssignment] = {}
    for start in range(0, len(ids), _BATCH):
        rows = session.scalars(
            select(RetentionAssignment).where(
                RetentionAssignment.record_id.in_(ids[start : start + _BATCH]), RetentionAssignment.current
            )
        )
        found.update({row.record_id: row for row in rows})
    return found
