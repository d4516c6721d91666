"""A deposit from another machine: files go over HTTP by parts to a site, and its findings come back.

Every request may be repeated: the deposit's key is made from the list of its files, each upload's from its place and
file, so that the same command given again goes on where the line was lost, also after this process was killed. No state
is kept on this side. Each part carries its SHA-256; the site keeps nothing of a part that arrived otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from ingest.outcome import Finding
from ingest.walk import Found, walk
from lantai import __version__
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound, Unavailable

PART = 8 << 20
"""Bytes of a part: what a lost line costs at most, and what is held in memory for each file on its way."""
AT_ONCE = 2
PATIENCE = 90.0
"""Seconds without an answer before the command ends and says how to go on."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_POLL_SECONDS = 0.5
_STILL = 600.0
_ENDED = frozenset({"done", "returned", "rejected", "withdrawn", "failed", "waiting"})
_AGAIN = frozenset({423, 429, 500, 502, 503, 504})
_TUS = {"Tus-Resumable": "1.0.0"}
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

ProgressTold = Callable[[int, int | None, str | None], None]


@dataclass(frozen=True, slots=True)
class Local:
    """A file to be sent: its bytes' place, its path as the site shall keep it, and what it was when listed."""

    location: bytes
    name: bytes
    size: int
    modified_ns: int


@dataclass
class Listing:
    """What stands at the paths given: files in the order of a local deposit, and what cannot be sent."""

    files: list[Local] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def size(self) -> int:
        """Bytes in all."""
        return sum(one.size for one in self.files)


def listing(paths: Iterable[Path]) -> Listing:
    """List files as a local deposit would take them; links and devices become its findings."""
    made = Listing()
    for entry in walk(paths):
        if isinstance(entry, Finding):
            made.findings.append(entry)
            continue
        found = os.lstat(entry.location)
        if stat.S_ISREG(found.st_mode):
            made.files.append(Local(entry.location, _raw(entry), found.st_size, found.st_mtime_ns))
    return made


def _raw(entry: Found) -> bytes:
    return base64.b64decode(entry.name.raw) if entry.name.raw else entry.name.text.encode("utf-8", "surrogateescape")


def is_plain_line(url: str) -> bool:
    """Whether a token would cross a network in clear: plain HTTP to another machine."""
    parts = urlsplit(url)
    return parts.scheme != "https" and (parts.hostname or "") not in _LOOPBACK


def _away(url: str) -> Unavailable:
    return Unavailable(
        "server.unreachable",
        zh=f"无法连接 {url}，已发送的内容没有丢失。请检查网络后重复同一条命令，会从断开处继续。",
        en=f"{url} does not answer; nothing sent is lost. Check the network and give the same command again: it goes on "
        "where it stopped.",
    )


def _problem(answer: httpx.Response) -> LantaiError:
    """The error that the site answered with, as the kind it is."""
    kinds: dict[int, type[LantaiError]] = {401: Forbidden, 403: Forbidden, 404: NotFound, 410: NotFound, 409: Conflict}
    kind = kinds.get(answer.status_code, Invalid if answer.status_code < 500 else Unavailable)
    try:
        told = answer.json()
    except ValueError:
        told = {}
    code = str(told.get("code") or f"http.{answer.status_code}")
    zh = str(told.get("zh") or told.get("detail") or f"服务器答复 {answer.status_code}。请核对 --server 地址。")
    en = str(told.get("en") or f"The server answered {answer.status_code}. Check the address of --server.")
    return kind(code, zh=zh, en=en, **(told.get("params") or {}))


class Remote:
    """A site over HTTP, for one account's token. Threads may share it."""

    def __init__(self, url: str, token: str, *, patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Invalid(
                "server.address",
                zh=f"服务器地址不对：{url}。应为 https://主机 的形式。",
                en=f"Not an address of a server: {url}. It looks like https://host.",
            )
        self._url = url.rstrip("/")
        self._patience = patience
        self._stopped = threading.Event()
        self._http = httpx.Client(
            base_url=f"{self._url}/api/v1",
            headers={
                "Authorization": f"Bearer {token}",
                "User-Agent": f"lantai/{__version__}",
                "Accept-Language": "zh-CN",
            },
            timeout=httpx.Timeout(30.0, read=600.0, write=60.0),
        )

    def stop(self) -> None:
        """Let what is being sent end at the next part; nothing of it is lost."""
        self._stopped.set()

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise _away(self._url)

    def close(self) -> None:
        """Let the lines go."""
        self._http.close()

    def ask(self, method: str, path: str, *, again: bool = True, **given: Any) -> httpx.Response:
        """The answer of the site, asked again while the line or the site is out; its problem as an error.

        ``again`` False: a lost line is told at once as ``_LineLost``, for whoever must first ask how far it came.
        """
        pause, since = _FIRST_PAUSE, time.monotonic()
        while True:
            try:
                answer = self._http.request(method, path, **given)
            except (httpx.TransportError, OSError) as error:
                if not again:
                    raise _LineLost from error
                if time.monotonic() - since > self._patience:
                    raise _away(self._url) from error
            else:
                if answer.status_code < 400:
                    return answer
                if answer.status_code not in _AGAIN:
                    raise _problem(answer)
                if not again:
                    raise _LineLost
                if time.monotonic() - since > self._patience:
                    raise _problem(answer)
            self._pause(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def open(self, wish: Mapping[str, Any], key: str) -> dict[str, Any]:
        """Open a deposit, or find the one that this key opened before."""
        return dict(self.ask("POST", "/submissions", json=dict(wish), headers={"Idempotency-Key": key}).json())

    def complete(self, submission_id: str) -> None:
        """Everything was sent."""
        self.ask("POST", f"/submissions/{submission_id}/complete")

    def accept(self, submission_id: str) -> None:
        """Accept what waits, with the account's right to do so."""
        self.ask("POST", f"/submissions/{submission_id}/accept")

    def submission(self, submission_id: str) -> dict[str, Any]:
        """A deposit as it stands."""
        return dict(self.ask("GET", f"/submissions/{submission_id}").json())

    def receipt(self, submission_id: str) -> dict[str, Any]:
        """What the depositor is given."""
        return dict(self.ask("GET", f"/submissions/{submission_id}/receipt").json())

    def findings(self, submission_id: str, *, most: int = 1000) -> list[dict[str, Any]]:
        """Findings, heaviest first."""
        found: list[dict[str, Any]] = []
        given: dict[str, Any] = {"limit": min(most, 1000)}
        while len(found) < most:
            page = self.ask("GET", f"/submissions/{submission_id}/findings", params=given).json()
            found += page["items"]
            if page["next"] is None:
                break
            given["after"] = page["next"]
        return found[:most]

    def begin(self, submission_id: str, number: int, one: Local) -> tuple[str, int]:
        """Begin the ``number``-th file, a small one with its bytes: where its parts go, and how far it has come."""
        named = base64.b64encode(one.name).decode()
        key = hashlib.sha256(f"{number} {named} {one.size} {one.modified_ns}".encode()).hexdigest()
        headers = {
            **_TUS,
            "Upload-Length": str(one.size),
            "Upload-Metadata": f"path {named}",
            "Idempotency-Key": key,
        }
        body = b""
        if 0 < one.size <= PART >> 3:
            body = _read(one, 0)
            headers |= _part_headers(body)
        answer = self.ask("POST", f"/submissions/{submission_id}/uploads", headers=headers, content=body)
        return answer.headers["location"].rpartition("/api/v1")[2], int(answer.headers["upload-offset"])

    def send(self, where: str, offset: int, one: Local, told: Callable[[int], None]) -> None:
        """Send the parts of a file from ``offset`` on, asking again how far it came whenever the line is lost."""
        pause, since = _FIRST_PAUSE, time.monotonic()
        while offset < one.size:
            self._pause(0)
            body = _read(one, offset)
            headers = {**_part_headers(body), "Upload-Offset": str(offset)}
            try:
                answer = self.ask("PATCH", where, again=False, headers=headers, content=body)
            except (_LineLost, Conflict) as error:
                if isinstance(error, Conflict) and error.code != "upload.offset":
                    raise
                if time.monotonic() - since > self._patience:
                    raise _away(self._url) from error
                self._pause(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                answer = self.ask("HEAD", where, headers=_TUS)
            reached = int(answer.headers["upload-offset"])
            if reached > offset:
                pause, since = _FIRST_PAUSE, time.monotonic()
            told(reached - offset)
            offset = reached


class _LineLost(Exception):
    """The line was lost, or the site is out, in the middle of a part."""


def _part_headers(body: bytes) -> dict[str, str]:
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    return {
        **_TUS,
        "Content-Type": "application/offset+octet-stream",
        "Upload-Checksum": f"sha256 {digest}",
    }


def _read(one: Local, offset: int) -> bytes:
    """A part of the file; ``Invalid`` (``ingest.changed``) when it is no longer what was listed."""
    with open(one.location, "rb", buffering=0) as file:
        found = os.fstat(file.fileno())
        if (found.st_size, found.st_mtime_ns) != (one.size, one.modified_ns):
            name = one.name.decode("utf-8", "backslashreplace")
            raise Invalid(
                "ingest.changed",
                zh=f"“{name}”在发送途中被改动，没有提交。请确认文件不再变化后重复同一条命令。",
                en=f"“{name}” changed while it was being sent; nothing was submitted. Give the command again when it stands still.",
                path=name,
            )
        file.seek(offset)
        return file.read(min(PART, one.size - offset))


def key_of(found: Listing, wish: Mapping[str, Any], salt: str = "") -> str:
    """The deposit's key: the same files with the same wish are the same deposit, unless ``salt`` says otherwise."""
    digest = hashlib.sha256(json.dumps([dict(wish), salt], sort_keys=True).encode())
    for one in found.files:
        digest.update(f"\n{base64.b64encode(one.name).decode()} {one.size} {one.modified_ns}".encode())
    return f"listing-{digest.hexdigest()[:48]}"


def deposit(
    remote: Remote, found: Listing, wish: Mapping[str, Any], *, key: str, told: ProgressTold | None = None
) -> str:
    """Send everything, at most two large files at once, and end the sending; the deposit's id.

    Files are begun one after the other, so that the site keeps their order. Given again after a fault it goes on where
    it stopped; a deposit that was sent already is only found again.
    """
    submission = remote.open(wish, key)
    submission_id = str(submission["id"])
    if submission["state"] != "receiving":
        return submission_id
    tell = _Told(found, told)
    with ThreadPoolExecutor(AT_ONCE, "send") as executor:
        running: set[Future[None]] = set()
        try:
            for number, one in enumerate(found.files):
                where, offset = remote.begin(submission_id, number, one)
                tell.bytes(offset)
                if offset < one.size:
                    while len(running) >= AT_ONCE:
                        running = _checked(running)
                    running.add(executor.submit(remote.send, where, offset, one, tell.bytes))
            while running:
                running = _checked(running)
        except BaseException:
            remote.stop()
            executor.shutdown(cancel_futures=True)
            raise
    remote.complete(submission_id)
    return submission_id


def _checked(running: set[Future[None]]) -> set[Future[None]]:
    """Those that still run, after one at least has ended; its error, if it had one."""
    while not (ended := {one for one in running if one.done()}):
        time.sleep(0.02)
    for one in ended:
        one.result()
    return running - ended


class _Told:
    """Bytes sent so far, told in MiB."""

    def __init__(self, found: Listing, told: ProgressTold | None) -> None:
        self._all, self._told, self._sent = found.size, told, 0

    def bytes(self, count: int) -> None:
        self._sent += count
        if self._told is not None:
            self._told(self._sent >> 20, max(1, self._all >> 20), "MiB")


def follow(remote: Remote, submission_id: str, *, accept: bool = False, told: ProgressTold | None = None) -> str:
    """Follow a deposit until its findings have settled; the state it stands in.

    With ``accept`` what waits is accepted and followed to its end. A deposit that nobody carries on for ten minutes is
    answered as it stands.
    """
    seen: Any = None
    since = time.monotonic()
    accepted = False
    while True:
        found = remote.submission(submission_id)
        state = str(found["state"])
        if told is not None:
            told(int(found["done"]), int(found["total"]), f"{state} {found['step']}")
        if state == "waiting" and accept and not accepted:
            remote.accept(submission_id)
            accepted = True
            continue
        if state in _ENDED:
            return state
        mark = (state, found["step"], found["updated_at"])
        if mark != seen:
            seen, since = mark, time.monotonic()
        elif time.monotonic() - since > _STILL:
            return state
        time.sleep(_POLL_SECONDS)
