"""The use register (使用登记册): every look at a record, and every refusal, entered by the program, never typed.

It is the ledger's stream ``use``: who, organ, what, why, when, in which form.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, false, or_, select
from sqlalchemy.orm import Session

from access.actors import Actor
from access.gate import allowed, require, visible_cases, visible_records
from access.scope import within_divisions
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import acts
from repository.tables import Account, CaseFile, LedgerEntry, Organ, Record

FORMS = ("screen", "download", "export", "api", "report")
_LONGEST_REASON = 200


def looked(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    act: str,
    record_id: str | None = None,
    case_file_id: str | None = None,
    file_id: str | None = None,
    reason: str,
    form: str,
    request_id: str | None = None,
    count: int | None = None,
) -> None:
    """Enter one look in the caller's transaction: the look and its entry are there together or not at all.

    ``act`` is one of ``repository.ledger.acts.LOOKS``; ``form`` one of ``FORMS``; ``count`` how many things a list has
    that was taken out whole.
    """
    if form not in FORMS:
        raise ValueError(f"not a form of use: {form}")
    acts.looked(
        session,
        at=archive.clock.now(),
        actor=actor.ref,
        act=act,
        reason=" ".join(reason.split())[:_LONGEST_REASON],
        form=form,
        record_id=record_id,
        case_file_id=case_file_id,
        file_id=file_id,
        request_id=request_id,
        roles=actor.role_codes,
        count=count,
    )


@dataclass(frozen=True, slots=True)
class UseEntry:
    """One line of the register; ``actor_name`` and ``organ_name`` are as known today, never part of the ledger."""

    seq: int
    id: str
    at: datetime
    act: str
    actor_id: str
    actor_name: str
    organ_id: str | None
    organ_name: str
    record_id: str | None
    case_file_id: str | None
    file_id: str | None
    reason: str
    form: str
    request_id: str | None
    count: int | None = None


def _read(session: Session, wanted: Select[tuple[LedgerEntry, str, str]]) -> list[UseEntry]:
    found = []
    for entry, actor_name, organ_name in session.execute(wanted).tuples():
        body = json.loads(entry.body)
        found.append(
            UseEntry(
                seq=entry.seq,
                id=entry.id,
                at=entry.at,
                act=entry.act,
                actor_id=entry.actor_id,
                actor_name=actor_name or entry.actor_id,
                organ_id=entry.organ_id,
                organ_name=organ_name or "",
                record_id=entry.record_id,
                case_file_id=entry.case_file_id,
                file_id=body.get("file_id"),
                reason=body.get("reason", ""),
                form=body.get("form", ""),
                request_id=body.get("request_id"),
                count=body.get("count"),
            )
        )
    return found


def _wanted(
    record_id: str | None, case_file_id: str | None, actor_id: str | None, organ_id: str | None, after: int | None
) -> Select[tuple[LedgerEntry, str, str]]:
    wanted = (
        select(LedgerEntry, Account.display_name, Organ.name_zh)
        .outerjoin(Account, Account.id == LedgerEntry.actor_id)
        .outerjoin(Organ, Organ.id == LedgerEntry.organ_id)
        .where(LedgerEntry.stream == acts.USE)
        .order_by(LedgerEntry.seq.desc())
    )
    given = {"record_id": record_id, "case_file_id": case_file_id, "actor_id": actor_id, "organ_id": organ_id}
    for column, value in given.items():
        if value is not None:
            wanted = wanted.where(getattr(LedgerEntry, column) == value)
    return wanted if not after else wanted.where(LedgerEntry.seq < after)


def entries(
    session: Session,
    *,
    record_id: str | None = None,
    case_file_id: str | None = None,
    actor_id: str | None = None,
    organ_id: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[UseEntry]:
    """The register, newest first, ``after`` the ``seq`` of the last line seen. Not gated: see ``register``."""
    return _read(session, _wanted(record_id, case_file_id, actor_id, organ_id, after).limit(limit))


def _readable(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    """Entries about what the actor may see, and by organs within the divisions of a role that reads the register."""
    criteria: list[ColumnElement[bool]] = [LedgerEntry.actor_id == actor.id]
    for held in actor.roles if not actor.narrowed_from(Permission.USE_REGISTER_READ) else ():
        role = profile.roles.get(held.role)
        if role is None or Permission.USE_REGISTER_READ not in role.permissions:
            continue
        if held.everywhere:
            criteria.append(LedgerEntry.stream == acts.USE)
            continue
        organs = select(Organ.id).where(within_divisions(Organ.division_prefix, held.division_prefix))
        criteria.append(LedgerEntry.organ_id.in_(organs))
        criteria.append(LedgerEntry.record_id.in_(select(Record.id).where(visible_records(actor, profile))))
        criteria.append(LedgerEntry.case_file_id.in_(select(CaseFile.id).where(visible_cases(actor, profile))))
    return or_(*criteria) if criteria else false()


def register(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    record_id: str | None = None,
    case_file_id: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[UseEntry]:
    """The register as ``actor`` may read it: with ``use_register.read`` that of the own divisions, else own looks only.

    ``Forbidden`` when not even the own looks may be read.
    """
    wanted = _wanted(record_id, case_file_id, None, None, after).limit(limit)
    if allowed(actor, Permission.USE_REGISTER_READ, profile):
        return _read(session, wanted.where(_readable(actor, profile)))
    require(actor, Permission.USE_REGISTER_OWN, profile)
    return _read(session, wanted.where(LedgerEntry.actor_id == actor.id))
