"""What a present catalogue and a rebuilt one do not have in common."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, inspect, select
from sqlalchemy.orm import Session

from repository.rebuild.report import Difference
from repository.tables import Account, CaseFile, Hold, LedgerEntry, Organ, Record, Submission

_COMPARED: dict[str, Select[tuple[str]]] = {
    "record": select(Record.id),
    "case_file": select(CaseFile.id),
    "organ": select(Organ.id),
    "account": select(Account.id),
    "submission": select(Submission.id),
    "hold": select(Hold.id),
    "ledger_entry": select(LedgerEntry.id),
}


def compare(rebuilt: Session, present: Session) -> Iterator[Difference]:
    """Everything that only one side knows, by id: ``replica`` is the rebuilt side, ``catalogue`` the present one."""
    tables = set(inspect(present.connection()).get_table_names())  # an older catalogue lacks the newer ones
    for kind, statement in _COMPARED.items():
        if kind not in tables:
            continue
        ours = set(rebuilt.scalars(statement))
        theirs = set(present.scalars(statement))
        for one in sorted(ours - theirs):
            yield Difference(kind, one, "replica")
        for one in sorted(theirs - ours):
            yield Difference(kind, one, "catalogue")
