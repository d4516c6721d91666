"""Texts made after accession: read from a replica, checked against the digest, kept beside the replicas.

It never touches what is preserved and never fails an accession: a file that cannot be read is ``failed``, one that has
no text is ``none`` or ``not_applicable``, and its record is found by its description all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

from ingest.extract.fetching import PLAIN_SCAN, Waiting, fetch, settle, waiting, work_folder
from ingest.extract.processes import BATCH, pool
from ingest.extract.reading import ExtractedText
from ingest.extract.text import extract_files, reader_for
from metadata.errors import Unavailable
from repository import leases, outbox
from repository.archive import Archive
from repository.derivatives import put_text
from repository.tables import StoredFile

log = logging.getLogger(__name__)

LEASE = "derive"
_LEASE_SECONDS = 20.0
_GROUP_FILES = 2 * BATCH
_GROUP_BYTES = 64 << 20
_FUNCTION = f"{extract_files.__module__}:{extract_files.__name__}"


def derive_pending(archive: Archive, limit: int = 50, *, soffice: str = "") -> int:
    """Make the text of files that wait for it, at most ``limit`` of them; gives how many files were settled.

    ``soffice`` is LibreOffice's program for old Word files. 0 when nothing waits, when another process is at it, or
    when no replica answers now.
    """
    holder = leases.holder_name("derive")
    if not _waiting(archive, 1):
        return 0
    if not leases.take(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
        return 0
    try:
        return _derive(archive, limit, holder, soffice)
    finally:
        leases.release(archive.sessions, LEASE, holder)


def _waiting(archive: Archive, limit: int) -> list[Waiting]:
    return waiting(archive, StoredFile.text_state == "pending", limit=limit)


def _derive(archive: Archive, limit: int, holder: str, soffice: str) -> int:
    found = _waiting(archive, max(limit, PLAIN_SCAN))
    plain = [one for one in found if one.size == 0 or reader_for(one.mime, one.puid, one.name) is None]
    if plain:
        with archive.sessions.begin() as session:
            settle(session, "text_state", {one.id: "not_applicable" for one in plain})
    settled = len(plain)
    passed_over = {one.id for one in plain}
    readable = [one for one in found if one.id not in passed_over][:limit]
    for group in _groups(readable):
        states = _derive_group(archive, group, soffice)
        changed = {one.record_id for one in group if states.get(one.id) == "done"}
        with archive.sessions.begin() as session:
            settle(session, "text_state", states)
            outbox.enqueue(session, outbox.RECORD, sorted(changed), archive.clock.now())
        settled += len(states)
        if not leases.renew(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
            break
    return settled


def _groups(found: Sequence[Waiting]) -> Iterator[list[Waiting]]:
    """Files to be fetched together: little enough for the disk, enough for the processes."""
    group: list[Waiting] = []
    size = 0
    for one in found:
        if group and (len(group) >= _GROUP_FILES or size + one.size > _GROUP_BYTES):
            yield group
            group, size = [], 0
        group.append(one)
        size += one.size
    if group:
        yield group


def _derive_group(archive: Archive, group: Sequence[Waiting], soffice: str) -> dict[str, str]:
    """States of those files of the group that are settled now; texts are on disk already."""
    with work_folder(archive.derivatives) as folder:
        states: dict[str, str] = {}
        fetched: list[tuple[Waiting, Path]] = []
        for one in group:
            target = folder / f"{len(fetched)}"
            try:
                fetched_now = fetch(archive, one, target)
            except Unavailable as error:
                log.warning("text of file %s waits: %s", one.id, error)
                continue
            if fetched_now:
                fetched.append((one, target))
            else:
                states[one.id] = "failed"
        items = [(str(target), one.mime, one.puid, one.name, soffice) for one, target in fetched]
        answers = pool().map(_FUNCTION, items) if items else iter(())
        for (one, _), (_, answer) in zip(fetched, answers, strict=True):
            states[one.id] = _keep(archive, one, answer)
    return states


def _keep(archive: Archive, one: Waiting, answer: object) -> str:
    if not isinstance(answer, ExtractedText):
        log.warning("text of file %s could not be read: %s", one.id, answer)
        return "failed"
    if answer.note:
        log.info("text of file %s: %s", one.id, answer.note)
    if answer.state == "done":
        put_text(
            archive.derivatives, one.record_id, one.version, one.position, answer.pages, answer.engine, answer.note
        )
    return answer.state
