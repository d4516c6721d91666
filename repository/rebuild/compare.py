"""What a present catalogue and a rebuilt one do not have in common."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from repository.rebuild.report import Difference
from repository.tables import Account, CaseFile, LedgerEntry, Organ, Record, Submission

_COMPARED: dict[str, Select[tuple[str]]] = {
    "record": select(Record.id),
    "case_file": select(CaseFile.id),
    "organ": select(Organ.id),
    "account": select(Account.id),
    "submission": select(Submission.id),
    "ledger_entry": select(LedgerEntry.id),
}


def compare(rebuilt: Session, present: Session) -> Iterator[Difference]:
    """Everything that only one side knows, by id: ``replica`` is the rebuilt side, ``catalogue`` the present one."""
    for kind, statement in _COMPARED.items():
        ours = set(rebuilt.scalars(statement))
        theirs = set(present.scalars(statement))
        for one in sorted(ours - theirs):
            yield Difference(kind, one, "replica")
        for one in sorted(theirs - ours):
            yield Difference(kind, one, "catalogue")
