"""The page viewer: the first page of a scan that nothing was made of yet, a page that was, a page with its watermark."""

from __future__ import annotations

import shutil
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import uvicorn
from noto_cjk_sans_otc import FONT_PATH
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import select, update

from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from access.sessions import open_session
from bench.measure import Result
from bench.sites import BenchSite
from lantai.app import create_app
from lantai.site import Site
from lantai.web.security import SESSION_COOKIE
from metadata.identifiers import new_id
from repository.derivatives import image_path
from repository.tables import AccessGrant, AccessRequest, GrantSubject, StoredFile

PAGES = 300
FIRST_MS, CACHED_MS = 300.0, 20.0
_FIRST_ROUNDS = 5
_ROUNDS = 40


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """A black-and-white TIFF and a PDF of ``PAGES`` pages at 300 dots an inch (quick: 60 pages)."""
    pages = 60 if quick else PAGES
    scans = _scans(folder, pages)
    home = BenchSite(folder / "viewer-site", checks=True)
    try:
        for path in scans:
            home.deposit([path], one_record=True, in_place=False)
        with _served(home.site) as address:
            reader = _reader(home.site, address)
            borrower = _borrower(home.site, address)
            for path in scans:
                yield from _viewed(home.site, reader, borrower, path, pages)
    finally:
        home.close()


@contextmanager
def _served(site: Site) -> Iterator[str]:
    config = uvicorn.Config(create_app(site), host="127.0.0.1", port=0, log_level="error", lifespan="off", ws="none")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


def _viewed(site: Site, reader: httpx.Client, borrower: httpx.Client, path: Path, pages: int) -> Iterator[Result]:
    with site.archive.reading() as session:
        row = session.scalars(select(StoredFile).where(StoredFile.original_name == path.name)).one()
    label = f"{path.suffix[1:].upper()}, {pages} pages, {path.stat().st_size / 1e6:.0f} MB"
    first = f"/files/{row.id}/pages/1.webp"

    _got(reader, first)  # the processes that draw pages have started
    colds = []
    for _ in range(_FIRST_ROUNDS):
        _forget(site, row)
        colds += _times(lambda: _got(reader, first), 1)
    took = statistics.median(colds)
    yield Result("first page of a scan, nothing made yet", label, took, None, "ms", FIRST_MS / took, 1.0)
    again = statistics.median(_times(lambda: _got(reader, first), _ROUNDS))
    yield Result("page that was made before", label, again, None, "ms", CACHED_MS / again, 1.0)
    marked = statistics.median(_times(lambda: _got(borrower, first), _ROUNDS))
    yield Result("page with its watermark, under a grant", label, marked, None, "ms", None, None)


def _forget(site: Site, row: StoredFile) -> None:
    """As if nobody had looked yet: no picture, no fetched copy, no count of pages; once the last was kept."""
    pictures = image_path(site.archive.derivatives, row.record_id, 1, row.position, "page", 1)
    while not pictures.exists():
        time.sleep(0.01)
    time.sleep(0.05)
    shutil.rmtree(site.archive.derivatives / "images", ignore_errors=True)
    for one in site.archive.derivatives.glob(f"work-*/{row.id}"):
        one.unlink()
    with site.archive.sessions.begin() as session:
        session.execute(update(StoredFile).where(StoredFile.id == row.id).values(page_count=None))


def _times(work: Callable[[], object], rounds: int) -> list[float]:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _got(browser: httpx.Client, path: str) -> None:
    answer = browser.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path}: {answer.status_code} {answer.text[-1500:]}")


def _reader(site: Site, address: str) -> httpx.Client:
    with site.archive.sessions.begin() as session:
        made = create_account(
            session,
            archive=site.archive,
            actor=console_actor(session, site.archive.profile, "bench"),
            username="reader",
            display_name="阅卷人",
            organ_code="bureau",
            roles=[("archivist", "bureau")],
        )
        token, _ = open_session(session, made, clock=site.archive.clock)
    return httpx.Client(base_url=address, cookies={SESSION_COOKIE: token}, timeout=60)


def _borrower(site: Site, address: str) -> httpx.Client:
    """Somebody of another department, to whom every record was granted with its numbers."""
    archive, now = site.archive, site.archive.clock.now()
    with archive.sessions.begin() as session:
        actor = console_actor(session, archive.profile, "bench")
        create_organ(
            session, archive=archive, actor=actor, code="other", name_zh="医疗保障局", level="OD", division_prefix=""
        )
        made = create_account(
            session,
            archive=archive,
            actor=actor,
            username="borrower",
            display_name="借阅人",
            organ_code="other",
            roles=[("borrower_external", "other")],
        )
        request = AccessRequest(
            id=new_id(),
            number="2026-0001",
            account_id=made.id,
            organ_id=made.organ_id,
            requester="other_department",
            purpose="inter_agency_verification",
            days=3,
            wanted={},
            state="approved",
            profile_version=archive.profile.label,
            created_at=now,
            updated_at=now,
        )
        session.add(request)
        session.flush()
        grant = AccessGrant(
            id=new_id(),
            request_id=request.id,
            account_id=made.id,
            permissions=["record.read", "record.list", "unmask"],
            starts_at=now - timedelta(minutes=1),
            ends_at=now + timedelta(days=3),
            created_at=now,
        )
        session.add(grant)
        session.flush()
        for record_id in set(session.scalars(select(StoredFile.record_id))):
            session.add(GrantSubject(grant_id=grant.id, kind="record", subject_id=record_id))
        token, _ = open_session(session, made, clock=archive.clock)
    return httpx.Client(base_url=address, cookies={SESSION_COOKIE: token}, timeout=60)


def _scans(folder: Path, pages: int) -> list[Path]:
    """The scans, made once."""
    kept = folder / f"scans-{pages}"
    paths = [kept / "申请材料.tif", kept / "审批材料.pdf"]
    if all(one.exists() for one in paths):
        return paths
    kept.mkdir(parents=True, exist_ok=True)
    font = ImageFont.truetype(str(FONT_PATH), 44)
    leaves = []
    for number in range(10):
        leaf = Image.new("L", (2480, 3508), 255)
        drawing = ImageDraw.Draw(leaf)
        for line in range(28):
            words = f"第{number}页第{line}行：经入户调查和民主评议，该户符合最低生活保障条件。"
            drawing.text((260, 300 + line * 100), words, font=font, fill=20)
        leaves.append(leaf)
    two_colours = [leaf.convert("1", dither=Image.Dither.NONE) for leaf in leaves]
    many = [two_colours[number % len(leaves)] for number in range(pages)]
    many[0].save(paths[0], save_all=True, append_images=many[1:], compression="group4")
    coloured = [leaves[number % len(leaves)].convert("RGB") for number in range(pages)]
    coloured[0].save(paths[1], save_all=True, append_images=coloured[1:], quality=50)
    return paths
