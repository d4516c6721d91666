"""The way in, as one tuple of steps; read this first.

    receive (ingest.submissions)  bytes into quarantine, digested once
    examine    containers opened, formats identified, every check run, records formed
    accept     by agreement, by a person, or refused
    package    tag files made once and frozen with the plan of each bag
    store      each bag on every replica as one conditional create
    accession  rows, ledger and outbox, one transaction a batch

Every step is idempotent and keyed by the submission: a crash means "run that step again". Steps work in batches of
seconds and answer ``MORE`` until they are through. No job engine is known here; ``lantai.worker`` calls ``run_step``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from ingest import quarantine
from ingest.context import Context, TakenOver
from ingest.endings import describe, set_aside
from ingest.outcome import PASSED, WAITING, Progress, StepOutcome, rejected, retry
from ingest.steps import accept, accession, examine, package, store
from metadata.errors import LantaiError, Unavailable
from metadata.identifiers import new_id
from repository.db import unavailable
from repository.tables import RecordPlan, Submission

__all__ = ["STEPS", "Context", "HowFar", "Step", "advance", "how_far", "is_outage", "run_step"]

log = logging.getLogger(__name__)
_PAUSE = 0.2
_OUTAGES = ("database.", "holding.", "index.", "quarantine.full", "replicas.", "scanner.", "store.")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: its name in ``submission.step`` and what does a batch of it."""

    name: str
    run: Callable[[Context, str], StepOutcome]


STEPS: tuple[Step, ...] = (
    Step("examine", examine.run),
    Step("accept", accept.run),
    Step("package", package.run),
    Step("store", store.run),
    Step("accession", accession.run),
)
_ORDER = {step.name: place for place, step in enumerate(STEPS)}
_WEIGHT = {"planned": 0, "frozen": 1, "stored": 2, "accessioned": 3}
_TAKEN_OVER = retry("submission.taken_over")
_ENDED = {"rejected", "returned", "withdrawn", "failed"}


def run_step(step: str, context: Context, submission_id: str) -> StepOutcome:
    """One batch of ``step`` for the submission; harmless to repeat, whatever happened before.

    A failed attempt is counted and answered with ``RETRY``; after three the submission is set aside with its error. An
    outage of a replica, the quarantine's disk or the database is nobody's attempt: the submission keeps the sentence
    and waits until the fault is gone.
    """
    try:
        entered = _enter(step, context, submission_id)
        if entered is not None:
            return entered
        outcome = STEPS[_ORDER[step]].run(context, submission_id)
        _leave(context, submission_id)
        return outcome
    except TakenOver:
        return _TAKEN_OVER
    except OperationalError as error:
        return _failed(context, submission_id, unavailable(error))
    except OSError as error:
        return _failed(context, submission_id, quarantine.trouble(error))
    except LantaiError as error:
        return _failed(context, submission_id, error)
    except Exception as error:
        log.exception("step %s of submission %s failed", step, submission_id)
        return _failed(context, submission_id, _unexpected(error))
    finally:
        context.end_turn()


def _enter(step: str, context: Context, submission_id: str) -> StepOutcome | None:
    """What to answer without doing anything, or None after this start was counted.

    Starts are counted before the work, so that a submission which kills its worker is set aside too, later than one
    that only fails: a machine may well be switched off three times in a row. The start also takes the turn
    (``Context.writing``): a process that comes back from standing still writes nothing more.
    """
    with context.archive.sessions.begin() as session:
        held = select(Submission).where(Submission.id == submission_id).with_for_update()
        submission = session.scalars(held).one()
        if submission.state in _ENDED:
            return rejected(f"submission.{submission.state}")
        if submission.state in {"receiving", "waiting"}:
            return WAITING
        if submission.state == "done" or _ORDER.get(submission.step, -1) > _ORDER[step]:
            return PASSED
        if _ORDER.get(submission.step, -1) < _ORDER[step]:
            return retry("submission.earlier_step")
        starts = int(submission.counts.get("starts", 0)) + 1
        if starts > context.limits.starts:
            set_aside(session, context.archive, submission, _killed())
            return rejected("submission.failed")
        submission.counts = {**submission.counts, "starts": starts}
        context.begin_turn(submission, new_id())
    return None


def _leave(context: Context, submission_id: str) -> None:
    with context.writing(submission_id) as session:
        submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
        submission.counts = {**submission.counts, "starts": 0}
        if submission.attempts or submission.error is not None:
            submission.attempts = 0
            submission.error = None


def is_outage(code: str) -> bool:
    """Whether the error with this code is a fault of the site that passes, and none of the deposit."""
    return code.startswith(_OUTAGES)


@dataclass(frozen=True, slots=True)
class HowFar:
    """``done`` of ``total`` records of a submission, one that is frozen or stored counted in part; 0 of 0 before they are
    formed; ``error`` as the submission's row keeps it."""

    done: int
    total: int
    error: dict[str, Any] | None


def how_far(session: Session, submission_id: str) -> HowFar:
    """How far the pipeline has come with a submission."""
    error = session.scalars(select(Submission.error).where(Submission.id == submission_id)).first()
    plans = select(RecordPlan.state, func.count()).where(RecordPlan.submission_id == submission_id)
    numbers = dict(session.execute(plans.group_by(RecordPlan.state)).tuples().all())
    done = sum(weight * numbers.get(state, 0) for state, weight in _WEIGHT.items())
    return HowFar(done // max(_WEIGHT.values()), sum(numbers.get(state, 0) for state in _WEIGHT), error)


def _failed(context: Context, submission_id: str, error: LantaiError) -> StepOutcome:
    outage = isinstance(error, Unavailable) and is_outage(error.code)  # kept on the row, where everybody reads it
    log.log(logging.INFO if outage else logging.WARNING, "submission %s: %s", submission_id, error.code)
    try:
        with context.writing(submission_id) as session:
            submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
            submission.error = describe(error, submission.step)
            if outage:
                submission.counts = {**submission.counts, "starts": 0}
                return retry(error.code)
            submission.attempts += 1
            if submission.attempts >= context.limits.attempts:
                set_aside(session, context.archive, submission, error)
                return rejected("submission.failed")
    except TakenOver:
        return _TAKEN_OVER
    except OperationalError as locked:
        return retry(unavailable(locked).code)
    return retry(error.code)


def advance(context: Context, submission_id: str) -> str:
    """Run every step to the end, here and now; the state the submission ends in.

    ``Unavailable`` while an outage lasts; the submission waits, and the call may be repeated.
    """
    tries = 0
    for step in STEPS:
        while True:
            outcome = run_step(step.name, context, submission_id)
            if outcome.progress is Progress.MORE:
                tries = 0
                continue
            if outcome.progress is not Progress.RETRY:
                break
            tries += 1
            if tries > 2 * context.limits.attempts:
                raise Unavailable(
                    "submission.stuck",
                    zh="这次移交现在无法继续，已接收的内容没有丢失。请稍后重试。",
                    en="This deposit cannot go on now; nothing received was lost. Try again later.",
                    reason=outcome.reason,
                )
            time.sleep(_PAUSE)
        if outcome.progress is not Progress.PASSED:
            break
    with context.archive.reading() as session:
        return str(session.scalars(select(Submission.state).where(Submission.id == submission_id)).one())


def _unexpected(error: Exception) -> LantaiError:
    kind = type(error).__name__
    return Unavailable(
        "submission.unexpected",
        zh=f"处理这次移交时出现未预料的错误（{kind}），已接收的内容没有丢失。请把系统日志交给管理员。",
        en=f"An unexpected error ({kind}) stopped this deposit; nothing received was lost. Give the log to the administrator.",
        kind=kind,
    )


def _killed() -> LantaiError:
    return Unavailable(
        "submission.kills_worker",
        zh="处理这次移交时工作进程反复中断，已暂停；已接收的内容没有丢失。请检查移交内容后再继续。",
        en="The worker stopped again and again on this deposit, so it was set aside; nothing received was lost. Look at its files before resuming.",
    )
