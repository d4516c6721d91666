"""Text of OFD (GB/T 33190-2016) with the place of every text object, in the order of the document's own pages.

``OFD.xml`` names the documents, each document its pages (``Pages/Page``) and templates; a page's template, where the
printed words of an invoice stand, belongs to the page. A package without that structure is read by its file names.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from lxml import etree

from ingest.extract.reading import MIB, MOST_PAGES, ExtractedText, Unreadable, clean, told
from metadata import xml
from repository.derivatives import FULL, Line, PageText

ENGINE = "lantai ofd 2"
MOST_BYTES = 128 * MIB
_PART = 16 * MIB
_PAGE = re.compile(r"(?:.*/)?Doc_(\d+)/Pages/Page_(\d+)/Content\.xml\Z", re.IGNORECASE)
_Area = tuple[float, float, float, float]
_A4: _Area = (0.0, 0.0, 210.0, 297.0)


@dataclass(slots=True)
class _Package:
    """The parts of an OFD by name; names are compared without case, as makers do."""

    package: zipfile.ZipFile
    names: dict[str, zipfile.ZipInfo] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for info in self.package.infolist():
            self.names.setdefault(info.filename.replace("\\", "/").lstrip("/").lower(), info)

    def part(self, name: str) -> etree._Element | None:
        """A part as XML, ``None`` when there is none; ``Unreadable`` when it is beyond any size of a page."""
        info = self.names.get(name.lower())
        if info is None:
            return None
        if info.file_size > _PART:
            raise Unreadable
        with self.package.open(info) as opened:
            return xml.parse(opened.read(_PART + 1))


def read_ofd(source: Path | bytes, _mime: str) -> ExtractedText:
    """The pages of all documents of the package, at most ``MOST_PAGES``."""
    opened = io.BytesIO(source) if isinstance(source, bytes) else source
    with zipfile.ZipFile(opened) as archive:
        package = _Package(archive)
        pages = list(_pages(package))
        if not pages:
            pages = list(_by_name(package))
    note = f"only the first {MOST_PAGES} pages" if len(pages) > MOST_PAGES else ""
    return told(pages[:MOST_PAGES], ENGINE, note)


def _at(base: str, location: str | None) -> str:
    """A location named in the part ``base``: from the package's root with a leading slash, else from beside it."""
    location = (location or "").strip().replace("\\", "/")
    if location.startswith("/"):
        return posixpath.normpath(location.lstrip("/"))
    return posixpath.normpath(posixpath.join(posixpath.dirname(base), location))


def _pages(package: _Package) -> Iterator[PageText]:
    root = package.part("OFD.xml")
    if root is None:
        return
    made = 0
    for named in root.iterfind("{*}DocBody/{*}DocRoot"):
        place = _at("OFD.xml", named.text)
        document = package.part(place)
        if document is None:
            continue
        area = _area(document.find("{*}CommonData/{*}PageArea"), _A4)
        templates = {
            str(one.get("ID")): _at(place, one.get("BaseLoc"))
            for one in document.iterfind("{*}CommonData/{*}TemplatePage")
        }
        for page in document.iterfind("{*}Pages/{*}Page"):
            made += 1
            if made > MOST_PAGES + 1:
                return
            content = package.part(_at(place, page.get("BaseLoc")))
            yield PageText("") if content is None else _page(package, content, area, templates)


def _by_name(package: _Package) -> Iterator[PageText]:
    found = [(match, info) for info in package.names.values() if (match := _PAGE.match(info.filename))]
    found.sort(key=lambda one: (int(one[0].group(1)), int(one[0].group(2))))
    for _, info in found[: MOST_PAGES + 1]:
        content = package.part(info.filename)
        yield PageText("") if content is None else _page(package, content, _A4, {})


def _page(package: _Package, content: etree._Element, area: _Area, templates: dict[str, str]) -> PageText:
    area = _area(content.find("{*}Area"), area)
    layers = []
    for used in content.iterfind("{*}Template"):
        template = package.part(templates.get(str(used.get("TemplateID")), ""))
        if template is not None:
            layers.append(template)
    text, lines = "", []
    before: _Area | None = None
    for layer in (*layers, content):
        for one in layer.iter("{*}TextObject"):
            words = clean("".join("".join(map(str, code.itertext())) for code in one.iter("{*}TextCode")))
            if not words:
                continue
            box = _numbers(one.get("Boundary"))
            text += _between(before, box) if text else ""
            if box is not None:
                lines.append(_line(len(text), len(text) + len(words), box, area))
            text += words
            before = box
    return PageText(text, tuple(lines))


def _between(before: _Area | None, box: _Area | None) -> str:
    """What stands between two text objects: nothing when the second goes on where the first ends, as makers cut them."""
    if before is None or box is None:
        return "\n"
    height = min(before[3], box[3])
    same_line = min(before[1] + before[3], box[1] + box[3]) - max(before[1], box[1]) > height / 2
    gap = box[0] - (before[0] + before[2])
    if not same_line or gap < -height:
        return "\n"
    return "" if gap < height / 2 else "\t"


def _line(begin: int, end: int, box: _Area, area: _Area) -> Line:
    left, top, width, height = box

    def shown(value: float, start: float, whole: float) -> int:
        return max(0, min(FULL, round((value - start) / whole * FULL)))

    return (
        begin,
        end,
        shown(left, area[0], area[2]),
        shown(top, area[1], area[3]),
        shown(left + width, area[0], area[2]),
        shown(top + height, area[1], area[3]),
    )


def _area(element: etree._Element | None, otherwise: _Area) -> _Area:
    box = _numbers(element.findtext("{*}PhysicalBox")) if element is not None else None
    return box if box is not None and box[2] > 0 and box[3] > 0 else otherwise


def _numbers(value: str | None) -> _Area | None:
    """Four numbers, as boxes are written (``x y width height`` in millimetres)."""
    try:
        left, top, width, height = map(float, (value or "").split())
    except ValueError:
        return None
    return left, top, width, height
