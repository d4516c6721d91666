"""Reading from object storage: bodies and listings are read to their end, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from metadata.errors import Unavailable
from repository.storage.s3 import listing
from repository.storage.s3.options import S3Options
from repository.storage.s3.store import S3Store

PIECE = 1 << 20
PIECES = 4
PAUSE = 0.4


@contextmanager
def _slow_store(asked: list[str]) -> Iterator[str]:
    class Slow(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_told: object) -> None:
            pass

        def do_GET(self) -> None:
            asked.append(self.headers.get("Range", ""))
            self.send_response(200)
            self.send_header("Content-Length", str(PIECES * PIECE))
            self.send_header("ETag", '"1"')
            self.send_header("Last-Modified", "Wed, 01 Jan 2025 00:00:00 GMT")
            self.end_headers()
            for _ in range(PIECES):
                self.wfile.write(bytes(PIECE))
                time.sleep(PAUSE)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_body_that_moves_is_not_cut_short_by_the_time_that_a_part_may_take() -> None:
    asked: list[str] = []
    with _slow_store(asked) as endpoint:
        store = S3Store("a", S3Options(endpoint, "b", "key", "secret", quick=20.0, bulk=PAUSE))
        assert sum(map(len, store.read("r/x"))) == PIECES * PIECE
    assert asked == [""], "read with one request, none to go on with the rest"


class _BreaksOff:
    """A service that says there is more and not how to ask for it."""

    def list_objects_v2(self, **_asked: object) -> dict[str, object]:
        return {"Contents": [{"Key": "r/1", "Size": 1}], "IsTruncated": True}


def test_half_a_listing_does_not_pass_for_a_whole_one() -> None:
    with pytest.raises(Unavailable):
        list(listing.objects(_BreaksOff(), "bucket", "a", "r/", ""))
