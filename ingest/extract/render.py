"""Pictures of pages as every browser shows them: WebP, turned upright, without Exif. Runs in a process of the pool.

A page picture is at most 1,600 pixels wide, a thumb 240. Black-and-white scans are kept without loss, everything else
at WebP quality 70. JPEG is decoded at a fraction of its size where that is enough.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pi_heif
import pypdfium2
from PIL import Image, ImageOps, ImageStat

from ingest.extract.reading import MOST_PAGES
from ingest.pool import Failed

PAGE = (1600, 8000)
THUMB = (240, 480)
_QUALITY = 70
_GREYS = 16
_MOST_PIXELS = 400_000_000
_PDF = "application/pdf"
_IMAGES = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/gif",
        "image/webp",
        "image/bmp",
        "image/x-ms-bmp",
        "image/jp2",
        "image/jpx",
        "image/heic",
        "image/heif",
    }
)
_LEAVES = frozenset({"TIFF", "HEIF"})
"""Formats whose frames are pages; those of a GIF are an animation."""

Item = tuple[str, str, int]
"""Path, ``pdf`` or ``image``, page from 1."""
PartItem = tuple[str, str, int, tuple[int, ...] | None, int]
"""The same with the parts of ``CHUNK`` bytes that are there (None: all) and the file's size."""
CHUNK = 16 << 20
"""Bytes of a part: what the catalogue holds digests of."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """The pictures of one page."""

    page: bytes
    thumb: bytes


@dataclass(frozen=True, slots=True)
class Needed:
    """Parts of a file without which a page cannot be drawn."""

    chunks: frozenset[int]


def picturable(mime: str | None) -> str:
    """How pages of this format are pictured: ``pdf``, ``image``, or empty when they cannot be."""
    known = (mime or "").split(";")[0].strip().lower()
    return "pdf" if known == _PDF else "image" if known in _IMAGES else ""


def count_pages(items: Sequence[Item]) -> list[int]:
    """How many pages each file has, at most ``MOST_PAGES``; raises what the parsers raise."""
    counts = []
    for path, kind, _ in items:
        with _document(path, kind) as opened:
            counts.append(min(MOST_PAGES, len(opened) if kind == "pdf" else _frames(opened)))
    return counts


def render_pages(items: Sequence[Item]) -> list[Rendered | Failed]:
    """The pictures of each page; ``Failed`` for one that cannot be shown. Pages of one file open it once."""
    made: list[Rendered | Failed] = []
    start = 0
    while start < len(items):
        path, kind, _ = items[start]
        end = start
        while end < len(items) and items[end][:2] == (path, kind):
            end += 1
        with _document(path, kind) as opened:
            made += [_rendered(opened, kind, number) for _, _, number in items[start:end]]
        start = end
    return made


def render_now(items: Sequence[PartItem]) -> list[tuple[Rendered, int] | Needed | Failed]:
    """The pictures of each page and the number of its file's pages, for somebody who waits: quick, a little larger.

    ``Needed`` when the page lies in parts of the file that are not there.
    """
    return [_now(*item) for item in items]


def _now(
    path: str, kind: str, number: int, present: tuple[int, ...] | None, size: int
) -> tuple[Rendered, int] | Needed | Failed:
    part = None if present is None else _Part(path, frozenset(present), size)
    try:
        with _document(path if part is None else part, kind) as opened:
            pages = min(MOST_PAGES, len(opened) if kind == "pdf" else _frames(opened))
            answer = _rendered(opened, kind, number, quick=True) if number <= pages else Failed("no_page")
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  hostile bytes, as below
        answer = Failed(type(error).__name__)
    finally:
        if part is not None:
            part.close()
    if part is not None and part.missing:
        return Needed(frozenset(part.missing))
    return answer if isinstance(answer, Failed) else (answer, pages)


class _Part(io.RawIOBase):
    """A file of which only some parts are there; reading others fails and is remembered."""

    def __init__(self, path: str, present: frozenset[int], size: int) -> None:
        super().__init__()
        self.missing: set[int] = set()
        self._file = Path(path).open("rb")  # noqa: SIM115  closed with this
        self._present = present
        self._size = size
        self._place = 0

    def seekable(self) -> bool:
        """It is."""
        return True

    def readable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """As files do."""
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def tell(self) -> int:
        """As files do."""
        return self._place

    def readinto(self, buffer: Any) -> int:
        """As files do; ``OSError`` where a part is not there."""
        view = memoryview(buffer).cast("B")
        length = max(0, min(len(view), self._size - self._place))
        touched = range(self._place // CHUNK, -(-(self._place + length) // CHUNK)) if length else range(0)
        absent = [one for one in touched if one not in self._present]
        if absent:
            self.missing.update(absent)
            raise OSError("a part of the file is not there")
        self._file.seek(self._place)
        read = self._file.readinto(view[:length]) if length else 0
        self._place += read
        return read

    def close(self) -> None:
        """Close the file below."""
        self._file.close()
        super().close()


@contextmanager
def _document(path: str | io.RawIOBase, kind: str) -> Iterator[Any]:
    if kind == "pdf":
        document = pypdfium2.PdfDocument(Path(path) if isinstance(path, str) else path)
        document.init_forms()
        try:
            yield document
        finally:
            document.close()
        return
    pi_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    with Image.open(path if isinstance(path, str) else io.BufferedReader(path)) as picture:
        yield picture


def _frames(picture: Image.Image) -> int:
    return int(getattr(picture, "n_frames", 1)) if picture.format in _LEAVES else 1


def _rendered(opened: Any, kind: str, number: int, *, quick: bool = False) -> Rendered | Failed:
    try:
        shown, bilevel = _pdf_page(opened, number) if kind == "pdf" else _frame(opened, number)
        thumb = shown.copy()
        thumb.thumbnail(THUMB, Image.Resampling.LANCZOS, reducing_gap=3.0)
        return Rendered(
            _webp(shown, lossless=bilevel and not quick, quick=quick), _webp(thumb, lossless=False, quick=quick)
        )
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  hostile bytes: what a damaged picture raises has no end
        return Failed(type(error).__name__)


def _pdf_page(document: pypdfium2.PdfDocument, number: int) -> tuple[Image.Image, bool]:
    page = document[number - 1]
    try:
        width, height = page.get_size()
        scale = min(PAGE[0] / max(width, 1), PAGE[1] / max(height, 1))
        bitmap = page.render(scale=scale, rev_byteorder=True)
        try:
            picture = bitmap.to_pil().convert("RGB")
        finally:
            bitmap.close()
    finally:
        page.close()
    return (picture.convert("L") if _grey(picture) else picture), False


def _grey(picture: Image.Image) -> bool:
    small = picture.resize((64, 64)).convert("HSV")
    return max(small.getchannel("S").tobytes()) < 12


def _frame(picture: Image.Image, number: int) -> tuple[Image.Image, bool]:
    if number > 1 or picture.format in _LEAVES:
        picture.seek(number - 1)
    if picture.width * picture.height > _MOST_PIXELS:
        raise Image.DecompressionBombError
    bilevel = picture.mode == "1"
    if picture.width > 2 * PAGE[0]:
        picture.draft(None, PAGE)
    shown = _plain(picture)
    shown.thumbnail(PAGE, Image.Resampling.LANCZOS, reducing_gap=2.0)
    shown = ImageOps.exif_transpose(shown)
    if shown.width > PAGE[0]:
        shown.thumbnail(PAGE, Image.Resampling.LANCZOS)
    return shown, bilevel


def _plain(picture: Image.Image) -> Image.Image:
    """Grey or colour, on white where it was transparent; Exif stays for the turning and is not saved."""
    if picture.mode in {"1", "L"}:
        return picture.convert("L")
    if picture.mode.startswith("I") or picture.mode == "F":
        wide = picture.convert("F")
        lowest, highest = (float(value) for value in ImageStat.Stat(wide).extrema[0])
        scale = 255 / max(1.0, highest - lowest)
        return wide.point(lambda value: value * scale - lowest * scale).convert("L")
    if picture.mode in {"RGBA", "LA", "PA"} or "transparency" in picture.info:
        opaque = Image.new("RGB", picture.size, "white")
        layer = picture.convert("RGBA")
        opaque.paste(layer, mask=layer.getchannel("A"))
        opaque.info.update({name: value for name, value in picture.info.items() if name == "exif"})
        return opaque
    return picture.convert("RGB")


def _webp(picture: Image.Image, *, lossless: bool, quick: bool = False) -> bytes:
    if lossless:  # few greys: what a scan of two colours has at its edges, and what packs well
        step = 256 // _GREYS
        picture = picture.point([min(255, round(value / step) * step) for value in range(256)])
    out = io.BytesIO()
    method = 0 if quick else 1 if lossless else 3
    picture.save(out, "WEBP", quality=_QUALITY, lossless=lossless, method=method, exif=b"", icc_profile=b"")
    return out.getvalue()
