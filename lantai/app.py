"""The web application: pages under ``/``, the API under ``/api/v1``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from access.masking import mask_log
from ingest.extract.on_demand import Renders
from lantai.api import health, metrics, routes
from lantai.metering import Readers
from lantai.metrics import Meters
from lantai.probes import parts_of
from lantai.problems import (
    MEDIA_TYPE,
    Malformed,
    PasswordChangeRequired,
    SignInRequired,
    of_exception,
    problem,
    status_of,
    title_of,
)
from lantai.web import refusals, rooms
from lantai.web.errors import error_page
from lantai.web.limits import Door, SignInLimit
from lantai.web.numbering import ProxyHeadersMiddleware, RequestNumber, Unforeseen
from lantai.web.rendering import STATIC
from lantai.web.security import SecurityHeaders
from lantai.web.visit import keep_typed, language_of
from metadata.errors import Invalid, LantaiError, NotFound, Unavailable

if TYPE_CHECKING:
    from lantai.site import Site

log = logging.getLogger("lantai.web")
_SOON = "30"
"""Seconds after which whoever met an outage may ask again; most pass within minutes."""

DESCRIPTION = """\
Everything the pages of Lantai do, for programs.

- **Access token**: bring `Authorization: Bearer lantai_…` with every request. A person makes tokens on the page *Access
  tokens*, the console with `lantai token create`. Nothing else is needed, no session and no `X-CSRF-Token`.
- **Session**, for pages: `POST /api/v1/session` sets the session cookie and names the token that every request which
  changes something must bring in the header `X-CSRF-Token`.
- **Repeat safely**: give a deposit an `Idempotency-Key`; the same key with the same request opens it once.
- **Large files** go by parts after tus 1.0.0 (`/submissions/{id}/uploads`) and resume after a lost line.
- **Errors** are problem details (RFC 9457, `application/problem+json`) with a stable `code`.
- **Lists** are paged by key: ask again with `after` set to the `next` of the last answer.
- **Every look** at a record, file or case file is entered in the use register, in the same transaction.
"""


def create_app(site: Site) -> FastAPI:
    """The application of ``site``; nothing is global, so several sites can live in one process."""
    app = FastAPI(
        title="Lantai 兰台",
        version="1",
        summary="Records management and long-term preservation",
        description=DESCRIPTION,
        openapi_url="/api/v1/openapi.json",
        openapi_tags=routes.TAGS,
        docs_url=None,
        redoc_url=None,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    mask_log()
    app.state.site = site
    app.state.glances = {}  # what pages counted a moment ago
    app.state.figures = {}
    app.state.parts = parts_of(site)
    app.state.meters = Meters(site, app.state.parts)
    app.state.readers = Readers(site.settings.metrics, site.settings.rates)
    app.state.renders = Renders(site.archive)
    app.state.sign_in_limit = SignInLimit(site.settings)
    app.add_middleware(Unforeseen, answer=_answer)
    app.add_middleware(Door, settings=site.settings, answer=_answer)
    app.add_middleware(SecurityHeaders, secure=site.settings.secure_cookies)
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=site.settings.proxies)
    # outermost: it must see who really calls
    app.add_middleware(RequestNumber, proxies=site.settings.proxies, meters=app.state.meters)
    app.add_exception_handler(LantaiError, _answer)
    app.add_exception_handler(SQLAlchemyError, _answer)
    app.add_exception_handler(OverflowError, _answer)  # a number in an address that no column holds
    app.add_exception_handler(Exception, _answer)
    app.add_exception_handler(HTTPException, _answer)
    app.add_exception_handler(RequestValidationError, _answer)
    app.include_router(health.router)
    app.include_router(metrics.router, include_in_schema=False)
    app.include_router(routes.router, prefix="/api/v1")
    app.include_router(rooms.router, include_in_schema=False)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    return app


def _is_for_programs(request: Request) -> bool:
    path = request.url.path
    return path.startswith("/api/") or path in {"/healthz", "/readyz", "/metrics"}


def _validation(error: RequestValidationError) -> LantaiError:
    wrong = [{"field": ".".join(str(part) for part in one["loc"][1:]), "reason": one["msg"]} for one in error.errors()]
    kind = Malformed if any(one["type"] == "json_invalid" for one in error.errors()) else Invalid
    names = ", ".join(one["field"] for one in wrong if one["field"]) or "?"
    return kind(
        "request.invalid",
        zh=f"请求中的内容不合规则：{names}。请按接口说明改正后再试。",
        en=f"Something in the request breaks a rule: {names}. Correct it after the description of the interface.",
        errors=wrong,
    )


_HTTP_CODES = {404: "page.unknown", 405: "method.unknown"}


def _plain_http(error: HTTPException, language: str) -> tuple[dict[str, Any], int]:
    code = _HTTP_CODES.get(error.status_code, f"http.{error.status_code}")
    title = title_of(error.status_code, language)
    return {
        "type": f"urn:lantai:problem:{code}",
        "title": title,
        "status": error.status_code,
        "detail": title,
        "code": code,
    }, error.status_code


def nothing_there() -> NotFound:
    """What an address that leads nowhere is answered with, the same as for what one may not know of."""
    return NotFound(
        "page.unknown",
        zh="这里没有内容，或者您的岗位无权知道它是否存在。请检查地址，或从检索开始。",
        en="There is nothing here, or nothing that your role may know of. Check the address, or begin with a search.",
    )


async def _answer(request: Request, error: Exception) -> Response:
    """Every error leaves through here, as a page for people or as problem details for programs."""
    language = language_of(request)
    number = getattr(request.state, "request_id", None)
    if isinstance(error, HTTPException) and (error.status_code != 404 or _is_for_programs(request)):
        body, status = _plain_http(error, language)
        if _is_for_programs(request):
            return JSONResponse(body | {"request_id": number}, status, media_type=MEDIA_TYPE, headers=error.headers)
        known: LantaiError = LantaiError(body["code"], zh=body["detail"], en=body["detail"])
        return await run_in_threadpool(error_page, request, known, status, number)
    if isinstance(error, HTTPException):
        error = nothing_there()
    if isinstance(error, RequestValidationError):
        error = _validation(error)
    known = of_exception(error)
    status = status_of(known)
    if status == 500:
        log.error("request %s failed", number, exc_info=error)
    await run_in_threadpool(refusals.enter, request, known)
    wait = known.params.get("wait_seconds")
    again = {"Retry-After": str(wait)} if isinstance(wait, int) else {"Retry-After": _SOON} if status == 503 else {}
    if _is_for_programs(request):
        headers = {**getattr(request.state, "answer_headers", {}), **again}
        if status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="lantai"'
        return JSONResponse(problem(known, language, request_id=number), status, headers, media_type=MEDIA_TYPE)
    if isinstance(known, PasswordChangeRequired):
        return Response(status_code=303, headers={"Location": "/password"})
    if isinstance(known, SignInRequired) and request.method in {"GET", "HEAD"}:
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        suffix = "" if target == "/" else f"?next={quote(target)}"
        return Response(status_code=303, headers={"Location": f"/sign-in{suffix}"})
    if isinstance(known, Unavailable):
        await keep_typed(request)
    answer = await run_in_threadpool(error_page, request, known, status, number)
    answer.headers.update(again)
    return answer
