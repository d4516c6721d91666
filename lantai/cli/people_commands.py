"""Commands about organs, accounts, roles, sessions and access tokens; the console may do what three administrators share."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from access import account_lists, accounts, organs, sessions
from access.account_finding import account_by_name
from access.account_lists import AccountFilter
from access.organ_tree import organ_tree
from lantai.cli import token_commands
from lantai.cli.output import Json, emit, out, say, table
from lantai.cli.session import opened
from metadata.rights import Permission
from repository.clock import local_date

account = typer.Typer(
    help="Accounts: create, change, close, reset a password, grant and end roles.", no_args_is_help=True
)
organ = typer.Typer(help="Organs: the tree of who works where.", no_args_is_help=True)
login = typer.Typer(help="Sessions: who is signed in where.", no_args_is_help=True)
Username = Annotated[str, typer.Argument(help="Name to sign in with.")]
OrganCode = Annotated[str, typer.Argument(help="Organ code.")]
Day = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])]


@account.command()
def create(
    username: Username,
    *,
    name: Annotated[str, typer.Option(help="Name as shown.")],
    role: Annotated[list[str], typer.Option(help="Role code; may be repeated.")],
    organ: Annotated[str, typer.Option(help="Organ code.")] = "bureau",
    json: Json = False,
) -> None:
    """Create an account with a random first password, printed once."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        made = accounts.create_account(
            session,
            archive=site.archive,
            actor=actor,
            username=username,
            display_name=name,
            organ_code=organ,
            password=None,
            roles=[(one, organ) for one in role],
        )
        password = accounts.reset_password(session, archive=site.archive, actor=actor, username=username)
        account_id = made.id
    _show(username, account_id, password, json=json)


@account.command()
def reset(username: Username, *, json: Json = False) -> None:
    """Give an account a new random password, printed once; sessions and tokens end. Needed for everybody after a rebuild."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        password = accounts.reset_password(session, archive=site.archive, actor=actor, username=username)
    _show(username, None, password, json=json)


def _show(username: str, account_id: str | None, password: str, *, json: bool) -> None:
    if json:
        emit({"username": username, "id": account_id, "password": password})
        return
    say(f"帐号 {username} 的新口令（只显示这一次）：", f"New password of {username} (shown this once):")
    out.print(password, markup=False)


@account.command()
def grant(
    username: Username,
    role: Annotated[str, typer.Argument(help="Role code.")],
    *,
    organ: Annotated[str, typer.Option(help="Organ code.")] = "bureau",
    starts: Day = None,
    ends: Day = None,
    json: Json = False,
) -> None:
    """Give an account one more role in an organ, from --starts (today) until before --ends."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        accounts.grant_role(
            session,
            archive=site.archive,
            actor=actor,
            username=username,
            role=role,
            organ_code=organ,
            starts_on=starts.date() if starts else None,
            ends_on=ends.date() if ends else None,
        )
    if json:
        emit({"username": username, "role": role, "organ": organ})
    else:
        say(f"已授予 {username} 角色 {role}（{organ}）。", f"{username} now holds {role} in {organ}.")


@account.command("end-role")
def end_role(
    username: Username,
    role: Annotated[str, typer.Argument(help="Role code.")],
    *,
    organ: Annotated[str, typer.Option(help="Organ code.")] = "bureau",
    json: Json = False,
) -> None:
    """End a role at once."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        accounts.revoke_role(session, archive=site.archive, actor=actor, username=username, role=role, organ_code=organ)
    if json:
        emit({"username": username, "role": role, "organ": organ, "state": "ended"})
    else:
        say(f"{username} 的角色 {role}（{organ}）已终止。", f"{username} holds {role} in {organ} no longer.")


@account.command()
def change(
    username: Username,
    *,
    name: Annotated[str | None, typer.Option(help="Name as shown.")] = None,
    organ: Annotated[str | None, typer.Option(help="Organ code.")] = None,
    json: Json = False,
) -> None:
    """Change a person's name or organ; the roles stay where they are held."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        accounts.change_account(
            session, archive=site.archive, actor=actor, username=username, display_name=name, organ_code=organ
        )
    _done(username, "changed", json=json)


@account.command()
def close(username: Username, *, json: Json = False) -> None:
    """Close an account: its roles, sessions and tokens end; its history stays."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        accounts.close_account(session, archive=site.archive, actor=actor, username=username)
    _done(username, "closed", json=json)


@account.command()
def reopen(username: Username, *, json: Json = False) -> None:
    """Open an account again, without roles and without a password."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        accounts.reopen_account(session, archive=site.archive, actor=actor, username=username)
    _done(username, "open", json=json)


_WORDS = {"changed": ("已更改", "was changed"), "closed": ("已停用", "is closed"), "open": ("在用", "is open")}


def _done(name: str, state: str, *, json: bool) -> None:
    if json:
        emit({"name": name, "state": state})
        return
    zh, en = _WORDS[state]
    say(f"{name} {zh}。", f"{name} {en}.")


@account.command("list")
def list_accounts(
    *,
    words: Annotated[str, typer.Option(help="Part of the user name or the person's name.")] = "",
    organ: Annotated[str, typer.Option(help="Organ code.")] = "",
    role: Annotated[str, typer.Option(help="Role code.")] = "",
    state: Annotated[str, typer.Option(help="open, closed, waiting or roleless.")] = "",
    after: Annotated[str, typer.Option(help="User name after which to go on.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=200)] = 100,
    json: Json = False,
) -> None:
    """List accounts by user name with the roles that have not ended."""
    with opened() as (site, actor), site.archive.reading() as session:
        today = local_date(site.archive.clock.now(), site.archive.zone)
        lines = [
            {
                "username": one.account.username,
                "name": one.account.display_name,
                "organ": one.organ.code,
                "roles": [
                    f"{held.role}@{where.code}"
                    for held, where in one.roles
                    if held.ends_on is None or held.ends_on > today
                ],
                "state": "open" if one.account.active else "closed",
            }
            for one in account_lists.accounts(
                session,
                actor,
                archive=site.archive,
                permission=Permission.ACCOUNT_WRITE,
                wanted=AccountFilter(words, organ, role, state),
                after=after,
                limit=limit,
            )
        ]
    if json:
        emit({"accounts": lines})
        return
    table(
        ("username", "name", "organ", "roles", "state"),
        [[one["username"], one["name"], one["organ"], " ".join(one["roles"]), one["state"]] for one in lines],
    )


@organ.command("create")
def create_organ(
    code: OrganCode,
    *,
    name: Annotated[str, typer.Option(help="Name in Chinese.")],
    level: Annotated[str, typer.Option(help="Level, for example TS.")],
    division: Annotated[str, typer.Option(help="Division code; empty outside the divisions.")] = "",
    superior: Annotated[str, typer.Option(help="Code of the organ above.")] = "",
    english: Annotated[str, typer.Option(help="Name in English.")] = "",
    json: Json = False,
) -> None:
    """Enter an organ."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        organs.create_organ(
            session,
            archive=site.archive,
            actor=actor,
            code=code,
            name_zh=name,
            name_en=english,
            level=level,
            division_prefix=division,
            parent_code=superior or None,
        )
    _done(code, "open", json=json)


@organ.command("rename")
def rename_organ(
    code: OrganCode,
    *,
    name: Annotated[str, typer.Option(help="Name in Chinese.")],
    english: Annotated[str, typer.Option(help="Name in English.")] = "",
    json: Json = False,
) -> None:
    """Give an organ another name; what it deposited keeps the name of its time."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        organs.rename_organ(session, archive=site.archive, actor=actor, code=code, name_zh=name, name_en=english)
    _done(code, "changed", json=json)


@organ.command("move")
def move_organ(
    code: OrganCode,
    *,
    superior: Annotated[str, typer.Option(help="Code of the organ above; empty: at the top.")],
    division: Annotated[str | None, typer.Option(help="New division code.")] = None,
    level: Annotated[str | None, typer.Option(help="New level.")] = None,
    json: Json = False,
) -> None:
    """Put an organ below another, with other divisions or another level where the law renumbers them."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        organs.move_organ(
            session,
            archive=site.archive,
            actor=actor,
            code=code,
            parent_code=superior or None,
            division_prefix=division,
            level=level,
        )
    _done(code, "changed", json=json)


@organ.command("close")
def close_organ(code: OrganCode, *, json: Json = False) -> None:
    """Close an organ that has no open accounts, roles in force or organs below it."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        organs.close_organ(session, archive=site.archive, actor=actor, code=code)
    _done(code, "closed", json=json)


@organ.command("reopen")
def reopen_organ(code: OrganCode, *, json: Json = False) -> None:
    """Take an organ into use again."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        organs.reopen_organ(session, archive=site.archive, actor=actor, code=code)
    _done(code, "open", json=json)


@organ.command("list")
def list_organs(*, json: Json = False) -> None:
    """List organs as a tree."""
    with opened() as (site, actor), site.archive.reading() as session:
        lines = [
            {
                "code": one.organ.code,
                "name": one.organ.name_zh,
                "level": one.organ.level,
                "division": one.organ.division_prefix,
                "depth": one.depth,
                "accounts": one.accounts,
                "state": "closed" if one.organ.closed_at else "open",
            }
            for one in organ_tree(session, actor, site.archive.profile)
        ]
    if json:
        emit({"organs": lines})
        return
    columns = ("code", "name", "level", "division", "accounts", "state")
    rows = [[f"{'  ' * int(str(one['depth']))}{one['code']}", *(one[name] for name in columns[1:])] for one in lines]
    table(columns, rows)


@login.command("list")
def list_sessions(
    *, username: Annotated[str, typer.Option(help="Only of this account.")] = "", json: Json = False
) -> None:
    """List signed-in browsers, newest first."""
    with opened() as (site, actor), site.archive.reading() as session:
        whose = account_by_name(session, username).id if username else None
        lines = [
            {
                "id": one.id,
                "username": owner.username,
                "device": one.device,
                "created_at": one.created_at.isoformat(),
                "last_seen_at": one.last_seen_at.isoformat(),
            }
            for one, owner in sessions.sessions(session, actor, archive=site.archive, account_id=whose, limit=200)
        ]
    if json:
        emit({"sessions": lines})
        return
    columns = ("id", "username", "device", "created_at", "last_seen_at")
    table(columns, [[one[name] for name in columns] for one in lines])


@login.command("end")
def end_session(session_id: Annotated[str, typer.Argument(help="Id of the session.")], *, json: Json = False) -> None:
    """Sign a browser out."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        sessions.end_session(session, archive=site.archive, actor=actor, session_id=session_id)
    if json:
        emit({"id": session_id, "state": "ended"})
    else:
        say(f"会话 {session_id} 已终止。", f"The session {session_id} was ended.")


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(organ, name="organ")
    app.add_typer(account, name="account")
    app.add_typer(login, name="session")
    token_commands.add_to(app)
