"""Retention assignments in the catalogue: written in batches, told with their citation, listed when due.

Rows are append-only; ``current`` marks the one in force. An assignment never destroys: due means *appraise*.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import require, visible_records
from metadata.errors import NotFound
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import CaseFile, CaseRecord, Record, RetentionAssignment
from retention.assignment import Assignment, CaseFacts, assign, decisions, longest, together
from retention.sentences import AFTER, OUTCOMES, rule_label, sentence, waiting
from retention.triggers import CaseEvent, case_events

_BATCH = 400
Events = Sequence[Mapping[str, Any] | CaseEvent]


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


def assign_batch(session: Session, *, archive: Archive, records: Sequence[RecordToAssign | tuple[Any, ...]]) -> None:
    """Assign a rule to each record; call it after the records stand in their case files.

    Household items are settled with all items of their case files, because they are appraised together.
    """
    given = [RecordToAssign(*one) for one in records]
    cases = _case_files_of(session, [one.record_id for one in given])
    today = local_date(archive.clock.now(), archive.zone)
    alone: dict[str, Assignment] = {}
    files: set[str] = set()
    for one in given:
        facts = _facts(one, archive.profile, one.events if not cases.get(one.record_id) else ())
        if facts.household_item and cases.get(one.record_id):
            files.update(cases[one.record_id])
        else:
            alone[one.record_id] = _assigned(facts, archive.profile, today)
    _write(session, archive, alone)
    settle_cases(session, archive=archive, case_file_ids=sorted(files))


def assign_records(session: Session, *, archive: Archive, record_ids: Sequence[str]) -> None:
    """Assign a rule to records as they stand in the catalogue: after a rebuild, or when descriptions changed."""
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
    return found


def settle_cases(session: Session, *, archive: Archive, case_file_ids: Sequence[str]) -> None:
    """Assign anew all household items of these case files: after an event, or when items came or went."""
    profile, today = archive.profile, local_date(archive.clock.now(), archive.zone)
    own: dict[str, list[Assignment]] = defaultdict(list)
    for start in range(0, len(case_file_ids), _BATCH):
        part = case_file_ids[start : start + _BATCH]
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
            .where(CaseFile.id.in_(part), Record.state == "active")
            .order_by(CaseFile.id, Record.seq)
        ).tuples()
        groups: dict[str, dict[str, Assignment]] = defaultdict(dict)
        for case_file_id, programme, state, record_id, document_type, year, dated in items:
            one = RecordToAssign(record_id, document_type, programme, year, dated)
            facts = _facts(one, profile, (state or {}).get("events") or (), programme)
            if facts.household_item:
                groups[case_file_id][record_id] = _assigned(facts, profile, today)
        for group in groups.values():
            for record_id, assigned in together(group).items():
                own[record_id].append(assigned)
    _write(session, archive, {record_id: longest(found) for record_id, found in own.items()})


def settle_case(session: Session, *, archive: Archive, case_file_id: str) -> None:
    """``settle_cases`` for one case file."""
    settle_cases(session, archive=archive, case_file_ids=[case_file_id])


def _row(archive: Archive, record_id: str, one: Assignment) -> dict[str, Any]:
    return {
        "record_id": record_id,
        "rule_id": one.rule_id,
        "profile_version": archive.profile.label,
        "outcome": one.outcome,
        "trigger": one.trigger,
        "trigger_on": one.trigger_on,
        "due_on": one.due_on,
        "detail": {
            "waiting_for": one.waiting_for,
            # "due now" is true on the day it is asked, so it is added when the story is told
            "story": [
                {"code": step.code, "rule_id": step.rule_id, "params": dict(step.params)}
                for step in one.story
                if step.code != "due_now"
            ],
        },
        "current": True,
    }


def _write(session: Session, archive: Archive, assigned: Mapping[str, Assignment]) -> None:
    """Insert what differs from the row in force; what did not change leaves no row."""
    now, ids = archive.clock.now(), list(assigned)
    fresh: list[dict[str, Any]] = []
    for start in range(0, len(ids), _BATCH):
        part = ids[start : start + _BATCH]
        in_force = {
            row.record_id: row
            for row in session.scalars(
                select(RetentionAssignment).where(RetentionAssignment.record_id.in_(part), RetentionAssignment.current)
            )
        }
        over: list[int] = []
        for record_id in part:
            row, before = _row(archive, record_id, assigned[record_id]), in_force.get(record_id)
            if before is not None:
                if all(getattr(before, name) == value for name, value in row.items()):
                    continue
                over.append(before.seq)
            fresh.append({**row, "assigned_at": now})
        if over:
            session.execute(update(RetentionAssignment).where(RetentionAssignment.seq.in_(over)).values(current=False))
    if fresh:
        session.execute(insert(RetentionAssignment), fresh)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why and until when a record is kept."""

    record_id: str
    outcome: str
    rule_id: str
    rule_zh: str
    rule_en: str
    citation: str
    rule_version: str
    effective_on: str | None
    status: str
    status_zh: str
    status_en: str
    years: int | None
    after: str | None
    trigger: str
    trigger_zh: str
    trigger_en: str
    trigger_on: str | None
    due_on: str | None
    waiting_for: str | None
    profile_version: str
    assigned_at: str
    story_zh: tuple[str, ...]
    story_en: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def lines(self, language: str = "zh") -> list[str]:
        """The whole explanation as lines of text: result, reasons, citation with how far it was verified."""
        english = language.startswith("en")
        lines = list(self.story_en if english else self.story_zh)
        if self.citation:
            lines.append(
                f"Basis: {self.citation} ({self.status_en}); rules {self.profile_version}."
                if english
                else f"依据：{self.citation}（{self.status_zh}）；规则版本 {self.profile_version}。"
            )
        if self.after:
            lines.append(f"Afterwards: {AFTER[self.after][1]}." if english else f"期满：{AFTER[self.after][0]}。")
        return [f"{OUTCOMES[self.outcome][1 if english else 0]}{': ' if english else '：'}{lines[0]}", *lines[1:]]


def current_assignment(session: Session, record_id: str) -> RetentionAssignment | None:
    """The row in force of a record."""
    return session.scalars(
        select(RetentionAssignment)
        .where(RetentionAssignment.record_id == record_id, RetentionAssignment.current)
        .order_by(RetentionAssignment.seq.desc())
        .limit(1)
    ).one_or_none()


def explain(session: Session, record_id: str, profile: Profile, *, today: date | None = None) -> Explanation:
    """Why and until when the record is kept; the caller has passed the gate.

    ``NotFound`` (``retention.not_assigned``) while nothing is assigned. ``today`` adds the word that it is due now.
    """
    row = current_assignment(session, record_id)
    if row is None:
        raise NotFound(
            "retention.not_assigned",
            zh="这件档案尚未确定保管期限。请稍后再看；若一直如此，请通知系统管理员。",
            en="No retention rule is assigned to this record yet. Look again later, or tell the system administrator.",
            record_id=record_id,
        )
    steps: list[dict[str, Any]] = list(row.detail.get("story") or [])
    if today is not None and row.due_on is not None and row.due_on <= today:
        steps.append({"code": "due_now", "rule_id": row.rule_id, "params": {}})
    rule = profile.rules_by_id.get(row.rule_id)
    trigger = profile.triggers.get(row.trigger)
    source = rule.provenance if rule else None
    return Explanation(
        record_id=record_id,
        outcome=row.outcome,
        rule_id=row.rule_id,
        rule_zh=rule.zh if rule else "",
        rule_en=rule.en if rule else "",
        citation=source.citation if source else "",
        rule_version=source.version if source else "",
        effective_on=source.effective_on.isoformat() if source else None,
        status=source.status if source else "",
        status_zh=source.status_words("zh") if source else "",
        status_en=source.status_words("en") if source else "",
        years=rule.years if rule else None,
        after=rule.after if rule else None,
        trigger=row.trigger,
        trigger_zh=trigger.zh if trigger else "",
        trigger_en=trigger.en if trigger else "",
        trigger_on=row.trigger_on.isoformat() if row.trigger_on else None,
        due_on=row.due_on.isoformat() if row.due_on else None,
        waiting_for=row.detail.get("waiting_for"),
        profile_version=row.profile_version,
        assigned_at=row.assigned_at.isoformat(),
        story_zh=tuple(sentence(step, profile, "zh") for step in steps),
        story_en=tuple(sentence(step, profile, "en") for step in steps),
    )


@dataclass(frozen=True, slots=True)
class ListedRecord:
    """A record in a list of assignments; ``seq`` and ``due_on`` are the key for the next page."""

    seq: int
    record_id: str
    title: str
    document_type: str | None
    outcome: str
    rule_id: str
    rule_zh: str
    rule_en: str
    due_on: str | None
    waiting_zh: str
    waiting_en: str

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def _listed(rows: Iterable[tuple[RetentionAssignment, str, str | None]], profile: Profile) -> list[ListedRecord]:
    return [
        ListedRecord(
            seq=row.seq,
            record_id=row.record_id,
            title=title,
            document_type=document_type,
            outcome=row.outcome,
            rule_id=row.rule_id,
            rule_zh=rule_label(profile, row.rule_id, zh=True),
            rule_en=rule_label(profile, row.rule_id, zh=False),
            due_on=row.due_on.isoformat() if row.due_on else None,
            waiting_zh=waiting(profile, row.detail.get("waiting_for"), zh=True) if row.outcome == "waiting" else "",
            waiting_en=waiting(profile, row.detail.get("waiting_for"), zh=False) if row.outcome == "waiting" else "",
        )
        for row, title, document_type in rows
    ]


def due_list(
    session: Session,
    actor: Actor,
    *,
    before: date,
    profile: Profile,
    after: tuple[date, int] | None = None,
    limit: int = 500,
) -> list[ListedRecord]:
    """Records due for appraisal on or before ``before`` that ``actor`` may see, by day; ``after`` = (day, seq) seen last.

    ``Forbidden`` without ``retention.read``.
    """
    require(actor, Permission.RETENTION_READ, profile)
    table = RetentionAssignment
    wanted = (
        select(table, Record.title, Record.document_type)
        .join(Record, Record.id == table.record_id)
        .where(
            table.current,
            table.outcome == "due",
            table.due_on <= before,
            visible_records(actor, profile, Permission.RECORD_LIST),
        )
        .order_by(table.due_on, table.seq)
        .limit(limit)
    )
    if after is not None:
        wanted = wanted.where(or_(table.due_on > after[0], (table.due_on == after[0]) & (table.seq > after[1])))
    return _listed(session.execute(wanted).tuples(), profile)


def waiting_list(
    session: Session, actor: Actor, *, profile: Profile, after: int = 0, limit: int = 50
) -> list[ListedRecord]:
    """Records whose period has not started, that ``actor`` may see, by ``seq``; ``Forbidden`` as ``due_list``."""
    require(actor, Permission.RETENTION_READ, profile)
    table = RetentionAssignment
    wanted = (
        select(table, Record.title, Record.document_type)
        .join(Record, Record.id == table.record_id)
        .where(
            table.current,
            table.outcome == "waiting",
            table.seq > after,
            visible_records(actor, profile, Permission.RECORD_LIST),
        )
        .order_by(table.seq)
        .limit(limit)
    )
    return _listed(session.execute(wanted).tuples(), profile)
