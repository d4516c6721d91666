"""The use register: what a look costs, page after page, and what its pages cost when years of looks stand in it."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from access import use_register
from access.accounts import create_account
from access.actors import Actor, actor_of, console_actor
from access.register_lines import Filters
from bench.measure import Result
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.identifiers import new_id
from repository.clock import local_date
from repository.ledger.entry import USE, ActorRef, entry_row
from repository.tables import Account, LedgerEntry

INSERT_MS, PAGE_MS = 1.0, 100.0
PAGES = 300
_BATCH = 5_000


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """A scan of 300 pages read one after another; pages of the register at a million looks (quick: 100,000)."""
    looks = 100_000 if quick else 1_000_000
    home = folder / "register"
    shutil.rmtree(home, ignore_errors=True)
    site = initialise(load(home=home), bureau="测试局", division="330000")
    try:
        reader, auditor = (person(site, role) for role in ("archivist", "audit_admin"))
        records = _filled(site, reader, looks)
        corpus = f"{looks:,} looks"
        yield from inserts(site, reader, corpus)
        yield from _pages(site, auditor, records, corpus)
    finally:
        site.close()
        shutil.rmtree(home, ignore_errors=True)


def person(site: Site, role: str) -> Actor:
    """A new account of that role, as an actor."""
    archive = site.archive
    with archive.sessions.begin() as session:
        create_account(
            session,
            archive=archive,
            actor=console_actor(session, archive.profile, "bench"),
            username=f"bench-{role}",
            display_name="测试",
            organ_code="bureau",
            password=None,
            roles=[(role, "bureau")],
        )
        account = session.scalars(select(Account).where(Account.username == f"bench-{role}")).one()
        now = archive.clock.now()
        return actor_of(session, account, archive.profile, local_date(now, archive.zone), now)


def _filled(site: Site, reader: Actor, looks: int) -> list[str]:
    """Years of looks, put straight into the catalogue: no block waits for them."""
    records = [new_id() for _ in range(2_000)]
    strangers = [ActorRef(new_id(), "account", reader.organ_id) for _ in range(200)] + [reader.ref]
    start = datetime.now(UTC) - timedelta(seconds=60 * looks)
    for first in range(0, looks, _BATCH):
        rows = [
            entry_row(
                stream=USE,
                at=start + timedelta(seconds=60 * number),
                act="file.downloaded" if number % 50 == 0 else "page.viewed",
                actor=strangers[number % len(strangers)],
                record_id=records[number % len(records)],
                facts={"form": "download" if number % 50 == 0 else "screen", "reason": "case_handling", "page": 1},
            )
            for number in range(first, min(first + _BATCH, looks))
        ]
        with site.archive.sessions.begin() as session:
            session.execute(insert(LedgerEntry), rows)
    return records


def inserts(site: Site, reader: Actor, corpus: str) -> Iterator[Result]:
    """What entering the look at each page of a scan costs."""
    file_id, record_id = new_id(), new_id()

    def look(session: Session, page: int) -> None:
        use_register.looked(
            session,
            archive=site.archive,
            actor=reader,
            act="page.viewed",
            record_id=record_id,
            file_id=file_id,
            page=page,
            reason="case_handling",
            form="screen",
            call_id=file_id,
        )

    inserted, whole = [], []
    for page in range(1, PAGES + 1):
        began = time.perf_counter()
        with site.archive.sessions.begin() as session:
            session.connection()
            entering = time.perf_counter()
            look(session, page)
            inserted.append(time.perf_counter() - entering)
        whole.append(time.perf_counter() - began)
    yield _told("use register, entry of a page", f"{PAGES} pages, {corpus}", inserted, INSERT_MS)
    yield _told("use register, entry of a page, begun and committed", f"{PAGES} pages, {corpus}", whole, None)


def _pages(site: Site, auditor: Actor, records: list[str], corpus: str) -> Iterator[Result]:
    archive = site.archive
    with archive.reading() as session:
        oldest = session.scalars(select(func.min(LedgerEntry.seq)).where(LedgerEntry.stream == USE)).one()
    asked: tuple[tuple[str, Filters, int | None], ...] = (
        ("newest", Filters(), None),
        ("oldest", Filters(), oldest + 100),
        ("of a record", Filters(record_id=records[7]), None),
        ("of a form", Filters(form="download"), None),
        ("of an act", Filters(act="file.downloaded"), None),
        ("of a period", Filters(since=datetime.now(UTC).date() - timedelta(days=30)), None),
    )
    for name, filters, after in asked:
        yield _told(f"use register, page {name}", corpus, _timed(_page(site, auditor, filters, after)), PAGE_MS)


def _page(site: Site, auditor: Actor, filters: Filters, after: int | None) -> Callable[[], None]:
    archive = site.archive

    def read() -> None:
        with archive.reading() as session:
            use_register.register(
                session, auditor, archive.profile, filters=filters, zone=archive.zone, after=after, limit=51
            )
            use_register.totals(session, auditor, archive.profile, filters, zone=archive.zone)

    return read


def _timed(work: Callable[[], None], rounds: int = 20) -> list[float]:
    """Seconds of processor time."""
    work()
    taken = []
    for _ in range(rounds):
        began = time.thread_time()
        work()
        taken.append(time.thread_time() - began)
    return taken


def _told(name: str, corpus: str, seconds: list[float], most: float | None) -> Result:
    """The 95th percentile in milliseconds; the median on standard error. ``most`` is what is wanted at most."""
    ordered = sorted(one * 1000 for one in seconds)
    p95 = ordered[int(len(ordered) * 0.95)]
    sys.stderr.write(f"   {name} [{corpus}]: median {statistics.median(ordered):.3f} ms, p95 {p95:.3f} ms\n")
    return Result(name, corpus, p95, None, "ms (p95)", most / p95 if most else None, 1.0 if most else None)
