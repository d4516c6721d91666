"""``lantai list`` and the dry run of an ingest: every row's fault, exit code 65, nothing deposited."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from sqlalchemy import func, select
from typer.testing import CliRunner

from lantai.cli.app import whole
from lantai.settings import load
from lantai.site import initialise, open_site
from metadata.errors import Invalid, NotFound
from repository.tables import Submission

RUN = CliRunner()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A site in a folder of its own."""
    monkeypatch.setenv("LANTAI_HOME", str(tmp_path / "home"))
    initialise(load(home=tmp_path / "home"), bureau="云岭县民政局", division="990101").close()
    yield tmp_path / "home"
    site = open_site()
    with site.archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Submission)) == 0
    site.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two papers and a list with one good and two wrong rows."""
    made = tmp_path / "d"
    made.mkdir()
    (made / "a.txt").write_text("a")
    (made / "b.txt").write_text("b")
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (
        ("题名", "文件", "文件类型"),
        ("甲", "a.txt", "APP01"),
        ("乙", "没有.txt", None),
        ("丙", "b.txt", "XYZ99"),
    ):
        sheet.append(row)
    book.save(made / "移交清单.xlsx")
    return made


@pytest.mark.usefixtures("home")
def test_the_dry_run_names_every_fault(folder: Path) -> None:
    done = RUN.invoke(whole(), ["ingest", "--dry-run", "--json", str(folder)])
    assert done.exit_code == 65
    told = json.loads(done.stdout)
    assert (told["records"], told["files"], told["good"]) == (3, 2, False)
    assert [(one["code"], one["row"], one["column"]) for one in told["findings"]] == [
        ("list.unknown_document_type", 4, "文件类型"),
        ("list.missing_file", 3, "文件"),
    ]
    words = RUN.invoke(whole(), ["ingest", "--dry-run", str(folder)])
    assert "第 4 行“文件类型”" in words.output
    assert "row 3" in words.output


@pytest.mark.usefixtures("home")
def test_a_list_alone_and_beside_its_files(folder: Path) -> None:
    listed = str(folder / "移交清单.xlsx")
    alone = json.loads(RUN.invoke(whole(), ["list", "check", listed, "--json"]).stdout)
    assert alone["files"] is None
    assert [one["code"] for one in alone["findings"]] == ["list.unknown_document_type"]
    beside = json.loads(RUN.invoke(whole(), ["list", "check", listed, "--files", str(folder), "--json"]).stdout)
    assert [one["code"] for one in beside["findings"]] == ["list.unknown_document_type", "list.missing_file"]


@pytest.mark.usefixtures("home")
def test_the_template_is_an_empty_list_that_is_right(tmp_path: Path) -> None:
    out = tmp_path / "移交清单.xlsx"
    assert RUN.invoke(whole(), ["list", "template", str(out)]).exit_code == 0
    done = RUN.invoke(whole(), ["list", "check", str(out), "--json"])
    assert done.exit_code == 0
    assert json.loads(done.stdout)["records"] == 0
    again = RUN.invoke(whole(), ["list", "template", str(out)])
    assert isinstance(again.exception, Invalid)


@pytest.mark.usefixtures("home")
def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, kind in (
        (["list", "check", str(tmp_path / "no.xlsx")], NotFound),
        (["ingest", "--dry-run", str(tmp_path / "empty")], NotFound),
        (["ingest", "--dry-run", __file__], Invalid),
    ):
        assert isinstance(RUN.invoke(whole(), arguments).exception, kind)
