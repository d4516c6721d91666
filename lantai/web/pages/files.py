"""The bytes of files: shown in place, page by page, or downloaded; every answer is entered in the use register."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session

from access import gate, use_register
from lantai.web import views_records
from lantai.web.content import FileBytes, Range, asked_range
from lantai.web.finding_in import finder_for, found_pages
from lantai.web.rendering import query
from lantai.web.security import FILE_POLICY, PDF_POLICY
from lantai.web.showing import Showing, scan_page, showing
from lantai.web.visit import SignedVisit, Visit
from metadata.errors import Invalid, NotFound, Unavailable
from metadata.rights import Permission
from repository.derivatives import get_image, get_pages
from repository.tables import RecordVersion, StoredFile

router = APIRouter()
_BIDI = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "_")
"""Marks that turn the direction of a line: with them ``exe.txt`` is made to look like ``txt.exe``, or the other way."""
_SAME_LOOK = timedelta(minutes=10)
_LOOKED_BACK = 20


def disposition(kind: str, name: str) -> str:
    """``Content-Disposition`` with the name as deposited (RFC 6266), for old and new browsers.

    Marks that turn the direction of a line become ``_``; what no UTF-8 can say becomes ``?``.
    """
    plain = name.replace("\\", "/").rsplit("/", 1)[-1].translate(_BIDI)
    ascii_form = "".join(char if 32 <= ord(char) < 127 and char not in '"\\%;' else "_" for char in plain) or "file"
    return f"{kind}; filename=\"{ascii_form}\"; filename*=UTF-8''{quote(plain.encode('utf-8', 'replace'), safe='')}"


def _enter(session: Session, visit: Visit, row: StoredFile, asked: Range | None) -> None:
    """Enter the look. A player asks for many parts of one film: within ten minutes they are one look."""
    if asked is not None and _looked_lately(session, visit, row):
        return
    visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)


def _looked_lately(session: Session, visit: Visit, row: StoredFile) -> bool:
    """Whether this person's look at the file stands in the use register, no older than ten minutes."""
    since = visit.site.archive.clock.now() - _SAME_LOOK
    recent = use_register.entries(session, actor_id=visit.person.id, record_id=row.record_id, limit=_LOOKED_BACK)
    return any(one.file_id == row.id and one.act == "file.viewed" and one.at >= since for one in recent)


def _on_a_page(session: Session, visit: Visit, row: StoredFile) -> bool:
    """Whether this person has just been shown the record, or a page of hits, no longer than ten minutes ago."""
    since = visit.site.archive.clock.now() - _SAME_LOOK
    recent = use_register.entries(session, actor_id=visit.person.id, limit=_LOOKED_BACK)
    return any(
        one.at >= since and (one.record_id == row.record_id or one.act == "search.performed")
        for one in recent
        if one.act != "access.refused"
    )


def _headers(row: StoredFile, how: Showing, kind: str) -> dict[str, str]:
    policy = PDF_POLICY if how.kind == "pdf" and kind == "inline" else FILE_POLICY
    return {
        "Content-Disposition": disposition(kind, row.original_name),
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
    }


def answer(request: Request, content: FileBytes, media_type: str, headers: dict[str, str]) -> Response:
    """The bytes asked for: whole (200), a range (206), or 416 when there is no such range."""
    try:
        asked = asked_range(request.headers.get("range"), content.size)
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{content.size}"})
    start, end = (asked.start, asked.end) if asked else (0, content.size)
    headers = headers | {"Content-Length": str(end - start)}
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    body: Iterator[bytes] = iter(()) if request.method == "HEAD" else content.range(start, end)
    return StreamingResponse(body, 206 if asked else 200, headers, media_type)


@router.get("/files/{file_id}")
def show(
    visit: SignedVisit,
    file_id: str,
    leaf: Annotated[int, Query(alias="page", ge=0)] = 0,
    words: Annotated[str, Query(alias="q")] = "",
) -> Response:
    """On to the record's page with this file in view, at a page and with words to mark; that page enters the look."""
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        record, version, row = views_records.gated_file(session, visit, file_id)
    number = version.number if version.number != record.head_version else None
    fields = query({}, version=number, file=row.position or None, page=leaf or None, q=words)
    return RedirectResponse(f"/records/{record.id}{fields}" + ("#view" if leaf or words else ""), 303)


@router.api_route("/files/{file_id}/content", methods=["GET", "HEAD"])
def content(request: Request, visit: SignedVisit, file_id: str) -> Response:
    """A file for the page viewer: pictures, PDF, sound and film only; nothing that could act."""
    with visit.looking(file_id=file_id) as session:
        _record, version, row = views_records.gated_file(session, visit, file_id)
        how = showing(row.mime, row.size, row.text_state, row.image_state)
        if how.kind not in {"image", "pdf", "audio", "video"}:
            raise _not_shown()
        bytes_ = views_records.file_bytes(visit, version, row)
        _enter(session, visit, row, _range_of(request, row.size))
    return answer(request, bytes_, how.content_type, _headers(row, how, "inline"))


def _range_of(request: Request, size: int) -> Range | None:
    try:
        return asked_range(request.headers.get("range"), size)
    except ValueError:
        return None


def _not_shown() -> Invalid:
    return Invalid(
        "file.not_shown",
        zh="这种格式不能在浏览器中安全地显示。请下载后用相应软件打开。",
        en="Browsers cannot show this format safely. Download the file and open it with its own program.",
    )


@router.get("/files/{file_id}/pages/{leaf}.webp")
def page_picture(
    request: Request, visit: SignedVisit, file_id: str, leaf: int, size: Literal["thumb", "page"] = "page"
) -> Response:
    """The picture of one page, made after accession.

    Turning the pages of one file is one look in the use register. A thumb stands on a page that enters its own look,
    the record's or the search's; asked for without one it is a look like any other.
    """
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        _record, version, row = views_records.gated_file(session, visit, file_id)
        root = visit.site.archive.derivatives
        picture = get_image(root, row.record_id, version.number, row.position, size, leaf) if leaf > 0 else None
        known = _on_a_page(session, visit, row) if size == "thumb" else _looked_lately(session, visit, row)
    if picture is None:
        raise _no_picture()
    if not known:
        with visit.writing() as session:
            visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)
    tag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": FILE_POLICY}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type="image/webp", headers=headers)


def _no_picture() -> NotFound:
    return NotFound(
        "file.no_picture",
        zh="这一页没有图像：可能还在制作，或无法显示。稍后再看，或下载原文件。",
        en="There is no picture of this page: it is still being made, or cannot be shown. Look again later, or download the file.",
    )


@router.get("/files/{file_id}/find")
def find_in_file(visit: SignedVisit, file_id: str, words: Annotated[str, Query(alias="q")]) -> dict[str, Any]:
    """Pages of a file on which words stand, with their places in ten-thousandths of the page; a look at the file."""
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        record, version, row = views_records.gated_file(session, visit, file_id)
        finder = finder_for(session, visit, record, words)
        known = _looked_lately(session, visit, row)
    told = get_pages(visit.site.archive.derivatives, row.record_id, version.number, row.position)
    found = list(found_pages(finder, told.pages)) if told and row.text_state == "done" else []
    if not known:
        with visit.writing() as session:
            visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)
    pages = [
        {
            "page": one.number,
            "count": one.count,
            "boxes": one.boxes,
            "recognised": bool(told and told.pages[one.number - 1].recognised),
            "snippet": "".join(piece for _, piece in one.snippet),
        }
        for one in found
    ]
    return {"file_id": row.id, "total": sum(one.count for one in found), "pages": pages}


@router.get("/files/{file_id}/pages/{leaf}")
def scan(visit: SignedVisit, file_id: str, leaf: int) -> Response:
    """One page of a multi-page scan as a picture that every browser shows; the original stays as it is."""
    with visit.looking(file_id=file_id) as session:
        _record, version, row = views_records.gated_file(session, visit, file_id)
        how = showing(row.mime, row.size, row.text_state, row.image_state)
        if how.kind != "scan" or leaf < 1:
            raise _not_shown()
        bytes_ = views_records.file_bytes(visit, version, row)
        visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)
    picture, media_type = scan_page(bytes_.whole(), leaf)
    return Response(picture, media_type=media_type, headers=_headers(row, how, "inline") | {"Accept-Ranges": "none"})


@router.get("/files/{file_id}/download")
def download(request: Request, visit: SignedVisit, file_id: str) -> Response:
    """The original file, byte for byte, under its own name."""
    visit.require(Permission.RECORD_DOWNLOAD)
    with visit.looking(file_id=file_id) as session:
        _record, version, row = views_records.gated_file(session, visit, file_id, Permission.RECORD_DOWNLOAD)
        how = showing(row.mime, row.size, row.text_state, row.image_state)
        bytes_ = views_records.file_bytes(visit, version, row)
        visit.looked(session, "file.downloaded", record_id=row.record_id, file_id=row.id, form="download")
    return answer(request, bytes_, how.content_type, _headers(row, how, "attachment"))


@router.get("/records/{record_id}/versions/{number}/package")
def package(visit: SignedVisit, record_id: str, number: int) -> Response:
    """The whole bag of one version as it lies in the stores: a ZIP that needs no Lantai to be read."""
    visit.require(Permission.PACKAGE_READ)
    visit.require(Permission.RECORD_DOWNLOAD)
    with visit.looking(record_id) as session:
        record = gate.get_record(
            session, visit.person, record_id, visit.site.archive.profile, permission=Permission.RECORD_DOWNLOAD
        )
        version = views_records.version_of(session, record, number)
        visit.looked(session, "record.exported", record_id=record.id, form="export")
    name = f"{record.id}-v{version.number:05d}.zip"
    headers = {
        "Content-Disposition": disposition("attachment", name),
        "Content-Security-Policy": FILE_POLICY,
        "Content-Length": str(version.object_size),
        "ETag": f'"{version.object_sha256}"',
    }
    return StreamingResponse(_object(visit, version), headers=headers, media_type="application/zip")


def _object(visit: Visit, version: RecordVersion) -> Iterator[bytes]:
    """The object's bytes from the first replica that has it whole and right; compared before they are sent."""
    store = visit.site.archive.replicas.find_intact(version.object_key, version.object_sha256)
    if store is None:
        raise Unavailable(
            "record.no_intact_copy",
            zh="现在没有任何副本能给出完好的档案包。请通知长期保存管理员。",
            en="No replica gives an intact package now. Tell the preservation officer.",
        )
    return store.read(version.object_key)
