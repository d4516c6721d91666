"""Office documents that are packages: OOXML (ISO/IEC 29500) and OpenDocument (ISO/IEC 26300).

Every part is unpacked and its checksum compared, every XML part is parsed by the hardened parser, and the text comes
from the same trees: a line for each paragraph, cell or shared string, so that two cells never become one number.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable

from lxml import etree

from ingest.media import parts
from ingest.media.medium import Medium, Page, Subject

_BETWEEN_CELLS = "\t\n"
"""Keeps what stands in two cells from being read as one number (``metadata.personal_numbers``)."""
_CELLS = 200_000
_SHEET = re.compile(r"xl/(worksheets|chartsheets)/[^/]+\.xml\Z")
_SLIDE = re.compile(r"ppt/slides/[^/]+\.xml\Z")
_EMBEDDED = re.compile(r"(word|xl|ppt)/embeddings/[^/]+\Z|Object [0-9]+/content\.xml\Z")
_OUTSIDE = "External"
_HREF = "{http://www.w3.org/1999/xlink}href"


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """No page comes of it: how a document is set on paper is the business of who shows it."""
    with open(subject.path, "rb") as opened:
        if opened.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
            medium.password = True  # an encrypted package lies inside a compound file (MS-OFFCRYPTO 2.3.4)
            return ()
    package = parts.opened(subject.path, subject.bounds, medium)
    if package is not None:
        with package:
            _read(package, medium)
    return ()


def _read(package: zipfile.ZipFile, medium: Medium) -> None:
    names = set(package.namelist())
    if not names & {"[Content_Types].xml", "content.xml", "META-INF/manifest.xml"}:
        medium.damaged("no document")
    for name, data in parts.members(package, medium):
        _note_name(name, medium)
        if data is None:
            continue
        reader = _reader(name) if medium.wants_text or name.endswith((".rels", "manifest.xml", "app.xml")) else None
        if reader is None:
            parts.well_formed(data, name, medium)
        elif (root := parts.root_of(data, name, medium)) is not None:
            reader(root, medium)


def _note_name(name: str, medium: Medium) -> None:
    low = name.lower()
    if low.endswith("vbaproject.bin") or low.startswith(("basic/", "scripts/")):
        medium.active["macro"] = 1
    elif "/activex/" in low and low.endswith(".bin"):
        medium.active["script"] = 1
    elif _EMBEDDED.match(name):
        medium.active["attachment"] += 1
    elif low.startswith("xl/externallinks/") and low.endswith(".xml"):
        medium.active["external"] = 1
    if low.startswith("_xmlsignatures/") and low.endswith(".xml"):
        medium.signatures.append({"kind": "ooxml"})
    elif low == "meta-inf/documentsignatures.xml":
        medium.signatures.append({"kind": "odf"})
    if _SHEET.match(low):
        medium.sheets = (medium.sheets or 0) + 1
    elif _SLIDE.match(low):
        medium.pages = (medium.pages or 0) + 1


def _reader(name: str):  # type: ignore[no-untyped-def]  # one of the functions below
    if name.startswith("word/") and re.match(r"word/(document|footnotes|endnotes|header\d*|footer\d*)\.xml\Z", name):
        return _paragraphs
    if _SLIDE.match(name):
        return _paragraphs
    if name == "xl/sharedStrings.xml":
        return _shared
    if _SHEET.match(name):
        return _cells
    if name.endswith(".rels"):
        return _relations
    return {"content.xml": _opendocument, "META-INF/manifest.xml": _manifest, "docProps/app.xml": _properties}.get(name)


def _paragraphs(root: etree._Element, medium: Medium) -> None:
    lines = ("".join(one.text or "" for one in paragraph.iter("{*}t")) for paragraph in root.iter("{*}p"))
    medium.add_text("\n".join(line for line in lines if line))


def _shared(root: etree._Element, medium: Medium) -> None:
    strings = ("".join(one.text or "" for one in item.iter("{*}t")) for item in root.iter("{*}si"))
    medium.add_text(_BETWEEN_CELLS.join(strings))


def _cells(root: etree._Element, medium: Medium) -> None:
    """Numbers and strings that stand in the cells themselves; shared strings are read where they are kept."""
    found: list[str] = []
    for number, cell in enumerate(root.iter("{*}c")):
        if number >= _CELLS:
            break
        if cell.get("t") != "s":
            found += [one.text for one in cell.iter("{*}v", "{*}t") if one.text]
    medium.add_text(_BETWEEN_CELLS.join(found))


def _opendocument(root: etree._Element, medium: Medium) -> None:
    medium.add_text("\n".join("".join(map(str, one.itertext())) for one in root.iter("{*}p", "{*}h")))
    sheets = sum(1 for _ in root.iter("{urn:oasis:names:tc:opendocument:xmlns:table:1.0}table"))
    spreadsheet = root.find(".//{urn:oasis:names:tc:opendocument:xmlns:office:1.0}spreadsheet")
    medium.sheets = sheets if spreadsheet is not None else None
    if any((one.get(_HREF) or "").startswith(("http:", "https:", "file:")) for one in root.iter("{*}image")):
        medium.active["external"] = 1


def _manifest(root: etree._Element, medium: Medium) -> None:
    if next(root.iter("{*}encryption-data"), None) is not None:
        medium.password = True


def _relations(root: etree._Element, medium: Medium) -> None:
    for one in root.iter("{*}Relationship"):
        if one.get("TargetMode") == _OUTSIDE and not (one.get("Type") or "").endswith("/hyperlink"):
            medium.active["external"] = 1


def _properties(root: etree._Element, medium: Medium) -> None:
    told = root.findtext("{*}Pages")
    if medium.pages is None and told and told.isdigit() and int(told) > 0:
        medium.pages = int(told)
