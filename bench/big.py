"""A catalogue of a million files in five hundred organs, written straight into SQLite; only rows, no bytes."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, insert

from lantai.settings import load
from lantai.site import Site, initialise, open_site
from metadata.household import household_no
from repository import totals
from repository.records import file_id
from repository.tables import (
    Account,
    AccountRole,
    CaseFile,
    CaseRecord,
    Counter,
    Finding,
    Household,
    LedgerEntry,
    Organ,
    Record,
    RecordVersion,
    ReplicaObject,
    RetentionAssignment,
    StoredFile,
    StoredObject,
    Submission,
)
from retention import totals as retention_totals

DIVISION = "990101"
TOWNSHIPS, VILLAGES = 20, 24
FILES_A_RECORD, RECORDS_A_CASE = 4, 6
ACCOUNTS = 2_000
_ROWS = 5_000
_TYPES = ("APP01", "APP02", "CHK01", "CHK07", "REV03", "CON01", "DYN01", "STP01")
_BEGAN = datetime(2019, 1, 2, 1, 0, tzinfo=UTC)


def township(number: int) -> str:
    """Division code of township ``number``, from 0."""
    return f"{DIVISION}{number + 1:03d}"


def village(number: int) -> str:
    """Division code of village ``number``, from 0, in turn over all townships."""
    return f"{township(number % TOWNSHIPS)}{number // TOWNSHIPS + 1:03d}"


def big_site(folder: Path, files: int) -> Site:
    """The site of ``files`` files in ``folder``, made when it is not there; the same every time."""
    settings = load(home=folder / f"big-{files}")
    done = settings.home / "made.json"
    if done.exists():
        return open_site(settings)
    site = initialise(settings, bureau="测试局", division=DIVISION)
    with site.engine.begin() as connection:
        _fill(connection, files)
    totals.recount(site.archive)
    with site.archive.sessions.begin() as session:
        retention_totals.count(session, archive=site.archive)
    done.write_text(json.dumps({"files": files}))
    return site


def _uuid(source: random.Random) -> str:
    return str(UUID(int=source.getrandbits(128), version=4))


def _write(connection: Connection, table: type[Any], rows: Iterable[dict[str, Any]]) -> None:
    waiting = iter(rows)
    while batch := list(itertools.islice(waiting, _ROWS)):
        connection.execute(insert(table), batch)


def _fill(connection: Connection, files: int) -> None:
    source = random.Random(20)
    organs = list(_organs(source))
    by_division = {one["division_prefix"]: one["id"] for one in organs}
    households = list(_households(source, files // (FILES_A_RECORD * RECORDS_A_CASE)))
    case_files = list(_case_files(source, households, by_division))
    _write(connection, Organ, organs)
    _write(connection, Household, households)
    _write(connection, CaseFile, case_files)
    records = list(_records(source, case_files))
    _write(connection, Record, (one for one, _ in records))
    _write(
        connection,
        CaseRecord,
        (
            {"case_file_id": case, "record_id": one["id"], "position": place % RECORDS_A_CASE + 1}
            for place, (one, case) in enumerate(records)
        ),
    )
    keys = {one["id"]: f"r/{one['id'][:2]}/{one['id'][2:4]}/{one['id']}/v00001.zip" for one, _ in records}
    _write(connection, RecordVersion, (_version(one, keys) for one, _ in records))
    _write(connection, StoredFile, _files(one for one, _ in records))
    _write(connection, StoredObject, (_object(one, keys) for one, _ in records))
    _write(connection, ReplicaObject, _on_replicas(records, keys))
    _write(connection, RetentionAssignment, _assignments(source, records))
    accounts = list(_accounts(source, organs))
    _write(connection, Account, accounts)
    _write(connection, AccountRole, _roles(accounts))
    _write(connection, LedgerEntry, _looks(source, records, accounts))
    submissions = list(_submissions(source, organs))
    _write(connection, Submission, submissions)
    _write(connection, Finding, _findings(submissions))
    kept = {"records": len(records), "versions": len(records), "files": files, "bytes": files * 200_000}
    _write(connection, Counter, ({"name": name, "value": value} for name, value in kept.items()))


def _organs(source: random.Random) -> Iterator[dict[str, Any]]:
    townships: dict[str, str] = {}
    for number in range(TOWNSHIPS):
        townships[township(number)] = _uuid(source)
        yield _organ(townships[township(number)], township(number), "TS", None)
    for number in range(TOWNSHIPS * VILLAGES):
        yield _organ(_uuid(source), village(number), "VC", townships[village(number)[:9]])


def _organ(organ_id: str, division: str, level: str, parent: str | None) -> dict[str, Any]:
    return {
        "id": organ_id,
        "code": division,
        "name_zh": f"合成机构{division}",
        "name_en": f"Synthetic {division}",
        "level": level,
        "division_prefix": division,
        "parent_id": parent,
    }


def _households(source: random.Random, count: int) -> Iterator[dict[str, Any]]:
    places = TOWNSHIPS * VILLAGES
    for number in range(count):
        division = village(number % places)
        yield {
            "id": _uuid(source),
            "household_no": household_no(division, number // places + 1),
            "division_code": division,
            "applicant_name": f"合成{number}",
            "created_at": _BEGAN,
        }


def _case_files(
    source: random.Random, households: list[dict[str, Any]], by_division: dict[str, str]
) -> Iterator[dict[str, Any]]:
    for number, household in enumerate(households):
        stopped = date(2021, 1, 5) + timedelta(days=number % 1500)
        yield {
            "id": _uuid(source),
            "household_id": household["id"],
            "programme": "DB",
            "title": household["applicant_name"],
            "division_code": household["division_code"],
            "organ_id": by_division[household["division_code"][:9]],
            "opened_on": date(2019, 1, 2) + timedelta(days=number % 1000),
            "stopped_on": stopped if number % 4 == 0 else None,
            "state": {"members": [], "events": [], "facts": {}},
            "revision": 1,
            "created_at": _BEGAN,
        }


def _records(source: random.Random, case_files: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str]]:
    for number, (case, place) in enumerate(itertools.product(case_files, range(RECORDS_A_CASE))):
        at = _BEGAN + timedelta(minutes=16 * number)
        kind = _TYPES[(number + place) % len(_TYPES)]
        yield (
            {
                "id": _uuid(source),
                "title": f"{case['title']} {kind} {number}",
                "document_type": kind,
                "category": "ZY",
                "programme": "DB",
                "year": at.year,
                "dated": at.date(),
                "filed": True,
                "organ_id": case["organ_id"],
                "division_code": case["division_code"],
                "access_level": "restricted" if number % 50 == 0 else "internal",
                "access_marks": ["financial"] if number % 9 == 0 else [],
                "description": {"title": f"{case['title']} {kind} {number}", "document_type": kind},
                "profile_version": "social_assistance/2026.3",
                "created_at": at,
            },
            case["id"],
        )


def _version(record: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    return {
        "record_id": record["id"],
        "number": 1,
        "object_key": keys[record["id"]],
        "object_sha256": "0" * 64,
        "object_size": 800_000,
        "file_count": FILES_A_RECORD,
        "payload_bytes": FILES_A_RECORD * 200_000,
        "algorithms": ["sha512", "sm3"],
        "created_at": record["created_at"],
    }


def _files(records: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for record, place in itertools.product(records, range(FILES_A_RECORD)):
        yield {
            "id": file_id(record["id"], 1, place),
            "record_id": record["id"],
            "version": 1,
            "position": place,
            "path": f"data/{place:04d}.jpg",
            "original_name": f"扫描{place:04d}.jpg",
            "size": 200_000,
            "offset": 4096 + place * 200_128,
            "crc32": 0,
            "digests": {},
            "puid": "fmt/43",
            "format_name": "JPEG File Interchange Format",
            "mime": "image/jpeg",
            "text_state": "none",
            "image_state": "done",
            "ocr_state": "done",
            "page_count": 1,
        }


def _object(record: dict[str, Any], keys: dict[str, str]) -> dict[str, Any]:
    return {
        "key": keys[record["id"]],
        "kind": "bag",
        "record_id": record["id"],
        "sha256": "0" * 64,
        "size": 800_000,
        "created_at": record["created_at"],
    }


def _on_replicas(records: list[tuple[dict[str, Any], str]], keys: dict[str, str]) -> Iterator[dict[str, Any]]:
    for (record, _), replica in itertools.product(records, ("a", "b")):
        at = record["created_at"]
        yield {"replica": replica, "key": keys[record["id"]], "written_at": at, "checked_at": at, "outcome": "intact"}


def _assignments(source: random.Random, records: list[tuple[dict[str, Any], str]]) -> Iterator[dict[str, Any]]:
    for record, _ in records:
        due = source.random() < 0.3
        yield {
            "record_id": record["id"],
            "organ_id": record["organ_id"],
            "rule_id": "R01",
            "profile_version": record["profile_version"],
            "outcome": "due" if due else "waiting",
            "trigger": "benefit_stopped",
            "trigger_on": date(2021, 1, 5) if due else None,
            "due_on": date(2026, 1, 5) + timedelta(days=source.randrange(4000)) if due else None,
            "detail": {"waiting_for": None if due else "benefit_stopped", "story": []},
            "current": True,
            "assigned_at": record["created_at"],
        }


def _accounts(source: random.Random, organs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number in range(ACCOUNTS):
        yield {
            "id": _uuid(source),
            "username": f"person{number:04d}",
            "display_name": f"合成人员{number}",
            "organ_id": organs[number % len(organs)]["id"],
            "created_at": _BEGAN,
        }


def _roles(accounts: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, one in enumerate(accounts):
        role = "clerk_township" if number % 500 < TOWNSHIPS else "clerk_village"
        yield {"account_id": one["id"], "organ_id": one["organ_id"], "role": role}


def _looks(
    source: random.Random, records: list[tuple[dict[str, Any], str]], accounts: list[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    for number, (record, case) in enumerate(records):
        entry, person = _uuid(source), accounts[number % len(accounts)]
        body = {"id": entry, "act": "record.viewed", "reason": "case_handling", "form": "screen"}
        yield {
            "id": entry,
            "stream": "use",
            "at": _BEGAN + timedelta(minutes=16 * number),
            "act": "record.viewed",
            "actor_id": person["id"],
            "organ_id": person["organ_id"],
            "record_id": record["id"],
            "case_file_id": case,
            "form": "screen",
            "body": json.dumps(body),
        }


def _submissions(source: random.Random, organs: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number in range(20_000):
        at = _BEGAN + timedelta(hours=3 * number)
        yield {
            "id": _uuid(source),
            "state": "done",
            "title": f"合成移交{number}",
            "channel": "web",
            "organ_id": organs[number % len(organs)]["id"],
            "actor_id": "console:bench",
            "options": {},
            "counts": {"files": 50, "bytes": 10_000_000, "records": 12},
            "profile_version": "social_assistance/2026.3",
            "created_at": at,
            "updated_at": at,
        }


def _findings(submissions: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for one, code in itertools.product(submissions, ("image.blank", "record.type_unsure", "image.low_resolution")):
        yield {
            "submission_id": one["id"],
            "code": code,
            "severity": "warning",
            "outcome": "done",
            "created_at": one["created_at"],
        }
