"""The state of organs, accounts, submissions, requests, grants, holds and alarms as entity revisions hold it, and back again.

A state is the row's columns by name, moments and days as text. Left out are secrets (password hashes), what changes
without an act (last sign-in), and those of a submission's options that are free words, for they may be about persons.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from repository.clock import parse_stamp, stamp
from repository.tables import AccessGrant, AccessRequest, Account, AccountRole, Alarm, Base, Hold, Organ, Submission
from repository.tables.base import Moment

_LEFT_OUT: dict[type[Base], frozenset[str]] = {
    Organ: frozenset({"revision"}),
    Account: frozenset(
        {
            "revision",
            "password_hash",
            "must_change_password",
            "failed_attempts",
            "last_seen_at",
            "previous_visit_at",
            "password_changed_at",
            "waiting_half",
            "past_passwords",
            "preferences",
            "row_version",
        }
    ),
    Submission: frozenset({"revision", "seq", "options", "error", "attempts", "idempotency_key"}),
    AccountRole: frozenset({"seq", "account_id"}),
    Hold: frozenset({"revision", "seq", "row_version"}),
    AccessRequest: frozenset({"revision", "seq", "idempotency_key"}),
    AccessGrant: frozenset({"revision", "seq"}),
    Alarm: frozenset({"revision", "seq", "open_as"}),
}
_OPTIONS = frozenset(
    {
        "household_no",
        "programme",
        "document_type",
        "one_record",
        "in_place",
        "accept",
        "leave_out",
        "synthetic",
        "actor",
        "accepted_by",
    }
)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return stamp(value)
    return value.isoformat() if isinstance(value, date) else value


def _state(row: Base) -> dict[str, Any]:
    left_out = _LEFT_OUT[type(row)]
    return {
        column.key: _plain(getattr(row, column.key)) for column in row.__table__.columns if column.key not in left_out
    }


def organ_state(organ: Organ) -> dict[str, Any]:
    """An organ's whole state."""
    return _state(organ)


def account_state(account: Account, roles: Iterable[AccountRole]) -> dict[str, Any]:
    """An account's whole state with its roles, without secrets."""
    return {**_state(account), "roles": [_state(role) for role in roles]}


def submission_state(submission: Submission) -> dict[str, Any]:
    """A submission's whole state; of its options those that are numbers, codes, ids or decisions."""
    kept = {name: value for name, value in submission.options.items() if name in _OPTIONS and value is not None}
    return {**_state(submission), "options": kept}


def request_state(request: AccessRequest, subjects: Iterable[tuple[str, str, bool]]) -> dict[str, Any]:
    """A request's whole state with what it means in the holdings: (kind, id, granted) each."""
    meant = [{"kind": kind, "subject_id": one, "granted": granted} for kind, one, granted in subjects]
    return {**_state(request), "subjects": meant}


def grant_state(grant: AccessGrant, subjects: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A grant's whole state with what it names: (kind, id) each."""
    return {**_state(grant), "subjects": [{"kind": kind, "subject_id": one} for kind, one in subjects]}


def hold_state(hold: Hold, subjects: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """A hold's whole state with the records and case files that it names, as (kind, id)."""
    return {**_state(hold), "subjects": [{"kind": kind, "id": one} for kind, one in subjects]}


def alarm_state(alarm: Alarm) -> dict[str, Any]:
    """An alarm's whole state, with every step of its handling."""
    return _state(alarm)


def values(table: type[Base], state: Mapping[str, Any]) -> dict[str, Any]:
    """Column values of ``table`` from a state; names that are no columns, or are left out, are passed over."""
    found: dict[str, Any] = {}
    for column in table.__table__.columns:
        if column.key not in state or column.key in _LEFT_OUT[table]:
            continue
        value = state[column.key]
        if isinstance(value, str) and isinstance(column.type, Moment):
            value = parse_stamp(value)
        elif isinstance(value, str) and column.type.python_type is date:
            value = date.fromisoformat(value)
        found[column.key] = value
    return found


def named(subject: Mapping[str, Any]) -> dict[str, Any]:
    """Column values of one subject of a request or grant, as its state holds it."""
    return {name: subject[name] for name in ("kind", "subject_id", "granted") if name in subject}
