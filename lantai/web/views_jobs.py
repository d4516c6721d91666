"""Read models of jobs and workers. Ids only: whoever runs the site may not read what it keeps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from access.organs import within_reach
from lantai import care, i18n, steering
from lantai.heartbeats import workers as worker_rows
from lantai.job_rows import STATES, JobFilter, JobRow, StepRow
from lantai.jobs import Queue, Work, submission_of
from lantai.web import display, views_index
from lantai.web.labels import label
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.tables import Account, Organ

_KINDS = {"running": "run", "waiting": "plain", "done": "ok", "failed": "bad", "stopped": "look"}
_NEWEST = 12


@dataclass(frozen=True, slots=True)
class JobLine:
    """One job as lists show it; ``words``: what it waits for, or why it failed; ``progress`` in words."""

    id: str
    key: str
    work: str
    queue: str
    state: str
    kind: str
    created_at: datetime
    began_at: datetime | None
    changed_at: datetime
    ended_at: datetime | None
    worker: str
    attempts: int
    done: int | None
    total: int | None
    progress: str
    words: str
    code: str


@dataclass(frozen=True, slots=True)
class JobPage:
    """One job in full: who asked for it, in which request, its last steps, and what may be done to it now."""

    line: JobLine
    request_id: str
    asked_by: str
    submission_id: str
    fault_at: str
    steps: list[StepRow]
    may_stop: bool
    may_resume: bool
    may_retry: bool


@dataclass(frozen=True, slots=True)
class WorkerLine:
    """One worker: where it runs, what it serves, how long ago it beat and began (seconds, and in words)."""

    id: str
    host: str
    queues: tuple[str, ...]
    everything: bool
    age: float
    up: float
    beat: str
    began: str
    alive: bool


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """The workers, how many jobs wait in each queue, and the queues with waiting jobs that nobody serves."""

    workers: list[WorkerLine]
    waiting: list[tuple[str, int]]
    unserved: list[str]


def asked(*, state: str = "", work: str = "", queue: str = "", clock: bool = False) -> JobFilter:
    """The filter that a person asked for; a word that is none of the program's counts as none.

    What the clock began and ended well is left out unless ``clock``, or its kind, is asked for.
    """
    works = {one.value for one in Work} | {f"care.{one}" for one in care.NAMES}
    return JobFilter(
        state=state if state in STATES else "",
        work=work if work in works else "",
        queue=queue if queue in {one.value for one in Queue} else "",
        by_clock=clock or work.startswith("care."),
    )


def listed(session: Session, visit: Visit, wanted: JobFilter, *, before: str = "", limit: int = 50) -> list[JobLine]:
    """Jobs, newest first; ``before`` is the ``key`` of the last line seen."""
    rows = visit.site.jobs.rows.listed(session, wanted, before=before[:200], limit=limit)
    return [_line(visit, one) for one in rows]


def newest(session: Session, visit: Visit) -> list[JobLine]:
    """What the first page of the room shows: the newest jobs that the clock did not begin, or that need somebody."""
    return listed(session, visit, JobFilter(by_clock=False), limit=_NEWEST)


def one(session: Session, visit: Visit, job_id: str) -> JobPage:
    """One job, or ``NotFound``."""
    row = steering.found(session, visit.site, job_id[:160])
    may = visit.may(Permission.JOB_CONTROL)
    fault = row.waits or row.cause or {}
    submission_id = submission_of(row.id)
    return JobPage(
        line=_line(visit, row),
        request_id=row.request_id,
        asked_by=_asked_by(session, visit, row.actor_id),
        submission_id=submission_id if visit.may(Permission.ACCEPT) else "",
        fault_at=str(fault.get("at", "")),
        steps=visit.site.jobs.rows.steps(session, row.id),
        may_stop=may and row.state in {"waiting", "running"},
        may_resume=may and row.state == "stopped",
        may_retry=may and row.state == "failed",
    )


def _asked_by(session: Session, visit: Visit, actor_id: str) -> str:
    """The user name, where the account lies within the reader's divisions or is her own; else that it is another's."""
    account = session.get(Account, actor_id) if actor_id else None
    if account is None or account.id == visit.person.id:
        return account.username if account else actor_id
    reached = (
        within_reach(visit.person, one, visit.site.archive.profile)
        for one in (Permission.STATUS_READ, Permission.ACCOUNT_WRITE)
    )
    if session.scalar(select(Organ.id).where(Organ.id == account.organ_id, or_(*reached))) is not None:
        return account.username
    return i18n.translations(visit.language).gettext("Another organ's account")


def workers(session: Session, visit: Visit) -> WorkerPage:
    """Who works, who stopped without a word, and what waits for nobody."""
    found = worker_rows(session, visit.site.settings.worker_ttl_seconds)
    waiting = visit.site.jobs.rows.waiting_by_queue(session)
    served = {queue for one in found if one.alive for queue in one.queues}
    return WorkerPage(
        workers=[
            WorkerLine(
                id=one.id,
                host=one.host,
                queues=one.queues,
                everything=set(one.queues) >= {queue.value for queue in Queue},
                age=one.age,
                up=one.up,
                beat=views_index.span(visit, int(one.age)),
                began=views_index.span(visit, int(one.up)),
                alive=one.alive,
            )
            for one in found
        ],
        waiting=sorted(waiting.items()),
        unserved=sorted(set(waiting) - served),
    )


def works(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Kinds of jobs for a list of choices: what somebody asks for, and what the clock begins."""
    catalogue = i18n.translations(visit.language)
    asked_for = [(one.value, label(catalogue, one.value, "work")) for one in Work if one is not Work.CARE]
    by_clock = [(f"care.{one}", label(catalogue, f"care.{one}", "work")) for one in care.NAMES]
    return [("", asked_for), (catalogue.gettext("Begun by the clock"), by_clock)]


def queues(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """Queues for a list of choices."""
    catalogue = i18n.translations(visit.language)
    return [("", [(one.value, label(catalogue, one.value, "queue")) for one in Queue])]


def states(visit: Visit) -> list[tuple[str, list[tuple[str, str]]]]:
    """States for a list of choices."""
    catalogue = i18n.translations(visit.language)
    return [("", [(one, label(catalogue, one, "job_state")) for one in STATES])]


def _line(visit: Visit, row: JobRow) -> JobLine:
    fault = row.waits or row.cause or {}
    return JobLine(
        id=row.id,
        key=row.key,
        work=row.work,
        queue=row.queue,
        state=row.state,
        kind="look" if row.waits else _KINDS[row.state],
        created_at=row.created_at,
        began_at=row.began_at,
        changed_at=row.changed_at,
        ended_at=row.ended_at,
        worker=row.worker,
        attempts=row.attempts,
        done=row.done,
        total=row.total,
        progress=_progress(visit, row),
        words=str(fault.get("en" if visit.language == "en" else "zh", "")),
        code=str(fault.get("code", "")),
    )


def _progress(visit: Visit, row: JobRow) -> str:
    if row.done is None:
        return ""
    if not row.total:
        return display.number(row.done)
    words = i18n.translations(visit.language).gettext("%(done)s of %(total)s")
    return words % {"done": display.number(row.done), "total": display.number(row.total)}
