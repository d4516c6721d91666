"""Commands about accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from access.accounts import create_account, grant_role, reset_password
from lantai.cli.output import Json, emit, out, say
from lantai.cli.session import opened

account = typer.Typer(help="Accounts: create, reset a password, grant a role.", no_args_is_help=True)


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


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(account, name="account")
