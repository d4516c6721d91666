"""Durable work: DBOS, wrapped once here.

Web processes and commands only *enqueue*, by name, in the transaction of the row that wants the work; workers
(``lantai.worker``) execute. Names live in enums on both sides, because DBOS claims a row with an unknown workflow name
and leaves it pending for ever. What the bureau must remember stands in our own tables, not in DBOS rows.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from lantai import request_id
from lantai.job_notes import put
from lantai.job_rows import JobFilter, Rows
from metadata.identifiers import new_id
from repository.rights import JOBS_SCHEMA

if TYPE_CHECKING:  # loaded by those that enqueue: most commands and pages only read the rows
    from dbos import DBOSClient, DBOSConfig, WorkflowHandle

APPLICATION = "lantai"
VERSION = "1"
"""Constant for ever: recovery only looks at rows of the same version. Changed workflows get new names."""
_INGEST = "ingest"
_ENDED = frozenset({"SUCCESS", "ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"})


class Work(StrEnum):
    """Workflows that workers know."""

    INGEST = "ingest_v1"
    FOLLOW_UP = "follow_up_v1"
    AUDIT = "audit_v1"
    REPAIR = "repair_v1"
    CARE = "care_v1"
    REBUILD_INDEX = "rebuild_index_v1"
    FILL_REPLICA = "fill_replica_v1"
    COMPARE_REPLICAS = "compare_replicas_v1"


class Queue(StrEnum):
    """Queues: one for deposits, one for text and index, one for the care of what is kept; what may take hours has its own,
    so that nothing waits behind it: the reading of everything again and repair, texts, pictures, the reading of scans,
    watched folders, the making anew of the index, replicas, backups."""

    INGEST = "ingest"
    FOLLOW_UP = "follow_up"
    CARE = "care"
    AUDIT = "audit"
    TEXTS = "texts"
    IMAGES = "images"
    OCR = "ocr"
    WATCH = "watch"
    INDEX = "index"
    REPLICAS = "replicas"
    BACKUP = "backup"


def submission_of(job_id: str) -> str:
    """The submission that an ingest job carries; empty for any other job."""
    named = job_id.removeprefix(f"{_INGEST}-")[:36]
    return named if job_id.startswith(f"{_INGEST}-") else ""


def _refuse_pickle(_self: object, *_args: object) -> NoReturn:
    raise ValueError("pickle is never read from the database")


def guard() -> None:
    """Refuse pickle for good: with a JSON serialiser alone, DBOS still unpickles a row that says it is pickled."""
    import dbos._serialization as dbos_serialization

    dbos_serialization.DefaultSerializer.serialize = _refuse_pickle  # type: ignore[method-assign,assignment]
    dbos_serialization.DefaultSerializer.deserialize = _refuse_pickle  # type: ignore[method-assign,assignment]
    logging.getLogger("dbos").setLevel(logging.WARNING)


def migrate(database_url: str) -> None:
    """Make or upgrade the job engine's own tables: same database, outside Alembic, a schema of their own on PostgreSQL."""
    from dbos import DBOS

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
    from dbos import DBOSConfig

    told = DBOSConfig(
        name=APPLICATION, application_version=VERSION, system_database_url=database_url, sys_db_pool_size=5
    )
    if make_url(database_url).get_backend_name() != "sqlite":
        told["dbos_system_schema"] = JOBS_SCHEMA
        told["run_migrations"] = False  # the owner's role does, when the site is brought up to date
        told["db_engine_kwargs"] = {"connect_args": {"connect_timeout": 5, "application_name": "lantai jobs"}}
    return told


class Jobs:
    """What a web process or command may do with jobs: enqueue and read them (``rows``); ``lantai.steering`` changes them."""

    def __init__(self, database_url: str, engine: Engine | None = None) -> None:
        """``engine`` is the site's: on PostgreSQL its connections are shared."""
        self._url = database_url
        self._engine = engine if engine is not None and engine.dialect.name == "postgresql" else None
        self.rows = Rows(None if make_url(database_url).get_backend_name() == "sqlite" else JOBS_SCHEMA)

    @cached_property
    def _client(self) -> DBOSClient:
        from dbos import DBOSClient
        from dbos._serialization import DBOSPortableJSONSerializer

        guard()
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

    def _enqueue(
        self, session: Session, work: Work, queue: Queue, job_id: str, *args: Any, actor_id: str | None = None
    ) -> str:
        put(session, job_id, anew=False, queue=queue.value, request_id=request_id.current() or None, actor_id=actor_id)
        handle: WorkflowHandle[Any] = self._client.enqueue_in_transaction(
            session,
            {"workflow_name": work.value, "queue_name": queue.value, "workflow_id": job_id, "app_version": VERSION},
            *args,
        )
        return str(handle.get_workflow_id())

    def enqueue_ingest(self, session: Session, submission_id: str, *, turn: str = "") -> str:
        """Carry a submission through the pipeline; ``turn`` tells a second run (after a person's decision) apart."""
        return self._enqueue(session, Work.INGEST, Queue.INGEST, f"{_INGEST}-{submission_id}{turn}", submission_id)

    def carried(self, session: Session) -> set[str]:
        """The submissions that a job carries, or that somebody stopped."""
        return {submission_of(one) for one in self.rows.unfinished(session, f"{_INGEST}-")}

    def carry_on(self, session: Session, submission_ids: Sequence[str]) -> int:
        """Enqueue those of the submissions that no job carries: its enqueuing was lost, or it broke. How many.

        A job that somebody stopped stays stopped.
        """
        enqueued = 0
        for submission_id in submission_ids:
            first = f"{_INGEST}-{submission_id}"
            known = self.rows.statuses(session, first)
            if all(status in _ENDED for status in known.values()):
                turns = ("", *(f"-again-{number}" for number in range(1, len(known) + 1)))
                self.enqueue_ingest(session, submission_id, turn=next(one for one in turns if first + one not in known))
                enqueued += 1
        return enqueued

    def enqueue_follow_up(self, session: Session, key: str) -> str:
        """Text, index and first audit of what is new; ``key`` makes a repeat harmless."""
        return self._enqueue(session, Work.FOLLOW_UP, Queue.FOLLOW_UP, f"follow-up-{key}")

    def enqueue_audit(self, session: Session, key: str, *, actor_id: str, deep: bool = False) -> str:
        """Re-read everything on every replica."""
        return self._enqueue(session, Work.AUDIT, Queue.AUDIT, f"audit-{key}", actor_id, deep, actor_id=actor_id)

    def enqueue_repair(
        self, session: Session, key: str, *, actor_id: str, incident_ids: Sequence[str] | None = None
    ) -> str:
        """Mend the open incidents named, or every one, as far as there is a good copy."""
        named = None if incident_ids is None else list(incident_ids)
        return self._enqueue(session, Work.REPAIR, Queue.AUDIT, f"repair-{key}", actor_id, named, actor_id=actor_id)

    def enqueue_index_rebuild(self, session: Session, key: str, *, actor_id: str) -> str:
        """Make the search index anew beside the live one; the job that waits or runs already, when there is one."""
        for state in ("running", "waiting"):
            if found := self.rows.listed(session, JobFilter(state=state, work=Work.REBUILD_INDEX.value), limit=1):
                return found[0].id
        job_id = f"rebuild-index-{key}"
        return self._enqueue(session, Work.REBUILD_INDEX, Queue.INDEX, job_id, actor_id, actor_id=actor_id)

    def enqueue_fill(self, session: Session, replica: str) -> str:
        """Fill a replica that joins; the job that waits or runs already, when there is one."""
        prefix = f"fill-{replica}-"
        going_on = self._client.list_workflows(
            workflow_id_prefix=prefix, status=["ENQUEUED", "PENDING"], limit=1, load_input=False, load_output=False
        )
        if going_on:
            return str(going_on[0].workflow_id)
        return self._enqueue(session, Work.FILL_REPLICA, Queue.REPLICAS, f"{prefix}{new_id()}", replica)

    def enqueue_comparison(
        self, session: Session, key: str, *, actor_id: str, first: str, second: str, deep: bool = False
    ) -> str:
        """Hold two replicas against each other."""
        job_id = f"compare-{key}"
        wanted = (actor_id, first, second, deep)
        return self._enqueue(session, Work.COMPARE_REPLICAS, Queue.REPLICAS, job_id, *wanted, actor_id=actor_id)

    def close(self) -> None:
        """Give connections back."""
        if "_client" in self.__dict__:
            self._client.destroy()
            del self.__dict__["_client"]
