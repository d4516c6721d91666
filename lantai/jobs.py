"""Durable work: DBOS, wrapped once here.

Web processes and commands only *enqueue*, by name, in the transaction of the row that wants the work; workers
(``lantai.worker``) execute. Names live in enums on both sides, because DBOS claims a row with an unknown workflow name
and leaves it pending for ever. What the bureau must remember stands in our own tables, not in DBOS rows.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NoReturn

import dbos._serialization as dbos_serialization
from dbos import DBOS, DBOSClient, DBOSConfig, WorkflowHandle
from dbos._serialization import DBOSPortableJSONSerializer
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from repository.rights import JOBS_SCHEMA

APPLICATION = "lantai"
VERSION = "1"
"""Constant for ever: recovery only looks at rows of the same version. Changed workflows get new names."""
_ENDED = frozenset({"SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})

_PRUNED_AT_ONCE = 500


class Work(StrEnum):
    """Workflows that workers know."""

    INGEST = "ingest_v1"
    FOLLOW_UP = "follow_up_v1"
    AUDIT = "audit_v1"
    REPAIR = "repair_v1"
    CARE = "care_v1"
    REBUILD_INDEX = "rebuild_index_v1"


class Queue(StrEnum):
    """Queues: one for deposits, one for text and index, one for the care of what is kept; pictures and the reading of
    scans have their own, because they may take hours and nothing should wait behind them; so have watched folders, and the
    making anew of the index."""

    INGEST = "ingest"
    FOLLOW_UP = "follow_up"
    CARE = "care"
    IMAGES = "images"
    OCR = "ocr"
    WATCH = "watch"
    INDEX = "index"


@dataclass(frozen=True)
class Job:
    """One piece of work as an operator sees it."""

    id: str
    name: str
    queue: str
    state: str
    created_ms: int
    updated_ms: int
    error: str | None


def _refuse_pickle(_self: object, *_args: object) -> NoReturn:
    raise ValueError("pickle is never read from the database")


def guard() -> None:
    """Refuse pickle for good: with a JSON serialiser alone, DBOS still unpickles a row that says it is pickled."""
    dbos_serialization.DefaultSerializer.serialize = _refuse_pickle  # type: ignore[method-assign,assignment]
    dbos_serialization.DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[method-assign,assignment]
    logging.getLogger("dbos").setLevel(logging.WARNING)


def migrate(database_url: str) -> None:
    """Make or upgrade the job engine's own tables: same database, outside Alembic, a schema of their own on PostgreSQL."""
    guard()
    if make_url(database_url).get_backend_name() == "sqlite":
        DBOS.migrate(database_url)
        return
    engine_log = logging.getLogger("dbos")
    engine_log.setLevel(logging.ERROR)  # it complains when the owner may not see the database `postgres`
    try:
        DBOS.migrate(database_url, schema=JOBS_SCHEMA)
    finally:
        engine_log.setLevel(logging.WARNING)


def engine_configuration(database_url: str) -> DBOSConfig:
    """What a worker's job engine is told of itself and of the database."""
    told = DBOSConfig(
        name=APPLICATION, application_version=VERSION, system_database_url=database_url, sys_db_pool_size=5
    )
    if make_url(database_url).get_backend_name() != "sqlite":
        told["dbos_system_schema"] = JOBS_SCHEMA
        told["run_migrations"] = False  # the owner's role does, when the site is brought up to date
        told["db_engine_kwargs"] = {"connect_args": {"connect_timeout": 5, "application_name": "lantai jobs"}}
    return told


class Jobs:
    """What a web process or command may do with jobs: enqueue, list, cancel, resume."""

    def __init__(self, database_url: str, engine: Engine | None = None) -> None:
        """``engine`` is the site's: on PostgreSQL its connections are shared."""
        guard()
        self._url = database_url
        self._engine = engine if engine is not None and engine.dialect.name == "postgresql" else None

    @cached_property
    def _client(self) -> DBOSClient:
        return DBOSClient(
            system_database_url=self._url,
            system_database_engine=self._engine,
            dbos_system_schema=JOBS_SCHEMA,
            application_name=APPLICATION,
            serializer=DBOSPortableJSONSerializer(),
            system_database_pool_size=2,
            lazy=True,
            retry_connection_errors=False,  # a page says that the database is away, it does not wait for it
        )

    def _enqueue(self, session: Session, work: Work, queue: Queue, job_id: str, *args: Any) -> str:
        handle: WorkflowHandle[Any] = self._client.enqueue_in_transaction(
            session,
            {"workflow_name": work.value, "queue_name": queue.value, "workflow_id": job_id, "app_version": VERSION},
            *args,
        )
        return str(handle.get_workflow_id())

    def enqueue_ingest(self, session: Session, submission_id: str, *, turn: str = "") -> str:
        """Carry a submission through the pipeline; ``turn`` tells a second run (after a person's decision) apart."""
        return self._enqueue(session, Work.INGEST, Queue.INGEST, f"ingest-{submission_id}{turn}", submission_id)

    def carry_on(self, session: Session, submission_ids: Sequence[str]) -> int:
        """Enqueue those of the submissions that no job carries: its enqueuing was lost, or it broke. How many.

        A job that somebody cancelled stays cancelled.
        """
        enqueued = 0
        for submission_id in submission_ids:
            prefix = f"ingest-{submission_id}"
            known = self._client.list_workflows(workflow_id_prefix=prefix, load_input=False, load_output=False)
            if all(row.status in _ENDED for row in known):
                self.enqueue_ingest(session, submission_id, turn=f"-again-{len(known)}" if known else "")
                enqueued += 1
        return enqueued

    def enqueue_follow_up(self, session: Session, key: str) -> str:
        """Text, index and first audit of what is new; ``key`` makes a repeat harmless."""
        return self._enqueue(session, Work.FOLLOW_UP, Queue.FOLLOW_UP, f"follow-up-{key}")

    def enqueue_audit(self, session: Session, key: str, *, actor_id: str, deep: bool = False) -> str:
        """Re-read everything on every replica."""
        return self._enqueue(session, Work.AUDIT, Queue.CARE, f"audit-{key}", actor_id, deep)

    def enqueue_repair(
        self, session: Session, key: str, *, actor_id: str, incident_ids: Sequence[str] | None = None
    ) -> str:
        """Mend the open incidents named, or every one, as far as there is a good copy."""
        named = None if incident_ids is None else list(incident_ids)
        return self._enqueue(session, Work.REPAIR, Queue.CARE, f"repair-{key}", actor_id, named)

    def enqueue_index_rebuild(self, session: Session, key: str, *, actor_id: str) -> str:
        """Make the search index anew beside the live one; the job that waits or runs already, when there is one."""
        going_on = self._client.list_workflows(
            name=Work.REBUILD_INDEX.value, status=["ENQUEUED", "PENDING"], limit=1, load_input=False, load_output=False
        )
        if going_on:
            return str(going_on[0].workflow_id)
        return self._enqueue(session, Work.REBUILD_INDEX, Queue.INDEX, f"rebuild-index-{key}", actor_id)

    def list(self, *, limit: int = 50) -> list[Job]:
        """The newest jobs."""
        rows = self._client.list_workflows(limit=limit, sort_desc=True, load_input=False, load_output=False)
        return [
            Job(
                id=row.workflow_id,
                name=row.name,
                queue=row.queue_name or "",
                state=row.status,
                created_ms=row.created_at or 0,
                updated_ms=row.updated_at or 0,
                error=None if row.error is None else type(row.error).__name__,
            )
            for row in rows
        ]

    def cancel(self, job_id: str) -> None:
        """Stop a job at its next step border."""
        self._client.cancel_workflow(job_id)

    def resume(self, job_id: str, queue: Queue) -> None:
        """Continue a cancelled job from the step it stopped at."""
        self._client.resume_workflow(job_id, queue_name=queue.value)

    def prune(self, before: datetime) -> int:
        """Delete a batch of jobs that ended before ``before``; how many, 0 when none is left.

        DBOS keeps every row, and the schedules alone make thousands a day. What the bureau must remember stands in our
        own tables.
        """
        ended = self._client.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before.isoformat(),
            limit=_PRUNED_AT_ONCE,
            load_input=False,
            load_output=False,
        )
        if ended:
            self._client.delete_workflows([one.workflow_id for one in ended])
        return len(ended)

    def close(self) -> None:
        """Give connections back."""
        if "_client" in self.__dict__:
            self._client.destroy()
            del self.__dict__["_client"]
