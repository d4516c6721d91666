"""Who may read the figures, and a worker's own door to them."""

from __future__ import annotations

import hmac
import ipaddress
import logging
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lantai.metrics import CONTENT_TYPE_LATEST, Meters
from lantai.settings import MetricsSettings

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


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def show(settings: MetricsSettings, meters: Meters) -> ThreadingHTTPServer | None:
    """Show a worker's figures at its own port until the server is shut down; None when there is no port to be had."""
    if settings.access == "off" or not settings.worker_port:
        return None

    class Handler(BaseHTTPRequestHandler):
        """Answers ``GET /metrics`` and nothing else."""

        server_version, sys_version, timeout = "lantai", "", 10

        def do_GET(self) -> None:
            allowed = may_read(
                settings,
                caller=self.client_address[0],
                forwarded=any(name in self.headers for name in FORWARDED),
                authorization=self.headers.get("Authorization", ""),
            )
            found = allowed and self.path == "/metrics"
            body = meters.text() if found else b""
            self.send_response(200 if found else 404)
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
