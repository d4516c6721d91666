"""A worker in this process, told to end while a job cannot go on."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from access.actors import SYSTEM
from lantai.jobs import guard
from lantai.settings import load
from lantai.site import Site, initialise
from lantai.worker import Worker


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = initialise(load(home=tmp_path / "home"), bureau="县民政局", division="990101")
    yield made
    made.close()


def test_a_job_that_waits_when_its_worker_ends_is_left_to_others_without_a_traceback(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    logging.getLogger("dbos").addHandler(caplog.handler)  # whatever it lets through, it lets through to this one
    (first, _), (second, gone) = ((one.name, Path(one.path)) for one in site.settings.replicas)
    gone.rename(gone.with_name("away"))
    worker = Worker(site, schedules=False)
    worker.start()
    try:
        with site.archive.sessions.begin() as session:
            job = site.jobs.enqueue_comparison(session, "one", actor_id=SYSTEM.ref.id, first=first, second=second)
        deadline = time.monotonic() + 60
        while "compare waits" not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        ending = threading.Thread(target=worker.stop)
        ending.start()
        time.sleep(1)
        guard()  # as another job does that is not yet done and enqueues a third
        ending.join(60)
        assert not ending.is_alive()
        time.sleep(0.5)  # the job's own thread says what it has to say after the worker let go of it
    finally:
        logging.getLogger("dbos").removeHandler(caplog.handler)
    assert "Traceback" not in caplog.text
    assert "background workflow" not in caplog.text
    with site.archive.reading() as session:
        assert site.jobs.rows.statuses(session, job) == {job: "PENDING"}
