"""Text, CSV, JSON, XML and HTML, decoded here: kreuzberg takes Chinese text in GBK for something else."""

from __future__ import annotations

import re
from pathlib import Path

from ingest.extract.encodings import BOMS, decode
from ingest.extract.kreuzberg import ENGINE, read_bytes
from ingest.extract.reading import MIB, ExtractedText, bytes_of, told

MOST_BYTES = 32 * MIB
_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
_META = re.compile(r"<meta[^>]{0,200}charset[^>]{0,200}>", re.IGNORECASE)


def read_text(source: Path | bytes, _mime: str) -> ExtractedText:
    """A text file; a form feed begins a page. Only the first ``MOST_BYTES`` are read."""
    if isinstance(source, Path):
        with source.open("rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    else:
        data = source[: MOST_BYTES + 1]
    cut = len(data) > MOST_BYTES
    text, encoding = decode(data[:MOST_BYTES], cut=cut)
    notes = [] if encoding == "utf-8" else [f"read as {encoding}"]
    notes += [f"only the first {MOST_BYTES} bytes"] if cut else []
    return told(text.split("\f"), f"lantai {encoding}", "; ".join(notes))


def read_html(source: Path | bytes, mime: str) -> ExtractedText:
    """A page in the encoding that it names, if that is true; else by evidence."""
    data = bytes_of(source)
    named = _CHARSET.search(data[:4096])
    text, encoding = None, ""
    if named and not data.startswith(tuple(mark for mark, _ in BOMS)):
        encoding = _widest(named.group(1).decode("ascii"))
        try:
            text = data.decode(encoding)
        except (LookupError, UnicodeDecodeError):
            text = None  # the page lies about itself, as many do
    if text is None:
        text, encoding = decode(data)
    note = "" if encoding.lower() in {"utf-8", "utf8"} else f"read as {encoding.lower()}"
    return told([read_bytes(_META.sub("", text).encode("utf-8", "replace"), mime)], ENGINE, note)


def _widest(charset: str) -> str:
    """GB2312 and GBK as their superset: pages use characters that their declared set lacks."""
    return "gb18030" if charset.lower() in {"gb2312", "gbk", "x-gbk", "gb_2312-80"} else charset
