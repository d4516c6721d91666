"""Text of PDF by pypdfium2, page by page, with the place of every line."""

from __future__ import annotations

import ctypes
import re
from importlib.metadata import version
from pathlib import Path

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.extract.reading import MIB, MOST_PAGES, ExtractedText, clean, told
from repository.derivatives import FULL, PageText

ENGINE = f"pypdfium2 {version('pypdfium2')}"
MOST_BYTES = 512 * MIB
_MOST_RECTANGLES = 200
_RUN = re.compile(
    r"[\u2e80-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+|[^\u2e80-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+"
)


def read_pdf(source: Path | bytes, _mime: str) -> ExtractedText:
    """Every page up to ``MOST_PAGES``; a page without text stays empty (a scan)."""
    document = pypdfium2.PdfDocument(source)
    try:
        pages = len(document)
        note = f"only the first {MOST_PAGES} of {pages} pages" if pages > MOST_PAGES else ""
        return told((_page(document, number) for number in range(min(pages, MOST_PAGES))), ENGINE, note)
    finally:
        document.close()


def _page(document: pypdfium2.PdfDocument, number: int) -> PageText:
    page = document[number]
    try:
        words = page.get_textpage()
        try:
            return _lines(page, words)
        finally:
            words.close()
    finally:
        page.close()


def _lines(page: pypdfium2.PdfPage, words: pypdfium2.PdfTextPage) -> PageText:
    """The text line by line, each cut where Han and other characters meet, so that a word's place can be reckoned.

    Places in pdfium's text are not places of its characters, so each run's is asked for.
    """
    text, lines = "", []
    place = 0
    for raw in words.get_text_range(errors="replace").splitlines(keepends=True):
        bare = raw.rstrip("\r\n")
        for run in _RUN.finditer(bare):
            shown = clean(run.group())
            box = _box(page, words, place + run.start(), place + run.end()) if shown.strip() else None
            if box is not None:
                lines.append((len(text), len(text) + len(shown), *box))
            text += shown
        text += "\n" if len(raw) > len(bare) else ""
        place += len(raw)
    return PageText(text, tuple(lines))


def _box(
    page: pypdfium2.PdfPage, words: pypdfium2.PdfTextPage, begin: int, end: int
) -> tuple[int, int, int, int] | None:
    first = pdfium.FPDFText_GetCharIndexFromTextIndex(words.raw, begin)
    last = pdfium.FPDFText_GetCharIndexFromTextIndex(words.raw, end - 1)
    if first < 0 or last < first:
        return None
    corners = []
    for number in range(min(words.count_rects(first, last - first + 1), _MOST_RECTANGLES)):
        left, bottom, right, top = words.get_rect(number)
        corners += [_shown(page, left, top), _shown(page, right, bottom)]
    if not corners:
        return None
    across, down = [one[0] for one in corners], [one[1] for one in corners]
    return min(across), min(down), max(across), max(down)


def _shown(page: pypdfium2.PdfPage, x: float, y: float) -> tuple[int, int]:
    """A point of the page as it is shown, turned and cut, in ten-thousandths."""
    across, down = ctypes.c_int(), ctypes.c_int()
    pdfium.FPDF_PageToDevice(page.raw, 0, 0, FULL, FULL, 0, x, y, across, down)
    return max(0, min(FULL, across.value)), max(0, min(FULL, down.value))
