"""Text of scans, made after accession by a job of its own from the pictures of pages.

Only pages that hold next to no text of their own are read, so that a PDF of typed and scanned pages gets each right.
Every page is kept as soon as it is read: a kill costs one page. The text is marked as recognised wherever it is shown,
with the mean confidence; it never enters a bag. Where the recogniser is not installed or switched off, files keep
waiting, so that they are read once it is there.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from functools import cache
from typing import Any, cast

from sqlalchemy import CursorResult, update

from ingest.extract.fetching import Waiting, settle, waiting
from ingest.extract.recognise import engine_name, installed, recognise
from ingest.pool import CheckPool
from repository import leases, outbox
from repository.archive import Archive
from repository.derivatives import (
    PageText,
    finish_recognition,
    get_image,
    get_pages,
    image_path,
    put_recognised_page,
    recognised_pages,
)
from repository.tables import StoredFile

log = logging.getLogger(__name__)

LEASE = "ocr"
LEAST_CHARACTERS = 8
"""A page with fewer characters of its own is read from its picture: page numbers and stamps are no text."""
_LEASE_SECONDS = 180.0
_PAGE_SECONDS = 120.0
_MEMORY = 4 << 30
_told_to_end = threading.Event()
_FUNCTION = f"{recognise.__module__}:{recognise.__name__}"


def reads_scans(setting: str) -> bool:
    """Whether scans are read: ``setting`` is ``settings.ocr`` (auto, on, off)."""
    return setting != "off" and installed()


def recognise_pending(archive: Archive, setting: str = "auto", *, seconds: float = 20.0, limit: int = 50) -> int:
    """Read scans that wait, for about ``seconds``; gives how many pages and files were done.

    0 when nothing waits that can be read now: the recogniser is missing or off, another process is at it, or pictures
    of pages are not made yet.
    """
    _told_to_end.clear()
    settled = _settle_without_pictures(archive)
    if not reads_scans(setting):
        if setting == "on":
            log.warning("scans wait to be read: the recogniser is not installed (make ocr)")
        return settled
    holder = leases.holder_name("ocr")
    if not _candidates(archive, 1):
        _close_pool()
        return settled
    if not leases.take(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
        return settled
    try:
        return settled + _recognise_some(archive, holder, time.monotonic() + seconds, limit)
    finally:
        leases.release(archive.sessions, LEASE, holder)


def interrupt() -> None:
    """Break off the page in hand, which is read again another time: for a process that is told to end."""
    _told_to_end.set()
    if _pool.cache_info().currsize:
        _pool().interrupt()


def _settle_without_pictures(archive: Archive) -> int:
    statement = (
        update(StoredFile)
        .where(
            StoredFile.ocr_state == "pending",
            StoredFile.text_state != "pending",
            StoredFile.image_state.in_(("none", "not_applicable", "failed")),
        )
        .values(ocr_state="not_applicable")
    )
    with archive.sessions.begin() as session:
        return cast("CursorResult[Any]", session.execute(statement)).rowcount


def _candidates(archive: Archive, limit: int) -> list[Waiting]:
    """Small files first, as everywhere in derivatives."""
    return waiting(
        archive,
        StoredFile.ocr_state == "pending",
        StoredFile.image_state == "done",
        StoredFile.text_state != "pending",
        limit=limit,
        order=StoredFile.size,
    )


def _recognise_some(archive: Archive, holder: str, until: float, limit: int) -> int:
    done = 0
    for one in _candidates(archive, limit):
        place = archive.derivatives, one.record_id, one.version, one.position
        wanted = _pages_without_text(archive, one)
        for number in [number for number in wanted if number not in recognised_pages(*place)]:
            page = _read_page(archive, one, number)
            if _told_to_end.is_set():
                return done
            put_recognised_page(*place, number, page, engine_name())
            done += 1
            if not leases.renew(archive.sessions, LEASE, holder, _LEASE_SECONDS, archive.clock):
                return done
            if time.monotonic() > until:
                return done
        done += _finish(archive, one, needed=bool(wanted))
        if time.monotonic() > until:
            break
    return done


def _pages_without_text(archive: Archive, one: Waiting) -> list[int]:
    known = get_pages(archive.derivatives, one.record_id, one.version, one.position)
    texts = [page.text for page in known.pages if not page.recognised] if known else []
    count = one.page_count or 0
    return [
        number
        for number in range(1, count + 1)
        if number > len(texts) or len("".join(texts[number - 1].split())) < LEAST_CHARACTERS
    ]


def _read_page(archive: Archive, one: Waiting, number: int) -> PageText:
    """The words on one page; none when it has no picture or cannot be read, so that it is not tried for ever."""
    place = archive.derivatives, one.record_id, one.version, one.position
    if get_image(*place, "page", number) is None:
        return PageText("", recognised=True)
    _, answer = next(_pool().map(_FUNCTION, [str(image_path(*place, "page", number))]))
    if isinstance(answer, PageText):
        return answer
    log.warning("page %d of file %s could not be recognised: %s", number, one.id, answer)
    return PageText("", recognised=True)


def _finish(archive: Archive, one: Waiting, *, needed: bool) -> int:
    """Settle the file. Its text counts as there from now on, and the search index follows."""
    words = needed and finish_recognition(archive.derivatives, one.record_id, one.version, one.position)
    state = "done" if words else "none" if needed else "not_applicable"
    with archive.sessions.begin() as session:
        settle(session, "ocr_state", {one.id: state})
        if words:
            session.execute(update(StoredFile).where(StoredFile.id == one.id).values(text_state="done"))
            outbox.enqueue(session, outbox.RECORD, [one.record_id], archive.clock.now())
    return 1


@cache
def _pool() -> CheckPool:
    """One process: reading takes seconds a page, and accession goes first."""
    made = CheckPool(1, memory_bytes=_MEMORY, seconds=_PAGE_SECONDS, batch=1)
    atexit.register(made.close)
    return made


def _close_pool() -> None:
    """Give the models' memory back when nothing waits."""
    if _pool.cache_info().currsize:
        _pool().close()
        _pool.cache_clear()
