"""Revisions: how edits of descriptions, case files and other entities survive the database.

An edit allocates its number, freezes its bytes and writes its ledger entry in one transaction; ``pending`` writes the
bytes to the replicas afterwards. Each revision is one whole state as canonical JSON, so the highest number alone is
enough to rebuild from. The same key with other bytes is ``Conflict``: nothing that was frozen ever changes.

ID numbers stand in case-file revisions only sealed (``Keys.seal``, base64); in clear they stand only inside the bag.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from metadata import digests, idcard
from metadata.errors import Conflict, Invalid
from repository import canonical, outbox
from repository.archive import Archive
from repository.clock import stamp
from repository.db import by_bytes
from repository.ledger import acts
from repository.ledger.acts import ActorRef
from repository.objects import in_use
from repository.storage import layout
from repository.tables import (
    CaseFile,
    CaseRecord,
    Household,
    ProfileVersion,
    Record,
    ReplicaObject,
    StoredObject,
)

DESCRIPTION_FORMAT = "lantai-description/1"
CASE_FILE_FORMAT = "lantai-case-file/1"
ENTITY_FORMAT = "lantai-entity/1"
_ID_BATCH = 500


@dataclass(frozen=True, slots=True)
class FrozenObject:
    """Bytes that every replica must come to hold under ``key``."""

    key: str
    kind: str
    data: bytes
    record_id: str | None = None

    @property
    def sha256(self) -> str:
        """Hex digest of the bytes."""
        return digests.of_bytes(self.data)


def freeze(session: Session, objects: Sequence[FrozenObject], *, now: datetime) -> list[FrozenObject]:
    """Insert the objects' rows, to be written to every replica later; gives back those that were new.

    An object frozen before with the same bytes is left alone; with other bytes it is ``Conflict``.
    """
    known: dict[str, str] = {}
    for start in range(0, len(objects), _ID_BATCH):
        keys = [one.key for one in objects[start : start + _ID_BATCH]]
        known.update(
            session.execute(select(StoredObject.key, StoredObject.sha256).where(StoredObject.key.in_(keys)))
            .tuples()
            .all()
        )
    fresh = []
    for one in objects:
        if one.key not in known:
            fresh.append(one)
        elif known[one.key] != one.sha256:
            raise Conflict(
                "revision.other_bytes",
                zh=f"{one.key} 已有另一份内容，没有覆盖。请停止写入并核对数据库是否为旧备份。",
                en=f"{one.key} exists with other bytes and was not overwritten. Stop writing and check whether the database is an old backup.",
                key=one.key,
            )
    if fresh:
        session.execute(
            insert(StoredObject),
            [
                {
                    "key": one.key,
                    "kind": one.kind,
                    "record_id": one.record_id,
                    "sha256": one.sha256,
                    "size": len(one.data),
                    "body": one.data,
                    "created_at": now,
                }
                for one in fresh
            ],
        )
        expect_on_replicas(session, [one.key for one in fresh])
    return fresh


def expect_on_replicas(session: Session, keys: Iterable[str]) -> None:
    """Say that every replica in use must come to hold these objects."""
    names = in_use(session)
    rows = [{"replica": name, "key": key} for key in keys for name in names]
    if rows:
        session.execute(insert(ReplicaObject), rows)


def _head(now: datetime, actor: ActorRef, revision: int) -> dict[str, Any]:
    return {
        "revision": revision,
        "at": stamp(now),
        "actor": {"id": actor.id, "kind": actor.kind, "organ": actor.organ_id},
    }


def describe(record: Record, description: Mapping[str, Any]) -> None:
    """Put a description into a record's row: the whole of it, and the columns that lists and permissions ask."""
    record.description = dict(description)
    for column in ("title", "document_type", "programme", "year", "division_code", "access_level"):
        if description.get(column):
            setattr(record, column, description[column])
        elif column in description and column in {"document_type", "programme", "year"}:
            setattr(record, column, None)
    if "access_marks" in description:
        record.access_marks = list(description["access_marks"] or [])
    dated = description.get("date")
    if isinstance(dated, str) and len(dated) == len("2026-01-05"):
        record.dated = date.fromisoformat(dated)
    elif "date" in description and not dated:
        record.dated = None


def revise_description(
    session: Session, *, archive: Archive, actor: ActorRef, record: Record, description: Mapping[str, Any]
) -> int:
    """Correct a record's description; returns the revision's number.

    ``description`` is ``Description.model_dump(mode="json")``, the whole of it.
    """
    now = archive.clock.now()
    number = record.description_revision + 1
    body = {
        "format": DESCRIPTION_FORMAT,
        "record_id": record.id,
        **_head(now, actor, number),
        "description": dict(description),
    }
    frozen = FrozenObject(
        layout.description_key(record.id, number), "description", canonical.dumps(body) + b"\n", record.id
    )
    freeze(session, [frozen], now=now)
    describe(record, description)
    record.description_revision = number
    record.row_version += 1
    acts.description_revised(session, at=now, actor=actor, record_id=record.id, revision=number, sha256=frozen.sha256)
    outbox.enqueue(session, "record", [record.id], now)
    return number


def _clear_id_numbers(value: Any, where: str) -> str | None:
    """Where in ``value`` an ID number stands in clear, or nothing."""
    if isinstance(value, str):
        return where if next(iter(idcard.find_all(value)), None) is not None else None
    if isinstance(value, Mapping):
        # a keyed digest or cipher text can hold eighteen digits by chance and gives no number away
        parts: Iterable[tuple[Any, Any]] = (
            (name, one) for name, one in value.items() if not str(name).endswith(("_blind", "_sealed"))
        )
    elif isinstance(value, (list, tuple)):
        parts = enumerate(value)
    else:
        return None
    return next((found for name, one in parts if (found := _clear_id_numbers(one, f"{where}.{name}"))), None)


def _case_body(
    case: CaseFile, household: Household, record_ids: list[str], state: Mapping[str, Any], head: dict[str, Any]
) -> dict[str, Any]:
    sealed = household.applicant_id_sealed
    return {
        "format": CASE_FILE_FORMAT,
        "case_file_id": case.id,
        **head,
        "household": {
            "id": household.id,
            "household_no": household.household_no,
            "division_code": household.division_code,
            "applicant_name": household.applicant_name,
            "applicant_id_sealed": base64.b64encode(sealed).decode() if sealed else None,
            "created_at": stamp(household.created_at),
        },
        "programme": case.programme,
        "title": case.title,
        "division_code": case.division_code,
        "organ_id": case.organ_id,
        "opened_on": case.opened_on.isoformat() if case.opened_on else None,
        "stopped_on": case.stopped_on.isoformat() if case.stopped_on else None,
        "archival_code": case.archival_code,
        "created_at": stamp(case.created_at),
        "records": record_ids,
        "state": dict(state),
    }


def revise_cases(
    session: Session, *, archive: Archive, actor: ActorRef, cases: Sequence[tuple[CaseFile, Mapping[str, Any]]]
) -> None:
    """Give many case files a new state at once, one revision each.

    The columns of each ``CaseFile`` and its ``CaseRecord`` rows are taken as they stand in the session; ``state`` is
    the whole rest (members, events …), kept as ``case.state``. ``Invalid`` when an ID number stands in it in clear.
    """
    now = archive.clock.now()
    session.flush()
    order: dict[str, list[str]] = {case.id: [] for case, _ in cases}
    households: dict[str, Household] = {}
    for start in range(0, len(cases), _ID_BATCH):
        part = cases[start : start + _ID_BATCH]
        placed = session.execute(
            select(CaseRecord.case_file_id, CaseRecord.record_id)
            .where(CaseRecord.case_file_id.in_([case.id for case, _ in part]))
            .order_by(CaseRecord.case_file_id, CaseRecord.position)
        )
        for case_file_id, record_id in placed:
            order[case_file_id].append(record_id)
        wanted = {case.household_id for case, _ in part}
        found = session.scalars(select(Household).where(Household.id.in_(wanted)))
        households.update({household.id: household for household in found})
    frozen: list[FrozenObject] = []
    revised: list[tuple[str, int, str]] = []
    for case, state in cases:
        where = _clear_id_numbers(state, "state")
        if where is not None:
            raise Invalid(
                "revision.id_number_in_clear",
                zh=f"案卷状态的 {where} 含有未加密的身份证号码，没有保存。请将号码填入证件号码栏，由系统加密。",
                en=f"An ID number stands in clear at {where} of the case file and was not saved. Enter it in the field for ID numbers, which is sealed.",
                where=where,
            )
        number = case.revision + 1
        body = _case_body(case, households[case.household_id], order[case.id], state, _head(now, actor, number))
        one = FrozenObject(layout.case_key(case.id, number), "case_file", canonical.dumps(body) + b"\n")
        frozen.append(one)
        revised.append((case.id, number, one.sha256))
        case.state = dict(state)
        case.revision = number
        case.row_version += 1
    freeze(session, frozen, now=now)
    acts.case_files_revised(session, at=now, actor=actor, revisions=revised)


def revise_case(
    session: Session, *, archive: Archive, actor: ActorRef, case: CaseFile, state: Mapping[str, Any]
) -> int:
    """Give one case file a new state (see ``revise_cases``); returns the revision's number."""
    revise_cases(session, archive=archive, actor=actor, cases=[(case, state)])
    return case.revision


def revise_entity(
    session: Session,
    *,
    archive: Archive,
    actor: ActorRef,
    kind: str,
    entity_id: str,
    state: Mapping[str, Any],
    after: int = 0,
) -> int:
    """Freeze the whole state of something else that must survive; returns the revision's number, above ``after``.

    ``state`` holds column values of the entity's table by name (``repository.entities`` makes it and reads it back at
    a rebuild); secrets never belong in it.
    """
    now = archive.clock.now()
    first = layout.entity_key(kind, entity_id, 1)
    folder = first.rsplit("/", 1)[0] + "/"
    column = by_bytes(session, StoredObject.key)
    newest = session.scalar(
        select(StoredObject.key).where(column.between(folder, folder + "~")).order_by(column.desc()).limit(1)
    )
    number = 1 + max(after, (layout.parse(newest).number or 0) if newest else 0)
    body = {
        "format": ENTITY_FORMAT,
        "kind": kind,
        "id": entity_id,
        **_head(now, actor, number),
        "state": dict(state),
    }
    frozen = FrozenObject(layout.entity_key(kind, entity_id, number), "entity", canonical.dumps(body) + b"\n")
    freeze(session, [frozen], now=now)
    acts.entity_revised(
        session, at=now, actor=actor, kind=kind, entity_id=entity_id, revision=number, sha256=frozen.sha256
    )
    return number


def adopt_profile(session: Session, *, archive: Archive, actor: ActorRef) -> bool:
    """Preserve the files of the archive's profile version when it is used for the first time; true when it is.

    ``Conflict`` when this version was used before with other files: a changed profile takes a new version number.
    """
    profile, now = archive.profile, archive.clock.now()
    known = session.get(ProfileVersion, (profile.name, profile.version))
    if known is not None:
        if known.digest != profile.digest:
            raise Conflict(
                "profile.version_changed",
                zh=f"配置 {profile.label} 的文件与首次使用时不同。修改规则须使用新的版本号。",
                en=f"The files of profile {profile.label} differ from when it was first used. Changed rules need a new version number.",
                profile=profile.label,
            )
        return False
    frozen = [
        FrozenObject(layout.profile_key(profile.name, profile.version, file), "profile", data)
        for file, data in sorted(profile.files.items())
    ]
    freeze(session, frozen, now=now)
    session.add(ProfileVersion(name=profile.name, version=profile.version, digest=profile.digest, first_used_at=now))
    acts.profile_adopted(
        session, at=now, actor=actor, name=profile.name, version=profile.version, digest=profile.digest
    )
    return True
