"""Files that wait for a derivative, and their bytes: from whichever replica has them as the catalogue says.

What is made from files is only ever made from bytes that match the digest. Fetched copies lie below the derivatives'
folder for as long as they are worked on; what a killed process left is removed an hour later.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from metadata.digests import MultiDigest
from metadata.errors import LantaiError, NotFound, Unavailable
from repository.archive import Archive
from repository.tables import RecordVersion, StoredFile

log = logging.getLogger(__name__)
PLAIN_SCAN = 2_000
"""Files looked at in one go for those that need nothing made."""
_CHUNK = 1 << 20
_ABANDONED_AFTER = 3600.0
_WORK = "work-"
StateColumn = Literal["text_state", "image_state", "ocr_state"]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A file of which something is to be made."""

    id: str
    record_id: str
    version: int
    position: int
    name: str
    mime: str | None
    puid: str | None
    object_key: str
    offset: int
    size: int
    digests: dict[str, str]
    page_count: int | None


def waiting(archive: Archive, *conditions: ColumnElement[bool], limit: int, order: Any = None) -> list[Waiting]:
    """Files that meet ``conditions``, at most ``limit``."""
    wanted = (
        select(
            StoredFile.id,
            StoredFile.record_id,
            StoredFile.version,
            StoredFile.position,
            StoredFile.original_name,
            StoredFile.mime,
            StoredFile.puid,
            RecordVersion.object_key,
            StoredFile.offset,
            StoredFile.size,
            StoredFile.digests,
            StoredFile.page_count,
        )
        .join(
            RecordVersion,
            (RecordVersion.record_id == StoredFile.record_id) & (RecordVersion.number == StoredFile.version),
        )
        .where(*conditions)
        .limit(limit)
    )
    if order is not None:
        wanted = wanted.order_by(order)
    with archive.reading() as session:
        return [Waiting(*row) for row in session.execute(wanted)]


def settle(session: Session, column: StateColumn, states: Mapping[str, str]) -> None:
    """Set the state ``column`` of files (id -> state) that still wait; one settled meanwhile stays as it is."""
    waits = getattr(StoredFile, column) == "pending"
    for state in sorted(set(states.values())):
        ids = [file_id for file_id, one in states.items() if one == state]
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            session.execute(update(StoredFile).where(StoredFile.id.in_(some), waits).values({column: state}))


@contextmanager
def work_folder(derivatives: Path) -> Iterator[Path]:
    """A folder for fetched files, removed at the end of the block."""
    derivatives.mkdir(parents=True, exist_ok=True)
    _sweep(derivatives)
    with tempfile.TemporaryDirectory(prefix=_WORK, dir=derivatives) as folder:
        yield Path(folder)


def _sweep(derivatives: Path) -> None:
    for folder in derivatives.glob(f"{_WORK}*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime > _ABANDONED_AFTER:
                shutil.rmtree(folder, ignore_errors=True)


def fetch(archive: Archive, one: Waiting, target: Path) -> bool:
    """Write the file's bytes to ``target`` from the first replica whose bytes match the digest.

    False when every replica answered and none matches (the audit will say so); ``Unavailable`` when one did not answer
    and the others have no good copy.
    """
    silent: Unavailable | None = None
    for store in archive.replicas.stores:
        try:
            if _copy(store.read_range(one.object_key, one.offset, one.size), one, target):
                return True
            log.warning("replica %s holds other bytes than the catalogue says for %s", store.name, one.object_key)
        except NotFound:
            log.warning("replica %s lacks %s", store.name, one.object_key)
        except Unavailable as error:
            silent = error
        except LantaiError as error:
            log.warning("replica %s: %s", store.name, error)
    if silent is not None:
        raise silent
    return False


def _copy(chunks: Iterator[bytes], one: Waiting, target: Path) -> bool:
    algorithm = next((name for name in ("sha256", "sha512", "sm3") if name in one.digests), None)
    if algorithm is None:
        return False
    digest = MultiDigest([algorithm])
    with target.open("wb", buffering=_CHUNK) as out:
        for chunk in chunks:
            digest.update(chunk)
            out.write(chunk)
    return digest.size == one.size and digest.result()[algorithm] == one.digests[algorithm].lower()
