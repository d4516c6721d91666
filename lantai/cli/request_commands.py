"""Commands about requests for access and grants: list, show, decide, revoke.

Whoever stands at the console approves nothing of her own accord: a decision is entered on the order of an approver, who
is named, must hold the role that the rule names, and is not the asker.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from access import grants, letters, request_decisions, requests, use_register
from access.account_finding import account_by_name
from access.actors import Actor, actor_of
from access.request_decisions import Decision
from lantai.cli.output import Json, Reason, emit, say, table
from lantai.cli.session import opened
from lantai.site import Site
from lantai.web.display import masked, moment
from metadata.errors import Conflict
from repository.clock import local_date

request = typer.Typer(help="Requests for access and grants: list, show, decide, revoke.", no_args_is_help=True)

Number = Annotated[str, typer.Argument(metavar="REQUEST", help="Number (JY2026-000001) or id.")]


def _enter(session: Session, site: Site, actor: Actor, request_id: str, reason: str) -> None:
    use_register.looked(
        session,
        archive=site.archive,
        actor=actor,
        act="request.viewed",
        reason=reason,
        form="screen",
        request_id=request_id,
    )


@request.command("list")
def list_(
    *,
    state: Annotated[
        list[str] | None, typer.Option(help="submitted, questioned, approved … ; may be repeated.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=200)] = 50,
    json: Json = False,
) -> None:
    """Requests, newest first."""
    with opened() as (site, actor), site.archive.reading() as session:
        zone = site.archive.zone
        found = requests.about(session, actor, site.archive.profile, states=state or (), limit=limit)
        lines = [
            {
                "number": one.number,
                "id": one.id,
                "state": one.state,
                "requester": one.requester,
                "purpose": one.purpose,
                "wanted": one.wanted.get("kind", ""),
                "days": one.days,
                "approver": one.approver_role,
                "submitted": moment(one.submitted_at, zone),
            }
            for one in found
        ]
    if json:
        emit({"requests": lines})
        return
    columns = ("number", "state", "requester", "purpose", "wanted", "days", "approver", "submitted")
    table(columns, [[one[name] for name in columns] for one in lines])


@request.command()
def show(
    number: Number,
    *,
    letter: Annotated[Path | None, typer.Option(help="Write the letter to this file.")] = None,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """One request: who asks, for what, every step, what it means in the holdings, its grant."""
    if letter is not None:
        _refuse_to_overwrite(letter)
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        row = requests.get(session, actor, number, site.archive.profile)
        _enter(session, site, actor, row.id, reason)
        grant = grants.of_request(session, row)
        shown: dict[str, Any] = {
            "number": row.number,
            "id": row.id,
            "state": row.state,
            "decision": row.decision,
            "account": row.account_id,
            "requester": row.requester,
            "purpose": row.purpose,
            "purpose_text": masked(row.purpose_text),
            "wanted": row.wanted,
            "details": row.details,
            "form": row.form,
            "numbers": row.numbers,
            "days": row.days,
            "approver": row.approver_role,
            "story": [{**one, "words": masked(str(one.get("words", "")))} for one in row.told],
            "means": [
                {"kind": one.kind, "id": one.id, "cannot": one.bar, "granted": one.granted}
                for one in request_decisions.meant(session, site.archive, row)
            ],
            "grant": None
            if grant is None
            else {
                "id": grant.id,
                "permissions": grant.permissions,
                "ends": moment(grant.ends_at, site.archive.zone),
                "in_force": grants.in_force(grant, site.archive.clock.now()),
            },
        }
        data = letters.read(session, site.archive, row.letter_id).data if letter and row.letter_id else None
    if letter is not None and data is not None:
        letter.write_bytes(data)
    if json:
        emit(shown)
        return
    _print(shown, site.archive.zone)


def _refuse_to_overwrite(path: Path) -> None:
    if path.exists():
        raise Conflict(
            "letter.file_exists",
            zh=f"{path} 已存在，未覆盖。请换一个文件名。",
            en=f"{path} exists and was not overwritten. Name another file.",
            file=str(path),
        )


def _print(shown: dict[str, Any], zone: str) -> None:
    left_out = ("story", "means", "grant", "wanted", "details")
    facts = {name: value for name, value in shown.items() if name not in left_out}
    table(("", ""), [*facts.items(), *shown["wanted"].items(), *shown["details"].items()])
    table(
        ("at", "step", "who", "words"),
        [
            (moment(datetime.fromisoformat(one["at"]), zone), one["act"], one["actor_id"], one["words"])
            for one in shown["story"]
        ],
    )
    table(("kind", "id", "cannot", "granted"), [tuple(one.values()) for one in shown["means"]])
    if shown["grant"]:
        table(("grant", "permissions", "ends", "in force"), [tuple(map(str, shown["grant"].values()))])


@request.command()
def decide(
    number: Number,
    *,
    approver: Annotated[str, typer.Option(help="User name of the approver on whose order this is entered.")],
    grant: Annotated[list[str] | None, typer.Option(help="Id of a record or case file; may be repeated.")] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Grant all that can be granted.")] = False,
    refuse: Annotated[str, typer.Option(help="Code of the reason of a refusal.")] = "",
    days: Annotated[int, typer.Option(help="Days; 0: as asked for.")] = 0,
    form: Annotated[str, typer.Option(help="screen: no copies although they were asked for.")] = "",
    numbers: Annotated[str, typer.Option(help="masked: although full numbers were asked for.")] = "",
    sighted: Annotated[list[str] | None, typer.Option(help="id_card_sighted, dibao_papers_sighted …")] = None,
    words: Annotated[str, typer.Option(help="Words to the asker.")] = "",
    json: Json = False,
) -> None:
    """Enter the decision of an approver: grant whole or in part, or refuse."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        row = requests.get(session, actor, number, site.archive.profile)
        known = request_decisions.meant(session, site.archive, row)
        named = {one.id: one.key for one in known if one.bar is None} if whole else {}
        if not whole and not refuse:
            named = {
                one: next((found.key for found in known if found.id == one), ("record", one)) for one in grant or ()
            }
        made = request_decisions.decide(
            session,
            archive=site.archive,
            actor=actor,
            approver=_approver(session, site, approver),
            request=row,
            decision=Decision(
                granted=frozenset(named.values()),
                reason=refuse,
                said=words,
                form=form,
                numbers=numbers,
                days=days,
                sighted=frozenset(sighted or ()),
            ),
        )
        result = {"number": made.number, "state": made.state, "decision": made.decision}
    if json:
        emit(result)
    else:
        say(
            f"{made.number}：已登记审批结果（{made.decision}）。",
            f"{made.number}: the decision was entered ({made.decision}).",
        )


def _approver(session: Session, site: Site, username: str) -> Actor:
    now = site.archive.clock.now()
    account = account_by_name(session, username)
    return actor_of(session, account, site.archive.profile, local_date(now, site.archive.zone), now)


@request.command()
def revoke(
    number: Number,
    *,
    reason: Annotated[str, typer.Option("--reason", help="Why; the borrower reads it.")],
    json: Json = False,
) -> None:
    """Take the grant of a request back at once."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        row = requests.get(session, actor, number, site.archive.profile)
        ended = grants.revoke(session, archive=site.archive, actor=actor, request=row, reason=reason)
        result = {"number": row.number, "grant": ended.id, "state": row.state}
    if json:
        emit(result)
    else:
        say(f"{result['number']} 的授权已撤销。", f"The grant of {result['number']} was revoked.")


@request.command("grants")
def grants_(*, json: Json = False) -> None:
    """Grants in force, the first to end first."""
    with opened() as (site, actor), site.archive.reading() as session:
        lines = [
            {
                "number": row.number,
                "account": row.account_id,
                "permissions": " ".join(grant.permissions),
                "renewals": grant.renewals,
                "ends": moment(grant.ends_at, site.archive.zone),
            }
            for row, grant in requests.grants_of_others(session, actor, site.archive)
        ]
    if json:
        emit({"grants": lines})
        return
    columns = ("number", "account", "permissions", "renewals", "ends")
    table(columns, [[one[name] for name in columns] for one in lines])


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(request, name="request")
