"""The page viewer of a record: the file in view page by page, its text beside it, words found in it.

A file whose pages have pictures is shown by them, scan and PDF alike; others as a browser can show them. The address
names version, file, page and words, so that every page is a plain link.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from lantai.web import views_records
from lantai.web.finding_in import FoundPage, boxes_of, finder_for, found_pages, marked
from lantai.web.rendering import query
from lantai.web.showing import TEXT_SHOWN, scan_leaves
from lantai.web.views_records import FileView
from lantai.web.visit import Visit
from metadata.errors import Invalid, LantaiError
from repository.derivatives import Box, FileText, PageText, get_image, get_pages
from repository.tables import Record, RecordVersion, StoredFile
from search import analysis
from search.highlight import Finder

_WINDOW = 9
_PAGE_TEXT = 20_000


@dataclass(frozen=True, slots=True)
class Viewer:
    """What the viewer shows of one file. ``leaf`` is the page in view, of ``leaves``; both count from 1."""

    leaf: int = 1
    leaves: int = 1
    window: list[int] = field(default_factory=list)
    pictured: bool = False
    has_picture: bool = False
    boxes: tuple[tuple[int, int, int, int], ...] = ()
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
    leaf: int,
    words: str,
) -> Viewer:
    """The viewer for ``row``. Without a page in the address, words open the first page on which they stand."""
    words = words.strip()
    if row is None or file is None:
        return Viewer(words=words)
    told = _text(visit, record, version, row)
    pages = told.pages if told else ()
    finder, hint = _finder(session, visit, record, words)
    found = list(found_pages(finder, pages)) if finder else []
    leaves = _leaves(visit, version, row, file)
    pictured = file.pictured
    if leaf < 1:
        leaf = found[0].number if found and pictured else 1
    leaf = min(leaf, leaves)
    page = pages[leaf - 1] if pictured and leaf <= len(pages) else PageText("")
    place = Place(record.id, version.number if version.number != record.head_version else None, words)
    whole = "\n\n".join(one.text for one in pages)
    first = max(1, min(leaf - _WINDOW // 2, leaves - _WINDOW + 1))
    root = visit.site.archive.derivatives
    return Viewer(
        leaf=leaf,
        leaves=leaves,
        window=list(range(first, min(first + _WINDOW, leaves + 1))),
        pictured=pictured,
        has_picture=pictured and get_image(root, record.id, version.number, row.position, "page", leaf) is not None,
        boxes=tuple(map(_rectangle, _boxes(finder, page))),
        text=marked(finder, whole, TEXT_SHOWN) if whole and not pictured else [],
        text_cut=len(whole) > TEXT_SHOWN,
        page_text=marked(finder, page.text, _PAGE_TEXT) if page.text.strip() else [],
        searchable=bool(whole.strip()),
        recognised=page.recognised,
        confidence=None if page.confidence is None else round(100 * page.confidence),
        recogniser=told.recogniser if told else "",
        waits_for_reading=pictured and row.ocr_state == "pending" and not page.text.strip(),
        words=words,
        hint=hint,
        found=found,
        **_around(place, version, row, leaf, leaves, found),
    )


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
    except Invalid as error:
        return None, error.sentence(visit.language)
    return (finder if finder.words else None), ""


def _boxes(finder: Finder | None, page: PageText) -> tuple[Box, ...]:
    return boxes_of(page, finder.ranges(analysis.fold(page.text))) if finder and page.text else ()


def _rectangle(box: Box) -> tuple[int, int, int, int]:
    """Left, top, width, height with a little room around the characters, as SVG wants it."""
    left, top, right, bottom = box
    room = max(12, (bottom - top) // 8)
    return left - room, top - room, right - left + 2 * room, bottom - top + 2 * room


def _leaves(visit: Visit, version: RecordVersion, row: StoredFile, file: FileView) -> int:
    if file.pictured:
        return max(1, row.page_count or 1)
    if file.kind == "scan":
        try:
            return scan_leaves(views_records.file_bytes(visit, version, row).whole())
        except LantaiError:
            return 1
    return 1


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
