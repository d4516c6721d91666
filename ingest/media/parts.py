"""Documents that are ZIP packages: guarded against bombs, every part's checksum compared, every XML part well formed."""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from lxml import etree

from ingest.media.medium import Bounds, Medium
from metadata import xml
from metadata.errors import Invalid

XML_ENDS = (".xml", ".rels", ".vml", ".rdf", ".xhtml")
TREE_BYTES = 8 << 20
"""XML parts up to this size are held as trees; larger ones are read through without being kept."""

_STEP = 1 << 20
_ENCRYPTED = 0x1
_KNOWN_PARTS = 4096
_known: dict[bytes, None] = {}
"""Digests of parts that are well formed: templates bring the same styles into every document."""


def opened(path: str, bounds: Bounds, medium: Medium) -> zipfile.ZipFile | None:
    """The package at ``path``, or None when it is damaged, locked or unpacks to more than the limits allow."""
    try:
        package = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, ValueError, NotImplementedError, EOFError, struct.error):
        medium.damaged("package")
        return None
    infos = package.infolist()
    total, packed = sum(one.file_size for one in infos), sum(one.compress_size for one in infos)
    too_dense = total > bounds.container_ratio_from and total > bounds.container_ratio * max(1, packed)
    if too_dense or total > bounds.container_bytes or len(infos) > bounds.container_entries:
        medium.too_large(f"{len(infos)} parts, {total} bytes")
    elif any(one.flag_bits & _ENCRYPTED for one in infos):
        medium.password = True
    else:
        return package
    package.close()
    return None


def members(package: zipfile.ZipFile, medium: Medium) -> Iterator[tuple[str, bytes | None]]:
    """Each part read to its end: its name, and its bytes where it is XML of a size to be parsed.

    A part whose checksum is wrong ends the reading: the rest is the document's readable part no more.
    """
    for info in package.infolist():
        if info.is_dir():
            continue
        try:
            if info.filename.lower().endswith(XML_ENDS) and info.file_size <= TREE_BYTES:
                yield info.filename, package.read(info)
                continue
            with package.open(info) as part:
                if info.filename.lower().endswith(XML_ENDS):
                    _read_through(part, info.filename, medium)
                while part.read(_STEP):
                    pass
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, struct.error) as error:
            medium.partial(info.filename, "packing" if isinstance(error, NotImplementedError) else "checksum")
            return
        yield info.filename, None


def _read_through(part: IO[bytes], name: str, medium: Medium) -> None:
    """Parse a large XML part without keeping it."""
    try:
        for _, element in etree.iterparse(
            part, resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False, remove_comments=True
        ):
            element.clear()
            parent = element.getparent()
            if parent is not None and parent.getparent() is not None:
                parent.remove(element)
    except etree.XMLSyntaxError:
        medium.malformed(name)


def root_of(data: bytes, name: str, medium: Medium) -> etree._Element | None:
    """The root of an XML part; None, and noted, for what is not well formed or declares a document type."""
    try:
        return xml.parse(data)
    except Invalid as error:
        if error.code == "xml.doctype":
            medium.doctype = True
        else:
            medium.malformed(name)
        return None


def well_formed(data: bytes, name: str, medium: Medium) -> None:
    """Note it when an XML part of which nothing is wanted is not well formed."""
    digest = hashlib.sha256(data).digest()
    if digest in _known:
        return
    if root_of(data, name, medium) is not None:
        if len(_known) >= _KNOWN_PARTS:
            _known.clear()
        _known[digest] = None
