"""Jobs as a web process or command meets them: enqueued with the row that wants them, forgotten when long ended."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from lantai.jobs import Jobs, migrate
from repository.db import open_engine, open_sessions
from repository.migrations import upgrade


def test_a_job_commits_or_rolls_back_with_its_row_and_ended_ones_are_pruned(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lantai.db'}"
    engine = open_engine(url)
    upgrade(engine)
    migrate(url)
    sessions = open_sessions(engine)
    jobs = Jobs(url)
    try:
        with sessions.begin() as session:
            kept = jobs.enqueue_ingest(session, "kept")
            ended = jobs.enqueue_ingest(session, "ended")
        with sessions() as session:
            jobs.enqueue_ingest(session, "rolled-back")
            session.rollback()
        assert {one.id for one in jobs.list()} == {kept, ended}
        jobs.cancel(ended)
        now = datetime.now(UTC)
        assert jobs.prune(now - timedelta(days=7)) == 0
        assert jobs.prune(now + timedelta(minutes=1)) == 1
        assert {one.id for one in jobs.list()} == {kept}
        assert jobs.prune(now + timedelta(minutes=1)) == 0
    finally:
        jobs.close()
        engine.dispose()
