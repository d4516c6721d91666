"""Derivatives: what can be made again from the preserved bytes. Text of files page by page, and pictures of pages.

They lie in a folder of their own (``archive.derivatives``), never in a replica's preserved part; losing it costs time,
not content. Every file there is whole or not there at all. Readers take a damaged or unknown one for missing: it is
then made anew.

- ``text/<2 hex>/<record id>/v<version>-<position>.json``: text the file itself holds;
- ``…/v<version>-<position>.ocr.json``: text that a program recognised on pages which hold none; while it works, one
  file a page in ``….ocr/``, so that what was done outlives a kill;
- ``images/<2 hex>/<record id>/v<version>-<position>.d/{thumb,page}-<number>.webp``: pictures of pages.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from metadata.identifiers import checked_id

FORMAT = "lantai-text/2"
_FIRST_FORMAT = "lantai-text/1"
FULL = 10_000
"""Boxes are in ten-thousandths of the page's width and height, from its upper left corner as it is shown."""

ImageSize = Literal["thumb", "page"]
SIZES: tuple[ImageSize, ...] = ("thumb", "page")
_PAGE_IMAGE = re.compile(r"(thumb|page)-([0-9]{5,})\.webp\Z")
_PARTIAL = re.compile(r"([0-9]{5,})\.json\Z")

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in ten-thousandths of the page."""
Line = tuple[int, int, int, int, int, int]
"""A run of characters on one line: begin and end in the page's text, then its box."""


@dataclass(frozen=True, slots=True)
class PageText:
    """The text of one page and where its lines stand; ``confidence`` 0 to 1 when a program recognised it."""

    text: str
    lines: tuple[Line, ...] = ()
    recognised: bool = False
    confidence: float | None = None

    def boxes(self, begin: int, end: int) -> list[Box]:
        """Where the characters ``begin`` to ``end`` stand: one box for each line that they touch.

        Inside a line a character's place is reckoned from the widths of those before it (Han two, Latin one); a line
        much higher than wide is written downwards.
        """
        return [_part(self.text, line, begin, end) for line in self.lines if line[0] < end and line[1] > begin]


@dataclass(frozen=True, slots=True)
class FileText:
    """The text of one file: its pages, the programs that read it, and what a person should know about it."""

    pages: tuple[PageText, ...]
    engine: str
    note: str = ""
    recogniser: str = ""


def _part(text: str, line: Line, begin: int, end: int) -> Box:
    first, last, left, top, right, bottom = line
    widths = [_width(one) for one in text[first:last]]
    total = sum(widths) or 1
    start = sum(widths[: max(0, begin - first)]) / total
    stop = sum(widths[: max(0, end - first)]) / total
    if bottom - top > 2 * (right - left) and last - first > 2:
        return left, round(top + (bottom - top) * start), right, round(top + (bottom - top) * stop)
    return round(left + (right - left) * start), top, round(left + (right - left) * stop), bottom


def _width(character: str) -> int:
    return 2 if unicodedata.east_asian_width(character) in "WFA" else 1


# --- text -------------------------------------------------------------------------------------------------------------


def text_path(root: Path, record_id: str, version: int, position: int) -> Path:
    """Where the text of the file at ``position`` of that version lies below ``root`` (``archive.derivatives``)."""
    checked_id(record_id)
    return root / "text" / record_id[:2] / record_id / f"v{version:05d}-{position:05d}.json"


def put_text(
    root: Path,
    record_id: str,
    version: int,
    position: int,
    pages: Sequence[str | PageText],
    engine: str,
    note: str = "",
) -> Path:
    """Keep the text of one file, replacing what was there; ``engine`` names program and version that read it.

    The bytes are on stable storage before the name appears, so that ``text_state`` may be set to ``done`` after it.
    """
    told = FileText(tuple(PageText(one) if isinstance(one, str) else one for one in pages), engine, note)
    target = text_path(root, record_id, version, position)
    _put(target, _written(told))
    return target


def get_text(root: Path, record_id: str, version: int, position: int) -> list[str] | None:
    """The text of each page, recognised text included; ``None`` when there is no readable text."""
    found = get_pages(root, record_id, version, position)
    return None if found is None else [page.text for page in found.pages]


def get_pages(root: Path, record_id: str, version: int, position: int) -> FileText | None:
    """The pages with the places of their lines; a page that was recognised gives that text. ``None`` as ``get_text``."""
    path = text_path(root, record_id, version, position)
    own, recognised = _read(path), _read(_recognised_path(path))
    if recognised is None:
        return own
    if own is None:
        return replace(recognised, engine="", recogniser=recognised.engine)
    length = max(len(own.pages), len(recognised.pages))
    empty = PageText("")
    merged = []
    for number in range(length):
        read = recognised.pages[number] if number < len(recognised.pages) else empty
        written = own.pages[number] if number < len(own.pages) else empty
        merged.append(read if read.recognised else written)
    return replace(own, pages=tuple(merged), recogniser=recognised.engine)


def _written(told: FileText) -> bytes:
    pages = []
    for page in told.pages:
        one: dict[str, Any] = {"text": page.text, "lines": [list(line) for line in page.lines]}
        if page.recognised:
            one["confidence"] = page.confidence
        pages.append(one)
    body = {"format": FORMAT, "engine": told.engine, "note": told.note, "pages": pages}
    # A lone surrogate, which damaged documents do yield, has no bytes in UTF-8.
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _read(path: Path) -> FileText | None:
    try:
        stored = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(stored, dict) or not isinstance(stored.get("pages"), list):
        return None
    engine, note = str(stored.get("engine") or ""), str(stored.get("note") or "")
    try:
        if stored.get("format") == _FIRST_FORMAT:
            return FileText(tuple(PageText(str(page)) for page in stored["pages"]), engine)
        if stored.get("format") == FORMAT:
            return FileText(tuple(map(_page, stored["pages"])), engine, note)
    except (KeyError, TypeError, ValueError):
        return None
    return None


def _page(stored: dict[str, Any]) -> PageText:
    lines = tuple((int(a), int(b), int(c), int(d), int(e), int(f)) for a, b, c, d, e, f in stored["lines"])
    confidence = stored.get("confidence")
    return PageText(
        str(stored["text"]),
        lines,
        recognised="confidence" in stored,
        confidence=None if confidence is None else float(confidence),
    )


# --- recognised text --------------------------------------------------------------------------------------------------


def _recognised_path(text: Path) -> Path:
    return text.with_suffix(".ocr.json")


def _partial_folder(text: Path) -> Path:
    return text.with_suffix(".ocr")


def put_recognised_page(
    root: Path, record_id: str, version: int, position: int, number: int, page: PageText, engine: str
) -> None:
    """Keep what was recognised on page ``number`` (from 1) until ``finish_recognition``."""
    folder = _partial_folder(text_path(root, record_id, version, position))
    _put(folder / f"{number:05d}.json", _written(FileText((replace(page, recognised=True),), engine)))


def recognised_pages(root: Path, record_id: str, version: int, position: int) -> set[int]:
    """Pages that ``put_recognised_page`` kept and that can be read."""
    folder = _partial_folder(text_path(root, record_id, version, position))
    return {number for number, path in _numbered(folder, _PARTIAL, 1) if _read(path) is not None}


def finish_recognition(root: Path, record_id: str, version: int, position: int) -> bool:
    """Put the pages kept one by one together into the file's recognised text; whether any holds a word."""
    target = text_path(root, record_id, version, position)
    folder = _partial_folder(target)
    kept = {number: told for number, path in _numbered(folder, _PARTIAL, 1) if (told := _read(path)) is not None}
    pages = [PageText("")] * max(kept, default=0)
    for number, told in kept.items():
        pages[number - 1] = told.pages[0]
    engines = sorted({told.engine for told in kept.values()})
    if kept:
        _put(_recognised_path(target), _written(FileText(tuple(pages), "; ".join(engines))))
    shutil.rmtree(folder, ignore_errors=True)
    return any(page.text.strip() for page in pages)


# --- pictures of pages ------------------------------------------------------------------------------------------------


def image_path(root: Path, record_id: str, version: int, position: int, size: ImageSize, number: int) -> Path:
    """Where the picture of page ``number`` (from 1) of that file lies below ``root``."""
    return _image_folder(root, record_id, version, position) / f"{size}-{number:05d}.webp"


def _image_folder(root: Path, record_id: str, version: int, position: int) -> Path:
    checked_id(record_id)
    return root / "images" / record_id[:2] / record_id / f"v{version:05d}-{position:05d}.d"


def put_image(
    root: Path, record_id: str, version: int, position: int, size: ImageSize, number: int, data: bytes
) -> None:
    """Keep the picture (WebP) of one page, replacing what was there; empty when the page cannot be shown."""
    _put(image_path(root, record_id, version, position, size, number), data)


def get_image(root: Path, record_id: str, version: int, position: int, size: ImageSize, number: int) -> bytes | None:
    """The picture of one page, or ``None`` when there is none."""
    try:
        return image_path(root, record_id, version, position, size, number).read_bytes() or None
    except OSError:
        return None


def pictured_pages(root: Path, record_id: str, version: int, position: int) -> set[int]:
    """Pages that are done: with a picture in every size, or with empty ones because they cannot be shown."""
    folder = _image_folder(root, record_id, version, position)
    sizes: dict[int, set[str]] = {}
    for number, path in _numbered(folder, _PAGE_IMAGE, 2):
        sizes.setdefault(number, set()).add(path.name.partition("-")[0])
    return {number for number, found in sizes.items() if found.issuperset(SIZES)}


# --- files ------------------------------------------------------------------------------------------------------------


def _numbered(folder: Path, pattern: re.Pattern[str], group: int) -> Collection[tuple[int, Path]]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [(int(match.group(group)), entry) for entry in entries if (match := pattern.match(entry.name))]


def _put(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".new-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
