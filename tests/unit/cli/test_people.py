"""What administrators do, done at the console."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import initialise


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Run a command at a fresh site; gives its JSON."""
    home = tmp_path / "home"
    initialise(load(home=home, synthetic=True), bureau="云岭县民政局", division="990101").close()
    monkeypatch.setenv("LANTAI_HOME", str(home))

    def call(*words: str, fails: str = "") -> Any:
        done = CliRunner().invoke(whole(), [*words, "--json"])
        if fails:
            assert getattr(done.exception, "code", "") == fails, done.output
            return None
        assert done.exit_code == 0, (done.output, done.exception)
        return json.loads(done.stdout)

    return call


def test_organs_and_accounts_from_the_console(run: Any) -> None:
    run(
        "organ",
        "create",
        "ts1",
        "--name",
        "青石镇人民政府",
        "--level",
        "TS",
        "--division",
        "990101001",
        "--superior",
        "bureau",
    )
    run("organ", "rename", "ts1", "--name", "青石街道办事处")
    tree = run("organ", "list")["organs"]
    assert [(one["code"], one["depth"]) for one in tree] == [("bureau", 0), ("ts1", 1)]
    made = run("account", "create", "wang", "--name", "合成 王", "--role", "clerk_township", "--organ", "ts1")
    assert len(made["password"]) == 19
    run("organ", "close", "ts1", fails="organ.not_empty")
    run("account", "grant", "wang", "statistician", "--organ", "bureau", "--ends", "2999-01-01")
    run("account", "change", "wang", "--name", "合成 王二")
    listed = run("account", "list", "--organ", "ts1")["accounts"]
    assert listed[0]["roles"] == ["clerk_township@ts1", "statistician@bureau"]
    run("account", "end-role", "wang", "statistician")
    run("account", "close", "wang")
    assert run("account", "list", "--state", "closed")["accounts"][0]["roles"] == []
    run("account", "reset", "wang", fails="account.closed")
    run("account", "reopen", "wang")
    assert run("account", "reset", "wang")["password"] != made["password"]
    run("account", "close", "wang")
    run("organ", "close", "ts1")
    run("organ", "reopen", "ts1")
    run("organ", "move", "ts1", "--superior", "bureau", "--division", "990101002")
    assert run("session", "list")["sessions"] == []
    run("session", "end", "nobody", fails="session.not_found")
    told = run("log", "--person", "wang")["acts"]
    acts = {one["act"] for one in told}
    assert {
        "account.created",
        "account.changed",
        "account.closed",
        "account.reopened",
        "role.granted",
        "role.revoked",
    } <= acts
    assert "合成" not in str(told)
    assert {one["act"] for one in run("log", "--act", "organ.")["acts"]} == {
        "organ.created",
        "organ.renamed",
        "organ.closed",
        "organ.reopened",
        "organ.moved",
    }
