"""``lantai search``: filters, orders, facets, paging, reasons, and the list as a file that is whole or not there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from typer.testing import CliRunner, Result

from access.use_register import entries
from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.errors import Invalid, LantaiError
from metadata.household import household_no
from tests.unit.lantai_web.conftest import take_in

RUN = CliRunner()
HOUSEHOLD = household_no("990101001001", 7)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Five papers in one household file, one with a hostile name."""
    home = tmp_path_factory.mktemp("console")
    made = initialise(load(home=home / "home"), bureau="云岭县民政局", division="990101")
    folder = home / "papers"
    folder.mkdir()
    for name in ("入户调查表1", "入户调查表2", "入户调查表3", "低保申请书", "=1+1"):
        (folder / f"{name}.txt").write_text("清冊樣本")
    take_in(made, folder, household_no=HOUSEHOLD, programme="DB")
    yield made
    made.close()


@pytest.fixture(autouse=True)
def _at_home(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    monkeypatch.setenv("COLUMNS", "200")


def _run(*arguments: str) -> Result:
    done = RUN.invoke(whole(), ["search", *arguments])
    assert done.exit_code == 0, done.output
    return done


def _json(*arguments: str) -> Any:
    return json.loads(_run(*arguments, "--json").stdout)


def _refused(*arguments: str) -> LantaiError:
    done = RUN.invoke(whole(), ["search", *arguments])
    assert isinstance(done.exception, Invalid), done.output
    return done.exception


def test_hits_say_why_on_which_page_and_in_which_household() -> None:
    told = _run("清册样本", "--limit", "2", "--facets").stdout
    for word in ("why", "text", HOUSEHOLD, "programme: DB 5", "共 5 条", "--after "):
        assert word in told, word
    assert "您是不是要找：入户调查表" in _run("入户调茶表").stdout


def test_filters_orders_facets_and_pages_for_programs() -> None:
    first = _json("清册样本", "--limit", "3", "--sort", "newest", "--facets")
    assert first["facets"]["format"] == [{"value": "txt", "count": 5}]
    second = _json("清册样本", "--limit", "3", "--sort", "newest", "--after", first["next"])
    assert second["next"] is None
    assert len({one["record_id"] for one in first["hits"] + second["hits"]}) == 5
    assert _json("*")["total"] == 6
    assert _json("*", "--filter", "kind=record")["total"] == 5
    assert _json("*", "--filter", "kind=household")["hits"][0]["household_no"] == HOUSEHOLD
    assert _json("*", "--filter", "programme=DB", "--filter", "programme=TK", "--filter", "kind=record")["total"] == 5
    assert _json("清册样本", "--until", "1999-12-31")["total"] == 0
    assert _json("入户调茶表")["did_you_mean"] == ["入户调查表"]


def test_what_makes_no_sense_is_refused_with_what_to_do() -> None:
    for arguments, code in (
        (("a", "--filter", "kind"), "search.bad_filter"),
        (("a", "--filter", "colour=red"), "search.bad_filter"),
        (("a", "--sort", "best"), "search.bad_filter"),
        (("a", "--since", "yesterday"), "date.malformed"),
        (("a", "--after", "x"), "search.bad_cursor"),
        (('"a',), "search.open_quote"),
        (("a", "--export", "list.pdf"), "export.unknown_kind"),
    ):
        assert _refused(*arguments).code == code, arguments


def test_the_list_as_a_file(site: Site, tmp_path: Path) -> None:
    out = {kind: tmp_path / f"list.{kind}" for kind in ("csv", "xlsx", "json")}
    assert "已将 5 条写入" in _run("清册样本", "--export", str(out["csv"]), "--reason", "年度清查").stdout
    with out["csv"].open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 6
    assert "'=1+1" in {row[1] for row in rows}
    told = _json("清册样本", "--export", str(out["xlsx"]), "--filter", "kind=record")
    assert told == {"path": str(out["xlsx"]), "total": 5, "count": 5, "cut": False}
    assert openpyxl.load_workbook(out["xlsx"]).worksheets[0].max_row == 6
    _run("清册样本", "--export", str(out["json"]))
    assert len(json.loads(out["json"].read_text())["rows"]) == 5
    assert out["csv"].stat().st_mode & 0o077 == 0
    with site.archive.reading() as session:
        found = [one for one in entries(session, limit=50) if one.form == "export"]
    assert {one.count for one in found} == {5}
    assert found[-1].reason == "年度清查"
    assert _refused("清册样本", "--export", str(out["csv"])).code == "export.exists"
    _refused('"', "--export", str(tmp_path / "none.csv"))
    assert {one.name for one in tmp_path.iterdir()} == {"list.csv", "list.xlsx", "list.json"}
