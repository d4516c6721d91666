"""Commands about retention: what is due, why, assigning anew; events of a case; holds."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer
from sqlalchemy import func, select

from access.gate import get_record, visible_cases
from access.masking import masked
from access.use_register import looked
from lantai.cli.output import Json, Reason, emit, out, progress, say, table
from lantai.cli.session import opened
from metadata.errors import Invalid, NotFound
from metadata.identifiers import checked_id, is_id
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import CaseFile, Household, Record
from retention import events, holding, holds, reassignment, totals
from retention.due import DueFilter, due_list
from retention.explanation import explain as explain_retention
from retention.holding import NewHold

retention = typer.Typer(help="Why and until when records are kept.", no_args_is_help=True)
case = typer.Typer(help="Household files: what happened in the case.", no_args_is_help=True)
hold = typer.Typer(help="Holds: what is not to be appraised, transferred or destroyed.", no_args_is_help=True)


@retention.command()
def explain(
    record_id: Annotated[str, typer.Argument(help="Record id.")], *, reason: Reason = "console", json: Json = False
) -> None:
    """Which rule governs a record, since when, until when, and on whose authority."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        record = get_record(session, actor, checked_id(record_id), site.archive.profile)
        looked(
            session,
            archive=site.archive,
            actor=actor,
            act="record.viewed",
            record_id=record.id,
            reason=reason,
            form="screen",
        )
        told = explain_retention(session, record.id, site.archive.profile)
        over = holds.shown(session, actor, site.archive.profile, [record.id]).get(record.id, [])
    if json:
        emit(told.as_dict() | {"holds": [{"id": one.id, "lifting": one.lifting} for one in over]})
        return
    for line in told.lines("zh") + told.lines("en"):
        out.print(line, markup=False)
    for one in over:
        say(f"已冻结：{masked(one.title)}（{one.id}）", f"On hold: {masked(one.title)} ({one.id})")


@retention.command()
def due(
    *,
    before: Annotated[str | None, typer.Option(help="Day, as 2030-12-31; default today.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what is due on this day or later.")] = None,
    rule: Annotated[str, typer.Option(help="Only this rule, as R01.")] = "",
    organ: Annotated[str, typer.Option(help="Only this organ (id).")] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="At most so many.")] = 500,
    reason: Reason = "console",
    json: Json = False,
) -> None:
    """Records whose period ends: due means appraise, never destroy by itself. Entered in the use register."""
    given, first = _day(before) if before else None, _day(since) if since else None
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        day = given or local_date(site.archive.clock.now(), site.archive.zone)
        filters = DueFilter(since=first, until=day, organ_id=organ, rule_id=rule)
        rows = due_list(session, actor, profile=site.archive.profile, filters=filters, limit=limit)
        found = [one.as_dict() | {"title": masked(one.title)} for one in rows]
        looked(
            session,
            archive=site.archive,
            actor=actor,
            act="list.exported",
            reason=reason,
            form="screen",
            count=len(found),
        )
    if json:
        emit({"before": day.isoformat(), "due": found})
    else:
        table(
            ["due", "rule", "record", "title"],
            [(one["due_on"], one["rule_id"], one["record_id"], one["title"]) for one in found],
        )
        say(f"{len(found)} 件到期待鉴定。", f"Due for appraisal: {len(found)}.")


@retention.command()
def reassign(
    *,
    everything: Annotated[
        bool, typer.Option("--all", help="Every record, not only those that an earlier profile version governs.")
    ] = False,
    after: Annotated[int, typer.Option(min=0, help="With --all: go on after this number of a run that broke off.")] = 0,
    json: Json = False,
) -> None:
    """Assign the rules of the present profile anew, in batches; a run that broke off goes on where it stopped."""
    done, seq = 0, after
    with opened() as (site, _actor), progress("重新确定保管期限 assigning anew", quiet=json) as steps:
        archive = site.archive
        with archive.reading() as session:
            whole = session.scalar(select(func.count()).select_from(Record)) if everything and not json else None
        while True:
            if everything:
                seq, count = reassignment.reassign_after(archive, seq)
            else:
                count = reassignment.reassign_outdated(archive)
            if not count:
                break
            done += count
            steps(done, whole, f"{done} ({seq})" if everything else str(done))
        with archive.sessions.begin() as session:
            totals.count(session, archive=archive)
    if json:
        emit({"records": done, "last": seq})
    else:
        say(f"已重新确定 {done} 件的保管期限。", f"Assigned anew: {done} records.")


@case.command("event")
def case_event(
    number: Annotated[str, typer.Argument(metavar="CASE", help="Household number or id of the case file.")],
    event: Annotated[str, typer.Argument(help="Code of the event, as benefit_stopped.")],
    on: Annotated[str, typer.Argument(help="Day, as 2026-03-31.")],
    *,
    note: Annotated[str, typer.Option(help="A remark; no ID numbers.")] = "",
    withdraw: Annotated[str, typer.Option(help="Take this event back instead; say why.")] = "",
    json: Json = False,
) -> None:
    """Enter what happened in a case, or take it back; the retention of its records follows at once."""
    day = _day(on)
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        archive = site.archive
        if withdraw:
            found = events.withdraw(
                session, archive=archive, actor=actor, case_file=number, event=event, on=day, reason=withdraw
            )
        else:
            found = events.enter(
                session, archive=archive, actor=actor, case_file=number, event=event, on=day, note=note
            )
        session.flush()
        standing = [{"event": one["event"], "on": one["on"]} for one in found.state.get("events", [])]
        told = {
            "case_file_id": found.id,
            "revision": found.revision,
            "stopped_on": found.stopped_on.isoformat() if found.stopped_on else None,
            "events": standing,
        }
    if json:
        emit(told)
        return
    table(["on", "event"], [(one["on"], one["event"]) for one in standing])
    stopped = told["stopped_on"] or "–"
    say(f"停保日期：{stopped}。保管期限已随之更新。", f"Benefit stopped: {stopped}. The retention follows it.")


@hold.command("list")
def list_holds(
    *,
    state: Annotated[str, typer.Option(help="in_force, review, lifted or all.")] = "in_force",
    json: Json = False,
) -> None:
    """Holds in force, to be looked at again, lifted, or all."""
    if state not in {"in_force", "review", "lifted", "all"}:
        raise Invalid(
            "hold.state",
            zh="状态应为 in_force、review、lifted 或 all。",
            en="The state is in_force, review, lifted or all.",
        )
    with opened() as (site, actor), site.archive.reading() as session:
        today = local_date(site.archive.clock.now(), site.archive.zone)
        found = [
            {
                "id": one.id,
                "title": masked(one.title),
                "authority": masked(one.authority),
                "reference": masked(one.reference),
                "review_on": one.review_on.isoformat() if one.review_on else None,
                "state": holds.state_of(session, one),
            }
            for one in holds.list_holds(session, actor, site.archive.profile, state=state, today=today, limit=10_000)  # type: ignore[arg-type]  # one of the four
        ]
    if json:
        emit({"holds": found})
    else:
        table(list(found[0]) if found else ["id"], [list(one.values()) for one in found])
        say(f"{len(found)} 项冻结。", f"Holds: {len(found)}.")


@hold.command()
def place(
    subjects: Annotated[
        list[str], typer.Argument(metavar="SUBJECT...", help="Household numbers, or ids of records or case files.")
    ],
    *,
    title: Annotated[str, typer.Option(help="What the hold is called.")],
    authority: Annotated[str, typer.Option(help="Who demands it.")],
    why: Annotated[str, typer.Option(help="Why.")],
    reference: Annotated[str, typer.Option(help="Number of the letter or case.")] = "",
    review_on: Annotated[str | None, typer.Option(help="Day to look at it again, as 2030-12-31.")] = None,
    json: Json = False,
) -> None:
    """Put records and household files on hold, at once; a file is held with the papers yet to come."""
    day = _day(review_on) if review_on else None
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        record_ids: list[str] = []
        case_file_ids: list[str] = []
        for one in subjects:
            if is_id(one) and session.scalar(select(Record.id).where(Record.id == one)) is not None:
                record_ids.append(one)
                continue
            reach = visible_cases(actor, site.archive.profile, Permission.HOLD_PLACE)
            named = select(CaseFile.id).join(Household, Household.id == CaseFile.household_id)
            files = session.scalars(named.where((CaseFile.id == one) | (Household.household_no == one), reach)).all()
            if not files:
                raise NotFound(
                    "hold.subject_not_found",
                    zh=f"没有找到 {one}，没有设置冻结。请核对户号或编号。",
                    en=f"There is no {one}; no hold was placed. Check the number.",
                    subject=one,
                )
            case_file_ids += files
        told = NewHold(title, authority, why, reference, day)
        made = holding.place(
            session,
            archive=site.archive,
            actor=actor,
            told=told,
            record_ids=record_ids,
            case_file_ids=case_file_ids,
        )
        number = made.id
    if json:
        emit({"id": number, "records": len(record_ids), "case_files": len(case_file_ids)})
    else:
        say(f"已冻结（{number}）。", f"On hold ({number}).")


@hold.command()
def lift(
    hold_id: Annotated[str, typer.Argument(metavar="HOLD", help="Id of the hold.")],
    *,
    authority: Annotated[str, typer.Option(help="On whose authority.")],
    why: Annotated[str, typer.Option(help="Why.")],
    json: Json = False,
) -> None:
    """Lift a hold. Needs hold.lift, which the profile may keep from the console; works when the ledger is sealed."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        holding.lift(
            session, archive=site.archive, actor=actor, hold_id=checked_id(hold_id), authority=authority, reason=why
        )
    if json:
        emit({"id": hold_id, "state": "lifting"})
    else:
        say("已解除；台账封存后生效（一分钟内）。", "Lifted; it takes effect when sealed, within a minute.")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(
            "date.malformed",
            zh=f"“{text}”不是日期；请写成 2030-12-31 的样子。",
            en=f"{text!r} is no date; write it as 2030-12-31.",
        ) from None


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(retention, name="retention")
    app.add_typer(case, name="case")
    app.add_typer(hold, name="hold")
