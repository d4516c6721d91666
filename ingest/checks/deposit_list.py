"""The deposit list against the profile, the catalogue and what really came (DA/T 70 A4, A10, A11, A13)."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ingest.deposit_list import DepositList, ListedRecord
from ingest.files import FileRow
from ingest.outcome import Finding
from metadata import divisions, idcard
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.profile import Profile
from metadata.rights import ACCESS_LEVELS
from repository.tables import Household, Organ

_BATCH = 500


def run(
    session: Session,
    listed: DepositList,
    prefix: str,
    rows: Sequence[FileRow] | None,
    profile: Profile,
    *,
    households: ColumnElement[bool],
) -> Iterable[Finding]:
    """Every fault of the list, each with its position; ID numbers are never repeated.

    ``rows`` None: the list came without its files, so that only what it says of them itself is looked at.
    ``households``: the criterion for those that the depositor may know of (``access.gate.known_households``); any other
    is the same as one that is not there.
    """
    if listed.organ and session.scalars(select(Organ.id).where(Organ.code == listed.organ)).first() is None:
        yield Finding("list.unknown_organ", None, {"value": listed.organ})
    known = yield from _case_files(listed, profile)
    wanted = sorted({number for one in listed.records for number in one.household_nos} - known)
    for start in range(0, len(wanted), _BATCH):
        some = Household.household_no.in_(wanted[start : start + _BATCH])
        known |= set(session.scalars(select(Household.household_no).where(some, households)))
    for number, record in enumerate(listed.records):
        yield from _record(record, f"records[{number}]", known, profile)
    yield from _files(listed, prefix, rows)


def _division(code: str | None, position: str) -> Iterable[Finding]:
    try:
        if code is not None:
            divisions.checked(code)
    except Invalid:
        yield Finding("list.bad_division", None, {"position": position, "value": code})


def _case_files(listed: DepositList, profile: Profile) -> Generator[Finding, None, set[str]]:
    known: set[str] = set()
    for number, case in enumerate(listed.case_files):
        position = f"case_files[{number}]"
        try:
            known.add(check_household_no(case.household_no))
        except Invalid:
            yield Finding("list.bad_household_no", None, {"position": f"{position}.household_no"})
        if case.programme not in profile.programmes:
            told = {"position": f"{position}.programme", "value": case.programme}
            yield Finding("list.unknown_programme", None, told)
        yield from _division(case.division_code, f"{position}.division_code")
        for index, event in enumerate(case.events):
            if event.event not in profile.events:
                told = {"position": f"{position}.events[{index}]", "value": event.event}
                yield Finding("list.unknown_event", None, told)
        for where, person in (
            ("applicant", case.applicant),
            *((f"members[{i}]", one) for i, one in enumerate(case.members)),
        ):
            if person.id_number and not idcard.is_valid(person.id_number):
                yield Finding("list.bad_id_number", None, {"position": f"{position}.{where}"})
    return known


def _record(record: ListedRecord, position: str, known: set[str], profile: Profile) -> Iterable[Finding]:
    for index, number in enumerate(record.household_nos):
        where = f"{position}.household_nos[{index}]"
        try:
            if check_household_no(number) not in known:
                yield Finding("list.unknown_household", None, {"position": where, "value": number})
        except Invalid:
            yield Finding("list.bad_household_no", None, {"position": where})
    if record.document_type is not None and record.document_type not in profile.document_types:
        told = {"position": f"{position}.document_type", "value": record.document_type}
        yield Finding("list.unknown_document_type", None, told)
    if record.programme is not None and record.programme not in profile.programmes:
        yield Finding("list.unknown_programme", None, {"position": f"{position}.programme", "value": record.programme})
    if record.household_nos and record.programme is None:
        yield Finding("list.unknown_programme", None, {"position": f"{position}.programme", "value": "-"})
    if record.access_level is not None and record.access_level not in ACCESS_LEVELS:
        told = {"position": f"{position}.access_level", "value": record.access_level}
        yield Finding("list.bad_access_level", None, told)
    for mark in record.access_marks:
        if mark not in profile.access_marks:
            yield Finding("list.bad_access_level", None, {"position": f"{position}.access_marks", "value": mark})
    yield from _division(record.division_code, f"{position}.division_code")


def _files(listed: DepositList, prefix: str, rows: Sequence[FileRow] | None) -> Iterable[Finding]:
    base = prefix + "/" if prefix else ""
    there = {row.path for row in rows if row.role == "payload"} if rows is not None else None
    taken: set[str] = set()
    for number, record in enumerate(listed.records):
        for index, path in enumerate(record.files):
            position = f"records[{number}].files[{index}]"
            if there is not None and base + path not in there:
                yield Finding("list.missing_file", path, {"position": position})
            elif path in taken:
                yield Finding("list.file_twice", path, {"position": position})
            taken.add(path)
    if listed.records and rows is not None:
        for row in rows:
            if row.role == "payload" and row.path.removeprefix(base) not in taken:
                yield Finding("list.unlisted_file", row.path)
