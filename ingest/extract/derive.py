"""Texts made after accession: read from a replica, checked against the digest, kept beside the replicas.

It never touches what is preserved and never fails an accession: a file that cannot be read is ``failed``, one that has
no text is ``none`` or ``not_applicable``, and its record is found by its description all the same. Text is only ever
made from bytes that match the digest in the catalogue, from whichever replica has them.
"""

from __future__ import annotations

import atexit
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from ingest.extract.text import ExtractedText, extract_files, reader_for
from ingest.pool import CheckPool
from metadata.digests import MultiDigest
from metadata.errors import LantaiError, NotFound, Unavailable
from repository import leases, outbox
from repository.archive import Archive
from repository.derivatives import put_text
from repository.tables import RecordVersion, StoredFile

log = logging.getLogger(__name__)

LEASE = "derive"
_LEASE_SECONDS = 20.0
_GROUP_FILES = 16
_GROUP_BYTES = 64 << 20
_PLAIN_SCAN = 2_000
_SECONDS = 45.0
_MEMORY = 4 << 30
_CHUNK = 1 << 20
_ABANDONED_AFTER = 3600.0
_FUNCTION = f"{extract_files.__module__}:{extract_files.__name__}"
_WORK = "work-"


@dataclass(frozen=True, slots=True)
class _Pending:
    """A file whose text is to be made."""

    id: str
    record_id: str
    version: int
    position: int
    name: str
    mime: str | None
    puid: str | None
    object_key: str
    offset: int
    size: int
    digests: dict[str, str]


def derive_pending(archive: Archive, limit: int = 50) -> int:
    """Make the text of files that wait for it, at most ``limit`` of them; gives how many files were settled.

    0 when nothing waits, when another process is at it, or when no replica answers now.
    """
    holder = leases.holder_name("derive")
    if not _waiting(archive, 1):
        return 0
    if not leases.take(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
        return 0
    try:
        return _derive(archive, limit, holder)
    finally:
        leases.release(archive.sessions, LEASE, holder)


def _waiting(archive: Archive, limit: int) -> list[_Pending]:
    wanted = (
        select(
            StoredFile.id,
            StoredFile.record_id,
            StoredFile.version,
            StoredFile.position,
            StoredFile.original_name,
            StoredFile.mime,
            StoredFile.puid,
            RecordVersion.object_key,
            StoredFile.offset,
            StoredFile.size,
            StoredFile.digests,
        )
        .join(
            RecordVersion,
            (RecordVersion.record_id == StoredFile.record_id) & (RecordVersion.number == StoredFile.version),
        )
        .where(StoredFile.text_state == "pending")
        .limit(limit)
    )
    with archive.reading() as session:
        return [_Pending(*row) for row in session.execute(wanted)]


def _derive(archive: Archive, limit: int, holder: str) -> int:
    waiting = _waiting(archive, max(limit, _PLAIN_SCAN))
    plain = [one for one in waiting if one.size == 0 or reader_for(one.mime, one.puid, one.name) is None]
    if plain:
        with archive.sessions.begin() as session:
            _settle(session, {one.id: "not_applicable" for one in plain})
    settled = len(plain)
    passed_over = {one.id for one in plain}
    readable = [one for one in waiting if one.id not in passed_over][:limit]
    _sweep(archive.derivatives)
    for group in _groups(readable):
        states = _derive_group(archive, group)
        changed = {one.record_id for one in group if states.get(one.id) == "done"}
        with archive.sessions.begin() as session:
            _settle(session, states)
            outbox.enqueue(session, outbox.RECORD, sorted(changed), archive.clock.now())
        settled += len(states)
        if not leases.renew(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
            break
    return settled


def _groups(waiting: Sequence[_Pending]) -> Iterator[list[_Pending]]:
    """Files to be fetched together: little enough for the disk, enough for the processes."""
    group: list[_Pending] = []
    size = 0
    for one in waiting:
        if group and (len(group) >= _GROUP_FILES or size + one.size > _GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += one.size
    if group:
        yield group


def _derive_group(archive: Archive, group: Sequence[_Pending]) -> dict[str, str]:
    """States of those files of the group that are settled now; texts are on disk already."""
    archive.derivatives.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=archive.derivatives) as folder:
        states: dict[str, str] = {}
        fetched: list[tuple[_Pending, Path]] = []
        for one in group:
            target = Path(folder) / f"{len(fetched)}"
            try:
                fetched_now = _fetch(archive, one, target)
            except Unavailable as error:
                log.warning("text of file %s waits: %s", one.id, error)
                continue
            if fetched_now:
                fetched.append((one, target))
            else:
                states[one.id] = "failed"
        items = [(str(target), one.mime, one.puid, one.name) for one, target in fetched]
        answers = _pool().map(_FUNCTION, items) if items else iter(())
        for (one, _), (_, answer) in zip(fetched, answers, strict=True):
            states[one.id] = _keep(archive, one, answer)
    return states


def _keep(archive: Archive, one: _Pending, answer: object) -> str:
    if not isinstance(answer, ExtractedText):
        log.warning("text of file %s could not be read: %s", one.id, answer)
        return "failed"
    if answer.note:
        log.info("text of file %s: %s", one.id, answer.note)
    if answer.state == "done":
        put_text(archive.derivatives, one.record_id, one.version, one.position, answer.pages, answer.engine)
    return answer.state


def _fetch(archive: Archive, one: _Pending, target: Path) -> bool:
    """Write the file's bytes to ``target`` from the first replica whose bytes match the digest.

    False when every replica answered and none matches (the audit will say so); ``Unavailable`` when one did not answer
    and the others have no good copy.
    """
    silent: Unavailable | None = None
    for store in archive.replicas.stores:
        try:
            if _copy(store.read_range(one.object_key, one.offset, one.size), one, target):
                return True
            log.warning("replica %s holds other bytes than the catalogue says for %s", store.name, one.object_key)
        except NotFound:
            log.warning("replica %s lacks %s", store.name, one.object_key)
        except Unavailable as error:
            silent = error
        except LantaiError as error:
            log.warning("replica %s: %s", store.name, error)
    if silent is not None:
        raise silent
    return False


def _copy(chunks: Iterator[bytes], one: _Pending, target: Path) -> bool:
    algorithm = next((name for name in ("sha256", "sha512", "sm3") if name in one.digests), None)
    if algorithm is None:
        return False
    digest = MultiDigest([algorithm])
    with target.open("wb", buffering=_CHUNK) as out:
        for chunk in chunks:
            digest.update(chunk)
            out.write(chunk)
    return digest.size == one.size and digest.result()[algorithm] == one.digests[algorithm].lower()


def _settle(session: Session, states: dict[str, str]) -> None:
    """Set the states of files that still wait; one settled by another process meanwhile stays as it is."""
    for state in sorted(set(states.values())):
        ids = [file_id for file_id, one in states.items() if one == state]
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            session.execute(
                update(StoredFile)
                .where(StoredFile.id.in_(some), StoredFile.text_state == "pending")
                .values(text_state=state)
            )


@cache
def _pool() -> CheckPool:
    """Two standing processes that parse foreign bytes, ended with this one."""
    pool = CheckPool(2, memory_bytes=_MEMORY, seconds=_SECONDS, batch=_GROUP_FILES // 2)
    atexit.register(pool.close)
    return pool


def _sweep(derivatives: Path) -> None:
    """Remove what a killed process left of fetched files."""
    for folder in derivatives.glob(f"{_WORK}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)
