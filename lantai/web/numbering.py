"""Every request has a number, so that a log line, an error page and a job can be brought together."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from lantai import request_id
from lantai.metrics import Meters
from metadata.identifiers import new_id

__all__ = ["ProxyHeadersMiddleware", "RequestNumber", "Unforeseen", "template"]

log = logging.getLogger("lantai.request")
_FAILED = 500
_WATCHED = frozenset({"/healthz", "/readyz", "/metrics", "/static"})
"""Asked by programs every few seconds, or with every page: a line for each would hide the others."""


class Trusted:
    """Addresses of the proxies that are believed: addresses, networks such as ``10.1.0.0/16``, or ``*`` for everybody."""

    def __init__(self, proxies: Sequence[str]) -> None:
        self._everybody = "*" in proxies
        self._names = frozenset(proxies)
        self._networks = [found for one in proxies if (found := _network(one)) is not None]

    def __contains__(self, host: str) -> bool:
        """Whether the one that calls from ``host`` is one of them."""
        if self._everybody or host in self._names:
            return True
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            return False
        return any(address in one for one in self._networks)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


class RequestNumber:
    """ASGI middleware, outermost: numbers every request, names the number in the answer, and counts and logs what came.

    A number that a proxy of ``proxies`` gave is kept; anybody else's is not. Of the address only the template of the
    route is told: a path names records and households, and a query string what somebody looked for.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[str], meters: Meters) -> None:
        self._app = app
        self._trusted = Trusted(proxies)
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number the request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = self._given(scope) or new_id()
        state = scope.setdefault("state", {})
        state["request_id"] = number
        state["caller"] = (scope.get("client") or ("",))[0]
        status, began = 500, time.perf_counter()

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((b"x-request-id", number.encode()))
            await send(message)

        with request_id.bound(number):
            try:
                await self._app(scope, receive, sending)
            finally:
                self._told(scope, status, time.perf_counter() - began)

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        method, route = scope["method"], template(scope)
        self._meters.answered(method, route, status, seconds)
        level = logging.WARNING if status >= _FAILED else logging.DEBUG if route in _WATCHED else logging.INFO
        told = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        log.log(level, "%s %s %d", method, route, status, extra=told)

    def _given(self, scope: Scope) -> str:
        client = scope.get("client")
        if client is None or client[0] not in self._trusted:
            return ""
        given = Headers(scope=scope).getlist("x-request-id")
        return given[0] if len(given) == 1 and request_id.well_formed(given[0]) else ""


def template(scope: Scope) -> str:
    """The template of the route that a request took, such as ``/records/{record_id}``; ``none`` when it took none."""
    if scope["path"].startswith("/static/"):
        return "/static"
    taken = scope.get("fastapi", {}).get("effective_route_context") or scope.get("route")  # the first knows its prefix
    path = getattr(taken, "path", None)
    return path if isinstance(path, str) else "none"


class Unforeseen:
    """ASGI middleware, innermost: what nobody foresaw is answered here, so that this answer too bears every header."""

    def __init__(self, app: ASGIApp, *, answer: Callable[[Request, Exception], Awaitable[Response]]) -> None:
        self._app, self._answer = app, answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or answer for the error unless an answer has begun."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except Exception as error:
            if begun:
                raise
            response = await self._answer(Request(scope, receive), error)
            await response(scope, receive, send)
