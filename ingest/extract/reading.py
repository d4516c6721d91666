"""What every reader of text gives, and the limits that hold for all of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from repository.derivatives import PageText

State = Literal["done", "none", "failed", "not_applicable"]
MIB = 1 << 20
MOST_CHARACTERS = 5_000_000
MOST_PAGES = 5_000
_DROPPED = dict.fromkeys(map(ord, "\ufffe\uffff\x00\x02\x03"))  # pdfium's line-end hyphens and other non-characters


class Unreadable(Exception):
    """The bytes are not what they were taken for; no public error: ``extract`` answers ``failed``."""


@dataclass(frozen=True, slots=True)
class ExtractedText:
    """What was read. ``none``: readable, and without text (a scan). ``note`` says what a person should know."""

    pages: list[PageText]
    engine: str
    state: State
    note: str = ""

    @property
    def texts(self) -> list[str]:
        """The text of each page."""
        return [page.text for page in self.pages]


def bytes_of(source: Path | bytes) -> bytes:
    """All bytes of ``source``."""
    return source.read_bytes() if isinstance(source, Path) else source


def clean(text: str) -> str:
    """``text`` without what is no character, and with one kind of line end."""
    return text.replace("\r\n", "\n").translate(_DROPPED)


def told(pages: Iterable[str | PageText], engine: str, note: str = "") -> ExtractedText:
    """The pages within the limit, cleaned; ``none`` when nothing but blanks is left."""
    kept: list[PageText] = []
    left = MOST_CHARACTERS
    for given in pages:
        page = PageText(clean(given)) if isinstance(given, str) else given
        kept.append(page if len(page.text) <= left else _cut(page, left))
        left -= len(page.text)
        if left < 0:
            note = f"only the first {MOST_CHARACTERS} characters"
            break
    if not any(page.text.strip() for page in kept):
        return ExtractedText([], engine, "none", note)
    return ExtractedText(kept, engine, "done", note)


def _cut(page: PageText, length: int) -> PageText:
    return replace(page, text=page.text[:length], lines=tuple(line for line in page.lines if line[1] <= length))
