"""Plain text, CSV, JSON, HTML and RTF: whether the characters can be told, and what they say."""

from __future__ import annotations

import json as json_format
import re
from collections.abc import Iterable
from html.parser import HTMLParser
from pathlib import Path

from ingest.extract.encodings import decode
from ingest.extract.reading import Unreadable
from ingest.media.medium import Medium, Page, Subject

_JSON_BYTES = 32 << 20
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_OUTSIDE = re.compile(r"<(?:img|link|iframe|video|audio|object|embed)\b[^>]{0,500}(?:src|href|data)\s*=\s*[\"']?\s*(?:https?:)?//", re.IGNORECASE)  # fmt: skip
_SCRIPT = re.compile(r"<script\b|\bon(?:load|click|error|mouseover)\s*=|javascript:", re.IGNORECASE)
_BYTES_A_CHARACTER = 4


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """Text and CSV, as far as the limit on characters goes."""
    _decoded(subject, medium)
    return ()


def look_html(subject: Subject, medium: Medium) -> Iterable[Page]:
    """A page of HTML: its text without tags, its scripts, what it draws from elsewhere."""
    text = _decoded(subject, medium, keep=False)
    if text is None:
        return ()
    if _SCRIPT.search(text):
        medium.active["script"] = 1
    if _OUTSIDE.search(text):
        medium.active["external"] = 1
    words = _Words()
    words.feed(text)
    words.close()
    medium.add_text("\n".join(words.found))
    return ()


def look_json(subject: Subject, medium: Medium) -> Iterable[Page]:
    """JSON: parsed when it is not larger than anybody writes by hand."""
    text = _decoded(subject, medium)
    if text is not None and subject.size <= _JSON_BYTES and medium.wants_text:
        try:
            json_format.loads(text)
        except (ValueError, RecursionError):
            medium.malformed("JSON")
    return ()


def look_rtf(subject: Subject, medium: Medium) -> Iterable[Page]:
    """RTF: whole when its outermost group is closed."""
    with open(subject.path, "rb") as opened:
        head = opened.read(5)
        opened.seek(max(0, subject.size - 64))
        tail = opened.read().rstrip(b"\x00\r\n\t \x1a")
    if head != b"{\\rtf":
        medium.damaged("header")
        return ()
    if not tail.endswith(b"}"):
        medium.partial("end", "cut short")
    from ingest.extract.text import extract  # brings its own library: loaded where there is such a file

    told = extract(Path(subject.path), "application/rtf", None, subject.name)
    if told.state == "done":
        for page in told.texts:
            medium.add_text(page)
    elif told.state == "failed":
        medium.text_unread = told.note or "RTF"
    return ()


def _decoded(subject: Subject, medium: Medium, *, keep: bool = True) -> str | None:
    most = medium.most_characters * _BYTES_A_CHARACTER
    with open(subject.path, "rb") as opened:
        data = opened.read(most)
    text = _declared(data) if not keep else None
    if text is None:
        try:
            text, _ = decode(data, cut=subject.size > most)
        except (Unreadable, UnicodeDecodeError):
            medium.undecodable = True
            return None
    if keep:
        medium.add_text(text)
    return text


def _declared(data: bytes) -> str | None:
    """HTML in the encoding that it names, GB 2312 and GBK as their superset; None where it names none that fits."""
    named = _CHARSET.search(data[:4096])
    if named is None:
        return None
    charset = named.group(1).decode("ascii").lower()
    try:
        return data.decode("gb18030" if charset in {"gb2312", "gbk", "x-gbk"} else charset)
    except (LookupError, UnicodeDecodeError):
        return None


class _Words(HTMLParser):
    """The text between tags, but for scripts and styles."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002 - as HTMLParser has it
        """Scripts and styles are not text."""
        self._hidden += tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        """What follows is text again."""
        self._hidden -= tag in {"script", "style"} and self._hidden > 0

    def handle_data(self, data: str) -> None:
        """Keep what is not hidden."""
        if not self._hidden and data.strip():
            self.found.append(data)
