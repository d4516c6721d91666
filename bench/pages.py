"""Pages over a catalogue of a million files: the server's time of every kind of page that links lead to, and of depth.

Each person begins on Today; of each kind of page one is measured, asked for over loopback by a browser that keeps its
connection. Deep pages are those after the last but few rows of their list.
"""

from __future__ import annotations

import gc
import re
import statistics
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from sqlalchemy import func, select

from access.accounts import account_by_name, console_actor, create_account
from access.sessions import open_session
from bench.big import big_site, township
from bench.measure import Result
from lantai import collecting
from lantai.app import create_app
from lantai.site import Site
from lantai.web.security import SESSION_COOKIE
from metadata.errors import NotFound
from repository.tables import CaseFile, Record

P95_MS = 100.0
_ROUNDS = 25
_WARMING = 12
_MOST = 60
_SHOWN = 8
_PEOPLE = (
    ("archivist", "bureau"),
    ("clerk_township", township(0)),
    ("archive_chief", "bureau"),
    ("audit_admin", "bureau"),
    ("sec_admin", "bureau"),
    ("sys_admin", "bureau"),
    ("preservation_officer", "bureau"),
)
_LINK = re.compile(r'<a[^>]+href="([^"#]+)"')
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{6,}[0-9X]?")
_NO_PAGE = (".pdf", ".xlsx", ".csv", ".json", ".webp", "/content", "/download", "/package")


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """One line a person (her slowest kind of page), and one a list that is turned to its end."""
    files = 100_000 if quick else 1_000_000
    site = big_site(folder, files)
    try:
        with serve_site(site) as address:
            for role, organ in _PEOPLE:
                yield _slowest(browse(site, address, role, organ), role, f"{files:,} files")
            yield from _depth(site, browse(site, address, *_PEOPLE[0]), f"{files:,} files")
    finally:
        site.close()


@contextmanager
def serve_site(site: Site) -> Iterator[str]:
    """The site on a loopback port, as ``lantai serve`` runs it; its address."""
    app = create_app(site)
    collecting.settled(collecting.SERVING)  # as ``lantai serve`` does
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)
    gc.unfreeze()
    collecting.seldom()


def browse(site: Site, address: str, role: str, organ: str) -> httpx.Client:
    """A browser in which a person of that role is signed in; she is entered when she is not there."""
    archive = site.archive
    with archive.sessions.begin() as session:
        try:
            account = account_by_name(session, role)
        except NotFound:
            account = create_account(
                session,
                archive=archive,
                actor=console_actor(session, archive.profile, "bench"),
                username=role,
                display_name=role,
                organ_code=organ,
                roles=[(role, organ)],
            )
        token, _ = open_session(session, account, clock=archive.clock)
    return httpx.Client(base_url=address, cookies={SESSION_COOKIE: token}, timeout=60)


def _slowest(browser: httpx.Client, role: str, label: str) -> Result:
    seen: set[str] = set()
    todo, found = deque(["/"]), dict[str, Took]()
    while todo and len(seen) < _MOST:
        target = todo.popleft()
        kind = _ID.sub("{}", urlsplit(target).path)
        if kind in seen:
            continue
        seen.add(kind)
        answer = browser.get(target)
        if answer.status_code != 200 or "html" not in answer.headers.get("content-type", ""):
            continue
        todo.extend(
            unescape(one)
            for one in _LINK.findall(answer.text)
            if one.startswith("/") and not urlsplit(unescape(one)).path.endswith(_NO_PAGE)
        )
        found[kind] = p95(browser, target)
    worst = max(found, key=lambda one: found[one].wall)
    over = sum(1 for one in found.values() if one.wall > P95_MS)
    for kind, took in sorted(found.items(), key=lambda one: -one[1].wall)[:_SHOWN]:
        sys.stderr.write(f"{role}: {kind} {took.wall:.1f} ms, of processor {took.processor:.1f} ms\n")
    name = f"pages of {role}: slowest of {len(found)} kinds ({worst}), {over} over {P95_MS:.0f} ms"
    return Result(name, label, found[worst].wall, None, "ms (p95)", P95_MS / found[worst].wall, 1.0)


def _depth(site: Site, browser: httpx.Client, label: str) -> Iterator[Result]:
    with site.archive.reading() as session:
        last = {
            "/holdings": session.scalar(select(func.max(CaseFile.seq))) or 0,
            "/holdings/records": session.scalar(select(func.max(Record.seq))) or 0,
        }
    for path, end in last.items():
        first, deep = p95(browser, path).wall, p95(browser, f"{path}?after={end - 60}").wall
        yield Result(f"{path} at its end against its beginning", label, deep, first, "ms (p95)", first / deep, None)


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds, 95th percentiles: until the answer is there, and of processor time, the browser's among it."""

    wall: float
    processor: float


def p95(browser: httpx.Client, target: str) -> Took:
    """The first answers, which warm caches and let the database learn, are left out. On a machine that does other work too,
    trust ``processor``."""
    for _ in range(_WARMING):
        browser.get(target).raise_for_status()
    wall, processor = [], []
    for _ in range(_ROUNDS):
        began, used = time.perf_counter(), time.process_time()
        browser.get(target)
        wall.append((time.perf_counter() - began) * 1000)
        processor.append((time.process_time() - used) * 1000)
    return Took(*(statistics.quantiles(one, n=20)[-1] for one in (wall, processor)))
