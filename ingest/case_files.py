"""Case files that a deposit brings: from its list, or from the household the depositor named."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.deposit_list import DepositList, ListedCaseFile, Person
from ingest.endings import actor_of
from metadata.household import check_household_no, division_of
from repository import cases, outbox
from repository.archive import Archive
from repository.revisions import revise_cases
from repository.tables import CaseFile, Household, RecordPlan, Submission
from retention.schedules import settle_cases

CaseKey = tuple[str, str]
"""Household number and programme."""

_BATCH = 500


def make_some(
    session: Session, archive: Archive, submission: Submission, listed: DepositList | None, start: int, count: int
) -> int:
    """Make up to ``count`` of the deposit's case files from the ``start``-th on; how many there were to make."""
    brought = listed.case_files if listed is not None else []
    changed: list[CaseFile] = []
    for one in brought[start : start + count]:
        case, differs = _from_list(session, archive, submission, one)
        if differs and case.revision:
            changed.append(case)
    if changed:
        states = [(case, dict(case.state)) for case in changed]
        revise_cases(session, archive=archive, actor=actor_of(submission), cases=states)
        outbox.enqueue(session, outbox.CASE_FILE, [case.id for case in changed], archive.clock.now())
        settle_cases(session, archive=archive, case_file_ids=[case.id for case in changed])
    if start == 0:
        for number, programme in _named(session, submission):
            household = cases.household(
                session, archive=archive, household_no=number, division_code=division_of(number)
            )
            cases.case_file(
                session,
                archive=archive,
                household=household,
                programme=programme,
                organ_id=submission.organ_id,
                title=_title(archive, number, programme),
            )
    return len(brought[start : start + count])


def _named(session: Session, submission: Submission) -> list[CaseKey]:
    """Case files that the depositor's options or a person describing the records named, and that are not there yet."""
    wanted: dict[CaseKey, None] = {}
    number = submission.options.get("household_no")
    if number is not None:
        wanted[check_household_no(number), submission.options["programme"]] = None
    said = select(RecordPlan.given).where(RecordPlan.submission_id == submission.id, RecordPlan.given.is_not(None))
    for given in session.scalars(said):
        if given and given.get("household_no"):
            wanted[given["household_no"], given["programme"]] = None
    there = find(session, wanted)
    return [one for one in wanted if one not in there]


def _from_list(
    session: Session, archive: Archive, submission: Submission, one: ListedCaseFile
) -> tuple[CaseFile, bool]:
    household = cases.household(
        session,
        archive=archive,
        household_no=one.household_no,
        division_code=one.division_code,
        applicant_name=one.applicant.name,
        applicant_id=one.applicant.id_number,
    )
    return cases.case_file(
        session,
        archive=archive,
        household=household,
        programme=one.programme,
        organ_id=submission.organ_id,
        title=one.title or _title(archive, one.applicant.name or household.household_no, one.programme),
        opened_on=one.opened_on,
        stopped_on=one.stopped_on,
        members=[_member(person) for person in one.members],
        events=[{"event": each.event, "on": each.on.isoformat(), "note": each.note} for each in one.events],
        facts=one.facts,
    )


def _member(person: Person) -> cases.Member:
    return cases.Member(person.name, person.id_number, person.relation, person.note)


def _title(archive: Archive, whose: str, programme: str) -> str:
    return f"{whose} {archive.profile.programmes[programme].zh}"


def find(session: Session, wanted: Iterable[CaseKey]) -> dict[CaseKey, tuple[str, str]]:
    """Case file id and division of each household's file in a programme, as far as they exist."""
    pairs = set(wanted)
    numbers = sorted({number for number, _ in pairs})
    found: dict[CaseKey, tuple[str, str]] = {}
    for start in range(0, len(numbers), _BATCH):
        rows = session.execute(
            select(Household.household_no, CaseFile.programme, CaseFile.id, CaseFile.division_code)
            .join(CaseFile, CaseFile.household_id == Household.id)
            .where(Household.household_no.in_(numbers[start : start + _BATCH]))
        )
        for number, programme, case_id, division in rows:
            if (number, programme) in pairs:
                found[number, programme] = (case_id, division)
    return found


def made_without_records(session: Session, listed: DepositList) -> list[CaseFile]:
    """Case files of the list that no revision has frozen yet: those that got no record."""
    keys = [(check_household_no(one.household_no), one.programme) for one in listed.case_files]
    ids = [case_id for case_id, _ in find(session, keys).values()]
    waiting: list[CaseFile] = []
    for start in range(0, len(ids), _BATCH):
        part = CaseFile.id.in_(ids[start : start + _BATCH])
        waiting += session.scalars(select(CaseFile).where(part, CaseFile.revision == 0).order_by(CaseFile.seq))
    return waiting
