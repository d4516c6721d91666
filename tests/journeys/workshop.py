"""A site with many small deposits waiting and real worker processes that are killed, frozen and counted after."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from access.accounts import create_account
from access.actors import console_actor
from lantai.cli.intake_commands import deposit
from lantai.job_rows import JobFilter, JobRow
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Unavailable
from repository.fixity import audit
from repository.ledger.entry import ActorRef
from repository.tables import LedgerEntry, Outbox, Record, RecordPlan, RecordVersion, Submission
from tests.journeys.commands import LANTAI
from tests.unit.lantai_web.conftest import PASSWORD

PAPERS = ("申请书", "入户调查表", "家庭收入证明")
TTL = 8
"""Seconds after which a silent worker is taken over here; 15 by default. On a busy machine a living one may pause for
some seconds, which costs only repeated steps."""


@dataclass
class Workshop:
    """The site, opened in this process, and its workers, each a process of its own."""

    site: Site
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    submissions: list[str] = field(default_factory=list)

    def deposit(self, folder: Path, households: int) -> None:
        """Put one deposit a household into the queue: three papers each."""
        with self.site.archive.reading() as session:
            actor = console_actor(session, self.site.archive.profile, "test")
        for number in range(households):
            papers = folder / f"户{number:04d}"
            papers.mkdir(parents=True)
            for name in PAPERS:
                (papers / f"{name}.txt").write_text(f"{name}\n第 {number} 户，家庭情况属实。\n", encoding="utf-8")
            self.submissions.append(deposit(self.site, actor, [papers], accept=True))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """One more worker; what it says goes to a file beside the site."""
        home = self.site.settings.home
        with (home.parent / f"worker-{len(self.workers)}.log").open("wb") as log:
            process = subprocess.Popen(
                [str(LANTAI), "worker", *arguments],
                env={**os.environ, "LANTAI_HOME": str(home)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.workers.append(process)
        return process

    def jobs(self, state: str = "") -> list[JobRow]:
        """Jobs that carry deposits."""
        with self.site.archive.reading() as session:
            return self.site.jobs.rows.listed(session, JobFilter(state=state, work="ingest_v1"), limit=1000)

    def running(self, worker: subprocess.Popen[bytes]) -> list[str]:
        """Ids of the deposits' jobs that ``worker`` runs now."""
        return [one.id for one in self.jobs("running") if f"-{worker.pid}-" in one.worker]

    def await_(self, what: Callable[[], bool], *, seconds: float = 300) -> float:
        """Wait until ``what`` holds, the database being away now and then; the seconds that took."""
        began = time.monotonic()
        while True:
            try:
                if what():
                    return time.monotonic() - began
            except (DBAPIError, Unavailable):
                pass
            assert time.monotonic() - began < seconds, self.told()
            time.sleep(0.1)

    def done(self) -> int:
        """How many deposits are in the holdings."""
        with self.site.archive.reading() as session:
            return session.scalar(select(func.count()).where(Submission.state == "done")) or 0

    def at_rest(self) -> bool:
        """Everything is in the holdings and in the index, and no job of a deposit waits or runs."""
        with self.site.archive.reading() as session:
            lag = session.scalar(select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None)))
        return self.done() == len(self.submissions) and not lag and not (self.jobs("running"))

    def told(self) -> str:
        """What workers said last, and how the deposits stand, for who reads a failure."""
        logs = sorted(self.site.settings.home.parent.glob("worker-*.log"))
        lines = [f"{one.name}: {one.read_text(encoding='utf-8', errors='replace')[-1500:]}" for one in logs]
        try:
            with self.site.archive.reading() as session:
                by_state = select(Submission.state, Submission.step, func.count())
                rows = session.execute(by_state.group_by(Submission.state, Submission.step)).all()
                errors = list(session.scalars(select(Submission.error).where(Submission.error.is_not(None)).limit(3)))
        except (DBAPIError, Unavailable) as error:
            return "\n".join([*lines, str(error)])
        return "\n".join([*lines, str(rows), str(errors)])

    def check(self) -> None:
        """Counts agree in database, stores and index; nothing is there twice; every object is whole."""
        archive = self.site.archive
        expected = len(self.submissions) * len(PAPERS)
        with archive.reading() as session:
            assert session.scalar(select(func.count()).select_from(Record)) == expected
            assert session.scalar(select(func.count()).select_from(RecordPlan)) == expected
            keys = set(session.scalars(select(RecordVersion.object_key)))
            entered = select(LedgerEntry.record_id).where(LedgerEntry.act == "record.accessioned")
            twice = entered.group_by(LedgerEntry.record_id).having(func.count() > 1)
            assert session.scalars(twice).all() == []
        assert len(keys) == expected
        for name in archive.replicas.names:
            found = [one.key for one in archive.replicas.store(name).list("r/") if one.key.endswith(".zip")]
            assert sorted(found) == sorted(keys), name
        engine = self.site.search_engine()
        try:
            assert engine.count() == expected
        finally:
            engine.close()
        assert audit(archive, actor=ActorRef("test", "test"), deep=True).exit_code == 0

    def close(self) -> None:
        """End what still runs."""
        for process in self.workers:
            if process.poll() is None:
                process.send_signal(signal.SIGCONT)
                process.terminate()
        for process in self.workers:
            try:
                process.wait(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.site.close()


def hire(site: Site) -> None:
    """An archivist and a preservation officer of the bureau, who may sign in."""
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        for name, role in (("archivist", "archivist"), ("officer", "preservation_officer")):
            create_account(
                session,
                archive=site.archive,
                actor=actor,
                username=name,
                display_name=name,
                organ_code="bureau",
                password=PASSWORD,
                roles=[(role, "bureau")],
            )


@contextmanager
def workshop(home: Path, settings: str = "") -> Iterator[Workshop]:
    """A new site at ``home`` with these lines in its ``lantai.toml``."""
    home.mkdir(parents=True)
    common = f"worker_ttl_seconds = {TTL}\ncheck_processes = 1\nocr = 'off'\n"
    (home / "lantai.toml").write_text(common + settings, encoding="utf-8")
    made = Workshop(initialise(load(home=home), bureau="县民政局", division="990101"))
    try:
        yield made
    finally:
        made.close()
