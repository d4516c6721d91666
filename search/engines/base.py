"""The engine port. Every engine keeps this contract; ``tests/contracts/test_engine.py`` is the proof.

- One entry per record or case file (``kind``). Writing an entry replaces the one with the same id; deleting an absent
  one is no error.
- ``apply`` is one commit: after it returns, every later ``search`` of the same engine sees all of it. A crash before
  leaves nothing of it on a disk of our own, perhaps a part on a cluster. Replaying it changes nothing.
- An engine that several machines can write to at once lets no lower ``version`` overwrite a higher one, deletes
  included. An entry that the engine will not have is named in the answer and stops none of the others.
- Text reaches an engine cut already (``search.analysis``): engines split at blanks and do nothing else, so that all
  engines find the same. Text is indexed, not stored.
- The permission is ANDed outside the person's query and never scores. ``total``, facets and ``words`` are exact and
  tell nothing that the permission leaves out.
- Order (``SORTS``): ``relevance`` best first; ``date`` latest first, undated last; ``code`` by code point, entries
  without one last; ``newest`` by ``created``, then ``seq``. Equal scores stand newest first, equal
  dates highest ``seq`` first; an engine may lift scores by up to three per cent so that few are equal. Without words that score, relevance is ``newest``. Following ``next`` visits every hit once, to any depth, as long as nothing is
  written meanwhile, whatever is merged behind the scenes.
- ``filters`` narrow to entries with one of the values of each attribute. ``facets``: how many hits each value of an
  attribute has; the attribute's own filter does not count for it, the others do (drilling down sideways).
- Errors: ``Unavailable`` (no index, engine down, another writer at work), ``Invalid`` (a cursor that is none, or not of
  this order).
"""

from __future__ import annotations

import base64
import binascii
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Literal, Protocol

from metadata.errors import Invalid
from search.analysis import Analysed
from search.query import Query

BATCH = 1000
"""Entries a commit: larger ones hold memory and delay what others see."""

RECORD = "record"
HOUSEHOLD = "household"
KINDS = (RECORD, HOUSEHOLD)
"""What an entry is about: a record, or a case file of the household register."""

FACETS = ("kind", "programme", "organ", "year", "type", "level", "format")
"""Attributes that can be counted and filtered by; ``year`` as its digits."""

MOST_VALUES = 200
"""Values of one attribute that a facet names, the most frequent first; every count is exact all the same."""

Sort = Literal["relevance", "date", "code", "newest"]
SORTS: tuple[Sort, ...] = ("relevance", "date", "code", "newest")

NOTHING = Analysed("", "")


@dataclass(frozen=True, slots=True)
class IndexDocument:
    """The index entry of a record or case file: stable attributes, and its words. Nothing here is shown to people.

    ``title`` weighs more than ``text`` (description, file names and the text of all files); a phrase never runs from one
    into the other. ``files``: names of files alone. ``terms``: exact terms as ``search.query`` makes them, names and
    hashed numbers among them. ``division_code``: 12 digits, indexed with all its prefixes. ``seq``: unique, below 2³¹;
    ``created``: when it was taken in, in seconds since 1970. ``code``: what the order by code compares. ``vocabulary``:
    keys of words that can be suggested (``search.vocabulary``). A case file has no access level and no marks.
    """

    id: str
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
    kind: str = RECORD
    files: Analysed = NOTHING
    formats: tuple[str, ...] = ()
    created: int = 0
    code: str = ""
    vocabulary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """Entries of ``kind`` within any of ``prefixes`` (``""``: everywhere), of any of ``levels`` (records only), without
    ``excluded_marks``; with ``ids`` only those of them that it names (grants)."""

    prefixes: tuple[str, ...]
    levels: tuple[str, ...] = ()
    excluded_marks: tuple[str, ...] = ()
    kind: str = RECORD
    ids: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class PermissionFilter:
    """What a person may find: an entry in any of ``scopes``. None: nothing."""

    scopes: tuple[Scope, ...] = ()


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that meets the query; ``seq`` is where it stands in the order asked for, of use to the engine alone."""

    id: str
    score: float
    seq: int
    kind: str = RECORD


@dataclass(frozen=True, slots=True)
class Refused:
    """An entry that the engine would not have; ``reason`` is a word of the engine's own and tells nothing of the text."""

    id: str
    reason: str


Counts = tuple[tuple[str, int], ...]
"""Values with how many hits each has, most frequent first, equals by value."""


@dataclass(frozen=True, slots=True)
class Hits:
    """One page: the exact number of all hits, some of them, where the next page begins (``None`` at the end), counts."""

    total: int
    hits: tuple[Hit, ...]
    next: str | None
    facets: Mapping[str, Counts] = field(default_factory=dict)


class Engine(Protocol):
    """An opened index."""

    @property
    def generation(self) -> str:
        """Name of the generation that it is (``search.home``)."""

    def apply(
        self, upserts: Sequence[IndexDocument], deletes: Sequence[str], *, version: int | None = None
    ) -> Sequence[Refused]:
        """Write and delete entries in one commit; at most ``BATCH`` of them together is wise.

        ``version`` rises with every commit of every writer; ``None`` is a writer that knows to be alone. Gives the
        entries that the engine refused. ``Unavailable`` (``index.writer_busy``) when somebody newer has written.
        """

    def search(
        self,
        query: Query,
        permission: PermissionFilter,
        *,
        limit: int,
        after: str | None = None,
        sort: Sort = "relevance",
        filters: Mapping[str, Sequence[str]] | None = None,
        facets: Sequence[str] = (),
    ) -> Hits:
        """The page of at most ``limit`` hits that follows the cursor ``after``; ``limit`` 0 only counts."""

    def words(self, prefixes: Sequence[str], permission: PermissionFilter, *, limit: int) -> Counts:
        """Keys of the vocabulary that begin with one of ``prefixes``, with how many permitted entries hold each."""

    def count(self) -> int:
        """How many entries there are."""

    def ids(self) -> Iterable[str]:
        """The ids of all entries, in no order, for comparing with the catalogue."""

    def refresh(self) -> None:
        """See what other processes have committed since."""

    def close(self) -> None:
        """Release files and locks; nothing uncommitted is kept."""


def is_ranked(query: Query) -> bool:
    """Whether scores differ: single characters and exact terms all weigh the same, so the newest comes first."""
    return any(len(word.elements) > 1 and word.where != "name" for word in query.words)


def prefixes_of(division_code: str) -> list[str]:
    """Every prefix of a division code from two digits on: the divisions that it lies in, whatever their length."""
    return [division_code[:length] for length in range(2, len(division_code) + 1)]


def newest_key(created: int, seq: int) -> int:
    """The order by time of taking in as one unique number: seconds, then ``seq``."""
    return (created << _SEQ_BITS) | seq


def date_key(dated: date | None, seq: int) -> int:
    """The order by date as one unique number: days, then ``seq``; undated entries come last."""
    return ((dated.toordinal() if dated else 0) << _SEQ_BITS) | seq


_SEQ_BITS = 31
_CURSOR = ">Bqq"


def cursor(sort: Sort, first: int, second: int = 0) -> str:
    """The place after a hit as opaque text: the order, and two numbers that only the engine understands."""
    packed = struct.pack(_CURSOR, SORTS.index(sort), first, second)
    return base64.urlsafe_b64encode(packed).decode().rstrip("=")


def read_cursor(text: str, sort: Sort) -> tuple[int, int]:
    """The two numbers of a cursor; ``Invalid`` for anything else and for a cursor of another order."""
    try:
        order, first, second = struct.unpack(_CURSOR, base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        if SORTS[order] != sort:
            raise ValueError("a cursor of another order")  # noqa: TRY301  answered below like any other wrong one
    except (ValueError, IndexError, struct.error, binascii.Error) as error:
        raise Invalid(
            "search.bad_cursor",
            zh="翻页位置无效。请从第一页重新检索。",
            en="The place in the result list is not valid. Search again from the first page.",
        ) from error
    return int(first), int(second)
