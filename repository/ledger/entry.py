"""An entry of the ledger: one canonical JSON line, inserted in the transaction of the act it records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from metadata.identifiers import new_id
from repository import canonical
from repository.clock import stamp
from repository.tables import LedgerEntry, LedgerPending

FORMAT = "lantai-ledger-entry/1"
ACTS = "acts"
USE = "use"
STREAMS = (ACTS, USE)


@dataclass(frozen=True, slots=True)
class ActorRef:
    """Who acted, as the ledger names them: account id or ``console:<system user>``; kind account, console, system."""

    id: str
    kind: str
    organ_id: str | None = None


def entry_row(
    *,
    stream: str,
    at: datetime,
    act: str,
    actor: ActorRef,
    record_id: str | None = None,
    case_file_id: str | None = None,
    submission_id: str | None = None,
    facts: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """One row of ``LedgerEntry``: the canonical line and the columns that find it again."""
    entry_id = new_id()
    body: dict[str, Any] = {
        "format": FORMAT,
        "id": entry_id,
        "stream": stream,
        "at": stamp(at),
        "act": act,
        "actor": {"id": actor.id, "kind": actor.kind, "organ": actor.organ_id},
    }
    subjects = {"record_id": record_id, "case_file_id": case_file_id, "submission_id": submission_id}
    body.update({name: value for name, value in subjects.items() if value is not None})
    body.update(facts or {})
    return {
        "id": entry_id,
        "stream": stream,
        "at": at,
        "act": act,
        "actor_id": actor.id,
        "organ_id": actor.organ_id,
        **subjects,
        "request_id": body.get("request_id"),
        "form": body.get("form"),
        "account_id": body.get("account_id"),
        "body": canonical.dumps(body).decode(),
    }


_ENTER = insert(LedgerEntry.__table__).returning(LedgerEntry.__table__.c.seq)  # type: ignore[arg-type]  # a Table
_WAIT = insert(LedgerPending.__table__)  # type: ignore[arg-type]  # a Table


def append(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Insert entries and mark each as waiting for a block."""
    if not rows:
        return
    if len(rows) == 1:  # a look at a page: made once, the two statements cost half of what the mapper asks for them
        connection = session.connection()
        seq = connection.execute(_ENTER, rows[0]).scalar_one()
        connection.execute(_WAIT, {"entry_seq": seq, "stream": rows[0]["stream"]})
        return
    inserted = session.execute(insert(LedgerEntry).returning(LedgerEntry.seq, LedgerEntry.stream), list(rows))
    waiting = [{"entry_seq": seq, "stream": stream} for seq, stream in inserted]
    session.execute(insert(LedgerPending), waiting)
