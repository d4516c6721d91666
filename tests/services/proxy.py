"""A small TCP proxy that stands between a client and a server and does harm on demand: for HTTP without TLS.

Faults are set from the test and hold until they are taken away. Requests and answers are told apart by their direction
and found by a piece of text in the head of the request (``only``), such as ``PUT /bucket``.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass
from typing import Literal, Self
from urllib.parse import urlsplit

_FAULTS = Literal["flip_up", "flip_down", "cut_down", "lose_answer", "stall", "refuse", "say"]


@dataclass(slots=True)
class Fault:
    """One kind of harm. ``only``: text that the request's first line must begin with. ``times``: how often, at most.

    ``flip_up`` / ``flip_down`` change one byte of the body; ``cut_down`` ends the answer after ``after`` bytes of body;
    ``lose_answer`` passes the request on and hangs up before the answer; ``stall`` never answers; ``refuse`` hangs up;
    ``say`` answers ``words`` (status and S3 error code, as ``503 SlowDown``) without asking the server.
    """

    kind: _FAULTS
    only: str = ""
    times: int = 1_000_000
    after: int = 1000
    words: str = ""
    done: int = 0


class Proxy:
    """Listens on a free loopback port and passes everything on to ``target`` (``http://host:port``)."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        assert parts.hostname is not None
        assert parts.port is not None
        self._target = (parts.hostname, parts.port)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._fault: Fault | None = None
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self.requests: list[str] = []

    @property
    def endpoint(self) -> str:
        """The address that clients use instead of the target's."""
        return f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    @property
    def done(self) -> int:
        """How often the present fault was done."""
        return self._fault.done if self._fault is not None else 0

    def harm(
        self, kind: _FAULTS, *, only: str = "", times: int = 1_000_000, after: int = 1000, words: str = ""
    ) -> None:
        """Do this from now on."""
        self._fault = Fault(kind, only, times, after, words)

    def heal(self) -> None:
        """Pass everything on as it is."""
        self._fault = None

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="proxy", daemon=True).start()
        return self

    def __exit__(self, *raised: object) -> None:
        self._listening.close()
        with self._lock:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        while True:
            try:
                client, _address = self._listening.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), name="proxy-client", daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        with self._lock:
            self._open.add(client)
        try:
            with contextlib.suppress(OSError, EOFError):
                server = socket.create_connection(self._target)
                while self._exchange(client, server):
                    pass
        finally:
            with self._lock:
                self._open.discard(client)
            for one in (client, server):
                if one is not None:
                    one.close()

    def _chosen(self, line: str) -> Fault | None:
        with self._lock:
            self.requests.append(line)
            fault = self._fault
            if fault is None or not line.startswith(fault.only) or fault.done >= fault.times:
                return None
            fault.done += 1
            return fault

    def _exchange(self, client: socket.socket, server: socket.socket) -> bool:
        """One request and its answer; False when the connection ends."""
        head, rest = _head(client)
        line = head.split(b"\r\n", 1)[0].decode("latin1")
        fault = self._chosen(line)
        kind = fault.kind if fault is not None else ""
        if kind == "refuse":
            return False
        if kind == "stall":
            self._until_gone(client)
            return False
        if b"expect: 100-continue" in head.lower():
            client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
            head = b"\r\n".join(one for one in head.split(b"\r\n") if not one.lower().startswith(b"expect:"))
        if fault is not None and kind == "say":
            _drain(client, rest, _length(head))
            client.sendall(_said(fault.words))
            return True
        server.sendall(head)
        _pass(client, server, rest, _length(head), flip=kind == "flip_up")
        if kind == "lose_answer":
            _head(server)
            return False
        answer, rest = _head(server)
        client.sendall(answer)
        if line.startswith("HEAD") or b" 204 " in answer[:20] or b" 304 " in answer[:20]:
            return True
        length = _length(answer)
        if fault is not None and kind == "cut_down" and length > fault.after:
            client.sendall((rest + _exactly(server, max(0, fault.after - len(rest))))[: fault.after])
            return False
        if b"transfer-encoding: chunked" in answer.lower():
            _pass_chunked(client, server, rest)
            return True
        _pass(server, client, rest, length, flip=kind == "flip_down")
        return True

    @staticmethod
    def _until_gone(client: socket.socket) -> None:
        client.settimeout(0.2)
        end = time.monotonic() + 120
        while time.monotonic() < end:
            try:
                if not client.recv(1 << 16):
                    return
            except TimeoutError:
                continue


def _head(source: socket.socket) -> tuple[bytes, bytes]:
    """The head of a request or an answer, blank line included, and what came with it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = source.recv(1 << 16)
        if not more:
            raise EOFError
        data += more
    end = data.index(b"\r\n\r\n") + 4
    return data[:end], data[end:]


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


def _exactly(source: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = source.recv(min(1 << 16, count - len(data)))
        if not more:
            raise EOFError
        data += more
    return data


def _drain(source: socket.socket, rest: bytes, length: int) -> None:
    """Take a body of ``length`` bytes, of which ``rest`` came already, and forget it."""
    left = length - len(rest)
    while left > 0:
        piece = source.recv(min(1 << 18, left))
        if not piece:
            raise EOFError
        left -= len(piece)


def _said(words: str) -> bytes:
    status, _, code = words.partition(" ")
    body = f'<?xml version="1.0"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'.encode()
    head = f"HTTP/1.1 {status} {code}\r\nContent-Type: application/xml\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _pass(source: socket.socket, sink: socket.socket, rest: bytes, length: int, *, flip: bool) -> None:
    """Pass a body of ``length`` bytes on, of which ``rest`` came already; ``flip`` changes its last byte."""
    sent = 0
    while sent < length:
        piece = rest or source.recv(min(1 << 18, length - sent))
        rest = b""
        if not piece:
            raise EOFError
        sent += len(piece)
        if flip and sent == length:
            piece = piece[:-1] + bytes([piece[-1] ^ 1])
        sink.sendall(piece)


def _pass_chunked(sink: socket.socket, source: socket.socket, rest: bytes) -> None:
    data = rest
    sink.sendall(rest)
    while not data.endswith(b"0\r\n\r\n"):
        more = source.recv(1 << 16)
        if not more:
            raise EOFError
        sink.sendall(more)
        data = (data + more)[-64:]
