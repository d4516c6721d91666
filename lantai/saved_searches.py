"""Searches that a person keeps for herself: name and address, nobody else's business and never anybody's personal number."""

from __future__ import annotations

from urllib.parse import unquote_plus

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from metadata import personal_numbers
from metadata.errors import Conflict, Invalid, NotFound
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.archive import Archive
from repository.tables import SavedSearch

MOST = 100
LONGEST_NAME = 100
_LONGEST_QUERY = 4000


def mine(session: Session, actor: Actor) -> list[SavedSearch]:
    """The searches that ``actor`` keeps, newest first."""
    wanted = select(SavedSearch).where(SavedSearch.account_id == actor.id).order_by(SavedSearch.seq.desc()).limit(MOST)
    return list(session.scalars(wanted))


def keep(session: Session, *, archive: Archive, actor: Actor, name: str, query: str) -> SavedSearch:
    """Keep a search under a name; kept under the same name before, it says from now on what was asked last.

    ``query``: the fields of the search page's address. ``Invalid`` for a name or query that cannot be kept, a personal
    number among them; ``Conflict`` when there are as many as one may keep.
    """
    gate.require(actor, Permission.SEARCH, archive.profile)
    name = checked_name(name)
    _refuse_numbers(unquote_plus(query))
    if not query or len(query) > _LONGEST_QUERY:
        raise Invalid(
            "saved_search.query",
            zh="没有可以保存的检索。请先检索，再保存。",
            en="There is no search to keep. Search first, then keep it.",
        )
    found = session.scalars(
        select(SavedSearch).where(SavedSearch.account_id == actor.id, SavedSearch.name == name).limit(1)
    ).one_or_none()
    if found is not None:
        found.query = query
        return found
    count = session.scalar(select(func.count()).select_from(SavedSearch).where(SavedSearch.account_id == actor.id))
    if (count or 0) >= MOST:
        raise Conflict(
            "saved_search.too_many",
            zh=f"已保存 {MOST} 个检索，请先删除不用的。",
            en=f"You keep {MOST} searches already; delete some first.",
        )
    found = SavedSearch(id=new_id(), account_id=actor.id, name=name, query=query, created_at=archive.clock.now())
    session.add(found)
    session.flush()
    return found


def rename(session: Session, *, actor: Actor, search_id: str, name: str) -> SavedSearch:
    """Another name for a search of one's own; ``NotFound`` for anybody else's."""
    found = one(session, actor, search_id)
    found.name = checked_name(name)
    return found


def delete(session: Session, *, actor: Actor, search_id: str) -> SavedSearch:
    """Forget a search of one's own; ``NotFound`` for anybody else's."""
    found = one(session, actor, search_id)
    session.delete(found)
    return found


def one(session: Session, actor: Actor, search_id: str) -> SavedSearch:
    """A search of one's own, or ``NotFound``."""
    wanted = select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.account_id == actor.id)
    found = session.scalars(wanted).one_or_none()
    if found is None:
        raise NotFound(
            "saved_search.not_found",
            zh="您没有保存这个检索。请刷新列表。",
            en="You keep no such search. Reload the list.",
        )
    return found


def checked_name(name: str) -> str:
    """``name`` in one line; ``Invalid`` when it is empty, too long, or holds a personal number."""
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME:
        raise Invalid(
            "saved_search.name",
            zh=f"请为检索取一个 1 至 {LONGEST_NAME} 字的名称。",
            en=f"Give the search a name of 1 to {LONGEST_NAME} characters.",
        )
    _refuse_numbers(plain)
    return plain


def _refuse_numbers(text: str) -> None:
    """``Invalid`` when a personal number stands in ``text``: kept searches lie in the database as they are."""
    if next(iter(personal_numbers.find(personal_numbers.fold(text))), None) is not None:
        raise Invalid(
            "saved_search.number",
            zh="检索内容或名称含有身份证号、账号或电话，不能保存。请去掉号码后再保存。",
            en="An ID, bank or telephone number stands in the search or its name, so it cannot be kept. Leave the number out.",
        )
