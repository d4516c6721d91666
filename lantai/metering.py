"""Who may read the figures, and a worker's own door to them."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import math
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lantai.metrics import CONTENT_TYPE_LATEST, Meters
from lantai.rates import Window
from lantai.settings import MetricsSettings, RateSettings

log = logging.getLogger("lantai.metrics")

FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip", "via")
"""Headers by which a call is known to have come through a proxy, however near that stands."""


def may_read(settings: MetricsSettings, *, caller: str, forwarded: bool, authorization: str) -> bool:
    """Whether a call from the address ``caller`` may read the figures.

    ``forwarded``: it came through a proxy, so that the address says nothing; ``authorization``: its header.
    """
    if settings.access == "loopback":
        return not forwarded and _is_loopback(caller)
    if settings.access == "token":
        kind, _, given = authorization.partition(" ")
        wanted = settings.token.get_secret_value()
        return kind.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), wanted.encode())
    return False


class Readers:
    """Who may read the figures at one door; wrong tokens from one address are slowed as wrong passwords are."""

    def __init__(self, settings: MetricsSettings, rates: RateSettings) -> None:
        self._settings = settings
        self._wrong = Window(rates.failed_sign_ins_per_minute)

    def wait(self, address: str) -> float:
        """Seconds until a token from ``address`` is looked at again, the right one too; 0: now."""
        return self._wrong.wait(address) if self._settings.access == "token" else 0.0

    def admit(self, address: str, *, caller: str, forwarded: bool, authorization: str) -> bool:
        """``may_read``; a wrong token from ``address`` (behind a proxy not the ``caller``'s) counts. Ask ``wait`` first."""
        allowed = may_read(self._settings, caller=caller, forwarded=forwarded, authorization=authorization)
        if not allowed and authorization and self._settings.access == "token":
            self._wrong.note(address)
        return allowed


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def show(settings: MetricsSettings, rates: RateSettings, meters: Meters) -> ThreadingHTTPServer | None:
    """Show a worker's figures at its own port until the server is shut down; None when there is no port to be had."""
    if settings.access == "off" or not settings.worker_port:
        return None
    readers = Readers(settings, rates)

    class Handler(BaseHTTPRequestHandler):
        """Answers ``GET /metrics`` and nothing else."""

        server_version, sys_version, timeout = "lantai", "", 10

        def do_GET(self) -> None:
            wait = readers.wait(self.client_address[0])
            allowed = not wait and readers.admit(
                self.client_address[0],
                caller=self.client_address[0],
                forwarded=any(name in self.headers for name in FORWARDED),
                authorization=self.headers.get("Authorization", ""),
            )
            found = allowed and self.path == "/metrics"
            body = meters.text() if found else b""
            self.send_response(429 if wait else 200 if found else 404)
            if wait:
                self.send_header("Retry-After", str(math.ceil(wait)))
            self.send_header("Content-Type", CONTENT_TYPE_LATEST)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as the standard library calls it
            """No line for a scrape."""

    try:
        server = ThreadingHTTPServer((settings.worker_host, settings.worker_port), Handler)
    except OSError as error:
        log.warning("port %d is not free (%s): this worker shows no figures", settings.worker_port, error.strerror)
        return None
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server
