"""The worker: executes what the others enqueue, any number of processes side by side.

DBOS never takes over a dead worker's work by itself, so each worker beats in the ``heartbeat`` table and every worker
sweeps for owners that stopped beating. The time-to-live must exceed the longest pause of a process; too short costs
only repeated steps, since every step is idempotent.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO

from dbos import DBOS
from dbos._serialization import DBOSPortableJSONSerializer
from sqlalchemy import delete
from sqlalchemy.exc import OperationalError

from access.masking import mask_log
from ingest.extract import ocr
from ingest.outcome import Progress
from ingest.pipeline import STEPS, Context, is_outage, run_step
from lantai import care
from lantai.heartbeats import database_seconds, living
from lantai.jobs import Queue, Work, engine_configuration, guard
from lantai.site import Site
from metadata.identifiers import new_id
from repository.db import unavailable
from repository.tables import Heartbeat

log = logging.getLogger("lantai.worker")

MANY = 1000
"""Recoveries before DBOS gives a workflow up; attempts of a step are counted by the pipeline itself."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds before a failed step is tried again; they double while a replica, a disk or the database is out."""


@dataclass
class Pulse:
    """One worker's heartbeat and its sweep for dead peers."""

    site: Site
    executor_id: str

    def beat(self) -> None:
        """Say that this worker lives."""
        with self.site.archive.sessions.begin() as session:
            now = database_seconds(session)
            row = session.get(Heartbeat, self.executor_id)
            if row is None:
                session.add(Heartbeat(executor_id=self.executor_id, seen=now, started=now))
            else:
                row.seen = now

    def sweep(self) -> None:
        """Take over unfinished work of owners that no longer beat."""
        self.beat()
        rows = DBOS.list_workflows(status="PENDING", load_input=False, load_output=False)
        owners = {row.executor_id for row in rows if row.executor_id}  # before reading who lives, in this order
        dead = sorted(owners - set(living(self.site.archive.sessions, self.site.settings.worker_ttl_seconds)))
        if dead:
            log.warning("taking over the work of %d worker(s) that stopped", len(dead))
            DBOS._recover_pending_workflows(dead)  # noqa: SLF001  no public call does this; DBOS is pinned

    def rest(self) -> None:
        """Take this worker's row away on an orderly stop."""
        with self.site.archive.sessions.begin() as session:
            session.execute(delete(Heartbeat).where(Heartbeat.executor_id == self.executor_id))
            old = database_seconds(session) - 86_400
            session.execute(delete(Heartbeat).where(Heartbeat.seen < old))


class Worker:
    """Workflows bound to one site. One per process: DBOS is a process-wide engine."""

    def __init__(self, site: Site, *, schedules: bool = True) -> None:
        self.site = site
        self.executor_id = f"{socket.gethostname()[:40]}-{os.getpid()}-{new_id()[:8]}"
        self._schedules = schedules
        self._pulse = Pulse(site, self.executor_id)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._context: Context | None = None

    def start(self) -> None:
        """Launch the engine, register queues and schedules, begin to beat."""
        guard()
        settings = self.site.settings
        DBOS(
            config={
                **engine_configuration(settings.database_url),
                "executor_id": self.executor_id,
                "log_level": "WARNING",
                "serializer": DBOSPortableJSONSerializer(),
                "scheduler_polling_interval_sec": 5.0,
            }
        )
        self._context = Context.open(
            self.site.archive,
            settings.limits,
            processes=settings.check_processes,
            virus=settings.virus,
            bag_profiles=settings.bag_profiles,
        )
        care_workflow = self._register(self._context)
        self._pulse.beat()  # before launch: a peer must never find this worker's work without a pulse
        DBOS.launch()
        for queue in Queue:
            concurrency = settings.ingest_workers if queue is Queue.INGEST else 1
            DBOS.register_queue(
                queue.value, worker_concurrency=concurrency, polling_interval_sec=0.2, on_conflict="always_update"
            )
        if self._schedules:
            DBOS.apply_schedules(
                [
                    {
                        "schedule_name": task.name,
                        "workflow_fn": care_workflow,
                        "schedule": task.cron,
                        "context": task.name,
                        "queue_name": task.queue.value,
                        "cron_timezone": settings.zone,
                    }
                    for task in care.TASKS
                ]
            )
        self._thread = threading.Thread(target=self._keep_beating, name="pulse", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish the steps in hand, rest the pulse, let go of the engine."""
        self._stop.set()
        ocr.interrupt()  # a page takes seconds, and what was read is kept
        if self._thread is not None:
            self._thread.join(timeout=10)
        logging.getLogger("dbos").setLevel(logging.CRITICAL)  # of jobs that go on elsewhere it would print tracebacks
        DBOS.destroy(workflow_completion_timeout_sec=5)
        with suppress(OperationalError):  # a row that stays is older than the time-to-live soon
            self._pulse.rest()
        if self._context is not None:
            self._context.close()

    def _keep_beating(self) -> None:
        while not self._stop.wait(self.site.settings.worker_ttl_seconds / 3):
            try:
                self._pulse.sweep()
            except OperationalError as error:
                log.warning("heartbeat: %s", unavailable(error))
            except Exception:
                log.exception("heartbeat failed; trying again")

    def _register(self, context: Context) -> Callable[..., None]:
        """Bind the workflows to this site; DBOS finds them by name."""
        self._register_ingest(context)
        self._register_index()
        return self._register_care()

    def _register_ingest(self, context: Context) -> None:
        site = self.site

        @DBOS.step(name="pipeline_step")
        def pipeline_step(step: str, submission_id: str, pause: float) -> list[str]:
            outcome = run_step(step, context, submission_id)
            if outcome.progress is Progress.RETRY and self._stop.wait(pause):
                time.sleep(1.0)  # the engine is being let go of: another worker takes the job up
            return [outcome.progress.value, outcome.reason]

        def through(step: str, submission_id: str) -> str:
            pause = FIRST_PAUSE
            while True:
                progress, reason = pipeline_step(step, submission_id, pause)
                again = progress == Progress.RETRY and is_outage(reason)
                pause = min(2 * pause, LONGEST_PAUSE) if again else FIRST_PAUSE
                if progress not in {Progress.RETRY, Progress.MORE}:
                    return str(progress)

        @DBOS.workflow(name=Work.INGEST.value, max_recovery_attempts=MANY)
        def ingest(submission_id: str) -> str:
            for step in STEPS:
                ended = through(step.name, submission_id)
                if ended != Progress.PASSED:
                    return ended
            follow(submission_id)
            return Progress.PASSED.value

        @DBOS.step(name="enqueue_follow_up")
        def follow(submission_id: str) -> None:
            with site.archive.sessions.begin() as session:
                site.jobs.enqueue_follow_up(session, submission_id)

        del ingest

    def _register_care(self) -> Callable[..., None]:
        site = self.site

        @DBOS.step(name="care_step")
        def care_step(task: str) -> int:
            return self._patiently(task, lambda: care.run(site, task))

        @DBOS.step(name="audit_step")
        def audit_step(actor_id: str, deep: bool) -> int:
            return self._patiently("audit", lambda: care.audit_everything(site, actor_id=actor_id, deep=deep))

        @DBOS.step(name="repair_step")
        def repair_step(actor_id: str, incident_ids: list[str] | None) -> int:
            return self._patiently(
                "repair", lambda: care.repair_incidents(site, actor_id=actor_id, incident_ids=incident_ids)
            )

        def until_nothing_is_left(task: str) -> None:
            most = care.most_steps(task)
            steps = 0
            while care_step(task) > 0 and steps + 1 != most:
                steps += 1

        @DBOS.workflow(name=Work.FOLLOW_UP.value, max_recovery_attempts=MANY)
        def follow_up() -> None:
            for task in care.FOLLOW_UP:
                until_nothing_is_left(task)

        @DBOS.workflow(name=Work.CARE.value, max_recovery_attempts=MANY)
        def routine(_scheduled: str, task: str) -> None:
            until_nothing_is_left(task)

        @DBOS.workflow(name=Work.AUDIT.value, max_recovery_attempts=MANY)
        def audit(actor_id: str, deep: bool) -> int:
            return audit_step(actor_id, deep)

        @DBOS.workflow(name=Work.REPAIR.value, max_recovery_attempts=MANY)
        def repair(actor_id: str, incident_ids: list[str] | None = None) -> int:
            return repair_step(actor_id, incident_ids)

        del follow_up, audit, repair
        return routine

    def _patiently(self, what: str, do: Callable[[], int]) -> int:
        """``do``, again and again while the database cannot be used; every piece of care can be repeated.

        A worker that is told to stop meanwhile gives up; the schedules bring the work again.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                return do()
            except OperationalError as error:
                log.warning("%s waits: %s", what, unavailable(error))
                if self._stop.wait(pause):
                    time.sleep(1.0)  # the engine is being let go of, quietly
                    raise
            pause = min(2 * pause, LONGEST_PAUSE)

    def _register_index(self) -> None:
        site = self.site

        @DBOS.step(name="rebuild_index_step")
        def rebuild_index_step(actor_id: str) -> int:
            return self._patiently("rebuild index", lambda: care.rebuild_index(site, actor_id=actor_id))

        @DBOS.workflow(name=Work.REBUILD_INDEX.value, max_recovery_attempts=MANY)
        def rebuild_index(actor_id: str) -> int:
            return rebuild_index_step(actor_id)

        del rebuild_index


@contextmanager
def working(site: Site, *, always: bool = False) -> Iterator[Worker | None]:
    """A worker for the length of a command when no other lives; none (``None``) when one does."""
    if not always and living(site.archive.sessions, site.settings.worker_ttl_seconds):
        yield None
        return
    worker = Worker(site, schedules=False)
    worker.start()
    try:
        yield worker
    finally:
        worker.stop()


def run_forever(site: Site, *, until_closed: IO[bytes] | None = None) -> None:
    """`lantai worker`: work until told to stop by SIGTERM, Ctrl-C, or the end of ``until_closed``.

    Whoever started this process holds the other end of that pipe: when the starter dies, however it dies, the pipe ends
    and so does the worker.
    """
    mask_log()
    told = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: told.set())
    if until_closed is not None:
        threading.Thread(target=_tell_at_end, args=(until_closed, told), name="starter", daemon=True).start()
    worker = Worker(site)
    worker.start()
    try:
        while not told.wait(3600):
            pass
    finally:
        worker.stop()


def _tell_at_end(pipe: IO[bytes], told: threading.Event) -> None:
    pipe.read()
    told.set()
