"""The bytes of files: shown in place, page by page, or downloaded; every answer is entered in the use register.

Whatever shows numbers as they are (pictures, originals, sound, film) needs the right to; who reads under a grant gets
pictures of pages with her watermark and no original (``access.copies``).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Query, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from access import copies, use_register
from access.copies import Watermark
from ingest.extract.on_demand import Shown, Ticket
from ingest.extract.reading import MOST_PAGES
from lantai.part import Part
from lantai.web import views_records
from lantai.web.content import FileBytes, Range, asked_range
from lantai.web.finding_in import finder_for, found_pages
from lantai.web.opening import (
    DAMAGED,
    WHY_NOT,
    Opened,
    can_be_pictured,
    kept_picture,
    open_file,
    open_record,
    renders_of,
    require_taking,
    version_of,
    watermark,
)
from lantai.web.rendering import query
from lantai.web.security import FILE_POLICY, PDF_POLICY
from lantai.web.showing import Showing, showing
from lantai.web.visit import SignedVisit, Visit, anew, signed_in
from metadata.errors import Invalid, LantaiError, NotFound, Unavailable
from metadata.rights import Permission
from repository.derivatives import get_pages
from repository.tables import RecordVersion, StoredFile

log = logging.getLogger(__name__)
router = Part()
_BIDI = dict.fromkeys((0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)), "_")
"""Marks that turn the direction of a line: with them ``exe.txt`` is made to look like ``txt.exe``, or the other way."""
_SAME_LOOK = timedelta(minutes=10)
_LOOKED_BACK = 20
_STILL_THERE = 0.2
_ASKED_AGAIN = 2.0
_LONGEST_WAIT = 60.0
Size = Literal["thumb", "page"]


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
    return any(
        one.file_id == row.id and one.act in {"file.viewed", "page.viewed"} and one.at >= since for one in recent
    )


def _on_a_page(session: Session, visit: Visit, row: StoredFile) -> bool:
    """Whether this person has just been shown the record, or a page of hits, no longer than ten minutes ago."""
    since = visit.site.archive.clock.now() - _SAME_LOOK
    recent = use_register.entries(session, actor_id=visit.person.id, limit=_LOOKED_BACK)
    return any(
        one.at >= since and (one.record_id == row.record_id or one.act == "search.performed")
        for one in recent
        if one.act != "access.refused"
    )


def _headers(opened: Opened, how: Showing, kind: str) -> dict[str, str]:
    policy = PDF_POLICY if how.kind == "pdf" and kind == "inline" else FILE_POLICY
    return {
        "Content-Disposition": disposition(kind, opened.row.original_name),
        "Content-Security-Policy": policy,
        "X-Frame-Options": "SAMEORIGIN",
        "Accept-Ranges": "bytes",
        "ETag": _tag(opened.row),
        "Cache-Control": "no-store" if opened.terms.grant else "private, no-cache",
    }


def _tag(row: StoredFile) -> str:
    """The entity tag of a file's bytes, from a digest that the catalogue holds."""
    return f'"{next((str(row.digests[name]) for name in ("sha256", "sha512", "sm3") if name in row.digests), row.id)[:40]}"'


def answer(
    request: Request,
    content: FileBytes,
    media_type: str,
    headers: dict[str, str],
    still: Callable[[], bool] = lambda: True,
) -> Response:
    """The bytes asked for: whole (200), a range (206), or 416 when there is no such range.

    While they are sent ``still`` is asked every few seconds; when it says no, the answer breaks off.
    With ``If-Range`` a range is answered only when the caller's part is of the same bytes (RFC 9110 13.1.5).
    """
    wanted = request.headers.get("range")
    condition = request.headers.get("if-range")
    if condition is not None and condition != headers.get("ETag"):
        wanted = None
    try:
        asked = asked_range(wanted, content.size)
    except ValueError:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{content.size}"})
    start, end = (asked.start, asked.end) if asked else (0, content.size)
    headers = headers | {"Content-Length": str(end - start)}
    if asked:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{content.size}"
    body: Iterator[bytes] = iter(()) if request.method == "HEAD" else content.range(start, end)
    return StreamingResponse(_while(body, still), 206 if asked else 200, headers, media_type)


def _while(body: Iterator[bytes], still: Callable[[], bool]) -> Iterator[bytes]:
    asked = time.monotonic()
    for piece in body:
        if time.monotonic() - asked >= _ASKED_AGAIN:
            if not still():
                log.info("an answer was broken off: its reader may not have the rest")
                return
            asked = time.monotonic()
        yield piece


def _still(visit: Visit, file_id: str, *, taking: bool) -> bool:
    """Whether she may have the file now: a grant or role may have ended since its first byte was sent."""
    try:
        now = signed_in(anew(visit))
        with now.reading() as session:
            opened = open_file(session, now, file_id, pictures=True)
        if taking:
            require_taking(now, opened.terms)
    except LantaiError:
        return False
    return taking or opened.terms.original


@router.get("/files/{file_id}")
def show(
    visit: SignedVisit,
    file_id: str,
    leaf: Annotated[int, Query(alias="page", ge=0)] = 0,
    words: Annotated[str, Query(alias="q")] = "",
) -> Response:
    """On to the record's page with this file in view, at a page and with words to mark; that page enters the look."""
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        opened = open_file(session, visit, file_id)
    number = opened.version.number if opened.version.number != opened.record.head_version else None
    fields = query({}, version=number, file=opened.row.position or None, page=leaf or None, q=words)
    return RedirectResponse(f"/records/{opened.record.id}{fields}" + ("#view" if leaf or words else ""), 303)


@router.api_route("/files/{file_id}/content", methods=["GET", "HEAD"])
def content(request: Request, visit: SignedVisit, file_id: str) -> Response:
    """A file for the page viewer: pictures, PDF, sound and film only; nothing that could act.

    These are the bytes as deposited: not for whoever sees numbers masked, nor under a grant that gives no copy.
    """
    with visit.looking(file_id=file_id) as session:
        opened = open_file(session, visit, file_id, pictures=True)
        row = opened.row
        how = showing(row.mime, row.size, row.text_state, row.image_state)
        if how.kind not in {"image", "pdf", "audio", "video"}:
            raise _not_shown()
        if not opened.terms.original:
            raise copies.only_a_copy()
        bytes_ = views_records.file_bytes(visit, opened.version, row)
        _enter(session, visit, row, _range_of(request, row.size))
    may = partial(_still, visit, file_id, taking=False)
    return answer(request, bytes_, how.content_type, _headers(opened, how, "inline"), may)


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
async def page_picture(request: Request, visit: SignedVisit, file_id: str, leaf: int, size: Size = "page") -> Response:
    """The picture of one page, made on the spot when it has not been made yet; under a grant with its watermark.

    Every page is a look. A thumb stands on a page that enters its own look, the record's or the search's; asked for
    without one it is a look like any other.
    """
    thumb = size == "thumb"
    opened, picture = await run_in_threadpool(_picture_kept, visit, file_id, leaf, thumb)
    if picture is None and 0 < leaf <= MOST_PAGES and can_be_pictured(opened.row):
        ticket = renders_of(visit).ask(opened.wanted, leaf, asker=visit.person.id, thumb=thumb)
        picture = await _drawn(request, visit, ticket, thumb=thumb)
    if not picture:
        raise no_picture("")
    return await run_in_threadpool(_picture_answer, request, visit, opened, leaf, picture)


def _picture_kept(visit: Visit, file_id: str, leaf: int, thumb: bool) -> tuple[Opened, bytes | None]:
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        opened = open_file(session, visit, file_id, pictures=True)
    return opened, kept_picture(visit, opened, leaf, thumb=thumb) if 0 < leaf <= MOST_PAGES else b""


async def _drawn(request: Request, visit: Visit, ticket: Ticket, *, thumb: bool) -> bytes:
    """The page as it is drawn now. A browser that has gone on waits no longer, and its page is not drawn."""
    drawn, loop = asyncio.Event(), asyncio.get_running_loop()

    def tell(_: object) -> None:
        with suppress(RuntimeError):  # the server has stopped meanwhile
            loop.call_soon_threadsafe(drawn.set)

    ticket.future.add_done_callback(tell)
    try:
        for _ in range(round(_LONGEST_WAIT / _STILL_THERE)):
            with suppress(TimeoutError):
                await asyncio.wait_for(drawn.wait(), _STILL_THERE)
            if drawn.is_set() or await request.is_disconnected():
                break
    finally:
        renders_of(visit).leave(ticket)
    if not ticket.future.done():
        raise no_picture("dropped")
    result = ticket.future.result()
    if not isinstance(result, Shown):
        raise no_picture(result.reason)
    return result.rendered.thumb if thumb else result.rendered.page


def _picture_answer(request: Request, visit: Visit, opened: Opened, leaf: int, picture: bytes) -> Response:
    """The picture with its mark, if any, and the look entered before anything leaves."""
    thumb = request.query_params.get("size") == "thumb"
    row = opened.row
    with visit.looking(file_id=row.id) as session:
        mark = watermark(session, visit, opened.terms)
        if not thumb:
            visit.looked(session, "page.viewed", record_id=row.record_id, file_id=row.id, page=leaf)
        elif not _on_a_page(session, visit, row):
            visit.looked(session, "file.viewed", record_id=row.record_id, file_id=row.id)
    if mark is not None:
        return marked_picture(picture, mark)
    tag = f'"{hashlib.sha256(picture).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Content-Security-Policy": FILE_POLICY}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type="image/webp", headers=headers)


def marked_picture(picture: bytes, mark: Watermark) -> Response:
    """A page of a reading copy; nothing of it stays in the browser."""
    headers = {"Cache-Control": "no-store", "Content-Security-Policy": FILE_POLICY}
    return Response(copies.stamped(picture, mark), media_type=copies.MEDIA_TYPE, headers=headers)


def no_picture(reason: str) -> NotFound | Unavailable:
    """Why there is no picture of a page."""
    if reason in {"busy", "dropped", "no_copy"}:
        return Unavailable(
            "file.no_picture_now",
            zh="现在画不出这一页的图像，请稍后再看。",
            en=WHY_NOT[reason] + " Look again later.",
        )
    return NotFound(
        "file.no_picture",
        zh="这一页没有图像：没有这一页，或已损坏、无法显示。可以阅读文字，或下载原文件。",
        en=f"There is no picture of this page. {WHY_NOT.get(reason, DAMAGED)} Read its text, or download the file.",
    )


@router.get("/files/{file_id}/find")
def find_in_file(visit: SignedVisit, file_id: str, words: Annotated[str, Query(alias="q")]) -> dict[str, Any]:
    """Pages of a file on which words stand, with their places in ten-thousandths of the page; a look at the file."""
    with visit.noting_refusal(file_id=file_id), visit.reading() as session:
        opened = open_file(session, visit, file_id)
        row = opened.row
        finder = finder_for(session, visit, opened.record, words)
        known = _looked_lately(session, visit, row)
    told = get_pages(visit.site.archive.derivatives, row.record_id, opened.version.number, row.position)
    found = (
        list(found_pages(finder, told.pages, numbers=opened.terms.pictures))
        if told and row.text_state == "done"
        else []
    )
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


@router.get("/files/{file_id}/download")
def download(request: Request, visit: SignedVisit, file_id: str) -> Response:
    """The original file, byte for byte, under its own name."""
    visit.require(Permission.RECORD_DOWNLOAD)
    with visit.looking(file_id=file_id) as session:
        opened = open_file(session, visit, file_id)
        require_taking(visit, opened.terms)
        row = opened.row
        how = showing(row.mime, row.size, row.text_state, row.image_state)
        bytes_ = views_records.file_bytes(visit, opened.version, row)
        visit.looked(session, "file.downloaded", record_id=row.record_id, file_id=row.id, form="download")
    may = partial(_still, visit, file_id, taking=True)
    return answer(request, bytes_, how.content_type, _headers(opened, how, "attachment"), may)


@router.get("/records/{record_id}/versions/{number}/package")
def package(visit: SignedVisit, record_id: str, number: int) -> Response:
    """The whole bag of one version as it lies in the stores: a ZIP that needs no Lantai to be read."""
    visit.require(Permission.PACKAGE_READ)
    visit.require(Permission.RECORD_DOWNLOAD)
    with visit.looking(record_id) as session:
        record, terms = open_record(session, visit, record_id)
        require_taking(visit, terms)
        version = version_of(session, record, number)
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
