"""What a rebuild takes over from the catalogue it replaces, because no store ever holds it.

Passwords, tokens, saved searches, the lists of files of deposits that are under way, and entries of the ledger that no
block holds yet. What the ledger says happened since goes first: a password that was changed or a token that was revoked
after the present catalogue was made does not come back.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Table, insert, inspect, select, update
from sqlalchemy.orm import Session

from repository.clock import parse_stamp
from repository.ledger.entry import append
from repository.rebuild.report import RebuildReport
from repository.tables import (
    Account,
    ApiToken,
    Base,
    Finding,
    LedgerEntry,
    RecordPlan,
    SavedSearch,
    Submission,
    SubmissionFile,
)

_SECRETS = (
    "password_hash",
    "must_change_password",
    "password_changed_at",
    "waiting_half",
    "past_passwords",
    "preferences",
    "last_seen_at",
    "previous_visit_at",
)
_ENDED = ("done", "rejected", "withdrawn")
_AT_ONCE = 500


def carry_over(session: Session, present: Session, report: RebuildReport) -> None:
    """Enter into the rebuilt catalogue of ``session`` what only ``present`` has; counts go into the report."""
    tables = set(inspect(present.connection()).get_table_names())  # an older catalogue lacks the newer ones
    since = _entries_since(session, present)
    report.counts["carried_passwords"] = _passwords(session, present, since)
    if ApiToken.__tablename__ in tables:
        report.counts["carried_tokens"] = _tokens(session, present, since)
    if SavedSearch.__tablename__ in tables:
        _copy(session, present, SavedSearch, SavedSearch.account_id.in_(_accounts(session)))
    report.counts["carried_submissions"] = _submissions(session, present)
    report.counts["carried_entries"] = _entries(session, present)


def _entries_since(session: Session, present: Session) -> list[dict[str, Any]]:
    """Bodies of what the stores tell of passwords and tokens and the present catalogue does not know."""
    wanted = LedgerEntry.act.in_(("account.password_reset", "account.password_changed", "token.revoked"))
    known = set(present.scalars(select(LedgerEntry.id).where(wanted)))
    rows = session.execute(select(LedgerEntry.id, LedgerEntry.body).where(wanted).order_by(LedgerEntry.seq))
    return [json.loads(body) for entry_id, body in rows if entry_id not in known]


def _passwords(session: Session, present: Session, since: Iterable[dict[str, Any]]) -> int:
    changed = {entry.get("account_id") for entry in since if entry["act"] != "token.revoked"}
    columns = [Account.__table__.c[name] for name in ("id", *_SECRETS)]
    known = _accounts(session)
    count = 0
    for row in present.execute(select(*columns)).mappings():
        if row["id"] in known and row["id"] not in changed:
            values = {name: row[name] for name in _SECRETS}
            session.execute(update(Account).where(Account.id == row["id"]).values(**values))
            count += row["password_hash"] is not None
    return count


def _tokens(session: Session, present: Session, since: Iterable[dict[str, Any]]) -> int:
    count = _copy(session, present, ApiToken, ApiToken.account_id.in_(_accounts(session)))
    for entry in since:
        if entry["act"] == "token.revoked":
            session.execute(
                update(ApiToken)
                .where(ApiToken.id == entry["token_id"], ApiToken.revoked_at.is_(None))
                .values(revoked_at=parse_stamp(entry["at"]))
            )
    return count


def _submissions(session: Session, present: Session) -> int:
    """Deposits under way that the stores know no later state of: their row, files, findings and plans."""
    rebuilt = dict(session.execute(select(Submission.id, Submission.revision)).tuples().all())
    wanted = select(Submission.id, Submission.revision).where(Submission.state.not_in(_ENDED))
    ids = [one for one, revision in present.execute(wanted) if rebuilt.get(one, 0) <= revision]
    for submission_id in ids:
        row = present.execute(select(Submission.__table__).where(Submission.id == submission_id)).mappings().one()
        values = {name: value for name, value in row.items() if name != "seq"}
        if submission_id in rebuilt:
            session.execute(update(Submission).where(Submission.id == submission_id).values(**values))
        else:
            session.execute(insert(Submission).values(**values))
        for table in (SubmissionFile, Finding):
            _copy(session, present, table, table.submission_id == submission_id)
        there = set(session.scalars(select(RecordPlan.record_id).where(RecordPlan.submission_id == submission_id)))
        _copy(
            session, present, RecordPlan, RecordPlan.submission_id == submission_id, RecordPlan.record_id.not_in(there)
        )
    return len(ids)


def _entries(session: Session, present: Session) -> int:
    """Entries that no block holds wait for one again, with the bytes they have."""
    known = set(session.scalars(select(LedgerEntry.id)))
    rows = present.execute(select(LedgerEntry.__table__).order_by(LedgerEntry.seq)).mappings()
    batch = [{name: value for name, value in row.items() if name != "seq"} for row in rows if row["id"] not in known]
    for start in range(0, len(batch), _AT_ONCE):
        append(session, batch[start : start + _AT_ONCE])
    return len(batch)


def _accounts(session: Session) -> set[str]:
    return set(session.scalars(select(Account.id)))


def _copy(session: Session, present: Session, mapped: type[Base], *where: Any) -> int:
    table = mapped.__table__
    assert isinstance(table, Table)
    names = [one.name for one in table.columns if one.name != "seq" and one.computed is None]
    count = 0
    found = present.execute(select(*(table.c[name] for name in names)).where(*where)).mappings()
    for batch in found.partitions(_AT_ONCE):
        session.execute(insert(table), [dict(row) for row in batch])
        count += len(batch)
    return count
