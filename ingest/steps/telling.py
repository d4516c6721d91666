"""What every step shares: the submission's row, and entering findings."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from ingest import findings
from ingest.context import Context
from ingest.outcome import Finding
from repository.tables import Finding as FindingRow
from repository.tables import Submission


def submission_of(session: Session, submission_id: str) -> Submission:
    """The submission's row; it exists."""
    return session.scalars(select(Submission).where(Submission.id == submission_id)).one()


def tell(session: Session, context: Context, submission_id: str, found: Iterable[Finding]) -> None:
    """Enter findings about the submission, in the caller's transaction."""
    rows = findings.rows(found, submission_id, context.archive.clock.now())
    if rows:
        session.execute(insert(FindingRow.__table__), rows)  # type: ignore[arg-type]  # a Table, seen as FromClause
