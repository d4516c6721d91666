"""The engine port. Every engine keeps this contract; ``tests/contracts/test_engine.py`` is the proof.

- One entry per record. Writing an entry replaces the one with the same record id; deleting an absent one is no error.
- ``apply`` is one commit: after it returns, every later ``search`` of the same engine sees all of it; a crash before
  leaves nothing of it. Replaying it changes nothing.
- Text reaches an engine cut already (``search.analysis``): engines split at blanks and do nothing else, so that all
  engines find the same. Text is indexed, not stored.
- The permission is ANDed outside the person's query and never scores. ``total`` is exact and counts nothing that the
  permission leaves out.
- Hits come best first; equal scores newest record first (``seq``). Without words every score is equal. Following
  ``next`` visits every hit once as long as nothing is written meanwhile, whatever is merged behind the scenes.
- Errors: ``Unavailable`` (no index, engine down, another writer at work), ``Invalid`` (a cursor that is none, or a page
  beyond what the engine can sort).
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from metadata.errors import Invalid
from search.analysis import Analysed
from search.query import Query

DEEPEST = 10_000
"""Hits that can be paged through by score; who needs more narrows the query."""

BATCH = 1000
"""Entries a commit: larger ones hold memory and delay what others see."""


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """The index entry of one record: stable attributes, and its words. Nothing here is shown to people.

    ``title`` weighs more than ``text`` (description, file names and the text of all files); a phrase never runs from one
    into the other. ``terms``: exact terms as ``search.query`` makes them, names and hashed numbers among them. ``division_code``: 12 digits, indexed with all its prefixes.
    """

    record_id: str
    seq: int
    title: Analysed
    text: Analysed
    terms: tuple[str, ...]
    division_code: str
    access_level: str
    access_marks: tuple[str, ...]
    organ_id: str = ""
    programme: str = ""
    document_type: str = ""
    year: int | None = None
    dated: date | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Records within any of ``prefixes`` (``""``: everywhere) and of any of ``levels``, without ``excluded_marks``."""

    prefixes: tuple[str, ...]
    levels: tuple[str, ...]
    excluded_marks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PermissionFilter:
    """What a person may find: a record in any of ``scopes`` or among ``record_ids`` (grants). Neither: nothing."""

    scopes: tuple[Scope, ...] = ()
    record_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that meets the query."""

    record_id: str
    score: float
    seq: int


@dataclass(frozen=True, slots=True)
class Hits:
    """One page: the exact number of all hits, some of them, and where the next page begins (``None`` at the end)."""

    total: int
    hits: tuple[Hit, ...]
    next: str | None


class Engine(Protocol):
    """An opened index."""

    def apply(self, upserts: Sequence[IndexDocument], deletes: Sequence[str]) -> None:
        """Write and delete entries in one commit; at most ``BATCH`` of them together is wise."""

    def search(self, query: Query, permission: PermissionFilter, *, limit: int, after: str | None = None) -> Hits:
        """The page of at most ``limit`` hits that follows the cursor ``after``."""

    def count(self) -> int:
        """How many entries there are."""

    def refresh(self) -> None:
        """See what other processes have committed since."""

    def close(self) -> None:
        """Release files and locks; nothing uncommitted is kept."""


def prefixes_of(division_code: str) -> list[str]:
    """Every prefix of a division code from two digits on: the divisions that it lies in, whatever their length."""
    return [division_code[:length] for length in range(2, len(division_code) + 1)]


def cursor(score: float, seq: int, passed: int) -> str:
    """The place after a hit with ``passed`` hits up to it, as opaque text."""
    return base64.urlsafe_b64encode(struct.pack(">dqI", score, seq, passed)).decode().rstrip("=")


def read_cursor(text: str) -> tuple[float, int, int]:
    """Score and number of the hit a cursor stands after, and how many hits that is; ``Invalid`` for anything else."""
    try:
        score, seq, passed = struct.unpack(">dqI", base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, struct.error, binascii.Error) as error:
        raise Invalid(
            "search.bad_cursor",
            zh="翻页位置无效。请从第一页重新检索。",
            en="The place in the result list is not valid. Search again from the first page.",
        ) from error
    return float(score), int(seq), int(passed)


def too_deep() -> Invalid:
    """The hint for who pages beyond ``DEEPEST``."""
    return Invalid(
        "search.too_deep",
        zh=f"按相关度最多翻看前 {DEEPEST} 条。请增加检索词以缩小范围。",
        en=f"Only the first {DEEPEST} hits can be paged through. Add words to narrow the search.",
    )
