"""Compound files (MS-CFB): Word, Excel and PowerPoint before 2007, and whatever else lies in such a container.

The container is held to its own table of sectors: what the table says is in use must be in the file. Streams are told by
their names in the directory, which are UTF-16.
"""

from __future__ import annotations

import mmap
import struct
import sys
from array import array
from collections.abc import Iterable
from pathlib import Path

from ingest.media.medium import Medium, Page, Subject

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_FREE = 0xFFFFFFFF
_IN_HEADER = 109
_LARGEST_FAT = 1 << 16  # sectors of the table that are looked at: 4 GiB of file at 512 bytes a sector
_READ = {"application/msword": ".doc", "application/vnd.ms-excel": ".xls", "application/vnd.ms-powerpoint": ".ppt"}


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """No page comes of it."""
    if subject.size < 512:
        medium.damaged("cut short")
        return ()
    with open(subject.path, "rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        if data[:8] != MAGIC:
            _other(data, subject, medium)
            return ()
        fault = _fault(data)
        _streams(data, subject, medium)
    if fault:
        medium.damaged(fault)
    elif not medium.password:
        _text(subject, medium)
    return ()


def _other(data: mmap.mmap, subject: Subject, medium: Medium) -> None:
    """Something else under an office name: old WordStar-like formats are nobody's to judge here."""
    if subject.identified.puid is None or subject.identified.by_name_only:
        medium.damaged("header")
    elif not data[:5].startswith(b"{\\rtf"):
        medium.not_checked("no reader")


def _fault(data: mmap.mmap) -> str:
    """A word for what is wrong with the container; empty where its table agrees with its length."""
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in {9, 12}:
        return "header"
    sector = 1 << shift
    count, first = struct.unpack_from("<I", data, 44)[0], struct.unpack_from("<I", data, 48)[0]
    sectors = (len(data) - sector + sector - 1) // sector
    if first >= sectors or count == 0 or count > sectors:
        return "cut short"
    table = struct.unpack_from(f"<{_IN_HEADER}I", data, 76)[: min(count, _IN_HEADER)]
    last = 0
    for number, place in enumerate(table[:_LARGEST_FAT]):
        start = (place + 1) * sector
        if place == _FREE or start + sector > len(data):
            return "cut short"
        entries = array("I", data[start : start + sector])
        if sys.byteorder == "big":
            entries.byteswap()
        used = next((place for place in range(len(entries) - 1, -1, -1) if entries[place] != _FREE), None)
        if used is not None:
            last = number * (sector // 4) + used
    return "cut short" if last >= sectors else ""


def _streams(data: mmap.mmap, subject: Subject, medium: Medium) -> None:
    told = f"{subject.identified.name} {subject.identified.mime}".lower()
    locked = "encrypted" in told or "password" in told
    if locked or _named(data, "EncryptedPackage") or _word_locked(data):
        medium.password = True
    if _named(data, "_VBA_PROJECT") or _named(data, "_VBA_PROJECT_CUR"):
        medium.active["macro"] = 1
    if _named(data, "_signatures") or _named(data, "_xmlsignatures"):
        medium.signatures.append({"kind": "cfb"})


def _named(data: mmap.mmap, name: str) -> bool:
    return data.find(name.encode("utf-16-le") + b"\x00\x00") >= 0


def _word_locked(data: mmap.mmap) -> bool:
    """fEncrypted of the file information block of Word (MS-DOC 2.5.1), which begins a sector."""
    for place in (512, 4096):
        if data[place : place + 2] == b"\xec\xa5" and len(data) > place + 12:
            return bool(struct.unpack_from("<H", data, place + 10)[0] & 0x0100)
    return False


def _text(subject: Subject, medium: Medium) -> None:
    mime = next((one for one in (subject.identified.mime, subject.identified.puid_mime) if one in _READ), None)
    if mime is None:
        medium.text_unread = "legacy format"
        return
    from ingest.extract.text import extract  # brings its own library: loaded where there is such a file

    told = extract(Path(subject.path), mime, None, "file" + _READ[mime])
    if told.state == "done":
        for page in told.texts:
            medium.add_text(page)
    elif told.state == "failed":
        medium.text_unread = told.note or "legacy format"
