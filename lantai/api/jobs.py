"""Jobs and workers for programs: list, one, stop, resume, retry."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from lantai import steering
from lantai.api.models import PROBLEMS, Answer, Page
from lantai.part import ApiPart
from lantai.web import views_jobs
from lantai.web.visit import ApiVisit
from metadata.rights import Permission

router = ApiPart(prefix="/system", tags=["system"], responses=PROBLEMS)


class Job(Answer):
    """A job. ``words`` says what it waits for while it runs, and why it failed when it failed."""

    id: str
    work: str
    queue: str
    state: str = Field(examples=["running"], description="waiting, running, done, failed or stopped")
    created_at: datetime
    began_at: datetime | None
    changed_at: datetime
    ended_at: datetime | None
    worker: str
    attempts: int
    done: int | None = Field(description="how far it has come, where that can be counted")
    total: int | None
    words: str
    code: str


class JobStep(Answer):
    """A step of a job that has ended."""

    number: int
    name: str
    began_at: datetime | None
    ended_at: datetime | None
    failed: bool


class JobInFull(BaseModel):
    """A job with its last steps, newest first, and where it came from."""

    job: Job
    request_id: str
    asked_by: str
    steps: list[JobStep]


class Worker(Answer):
    """A worker of the last day; ``alive``: it has beaten within the time-to-live."""

    id: str
    host: str
    queues: list[str]
    seconds_since_beat: float
    seconds_up: float
    alive: bool


class Workers(BaseModel):
    """The workers, how many jobs wait in each queue, and queues with waiting jobs that nobody serves."""

    workers: list[Worker]
    waiting: dict[str, int]
    unserved: list[str]


@router.get("/jobs", summary="Jobs")
def jobs(
    visit: ApiVisit,
    state: str = "",
    work: str = "",
    queue: str = "",
    clock: bool = False,
    after: str = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[Job]:
    """Jobs newest first, by state, kind and queue; ``clock``: also what the clock began and what ended well."""
    visit.require(Permission.STATUS_READ)
    wanted = views_jobs.asked(state=state, work=work, queue=queue, clock=clock)
    with visit.reading() as session:
        found = views_jobs.listed(session, visit, wanted, before=after, limit=limit + 1)
    shown = found[:limit]
    following = shown[-1].key if len(found) > limit else None
    return Page[Job](items=[Job.model_validate(one) for one in shown], next=following)


@router.get("/jobs/{job_id}", summary="One job")
def job(visit: ApiVisit, job_id: str) -> JobInFull:
    """One job with its last steps."""
    visit.require(Permission.STATUS_READ)
    return _one(visit, job_id)


@router.post("/jobs/{job_id}/stop", summary="Stop a job")
def stop(visit: ApiVisit, job_id: str) -> JobInFull:
    """Stop a job that waits or runs; a running one ends with the step in hand."""
    return _steer(visit, job_id, steering.stop)


@router.post("/jobs/{job_id}/resume", summary="Resume a stopped job")
def resume(visit: ApiVisit, job_id: str) -> JobInFull:
    """Let a stopped job go on after the last step that ended."""
    return _steer(visit, job_id, steering.resume)


@router.post("/jobs/{job_id}/retry", summary="Retry a job that failed")
def retry(visit: ApiVisit, job_id: str) -> JobInFull:
    """Have a job that failed go on with the step that failed."""
    return _steer(visit, job_id, steering.retry)


@router.get("/workers", summary="Workers")
def workers(visit: ApiVisit) -> Workers:
    """Who works, and what waits."""
    visit.require(Permission.STATUS_READ)
    with visit.reading() as session:
        found = views_jobs.workers(session, visit)
    return Workers(
        workers=[
            Worker(
                id=one.id,
                host=one.host,
                queues=list(one.queues),
                seconds_since_beat=round(one.age, 1),
                seconds_up=round(one.up, 1),
                alive=one.alive,
            )
            for one in found.workers
        ],
        waiting=dict(found.waiting),
        unserved=found.unserved,
    )


def _steer(visit: ApiVisit, job_id: str, act: Callable[..., None]) -> JobInFull:
    visit.require(Permission.JOB_CONTROL)
    with visit.writing() as session:
        act(session, visit.site, visit.person, job_id)
    return _one(visit, job_id)


def _one(visit: ApiVisit, job_id: str) -> JobInFull:
    with visit.reading() as session:
        found = views_jobs.one(session, visit, job_id)
    return JobInFull(
        job=Job.model_validate(found.line),
        request_id=found.request_id,
        asked_by=found.asked_by,
        steps=[JobStep.model_validate(one) for one in found.steps],
    )
