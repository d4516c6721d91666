"""The place after a hit in a list that a cluster holds, as opaque text.

It is the order with the values that the server sorts by, and for lists by score the point in time they are read at, with
how many hits were shown.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass

from metadata.errors import Invalid
from search.engines.base import SORTS, Sort

_FORM = 1
_LONGEST = 8_000
_LONGEST_CODE = 320


@dataclass(frozen=True, slots=True)
class Place:
    """After the hit whose sort values are ``values``; ``passed`` hits were shown; ``moment`` is the point in time."""

    sort: Sort
    values: tuple[float | int | str, ...]
    passed: int = 0
    moment: str = ""

    def text(self) -> str:
        """As the next page's cursor."""
        packed = json.dumps([_FORM, SORTS.index(self.sort), self.values, self.passed, self.moment], ensure_ascii=False)
        return base64.urlsafe_b64encode(packed.encode("utf-8", "replace")).decode().rstrip("=")


def read(text: str, sort: Sort) -> Place:
    """The place that a cursor names; ``Invalid`` for anything else and for a cursor of another order."""
    if len(text) > _LONGEST:
        raise bad()
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        form, order, values, passed, moment = json.loads(packed)
        known = form == _FORM and SORTS[order] == sort
    except (ValueError, TypeError, IndexError, binascii.Error, RecursionError) as error:
        raise bad() from error
    if not (known and type(passed) is int and passed >= 0 and type(moment) is str and _fit(values, sort)):
        raise bad()
    return Place(sort, tuple(values), passed, moment)


def _fit(values: object, sort: Sort) -> bool:
    """Whether they are sort values of this order."""
    if not isinstance(values, list) or any(type(one) is int and abs(one) >= 1 << 63 for one in values):
        return False
    kinds = [type(one) for one in values]
    if sort == "code":
        return kinds == [str] and len(values[0]) <= _LONGEST_CODE
    if sort == "relevance" and len(values) == 2:
        return kinds[0] in {int, float} and math.isfinite(values[0]) and kinds[1] is int
    return kinds == [int]


def bad() -> Invalid:
    """What is said of a false cursor."""
    return Invalid(
        "search.bad_cursor",
        zh="翻页位置无效。请从第一页重新检索。",
        en="The place in the result list is not valid. Search again from the first page.",
    )
