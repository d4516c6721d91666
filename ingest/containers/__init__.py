"""Containers: ZIP, TAR, 7z, RAR and mail as transport. Looked through before anything is taken out, then under limits.

``listing`` reads the directory, ``ingest.checks.container`` judges it, ``extract`` takes the files out one by one.
Nothing is taken out of a container with an error finding. What C libraries or large parsers read (7z, RAR, mail) is
read in a process of its own.
"""

from __future__ import annotations

import lzma
import struct
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from ingest.containers import apart, tars, zips
from ingest.containers.apart import Apart
from ingest.containers.members import Clock, Damaged, Listing, Member, Source, TakenOut
from ingest.limits import IngestLimits
from ingest.outcome import Finding

__all__ = [
    "DAMAGED",
    "Apart",
    "Clock",
    "Damaged",
    "Listing",
    "Member",
    "Source",
    "TakenOut",
    "extract",
    "is_foreign",
    "kind_of",
    "listing",
]

DAMAGED = (
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    struct.error,
    ValueError,
    OverflowError,
    RecursionError,
    NotImplementedError,
)
"""What a broken container raises while it is read, beside ``Damaged`` itself."""
_FOREIGN = {"ZstdError"}
_ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")


def kind_of(name: str, head: bytes) -> str | None:
    """``zip``, ``tar``, ``rar``, ``7z`` or ``mail`` when ``name`` and the first 512 bytes say so; else None.

    Office documents and OFD are ZIPs too: only a name that ends in ``.zip`` makes a ZIP a container.
    """
    if head.startswith(b"Rar!\x1a\x07"):
        return "rar"
    if head.startswith(b"7z\xbc\xaf\x27\x1c"):
        return "7z"
    lower = name.lower()
    if lower.endswith(".zip") and head.startswith(_ZIP_STARTS):
        return "zip"
    if tars.is_tar(name, head):
        return "tar"
    return "mail" if lower.endswith(".eml") and apart.is_mail(head) else None


def listing(
    path: Path, name: str, limits: IngestLimits, helper: Apart, clock: Clock | None = None
) -> Listing | Finding:
    """Every entry of the container at ``path``, or the finding that keeps it shut."""
    with path.open("rb") as opened:
        kind = kind_of(name, opened.read(512))
    clock = clock or Clock(limits, path.stat().st_size)
    try:
        if kind == "zip":
            return zips.listing(path, name, limits, clock)
        if kind == "tar":
            return tars.listing(path, name, limits, clock)
        return apart.listing(kind or "", path, name, limits, clock, helper)
    except Damaged as damaged:
        return damaged.finding(name)
    except DAMAGED:
        return Finding("container.damaged", name)
    except Exception as error:
        if is_foreign(error):
            return Finding("container.damaged", name)
        raise


def is_foreign(error: Exception) -> bool:
    """Whether it is damage told by an optional library, whose errors cannot be named here without loading it."""
    return type(error).__name__ in _FOREIGN


def extract(path: Path, listed: Listing, limits: IngestLimits, helper: Apart, first: int = 0) -> Iterator[TakenOut]:
    """Every file of the container in its own order, without the ``first`` ones; ``Damaged`` when it breaks off.

    A member must be read to its end before the next is asked for: size and checksum are checked there.
    """
    if listed.kind == "zip":
        yield from zips.take_out(path, listed, first)
    elif listed.kind == "tar":
        yield from tars.take_out(path, limits, listed, first)
    else:
        yield from apart.take_out(path, listed, limits, helper, first)
