"""Every request has a number, so that a log line, an error page and a job can be brought together."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request, Response
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from lantai import request_id
from metadata.identifiers import new_id

__all__ = ["ProxyHeadersMiddleware", "RequestNumber", "Unforeseen"]


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
    """ASGI middleware, outermost: numbers every request and names the number in the answer.

    A number that a proxy of ``proxies`` gave is kept; anybody else's is not.
    """

    def __init__(self, app: ASGIApp, *, proxies: Sequence[str]) -> None:
        self._app = app
        self._trusted = Trusted(proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Number the request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        number = self._given(scope) or new_id()
        scope.setdefault("state", {})["request_id"] = number

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append((b"x-request-id", number.encode()))
            await send(message)

        with request_id.bound(number):
            await self._app(scope, receive, sending)

    def _given(self, scope: Scope) -> str:
        client = scope.get("client")
        if client is None or client[0] not in self._trusted:
            return ""
        given = Headers(scope=scope).getlist("x-request-id")
        return given[0] if len(given) == 1 and request_id.well_formed(given[0]) else ""


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
