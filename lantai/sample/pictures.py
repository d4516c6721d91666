"""Pictures that look like what scanners and cameras make: page images with Chinese text, photographs.

Pages are A6 at 200 dots an inch: as sharp as DA/T 31 asks of scans, and small enough for a county in a demonstration.
Glyphs are drawn once a process and pasted: FreeType would otherwise be most of the time of a page.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from random import Random

from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from lantai.sample.county import SYNTHETIC, chance, chinese_date

WIDTH, HEIGHT, DPI = 827, 1169, 200
_MARGIN = 70
_SIMPLIFIED_FACE, _TRADITIONAL_FACE = 2, 3  # places of the SC and TC faces inside the font collection
_TONES = 4
_HANGING = "，。；：、）"  # never at the start of a line
_EXIF_IFD = 0x8769
_DATE_TIME, _DESCRIPTION, _MAKE, _DATE_TIME_ORIGINAL = 0x0132, 0x010E, 0x010F, 0x9003


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a paper says: a heading, labelled values, paragraphs, who signed it and when."""

    title: str
    fields: tuple[tuple[str, str], ...]
    paragraphs: tuple[str, ...]
    signed: str
    on: date
    number: str = ""
    traditional: bool = False


@lru_cache(maxsize=8)
def _font(size: int, face: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT_PATH), size, index=face, layout_engine=ImageFont.Layout.BASIC)


@lru_cache(maxsize=20_000)
def _glyph(character: str, size: int, face: int) -> tuple[int, Image.Image]:
    font = _font(size, face)
    width = max(1, round(font.getlength(character)))
    image = Image.new("L", (width, round(size * 1.5)), 0)
    ImageDraw.Draw(image).text((0, 0), character, fill=255, font=font)
    return width, image


@lru_cache(maxsize=_TONES)
def _paper(tone: int) -> Image.Image:
    """An empty sheet with its tone and grain."""
    grain = Image.frombytes("L", (WIDTH, HEIGHT), chance("paper", tone).randbytes(WIDTH * HEIGHT))
    light = 255 - 4 * tone
    return grain.filter(ImageFilter.GaussianBlur(1)).point([light - (255 - value) // 12 for value in range(256)])


@lru_cache(maxsize=64)
def _seal(organ: str, face: int) -> Image.Image:
    """The ring of a round seal with the organ's name across it, as a mask."""
    mask = Image.new("L", (190, 190), 0)
    ImageDraw.Draw(mask).ellipse((5, 5, 185, 185), outline=200, width=6)
    _write(mask, organ[:9], (20, 82), 17, face, ink=200)
    return mask


def _write(
    image: Image.Image, text: str, at: tuple[int, int], size: int, face: int, *, ink: int = 35, skew: float = 0.0
) -> int:
    """Write one line and return where it ends; ``skew`` is how far the line falls per pixel to the right."""
    x, y = at
    for character in text:
        width, glyph = _glyph(character, size, face)
        image.paste(ink, (x, y + round(x * skew)), glyph)
        x += width
    return x


def _wrapped(text: str, size: int, face: int) -> Iterable[str]:
    line, width = "", 0
    for character in text:
        advance = _glyph(character, size, face)[0]
        if width + advance > WIDTH - 2 * _MARGIN and character not in _HANGING:
            yield line
            line, width = "", 0
        line += character
        width += advance
    yield line


def _page(sheet: Sheet, lines: Iterable[str], number: int, of: int, rng: Random) -> Image.Image:
    face = _TRADITIONAL_FACE if sheet.traditional else _SIMPLIFIED_FACE
    skew = rng.uniform(-0.009, 0.009)
    page = Image.new("L", (WIDTH, HEIGHT), 255)
    y = 80
    if number == 1:
        title_width = sum(_glyph(character, 32, face)[0] for character in sheet.title)
        _write(page, sheet.title, (max(20, (WIDTH - title_width) // 2), y), 32, face, skew=skew)
        y += 70
        for label, value in sheet.fields:
            end = _write(page, f"{label}：", (_MARGIN, y), 20, face, skew=skew)
            for line in _wrapped(value, 20, face):
                _write(page, line, (end, y), 20, face, ink=70, skew=skew)
                y += 34
        y += 16
    for paragraph in lines:
        for line in _wrapped("　　" + paragraph, 20, face):
            if y > HEIGHT - 230:
                break
            _write(page, line, (_MARGIN, y), 20, face, skew=skew)
            y += 34
    if number == of:
        bottom = HEIGHT - 210
        _write(page, sheet.signed, (WIDTH - 400, bottom), 20, face, skew=skew)
        _write(page, chinese_date(sheet.on), (WIDTH - 400, bottom + 36), 20, face, skew=skew)
        page.paste(120, (WIDTH - 225, bottom - 90), _seal(sheet.signed, face))
    _write(page, f"{SYNTHETIC}　　第 {number} 页 共 {of} 页　{sheet.number}", (_MARGIN, HEIGHT - 60), 16, face, ink=110)
    return ImageChops.multiply(page, _paper(rng.randrange(_TONES)))


def pages(sheet: Sheet, continuation: Iterable[tuple[str, ...]], rng: Random) -> list[Image.Image]:
    """The pages of a paper: its first with heading and labels, then one for each of ``continuation``."""
    parts = [sheet.paragraphs, *continuation]
    return [_page(sheet, lines, number, len(parts), rng) for number, lines in enumerate(parts, start=1)]


def jpeg(page: Image.Image) -> bytes:
    """A page image as a greyscale JPEG."""
    out = io.BytesIO()
    page.save(out, "JPEG", quality=60, dpi=(DPI, DPI))
    return out.getvalue()


def tiff(images: list[Image.Image]) -> bytes:
    """Pages as one bilevel TIFF, compressed as a fax is (CCITT group 4)."""
    bilevel = [image.point([0 if value < 150 else 255 for value in range(256)]).convert("1") for image in images]
    out = io.BytesIO()
    bilevel[0].save(
        out,
        "TIFF",
        compression="group4",
        save_all=True,
        append_images=bilevel[1:],
        dpi=(DPI, DPI),
        description="SYNTHETIC",
    )
    return out.getvalue()


def scene(rng: Random, size: tuple[int, int], caption: str) -> Image.Image:
    """A drawn house under a sky, standing in for a photograph of a real home."""
    width, height = size
    down = Image.linear_gradient("L").resize(size)
    channels = [
        down.point([low + value * rise // 255 for value in range(256)])
        for low, rise in ((120, 90), (165, 60), (220, 20))
    ]
    image = Image.merge("RGB", channels)
    draw = ImageDraw.Draw(image)
    ground = height * rng.randrange(60, 75) // 100
    draw.rectangle((0, ground, width, height), fill=(rng.randrange(90, 140), rng.randrange(100, 130), 70))
    left, wall = rng.randrange(width // 8, width // 3), rng.randrange(150, 225)
    right, eaves = left + width * 2 // 5, ground - height // 4
    draw.rectangle((left, eaves, right, ground + 10), fill=(wall, wall - 15, wall - 40))
    draw.polygon(
        ((left - 15, eaves), ((left + right) // 2, eaves - height // 6), (right + 15, eaves)),
        fill=(120, rng.randrange(40, 90), 50),
    )
    draw.rectangle(
        ((left + right) // 2 - width // 30, ground - height // 7, (left + right) // 2 + width // 30, ground + 10),
        fill=(80, 55, 40),
    )
    for _ in range(rng.randrange(2, 6)):
        x = rng.randrange(width)
        draw.ellipse((x, ground - height // 8, x + width // 12, ground + 8), fill=(50, rng.randrange(90, 150), 60))
    band = Image.new("L", (width, 26), 0)
    _write(band, caption, (8, 2), 14, _SIMPLIFIED_FACE, ink=255)
    image.paste((255, 255, 255), (0, height - 28), band)
    return image


def photograph(rng: Random, on: date, what: str) -> bytes:
    """A JPEG with the date and what it shows in its Exif, as a camera writes them."""
    image = scene(rng, (640, 480), f"{SYNTHETIC} {what}")
    taken = f"{on:%Y:%m:%d} {rng.randrange(8, 17):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}"
    exif = Image.Exif()
    exif[_DESCRIPTION], exif[_MAKE], exif[_DATE_TIME] = "SYNTHETIC", "Lantai sample", taken
    exif.get_ifd(_EXIF_IFD)[_DATE_TIME_ORIGINAL] = taken
    out = io.BytesIO()
    image.save(out, "JPEG", quality=75, exif=exif)
    return out.getvalue()
