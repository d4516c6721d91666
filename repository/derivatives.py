"""Derivatives: what can be made again from the preserved bytes. Here the text of files, page by page.

They lie in a folder of their own, ``text/<2 hex>/<record id>/v<version>-<position>.json``, never in a replica's
preserved part; losing the folder costs time, not content. A file is there whole or not at all. Readers take a damaged
or unknown one for missing: it is then made anew.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from metadata.identifiers import checked_id

FORMAT = "lantai-text/1"


def text_path(root: Path, record_id: str, version: int, position: int) -> Path:
    """Where the text of the file at ``position`` of that version lies below ``root`` (``archive.derivatives``)."""
    checked_id(record_id)
    return root / "text" / record_id[:2] / record_id / f"v{version:05d}-{position:05d}.json"


def put_text(root: Path, record_id: str, version: int, position: int, pages: Sequence[str], engine: str) -> Path:
    """Keep the text of one file, replacing what was there; ``engine`` names program and version that read it.

    The bytes are on stable storage before the name appears, so that ``text_state`` may be set to ``done`` after it.
    """
    target = text_path(root, record_id, version, position)
    target.parent.mkdir(parents=True, exist_ok=True)
    body = json.dumps({"format": FORMAT, "engine": engine, "pages": list(pages)}, ensure_ascii=False)
    # A lone surrogate, which damaged documents do yield, has no bytes in UTF-8.
    data = body.encode("utf-8", "replace")
    handle, name = tempfile.mkstemp(prefix=".text-", dir=target.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return target


def get_text(root: Path, record_id: str, version: int, position: int) -> list[str] | None:
    """The pages that ``put_text`` kept, or ``None`` when there is no readable text."""
    try:
        data = text_path(root, record_id, version, position).read_bytes()
    except OSError:
        return None
    try:
        stored = json.loads(data)
    except ValueError:
        return None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        return None
    pages = stored.get("pages")
    return [str(page) for page in pages] if isinstance(pages, list) else None
