"""What openers are given and what they answer: plain values that the checks read.

An opener is ``look(subject, medium)``: it yields pages as it decodes them, so that a scan of three hundred pages never
lies in memory as a whole, and notes on ``medium`` whatever it learns on the way. Nothing here or in an
opener decides what a finding is; that is for ``ingest.checks``.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from PIL import Image

from ingest.identify import Identified

_BROKEN = frozenset({"readability.damaged", "readability.partial"})
_BETWEEN = 1  # characters between two pieces of text


class Bounds(NamedTuple):
    """The limits that looking into a file needs, of ``ingest.limits.IngestLimits`` and by its names."""

    check_seconds: float
    pages_decoded: int
    image_pixels: int
    text_characters: int
    scan_dpi: int
    scan_skew_degrees: float
    scan_tolerance_dpi: int
    container_entries: int
    container_bytes: int
    container_ratio: int
    container_ratio_from: int

    @classmethod
    def of(cls, limits: Any) -> Bounds:
        """The bounds that ``limits`` (``IngestLimits``) set."""
        return cls(*(getattr(limits, name) for name in cls._fields))


@dataclass(frozen=True, slots=True)
class Subject:
    """One file to look into. ``path`` can be opened by every library; ``name`` is what the depositor called it."""

    path: str
    name: str
    size: int
    identified: Identified
    bounds: Bounds
    deadline: float

    @property
    def late(self) -> bool:
        """Whether the time for this file is nearly used up: what is left is told as not checked."""
        return time.monotonic() > self.deadline


@dataclass(frozen=True, slots=True)
class Page:
    """A decoded page or frame that may be a scan. ``image`` is grey and small; the sizes are those of the original.

    ``dpi``: dots an inch, or None where nothing says how large the paper was.
    """

    number: int
    image: Image.Image
    width: int
    height: int
    dpi: float | None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a file, or what part of it, could not be read: a code of the catalogue and its parameters."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Medium:
    """What an opener learnt about one file."""

    most_characters: int
    problem: Problem | None = None
    doctype: bool = False
    undecodable: bool = False
    pages: int | None = None
    width: int | None = None
    height: int | None = None
    dpi: float | None = None
    seconds: float | None = None
    camera: bool | None = None
    sheets: int | None = None
    texts: list[str] = field(default_factory=list)
    first_page_texts: int | None = None
    text_unread: str = ""
    characters: int = 0
    password: bool = False
    restricted: bool = False
    active: Counter[str] = field(default_factory=Counter)
    signatures: list[dict[str, str]] = field(default_factory=list)

    def _trouble(self, code: str, **params: Any) -> None:
        if self.problem is None:  # what is wrong first is wrong; the rest follows from it
            self.problem = Problem(code, params)

    def damaged(self, reason: str) -> None:
        """Nothing of the file can be read."""
        self._trouble("readability.damaged", reason=reason)

    def partial(self, part: str, reason: str) -> None:
        """The file can be read up to ``part`` (``3/10``: the third of ten pages; a share; the name of a part)."""
        self._trouble("readability.partial", part=part, reason=reason)

    def malformed(self, reason: str) -> None:
        """The file opens but breaks the rules of its format."""
        self._trouble("readability.malformed", reason=reason)

    def too_large(self, size: str) -> None:
        """Decoding would take more than the limits allow."""
        self._trouble("readability.too_large", size=size)

    def too_many_pages(self, pages: int, limit: int) -> None:
        """Only the first ``limit`` pages were decoded."""
        self._trouble("readability.too_many_pages", pages=pages, limit=limit)

    def not_checked(self, reason: str) -> None:
        """Nothing was found out."""
        self._trouble("readability.not_checked", reason=reason)

    @property
    def broken(self) -> bool:
        """Whether a part of the file or all of it is damaged: what else there is to say would only be noise."""
        return self.problem is not None and self.problem.code in _BROKEN

    @property
    def wants_text(self) -> bool:
        """Whether there is room for more text."""
        return self.characters < self.most_characters

    def add_text(self, text: str) -> None:
        """Keep ``text`` as far as there is room."""
        room = self.most_characters - self.characters
        if text and room > 0:
            self.texts.append(text[:room])
            self.characters += min(len(text), room) + _BETWEEN

    def end_first_page(self) -> None:
        """What was added so far is the first page's text."""
        if self.first_page_texts is None:
            self.first_page_texts = len(self.texts)

    @property
    def text(self) -> str:
        """All text that was kept, a line break between two pieces."""
        return "\n".join(self.texts)


class Opener(Protocol):
    """``look`` of a module of this package."""

    def __call__(self, subject: Subject, medium: Medium) -> Iterable[Page]:
        """Decode all of ``subject``; whatever a library raises may pass, ``ingest.inspect`` takes it as damage."""
