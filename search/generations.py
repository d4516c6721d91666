"""Generations of the embedded index: the index folder holds several (``g-…``), each a whole index, and ``live.json``,
which names the one in use. A swap is one rename; readers that have an older one open keep it until they open the next.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from metadata.errors import Unavailable
from metadata.identifiers import new_id
from search.engines.embedded import TantivyEngine

POINTER = "live.json"
_POINTER_FORMAT = "lantai-index-pointer/1"
_ABANDONED_AFTER = 3600.0


def live_generation(index_folder: Path) -> str | None:
    """Name of the generation in use, or ``None`` when there is no index yet."""
    try:
        found = json.loads((index_folder / POINTER).read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        found = {}
    name = found.get("generation") if isinstance(found, dict) else None
    if not isinstance(name, str) or not name.startswith("g-") or "/" in name:
        raise Unavailable(
            "index.damaged",
            zh="检索索引的指针文件已损坏。请运行 lantai index rebuild 重建；目录数据不受影响。",
            en="The pointer file of the search index is damaged. Run 'lantai index rebuild'; the catalogue is not affected.",
        )
    return name


def open_live(index_folder: Path) -> TantivyEngine:
    """The index in use; an empty one is made when there is none yet. The caller closes it."""
    for _ in range(3):
        name = live_generation(index_folder)
        if name is None:
            _make_first(index_folder)
            continue
        try:
            return TantivyEngine(index_folder / name)
        except Unavailable as error:
            if error.code != "index.missing" or live_generation(index_folder) == name:
                raise
            # swapped away between reading the pointer and opening: read it again
    raise Unavailable(
        "index.missing",
        zh="检索索引不存在。请运行 lantai index rebuild 重建；目录数据不受影响。",
        en="There is no search index. Run 'lantai index rebuild'; the catalogue is not affected.",
    )


def new_generation() -> str:
    """A name for a generation."""
    return f"g-{new_id()}"


def _make_first(index_folder: Path) -> None:
    name = new_generation()
    TantivyEngine(index_folder / name, create=True).close()
    temporary = _pointer_file(index_folder, name)
    try:
        os.link(temporary, index_folder / POINTER)  # fails when another process was first
    except FileExistsError:
        shutil.rmtree(index_folder / name, ignore_errors=True)
    finally:
        temporary.unlink(missing_ok=True)


def _pointer_file(index_folder: Path, name: str) -> Path:
    handle, path = tempfile.mkstemp(prefix=".live-", dir=index_folder)
    with os.fdopen(handle, "w") as out:
        json.dump({"format": _POINTER_FORMAT, "generation": name}, out)
        out.flush()
        os.fsync(out.fileno())
    return Path(path)


class LiveIndex:
    """The index in use for a long-lived process: opened once, opened again after a swap. For one thread at a time."""

    def __init__(self, index_folder: Path) -> None:
        self._folder = index_folder
        self._engine: TantivyEngine | None = None

    def engine(self) -> TantivyEngine:
        """The engine of the live generation, with every commit so far."""
        if self._engine is not None and self._engine.folder.name == live_generation(self._folder):
            return self._engine
        self.close()
        self._engine = open_live(self._folder)
        return self._engine

    def close(self) -> None:
        """Let go of it."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None


def point_to(index_folder: Path, name: str) -> None:
    """Make the generation ``name`` the one in use."""
    _pointer_file(index_folder, name).replace(index_folder / POINTER)


def sweep(index_folder: Path, abandoned_after: float = _ABANDONED_AFTER) -> None:
    """Remove generations that are not in use. Readers that have one open keep it until they open the next."""
    live = None
    with suppress(Unavailable):
        live = live_generation(index_folder)
    for folder in index_folder.glob("g-*"):
        with suppress(OSError):
            if folder.name != live and time.time() - folder.stat().st_mtime >= abandoned_after:
                shutil.rmtree(folder, ignore_errors=True)
