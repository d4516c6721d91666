"""Permission epochs: numbers that move whenever what somebody may do has changed.

What an actor may do is compiled once and kept for as long as her epoch stands still (``access.permits``). Whoever changes
roles, grants, organs or the state of an account calls ``moved`` in the same transaction, so that the change works at the
next request, in every process.
"""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from repository.tables import PermissionEpoch

EVERYBODY = "*"
"""The scope that stands for all accounts: organs and profiles concern everybody."""


def moved(session: Session, scopes: Iterable[str] = (EVERYBODY,)) -> None:
    """Count the epochs of these accounts up (of everybody, when none is named)."""
    for scope in dict.fromkeys(scopes):
        changed = session.execute(
            update(PermissionEpoch).where(PermissionEpoch.scope == scope).values(value=PermissionEpoch.value + 1)
        )
        if not changed.rowcount:  # type: ignore[attr-defined]  # an UPDATE's result is a cursor's
            session.execute(insert(PermissionEpoch).values(scope=scope, value=1))


def epoch(session: Session, account_id: str) -> int:
    """The account's epoch and everybody's together: it moves when either does, and never back."""
    wanted = select(func.sum(PermissionEpoch.value)).where(PermissionEpoch.scope.in_((account_id, EVERYBODY)))
    return int(session.scalar(wanted) or 0)
