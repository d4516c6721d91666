"""Households and case files come back from the newest revision of each case file."""

from __future__ import annotations

import base64
from collections import defaultdict
from datetime import date
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.arranging import mark_filed
from repository.cases import ID_LAST_FOUR, ID_NUMBER
from repository.clock import parse_stamp
from repository.rebuild.people import KnownOrgans
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources, highest
from repository.revisions import CASE_FILE_FORMAT
from repository.tables import CaseFile, CaseRecord, Household, Record

_BATCH = 500


def restore_cases(
    session: Session, archive: Archive, sources: Sources, report: RebuildReport, *, destroyed: set[str]
) -> None:
    """Insert households, case files and the places of records in them; records must be there already."""
    revisions: dict[str, dict[int, str]] = defaultdict(dict)
    for key, info in sources.of_kind("case_file"):
        if info.subject_id in destroyed:
            report.remains.append(key)
        else:
            revisions[str(info.subject_id)][int(info.number or 0)] = key
    states = [
        state for case_id in sorted(revisions) if (state := _newest(sources, revisions[case_id], report)) is not None
    ]
    states.sort(key=lambda state: (state["created_at"], state["case_file_id"]))
    _insert_households(session, archive, states, report)
    organs = KnownOrgans(session, report)
    for start in range(0, len(states), _BATCH):
        _insert_cases(session, states[start : start + _BATCH], organs, report)
    report.counts["case_files"] += len(states)


def _newest(sources: Sources, keys: dict[int, str], report: RebuildReport) -> dict[str, Any] | None:
    for number in highest(keys):
        try:
            last = sources.last_number(keys[number].rpartition("/")[0])
            return {**sources.read_json(keys[number], CASE_FILE_FORMAT), "newest": last}
        except LantaiError as error:
            report.fault(keys[number], error)
    return None


def _insert_households(session: Session, archive: Archive, states: list[dict[str, Any]], report: RebuildReport) -> None:
    """Each household as the newest of its case files tells it."""
    newest: dict[str, dict[str, Any]] = {}
    for state in sorted(states, key=lambda one: str(one["at"])):
        newest[state["household"]["id"]] = state["household"]
    rows = []
    for household in newest.values():
        text = household["applicant_id_sealed"]
        sealed = base64.b64decode(text) if text else None
        number: str | None = None
        if sealed is not None:
            try:
                number = archive.keys.unseal(sealed)
            except LantaiError:
                report.unsealed += 1
        rows.append(
            {
                "id": household["id"],
                "household_no": household["household_no"],
                "division_code": household["division_code"],
                "applicant_name": household["applicant_name"],
                "applicant_id_sealed": sealed,
                "applicant_id_blind": archive.keys.blind(number, ID_NUMBER) if number else None,
                "applicant_id_last4_blind": archive.keys.blind(number[-4:], ID_LAST_FOUR) if number else None,
                "created_at": parse_stamp(household["created_at"]),
            }
        )
    if rows:
        session.execute(insert(Household), rows)
    report.counts["households"] += len(rows)


def _insert_cases(session: Session, states: list[dict[str, Any]], organs: KnownOrgans, report: RebuildReport) -> None:
    rows: list[dict[str, Any]] = []
    for state in states:
        organs.require(session, state["organ_id"], division_code=state["division_code"])
        rows.append(
            {
                "id": state["case_file_id"],
                "household_id": state["household"]["id"],
                "programme": state["programme"],
                "title": state["title"],
                "division_code": state["division_code"],
                "organ_id": state["organ_id"],
                "opened_on": _day(state["opened_on"]),
                "stopped_on": _day(state["stopped_on"]),
                "archival_code": state["archival_code"],
                "state": state["state"],
                "revision": state["newest"],
                "created_at": parse_stamp(state["created_at"]),
            }
        )
    session.execute(insert(CaseFile), rows)
    wanted = sorted({record_id for state in states for record_id in state["records"]})
    known: set[str] = set()
    for start in range(0, len(wanted), _BATCH):
        known.update(session.scalars(select(Record.id).where(Record.id.in_(wanted[start : start + _BATCH]))))
    places = [
        {"case_file_id": state["case_file_id"], "record_id": record_id, "position": position}
        for state in states
        for position, record_id in enumerate(state["records"], start=1)
        if record_id in known
    ]
    if places:
        session.execute(insert(CaseRecord), places)
        mark_filed(session, sorted({str(one["record_id"]) for one in places}))
    report.counts["places"] += len(places)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
