"""The worker: executes what the others enqueue, any number of processes side by side.

Each beats (``lantai.pulse``) and takes over the work of those that stopped. A job waits while a part of the site is out,
says so in its note, and counts no attempt.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial

from dbos import DBOS
from dbos._serialization import DBOSPortableJSONSerializer
from sqlalchemy.exc import OperationalError

from ingest.extract import ocr
from ingest.outcome import Progress, StepOutcome
from ingest.pipeline import STEPS, Context, how_far, is_outage, run_step
from lantai import care, request_id
from lantai.heartbeats import living
from lantai.in_hand import InHand, Stopped
from lantai.job_notes import JobNotes, as_note, unexpected
from lantai.jobs import Queue, Work, engine_configuration, guard
from lantai.pulse import Pulse
from lantai.site import Site
from metadata.errors import LantaiError, Unavailable
from metadata.identifiers import new_id
from repository.db import unavailable

log = logging.getLogger("lantai.worker")
Stepped = Callable[[str, str, float], None]

MANY = 1000
"""Recoveries before DBOS gives a workflow up; attempts of a step are counted by the pipeline itself."""
LOOKED_EVERY = 5.0
"""Seconds after which long work asks again whether it was stopped."""
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 30.0
"""Seconds before a failed step is tried again; they double while a replica, a disk or the database is out."""


class Worker:
    """Workflows bound to one site. One per process: DBOS is a process-wide engine."""

    def __init__(
        self,
        site: Site,
        *,
        schedules: bool = True,
        queues: Sequence[Queue] = tuple(Queue),
        stepped: Stepped | None = None,
    ) -> None:
        """``queues``: those it serves; ``schedules``: whether it looks at the clock; ``stepped`` hears of every batch of a
        pipeline step: its name, what came of it, seconds."""
        self.site = site
        host = socket.gethostname()
        self.executor_id = f"{host[:40]}-{os.getpid()}-{new_id()[:8]}"
        self._schedules = schedules
        self._stepped = stepped
        self._queues = tuple(queues)
        self._pulse = Pulse(site, self.executor_id, host[:80], [one.value for one in self._queues])
        self._notes = JobNotes(site.archive.sessions, site.archive.clock)
        self._stop = threading.Event()
        self._in_hand = InHand()
        self._thread: threading.Thread | None = None
        self._context: Context | None = None

    def start(self) -> None:
        """Launch the engine, register queues and schedules, begin to beat."""
        guard()
        logging.getLogger("dbos").disabled = False  # it is when another worker of this process ended
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
        DBOS.listen_queues([one.value for one in self._queues])
        self._pulse.beat()  # before launch: a peer must never find this worker's work without a pulse
        DBOS.launch()
        for queue in Queue:
            here, together = settings.queues.of(queue.value)
            DBOS.register_queue(
                queue.value,
                worker_concurrency=here,
                global_concurrency=together or None,
                polling_interval_sec=0.2,
                on_conflict="always_update",
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
                    for task in care.tasks(self.site)
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
        logging.getLogger("dbos").disabled = True  # of jobs that go on elsewhere it would print tracebacks
        DBOS.destroy(workflow_completion_timeout_sec=5)
        self._in_hand.finish()
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
        self._register_replicas()
        return self._register_care()

    def _register_ingest(self, context: Context) -> None:
        site = self.site

        @DBOS.step(name="pipeline_step")
        def pipeline_step(step: str, submission_id: str, pause: float) -> list[str]:
            began = time.perf_counter()
            with self._in_hand.step():
                outcome = run_step(step, context, submission_id)
            if self._stepped is not None:
                self._stepped(step, outcome.progress.value, time.perf_counter() - began)
            self._note_step(submission_id, outcome)
            if outcome.progress is Progress.RETRY and self._stop.wait(pause):
                self._in_hand.let_go.wait()  # another worker takes the job up
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
            with self._at_work():
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
            return self._patiently(task, lambda: care.run(site, task), waits=False)

        @DBOS.step(name="audit_step")
        def audit_step(actor_id: str, deep: bool) -> int:
            tell = self._counting()
            return self._patiently(
                "audit", lambda: care.audit_everything(site, actor_id=actor_id, deep=deep, progress=tell)
            )

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
            with self._at_work():
                for task in care.FOLLOW_UP:
                    until_nothing_is_left(task)

        @DBOS.workflow(name=Work.CARE.value, max_recovery_attempts=MANY)
        def routine(_scheduled: str, task: str) -> None:
            until_nothing_is_left(task)

        @DBOS.workflow(name=Work.AUDIT.value, max_recovery_attempts=MANY)
        def audit(actor_id: str, deep: bool) -> int:
            with self._at_work():
                return audit_step(actor_id, deep)

        @DBOS.workflow(name=Work.REPAIR.value, max_recovery_attempts=MANY)
        def repair(actor_id: str, incident_ids: list[str] | None = None) -> int:
            with self._at_work():
                return repair_step(actor_id, incident_ids)

        del follow_up, audit, repair
        return routine

    def _register_index(self) -> None:
        site = self.site

        @DBOS.step(name="rebuild_index_step")
        def rebuild_index_step(actor_id: str) -> int:
            tell = self._counting()
            return self._patiently("rebuild index", lambda: care.rebuild_index(site, actor_id=actor_id, progress=tell))

        @DBOS.workflow(name=Work.REBUILD_INDEX.value, max_recovery_attempts=MANY)
        def rebuild_index(actor_id: str) -> int:
            with self._at_work():
                return rebuild_index_step(actor_id)

        del rebuild_index

    def _register_replicas(self) -> None:
        site = self.site

        @DBOS.step(name="fill_step")
        def fill_step(name: str) -> int:
            tell = self._counting()
            return self._patiently("fill", lambda: care.fill_replica(site, name, tell))

        @DBOS.step(name="compare_step")
        def compare_step(actor_id: str, first: str, second: str, deep: bool) -> int:
            compare = partial(
                care.compare_replicas,
                site,
                actor_id=actor_id,
                first=first,
                second=second,
                deep=deep,
                progress=self._counting(),
            )
            return self._patiently("compare", compare)

        @DBOS.workflow(name=Work.FILL_REPLICA.value, max_recovery_attempts=MANY)
        def fill(name: str) -> None:
            """Until the replica is in use, or cannot be filled now: the care that comes every minute begins anew."""
            with self._at_work():
                while fill_step(name):
                    pass

        @DBOS.workflow(name=Work.COMPARE_REPLICAS.value, max_recovery_attempts=MANY)
        def compare(actor_id: str, first: str, second: str, deep: bool) -> int:
            with self._at_work():
                return compare_step(actor_id, first, second, deep)

        del fill, compare

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """The job in hand, as its note and the log know it: with the number of the request that it came from."""
        with request_id.bound(self._notes.begin(_job_id())):
            yield

    def _note_step(self, submission_id: str, outcome: StepOutcome) -> None:
        """What the note of an ingest job says after a batch: how far it is, what it waits for, why it ended."""
        job_id, retries = _job_id(), outcome.progress is Progress.RETRY
        failed = outcome.progress is Progress.REJECTED and outcome.reason == "submission.failed"
        try:
            with self.site.archive.reading() as session:
                standing = how_far(session, submission_id)
        except OperationalError:
            return  # what cannot be read now is told with the next batch
        if retries and is_outage(outcome.reason) and standing.error:
            self._notes.waits(job_id, standing.error)
        elif failed and standing.error:
            self._notes.fails(job_id, standing.error)
        elif not retries:
            self._notes.goes_on(job_id)
        if standing.total:
            self._notes.counts(job_id, standing.done, standing.total)

    def _counting(self) -> Callable[..., None]:
        """A callback ``(done, total)`` for what takes long: tells how far it is, and ends it when it or the worker was stopped."""
        job_id, looked_at = _job_id(), time.monotonic()

        def tell(done: int, total: int | None = None, _label: str | None = None) -> None:
            nonlocal looked_at
            if self._in_hand.let_go.is_set():
                raise Stopped(job_id)
            self._notes.counts(job_id, done, total)
            if time.monotonic() - looked_at > LOOKED_EVERY:
                looked_at = time.monotonic()
                self._go_on_with(job_id)

        return tell

    def _go_on_with(self, job_id: str) -> None:
        """``Stopped`` when the job is no longer this worker's to do; while nobody can tell, it is."""
        try:
            with self.site.archive.reading() as session:
                mine = self.site.jobs.rows.is_running_here(session, job_id, self.executor_id)
        except OperationalError:
            return
        if not mine:
            raise Stopped(job_id)

    def _patiently(self, what: str, do: Callable[[], int], *, waits: bool = True) -> int:
        """``do``, again and again while the database cannot be used; every piece of care can be repeated.

        ``waits``: the same for an outage of another part. What the clock begins does not: it holds up its queue, and the
        clock begins it again. A worker that is told to stop meanwhile gives up; another takes the job up.
        """
        job_id, pause = _job_id(), FIRST_PAUSE
        while True:
            if self._stop.is_set():  # no new batch: the engine enters nothing of it once it is let go of
                self._in_hand.let_go.wait()
                raise Stopped(job_id)
            try:
                with self._in_hand.step():
                    done = do()
            except Stopped:
                raise
            except OperationalError as error:
                fault = unavailable(error)
            except LantaiError as error:
                if not (waits and isinstance(error, Unavailable) and is_outage(error.code)):
                    self._notes.fails(job_id, as_note(error))
                    raise
                fault = error
            except Exception as error:
                self._notes.fails(job_id, as_note(unexpected(error)))
                raise
            else:
                self._notes.goes_on(job_id)
                return done
            log.warning("%s waits: %s", what, fault)
            self._notes.waits(job_id, as_note(fault))
            if self._stop.wait(pause):
                self._in_hand.let_go.wait()  # a fault that the engine cannot enter any more does not end the job
                raise fault
            self._go_on_with(job_id)
            pause = min(2 * pause, LONGEST_PAUSE)


def _job_id() -> str:
    """The job in whose course this runs."""
    return str(DBOS.workflow_id)


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
