"""The use register (使用登记册): every look at a record, and every refusal, entered by the program, never typed.

It is the ledger's stream ``use``: who, organ, what, why, when, in which form, under which request (domain S54).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select
from sqlalchemy.orm import Session

from access import use_counts
from access.actors import Actor, GrantHeld
from access.gate import allowed, require
from access.reach import kept
from access.register_lines import Filters, UseEntry, lines, read, values_of
from access.register_scope import hidden_cases, organs_named, readable
from metadata.errors import Forbidden
from metadata.profile import Profile
from metadata.rights import Permission
from repository.archive import Archive
from repository.ledger import acts
from repository.tables import AccessRequest, LedgerEntry

FORMS = ("screen", "print", "download", "export", "api", "report")
MOST_EXPORTED = 100_000
_COUNTED = 5_000
_BATCH = 1_000
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
    page: int | None = None,
    call_id: str | None = None,
    permission: str | None = None,
) -> None:
    """Enter one look in the caller's transaction: the look and its entry are there together or not at all.

    ``act`` is one of ``repository.ledger.acts.LOOKS``; ``form`` one of ``FORMS``; ``count`` how many things a list has
    that was taken out whole; ``page`` which page of a file was shown; ``call_id`` the number of the HTTP call;
    ``permission`` what was lacking, for a refusal. ``request_id`` is found from the grant that names the thing, whose
    request then says the purpose too, unless ``reason`` is in a person's own words.

    Enter before anything is handed out: ``Unavailable`` (``export.slowed``) when the person has taken out too much.
    """
    if form not in FORMS:
        raise ValueError(f"not a form of use: {form}")
    use_counts.count_look(
        session,
        archive=archive,
        actor=actor,
        act=act,
        form=form,
        record_id=record_id,
        case_file_id=case_file_id,
        file_id=file_id,
        rows=count,
    )
    grant = under_grant(actor, record_id, case_file_id)
    if grant is not None and request_id is None:
        request_id = grant.request_id
        if not grant.waiting:
            reason = _purpose(session, grant, archive.profile, reason)
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
        page=page,
        call_id=call_id,
        permission=permission,
    )


def put_off(session: Session, *, archive: Archive, actor: Actor, call_id: str | None = None) -> None:
    """Enter an export that was put off, and raise the alarm; it counts neither as an export nor as a refusal."""
    use_counts.export_put_off(session, archive=archive, actor=actor)
    acts.looked(
        session,
        at=archive.clock.now(),
        actor=actor.ref,
        act="access.refused",
        reason=use_counts.SLOWED,
        form="export",
        roles=actor.role_codes,
        call_id=call_id,
    )


def under_grant(actor: Actor, record_id: str | None, case_file_id: str | None) -> GrantHeld | None:
    """The grant under which ``actor`` looks at a record or case file: one in force, else a request put before her."""
    named = [one for one in actor.grants if record_id in one.record_ids or case_file_id in one.case_file_ids]
    return min(named, key=lambda one: one.waiting, default=None)


def _purpose(session: Session, grant: GrantHeld, profile: Profile, reason: str) -> str:
    """What the request says it is for; a reason that a person gave in words stays hers."""
    everyday = {one.code for one in profile.borrowing.purposes}
    if reason and reason not in everyday:
        return reason
    found = session.scalar(select(AccessRequest.purpose).where(AccessRequest.id == grant.request_id))
    return found or reason


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
    """The register, newest first, ``after`` the ``seq`` of the last line seen. Not gated: see ``register``, ``veiled``."""
    filters = Filters(record_id=record_id, case_file_id=case_file_id, actor_id=actor_id, organ_id=organ_id)
    values = values_of(filters, "UTC", after, limit)
    return read(session, lines(frozenset(values)), values)


def register(
    session: Session,
    actor: Actor,
    profile: Profile,
    *,
    filters: Filters | None = None,
    zone: str = "UTC",
    record_id: str | None = None,
    case_file_id: str | None = None,
    after: int | None = None,
    limit: int = 50,
) -> list[UseEntry]:
    """The register as ``actor`` may read it: with ``use_register.read`` that of the own divisions, else own looks only.

    Who may read requests finds their steps among the looks. Names of people of organs that the reader has nothing to do
    with are masked. ``Forbidden`` when not even the own looks may be read.
    """
    asked = filters or Filters(record_id=record_id, case_file_id=case_file_id)
    wide = reads_others(actor, profile)
    if not wide:
        require(actor, Permission.USE_REGISTER_OWN, profile)
    named = organs_named(session, actor, profile) if wide else None
    streams = [acts.USE]
    if wide and asked.form is None and allowed(actor, Permission.REQUEST_READ, profile):
        streams.append(acts.ACTS)
    found: list[UseEntry] = []
    values = values_of(asked, zone, after, limit)
    for stream in streams:
        question = kept(
            actor, (f"register {stream}", _names(values)), profile, partial(_lines, actor, profile, stream, values)
        )
        found += read(session, question, values, named, actor.id)
    return veiled(session, actor, profile, sorted(found, key=lambda one: one.seq, reverse=True)[:limit])


def veiled(session: Session, actor: Actor, profile: Profile, found: Sequence[UseEntry]) -> list[UseEntry]:
    """``found`` as ``actor`` may read it: a refused look names no case file that she may not know of."""
    meant = {one.case_file_id for one in found if one.act == "access.refused" and one.case_file_id}
    hidden = hidden_cases(session, actor, profile, meant)
    return [
        replace(one, case_file_id=None) if one.act == "access.refused" and one.case_file_id in hidden else one
        for one in found
    ]


def reads_others(actor: Actor, profile: Profile) -> bool:
    """Whether ``actor`` may read the looks of others, somewhere."""
    return allowed(actor, Permission.USE_REGISTER_READ, profile)


@dataclass(frozen=True, slots=True)
class Totals:
    """Looks by form; ``more``: there are older ones, which were not counted."""

    forms: dict[str, int]
    more: bool

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.forms.values())


def totals(session: Session, actor: Actor, profile: Profile, filters: Filters, *, zone: str = "UTC") -> Totals:
    """How many of the looks that ``register`` would give there are of each form.

    Counted are those among the newest 5,000 that the filters name, whoever may read them: who reads few of a long
    register waits no longer than who reads all.
    """
    asked = filters if reads_others(actor, profile) else replace(filters, actor_id=actor.id)
    values = values_of(asked, zone, None, _COUNTED)
    question = kept(actor, ("register counted", _names(values)), profile, partial(_counting, actor, profile, values))
    rows = session.execute(question, values).tuples()
    through, forms = 0, dict[str, int]()
    for form, count, of_these in rows:
        through += count
        if of_these:
            forms[form or "screen"] = int(of_these)
    return Totals(dict(sorted(forms.items())), bool(forms) and through >= _COUNTED)


def _names(values: Mapping[str, Any]) -> str:
    return " ".join(sorted(values))


def _reads(actor: Actor, profile: Profile) -> ColumnElement[bool]:
    return readable(actor, profile) if reads_others(actor, profile) else LedgerEntry.actor_id == actor.id


def _lines(actor: Actor, profile: Profile, stream: str, values: Mapping[str, Any]) -> Select[Any]:
    return lines(frozenset(values), stream).where(_reads(actor, profile))


def _counting(actor: Actor, profile: Profile, values: Mapping[str, Any]) -> Select[Any]:
    counted = case((_reads(actor, profile), 1), else_=0).label("read")
    newest = lines(frozenset(values)).with_only_columns(LedgerEntry.form, counted).subquery("newest")
    counts = select(newest.c.form, func.count(), func.sum(newest.c.read))
    return counts.group_by(newest.c.form)  # sorted by the caller: a database that must sort would sort all of them


def require_export(actor: Actor, profile: Profile) -> None:
    """``Forbidden`` unless ``actor`` may take the register out: the auditor, and whoever sits at the console."""
    if actor.kind != "console" and not allowed(actor, Permission.USE_REGISTER_EXPORT, profile):
        raise Forbidden(
            "use_register.export_forbidden",
            zh="只有安全审计员可以导出使用登记册。如工作需要，请与其联系。",
            en="Only the auditor takes the use register out. Ask the auditor if your work needs it.",
            permission=Permission.USE_REGISTER_EXPORT.value,
        )


def walk(archive: Archive, actor: Actor, filters: Filters, *, most: int = MOST_EXPORTED) -> Iterator[UseEntry]:
    """Entries for an export, newest first, at most ``most``; a batch a transaction, so that no writer waits."""
    after: int | None = None
    given = 0
    while given < most:
        with archive.reading() as session:
            found = register(
                session,
                actor,
                archive.profile,
                filters=filters,
                zone=archive.zone,
                after=after,
                limit=min(_BATCH, most - given),
            )
        yield from found
        given += len(found)
        if len(found) < min(_BATCH, most):
            return
        after = found[-1].seq
