"""Files by parts that go on after a lost line: tus 1.0.0 (https://tus.io/protocols/resumable-upload).

Core protocol with the extensions creation, creation-with-upload, checksum, termination and expiration. ``offset`` always
means bytes that are on stable storage.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator, Callable
from datetime import UTC
from email.utils import format_datetime
from typing import TypeVar

import anyio
from fastapi import Depends, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from ingest import uploads
from ingest.uploads import Checksum, UploadState
from lantai.api.models import CONFLICT
from lantai.part import ApiPart
from lantai.problems import Malformed
from lantai.web import depositing
from lantai.web.uploads import CHUNK, piped
from lantai.web.visit import ApiVisit, Visit
from metadata.errors import Invalid, LantaiError, Unavailable

VERSION = "1.0.0"
EXTENSIONS = "creation,creation-with-upload,checksum,termination,expiration"
OCTETS = "application/offset+octet-stream"
SILENT_SECONDS = 30.0
"""A sender that is silent this long has lost its line; what came is kept and the file is free to be gone on with."""
_KEY = 200
_Answer = TypeVar("_Answer")


def _protocol(request: Request) -> None:
    """Every answer names the protocol; a request in another version of it is refused (412)."""
    request.state.answer_headers = {"Tus-Resumable": VERSION}
    if request.method != "OPTIONS" and request.headers.get("tus-resumable") != VERSION:
        request.state.answer_headers["Tus-Version"] = VERSION
        raise Invalid(
            "upload.version",
            zh=f"分段上传须按 tus {VERSION} 协议，请求头 Tus-Resumable 缺失或不符。",
            en=f"Uploads by parts follow tus {VERSION}; the header Tus-Resumable is missing or names another version.",
        )


router = ApiPart(
    prefix="/submissions/{submission_id}/uploads",
    tags=["uploads"],
    responses=CONFLICT,
    dependencies=[Depends(_protocol)],
)


def _malformed(name: str) -> Malformed:
    return Malformed(
        "upload.malformed",
        zh=f"请求头 {name} 缺失或无法读取。请按 tus {VERSION} 协议发送。",
        en=f"The header {name} is missing or cannot be read. Send it after tus {VERSION}.",
        header=name,
    )


def _number(request: Request, name: str) -> int:
    given = request.headers.get(name, "")
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise _malformed(name)
    return int(given)


def _name(request: Request) -> bytes:
    """The path of the file out of ``Upload-Metadata``: ``path``, else ``filename``; base64 of its bytes."""
    found: dict[str, bytes] = {}
    for pair in request.headers.get("upload-metadata", "").split(","):
        key, _, value = pair.strip().partition(" ")
        try:
            found[key] = base64.b64decode(value.strip(), validate=True)
        except (binascii.Error, ValueError) as error:
            raise _malformed("Upload-Metadata") from error
    name = found.get("path") or found.get("filename") or b""
    if not name or len(name) > 4 * depositing.LONGEST_PATH:
        raise _malformed("Upload-Metadata")
    return name


def _checksum(request: Request) -> Checksum | None:
    given = request.headers.get("upload-checksum")
    if given is None:
        return None
    algorithm, _, value = given.strip().partition(" ")
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed("Upload-Checksum") from error
    if algorithm not in uploads.CHECKSUMS or not digest:
        raise _malformed("Upload-Checksum")
    return Checksum(algorithm, digest)


def _check_type(request: Request) -> None:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != OCTETS:
        raise Invalid(
            "upload.content_type",
            zh=f"每一段的 Content-Type 须为 {OCTETS}。",
            en=f"The Content-Type of a part is {OCTETS}.",
        )


def _headers(state: UploadState) -> dict[str, str]:
    headers = {
        "Tus-Resumable": VERSION,
        "Upload-Offset": str(state.offset),
        "Upload-Length": str(state.length),
        "Cache-Control": "no-store",
    }
    if not state.done:
        headers["Upload-Expires"] = format_datetime(state.expires_at.astimezone(UTC), usegmt=True)
    return headers


def _broken_off() -> Unavailable:
    return Unavailable(
        "upload.interrupted",
        zh="线路中断；已收妥的部分已保存，可以从断开处续传。",
        en="The line was lost; what had arrived is kept, go on from there.",
    )


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes; when the line is lost, what came before is given first."""
    body = request.stream()
    held = bytearray()
    while True:
        try:
            with anyio.fail_after(SILENT_SECONDS):
                chunk = await anext(body)
        except StopAsyncIteration:
            break
        except (ClientDisconnect, TimeoutError) as error:
            if held:
                yield bytes(held)
            raise _broken_off() from error
        held += chunk
        if len(held) >= CHUNK:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


async def _own(visit: Visit, submission_id: str, act: Callable[[], _Answer]) -> _Answer:
    """Do ``act`` in a thread after the deposit was seen to be the caller's."""

    def work() -> _Answer:
        depositing.require_own(visit, submission_id)
        return act()

    return await run_in_threadpool(work)


async def _append(request: Request, visit: Visit, submission_id: str, upload_id: str, offset: int) -> UploadState:
    checksum = _checksum(request)
    site = visit.site
    return await piped(
        _chunks(request),
        lambda stream: uploads.append(
            site.archive,
            submission_id,
            upload_id,
            offset=offset,
            stream_in=stream,
            hours=site.settings.upload_hours,
            checksum=checksum,
        ),
    )


@router.options("", summary="What uploads by parts can do", status_code=204)
def options(visit: ApiVisit, submission_id: str) -> Response:
    """Version and extensions of the protocol, the largest file, the algorithms of checksums."""
    del submission_id
    headers = {
        "Tus-Resumable": VERSION,
        "Tus-Version": VERSION,
        "Tus-Extension": EXTENSIONS,
        "Tus-Max-Size": str(visit.site.settings.limits.file_bytes),
        "Tus-Checksum-Algorithm": ",".join(uploads.CHECKSUMS),
    }
    return Response(status_code=204, headers=headers)


@router.post("", summary="Begin a file by parts", status_code=201)
async def begin(request: Request, visit: ApiVisit, submission_id: str) -> Response:
    """`Upload-Length` and `Upload-Metadata` (`path` or `filename`, base64) begin a file; a body is its first part.

    `Location` is where its parts go. With the same `Idempotency-Key` the same upload is answered again.
    """
    length, name = _number(request, "Upload-Length"), _name(request)
    key = request.headers.get("idempotency-key")
    if key is not None and not 0 < len(key) <= _KEY:
        raise _malformed("Idempotency-Key")
    with_body = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if with_body:
        _check_type(request)
    site = visit.site
    state = await _own(
        visit,
        submission_id,
        lambda: uploads.begin(
            site.archive,
            submission_id,
            account_id=visit.person.id,
            name=name,
            length=length,
            hours=site.settings.upload_hours,
            limits=site.settings.limits,
            key=key,
        ),
    )
    if with_body and state.offset == 0 and not state.done:
        state = await _first(request, visit, state)
    where = f"/api/v1/submissions/{submission_id}/uploads/{state.id}"
    return Response(status_code=201, headers={**_headers(state), "Location": where})


async def _first(request: Request, visit: Visit, state: UploadState) -> UploadState:
    """The first part, sent with the beginning; when it fails the upload stands and its answer says how far it came."""
    try:
        return await _append(request, visit, state.submission_id, state.id, 0)
    except LantaiError as error:
        if error.code in {"upload.checksum_mismatch", "upload.too_long", "upload.malformed", "quarantine.full"}:
            raise
        archive = visit.site.archive
        return await run_in_threadpool(uploads.state_of, archive, state.submission_id, state.id)


@router.head("/{upload_id}", summary="How far a file by parts has come")
async def show(visit: ApiVisit, submission_id: str, upload_id: str) -> Response:
    """`Upload-Offset` bytes of `Upload-Length` are safely kept; go on from there."""
    archive = visit.site.archive
    state = await _own(visit, submission_id, lambda: uploads.state_of(archive, submission_id, upload_id))
    encoded = base64.b64encode(state.path.encode("utf-8", "backslashreplace")).decode()
    return Response(status_code=200, headers={**_headers(state), "Upload-Metadata": f"path {encoded}"})


@router.patch("/{upload_id}", summary="Send a part", status_code=204)
async def append(request: Request, visit: ApiVisit, submission_id: str, upload_id: str) -> Response:
    """The body goes on at `Upload-Offset`, which must be where the file stands (409 otherwise; 423 while another part
    is being received). After the last part the file belongs to the deposit.
    """
    _check_type(request)
    offset = _number(request, "Upload-Offset")
    await _own(visit, submission_id, lambda: None)
    state = await _append(request, visit, submission_id, upload_id, offset)
    return Response(status_code=204, headers=_headers(state))


@router.delete("/{upload_id}", summary="Give a file up", status_code=204)
async def give_up(visit: ApiVisit, submission_id: str, upload_id: str) -> Response:
    """Drop the file and what came of it, as long as the deposit still receives."""
    archive = visit.site.archive
    await _own(visit, submission_id, lambda: uploads.give_up(archive, submission_id, upload_id))
    return Response(status_code=204, headers={"Tus-Resumable": VERSION})


@router.post("/{upload_id}", summary="Send a part or give up, by POST", status_code=204)
async def overridden(request: Request, visit: ApiVisit, submission_id: str, upload_id: str) -> Response:
    """PATCH and DELETE for those whose network lets only POST through (`X-HTTP-Method-Override`)."""
    method = request.headers.get("x-http-method-override", "").upper()
    if method == "PATCH":
        return await append(request, visit, submission_id, upload_id)
    if method == "DELETE":
        return await give_up(visit, submission_id, upload_id)
    raise _malformed("X-HTTP-Method-Override")
