"""Commands about jobs and workers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from lantai import care, steering
from lantai.cli.output import Json, emit, out, say, table, warn
from lantai.cli.session import opened
from lantai.heartbeats import workers as worker_rows
from lantai.job_rows import STATES, JobFilter, JobRow
from lantai.jobs import Queue, Work
from metadata.errors import Invalid
from repository.clock import stamp

jobs = typer.Typer(help="What the workers do; stop, resume and retry it.", no_args_is_help=True)

JobId = Annotated[str, typer.Argument(metavar="JOB", help="Id of the job.")]


@jobs.command("list")
def list_all(
    *,
    state: Annotated[str, typer.Option(help="waiting, running, done, failed or stopped.")] = "",
    work: Annotated[str, typer.Option(help="Kind, such as ingest_v1 or care.seal.")] = "",
    queue: Annotated[str, typer.Option(help="Queue, such as ingest or ocr.")] = "",
    clock: Annotated[bool, typer.Option("--clock", help="Also what the clock began and what ended well.")] = False,
    before: Annotated[str, typer.Option(help="Where to go on: `next` of the last answer.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500)] = 50,
    json: Json = False,
) -> None:
    """List jobs, newest first."""
    _known("state", state, list(STATES))
    _known("work", work, [*(one.value for one in Work), *(f"care.{one}" for one in care.NAMES)])
    _known("queue", queue, [one.value for one in Queue])
    wanted = JobFilter(state, work, queue, clock or work.startswith("care."))
    with opened() as (site, _actor), site.archive.reading() as session:
        found = site.jobs.rows.listed(session, wanted, before=before, limit=limit + 1)
    shown, following = found[:limit], found[limit - 1].key if len(found) > limit else None
    if json:
        emit({"jobs": [_shown(one) for one in shown], "next": following})
        return
    columns = ("id", "work", "queue", "state", "progress", "created_at", "code")
    table(columns, [[_shown(one)[name] for name in columns] for one in shown])
    if following:
        say(f"还有更多：--before {following}", f"There are more: --before {following}")


@jobs.command("show")
def show(job_id: JobId, *, json: Json = False) -> None:
    """Show one job: times, progress, what it waits for or failed at, its last steps."""
    with opened() as (site, _actor), site.archive.reading() as session:
        row = steering.found(session, site, job_id)
        steps = site.jobs.rows.steps(session, job_id)
    lines = [
        {
            "number": one.number,
            "name": one.name,
            "began_at": stamp(one.began_at) if one.began_at else None,
            "ended_at": stamp(one.ended_at) if one.ended_at else None,
            "failed": one.failed,
        }
        for one in steps
    ]
    if json:
        emit({**_shown(row), "steps": lines})
        return
    for name, value in _shown(row).items():
        if value not in (None, ""):
            out.print(f"{name}\t{value}", markup=False)
    table(("number", "name", "began_at", "ended_at", "failed"), [list(one.values()) for one in lines])


@jobs.command("cancel")
def cancel(job_id: JobId, *, json: Json = False) -> None:
    """Stop a job that waits or runs; it stays stopped until `jobs resume`."""
    _steer(job_id, steering.stop, json=json)
    if not json:
        say(
            f"作业 {job_id} 已停止；正在运行的，在当前步骤结束后停下。",
            f"Job {job_id} is stopped; a running one ends with the step in hand.",
        )


@jobs.command("resume")
def resume(job_id: JobId, *, json: Json = False) -> None:
    """Let a stopped job go on after the last step that ended."""
    _steer(job_id, steering.resume, json=json)
    if not json:
        say(f"作业 {job_id} 已重新排队。", f"Job {job_id} waits for a worker again.")


@jobs.command("retry")
def retry(job_id: JobId, *, json: Json = False) -> None:
    """Have a job that failed go on with the step that failed."""
    _steer(job_id, steering.retry, json=json)
    if not json:
        say(f"作业 {job_id} 将从失败的步骤重试。", f"Job {job_id} goes on with the step that failed.")


@jobs.command("workers")
def workers(*, json: Json = False) -> None:
    """List the workers of the last day and how many jobs wait in each queue."""
    with opened() as (site, _actor), site.archive.reading() as session:
        found = worker_rows(session, site.settings.worker_ttl_seconds)
        waiting = site.jobs.rows.waiting_by_queue(session)
    served = {queue for one in found if one.alive for queue in one.queues}
    unserved = sorted(set(waiting) - served)
    lines = [
        {
            "id": one.id,
            "host": one.host,
            "alive": one.alive,
            "seconds_since_beat": round(one.age, 1),
            "seconds_up": round(one.up, 1),
            "queues": list(one.queues),
        }
        for one in found
    ]
    if json:
        emit({"workers": lines, "waiting": waiting, "unserved": unserved})
        return
    columns = ("id", "host", "alive", "seconds_since_beat", "seconds_up")
    table(
        [*columns, "queues"],
        [[*(line[name] for name in columns), " ".join(one.queues)] for line, one in zip(lines, found, strict=True)],
    )
    table(("queue", "waiting"), sorted(waiting.items()))
    for queue in unserved:
        warn(
            f"队列 {queue} 中有作业等待，但没有工作进程处理它。",
            f"Jobs wait in the queue {queue}, and no worker serves it.",
        )


def _steer(job_id: str, act: Callable[..., None], *, json: bool) -> None:
    with opened() as (site, actor):
        with site.archive.sessions.begin() as session:
            act(session, site, actor, job_id)
        with site.archive.reading() as session:
            row = steering.found(session, site, job_id)
    if json:
        emit(_shown(row))


def _known(name: str, value: str, words: list[str]) -> None:
    if value and value not in words:
        raise Invalid(
            "job.unknown_filter",
            zh=f"--{name} 没有“{value}”这个值；可用：{'、'.join(words)}。",
            en=f"--{name} knows no {value}; there are {', '.join(words)}.",
        )


def _shown(row: JobRow) -> dict[str, Any]:
    fault = row.waits or row.cause or {}
    return {
        "id": row.id,
        "work": row.work,
        "queue": row.queue,
        "state": row.state,
        "progress": "" if row.done is None else f"{row.done}/{row.total}" if row.total else str(row.done),
        "created_at": stamp(row.created_at),
        "began_at": stamp(row.began_at) if row.began_at else None,
        "changed_at": stamp(row.changed_at),
        "ended_at": stamp(row.ended_at) if row.ended_at else None,
        "worker": row.worker,
        "attempts": row.attempts,
        "waits": bool(row.waits),
        "code": str(fault.get("code", "")),
        "zh": str(fault.get("zh", "")),
        "en": str(fault.get("en", "")),
        "request_id": row.request_id,
        "actor_id": row.actor_id,
    }


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(jobs, name="jobs")
