"""Commands about alarms: list them, look at one, take it in hand, close it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from access import alarms as told_alarms
from access.alarms import AlarmLine
from lantai import alarm_words
from lantai.cli.output import Json, emit, say, table
from lantai.cli.session import opened
from lantai.web.display import moment
from repository.alarms import AlarmArea

alarms = typer.Typer(help="Alarms: list, show, take, close.", no_args_is_help=True)

AlarmId = Annotated[str, typer.Argument(help="Alarm id.")]
_SHOWN = 500


class Wanted(StrEnum):
    """Which alarms are wanted."""

    WAITING = "waiting"
    OPEN = "open"
    HANDLING = "handling"
    CLOSED = "closed"
    ALL = "all"


def _facts(one: AlarmLine) -> dict[str, object]:
    """An alarm as a program reads it."""
    return {
        "id": one.id,
        "kind": one.kind,
        "area": one.area,
        "subject": one.subject,
        "state": one.state,
        "times": one.times,
        "count": one.count,
        "rows": one.rows,
        "window": one.window,
        "words": {language: alarm_words.sentence(language, one) for language in ("zh", "en")},
        "raised_at": one.raised_at.isoformat(),
        "last_at": one.last_at.isoformat(),
        "over_at": one.over_at.isoformat() if one.over_at else None,
        "taken_at": one.taken_at.isoformat() if one.taken_at else None,
        "taken_by": one.taken_by,
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
        "closed_by": one.closed_by,
        "remark": one.remark,
    }


@alarms.command("list")
def list_(
    *,
    state: Annotated[Wanted, typer.Option(help="waiting: not closed yet.")] = Wanted.WAITING,
    area: Annotated[AlarmArea | None, typer.Option(help="Of one area only.")] = None,
    json: Json = False,
) -> None:
    """Alarms that wait, the newest first."""
    with opened() as (site, actor), site.archive.reading() as session:
        found = told_alarms.alarms(session, actor, site.archive.profile, state=state.value, area=area, limit=_SHOWN)
        zone = site.archive.zone
    if json:
        emit({"alarms": [_facts(one) for one in found]})
        return
    if not found:
        say("没有报警。", "No alarms.")
        return
    table(
        ["last", "kind", "about", "times", "state", "by", "id"],
        [
            (
                moment(one.last_at, zone),
                one.kind,
                one.account_name or one.subject,
                one.times,
                one.state,
                one.closed_by or one.taken_by,
                one.id,
            )
            for one in found
        ],
    )


@alarms.command()
def show(alarm_id: AlarmId, *, json: Json = False) -> None:
    """One alarm: what happened, and every step of what became of it."""
    with opened() as (site, actor), site.archive.reading() as session:
        one, steps = told_alarms.alarm(session, actor, site.archive.profile, alarm_id)
        zone = site.archive.zone
    if json:
        told = [
            {"at": step.at.isoformat(), "step": step.step, "actor_id": step.actor_id, "words": step.words}
            for step in steps
        ]
        emit({**_facts(one), "steps": told})
        return
    say(
        f"{alarm_words.title('zh', one.kind)}：{alarm_words.sentence('zh', one)}",
        f"{alarm_words.title('en', one.kind)}: {alarm_words.sentence('en', one)}",
    )
    table(
        ["when", "step", "who", "words"],
        [(moment(step.at, zone), step.step, step.name or step.actor_id, step.words) for step in steps],
    )


@alarms.command()
def take(
    alarm_id: AlarmId,
    *,
    words: Annotated[str, typer.Option(help="What was found or done so far.")] = "",
    json: Json = False,
) -> None:
    """Take an alarm in hand, or add words to one's own."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        step = told_alarms.take(session, archive=site.archive, actor=actor, alarm_id=alarm_id, words=words)
    if json:
        emit({"id": alarm_id, "step": step})
    elif step == "taken":
        say("这条报警由您处理。", "You deal with this alarm now.")
    else:
        say("已记入处理情况。", "What you said was added to the alarm.")


@alarms.command()
def close(
    alarm_id: AlarmId,
    *,
    remark: Annotated[str, typer.Option(help="What came of it.")],
    json: Json = False,
) -> None:
    """Close an alarm with what came of it."""
    with opened() as (site, actor), site.archive.sessions.begin() as session:
        told_alarms.close(session, archive=site.archive, actor=actor, alarm_id=alarm_id, remark=remark)
    if json:
        emit({"id": alarm_id})
    else:
        say("报警已关闭。", "The alarm is closed.")


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.add_typer(alarms, name="alarms")
