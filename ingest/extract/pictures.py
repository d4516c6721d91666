"""Pictures of pages, made after accession by a job of its own: page by page, so that a kill costs a few pages.

Small files come first: a scan of 300 pages keeps nobody waiting. A page that cannot be shown is kept as an empty
picture, which says so and is not tried again; the file is ``done`` all the same, unless none of its pages can be.
"""

from __future__ import annotations

import logging
import time
from pathlib import Path

from sqlalchemy import update

from ingest.extract.fetching import PLAIN_SCAN, Waiting, fetch, settle, waiting, work_folder
from ingest.extract.processes import BATCH, pool
from ingest.extract.render import Rendered, count_pages, picturable, render_pages
from ingest.pool import Failed
from metadata.errors import Unavailable
from metadata.formats import OFD_MIME, OFD_PUID
from repository import leases
from repository.archive import Archive
from repository.derivatives import image_path, pictured_pages, put_image
from repository.tables import StoredFile

log = logging.getLogger(__name__)

LEASE = "images"
_LEASE_SECONDS = 120.0
_MOST_BYTES = 2 << 30
_CHUNK = 2 * BATCH
_COUNT = f"{count_pages.__module__}:{count_pages.__name__}"
_RENDER = f"{render_pages.__module__}:{render_pages.__name__}"
_NOTHING = Rendered(b"", b"")


def picture_pending(archive: Archive, *, seconds: float = 10.0, limit: int = 50) -> int:
    """Make pictures of pages of files that wait, for about ``seconds``; gives how many pages and files were done.

    A file's text is read before its pictures are made. 0 when nothing waits, when another process is at it, or when no
    replica answers now.
    """
    holder = leases.holder_name("images")
    if not waiting(archive, StoredFile.image_state == "pending", limit=1):
        return 0
    if not leases.take(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
        return 0
    try:
        return _settle_others(archive) + _picture_some(archive, _Turn(archive, holder, seconds), limit)
    finally:
        leases.release(archive.sessions, LEASE, holder)


class _Turn:
    """How long this call may go on: until its time is over or the lease is lost."""

    def __init__(self, archive: Archive, holder: str, seconds: float) -> None:
        self._archive = archive
        self._holder = holder
        self._until = time.monotonic() + seconds

    def goes_on(self) -> bool:
        """Prolong the lease; false when it is time to let others in."""
        archive = self._archive
        held = leases.renew(archive.sessions, LEASE, self._holder, _LEASE_SECONDS, archive.clock)
        return held and time.monotonic() < self._until


def _settle_others(archive: Archive) -> int:
    """Files of which there is nothing to picture. OFD could be, but nothing here draws it: ``none``."""
    states = {}
    for one in waiting(archive, StoredFile.image_state == "pending", limit=PLAIN_SCAN):
        if one.puid == OFD_PUID or one.mime == OFD_MIME:
            states[one.id] = "none"
        elif one.size == 0 or one.size > _MOST_BYTES or not picturable(one.mime):
            states[one.id] = "not_applicable"
    if states:
        with archive.sessions.begin() as session:
            settle(session, "image_state", states)
    return len(states)


def _picture_some(archive: Archive, turn: _Turn, limit: int) -> int:
    done = 0
    candidates = waiting(
        archive,
        StoredFile.image_state == "pending",
        StoredFile.text_state != "pending",
        limit=limit,
        order=StoredFile.size,
    )
    for one in candidates:
        if not picturable(one.mime):
            continue
        try:
            with work_folder(archive.derivatives) as folder:
                done += _picture(archive, turn, one, folder / "0")
        except Unavailable as error:
            log.warning("pictures of file %s wait: %s", one.id, error)
        if not turn.goes_on():
            break
    return done


def _picture(archive: Archive, turn: _Turn, one: Waiting, target: Path) -> int:
    """Pages and files done: the file is settled unless time ran out between its pages."""
    if not fetch(archive, one, target):
        return _settled(archive, one, "failed")
    kind = picturable(one.mime)
    _, count = next(pool().map(_COUNT, [(str(target), kind, 0)]))
    if isinstance(count, Failed) or count < 1:
        log.warning("pictures of file %s cannot be made: %s", one.id, count)
        return _settled(archive, one, "failed")
    with archive.sessions.begin() as session:
        session.execute(update(StoredFile).where(StoredFile.id == one.id).values(page_count=count))
    kept = pictured_pages(archive.derivatives, one.record_id, one.version, one.position)
    missing = [number for number in range(1, count + 1) if number not in kept]
    made = 0
    for start in range(0, len(missing), _CHUNK):
        if start and not turn.goes_on():
            return made
        items = [(str(target), kind, number) for number in missing[start : start + _CHUNK]]
        for (_, _, number), answer in pool().map(_RENDER, items):
            _keep(archive, one, number, answer)
            made += 1
    return made + _settled(archive, one, "done" if _any(archive, one, count) else "failed")


def _keep(archive: Archive, one: Waiting, number: int, answer: Rendered | Failed) -> None:
    if isinstance(answer, Failed):
        log.warning("page %d of file %s cannot be shown: %s", number, one.id, answer.reason)
        answer = _NOTHING
    place = archive.derivatives, one.record_id, one.version, one.position
    put_image(*place, "thumb", number, answer.thumb)
    put_image(*place, "page", number, answer.page)


def _any(archive: Archive, one: Waiting, count: int) -> bool:
    root = archive.derivatives
    paths = (
        image_path(root, one.record_id, one.version, one.position, "page", number) for number in range(1, count + 1)
    )
    return any(path.exists() and path.stat().st_size for path in paths)


def _settled(archive: Archive, one: Waiting, state: str) -> int:
    with archive.sessions.begin() as session:
        settle(session, "image_state", {one.id: state})
    return 1
