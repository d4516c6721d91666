"""The page viewer of a record: the file in view page by page, its text beside it, words found in it.

A file whose pages have pictures is shown by them, scan and PDF alike; others as a browser can show them. Whoever sees
numbers masked gets the masked text page by page and is told why. The address names version, file, page and words, so
that every page is a plain link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from access.copies import Terms
from ingest.extract.on_demand import Shown
from lantai import i18n
from lantai.web.display import masked
from lantai.web.finding_in import FoundPage, boxes_of, finder_for, found_pages, marked
from lantai.web.opening import (
    DAMAGED,
    WAIT_SECONDS,
    WHY_NOT,
    Opened,
    can_be_pictured,
    ends_at,
    kept_picture,
    renders_of,
)
from lantai.web.rendering import query
from lantai.web.showing import TEXT_SHOWN
from lantai.web.views_records import FileView
from lantai.web.visit import Visit
from metadata.errors import Forbidden, Invalid
from repository.derivatives import Box, FileText, PageText, get_pages
from repository.tables import Record, RecordVersion, StoredFile
from search import analysis
from search.highlight import Finder

_WINDOW = 9
_PAGE_TEXT = 20_000
_MOST_LINES = 400


@dataclass(frozen=True, slots=True)
class LayerLine:
    """A line of the text layer: where it stands in ten-thousandths of the page, and its words, masked."""

    left: int
    base: int
    width: int
    height: int
    words: str


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the viewer shows of one file. ``leaf`` is the page in view, of ``leaves``; both count from 1.

    ``pictured``: by pictures of its pages; ``by_text``: by its masked text, page by page, because ``why``. ``copy``:
    she reads under a grant, which ends at ``ends_at``. ``original`` and ``takes``: whether the bytes as deposited are
    shown in place, and may leave.
    """

    leaf: int = 1
    leaves: int = 1
    window: list[int] = field(default_factory=list)
    pictured: bool = False
    has_picture: bool = False
    by_text: bool = False
    why: str = ""
    copy: bool = False
    ends_at: Any = None
    original: bool = True
    takes: bool = True
    boxes: tuple[tuple[int, int, int, int], ...] = ()
    layer: tuple[LayerLine, ...] = ()
    text: list[tuple[bool, str]] = field(default_factory=list)
    text_cut: bool = False
    page_text: list[tuple[bool, str]] = field(default_factory=list)
    searchable: bool = False
    recognised: bool = False
    confidence: int | None = None
    recogniser: str = ""
    waits_for_reading: bool = False
    words: str = ""
    hint: str = ""
    found: list[FoundPage] = field(default_factory=list)
    before: str = ""
    after: str = ""
    found_before: str = ""
    found_after: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """The record, version and words that every address of the viewer names."""

    record_id: str
    version: int | None
    words: str

    def at(self, position: int, leaf: int = 1) -> str:
        """The address of a page of the file at ``position``."""
        fields = query({}, version=self.version, file=str(position), page=leaf if leaf > 1 else "", q=self.words)
        return f"/records/{self.record_id}{fields}#view"


def viewer(
    session: Session,
    visit: Visit,
    record: Record,
    version: RecordVersion,
    row: StoredFile | None,
    file: FileView | None,
    *,
    terms: Terms,
    leaf: int,
    words: str,
) -> Viewer:
    """The viewer for ``row``. Without a page in the address, words open the first page on which they stand.

    A page whose picture has not been made is drawn now: ask in a session that holds no lock.
    """
    words = words.strip()
    if row is None or file is None:
        return Viewer(words=words)
    told = _text(visit, record, version, row)
    pages = told.pages if told else ()
    finder, hint = _finder(session, visit, record, words)
    found = list(found_pages(finder, pages, numbers=terms.pictures)) if finder else []
    by_text = not terms.pictures and (can_be_pictured(row) or file.kind in {"image", "scan", "pdf"})
    pictured = terms.pictures and can_be_pictured(row)
    if leaf < 1:
        leaf = found[0].number if found and (pictured or by_text) else 1
    leaves, has_picture, why = _picture(visit, Opened(record, version, row, terms), pictured, leaf, len(pages))
    leaf = min(leaf, leaves)
    page = pages[leaf - 1] if (pictured or by_text) and leaf <= len(pages) else PageText("")
    place = Place(record.id, version.number if version.number != record.head_version else None, words)
    whole = "\n\n".join(one.text for one in pages)
    first = max(1, min(leaf - _WINDOW // 2, leaves - _WINDOW + 1))
    _ = i18n.translations(visit.language).gettext
    return Viewer(
        leaf=leaf,
        leaves=leaves,
        window=list(range(first, min(first + _WINDOW, leaves + 1))),
        pictured=pictured,
        has_picture=has_picture,
        by_text=by_text,
        why=_(why) if why else "",
        copy=terms.grant is not None,
        ends_at=ends_at(terms),
        original=terms.original,
        takes=terms.takes,
        boxes=tuple(map(_rectangle, _boxes(finder, page))) if has_picture else (),
        layer=tuple(_layer(page)) if has_picture else (),
        text=marked(finder, whole, TEXT_SHOWN, numbers=terms.pictures)
        if whole and not pictured and not by_text
        else [],
        text_cut=len(whole) > TEXT_SHOWN,
        page_text=marked(finder, page.text, _PAGE_TEXT, numbers=terms.pictures) if page.text.strip() else [],
        searchable=bool(whole.strip()),
        recognised=page.recognised,
        confidence=None if page.confidence is None else round(100 * page.confidence),
        recogniser=told.recogniser if told else "",
        waits_for_reading=(pictured or by_text) and row.ocr_state == "pending" and not page.text.strip(),
        words=words,
        hint=hint,
        found=found,
        **_around(place, version, row, leaf, leaves, found),
    )


def _picture(visit: Visit, opened: Opened, pictured: bool, leaf: int, texts: int) -> tuple[int, bool, str]:
    """How many pages the file has, whether there is a picture of page ``leaf``, and why not."""
    row = opened.row
    leaves = max(1, row.page_count or texts or 1)
    if not pictured:
        return leaves, False, ""
    if row.page_count:
        leaf = min(leaf, row.page_count)
    kept = kept_picture(visit, opened, leaf)
    if kept is not None and row.page_count:
        return leaves, bool(kept), "" if kept else DAMAGED
    if row.image_state != "pending":
        return leaves, False, DAMAGED
    drawn = renders_of(visit).now(opened.wanted, leaf, asker=visit.person.id, seconds=WAIT_SECONDS)
    if drawn is None:
        return leaves, True, ""  # it is being drawn: the picture's own request waits for it
    if isinstance(drawn, Shown):
        return drawn.pages, True, ""
    if drawn.reason == "no_page" and leaf > 1:
        return _picture(visit, opened, pictured, 1, texts)
    return leaves, False, WHY_NOT.get(drawn.reason, DAMAGED)


def _layer(page: PageText) -> list[LayerLine]:
    """The words of the page where they stand, for selecting and copying; those written downwards are left out."""
    shown = masked(page.text)
    made = []
    for begin, end, left, top, right, bottom in page.lines[:_MOST_LINES]:
        words = shown[begin:end].strip()
        width, height = right - left, bottom - top
        if words and width > 0 and 0 < height <= 2 * width:
            made.append(LayerLine(left, top + round(height * 0.85), width, height, words))
    return made


def _text(visit: Visit, record: Record, version: RecordVersion, row: StoredFile) -> FileText | None:
    if row.text_state != "done":
        return None
    return get_pages(visit.site.archive.derivatives, record.id, version.number, row.position)


def _finder(session: Session, visit: Visit, record: Record, words: str) -> tuple[Finder | None, str]:
    """The finder, or why the words cannot be looked for."""
    if not words:
        return None, ""
    try:
        finder = finder_for(session, visit, record, words)
    except (Invalid, Forbidden) as error:  # forbidden: a number that is masked for her
        return None, error.sentence(visit.language)
    return (finder if finder.words else None), ""


def _boxes(finder: Finder | None, page: PageText) -> tuple[Box, ...]:
    return boxes_of(page, finder.ranges(analysis.fold(page.text))) if finder and page.text else ()


def _rectangle(box: Box) -> tuple[int, int, int, int]:
    """Left, top, width, height with a little room around the characters, as SVG wants it."""
    left, top, right, bottom = box
    room = max(12, (bottom - top) // 8)
    return left - room, top - room, right - left + 2 * room, bottom - top + 2 * room


def _around(
    place: Place, version: RecordVersion, row: StoredFile, leaf: int, leaves: int, found: list[FoundPage]
) -> dict[str, Any]:
    """Addresses of the page or file before and after, and of the pages before and after on which words stand."""
    before = after = ""
    if leaf > 1:
        before = place.at(row.position, leaf - 1)
    elif row.position > 0:
        before = place.at(row.position - 1)
    if leaf < leaves:
        after = place.at(row.position, leaf + 1)
    elif row.position < version.file_count - 1:
        after = place.at(row.position + 1)
    earlier = [one.number for one in found if one.number < leaf]
    later = [one.number for one in found if one.number > leaf]
    return {
        "before": before,
        "after": after,
        "found_before": place.at(row.position, earlier[-1]) if earlier else "",
        "found_after": place.at(row.position, later[0]) if later else "",
    }
