"""Format identification inside a check process: PRONOM by Siegfried (pygfried), MIME by libmagic, and our OFD rule.

Siegfried takes paths, holds the interpreter's lock and tells OFD as a plain ZIP: a ZIP whose ``OFD.xml`` has a root in
the namespace of GB/T 33190 is OFD. Versions of both tools and of their signatures are recorded with each result.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import struct
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ingest.pool import Failed
from metadata.errors import LantaiError
from metadata.formats import OFD_MIME, OFD_PUID
from metadata.xml import parse

FUNCTION = "ingest.identify:identify"
VERSIONS = "ingest.identify:versions"
OFD_NAMESPACE = "http://www.ofdspec.org/2016"
_ZIP_PUIDS = {"x-fmt/263", "x-fmt/412"}
_OFD_XML_BYTES = 1 << 20
_NO_PACKAGE = (
    KeyError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
    EOFError,
    LantaiError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)
_MISMATCH = "extension mismatch"
_BY_NAME_ONLY = "match on extension only"


@dataclass(frozen=True, slots=True)
class Identified:
    """What both tools say about one file. ``puid`` None: Siegfried knows no signature that fits."""

    puid: str | None
    name: str
    version: str
    puid_mime: str
    mime: str
    basis: str
    mismatch: bool
    by_name_only: bool


@cache
def _magic_module() -> Any:
    """python-magic with the libmagic that pylibmagic brings: it must be imported first, or the system's is taken."""
    importlib.import_module("pylibmagic")
    return importlib.import_module("magic")


@cache
def _magic() -> Any:
    return _magic_module().Magic(mime=True)


def tool_versions() -> dict[str, str]:
    """Identification tools and signatures of this process, as recorded with each result."""
    import pygfried  # a Go runtime: loaded in check processes only

    number = int(_magic_module().version())
    told = pygfried.identify_many([], workers=1)
    identifiers = "; ".join(one.get("details", "") for one in told.get("identifiers", []))
    return {
        "siegfried": f"{told.get('siegfried', '')} ({identifiers})",
        "libmagic": f"{number // 100}.{number % 100:02d}",
    }


def versions(_items: list[None]) -> list[dict[str, str]]:
    """``tool_versions`` as the pool calls it."""
    return [tool_versions()]


def identify(paths: list[bytes]) -> list[Identified | Failed]:
    """Both tools over ``paths``, in order; ``Failed`` for a file that a tool could not take."""
    import pygfried  # a Go runtime: loaded in check processes only

    with contextlib.ExitStack() as stack:
        texts = _as_texts(paths, stack)
        told: Any = pygfried.identify_many(texts, workers=1)["files"]
        by_name = {one["filename"]: one for one in told}
        return [_tried(path, by_name[text]) for path, text in zip(paths, texts, strict=True)]


def _tried(path: bytes, told: dict[str, Any]) -> Identified | Failed:
    try:
        return _one(path, told)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is this file's own fault
        return Failed(type(error).__name__)


def _as_texts(paths: list[bytes], stack: contextlib.ExitStack) -> list[str]:
    """Paths that Siegfried can take: one that is not UTF-8 is reached through a link in a folder that ``stack`` removes."""
    scratch = ""
    texts = []
    for number, path in enumerate(paths):
        try:
            texts.append(path.decode("utf-8"))
        except UnicodeDecodeError:
            scratch = scratch or stack.enter_context(tempfile.TemporaryDirectory(prefix="lantai-identify-"))
            suffix = os.path.splitext(path)[1].decode("ascii", "ignore")  # noqa: PTH122 - bytes path
            link = f"{scratch}/{number:06d}{suffix}"
            Path(link).symlink_to(os.fsdecode(path))
            texts.append(link)
    return texts


def _one(path: bytes, told: dict[str, Any]) -> Identified:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        mime = str(_magic().from_descriptor(handle))
    finally:
        os.close(handle)
    best = told["matches"][0] if told["matches"] else {}
    puid = best.get("id") or None
    if puid == "UNKNOWN" or told["errors"]:  # empty, or a container too damaged to be looked into: nothing is known
        puid, best = None, {}
    warning = best.get("warning", "")
    if puid in _ZIP_PUIDS and is_ofd(path):
        return Identified(
            OFD_PUID, "OFD GB/T 33190-2016", "2016", OFD_MIME, OFD_MIME, "OFD.xml namespace", False, False
        )
    return Identified(
        puid,
        best.get("format", ""),
        best.get("version", ""),
        best.get("mime", ""),
        mime,
        best.get("basis", ""),
        _MISMATCH in warning,
        _BY_NAME_ONLY in warning,
    )


def is_ofd(path: bytes) -> bool:
    """Whether the ZIP at ``path`` is an OFD document (GB/T 33190-2016)."""
    try:
        with open(path, "rb") as opened, zipfile.ZipFile(opened) as archive:
            info = archive.getinfo("OFD.xml")
            if info.file_size > _OFD_XML_BYTES:
                return False
            root = parse(archive.read(info))
    except _NO_PACKAGE:
        return False
    return str(root.tag) == f"{{{OFD_NAMESPACE}}}OFD"
