"""Still images: every frame decoded by Pillow (HEIC by pi_heif), and a small grey copy of each for the checks of scans.

JPEG is decoded at a reduced scale (libjpeg's DCT scaling): the whole stream is read and every coefficient decoded, only
the last transform is made smaller. Over 700 damaged files it told of exactly the same ones as the full scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from PIL import Image, ImageFile, UnidentifiedImageError

from ingest.media.medium import Medium, Page, Subject

SMALL = 100
"""Pixels of the shorter side that a small copy has at least, where the original has them."""

_EXIF_IFD, _MAKE, _MODEL = 0x8769, 0x010F, 0x0110
_LEAST_DPI, _MOST_DPI = 30, 2_400
_LEAST_SHARE = 10  # per cent of a cut image that must be there to speak of a part
_PAGED = frozenset({"TIFF", "GIF", "WEBP", "PNG", "AVIF", "HEIF"})
_KNOWN = frozenset(
    f"image/{one}"
    for one in ("jpeg", "png", "tiff", "gif", "bmp", "x-ms-bmp", "webp", "jp2", "jpx", "avif", "heic", "heif")
)


def look(subject: Subject, medium: Medium) -> Iterator[Page]:
    """Every frame of an image."""
    Image.MAX_IMAGE_PIXELS = None  # the site's own limit is looked at before anything is decoded
    if "hei" in subject.identified.mime or "hei" in subject.identified.puid_mime:
        import pi_heif  # brings a codec of its own: loaded only where there is such a picture

        pi_heif.register_heif_opener()
    try:
        opened = Image.open(subject.path)
    except UnidentifiedImageError:
        if subject.identified.mime in _KNOWN or subject.identified.puid is None or subject.identified.by_name_only:
            medium.damaged("header")
        else:
            medium.not_checked("no reader")
        return
    with opened as image:
        medium.width, medium.height = image.size
        medium.dpi = resolution(image)
        medium.camera = _by_camera(image)
        yield from _frames(image, subject, medium)


def _frames(image: Image.Image, subject: Subject, medium: Medium) -> Iterator[Page]:
    limit = subject.bounds.pages_decoded if image.format in _PAGED else 1
    number = 0
    while number < limit and not subject.late:
        try:
            image.seek(number)
        except EOFError:
            break
        except (OSError, ValueError, SyntaxError, TypeError) as error:  # a broken chain of directories
            _fault(medium, number, None, error)
            break
        width, height = image.size
        if width * height > subject.bounds.image_pixels:
            medium.too_large(f"{width} × {height}")
            break
        dpi = resolution(image)
        try:
            small = decoded(image)
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            _fault(medium, number, subject, error)
            break
        number += 1
        medium.pages = number
        if small is not None and not medium.camera:
            yield Page(number, small, width, height, dpi)
    else:
        if image.format in _PAGED and (frames := int(getattr(image, "n_frames", 1))) > number:
            medium.pages = frames
            medium.too_many_pages(frames, number)


def _fault(medium: Medium, number: int, subject: Subject | None, error: Exception) -> None:
    reason = "cut short" if "truncated" in str(error).lower() else "decoding"
    if number:
        medium.partial(f"{number + 1}", reason)
        return
    share = _share_decoded(subject.path) if subject is not None and reason == "cut short" else 0
    if share >= _LEAST_SHARE:
        medium.pages = 1
        medium.partial(f"{share} %", reason)
    else:
        medium.damaged(reason)


def _share_decoded(path: str) -> int:
    """How much of a cut image, from its top, can still be decoded; per cent."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = True
    try:
        with Image.open(path) as image:
            small = decoded(image)
            if small is None:
                return 0
            rest = small.getpixel((0, small.height - 1))
            box = small.point([255 * (value != rest) for value in range(256)]).getbbox()
            return 100 * box[3] // small.height if box else 0
    except (OSError, ValueError, SyntaxError, EOFError):
        return 0
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def decoded(image: Image.Image) -> Image.Image | None:
    """Decode the frame that ``image`` stands on, whole; a small grey copy, or None where grey says nothing of it.

    Raises what Pillow raises for damage.
    """
    width, height = image.size
    if image.format in {"JPEG", "MPO"}:
        shorter = max(1, min(width, height))
        image.draft("L", (max(1, width * SMALL // shorter), max(1, height * SMALL // shorter)))
    image.load()
    return small_grey(image)


def small_grey(image: Image.Image) -> Image.Image | None:
    """A grey copy whose shorter side has ``SMALL`` pixels or a little more."""
    factor = max(1, min(image.size) // SMALL)
    if image.mode in {"1", "P"}:
        grey = image.convert("L")
        return grey.reduce(factor) if factor > 1 else grey
    if image.mode not in {"L", "LA", "RGB", "RGBA", "YCbCr", "RGBX"}:
        return None
    small = image.reduce(factor) if factor > 1 else image
    return small if small.mode == "L" else small.convert("L")


def resolution(image: Image.Image) -> float | None:
    """Dots an inch as the file says, the lower of both directions; None for none or one that cannot be meant."""
    told: Any = image.info.get("dpi")
    try:
        dpi = float(min(told))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return dpi if _LEAST_DPI <= dpi <= _MOST_DPI else None


def _by_camera(image: Image.Image) -> bool:
    """Whether a camera made it, by its Exif. Scanners name themselves in TIFF tags too, but write no Exif directory."""
    if image.format != "TIFF" and "exif" not in image.info:
        return False
    try:
        exif = image.getexif()
        named = bool(exif.get(_MAKE) or exif.get(_MODEL))
        return named and (image.format != "TIFF" or bool(exif.get_ifd(_EXIF_IFD)))
    except (OSError, ValueError, SyntaxError, TypeError, KeyError):  # a damaged Exif is no damaged picture
        return False


def decodes(data: Any, bounds_pixels: int) -> str:
    """What is wrong with an image inside a document, in a word; empty where all of it decodes."""
    try:
        with Image.open(data) as image:
            if image.width * image.height > bounds_pixels:
                return "size"
            decoded(image)
    except UnidentifiedImageError:
        return "header"
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        return "cut short" if "truncated" in str(error).lower() else "decoding"
    return ""
