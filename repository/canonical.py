"""Canonical JSON: the one form in which JSON objects are digested, signed and stored.

UTF-8, keys sorted by code point, no insignificant white space, no NaN; the subset of RFC 8785 that covers strings,
booleans, null, arrays, objects and integers. Floating-point numbers are refused: no stored object needs them.
"""

from __future__ import annotations

import json
from typing import Any


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("canonical JSON holds no floating-point numbers")
    if isinstance(value, dict):
        for one in value.values():
            _refuse_floats(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            _refuse_floats(one)


def dumps(value: Any) -> bytes:
    """``value`` as canonical JSON bytes, without a line end."""
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
