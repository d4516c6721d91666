"""What is refused before anything is done: foreign hosts, tokens in addresses, and asking too often.

The counts live in the memory of the process that serves: there is one, a restart forgets a minute at most, and nobody is
kept out by them for longer than that. Behind several serving processes each counts for itself.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Sequence

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from lantai.problems import Malformed, TooMany
from lantai.rates import Window
from lantai.settings import Settings
from lantai.web.security import SESSION_COOKIE, cookie_name

_TOKEN = re.compile(rb"lantai_[A-Za-z0-9_-]{20}")
_SEARCHES = re.compile(r"/(?:api/v1/)?search(?:[./]|$)")
_ALWAYS = frozenset({"/healthz", "/readyz"})
_FIGURES = "/metrics"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def too_many(seconds: float) -> TooMany:
    """The refusal of who asked too often; ``seconds`` until there is room again."""
    whole = max(1, int(seconds + 0.999))
    return TooMany(
        "request.too_many",
        zh=f"操作过于频繁。请等 {whole} 秒再试；已填写的内容没有丢失，可以返回。",
        en=f"Too many requests in a short time. Wait {whole} seconds and try again; go back and what you typed is still there.",
        wait_seconds=whole,
    )


def address_of(request: Request) -> str:
    """The network address that a request came from, as far as the server knows it."""
    return request.client.host if request.client is not None else ""


class SignInLimit:
    """Wrong passwords from one address in a minute; what a known browser does is not counted."""

    def __init__(self, settings: Settings) -> None:
        self._failures = Window(settings.rates.failed_sign_ins_per_minute)

    def wait(self, address: str) -> float:
        """Seconds until somebody at ``address`` may try again."""
        return self._failures.wait(address)

    def failed(self, address: str) -> None:
        """Count a wrong password."""
        self._failures.note(address)


def host_known(host: str, hosts: Sequence[str], listening: str) -> bool:
    """Whether ``host`` (a Host header) is one of the site's ``hosts``.

    Without a list: where the site listens on a loopback address only this machine's own names, so that no page of
    another site can reach it through a name of its own (DNS rebinding); else any.
    """
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?", host)
    if found is None:
        return False
    name = found.group(1).strip("[]").lower().rstrip(".")
    if not hosts:
        return not _is_loopback(listening) or name in _LOOPBACK or name == listening.lower()
    return any(
        name == one.lower() or (one.startswith("*.") and name.endswith(one[1:].lower()) and name != one[2:].lower())
        for one in hosts
    )


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


class Door:
    """ASGI middleware: asks for the host, for tokens in the address and for the rate of searches, before any route."""

    def __init__(
        self, app: ASGIApp, *, settings: Settings, answer: Callable[[Request, Exception], Awaitable[Response]]
    ) -> None:
        self._app, self._settings, self._answer = app, settings, answer
        self._searches = Window(settings.rates.searches_per_minute)
        self._cookie = cookie_name(SESSION_COOKIE, secure=settings.secure_cookies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on, or answer with the refusal."""
        refused = self._refused(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
            return
        response = await self._answer(Request(scope, receive), refused)
        await response(scope, receive, send)

    def _refused(self, scope: Scope) -> Exception | None:
        path = scope["path"]
        if path in _ALWAYS or (path == _FIGURES and self._settings.metrics.access == "token"):
            return None
        request = Request(scope)
        named = request.headers.getlist("host")
        if len(named) != 1 or not host_known(named[0], self._settings.hosts, self._settings.host):
            return Malformed(
                "request.unknown_host",
                zh="本站不以这个地址提供服务。请使用管理员告知的网址；管理员可在 lantai.toml 的 hosts 中加入。",
                en="This site does not answer to this address. Use the one your administrator gave you; administrators add it to `hosts` in lantai.toml.",
            )
        if _TOKEN.search(scope.get("query_string", b"")) or _TOKEN.search(scope.get("raw_path") or b""):
            return Malformed(
                "token.in_address",
                zh="访问令牌不能写在网址里：网址会留在历史和日志中。请撤销这个令牌，重新建立，放在 Authorization 头里。",
                en="An access token never stands in an address, which stays in histories and logs. Revoke it, make another and send it in the Authorization header.",
            )
        if _SEARCHES.match(path):
            seconds = self._searches.take(self._who(request))
            if seconds:
                return too_many(seconds)
        return None

    def _who(self, request: Request) -> str:
        """The token or session that asks, found as ``visit.visitor`` finds it; else the address.

        What counts for nothing there counts for nothing here: a made-up cookie beside a token is no new window.
        """
        kind, _, bearer = request.headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer" and request.url.path.startswith("/api/"):
            return f"token {bearer.strip()}"
        return request.cookies.get(self._cookie) or f"address {address_of(request)}"
