"""Jobs as their rows say it: the engine's table beside our notes, read and changed in the caller's transaction.

Only named columns are read, never arguments or results, so that nothing that lies in a row is ever unpacked here. What a
person does to a job commits together with its entry in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, and_, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from lantai.job_tables import INPUTS, JOBS, OUTPUTS, STEPS, in_schema
from repository.db import by_bytes
from repository.tables import JobNote

WAITING = ("ENQUEUED", "DELAYED")
RUNNING = ("PENDING",)
FAILED = ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
STOPPED = ("CANCELLED",)
STATES = ("waiting", "running", "done", "failed", "stopped")
"""What a job can be, in the order in which a person asks for it."""

_BY_CLOCK = "sched-"
_BATCH = 500
_STEPS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job. ``state`` is one of ``STATES``; times are UTC; ``done`` of ``total`` where something can be counted.

    ``waits``: the outage that it waits for; ``cause``: the fault it ended with; each ``{code, zh, en, at}``.
    """

    id: str
    work: str
    queue: str
    state: str
    created_at: datetime
    began_at: datetime | None
    changed_at: datetime
    ended_at: datetime | None
    worker: str
    attempts: int
    schedule: str
    done: int | None
    total: int | None
    waits: dict[str, Any] | None
    cause: dict[str, Any] | None
    request_id: str
    actor_id: str
    created_ms: int

    @property
    def key(self) -> str:
        """Where a list goes on after this job."""
        return f"{self.created_ms}.{self.id}"


@dataclass(frozen=True, slots=True)
class StepRow:
    """One step of a job that has ended; ``failed``: with an error."""

    number: int
    name: str
    began_at: datetime | None
    ended_at: datetime | None
    failed: bool


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs are wanted; empty: all. ``by_clock`` False leaves out what the clock began and what ended well."""

    state: str = ""
    work: str = ""
    queue: str = ""
    by_clock: bool = True


class Rows:
    """The engine's tables in its schema (``None``: the database has none, as SQLite)."""

    def __init__(self, schema: str | None) -> None:
        self._schema = schema

    def _ready(self, session: Session) -> Session:
        return in_schema(session, self._schema)

    def listed(self, session: Session, wanted: JobFilter, *, before: str = "", limit: int = 50) -> list[JobRow]:
        """Jobs newest first; ``before`` is the ``key`` of the last one seen."""
        chosen = _select(session).where(*_wanted(wanted))
        moment, _, job_id = before.partition(".")
        if moment.isascii() and moment.isdecimal() and len(moment) < 18:
            at = int(moment)
            chosen = chosen.where(
                or_(JOBS.c.created_at < at, and_(JOBS.c.created_at == at, JOBS.c.workflow_uuid < job_id))
            )
        chosen = chosen.order_by(JOBS.c.created_at.desc(), JOBS.c.workflow_uuid.desc()).limit(limit)
        return [_row(one) for one in self._ready(session).execute(chosen)]

    def one(self, session: Session, job_id: str) -> JobRow | None:
        """The job, or None."""
        found = self._ready(session).execute(_select(session).where(JOBS.c.workflow_uuid == job_id)).first()
        return None if found is None else _row(found)

    def steps(self, session: Session, job_id: str, *, limit: int = _STEPS_SHOWN) -> list[StepRow]:
        """The last steps of the job that have ended, newest first."""
        wanted = (
            select(
                STEPS.c.function_id,
                STEPS.c.function_name,
                STEPS.c.started_at_epoch_ms,
                STEPS.c.completed_at_epoch_ms,
                STEPS.c.error.is_not(None),
            )
            .where(STEPS.c.workflow_uuid == job_id)
            .order_by(STEPS.c.function_id.desc())
            .limit(limit)
        )
        rows = self._ready(session).execute(wanted)
        return [StepRow(number, name, _moment(a), _moment(b), bool(failed)) for number, name, a, b, failed in rows]

    def last_step(self, session: Session, job_id: str) -> int:
        """The number of the last step that has ended; 0 before the first."""
        last = select(func.max(STEPS.c.function_id)).where(STEPS.c.workflow_uuid == job_id)
        return self._ready(session).scalar(last) or 0

    def statuses(self, session: Session, prefix: str) -> dict[str, str]:
        """The engine's word for every job whose id begins with ``prefix``."""
        mine = JOBS.c.workflow_uuid.startswith(prefix, autoescape=True)
        chosen = select(JOBS.c.workflow_uuid, JOBS.c.status).where(mine)
        return dict(self._ready(session).execute(chosen).tuples().all())

    def unfinished(self, session: Session, prefix: str) -> list[str]:
        """The ids that begin with ``prefix`` of jobs that wait, run, or were stopped by somebody."""
        mine = JOBS.c.workflow_uuid.startswith(prefix, autoescape=True)
        chosen = select(JOBS.c.workflow_uuid).where(JOBS.c.status.in_((*WAITING, *RUNNING, *STOPPED)), mine)
        return list(self._ready(session).scalars(chosen))

    def waiting_by_queue(self, session: Session) -> dict[str, int]:
        """How many jobs wait in each queue that has any."""
        chosen = select(JOBS.c.queue_name, func.count()).where(JOBS.c.status.in_(WAITING)).group_by(JOBS.c.queue_name)
        return {str(name): number for name, number in self._ready(session).execute(chosen).all() if name}

    def is_running_here(self, session: Session, job_id: str, worker: str) -> bool:
        """Whether the job still runs, and ``worker`` is the one that runs it."""
        chosen = select(JOBS.c.executor_id).where(JOBS.c.workflow_uuid == job_id, JOBS.c.status.in_(RUNNING))
        return self._ready(session).scalar(chosen) == worker

    def stop(self, session: Session, job_id: str) -> bool:
        """Stop a job that waits or runs; a running one ends at its next step. False when it has ended meanwhile."""
        now = _now_ms(session)
        return self._change(
            session,
            job_id,
            (*WAITING, *RUNNING),
            status=STOPPED[0],
            owner_xid=None,
            queue_name=None,
            deduplication_id=None,
            started_at_epoch_ms=None,
            completed_at=now,
            updated_at=now,
        )

    def go_on(self, session: Session, job_id: str, queue: str) -> bool:
        """Have a stopped job go on after the last step that ended. False when it is not stopped any more."""
        return self._enqueue_again(session, job_id, queue, STOPPED)

    def go_back(self, session: Session, job_id: str, queue: str, step: int) -> bool:
        """Have a job that ended go on with ``step``; what it did from there on is forgotten. False when it goes on already."""
        ready = self._ready(session)
        if not self._enqueue_again(session, job_id, queue, (*FAILED, "SUCCESS")):
            return False
        ready.execute(delete(STEPS).where(STEPS.c.workflow_uuid == job_id, STEPS.c.function_id >= step))
        ready.execute(delete(OUTPUTS).where(OUTPUTS.c.workflow_uuid == job_id))
        return True

    def _enqueue_again(self, session: Session, job_id: str, queue: str, states: Sequence[str]) -> bool:
        return self._change(
            session,
            job_id,
            states,
            status=WAITING[0],
            owner_xid=None,
            queue_name=queue,
            recovery_attempts=0,
            workflow_deadline_epoch_ms=None,
            deduplication_id=None,
            started_at_epoch_ms=None,
            completed_at=None,
            output=None,
            error=None,
            updated_at=_now_ms(session),
        )

    def _change(self, session: Session, job_id: str, states: Sequence[str], **values: Any) -> bool:
        changed = (
            update(JOBS)
            .where(JOBS.c.workflow_uuid == job_id, JOBS.c.status.in_(states))
            .values(**values)
            .returning(JOBS.c.workflow_uuid)
        )
        return self._ready(session).scalar(changed) is not None

    def ended(self, session: Session, before: datetime, *, by_clock_before: datetime) -> list[str]:
        """A batch of jobs that ended before ``before``, or before ``by_clock_before`` when the clock began them and they
        ended well. Of those that a person stopped, see ``stopped``."""
        at, by_clock = JOBS.c.completed_at, JOBS.c.workflow_uuid.startswith(_BY_CLOCK)
        old = or_(
            and_(at < _ms(before), JOBS.c.status.in_(("SUCCESS", *FAILED))),
            and_(at < _ms(by_clock_before), by_clock, JOBS.c.status == "SUCCESS"),
        )
        chosen = select(JOBS.c.workflow_uuid).where(old).order_by(at).limit(_BATCH)
        return list(self._ready(session).scalars(chosen))

    def stopped(self, session: Session, before: datetime) -> list[str]:
        """Jobs that a person stopped before ``before``, all of them."""
        chosen = select(JOBS.c.workflow_uuid).where(JOBS.c.completed_at < _ms(before), JOBS.c.status.in_(STOPPED))
        return list(self._ready(session).scalars(chosen))

    def forget(self, session: Session, ids: Sequence[str]) -> None:
        """Delete jobs with their steps and notes."""
        ready = self._ready(session)
        for table in (INPUTS, OUTPUTS, STEPS, JOBS):
            ready.execute(delete(table).where(table.c.workflow_uuid.in_(ids)))
        ready.execute(delete(JobNote).where(JobNote.job_id.in_(ids)))


def _select(session: Session) -> Select[Any]:
    columns = (
        JOBS.c.workflow_uuid,
        JOBS.c.name,
        JOBS.c.queue_name,
        JOBS.c.status,
        JOBS.c.created_at,
        JOBS.c.started_at_epoch_ms,
        JOBS.c.updated_at,
        JOBS.c.completed_at,
        JOBS.c.executor_id,
        JOBS.c.recovery_attempts,
        JOBS.c.schedule_name,
        JobNote,
    )
    same = JobNote.job_id == by_bytes(session, JOBS.c.workflow_uuid)  # the engine compares by the database's language
    return select(*columns).join_from(JOBS, JobNote, same, isouter=True)


def _wanted(wanted: JobFilter) -> list[Any]:
    status, conditions = JOBS.c.status, []
    unwell = or_(status.in_(FAILED), and_(status == "SUCCESS", JobNote.cause.is_not(None)))
    states = {
        "waiting": status.in_(WAITING),
        "running": status.in_(RUNNING),
        "done": and_(status == "SUCCESS", JobNote.cause.is_(None)),
        "failed": unwell,
        "stopped": status.in_(STOPPED),
    }
    if wanted.state in states:
        conditions.append(states[wanted.state])
    if wanted.work.startswith("care."):
        conditions.append(JOBS.c.schedule_name == wanted.work.removeprefix("care."))
    elif wanted.work:
        conditions.append(JOBS.c.name == wanted.work)
    if wanted.queue:
        conditions.append(or_(JOBS.c.queue_name == wanted.queue, JobNote.queue == wanted.queue))
    if not wanted.by_clock:
        by_clock = JOBS.c.workflow_uuid.startswith(_BY_CLOCK)
        conditions.append(or_(~by_clock, unwell, status.in_(STOPPED), JobNote.waits.is_not(None)))
    return conditions


def _row(found: Any) -> JobRow:
    note: JobNote | None = found.JobNote
    return JobRow(
        id=found.workflow_uuid,
        work=f"care.{found.schedule_name}" if found.schedule_name else found.name,
        queue=found.queue_name or (note.queue if note else ""),
        state=_state(found.status, note),
        created_at=_moment(found.created_at) or datetime.fromtimestamp(0, UTC),
        began_at=note.begun_at if note and note.begun_at else _moment(found.started_at_epoch_ms),
        changed_at=_moment(found.updated_at) or datetime.fromtimestamp(0, UTC),
        ended_at=_moment(found.completed_at),
        worker="" if found.status in WAITING else found.executor_id or "",
        attempts=found.recovery_attempts or 0,
        schedule=found.schedule_name or "",
        done=note.done if note else None,
        total=note.total if note else None,
        waits=note.waits if note and found.status in RUNNING else None,
        cause=note.cause if note else None,
        request_id=(note.request_id if note else None) or "",
        actor_id=(note.actor_id if note else None) or "",
        created_ms=found.created_at,
    )


def _state(status: str, note: JobNote | None) -> str:
    if status == "SUCCESS":
        return "failed" if note and note.cause else "done"
    for name, words in (("waiting", WAITING), ("running", RUNNING), ("stopped", STOPPED)):
        if status in words:
            return name
    return "failed"


def _moment(ms: int | None) -> datetime | None:
    return None if ms is None else datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=ms)


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _now_ms(session: Session) -> Any:
    """The database's clock, which the engine uses for these columns too."""
    if session.get_bind().dialect.name == "sqlite":
        return cast((func.julianday("now") - 2440587.5) * 86_400_000, BigInteger)
    return cast(func.extract("epoch", func.clock_timestamp()) * 1000, BigInteger)
