"""Rows for every object: what each replica was seen to hold, and what it still has to get."""

from __future__ import annotations

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from metadata.errors import LantaiError
from repository.clock import Clock
from repository.objects import in_use
from repository.rebuild.report import RebuildReport
from repository.rebuild.sources import Sources
from repository.storage import layout
from repository.tables import ReplicaObject, StoredObject

_BATCH = 1000


def restore_objects(
    session: Session, sources: Sources, clock: Clock, report: RebuildReport, *, destroyed: set[str]
) -> None:
    """Insert the rows of every object that is taken over.

    A replica that lists the object has it, unchecked until its first audit; one that does not is caught up later.
    Evidence belongs to the replica where it lies and to no other.
    """
    now = clock.now()
    names = in_use(session)
    objects: list[dict[str, Any]] = []
    copies: list[dict[str, Any]] = []
    for key, info in sources.keys():  # noqa: SIM118 - not a mapping
        owner = info.record_id or info.subject_id
        if info.kind == "unknown":
            report.unknown.append(key)
            continue
        if info.kind in {"bag", "description", "case_file"} and owner in destroyed:
            continue
        try:
            sha256 = sources.sha256(key)
        except LantaiError as error:
            report.fault(key, error)
            continue
        objects.append(
            {
                "key": key,
                "kind": info.kind,
                "record_id": info.record_id,
                "sha256": sha256,
                "size": sources.size(key),
                "created_at": now,
            }
        )
        report.counts["objects"] += 1
        for name in names:
            held = key in sources.listings.get(name, {})
            if held or info.kind != "evidence":
                copies.append({"replica": name, "key": key, "written_at": now if held else None})
        if len(objects) >= _BATCH:
            _flush(session, objects, copies)
    _flush(session, objects, copies)
    report.missing = sorted(
        key for key in sources.digests if not sources.holders(key) and layout.parse(key).record_id not in destroyed
    )


def _owners(info: layout.KeyInfo) -> set[str | None]:
    return {info.record_id, info.subject_id}


def _flush(session: Session, objects: list[dict[str, Any]], copies: list[dict[str, Any]]) -> None:
    if objects:
        session.execute(insert(StoredObject), objects)
        session.execute(insert(ReplicaObject), copies)
    objects.clear()
    copies.clear()
