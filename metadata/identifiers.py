"""Identifiers of things that are kept: random UUIDs, never derived from fonds, code, name or person."""

from __future__ import annotations

import re
import uuid

from metadata.errors import Invalid

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\Z")


def new_id() -> str:
    """A fresh random identifier (UUID version 4, RFC 9562), lower-case with hyphens."""
    return str(uuid.uuid4())


def is_id(text: str) -> bool:
    """Whether ``text`` is an identifier as ``new_id`` makes them."""
    return _UUID.match(text) is not None


def checked_id(text: str) -> str:
    """``text`` itself when it is an identifier, else ``Invalid``."""
    if not is_id(text):
        raise Invalid(
            "identifier.malformed",
            zh="标识符格式不对；应为 36 位小写 UUID，例如 3f0c…-….",
            en="Not an identifier; a lower-case UUID of 36 characters is expected.",
        )
    return text
