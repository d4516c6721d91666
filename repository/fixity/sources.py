"""Where bytes with a recorded digest can still be had: the catalogue's own copy, or another replica."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import select

from metadata.errors import LantaiError
from repository.archive import Archive
from repository.fixity.reading import digest
from repository.tables import LedgerBlock, StoredObject

CATALOGUE = "catalogue"


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that had the recorded digest when they were read just now. ``name``: a replica or ``catalogue``."""

    name: str
    archive: Archive
    key: str
    body: bytes | None = None

    def chunks(self) -> Iterator[bytes]:
        """The bytes once more; whoever writes them checks them again."""
        if self.body is not None:
            return iter([self.body])
        return self.archive.replicas.store(self.name).read(self.key)


def bytes_in_catalogue(archive: Archive, key: str) -> bytes | None:
    """The bytes of a small object or ledger block as the database keeps them; None for bags."""
    with archive.reading() as session:
        body = session.scalar(select(StoredObject.body).where(StoredObject.key == key))
        if body is None:
            body = session.scalar(select(LedgerBlock.body).where(LedgerBlock.key == key))
    return body


def good_source(archive: Archive, key: str, sha256: str, *, but: str) -> Source | None:
    """A source whose bytes were read in full just now and have ``sha256``; None when there is none.

    Never by majority: two equal copies with another digest are two damaged copies. ``but`` is the replica at fault.
    """
    body = bytes_in_catalogue(archive, key)
    if body is not None and hashlib.sha256(body).hexdigest() == sha256:
        return Source(CATALOGUE, archive, key, body)
    for name in archive.replicas.names:
        if name == but:
            continue
        store = archive.replicas.store(name)
        try:
            found, _size = digest(store, key, cold=True)
        except (LantaiError, OSError):
            continue
        if found == sha256:
            return Source(name, archive, key)
    return None
