"""XML files, SVG among them: well formed, without a document type, and their text."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from ingest.media.medium import Medium, Page, Subject
from metadata import xml
from metadata.errors import Invalid

_TREE_BYTES = 32 << 20
_SVG = "{http://www.w3.org/2000/svg}"


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """No page comes of it."""
    if subject.size > _TREE_BYTES:
        medium.too_large(f"{subject.size} bytes")
        return ()
    with open(subject.path, "rb") as opened:
        data = opened.read()
    try:
        root = xml.parse(data)
    except Invalid as error:
        if error.code == "xml.doctype":
            medium.doctype = True
        else:
            medium.malformed("XML")
        return ()
    _note(root, medium)
    return ()


def _note(root: etree._Element, medium: Medium) -> None:
    if root.tag == f"{_SVG}svg":
        scripted = next(root.iter(f"{_SVG}script"), None) is not None
        if scripted or any(str(name).startswith("on") for one in root.iter() for name in one.attrib):
            medium.active["script"] = 1
    pieces = []
    for element in root.iter(etree.Element):
        pieces += [str(value) for value in element.attrib.values()]
        pieces.append(element.text or "")
        pieces.append(element.tail or "")
    medium.add_text("\n".join(piece for piece in pieces if piece.strip()))
