"""What is known of a job beside the engine's own row: whose it is, how far it has come, what it waits for, why it failed.

The engine keeps only the name of the last error, and nobody can count its steps. A worker writes here while it works; a
note that cannot be written stops no work. Sentences are kept only of faults of the site: those of a deposit may name its
files, which the system administrator does not read.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from access.masking import masked
from metadata.errors import LantaiError, Unavailable
from repository.clock import Clock, stamp
from repository.db import Sessions, unavailable
from repository.tables import JobNote

log = logging.getLogger("lantai.worker")

_TOLD_EVERY = 1.0
_OF_THE_SITE = (
    "catalogue.",
    "database.",
    "holding.",
    "index.",
    "job.",
    "lease.",
    "ledger.",
    "quarantine.",
    "replica.",
    "replicas.",
    "scanner.",
    "store.",
    "submission.",
    "system.",
    "worker.",
)


def put(session: Session, job_id: str, /, *, anew: bool = True, **values: Any) -> None:
    """Write ``values`` into the job's note, made when missing; ``anew`` False: only when there was none."""
    postgres = session.get_bind().dialect.name == "postgresql"
    made: Any = (postgresql.insert if postgres else sqlite.insert)(JobNote)
    made = made.values(job_id=job_id, queue=values.pop("queue", ""), **values)
    if anew and values:
        made = made.on_conflict_do_update(index_elements=[JobNote.job_id], set_=values)
    else:
        made = made.on_conflict_do_nothing(index_elements=[JobNote.job_id])
    session.execute(made)


def told(code: str, zh: str, en: str, at: str) -> dict[str, Any]:
    """A fault as a note keeps it: its sentence when it is one of the site, else where to read about it."""
    if code.startswith(_OF_THE_SITE):
        return {"code": code, "zh": masked(zh), "en": masked(en), "at": at}
    return {
        "code": code,
        "zh": f"处理内容时出错（{code}）。详情见这次移交的页面，由有权的人查看。",
        "en": f"The content could not be handled ({code}). The page of the deposit tells those who may read it.",
        "at": at,
    }


class JobNotes:
    """The notes that one worker writes."""

    def __init__(self, sessions: Sessions, clock: Clock) -> None:
        self._sessions, self._clock = sessions, clock
        self._waiting: dict[str, str] = {}
        self._told_at: dict[str, float] = {}

    def begin(self, job_id: str) -> str:
        """A worker takes the job up, or up again; the number of the request it came from, empty when there was none."""
        self._forget(job_id)
        try:
            with self._sessions.begin() as session:
                note = session.scalars(select(JobNote).where(JobNote.job_id == job_id)).first()
                if note is None:
                    return ""
                note.begun_at = note.begun_at or self._clock.now()
                note.waits = note.cause = None
                return note.request_id or ""
        except OperationalError as error:
            log.warning("job %s: %s", job_id, unavailable(error))
            return ""

    def waits(self, job_id: str, error: Mapping[str, Any]) -> None:
        """The job waits for an outage to end; ``error`` has ``code``, ``zh`` and ``en``."""
        code = str(error["code"])
        if self._waiting.get(job_id) != code and self._put(job_id, waits=self._told(error)):
            self._waiting[job_id] = code

    def goes_on(self, job_id: str) -> None:
        """The outage is over."""
        if job_id in self._waiting and self._put(job_id, waits=None):
            del self._waiting[job_id]

    def fails(self, job_id: str, error: Mapping[str, Any]) -> None:
        """The job ends without having done what it should."""
        self._forget(job_id)
        self._put(job_id, cause=self._told(error), waits=None)

    def counts(self, job_id: str, done: int, total: int | None) -> None:
        """``done`` of ``total`` things are done; told once a second at most, and at the end."""
        now = time.monotonic()
        if done != total and now - self._told_at.get(job_id, -_TOLD_EVERY) < _TOLD_EVERY:
            return
        if done == total:
            self._told_at.pop(job_id, None)
        else:
            self._told_at[job_id] = now
        self._put(job_id, done=done, total=total)

    def _forget(self, job_id: str) -> None:
        """What this process knows of the job counts no more: it begins, or has ended."""
        self._waiting.pop(job_id, None)
        self._told_at.pop(job_id, None)

    def _told(self, error: Mapping[str, Any]) -> dict[str, Any]:
        return told(str(error["code"]), str(error["zh"]), str(error["en"]), stamp(self._clock.now()))

    def _put(self, job_id: str, **values: Any) -> bool:
        """Whether it could be written: a note that could not is written with the next word of the job."""
        try:
            with self._sessions.begin() as session:
                put(session, job_id, **values)
        except OperationalError as error:
            log.warning("job %s: %s", job_id, unavailable(error))
            return False
        return True


def as_note(error: LantaiError) -> dict[str, str]:
    """An error as ``JobNotes`` takes it."""
    return {"code": error.code, "zh": error.zh, "en": error.en}


def unexpected(error: Exception) -> Unavailable:
    """The sentence for a job that ended in what nobody foresaw; only the kind of error is named."""
    kind = type(error).__name__
    return Unavailable(
        "job.unexpected",
        zh=f"出现未预料的错误（{kind}），没有丢失内容。请把系统日志交给管理员，排除后重试。",
        en=f"An unexpected error ({kind}) ended it; nothing was lost. Give the log to the administrator, then retry.",
        kind=kind,
    )
