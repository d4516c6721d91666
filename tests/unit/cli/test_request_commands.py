"""``lantai request``: list, show, the decision of an approver entered at the console, revoke."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from access.actors import console_actor
from access.organs import create_organ
from access.use_register import entries
from lantai.cli.app import whole
from lantai.sample import borrowing
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound
from metadata.household import household_no
from repository.tables import AccessRequest, Record
from tests.unit.lantai_web.conftest import take_in

RUN = CliRunner()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The sample's people, two households of three papers, and the sample's two requests."""
    made = initialise(load(home=tmp_path / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    archive = made.archive
    with archive.sessions.begin() as session:
        actor = console_actor(session, archive.profile, "test")
        for code in ("990101101", "990101102"):
            create_organ(
                session,
                archive=archive,
                actor=actor,
                code=code,
                name_zh=code,
                level="TS",
                division_prefix=code,
                parent_code="bureau",
            )
        borrowing.enter_people(session, archive=archive, actor=actor, password="vier-worte-zum-testen")
    for serial in (1, 2):
        folder = tmp_path / f"papers{serial}"
        folder.mkdir()
        for name in ("申请书", "调查表", "审批表"):
            (folder / f"{name}{serial}.txt").write_text(f"样本 {serial}")
        take_in(made, folder, household_no=household_no("990101101201", serial), programme="DB")
    with archive.sessions.begin() as session:
        borrowing.enter_requests(session, archive)
    monkeypatch.setenv("LANTAI_HOME", str(made.settings.home))
    monkeypatch.setenv("COLUMNS", "240")
    yield made
    made.close()


def _json(*arguments: str) -> Any:
    done = RUN.invoke(whole(), ["request", *arguments, "--json"])
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def _refused(*arguments: str) -> LantaiError:
    done = RUN.invoke(whole(), ["request", *arguments])
    assert isinstance(done.exception, LantaiError), done.output
    return done.exception


def test_from_the_list_to_a_revoked_grant(site: Site, tmp_path: Path) -> None:
    listed = _json("list")["requests"]
    assert [(one["number"][-6:], one["state"]) for one in listed] == [("000002", "submitted"), ("000001", "approved")]
    waiting = listed[0]["number"]
    letter = tmp_path / "letter.pdf"
    shown = _json("show", waiting, "--letter", str(letter), "--reason", "复核")
    assert letter.read_bytes().startswith(b"%PDF-")
    assert isinstance(_refused("show", waiting, "--letter", str(letter)), Conflict)
    records = [one["id"] for one in shown["means"] if one["kind"] == "record"]
    assert len(records) == 3
    with site.archive.reading() as session:
        looks = [one for one in entries(session, limit=20) if one.act == "request.viewed"]
        assert {(one.reason, one.request_id) for one in looks} == {("复核", shown["id"])}
    assert isinstance(_refused("decide", waiting, "--approver", "chief", "--whole"), Forbidden)
    assert isinstance(_refused("decide", waiting, "--approver", "borrower", "--whole"), Forbidden)
    assert isinstance(_refused("decide", waiting, "--approver", "nobody", "--whole"), NotFound)
    assert isinstance(_refused("decide", waiting, "--approver", "head"), Invalid)
    done = _json("decide", waiting, "--approver", "head", "--grant", records[0], "--days", "2")
    assert done["decision"] == "part"
    with site.archive.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.number == waiting)).one()
        assert row.told[-1]["actor_id"].startswith("console:")
        assert row.told[-1]["on_order_of"] == row.decided_by
        assert session.scalar(select(Record.id).where(Record.id == records[0]))
    assert len(_json("grants")["grants"]) == 2
    assert _json("revoke", waiting, "--reason", "公函有误")["state"] == "revoked"
    assert isinstance(_refused("revoke", waiting, "--reason", "again"), Conflict)
    for command in (("list",), ("grants",), ("show", waiting)):
        assert RUN.invoke(whole(), ["request", *command]).exit_code == 0
    assert isinstance(_refused("show", "JY2020-000001"), NotFound)


def test_refused_at_the_console(site: Site) -> None:
    waiting = _json("list", "--state", "submitted")["requests"][0]["number"]
    assert _json("decide", waiting, "--approver", "head", "--refuse", "scope_too_wide")["decision"] == "refused"
    assert _json("list", "--state", "submitted")["requests"] == []


def test_the_care_task_ends_what_is_over(site: Site) -> None:
    from lantai import care

    assert care.run(site, "grants") == 0
