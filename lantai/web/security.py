"""What every answer carries so that a browser does only what a page means: policies, cookies, tokens.

No inline script or style anywhere: the policy forbids both. A file out of the archive is answered under a policy of
its own (``FILE_POLICY``), because its bytes are as hostile as whoever made them.
"""

from __future__ import annotations

import hmac
import secrets
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SESSION_COOKIE = "lantai_session"
VISITOR_COOKIE = "lantai_visitor"
DEVICE_COOKIE = "lantai_device"
LANGUAGE_COOKIE = "lantai_language"
TYPE_COOKIE = "lantai_type"
PURPOSE_COOKIE = "lantai_purpose"
CSRF_FIELD = "csrf"
CSRF_HEADER = "X-CSRF-Token"
YEAR_SECONDS = 365 * 24 * 3600

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; media-src 'self'; frame-src 'self'; "
    "object-src 'none'; connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
FILE_POLICY = "default-src 'none'; sandbox; frame-ancestors 'self'"
PDF_POLICY = "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; img-src 'self'; frame-ancestors 'self'"
"""Chromium's PDF viewer does not start in a sandboxed frame; nothing else may run under this policy."""


def cookie_name(name: str, *, secure: bool) -> str:
    """The name of a cookie that opens something: over HTTPS with the prefix that keeps neighbouring sites from setting it."""
    return f"__Host-{name}" if secure else name


def same_token(expected: str, given: str | None) -> bool:
    """Whether the token of a form is the session's, in constant time; an empty one never is."""
    return bool(expected) and hmac.compare_digest(expected.encode(), (given or "").encode())


def fresh_token() -> str:
    """A random token for a browser that nobody has signed in on yet."""
    return secrets.token_urlsafe(24)


def local_path(target: str | None, default: str = "/") -> str:
    """``target`` when it is a path on this site, else ``default``: no form may lead away."""
    if not target or not target.startswith("/") or target.startswith("//") or "\\" in target:
        return default
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or any(ord(char) < 32 for char in target):
        return default
    return target


class SecurityHeaders:
    """ASGI middleware: policies on every answer that did not set its own; nothing personal in shared caches.

    ``secure``: the site stands behind TLS, and browsers shall come by no other way (HSTS, RFC 6797).
    """

    def __init__(self, app: ASGIApp, *, secure: bool = False) -> None:
        self._app = app
        self._secure = secure

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on and complete the headers of its answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        static = scope["path"].startswith("/static/")

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Content-Security-Policy", PAGE_POLICY)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("X-Frame-Options", "DENY")
                headers.setdefault("Referrer-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
                headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
                if self._secure:
                    headers.setdefault("Strict-Transport-Security", f"max-age={YEAR_SECONDS}")
                headers.setdefault("Cache-Control", "public, max-age=3600" if static else "no-store")
            await send(message)

        await self._app(scope, receive, sending)
