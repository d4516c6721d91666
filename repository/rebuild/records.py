"""Records, their versions and files come back from the bags: tag files by range, never the payload."""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from metadata.errors import Invalid, LantaiError
from repository import outbox, records
from repository.archive import Archive
from repository.bag.read import Member, directory, read_member
from repository.bag.record_json import PATH, FileFact, RecordJson
from repository.clock import parse_stamp
from repository.rebuild.history import History
from repository.rebuild.people import KnownOrgans
from repository.rebuild.report import Progress, RebuildReport
from repository.rebuild.sources import Sources, highest
from repository.revisions import DESCRIPTION_FORMAT, describe
from repository.storage import layout
from repository.storage.base import Store
from repository.tables import Record, RecordPlan, RecordVersion, StoredFile

_BATCH = 200
_READERS = 8
_FILE_ROWS = 5_000


@dataclass(frozen=True, slots=True)
class _Bag:
    """One version as its bag tells it."""

    key: str
    facts: RecordJson
    members: dict[str, Member]


@dataclass
class _Found:
    """What lies under one record's id."""

    record_id: str
    versions: dict[int, str] = field(default_factory=dict)
    revisions: dict[int, str] = field(default_factory=dict)
    bags: dict[int, _Bag] = field(default_factory=dict)
    description: dict[str, Any] | None = None
    faults: list[tuple[str, LantaiError]] = field(default_factory=list)


def restore_records(
    session: Session,
    archive: Archive,
    sources: Sources,
    history: History,
    report: RebuildReport,
    *,
    destroyed: set[str],
    progress: Progress,
) -> Iterator[list[str]]:
    """Insert every record that is not destroyed, in the order of accession; yields ids a batch at a time."""
    found = _listed(sources, report, destroyed)
    now = archive.clock.now()
    organs = KnownOrgans(session, report)
    last = len(history.accessions)
    ordered = sorted(
        found.values(),
        key=lambda one: (min(_positions(one, history), default=last), one.record_id),
    )
    with ThreadPoolExecutor(_READERS, thread_name_prefix="rebuild") as readers:
        for start in range(0, len(ordered), _BATCH):
            batch = list(readers.map(lambda one: _read(one, sources), ordered[start : start + _BATCH]))
            yield _insert(session, batch, sources=sources, history=history, organs=organs, report=report, now=now)
            progress("records", min(start + _BATCH, len(ordered)), len(ordered))


def _positions(one: _Found, history: History) -> list[int]:
    places = ((one.record_id, number) for number in one.versions)
    return [history.accessions[place].position for place in places if place in history.accessions]


def _listed(sources: Sources, report: RebuildReport, destroyed: set[str]) -> dict[str, _Found]:
    found: dict[str, _Found] = {}
    revisions: dict[str, dict[int, str]] = defaultdict(dict)
    for key, info in sources.keys():  # noqa: SIM118 - not a mapping
        if info.kind not in {"bag", "description"} or info.record_id is None or info.number is None:
            continue
        if info.record_id in destroyed:
            report.remains.append(key)
        elif info.kind == "bag":
            found.setdefault(info.record_id, _Found(info.record_id)).versions[info.number] = key
        else:
            revisions[info.record_id][info.number] = key
    for record_id, keys in revisions.items():
        if record_id in found:
            found[record_id].revisions = keys
        else:
            report.unknown.extend(keys.values())
    return found


def _read(one: _Found, sources: Sources) -> _Found:
    """Read the tag files of every version and the newest description."""
    for number, key in sorted(one.versions.items()):
        try:
            one.bags[number] = sources.take(key, partial(_read_bag, key=key, record_id=one.record_id, number=number))
        except LantaiError as error:
            one.faults.append((key, error))
    for number in highest(one.revisions):
        try:
            one.description = sources.read_json(one.revisions[number], DESCRIPTION_FORMAT)["description"]
            break
        except LantaiError as error:
            one.faults.append((one.revisions[number], error))
    return one


def _read_bag(store: Store, *, key: str, record_id: str, number: int) -> _Bag:
    members = {member.path: member for member in directory(store, key)}
    place = members.get(PATH)
    if place is None:
        raise _does_not_fit(key, PATH)
    facts = RecordJson.from_bytes(b"".join(read_member(store, key, place.offset, place.size)))
    if (facts.record_id, facts.version) != (record_id, number):
        raise _does_not_fit(key, "record_id")
    for file in facts.files:
        member = members.get(file.path)
        if member is None or (member.size, member.crc32) != (file.size, file.crc32):
            raise _does_not_fit(key, file.path)
    return _Bag(key, facts, members)


def _does_not_fit(key: str, where: str) -> Invalid:
    return Invalid(
        "rebuild.bag_does_not_fit",
        zh=f"档案包 {key} 的 record.json 与包内文件不符（{where}），未采用。请运行深度检查并从其他副本修复。",
        en=f"record.json of the bag {key} does not fit its members ({where}); it was not taken over. Run a deep audit and repair it from another replica.",
        key=key,
    )


def _insert(
    session: Session,
    batch: list[_Found],
    *,
    sources: Sources,
    history: History,
    organs: KnownOrgans,
    report: RebuildReport,
    now: datetime,
) -> list[str]:
    versions: list[dict[str, Any]] = []
    files: list[dict[str, Any]] = []
    ids: list[str] = []
    for one in batch:
        for key, error in one.faults:
            report.fault(key, error)
        if not one.bags:
            continue
        last = sources.last_number(layout.description_key(one.record_id, 1).rpartition("/")[0])
        _insert_record(session, one, history=history, organs=organs, report=report, now=now, last_revision=last)
        ids.append(one.record_id)
        for number, bag in sorted(one.bags.items()):
            sealed = history.accessions.get((one.record_id, number))
            versions.append(_version_row(sources, bag, number, sealed.at if sealed else now))
            files.extend(_file_row(bag, number, position) for position in range(len(bag.facts.files)))
    session.flush()
    if versions:
        session.execute(insert(RecordVersion), versions)
        _insert_plans(session, versions, batch)
    for start in range(0, len(files), _FILE_ROWS):
        session.execute(insert(StoredFile), files[start : start + _FILE_ROWS])
    outbox.enqueue(session, outbox.RECORD, ids, now)
    totals = {
        "records": len(ids),
        "versions": len(versions),
        "files": len(files),
        "bytes": sum(row["payload_bytes"] for row in versions),
    }
    records.count(session, totals)
    report.counts.update(totals)
    session.expunge_all()
    return ids


def _insert_plans(session: Session, versions: list[dict[str, Any]], batch: list[_Found]) -> None:
    """What each submission brought, so that its quarantine is kept until these very records were audited."""
    brought = {
        one.record_id: bag.facts.submission.id
        for one in batch
        if (bag := one.bags.get(1)) is not None and bag.facts.submission is not None
    }
    rows = [
        {
            "record_id": row["record_id"],
            "submission_id": brought[row["record_id"]],
            "position": position,
            "state": "accessioned",
            "spec": {},
            "object_sha256": row["object_sha256"],
            "object_size": row["object_size"],
        }
        for position, row in enumerate(versions)
        if row["number"] == 1 and row["record_id"] in brought
    ]
    if rows:
        session.execute(insert(RecordPlan), rows)


def _insert_record(
    session: Session,
    one: _Found,
    *,
    history: History,
    organs: KnownOrgans,
    report: RebuildReport,
    now: datetime,
    last_revision: int,
) -> None:
    head = max(one.bags)
    facts = one.bags[head].facts
    accession = history.accessions.get((one.record_id, head))
    first = history.accessions.get((one.record_id, min(one.bags)), accession)
    if accession is None:
        report.unconfirmed.append(one.record_id)
    organs.require(session, facts.organ.id, code=facts.organ.code, division_code=facts.division_code)
    submission_id = facts.submission.id if facts.submission else None
    record = Record(
        id=one.record_id,
        title=facts.title,
        document_type=facts.document_type,
        category=facts.category,
        programme=facts.programme,
        year=facts.year,
        dated=_day(facts.date),
        organ_id=facts.organ.id,
        division_code=facts.division_code,
        access_level=facts.access_level,
        access_marks=list(facts.access_marks),
        confirmed=accession is not None,
        head_version=head,
        description=dict(facts.description),
        description_revision=last_revision,
        submission_id=submission_id,
        profile_version=facts.profile,
        created_at=first.at if first else _deposited(facts) or now,
    )
    if one.description is not None:
        describe(record, one.description)
    session.add(record)


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None  # a year or month alone stands in the description


def _deposited(facts: RecordJson) -> datetime | None:
    try:
        return parse_stamp(facts.submission.deposited_at) if facts.submission else None
    except ValueError:
        return None


def _version_row(sources: Sources, bag: _Bag, number: int, created_at: datetime) -> dict[str, Any]:
    algorithms = [path[len("manifest-") : -len(".txt")] for path in bag.members if path.startswith("manifest-")]
    return {
        "record_id": bag.facts.record_id,
        "number": number,
        "object_key": bag.key,
        "object_sha256": sources.sha256(bag.key),
        "object_size": sources.size(bag.key),
        "file_count": len(bag.facts.files),
        "payload_bytes": sum(file.size for file in bag.facts.files),
        "algorithms": algorithms,
        "created_at": created_at,
    }


def _file_row(bag: _Bag, number: int, position: int) -> dict[str, Any]:
    file: FileFact = bag.facts.files[position]
    return {
        "id": records.file_id(bag.facts.record_id, number, position),
        "record_id": bag.facts.record_id,
        "version": number,
        "position": position,
        "path": file.path,
        "original_name": file.original_name,
        "original_name_bytes": file.original_name_base64,
        "size": file.size,
        "offset": bag.members[file.path].offset,
        "crc32": file.crc32,
        "digests": file.digests,
        "sha256": file.digests.get("sha256"),
        "sha512": file.digests.get("sha512"),
        "chunk_sha256": base64.b64decode(file.chunk_sha256) if file.chunk_sha256 else None,
        "puid": file.puid,
        "format_name": file.format,
        "format_version": file.format_version,
        "mime": file.mime,
        "text_state": "pending",
    }
