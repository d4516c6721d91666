"""Commands about access tokens, with which programs act as an account, and about the log of acts."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from access.ledger_reading import LogFilter, log
from access.tokens import DAYS, create_token, revoke_token, tokens
from lantai.cli.output import Json, emit, out, say, table
from lantai.cli.session import opened

token = typer.Typer(help="Access tokens with which programs act as an account.", no_args_is_help=True)


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


def read_log(
    *,
    act: Annotated[str, typer.Option(help="Code of an act; with a dot at its end all that begin so.")] = "",
    person: Annotated[str, typer.Option(help="User name: who acted or whom it concerns.")] = "",
    organ: Annotated[str, typer.Option(help="Organ code.")] = "",
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    until: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"])] = None,
    before: Annotated[int, typer.Option(help="Number of the entry before which to go on.")] = 0,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    json: Json = False,
) -> None:
    """Read the ledger's acts, newest first; `lantai ledger verify` checks that it is whole."""
    wanted = LogFilter(act, person, organ, since.date() if since else None, until.date() if until else None)
    with opened() as (site, actor), site.archive.reading() as session:
        lines = [
            {
                "seq": one.seq,
                "at": one.at.isoformat(),
                "act": one.act,
                "who": one.who,
                "organ": one.organ,
                "facts": one.facts,
            }
            for one in log(session, actor, archive=site.archive, wanted=wanted, before=before, limit=limit)
        ]
    if json:
        emit({"acts": lines})
        return
    columns = ("seq", "at", "act", "who", "organ")
    table(columns, [[one[name] for name in columns] for one in lines])


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(token, name="token")
    app.command("log")(read_log)
