"""Kreuzberg, wrapped once: its cache is off, because it would keep restricted text in the user's home."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import kreuzberg

ENGINE = f"kreuzberg {version('kreuzberg')}"


def read(data: bytes, mime: str) -> Any:
    """Kreuzberg's result for a document of format ``mime``; raises what kreuzberg raises."""
    config = kreuzberg.ExtractionConfig(use_cache=False, pages=kreuzberg.PageConfig(extract_pages=True))
    return kreuzberg.extract_bytes_sync(data, mime, config=config)


def read_bytes(data: bytes, mime: str) -> str:
    """The text of a document of format ``mime``; raises what kreuzberg raises."""
    return str(kreuzberg.extract_bytes_sync(data, mime, config=kreuzberg.ExtractionConfig(use_cache=False)).content)
