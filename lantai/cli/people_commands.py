"""Commands about accounts and their access tokens."""

from __future__ import annotations

from typing import Annotated

import typer

from access.accounts import create_account, grant_role, reset_password
from access.tokens import DAYS, create_token, revoke_token, tokens
from lantai.cli.output import Json, emit, out, say, table
from lantai.cli.session import opened

account = typer.Typer(help="Accounts: create, reset a password, grant a role.", no_args_is_help=True)
token = typer.Typer(help="Access tokens with which programs act as an account.", no_args_is_help=True)


@account.command()
def create(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    *,
    name: Annotated[str, typer.Option(help="Name as shown.")],
    role: Annotated[list[str], typer.Option(help="Role code; may be repeated.")],
    organ: Annotated[str, typer.Option(help="Organ code.")] = "bureau",
    json: Json = False,
) -> None:
    """Create an account with a random first password, printed once."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        made = create_account(
            session,
            archive=site.archive,
            actor=actor,
            username=username,
            display_name=name,
            organ_code=organ,
            password=None,
            roles=[(one, organ) for one in role],
        )
        password = reset_password(session, archive=site.archive, actor=actor, username=username)
        account_id = made.id
    _show(username, account_id, password, json=json)


@account.command()
def reset(username: Annotated[str, typer.Argument(help="Name to sign in with.")], *, json: Json = False) -> None:
    """Give an account a new random password, printed once; needed for everybody after a rebuild."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        password = reset_password(session, archive=site.archive, actor=actor, username=username)
    _show(username, None, password, json=json)


@account.command()
def grant(
    username: Annotated[str, typer.Argument(help="Name to sign in with.")],
    role: Annotated[str, typer.Argument(help="Role code.")],
    *,
    organ: Annotated[str, typer.Option(help="Organ code.")] = "bureau",
    json: Json = False,
) -> None:
    """Give an account one more role in an organ."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        grant_role(session, archive=site.archive, actor=actor, username=username, role=role, organ_code=organ)
    if json:
        emit({"username": username, "role": role, "organ": organ})
    else:
        say(f"已授予 {username} 角色 {role}（{organ}）。", f"{username} now holds {role} in {organ}.")


def _show(username: str, account_id: str | None, password: str, *, json: bool) -> None:
    if json:
        emit({"username": username, "id": account_id, "password": password})
        return
    say(f"帐号 {username} 的新口令（只显示这一次）：", f"New password of {username} (shown this once):")
    out.print(password, markup=False)


@token.command("create")
def create_one(
    username: Annotated[str, typer.Argument(help="Account that the program acts as.")],
    *,
    label: Annotated[str, typer.Option(help="What it is for.")],
    days: Annotated[int, typer.Option(help="How long it lasts.")] = DAYS,
    permission: Annotated[
        list[str] | None, typer.Option(help="What it may do at most, for example `deposit`; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Make an access token, printed once: keep it in a file for `lantai ingest --token-file`."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        made, text = create_token(
            session,
            archive=site.archive,
            actor=actor,
            username=username,
            label=label,
            days=days,
            permissions=permission or (),
        )
        shown = {"id": made.id, "username": username, "expires_at": made.expires_at, "token": text}
    if json:
        emit(shown)
        return
    say(f"{username} 的访问令牌 {made.id}（只显示这一次）：", f"Access token of {username} (shown this once):")
    out.print(text, markup=False)


@token.command("list")
def list_all(*, json: Json = False) -> None:
    """List access tokens of all accounts, newest first; none tells its text."""
    with opened() as (site, _actor), site.archive.reading() as session:
        now = site.archive.clock.now()
        lines = [
            {
                "id": one.id,
                "username": owner.username,
                "label": one.label,
                "permissions": one.permissions,
                "state": "revoked" if one.revoked_at else "expired" if one.expires_at <= now else "live",
                "expires_at": one.expires_at.isoformat(),
                "last_used_at": one.last_used_at.isoformat() if one.last_used_at else None,
            }
            for one, owner in tokens(session)
        ]
    if json:
        emit({"tokens": lines})
        return
    columns = ("id", "username", "label", "state", "expires_at", "last_used_at")
    table(columns, [[one[name] for name in columns] for one in lines])


@token.command("revoke")
def revoke_one(token_id: Annotated[str, typer.Argument(help="Id of the token.")], *, json: Json = False) -> None:
    """End an access token at once."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        revoke_token(session, archive=site.archive, actor=actor, token_id=token_id)
    if json:
        emit({"id": token_id, "state": "revoked"})
    else:
        say(f"令牌 {token_id} 已撤销。", f"Token {token_id} was revoked.")


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(account, name="account")
    app.add_typer(token, name="token")
