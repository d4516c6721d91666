"""Looking into files, inside a check process: identification, one opening, every check of a single file.

A batch comes in, an ``Inspection`` for each file goes back. Identification takes the batch as a whole; then each file is
opened once by its family's opener (``ingest.media``), and the checks (``ingest.checks``) read what the opener yields. What
a library raises is that file's own damage and costs one finding; a process that is killed is the pool's business.
"""

from __future__ import annotations

import contextlib
import importlib
import mmap
import os
import re
import time
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

from ingest.checks import active, damaged_text, encryption, extension, personal_data, readability, signatures
from ingest.checks import format as format_check
from ingest.checks.image_quality import ScanQuality
from ingest.identify import Identified, identify
from ingest.media.families import family_of
from ingest.media.medium import Bounds, Medium, Opener, Subject
from ingest.outcome import Finding, Outcome
from ingest.pool import Failed
from metadata.errors import Invalid
from metadata.household import check_household_no
from search import numbers
from search.analysis import fold

FUNCTION = "ingest.inspect:inspect"
FIRST_TEXT = 600
"""Characters of the first page that are kept for suggestions, personal numbers hidden."""

_OPENERS = {"html": ("text", "look_html"), "json": ("text", "look_json"), "rtf": ("text", "look_rtf")}
_OF_THE_MEDIUM = (readability.run, encryption.run, active.run, signatures.run)
_BY_DAMAGE = frozenset({"format.unidentified", "format.disagreement", "format.trailing_data"})
_SMALL = 256 << 10  # bytes; below this reading a file is cheaper than mapping it
_SHARE_OF_TIME = 0.6  # of a batch's time for one file; the rest is told as not checked, not killed
_NUMBERS_IN = 20_000  # characters in which numbers are looked for: the first pages
_MOST_NUMBERS = 20
_HOUSEHOLD = re.compile(r"(?<![0-9A-Za-z])[0-9]{18}[0-9Xx](?![0-9A-Za-z])")
_HIDDEN = "＊"


class Look(NamedTuple):
    """One file to look into: where it lies, what the depositor called it, how long it is, what is to be checked."""

    path: bytes
    name: str
    size: int
    bounds: Bounds
    checks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found out about one file.

    ``technical``: what the checks measured, for the catalogue, without a personal number in clear. ``id_numbers``: ID
    numbers of the first pages in clear, in memory only; who receives them blinds them at once.
    """

    identified: Identified
    findings: tuple[Finding, ...] = ()
    technical: dict[str, Any] = field(default_factory=dict)
    id_numbers: tuple[str, ...] = ()


def inspect(items: list[Look]) -> list[Inspection | Failed]:
    """Look into every file of a batch, in order; ``Failed`` for one that a tool could not take at all."""
    found = identify([one.path for one in items])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what libraries murmur about a foreign file is not for the log
        return [
            answer if isinstance(answer, Failed) else _inspected(item, answer)
            for item, answer in zip(items, found, strict=True)
        ]


def _inspected(item: Look, found: Identified) -> Inspection:
    if not item.checks:
        return Inspection(found)
    told = [*format_check.run(item.name, item.size, found), *extension.run(item.name, item.size, found)]
    if not item.size:
        return Inspection(found, tuple(told))
    told += _by_bytes(item, found)
    family = family_of(found, item.name) if item.checks & {"readability", "quality", "text"} else None
    if family is None:
        return Inspection(found, tuple(told), {"opened": None})
    medium = Medium(item.bounds.text_characters)
    quality = ScanQuality(item.bounds)
    _open(item, found, family, medium, quality)
    text = medium.text
    found_numbers = list(numbers.find(fold(text))) if text else []
    technical, ids = _technical(medium, family, text, found_numbers)
    if "readability" in item.checks:
        if medium.broken:  # that its format is hard to tell, or its end out of place, is the same fault once more
            told = [one for one in told if one.code not in _BY_DAMAGE]
        for check in _OF_THE_MEDIUM:
            told += check(item.name, medium)
    if "quality" in item.checks and not medium.broken:
        told += quality.findings(item.name)
    if "text" in item.checks:
        told += _about_text(item.name, medium, text, found_numbers)
    return Inspection(found, tuple(told), technical, ids)


def _by_bytes(item: Look, found: Identified) -> list[Finding]:
    try:
        with open(item.path, "rb", buffering=0) as opened:
            if item.size <= _SMALL:
                return list(format_check.run_bytes(item.name, found, opened.read()))
            with mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return list(format_check.run_bytes(item.name, found, data))
    except (OSError, ValueError):
        return []  # gone or emptied meanwhile: the opener tells


def _open(item: Look, found: Identified, family: str, medium: Medium, quality: ScanQuality) -> None:
    judge = "quality" in item.checks
    with _reachable(item.path) as path:
        until = time.monotonic() + item.bounds.check_seconds * _SHARE_OF_TIME
        subject = Subject(path, item.name, item.size, found, item.bounds, until)
        try:
            for page in _opener(family)(subject, medium):
                if judge:
                    quality.add(page)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a parser raises is this file's own damage
            if isinstance(error, FileNotFoundError):
                medium.not_checked("gone")
            elif medium.pages and medium.pages > 1:
                medium.partial("?", type(error).__name__)
            else:
                medium.damaged(type(error).__name__)


@cache
def _opener(family: str) -> Opener:
    module, name = _OPENERS.get(family, (family, "look"))
    opener: Opener = getattr(importlib.import_module(f"ingest.media.{module}"), name)
    return opener


@contextlib.contextmanager
def _reachable(path: bytes) -> Iterator[str]:
    """A path that every library can take: one that is not UTF-8 is reached through its open descriptor."""
    try:
        yield path.decode("utf-8")
    except UnicodeDecodeError:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield f"/dev/fd/{handle}"
        finally:
            os.close(handle)


def _about_text(path: str, medium: Medium, text: str, found: list[numbers.Found]) -> Iterator[Finding]:
    if text:
        yield from damaged_text.run(path, text)
        yield from personal_data.told(path, found)
    elif medium.text_unread and medium.problem is None and not medium.password:
        yield Finding("text.not_checked", path, {"reason": medium.text_unread}, Outcome.NOT_CHECKED)


def _technical(
    medium: Medium, family: str, text: str, found: list[numbers.Found]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    told: dict[str, Any] = {"opened": family}
    for name in ("pages", "width", "height", "dpi", "seconds", "camera", "sheets"):
        if (value := getattr(medium, name)) is not None:
            told[name] = round(value, 2) if isinstance(value, float) else value
    if medium.signatures:
        told["signatures"] = medium.signatures
    if not medium.texts:
        return told, ()
    told["text_chars"] = sum(map(len, medium.texts))
    first = len("\n".join(medium.texts[: medium.first_page_texts]))
    if beginning := _hidden(text[: min(first, FIRST_TEXT)], found):
        told["first_text"] = beginning
    if households := _households(text[:_NUMBERS_IN]):
        told["household_nos"] = households
    numbered = dict.fromkeys(one.number for one in found if one.kind == "id" and one.start < _NUMBERS_IN)
    return told, tuple(numbered)[:_MOST_NUMBERS]


def _households(text: str) -> list[str]:
    """Valid household numbers, each once, in order."""
    found: dict[str, None] = {}
    for match in _HOUSEHOLD.finditer(text):
        with contextlib.suppress(Invalid):
            found[check_household_no(match.group())] = None
    return list(found)[:_MOST_NUMBERS]


def _hidden(beginning: str, found: list[numbers.Found]) -> str:
    """``beginning`` with every personal number hidden, one that runs over its end too; folding keeps places."""
    characters = list(beginning)
    for one in found:
        if one.start < len(characters):
            end = min(one.end, len(characters))
            characters[one.start : end] = _HIDDEN * (end - one.start)
    return "".join(characters).strip()
