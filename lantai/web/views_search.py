"""Read models of the search page: hits and why they were found, facets, chosen filters, and what to try when nothing is."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import QueryParams

from access import gate
from lantai import i18n
from lantai.i18n import N_
from lantai.result_lists import KINDS
from lantai.web import labels
from lantai.web.display import masked
from lantai.web.rendering import query
from lantai.web.searching import Asked
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import Organ, SavedSearch, StoredFile
from search.highlight import parts
from search.service import FACETS, Counts, SearchPage

_SHOWN = 8
_MOST_DROPPED = 4
_PLAIN_WORDS = re.compile(r"[^\s\"“”「」『』()（）:：*|&！!<>=-]+(?:\s+[^\s\"“”「」『』()（）:：*|&！!<>=-]+)+\Z")
_ORDERS = (
    ("relevance", N_("Best match")),
    ("date", N_("Document date")),
    ("newest", N_("Latest taken in")),
    ("code", N_("Archival code")),
)
_NAMES = {
    "kind": N_("Kind"),
    "programme": N_("Programme"),
    "organ": N_("Organ"),
    "year": N_("Year"),
    "type": N_("Document type"),
    "level": N_("Access level"),
    "format": N_("Format"),
}
_WHY = {
    "title": N_("In the title"),
    "note": N_("In the note"),
    "file_name": N_("In the name of a file"),
    "household": N_("Household number"),
    "code": N_("Archival code or document number"),
    "number": N_("Personal number"),
    "description": N_("In the description or the name of a file"),
}
_EXAMPLES = (
    (N_("zhang income"), N_("both words, anywhere: title, description, names of files, every page of text")),
    (N_('"monthly income"'), N_("these words in a row")),
    (N_("name:zhangwei"), N_("who bears the name; pinyin and initials are enough: zhangwei, zw")),
    (N_("household:990101001001"), N_("household number, whole, its beginning or its end")),
    (N_("code:X043-2021*"), N_("archival code or document number; * for its beginning")),
    (N_("type:APP01 year:2024"), N_("type of document, year")),
    (N_("date:2024-01..2024-06"), N_("from January to June; also >=2024-03-01")),
    (N_("income OR pension"), N_("either word")),
    (N_("income -pension"), N_("the first without the second")),
    ("*", N_("everything that you may see")),
)


@dataclass(frozen=True, slots=True)
class HitView:
    """One hit. ``title`` and ``snippet`` are runs of text, marked or not; ``picture`` the address of a thumb."""

    title: list[tuple[bool, str]]
    href: str
    kind: str
    where: list[str]
    household_no: str
    level: str
    snippet: list[tuple[bool, str]]
    file_name: str
    why: list[str]
    picture: str
    page: int | None


@dataclass(frozen=True, slots=True)
class FacetValue:
    """A value, how many hits have it, and the search with it chosen or no longer chosen."""

    words: str
    count: int
    href: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """An attribute with its values: those shown at once, and the others."""

    code: str
    name: str
    values: list[FacetValue]
    others: list[FacetValue]


@dataclass(frozen=True, slots=True)
class Link:
    """Words that lead somewhere; ``here`` when one stands there already."""

    words: str
    href: str
    here: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """What was found: the hits of this page, numbered ``first`` to ``last`` of ``total``."""

    total: int
    first: int
    last: int
    hits: list[HitView]
    facets: list[Facet]
    chips: list[Link]
    meant: list[Link]
    fewer: list[Link]
    unfiltered: str
    any_period: str
    ask: str
    to_first: str
    following: str
    files: list[Link]


def result(session: Session, visit: Visit, asked: Asked, found: SearchPage) -> Result:
    """The page of ``found`` in the person's words."""
    words = _Words(session, visit, asked, found)
    pictured = _pictured(session, visit, found.hits)
    last = asked.passed + len(found.hits)
    following = ""
    if found.next is not None:
        following = _at(asked, found.next, last).address()
    return Result(
        total=found.total,
        first=asked.passed + 1 if found.hits else 0,
        last=last,
        hits=[_hit(visit, one, asked, pictured) for one in found.hits],
        facets=[one for one in (words.facet(name, found.facets.get(name, ())) for name in FACETS) if one],
        chips=words.chips(),
        meant=[Link(one, asked.first(text=one).address()) for one in found.suggestions],
        fewer=[] if found.hits else [Link(one, asked.first(text=one).address()) for one in _fewer(asked.text)],
        unfiltered=asked.first(filters={}, since="", until="").address() if asked.narrowed else "",
        any_period=asked.first(since="", until="").address() if asked.since or asked.until else "",
        ask="/requests/new" + query({}, q=asked.text) if visit.may("request.file") else "",
        to_first=asked.first().address() if asked.after else "",
        following=following,
        files=[Link(one.upper(), asked.first().address(f"/search.{one}")) for one in ("xlsx", "csv")],
    )


def _at(asked: Asked, after: str, passed: int) -> Asked:
    return Asked(asked.text, asked.sort, asked.filters, asked.since, asked.until, after, passed)


def _fewer(text: str) -> list[str]:
    """The query with one word left out, for plain words only; what is joined by operators is the person's own logic."""
    if not _PLAIN_WORDS.match(text):
        return []
    words = text.split()
    if len(words) > _MOST_DROPPED or set(words) & {"AND", "OR", "NOT"}:
        return []
    return list(dict.fromkeys(" ".join(words[:at] + words[at + 1 :]) for at in reversed(range(len(words)))))


# --- hits -------------------------------------------------------------------------------------------------------------


def _pictured(session: Session, visit: Visit, hits: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Files of hits that have pictures of their pages -> number of pages, for who may see numbers as they are."""
    records = [hit["record_id"] for hit in hits if hit["file_id"]]
    profile = visit.site.archive.profile
    clear = gate.records_by_id(session, visit.person, records, profile, permission=Permission.UNMASK)
    ids = [hit["file_id"] for hit in hits if hit["file_id"] and hit["record_id"] in clear]
    wanted = select(StoredFile.id, StoredFile.page_count).where(
        StoredFile.id.in_(ids), StoredFile.image_state == "done", StoredFile.page_count.is_not(None)
    )
    return {one: count for one, count in session.execute(wanted).tuples() if count}


def _hit(visit: Visit, hit: Mapping[str, Any], asked: Asked, pictured: Mapping[str, int]) -> HitView:
    """A hit as the page shows it; its address opens the page on which the words stand, marked."""
    _ = i18n.translations(visit.language).gettext
    profile = visit.site.archive.profile
    kind = profile.document_types.get(hit["document_type"] or "")
    programme = profile.programmes.get(hit["programme"] or "")
    where = [
        labels.term(visit.language, kind) if kind else hit["document_type"],
        labels.term(visit.language, programme) if programme else hit["programme"],
        hit["date"] or (hit["year"] and str(hit["year"])),
    ]
    file_id, leaf = hit["file_id"], hit["page"] or 1
    if hit["kind"] == "household":
        href = f"/case-files/{hit['case_file_id']}"
    elif file_id:
        words = "" if asked.text.strip("*＊ ") == "" else asked.text
        href = f"/files/{file_id}" + query({}, page=hit["page"], q=words)
    else:
        href = f"/records/{hit['record_id']}"
    return HitView(
        title=parts(hit["title"], [(begin, end) for begin, end in hit["title_highlights"]]),
        href=href,
        kind=hit["kind"],
        where=[str(part) for part in where if part],
        household_no=hit["household_no"] or "",
        level=hit["access_level"] if hit["access_level"] == "restricted" else "",
        snippet=parts(hit["snippet"], [(begin, end) for begin, end in hit["highlights"]]) if hit["snippet"] else [],
        file_name=(hit["path"] or "").replace("\\", "/").rsplit("/", 1)[-1],
        why=_why(visit, hit, asked),
        picture=f"/files/{file_id}/pages/{leaf}.webp?size=thumb" if leaf <= pictured.get(file_id or "", 0) else "",
        page=hit["page"],
    )


def _why(visit: Visit, hit: Mapping[str, Any], asked: Asked) -> list[str]:
    """Where the words stand, in words, each once."""
    _ = i18n.translations(visit.language).gettext
    if not asked.text.strip("*＊ "):
        return []
    told = []
    for why in hit["why"]:
        place = why["at"]
        if place == "text":
            told.append(_("Text of page %(page)s") % {"page": why["page"]})
        elif place == "name":
            told.append(_("Name %(name)s") % {"name": masked(why["name"])})
        elif place == "pinyin":
            told.append(_("Pinyin of %(name)s") % {"name": masked(why["name"])})
        elif place in _WHY:
            told.append(_(_WHY[place]))
    return list(dict.fromkeys(told))


# --- facets -----------------------------------------------------------------------------------------------------------


class _Words:
    """Values of attributes in words."""

    def __init__(self, session: Session, visit: Visit, asked: Asked, found: SearchPage) -> None:
        self._visit = visit
        self._asked = asked
        self._translated = i18n.translations(visit.language)
        ids = {value for value, _ in found.facets.get("organ", ())}
        organs = session.scalars(select(Organ).where(Organ.id.in_(ids)))
        self._organs = {one.id: labels.term(visit.language, one) for one in organs}

    def _word(self, name: str, value: str) -> str:
        _ = self._translated.gettext
        profile = self._visit.site.archive.profile
        if name == "kind":
            return _(KINDS[value]) if value in KINDS else value
        if name == "level":
            return labels.label(self._translated, value, "access_level")
        if name == "format":
            return _("Other") if value == "other" else value.upper()
        if name == "organ":
            return self._organs.get(value, _("Another organ"))
        coded: dict[str, Mapping[str, Any]] = {"programme": profile.programmes, "type": profile.document_types}
        known = coded.get(name, {}).get(value)
        return labels.term(self._visit.language, known) if known else value

    def facet(self, name: str, counts: Counts) -> Facet | None:
        """One attribute; none when no hit has it. Years stand latest first, others most frequent first."""
        _ = self._translated.gettext
        chosen = self._asked.filters.get(name, ())
        if not counts:
            return None
        ordered = sorted(counts, reverse=True) if name == "year" else counts
        values = [
            FacetValue(self._word(name, value), count, self._asked.toggled(name, value).address(), value in chosen)
            for value, count in ordered
            if value
        ]
        values.sort(key=lambda one: not one.chosen)
        cut = _SHOWN if len(values) > _SHOWN + 1 else len(values)
        return Facet(name, _(_NAMES[name]), values[:cut], values[cut:]) if values else None

    def chips(self) -> list[Link]:
        """The chosen filters, each with the search without it."""
        _ = self._translated.gettext
        made = [
            Link(f"{_(_NAMES[name])}: {self._word(name, value)}", self._asked.toggled(name, value).address())
            for name, values in self._asked.filters.items()
            for value in values
        ]
        since, until = self._asked.since, self._asked.until
        if since or until:
            without = self._asked.first(since="", until="").address()
            made.append(Link(f"{_('Document date')}: {since or '…'} – {until or '…'}", without))
        return made


@dataclass(frozen=True, slots=True)
class SavedView:
    """A search that the person keeps; ``here``: it is the one on the page."""

    id: str
    name: str
    href: str
    words: str
    here: bool


def kept_query(asked: Asked) -> str:
    """What is kept of a search: all but the place in its list."""
    return asked.first().address("").removeprefix("?")


def saved(found: Sequence[SavedSearch], asked: Asked) -> list[SavedView]:
    """The searches kept, each with its address and the words that it looks for."""
    here = kept_query(asked)
    return [
        SavedView(
            one.id,
            one.name,
            f"/search?{one.query}",
            masked(Asked.read(QueryParams(one.query)).text),
            here == one.query and bool(asked.text),
        )
        for one in found
    ]


def orders(visit: Visit, asked: Asked) -> list[Link]:
    """The orders there are."""
    _ = i18n.translations(visit.language).gettext
    return [Link(_(words), asked.first(sort=code).address(), code == asked.sort) for code, words in _ORDERS]


def periods(visit: Visit, asked: Asked) -> list[Link]:
    """Periods that are often asked for, reckoned from today in the bureau's zone."""
    _ = i18n.translations(visit.language).gettext
    today = local_date(visit.site.archive.clock.now(), visit.site.archive.zone)
    spans: list[tuple[str, date, date | None]] = [
        (_("Last 30 days"), today - timedelta(days=30), None),
        (_("This year"), date(today.year, 1, 1), None),
        (_("Last year"), date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
        (_("Last five years"), date(today.year - 4, 1, 1), None),
    ]
    made = []
    for words, first, last in spans:
        since, until = first.isoformat(), last.isoformat() if last else ""
        here = (asked.since, asked.until) == (since, until)
        other = asked.first(since="", until="") if here else asked.first(since=since, until=until)
        made.append(Link(words, other.address(), here))
    return made


def examples(visit: Visit) -> list[tuple[str, str]]:
    """What can be typed, and what it finds."""
    _ = i18n.translations(visit.language).gettext
    return [(typed if typed == "*" else _(typed), _(finds)) for typed, finds in _EXAMPLES]
