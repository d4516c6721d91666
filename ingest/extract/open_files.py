"""Files in view: fetched copies of what people turn the pages of, whole or in the parts that a page needs.

Nothing is drawn from bytes that were not compared: a whole file with its digest, a part (16 MiB) with the digest of
that part which the catalogue holds. Copies lie below the derivatives' folder and go when nobody has looked for a while.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
import threading
import time
from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from ingest.extract.fetching import Waiting, fetch
from ingest.extract.render import CHUNK
from metadata.errors import LantaiError, Unavailable
from repository.archive import Archive
from repository.tables import StoredFile

log = logging.getLogger(__name__)

_KEPT_FILES = 4
_KEPT_BYTES = 1 << 30
_KEPT_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Local:
    """A copy: ``present`` are the parts it holds, by number; None when it is whole."""

    path: Path
    present: tuple[int, ...] | None


@dataclass(slots=True)
class _Kept:
    path: Path
    size: int
    used: float
    digests: bytes
    present: set[int] | None


class OpenFiles:
    """The copies, a few at a time."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._lock = threading.Lock()
        self._fetching: dict[str, threading.Lock] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    def local(self, file: Waiting, parts: frozenset[int] | None) -> Local | None:
        """A copy that holds at least ``parts``, its first and its last; whole when None, or when it is small.

        None when no copy is intact. The copy may be swept away before it is read: ask again then. ``Unavailable`` when
        a replica did not answer and the others have no good copy.
        """
        with self._lock:
            one_at_a_time = self._fetching.setdefault(file.id, threading.Lock())
        with one_at_a_time:
            kept = self._known(file) or self._new(file)
            if kept.present is not None:
                number = -(-file.size // CHUNK)
                wanted = (
                    set(range(number)) if parts is None else {0, number - 1, *(one for one in parts if one < number)}
                )
                for one in sorted(wanted - kept.present):
                    self._fetch_part(file, kept, one)
                    kept.present.add(one)
            elif not kept.path.exists() and not fetch(self._archive, file, kept.path):
                kept.path.unlink(missing_ok=True)
                return None
            with self._lock:
                self._kept[file.id] = kept
            return Local(kept.path, None if kept.present is None else tuple(sorted(kept.present)))

    def _known(self, file: Waiting) -> _Kept | None:
        with self._lock:
            self._sweep()
            kept = self._kept.pop(file.id, None)
        if kept is None or not kept.path.exists():
            return None
        kept.used = time.monotonic()
        return kept

    def _new(self, file: Waiting) -> _Kept:
        digests = b""
        if file.size > CHUNK:
            with self._archive.reading() as session:
                digests = session.scalar(select(StoredFile.chunk_sha256).where(StoredFile.id == file.id)) or b""
        in_parts = len(digests) == 32 * -(-file.size // CHUNK)
        with self._lock:
            path = self._room() / file.id
        path.unlink(missing_ok=True)
        if in_parts:
            with path.open("wb") as out:
                out.truncate(file.size)
        return _Kept(path, file.size, time.monotonic(), digests, set() if in_parts else None)

    def _fetch_part(self, file: Waiting, kept: _Kept, number: int) -> None:
        """Write one part from the first replica that has it right; ``Unavailable`` when none has."""
        start = number * CHUNK
        length = min(CHUNK, file.size - start)
        for store in self._archive.replicas.stores:
            try:
                data = b"".join(store.read_range(file.object_key, file.offset + start, length))
            except LantaiError as error:
                log.warning("replica %s could not give %s: %s", store.name, file.object_key, error.code)
                continue
            if hashlib.sha256(data).digest() == kept.digests[number * 32 : number * 32 + 32]:
                with kept.path.open("r+b") as out:
                    out.seek(start)
                    out.write(data)
                return
            log.warning("replica %s holds other bytes than the catalogue says for %s", store.name, file.object_key)
        raise Unavailable(
            "file.no_intact_copy",
            zh="现在没有任何副本能给出这个文件的完好内容。请通知长期保存管理员运行完整性检查。",
            en="No replica gives the recorded bytes of this file now. Ask the preservation officer to run an audit.",
            key=file.object_key,
        )

    def _room(self) -> Path:
        if self._folder is None or not Path(self._folder.name).is_dir():
            self._archive.derivatives.mkdir(parents=True, exist_ok=True)
            self._folder = tempfile.TemporaryDirectory(prefix="work-", dir=self._archive.derivatives)
            self._kept.clear()
        return Path(self._folder.name)

    def _sweep(self) -> None:
        """Remove what nobody has looked at for a while, and the oldest when there is too much."""
        size = sum(one.size for one in self._kept.values())
        for file_id, one in list(self._kept.items()):
            too_much = len(self._kept) >= _KEPT_FILES or size > _KEPT_BYTES
            if too_much or time.monotonic() - one.used > _KEPT_SECONDS:
                del self._kept[file_id]
                size -= one.size
                with suppress(OSError):
                    one.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Remove everything."""
        with self._lock, suppress(OSError):
            if self._folder is not None:
                self._folder.cleanup()
                self._folder = None
