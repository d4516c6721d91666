"""How the search index of a site is: whether it answers, what it does not show yet, and whose text is not read yet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from lantai.parts import Part, State
from metadata.errors import LantaiError
from repository.tables import Outbox, StoredFile

if TYPE_CHECKING:
    from lantai.site import Site

LATE = timedelta(minutes=2)
"""A worker brings a change into the index within a minute."""
MANY_UNREAD = 500
"""Files without their text from which on a search tells so: a worker reads as many within minutes."""
_COUNTED = 10_000


def index(site: Site) -> Part:
    """Whether the index answers, and by how much it is behind."""
    pending, oldest = _outbox(site)
    unread = _unread(site)
    now = site.archive.clock.now()
    try:
        condition = site.index.condition()
        engine = site.search_engine()
        try:
            count = engine.count()
        finally:
            engine.close()
    except LantaiError as error:
        zh = f"{error.zh}检索暂不可用；移交照常进行，有 {pending} 处变动等待编入，恢复后自动补上。"
        en = f"{error.en} Searching waits; deposits go on. Changes that wait: {pending}; they are caught up by themselves."
        return Part("index", State.DOWN, zh, en)
    if pending and oldest is not None and now - oldest > LATE:
        zh = f"检索落后 {pending} 处变动，正在补上。"
        en = f"Search is behind and catches up; changes that it does not show yet: {pending}."
        return Part("index", State.DEGRADED, zh, en, since=oldest, late=True)
    if condition.state != "ok":
        return Part("index", State.DEGRADED, condition.zh, condition.en)
    zh, en = f"{count} 条。", f"{count} entries."
    if pending:
        zh, en = f"{zh}{pending} 处新变动正在编入。", f"{en} New changes on their way: {pending}."
    if unread:
        counted = f"{unread:,}" if unread < _COUNTED else f"{unread:,}+"
        zh = f"{zh}还有 {counted} 个文件的文字待读取，读完之前只能按著录检索到。"
        en = f"{en} Files whose text is still to be read, found by their descriptions until then: {counted}."
    return Part("index", State.OK, zh, en, late=unread >= MANY_UNREAD)


def _unread(site: Site) -> int:
    """How many files wait for their text: after a large deposit, and all of them after a backup was restored."""
    waiting = select(StoredFile.id).where(StoredFile.text_state == "pending").limit(_COUNTED)
    try:
        with site.archive.reading() as session:
            return session.scalar(select(func.count()).select_from(waiting.subquery())) or 0
    except SQLAlchemyError:
        return 0


def _outbox(site: Site) -> tuple[int, datetime | None]:
    wanted = select(func.count(), func.min(Outbox.created_at)).where(Outbox.done_at.is_(None))
    try:
        with site.archive.reading() as session:
            pending, oldest = session.execute(wanted).one()
    except SQLAlchemyError:
        return 0, None
    return pending, oldest
