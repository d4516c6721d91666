"""Quality of scans (DA/T 31-2017): resolution, blank and black pages, skew, content cut off at an edge.

Judged on a small grey copy of each page. Photographs are left alone: what a camera made has Exif, what is not mostly
paper is no page, and neither is anything of a screen's proportions. One finding tells all pages of one fault.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from operator import mul

from PIL import Image

from ingest.media.medium import Bounds, Page
from ingest.outcome import Finding

_SMALLEST = 300  # pixels of the shorter side of anything that may be a scanned page
_SLIMMEST = 1.75  # longer to shorter side; screens of computers and telephones are slimmer
_PAPER_INCHES = (3.0, 24.0)  # a page between a slip and A2; else the resolution told is nobody's measure
_BLACK, _BLACK_SHARE = 70, 0.97
_PAPER, _PAPER_SHARE = 150, 0.5
_CONTRAST = 45  # how much darker than the paper ink is
_FAINT = 25
_MARGIN = 0.03
_BLANK_SHARE = 0.0004
_SURELY_INKED = 0.08
_WRITTEN = (0.004, 0.35)  # the share of ink on a page of writing; of less or more nothing can be told
_STRIPS = 16
_STEP = 0.5
_MOST_SKEW = 8.0
_MOST_FALL = math.tan(math.radians(_MOST_SKEW))
_GAIN = 1.1  # how much sharper the lines must stand when turned back
_EDGE_INK = (0.02, 0.4)
_VALUES = range(256)
_SQUARES = [value * value for value in range(256)]


class ScanQuality:
    """Gathers what is wrong with the pages of one file."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._pages: dict[str, list[int]] = {}
        self._dpi = 0.0
        self._degrees = 0.0

    def add(self, page: Page) -> None:
        """Judge one page."""
        shorter, longer = sorted((page.width, page.height))
        if shorter < _SMALLEST or longer > _SLIMMEST * shorter:
            return
        counts = page.image.histogram()
        total = sum(counts)
        if sum(counts[:_BLACK]) >= _BLACK_SHARE * total:
            self._note("scan.dark", page)
            return
        paper = max(range(256), key=counts.__getitem__)
        ink = paper - _CONTRAST
        if paper < _PAPER or sum(counts[ink + 1 :]) < _PAPER_SHARE * total:
            return
        self._resolution(page, shorter, longer)
        if sum(counts[: paper - _FAINT]) < _SURELY_INKED * total and _blank(page.image, paper):
            self._note("scan.blank", page)
            return
        share = sum(counts[: ink + 1]) / total
        if not _WRITTEN[0] <= share <= _WRITTEN[1]:
            return
        degrees = skew(page.image, self._bounds.scan_skew_degrees)
        if abs(degrees) > self._bounds.scan_skew_degrees:
            self._degrees = max(self._degrees, abs(degrees))
            self._note("scan.skewed", page)
        if _cut_off(page.image, ink):
            self._note("scan.cut_off", page)

    def _resolution(self, page: Page, shorter: int, longer: int) -> None:
        dpi, least = page.dpi, self._bounds.scan_dpi
        if dpi is None or shorter / dpi < _PAPER_INCHES[0] or longer / dpi > _PAPER_INCHES[1]:
            return
        if dpi < least - self._bounds.scan_tolerance_dpi:
            self._dpi = min(self._dpi or dpi, dpi)
            self._note("scan.low_resolution", page)

    def _note(self, code: str, page: Page) -> None:
        self._pages.setdefault(code, []).append(page.number)

    def findings(self, path: str) -> Iterable[Finding]:
        """One finding for each fault, with the pages that have it (``1-3, 7``) and the worst value among them."""
        for code, pages in self._pages.items():
            told: dict[str, object] = {"page": _ranges(pages)}
            if code == "scan.low_resolution":
                told |= {"dpi": round(self._dpi), "limit": self._bounds.scan_dpi}
            elif code == "scan.skewed":
                told |= {"degrees": round(self._degrees, 1), "limit": self._bounds.scan_skew_degrees}
            yield Finding(code, path, told)


def _ranges(pages: list[int]) -> str:
    parts: list[list[int]] = []
    for page in pages:
        if parts and parts[-1][1] == page - 1:
            parts[-1][1] = page
        else:
            parts.append([page, page])
    return ", ".join(f"{first}-{last}" if last > first else str(first) for first, last in parts)


def _blank(image: Image.Image, paper: int) -> bool:
    """Whether there is nothing on the paper inside its margins, where shadows of the lid lie."""
    width, height = image.size
    across, down = int(width * _MARGIN) + 1, int(height * _MARGIN) + 1
    counts = image.crop((across, down, width - across, height - down)).histogram()
    return sum(counts[: max(0, paper - _FAINT)]) <= _BLANK_SHARE * sum(counts)


def skew(image: Image.Image, limit: float) -> float:
    """By how many degrees the lines of a page of writing are turned, roughly.

    The means of its rows differ most when the page stands straight. The page is cut into upright strips, each a column
    of means, which are moved against each other instead of turning the picture. Two moved copies tell most pages to be
    straight; only one that does not stand out is moved step by step.
    """
    strips = image.resize((_STRIPS, image.height), Image.Resampling.BOX)
    breadth = image.width / _STRIPS
    straight = _swing(strips, breadth, 0.0)
    if all(_swing(strips, breadth, angle) < straight for angle in (-limit, limit)):
        return 0.0
    steps = [number * _STEP for number in range(1, int(_MOST_SKEW / _STEP) + 1)]
    best, angle = max((_swing(strips, breadth, sign * step), sign * step) for step in steps for sign in (-1, 1))
    return angle if best > _GAIN * straight else 0.0


def _swing(strips: Image.Image, breadth: float, degrees: float) -> float:
    """The variance of the rows' means when the strips are moved as if turned; without what comes in from outside."""
    fall = math.tan(math.radians(degrees)) * breadth
    if degrees:
        moved = (1.0, 0.0, 0.0, fall, 1.0, -fall * _STRIPS / 2)
        strips = strips.transform(strips.size, Image.Transform.AFFINE, moved)
    outside = min(strips.height // 4, math.ceil(_MOST_FALL * breadth * _STRIPS / 2) + 1)
    rows = strips.resize(
        (1, strips.height - 2 * outside), Image.Resampling.BOX, (0, outside, _STRIPS, strips.height - outside)
    )
    counts, total = rows.histogram(), rows.height
    mean = float(sum(map(mul, _VALUES, counts))) / total
    return float(sum(map(mul, _SQUARES, counts))) / total - mean * mean


def _cut_off(image: Image.Image, ink: int) -> bool:
    """Whether writing runs into an edge: broken ink along it. A whole dark edge is the scanner's lid, not writing."""
    width, height = image.size
    for box in ((0, 0, 2, height), (width - 2, 0, width, height), (0, 0, width, 2), (0, height - 2, width, height)):
        edge = image.crop(box)
        if edge.getextrema()[0] > ink:  # type: ignore[operator]  # of one band: two numbers
            continue
        marks = edge.point([255 * (value <= ink) for value in range(256)])
        inked = marks.histogram()[255] / (edge.width * edge.height)
        if _EDGE_INK[0] <= inked <= _EDGE_INK[1] and _runs(marks) >= 3:
            return True
    return False


def _runs(edge: Image.Image) -> int:
    """How many separate marks there are along an edge."""
    along = edge.resize((1, edge.height) if edge.height > edge.width else (edge.width, 1), Image.Resampling.BOX)
    marks = along.point([255 * (value > 127) for value in range(256)]).tobytes()
    return marks.count(b"\x00\xff") + marks.startswith(b"\xff")
