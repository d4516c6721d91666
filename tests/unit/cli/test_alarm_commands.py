"""Alarms at the console: listed, shown, taken, closed, each step under the name of the system user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import Site, initialise
from repository.alarms import AlarmKind, raise_alarm

RUN = CliRunner()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A new site."""
    made = initialise(load(home=tmp_path / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    yield made
    made.close()


def test_an_alarm_is_dealt_with_at_the_console(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    with site.archive.sessions.begin() as session:
        alarm_id = raise_alarm(session, archive=site.archive, kind=AlarmKind.BACKUP_OLD, subject="backup")

    def run(*words: str) -> Any:
        done = RUN.invoke(whole(), ["alarms", *words, "--json"])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return json.loads(done.output)

    listed = run("list", "--area", "system")["alarms"]
    assert [(one["id"], one["state"]) for one in listed] == [(alarm_id, "open")]
    assert listed[0]["words"]["zh"] == "最近一次备份过旧，或者还没有备份。"
    assert run("take", alarm_id)["step"] == "taken"
    assert run("take", alarm_id, "--words", "已通知")["step"] == "noted"
    run("close", alarm_id, "--remark", "已补做备份")
    assert run("list")["alarms"] == []
    told = run("show", alarm_id)
    assert (told["state"], told["remark"]) == ("closed", "已补做备份")
    assert [one["step"] for one in told["steps"]] == ["raised", "taken", "noted", "closed"]
    assert all(one["actor_id"].startswith("console:") for one in told["steps"][1:])
    again = RUN.invoke(whole(), ["alarms", "close", alarm_id, "--remark", "再关"])
    assert getattr(again.exception, "code", "") == "alarm.closed"
