"""Holding the catalogue's own copy of the ledger against its sealed blocks.

Pages and the use register read rows of the database. Whoever can write there could change a row and leave every block
alone, so a verification of the whole site compares both: each sealed line with its row, each row with the blocks, and
the last block of each replica with the last one that this replica confirmed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from repository.archive import Archive
from repository.clock import stamp
from repository.ledger.block import split
from repository.ledger.problems import Problem, problem
from repository.ledger.verify import LedgerReport, verify_keys
from repository.storage import layout
from repository.tables import LedgerBlock, LedgerEntry, LedgerPending, ReplicaObject

_BATCH = 500
_SUBJECTS = ("record_id", "case_file_id", "submission_id", "request_id", "form", "account_id")


def verify_catalogue(session: Session, archive: Archive) -> LedgerReport:
    """Verify the catalogue's blocks as if they lay in a folder, then its rows against them; names what was altered."""
    keys = list(session.scalars(select(LedgerBlock.key)))
    documents = {layout.ledger_key_key(key_id): data for key_id, data in archive.keys.key_documents(archive.holding_id)}

    def read(key: str) -> bytes:
        if key in documents:
            return documents[key]
        return session.scalars(select(LedgerBlock.body).where(LedgerBlock.key == key)).one()

    if keys:
        report = verify_keys([*keys, *documents], read, [archive.keys.public_bytes()], "catalogue")
    else:
        report = LedgerReport(0, 0, {}, 0, ())
    problems = list(report.problems)
    for key in sorted(keys):
        place = layout.parse(key)
        lines = split(read(key))[1]
        problems.extend(_altered(session, lines, stream=str(place.name), number=place.number or 0, key=key))
    waiting = session.scalar(select(func.count()).select_from(LedgerPending)) or 0
    rows = session.scalar(select(func.count()).select_from(LedgerEntry)) or 0
    lost = sum(one.code == "ledger.catalogue_entry_removed" for one in problems)
    extra = rows + lost - report.entries - waiting
    if extra > 0:
        problems.append(problem("ledger.catalogue_entry_inserted", count=extra))
    return replace(report, problems=tuple(problems))


def _altered(session: Session, lines: list[bytes], *, stream: str, number: int, key: str) -> Iterator[Problem]:
    for start in range(0, len(lines), _BATCH):
        part = list(_readable(lines[start : start + _BATCH]))
        found = {
            row.id: row
            for row in session.execute(
                select(
                    LedgerEntry.id,
                    LedgerEntry.stream,
                    LedgerEntry.at,
                    LedgerEntry.act,
                    LedgerEntry.actor_id,
                    LedgerEntry.organ_id,
                    LedgerEntry.record_id,
                    LedgerEntry.case_file_id,
                    LedgerEntry.submission_id,
                    LedgerEntry.request_id,
                    LedgerEntry.form,
                    LedgerEntry.account_id,
                    LedgerEntry.body,
                ).where(LedgerEntry.id.in_([entry["id"] for _, entry in part]))
            )
        }
        for position, (line, entry) in enumerate(part, start=start + 1):
            row = found.get(entry["id"])
            if row is None:
                code = "ledger.catalogue_entry_removed"
            elif row.body.encode() != line or _columns(row) != _told(entry):
                code = "ledger.catalogue_entry_altered"
            else:
                continue
            yield problem(code, stream=stream, block=number, entry=position, entry_id=entry["id"], key=key)


def _readable(lines: list[bytes]) -> Iterator[tuple[bytes, dict[str, Any]]]:
    """Lines with their entries; one that is no entry was named when the block itself was verified."""
    for line in lines:
        try:
            entry = json.loads(line)
            known = bool(entry["id"]) and bool(_told(entry))
        except (ValueError, KeyError, TypeError, AttributeError):
            known = False
        if known:
            yield line, entry


def _columns(row: Any) -> tuple[object, ...]:
    subjects = (getattr(row, name) for name in _SUBJECTS)
    return (row.stream, stamp(row.at), row.act, row.actor_id, row.organ_id, *subjects)


def _told(entry: dict[str, Any]) -> tuple[object, ...]:
    actor = entry["actor"]
    subjects = (entry.get(name) for name in _SUBJECTS)
    return (entry["stream"], entry["at"], entry["act"], actor["id"], actor["organ"], *subjects)


def tail_missing(session: Session, replica: str, report: LedgerReport) -> Iterator[Problem]:
    """Blocks at the end that ``replica`` confirmed once and no longer shows: a cut that no checkpoint covers yet."""
    confirmed = session.execute(
        select(LedgerBlock.stream, func.max(LedgerBlock.number))
        .join(ReplicaObject, ReplicaObject.key == LedgerBlock.key)
        .where(ReplicaObject.replica == replica, ReplicaObject.written_at.is_not(None))
        .group_by(LedgerBlock.stream)
    ).tuples()
    for stream, last in confirmed:
        shown = report.heads[stream].number if stream in report.heads else 0
        if shown < last:
            yield problem("ledger.tail_missing", stream=stream, block=shown + 1, key=replica, last=last)
