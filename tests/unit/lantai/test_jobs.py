"""Jobs as a web process or command meets them: enqueued with the row that wants them, steered, forgotten when long ended."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from access.actors import Actor, console_actor
from lantai import care, request_id, steering
from lantai.job_rows import JobFilter, JobRow
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Conflict, NotFound
from repository.rights import JOBS_SCHEMA
from repository.tables import JobNote, LedgerEntry, Organ, Submission

ALL = JobFilter()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = initialise(load(home=tmp_path / "home"), bureau="县民政局", division="990101")
    yield made
    made.close()


def _listed(site: Site, wanted: JobFilter = ALL, **options: object) -> list[JobRow]:
    with site.archive.reading() as session:
        return site.jobs.rows.listed(session, wanted, **options)  # type: ignore[arg-type]


def _one(site: Site, job_id: str) -> JobRow:
    with site.archive.reading() as session:
        return steering.found(session, site, job_id)


def _console(site: Site) -> Actor:
    with site.archive.reading() as session:
        return console_actor(session, site.archive.profile, "test")


def _engine_says(site: Site, job_id: str, **values: object) -> None:
    """Change the engine's own row, as it would."""
    table = "workflow_status" if site.engine.dialect.name == "sqlite" else f"{JOBS_SCHEMA}.workflow_status"
    told = ", ".join(f"{name} = :{name}" for name in values)
    with site.engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET {told} WHERE workflow_uuid = :id"), {**values, "id": job_id})


def _ingests(site: Site, number: int) -> list[str]:
    with site.archive.sessions.begin() as session:
        return [site.jobs.enqueue_ingest(session, f"{one:08d}-0000-4000-8000-000000000000") for one in range(number)]


def test_a_job_commits_or_rolls_back_with_its_row_and_note(site: Site) -> None:
    with request_id.bound("request-17"), site.archive.sessions.begin() as session:
        kept = site.jobs.enqueue_ingest(session, "kept")
    with site.archive.sessions() as session:
        site.jobs.enqueue_ingest(session, "rolled-back")
        session.rollback()
    [one] = _listed(site)
    assert (one.id, one.queue, one.state, one.request_id) == (kept, "ingest", "waiting", "request-17")
    with site.archive.reading() as session:
        assert session.get(JobNote, "ingest-rolled-back") is None


def test_lists_are_paged_and_filtered(site: Site) -> None:
    ids = _ingests(site, 7)
    with site.archive.sessions.begin() as session:
        audit = site.jobs.enqueue_audit(session, "one", actor_id="somebody")
    found: list[str] = []
    before = ""
    while page := _listed(site, before=before, limit=3):
        found += [one.id for one in page]
        before = page[-1].key
    assert sorted(found) == sorted([*ids, audit])
    assert [one.id for one in _listed(site, JobFilter(queue="audit"))] == [audit]
    assert [one.id for one in _listed(site, JobFilter(work="audit_v1"))] == [audit]
    assert _listed(site, JobFilter(state="running")) == []
    assert _one(site, audit).actor_id == "somebody"


def test_stop_resume_and_retry_leave_entries_and_keep_their_order(site: Site) -> None:
    [job_id] = _ingests(site, 1)
    actor = _console(site)

    def act(what: object) -> None:
        with site.archive.sessions.begin() as session:
            what(session, site, actor, job_id)  # type: ignore[operator]

    with pytest.raises(Conflict) as refused:
        act(steering.resume)
    assert refused.value.code == "job.not_stopped"
    with pytest.raises(Conflict) as refused:
        act(steering.retry)
    assert refused.value.code == "job.not_failed"
    act(steering.stop)
    assert (_one(site, job_id).state, _one(site, job_id).queue) == ("stopped", "ingest")
    with pytest.raises(Conflict) as refused:
        act(steering.stop)
    assert refused.value.code == "job.ended"
    act(steering.resume)
    assert (_one(site, job_id).state, _one(site, job_id).queue) == ("waiting", "ingest")
    _engine_says(site, job_id, status="ERROR", completed_at=1)
    with pytest.raises(Conflict) as refused:
        act(steering.retry)  # its deposit is not there
    with site.archive.sessions.begin() as session:
        audit = site.jobs.enqueue_audit(session, "one", actor_id=actor.id)
    _engine_says(site, audit, status="ERROR", completed_at=1)
    job_id = audit
    act(steering.retry)
    assert (_one(site, audit).state, _one(site, audit).queue, _one(site, audit).cause) == ("waiting", "audit", None)
    with site.archive.reading() as session:
        acts = [one.act for one in session.query(LedgerEntry).order_by(LedgerEntry.seq) if one.act.startswith("job.")]
    assert acts == ["job.stopped", "job.resumed", "job.retried"]
    with pytest.raises(NotFound), site.archive.sessions.begin() as session:
        steering.stop(session, site, actor, "no-such-job")


def test_a_stopped_ingest_is_not_carried_on_and_one_that_ended_is(site: Site) -> None:
    stopped, ended = _ingests(site, 2)
    with site.archive.sessions.begin() as session:
        steering.stop(session, site, _console(site), stopped)
    _engine_says(site, ended, status="SUCCESS", completed_at=1)
    submissions = [one.removeprefix("ingest-") for one in (stopped, ended)]
    for again in ("-again-1", "-again-2"):
        with site.archive.sessions.begin() as session:
            assert site.jobs.carry_on(session, submissions) == 1
        _engine_says(site, ended + again, status="SUCCESS", completed_at=1)
    assert len(_listed(site)) == 4
    with site.archive.sessions.begin() as session:
        steering.resume(session, site, _console(site), stopped)
        assert site.jobs.carry_on(session, submissions[:1]) == 0  # it waits in its queue


def test_a_deposit_whose_job_is_lost_is_found_behind_many_that_somebody_stopped(site: Site) -> None:
    long_ago = site.archive.clock.now() - timedelta(hours=1)
    names = [f"{one:08d}-0000-4000-8000-000000000000" for one in range(121)]
    with site.archive.sessions.begin() as session:
        organ = session.scalars(select(Organ.id)).first()
        for one in names:
            told = {"title": "x", "channel": "cli", "organ_id": organ, "actor_id": "console", "options": {}}
            times = {"created_at": long_ago, "updated_at": long_ago}
            session.add(Submission(id=one, state="accepted", profile_version="x", **told, **times))
    with site.archive.sessions.begin() as session:
        jobs = [site.jobs.enqueue_ingest(session, one) for one in names[:-1]]
        for job in jobs:
            steering.stop(session, site, _console(site), job)
    care.run(site, "carry-on")
    assert [one.id for one in _listed(site, JobFilter(state="waiting"))] == [f"ingest-{names[-1]}"]


def test_old_rows_go_in_batches_and_the_clocks_go_first(site: Site) -> None:
    now = site.archive.clock.now()
    old, yesterday = (int((now - timedelta(days=days)).timestamp() * 1000) for days in (8, 2))
    ids = _ingests(site, 1100)
    table = "workflow_status" if site.engine.dialect.name == "sqlite" else f"{JOBS_SCHEMA}.workflow_status"
    with site.engine.begin() as connection:
        connection.execute(text(f"UPDATE {table} SET status = 'SUCCESS', completed_at = {old}"))
    by_clock, stopped, failed = ids[:3]
    _engine_says(site, by_clock, completed_at=yesterday, workflow_uuid="sched-seal-2026-01-01", schedule_name="seal")
    _engine_says(site, stopped, status="CANCELLED")
    _engine_says(site, failed, status="ERROR", completed_at=yesterday)
    assert [care.run(site, "prune") for _ in range(5)] == [500, 500, 98, 1, 0]
    assert [one.id for one in _listed(site)] == [failed]
    with site.archive.reading() as session:
        assert session.query(JobNote).count() == 2  # of the one that failed, and of the one renamed above


def test_times_are_the_databases(site: Site) -> None:
    [job_id] = _ingests(site, 1)
    with site.archive.sessions.begin() as session:
        steering.stop(session, site, _console(site), job_id)
    ended = _one(site, job_id).ended_at
    assert ended is not None
    assert abs(ended - datetime.now(UTC)) < timedelta(minutes=1)
