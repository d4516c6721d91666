"""The corpus: one folder a deposit, with what must be found in it.

``bad/``, ``warn/`` and ``good/`` hold one folder a case: ``make.py`` with ``make(folder) -> Path``, which writes the deposit
(nothing hostile lies in the repository), and ``expected.json``:

    state      "rejected": nothing may be stored; "waiting" or "done"
    records    how many records it becomes
    findings   [{"code", "severity", "path"}]: every error and warning, exactly; of notices those that matter
    options, limits    of the submission and of the site, where the case needs them

``python -m tests.corpus bad/zip-symlink`` shows what a case yields today.
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event, func, select
from sqlalchemy.orm import Session

from access.actors import console_actor
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from ingest.pool import CheckPool
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.db import open_engine
from repository.tables import Finding, Record, StoredObject, Submission, SubmissionFile

HERE = Path(__file__).parent
KINDS = ("bad", "warn", "good")


@dataclass(frozen=True)
class Case:
    """One folder of the corpus."""

    kind: str
    name: str
    expected: dict[str, Any]

    @property
    def folder(self) -> Path:
        """Where it lies."""
        return HERE / self.kind / self.name

    def make(self, folder: Path) -> Path:
        """Write the deposit below ``folder``; the path to hand in."""
        spec = importlib.util.spec_from_file_location(f"corpus_{self.kind}_{self.name}", self.folder / "make.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        made: Path = module.make(folder)
        return made


def cases() -> Iterator[Case]:
    """Every case, in the order of their names."""
    for kind in KINDS:
        for folder in sorted((HERE / kind).iterdir()):
            if (folder / "make.py").exists():
                expected = json.loads((folder / "expected.json").read_text(encoding="utf-8"))
                yield Case(kind, folder.name, expected)


@contextmanager
def lasting_engine(path: Path) -> Iterator[Engine]:
    """One engine for many fresh databases at ``path``, each put there by ``emptied``.

    It keeps the statements that it has compiled; to compile them for each deposit took more time than to run them.
    """
    made = open_engine(f"sqlite:///{path}", busy_seconds=5)

    @event.listens_for(made, "connect")
    def _trust_the_disk(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF")  # no case cuts the power

    try:
        yield made
    finally:
        made.dispose()


def emptied(engine: Engine, template: Path) -> Engine:
    """``engine`` on a fresh copy of ``template``, in the place of the database that it had."""
    engine.dispose()
    path = Path(str(engine.url.database))
    for journal in (f"{path}-wal", f"{path}-shm"):
        Path(journal).unlink(missing_ok=True)
    Path(shutil.copy(template, f"{path}.new")).replace(path)
    return engine


@dataclass(frozen=True)
class Told:
    """What taking a deposit in came to."""

    state: str
    error: dict[str, Any] | None
    findings: list[dict[str, Any]] = field(default_factory=list)
    records: int = 0
    bags: int = 0
    lost: list[str] = field(default_factory=list)

    def of(self, *severities: str) -> set[tuple[str, str, str | None]]:
        """Findings of these severities as ``(code, severity, path)``."""
        rows = (row for row in self.findings if row["severity"] in severities)
        return {(row["code"], row["severity"], row.get("path")) for row in rows}


def take_in(archive: Archive, source: Path, expected: dict[str, Any], pool: CheckPool) -> Told:
    """Deposit ``source`` in a fresh archive, every check on; ``lost``: sources that quarantine does not hold."""
    limits = IngestLimits(**{"check_seconds": 20.0, **expected.get("limits", {})})
    options = {"accept": expected["state"] == "done", **expected.get("options", {})}
    with archive.sessions.begin() as session:
        actor = console_actor(session, archive.profile, "corpus")
        submission = open_submission(
            session, archive=archive, actor=actor, organ_id=None, title=source.name, channel="cli", options=options
        )
        submission_id = submission.id
    receive_path(archive, submission_id, [source], limits=limits)
    context = Context.open(archive, limits, pool=pool)
    advance(context, submission_id)
    with archive.reading() as session:
        return _told(session, archive, submission_id)


def _told(session: Session, archive: Archive, submission_id: str) -> Told:
    submission = session.scalars(select(Submission).where(Submission.id == submission_id)).one()
    rows = session.scalars(select(Finding).where(Finding.submission_id == submission_id).order_by(Finding.seq))
    sources = session.scalars(select(SubmissionFile.source).where(SubmissionFile.submission_id == submission_id))
    return Told(
        state=submission.state,
        error=submission.error,
        findings=[
            {"code": row.code, "severity": row.severity, **({"path": row.path} if row.path is not None else {})}
            for row in rows
        ],
        records=session.scalar(select(func.count()).select_from(Record)) or 0,
        bags=session.scalar(select(func.count()).select_from(StoredObject).where(StoredObject.kind == "bag")) or 0,
        lost=[one for one in sources if not (archive.quarantine / submission_id / one).is_file()],
    )
