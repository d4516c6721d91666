"""``lantai watch``: look at the watched folders from the console; a worker does the same every minute."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from lantai.cli.output import Json, emit, say, warn
from lantai.cli.session import opened
from lantai.watch import look, troubles
from metadata.errors import Invalid

_PAUSE = 10.0


def watch(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Two looks, as far apart as entries must stand still, then end.")
    ] = False,
    json: Json = False,
) -> None:
    """Take what stands still in the watched folders, and write the reports that are due. 2: a folder is in trouble."""
    with opened() as (site, _actor):
        if not site.settings.watched:
            raise Invalid(
                "watch.none",
                zh="没有设置监控文件夹。请在 lantai.toml 中添加 [[watched]]。",
                en="No folder is watched. Add [[watched]] to lantai.toml.",
            )
        taken = look(site)
        if once:
            time.sleep(max(one.quiet_seconds for one in site.settings.watched))
            taken += look(site)
        while not once:
            time.sleep(_PAUSE)
            taken = look(site)
            if taken and not json:
                _say(taken)
        wrong = troubles(site)
    for one in wrong:
        warn(one.zh, one.en)
    if json:
        emit({"taken": taken, "in_trouble": [str(one.path) for one in wrong]})
    else:
        _say(taken)
    raise typer.Exit(2 if wrong else 0)


def _say(taken: int) -> None:
    say(f"从监控文件夹接收了 {taken} 项移交。", f"{taken} deposits taken from watched folders.")


def add_to(app: typer.Typer) -> None:
    """Hang the command on the root."""
    app.command()(watch)
