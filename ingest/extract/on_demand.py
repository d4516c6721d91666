"""Pictures of pages for somebody who waits: made at once, before the job that pictures everything gets to them.

Whoever turns to another page waits no longer for the last one: what has not begun is dropped when a newer page is asked
for by the same person, or when nobody waits for it any more. Pages in view go before thumbs, newer before older. What
was made is kept as the job would keep it. Foreign bytes are parsed in limited processes of their own.
"""

from __future__ import annotations

import atexit
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import update

from ingest.extract.fetching import Waiting
from ingest.extract.open_files import OpenFiles
from ingest.extract.render import Needed, PartItem, Rendered, picturable, render_now
from ingest.pool import CheckPool, Failed
from metadata.errors import LantaiError
from repository.archive import Archive
from repository.derivatives import put_image
from repository.tables import StoredFile

log = logging.getLogger(__name__)

_FUNCTION = f"{render_now.__module__}:{render_now.__name__}"
_PROCESSES = 2
_SECONDS = 30.0
_MEMORY = 4 << 30
_MOST_BYTES = 2 << 30
_TURNS = 6
_MOST_WAITING = 200


@dataclass(frozen=True, slots=True)
class Shown:
    """The pictures of a page and how many pages its file has."""

    rendered: Rendered
    pages: int


Answer = Shown | Failed
"""``Failed.reason``: ``time``, ``memory``, ``killed``, ``no_copy``, ``dropped``, ``busy``, or the parser's error."""


@dataclass(eq=False)
class Ticket:
    """Somebody's waiting for a page."""

    file: Waiting
    number: int
    thumb: bool
    asker: str
    future: Future[Answer] = field(default_factory=Future)
    waiting: int = 1
    begun: bool = False
    order: int = 0

    @property
    def key(self) -> tuple[str, int]:
        """The page meant."""
        return self.file.id, self.number


class Renders:
    """The pages asked for, and the processes that draw them; they start when the first page is asked for."""

    def __init__(self, archive: Archive, *, processes: int = _PROCESSES) -> None:
        self._archive = archive
        self._processes = processes
        self._changed = threading.Condition()
        self._queue: list[Ticket] = []
        self._running: dict[tuple[str, int], Ticket] = {}
        self._asked = 0
        self._closed = False
        self._pool: CheckPool | None = None
        self._files = OpenFiles(archive)

    def ask(self, file: Waiting, number: int, *, asker: str, thumb: bool = False) -> Ticket:
        """Ask for a page; end the waiting with ``leave`` when its answer is not wanted any more.

        ``asker`` names the person: a page in view that she asked for before, and that has not begun, is dropped.
        """
        with self._changed:
            self._asked += 1
            known = self._running.get((file.id, number)) or self._queued((file.id, number))
            if known is not None:
                known.waiting += 1
                known.thumb = known.thumb and thumb
                known.order = self._asked
                return known
            made = Ticket(file, number, thumb, asker, order=self._asked)
            if not picturable(file.mime) or not 0 < file.size <= _MOST_BYTES:
                made.future.set_result(Failed("kind"))
                return made
            if len(self._queue) >= _MOST_WAITING or self._closed:
                made.future.set_result(Failed("busy"))
                return made
            if not thumb:
                self._drop([one for one in self._queue if one.asker == asker and not one.thumb and one.waiting <= 1])
            self._queue.append(made)
            self._start()
            self._changed.notify()
            return made

    def leave(self, ticket: Ticket) -> None:
        """Wait no longer; a page that nobody waits for and that has not begun is not drawn."""
        with self._changed:
            ticket.waiting -= 1
            if ticket.waiting <= 0 and not ticket.begun and ticket in self._queue:
                self._drop([ticket])

    def now(self, file: Waiting, number: int, *, asker: str, seconds: float) -> Answer | None:
        """The page, waited for at most ``seconds``; None when it takes longer (it is still made)."""
        ticket = self.ask(file, number, asker=asker)
        try:
            return ticket.future.result(seconds)
        except TimeoutError:
            return None

    def close(self) -> None:
        """End the processes; what waits is dropped."""
        with self._changed:
            self._closed = True
            self._drop(list(self._queue))
            self._changed.notify_all()
        if self._pool is not None:
            self._pool.interrupt()
            self._pool.close()
        self._files.close()

    def _queued(self, key: tuple[str, int]) -> Ticket | None:
        return next((one for one in self._queue if one.key == key), None)

    def _drop(self, tickets: Sequence[Ticket]) -> None:
        for one in tickets:
            self._queue.remove(one)
            one.future.set_result(Failed("dropped"))

    def _start(self) -> None:
        if self._pool is not None:
            return
        self._pool = CheckPool(self._processes, memory_bytes=_MEMORY, seconds=_SECONDS, batch=1)
        atexit.register(self.close)
        for number in range(self._processes):
            threading.Thread(target=self._work, name=f"pages-{number}", daemon=True).start()

    def _work(self) -> None:
        while True:
            with self._changed:
                while not self._queue and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                ticket = min(self._queue, key=lambda one: (one.thumb, -one.order))
                self._queue.remove(ticket)
                self._running[ticket.key] = ticket
                ticket.begun = True
            answer: Answer = Failed("error")
            try:
                answer = self._draw(ticket.file, ticket.number)
            except LantaiError as error:
                log.warning("page %d of file %s waits: %s", ticket.number, ticket.file.id, error.code)
                answer = Failed("no_copy")
            except Exception:  # a thread that ends would leave people waiting
                log.exception("page %d of file %s", ticket.number, ticket.file.id)
            finally:
                with self._changed:
                    self._running.pop(ticket.key, None)
                ticket.future.set_result(answer)
            if isinstance(answer, Shown):
                self._keep(ticket.file, ticket.number, answer)

    def _draw(self, file: Waiting, number: int) -> Answer:
        assert self._pool is not None
        kind, wanted = picturable(file.mime), frozenset[int]()
        answer: Any = Failed("no_copy")
        for turn in range(_TURNS):
            whole = (
                kind != "pdf" or turn == _TURNS - 1
            )  # a PDF says where its pages lie, other formats are walked through
            local = self._files.local(file, None if whole else wanted)
            if local is None:
                return Failed("no_copy")
            item: PartItem = (str(local.path), kind, number, local.present, file.size)
            _, answer = next(self._pool.map(_FUNCTION, [item]))
            if isinstance(answer, Needed):
                wanted |= answer.chunks
            elif answer != Failed("FileNotFoundError"):
                break
        if isinstance(answer, Needed):
            answer = Failed("parts")
        if isinstance(answer, Failed):
            log.warning("page %d of file %s cannot be shown: %s", number, file.id, answer.reason)
            return answer
        rendered, pages = answer
        return Shown(rendered, pages)

    def _keep(self, file: Waiting, number: int, shown: Shown) -> None:
        """Keep what was made; a full disk costs the next reader time and nobody the page."""
        place = self._archive.derivatives, file.record_id, file.version, file.position
        try:
            put_image(*place, "thumb", number, shown.rendered.thumb)
            put_image(*place, "page", number, shown.rendered.page)
            if file.page_count is None:
                unknown = (StoredFile.id == file.id) & StoredFile.page_count.is_(None)
                with self._archive.sessions.begin() as session:
                    session.execute(update(StoredFile).where(unknown).values(page_count=shown.pages))
        except Exception:  # noqa: BLE001  whatever the database or the disk says
            log.warning("page %d of file %s was shown and could not be kept", number, file.id)
