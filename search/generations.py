"""Home of the embedded index: a folder holds several generations (``g-…``), each a whole index, and ``live.json``,
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
from search.engines.embedded import TantivyEngine
from search.home import ABANDONED_AFTER, Condition, new_generation

POINTER = "live.json"
_POINTER_FORMAT = "lantai-index-pointer/1"


class FolderHome:
    """See ``IndexHome``: generations of the embedded engine in ``folder``, made when first needed."""

    engine = "embedded"

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def location(self) -> str:
        """The folder."""
        return str(self.folder)

    def live_generation(self) -> str | None:
        """See ``IndexHome``; ``None`` when there is no index yet."""
        try:
            found = json.loads((self.folder / POINTER).read_text())
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

    def check(self) -> None:
        """See ``IndexHome``; that there is no index yet is no fault, as the first use makes it."""
        name = self.live_generation()
        if name is not None:
            TantivyEngine.check(self.folder / name)

    def condition(self) -> Condition:
        """See ``IndexHome``."""
        self.open_live().close()
        return Condition("ok", "可用。", "It can be used.")

    def open_live(self) -> TantivyEngine:
        """See ``IndexHome``; an empty index is made when there is none yet."""
        for _ in range(3):
            name = self.live_generation()
            if name is None:
                self._make_first()
                continue
            try:
                return TantivyEngine(self.folder / name)
            except Unavailable as error:
                if error.code != "index.missing" or self.live_generation() == name:
                    raise
                # swapped away between reading the pointer and opening: read it again
        raise Unavailable(
            "index.missing",
            zh="检索索引不存在。请运行 lantai index rebuild 重建；目录数据不受影响。",
            en="There is no search index. Run 'lantai index rebuild'; the catalogue is not affected.",
        )

    def _make_first(self) -> None:
        name = new_generation()
        TantivyEngine(self.folder / name, create=True).close()
        temporary = self._pointer_file(name)
        try:
            os.link(temporary, self.folder / POINTER)  # fails when another process was first
        except FileExistsError:
            self.drop(name)
        finally:
            temporary.unlink(missing_ok=True)

    def _pointer_file(self, name: str) -> Path:
        handle, path = tempfile.mkstemp(prefix=".live-", dir=self.folder)
        with os.fdopen(handle, "w") as out:
            json.dump({"format": _POINTER_FORMAT, "generation": name}, out)
            out.flush()
            os.fsync(out.fileno())
        return Path(path)

    def create(self, generation: str) -> TantivyEngine:
        """See ``IndexHome``."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return TantivyEngine(self.folder / generation, create=True)

    def point_to(self, generation: str) -> None:
        """See ``IndexHome``: one rename."""
        self._pointer_file(generation).replace(self.folder / POINTER)

    def drop(self, generation: str) -> None:
        """See ``IndexHome``."""
        shutil.rmtree(self.folder / generation, ignore_errors=True)

    def sweep(self, abandoned_after: float = ABANDONED_AFTER) -> None:
        """See ``IndexHome``. Readers that have one open keep it until they open the next."""
        live = None
        with suppress(Unavailable):
            live = self.live_generation()
        for path in self.folder.glob("g-*"):
            with suppress(OSError):
                if path.name != live and time.time() - path.stat().st_mtime >= abandoned_after:
                    self.drop(path.name)

    def close(self) -> None:
        """Nothing is held."""
