"""What administrators do: organs, accounts, roles and sessions. Pages and API share it; ``access`` asks who may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from access import accounts, organs, sessions
from lantai.web.visit import Visit
from metadata.errors import Invalid
from metadata.rights import Permission


@dataclass(frozen=True, slots=True)
class Half:
    """One half of a one-time password, told this once; ``part`` is 1 or 2."""

    username: str
    part: int
    text: str


def kept_by(visit: Visit) -> Permission:
    """With which right this administrator sees accounts; ``Forbidden`` when with none."""
    if visit.may(Permission.GRANT_WRITE):
        return Permission.GRANT_WRITE
    visit.require(Permission.ACCOUNT_WRITE)
    return Permission.ACCOUNT_WRITE


def day(text: str) -> date | None:
    """A day as ``2026-11-23``; nothing for an empty field, ``Invalid`` (``day.malformed``) for what is no day."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "day.malformed",
            zh="日期应写作 2026-11-23。请改正。",
            en="A day is written 2026-11-23. Correct it.",
        ) from None


def enter_organ(
    visit: Visit, *, code: str, name_zh: str, name_en: str, level: str, division: str, superior: str
) -> None:
    """Enter an organ below another one, or at the top."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        organs.create_organ(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            code=code,
            name_zh=name_zh,
            name_en=name_en,
            level=level,
            division_prefix=division,
            parent_code=superior or None,
        )


def change_organ(
    visit: Visit,
    code: str,
    *,
    name_zh: str,
    name_en: str,
    level: str,
    division: str,
    superior: str,
    seen: int | None,
) -> None:
    """Give an organ another name and another place, both or neither; ``seen``: the revision that the person saw."""
    visit.require(Permission.ACCOUNT_WRITE)
    archive, person = visit.site.archive, visit.person
    with visit.writing() as session:
        organ = organs.rename_organ(
            session, archive=archive, actor=person, code=code, name_zh=name_zh, name_en=name_en, seen=seen
        )
        above = organs.superior_code(session, organ)
        if (level, division, superior or None) != (organ.level, organ.division_prefix, above):
            organs.move_organ(
                session,
                archive=archive,
                actor=person,
                code=code,
                parent_code=superior or None,
                division_prefix=division,
                level=level,
            )


def close_organ(visit: Visit, code: str) -> None:
    """Close an organ in which nobody works."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        organs.close_organ(session, archive=visit.site.archive, actor=visit.person, code=code)


def reopen_organ(visit: Visit, code: str) -> None:
    """Take an organ into use again."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        organs.reopen_organ(session, archive=visit.site.archive, actor=visit.person, code=code)


def enter_account(visit: Visit, *, username: str, name: str, organ: str) -> tuple[str, Half]:
    """A new account without roles, and the first half of its one-time password."""
    visit.require(Permission.ACCOUNT_WRITE)
    archive, person = visit.site.archive, visit.person
    with visit.writing() as session:
        made = accounts.create_account(
            session, archive=archive, actor=person, username=username, display_name=name, organ_code=organ
        )
        text = accounts.reset_password(session, archive=archive, actor=person, username=made.username)
        return made.id, Half(made.username, 1, text)


def change_account(visit: Visit, account: str, *, name: str | None, organ: str | None, seen: int | None) -> None:
    """Another name or organ of a person."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        accounts.change_account(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            username=account,
            display_name=name,
            organ_code=organ,
            seen=seen,
        )


def close_account(visit: Visit, account: str) -> None:
    """Close an account, with everything that opened it."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        accounts.close_account(session, archive=visit.site.archive, actor=visit.person, username=account)


def reopen_account(visit: Visit, account: str) -> None:
    """Open an account again, without roles and password."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        accounts.reopen_account(session, archive=visit.site.archive, actor=visit.person, username=account)


def reset_password(visit: Visit, account: str) -> Half:
    """A new one-time password: its first half."""
    visit.require(Permission.ACCOUNT_WRITE)
    with visit.writing() as session:
        text = accounts.reset_password(session, archive=visit.site.archive, actor=visit.person, username=account)
        return Half(account, 1, text)


def hand_over(visit: Visit, account: str) -> Half:
    """The second half of a one-time password that waits."""
    visit.require(Permission.GRANT_WRITE)
    with visit.writing() as session:
        text = accounts.hand_over(session, archive=visit.site.archive, actor=visit.person, username=account)
        return Half(account, 2, text)


def grant_role(
    visit: Visit, account: str, *, role: str, organ: str, starts_on: date | None, ends_on: date | None
) -> None:
    """Give a person a role in an organ."""
    visit.require(Permission.GRANT_WRITE)
    with visit.writing() as session:
        accounts.grant_role(
            session,
            archive=visit.site.archive,
            actor=visit.person,
            username=account,
            role=role,
            organ_code=organ,
            starts_on=starts_on,
            ends_on=ends_on,
        )


def end_role(visit: Visit, account: str, *, role: str, organ: str) -> None:
    """End a role at once."""
    visit.require(Permission.GRANT_WRITE)
    with visit.writing() as session:
        accounts.revoke_role(
            session, archive=visit.site.archive, actor=visit.person, username=account, role=role, organ_code=organ
        )


def end_session(visit: Visit, session_id: str) -> None:
    """End a session: one's own, or anybody's for who keeps the accounts."""
    with visit.writing() as session:
        sessions.end_session(session, archive=visit.site.archive, actor=visit.person, session_id=session_id)
