"""What the ledger records of backups and restores: one keyword-only function per act, as ``repository.ledger.acts``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from repository.ledger.acts import act
from repository.ledger.entry import ActorRef


def backup_begun(
    session: Session, *, at: datetime, actor: ActorRef, backup_id: str, store: str, previous: str | None
) -> str:
    """A backup was begun; it holds this entry itself. ``previous``: SHA-256 of the last finished one in the store."""
    return act(session, "backup.begun", at, actor, backup_id=backup_id, store=store, previous_sha256=previous)


def backup_failed(session: Session, *, at: datetime, actor: ActorRef, backup_id: str, store: str, error: str) -> str:
    """A backup that was begun was not finished; ``error`` is a code."""
    return act(session, "backup.failed", at, actor, backup_id=backup_id, store=store, error=error)


def backup_restored(
    session: Session, *, at: datetime, actor: ActorRef, backup_id: str, sha256: str, as_of: dict[str, Any], ahead: bool
) -> str:
    """The catalogue was restored from a backup; ``as_of``: stream -> number of the last block in it."""
    return act(
        session, "backup.restored", at, actor, backup_id=backup_id, sha256=sha256, as_of=as_of, stores_ahead=ahead
    )
