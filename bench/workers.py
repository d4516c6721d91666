"""``python -m bench.workers [--quick] [--postgresql]``: household files taken in by 1, 2 and 4 worker processes.

The corpus is the one that ``lantai sample`` makes, one deposit a household; checks are on, as a worker has them. The deposits
wait when the workers start; the clock runs from the first deposit in the holdings to the last, so that the start of a
process does not count. On PostgreSQL a server is started as the tests start it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from access.actors import console_actor
from bench.corpora import household
from lantai.cli.intake_commands import deposit
from lantai.settings import load
from lantai.site import Site, initialise
from repository.tables import Submission

WORKERS = (1, 2, 4)


def main() -> None:
    """One JSON line a run."""
    given = argparse.ArgumentParser(prog="bench.workers")
    given.add_argument("--quick", action="store_true", help="16 households instead of 100")
    given.add_argument("--postgresql", action="store_true", help="on PostgreSQL instead of SQLite")
    given.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "lantai-bench")
    asked = given.parse_args()
    corpus = household(asked.folder, 16 if asked.quick else 100)
    folders = sorted(path for path in (corpus.root / "households").iterdir() if path.is_dir())
    for number in WORKERS:
        with _database(postgresql=asked.postgresql) as settings:
            line = _run(number, folders, settings)
        line["database"] = "PostgreSQL" if asked.postgresql else "SQLite"
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


def _run(number: int, folders: list[Path], settings: str) -> dict[str, object]:
    work = Path(tempfile.mkdtemp(prefix="lantai-workers-"))
    home = work / "home"
    home.mkdir()
    (home / "lantai.toml").write_text(f"check_processes = 1\nocr = 'off'\n{settings}", encoding="utf-8")
    site = initialise(load(home=home), bureau="县民政局", division="990101")
    processes: list[subprocess.Popen[bytes]] = []
    with site.archive.reading() as session:
        actor = console_actor(session, site.archive.profile, "bench")
    for folder in folders:
        deposit(site, actor, [folder], accept=True, in_place=True)
    try:
        environment = {**os.environ, "LANTAI_HOME": str(home)}
        command = [sys.executable, "-m", "lantai", "worker", "--queues", "ingest"]
        processes += [
            subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            for _ in range(number)
        ]
        _await(lambda: _done(site) > 0)
        began, first = time.monotonic(), _done(site)
        _await(lambda: _done(site) == len(folders))
        seconds = time.monotonic() - began
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait()
        site.close()
        shutil.rmtree(work)
    return {"workers": number, "households": len(folders) - first, "seconds": round(seconds, 1)}


def _done(site: Site) -> int:
    with site.archive.reading() as session:
        return session.scalar(select(func.count()).where(Submission.state == "done")) or 0


def _await(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 3600
    while not what():
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.1)


@contextmanager
def _database(*, postgresql: bool) -> Iterator[str]:
    if not postgresql:
        yield ""
        return
    from tests.services.postgres import Postgres  # a server is needed for this alone

    server = Postgres().start()
    try:
        made = server.create_database()
        yield f'database_url = "{made.program_url}"\ndatabase_owner_url = "{made.owner_url}"\n'
    finally:
        server.close()


if __name__ == "__main__":
    main()
