"""PDF by PDFium: every page loaded and its pictures decoded; locks, scripts, attachments and signatures noted.

PDFium mends what it can without a word: a file that was cut short opens with the pages it still finds. So the file's own
frame is looked at as well: the end mark, and whether the cross-reference table lies where the file says. A page that is
one picture is decoded as that picture; every other page is rendered, ``LONG_SIDE`` pixels high.
"""

from __future__ import annotations

import ctypes
import io
import re
import zlib
from collections.abc import Iterator
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

from ingest.media import images, pdf_signatures
from ingest.media.medium import Medium, Page, Subject

LONG_SIDE = 600
"""Pixels of a rendered page's longer side."""

_PASSWORD = (4, 5)  # FPDF_ERR_PASSWORD, FPDF_ERR_SECURITY
_RIGHTS = 0xF3C  # bits 3-6 and 9-12 of table 22 of ISO 32000-2: print, change, copy, annotate, fill in, assemble
_TAIL = 66_000
_SCANNED = 64 << 20  # bytes of the file that are searched for names of actions
_UNPACKED = 16 << 20
_STREAMS = 500
_OBJECT_STREAM = re.compile(rb"/ObjStm\b[^\0]{0,400}?stream\r?\n", re.DOTALL)
_START = re.compile(rb"startxref\s+(\d{1,12})")
_COVERS = 0.8  # of a page's width and height
_OBJECTS = 200
_LINKS = 200


def look(subject: Subject, medium: Medium) -> Iterator[Page]:
    """Every page, within the limits."""
    try:
        document = pypdfium2.PdfDocument(subject.path)
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", 0) in _PASSWORD:
            medium.password = True
        else:
            medium.damaged(_frame(subject) or "structure")
        return
    try:
        count = len(document)
        medium.pages = count
        if not count:
            medium.damaged("no page")
            return
        _facts(document, subject, medium)
        yield from _pages(document, count, subject, medium)
        if fault := _frame(subject):
            if fault == "cut short":
                medium.partial("end", fault)
            else:
                medium.malformed(fault)
    finally:
        document.close()


def _frame(subject: Subject) -> str:
    """What is wrong with the end of the file; empty where its end mark and its table are where they should be."""
    with open(subject.path, "rb") as opened:
        head = opened.read(1024)
        opened.seek(max(0, subject.size - _TAIL))
        tail = opened.read()
        shift = head.find(b"%PDF-")
        starts = list(_START.finditer(tail))
        if shift < 0:
            return "header"
        if not starts or b"%%EOF" not in tail[starts[-1].end() :]:
            return "cut short"
        place = int(starts[-1].group(1))
        for start in {place, place + shift}:
            opened.seek(start)
            if re.match(rb"\s*(?:xref|\d+\s+\d+\s+obj)", opened.read(64)):
                return ""
    return "cross-reference table"


def _facts(document: Any, subject: Subject, medium: Medium) -> None:
    raw = document.raw
    if pdfium.FPDF_GetSecurityHandlerRevision(raw) >= 0:
        rights = pdfium.FPDF_GetDocPermissions(raw) & _RIGHTS
        medium.restricted = rights != _RIGHTS
    if attachments := pdfium.FPDFDoc_GetAttachmentCount(raw):
        medium.active["attachment"] = attachments
    if pdfium.FPDFDoc_GetJavaScriptActionCount(raw) > 0 or _acts(subject):
        medium.active["script"] = 1
    medium.signatures += pdf_signatures.listed(document)


def _acts(subject: Subject) -> bool:
    """Whether the file names a script or a program to be started, in plain objects or in packed ones."""
    with open(subject.path, "rb") as opened:
        data = opened.read(_SCANNED)
    if _named(data):
        return True
    room = _UNPACKED
    for number, match in enumerate(_OBJECT_STREAM.finditer(data)):
        if number >= _STREAMS or room <= 0:
            break
        try:
            unpacked = zlib.decompressobj().decompress(memoryview(data)[match.end() :], room)
        except zlib.error:
            continue
        room -= len(unpacked)
        if _named(unpacked):
            return True
    return False


def _named(data: bytes) -> bool:
    return b"/JavaScript" in data or b"/Launch" in data


def _pages(document: Any, count: int, subject: Subject, medium: Medium) -> Iterator[Page]:
    limit = min(count, subject.bounds.pages_decoded)
    read, first_lost, opened = 0, 0, False
    for number in range(1, limit + 1):
        if subject.late:
            break
        try:
            page = document[number - 1]
        except pypdfium2.PdfiumError:
            first_lost = first_lost or number
            read = number
            continue
        opened = True
        if first_lost:
            medium.partial(f"{first_lost}/{count}", "page")
        try:
            found = _page(document, page, number, f"{number}/{count}", subject, medium)
        finally:
            page.close()
        read = number
        if found is not None:
            yield found
    if first_lost and opened:
        medium.partial(f"{first_lost}/{count}", "page")
    elif first_lost:
        medium.damaged("page")
    if read < count:
        medium.too_many_pages(count, read)


def _page(document: Any, page: Any, number: int, part: str, subject: Subject, medium: Medium) -> Page | None:
    width, height = page.get_size()
    pictures, others = _pictures(page)
    whole = [one for one in pictures if _covers(one, width, height)]
    for picture in pictures:
        if fault := _fault(picture, document, page, subject):
            medium.partial(part, fault)
    if medium.wants_text:
        words = page.get_textpage()
        try:
            medium.add_text(words.get_text_bounded(errors="replace"))
        finally:
            words.close()
    medium.end_first_page()
    scanned = bool(pictures) and (bool(whole) or not others)
    scale = min(2.0, LONG_SIDE / max(width, height, 1))
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        if not scanned or medium.problem is not None:
            return None
        image = images.small_grey(bitmap.to_pil().copy())
        assert image is not None
    finally:
        bitmap.close()
    across, down, dpi = _resolution(whole[0] if whole else pictures[0])
    if medium.dpi is None:
        medium.width, medium.height, medium.dpi = across, down, dpi
    return Page(number, image, across, down, dpi)


def _pictures(page: Any) -> tuple[list[Any], bool]:
    """The picture objects among the first of a page, and whether it holds anything that is not one."""
    count = pdfium.FPDFPage_CountObjects(page.raw)
    pictures, others = [], count > _OBJECTS
    for number in range(min(count, _OBJECTS)):
        one = pdfium.FPDFPage_GetObject(page.raw, number)
        if pdfium.FPDFPageObj_GetType(one) == pdfium.FPDF_PAGEOBJ_IMAGE:
            pictures.append(one)
        else:
            others = True
    return pictures, others


def _bounds(picture: Any) -> tuple[float, float]:
    """Width and height on the page, in points."""
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    pdfium.FPDFPageObj_GetBounds(picture, left, bottom, right, top)
    return right.value - left.value, top.value - bottom.value


def _covers(picture: Any, width: float, height: float) -> bool:
    across, down = _bounds(picture)
    return across >= _COVERS * width and down >= _COVERS * height


def _resolution(picture: Any) -> tuple[int, int, float | None]:
    """Pixels across and down, and dots an inch as it lies on the page."""
    across, down = ctypes.c_uint(), ctypes.c_uint()
    pdfium.FPDFImageObj_GetImagePixelSize(picture, across, down)
    width, height = _bounds(picture)
    if width <= 0 or height <= 0:
        return across.value, down.value, None
    turned = (width > height) != (across.value > down.value) and abs(width - height) > 0.1 * width
    pixels = (down.value, across.value) if turned else (across.value, down.value)
    return across.value, down.value, round(72 * min(pixels[0] / width, pixels[1] / height), 1)


def _fault(picture: Any, document: Any, page: Any, subject: Subject) -> str:
    """What is wrong with the data of a picture, in a word.

    JPEG and JPEG 2000 are decoded by Pillow, which tells of damage where PDFium paints grey; fax and JBIG2 by PDFium;
    of plain samples there must be as many as the picture has.
    """
    across, down, _ = _resolution(picture)
    if across * down > subject.bounds.image_pixels:
        return "size"
    one = pypdfium2.PdfImage(picture, page=page, pdf=document)
    filters = one.get_filters()
    last = filters[-1] if filters else ""
    if last in {"DCTDecode", "JPXDecode"}:
        return images.decodes(io.BytesIO(bytes(one.get_data(decode_simple=True))), subject.bounds.image_pixels)
    if last in {"CCITTFaxDecode", "JBIG2Decode"}:
        bitmap = pdfium.FPDFImageObj_GetBitmap(picture)
        if not bitmap:
            return "decoding"
        pdfium.FPDFBitmap_Destroy(bitmap)
        return ""
    metadata = one.get_metadata()
    bits = int(metadata.bits_per_pixel)
    length = pdfium.FPDFImageObj_GetImageDataDecoded(picture, None, 0)
    return "cut short" if length < (across * max(1, bits) + 7) // 8 * down and bits else ""
