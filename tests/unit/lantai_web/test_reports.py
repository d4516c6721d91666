"""Four-property reports over HTTP: pages, JSON, PDF, who may see them, the look entered, and filing one."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from ingest.pipeline import Context, advance
from lantai.cli.app import whole
from lantai.report_pdf import FINDINGS_SHOWN, render
from lantai.site import Site
from repository.tables import CaseRecord, Record, StoredFile, Submission

from .conftest import HOUSEHOLD, Browser, Papers

Visit = Callable[[str], Browser]


def words(pdf: bytes) -> str:
    """The text of all pages, without the places where long words may break."""
    document = pypdfium2.PdfDocument(pdf)
    text = "".join(page.get_textpage().get_text_bounded() for page in document)
    return text.replace("\u200b", "").replace("\r\n", "").replace("\ufffe", "")


def paths(site: Site, papers: Papers) -> dict[str, str]:
    """The three reports of the site's papers."""
    record_id = papers.record_ids["申請書.txt"]
    with site.archive.reading() as session:
        submission_id = session.scalars(select(Record.submission_id).where(Record.id == record_id)).one()
    return {
        "submission": f"/submissions/{submission_id}/report",
        "household": f"/households/{HOUSEHOLD}/report",
        "record": f"/records/{record_id}/report",
    }


@pytest.mark.parametrize("kind", ["submission", "household", "record"])
def test_each_report_is_a_page_json_and_a_pdf(visit: Visit, site: Site, papers: Papers, kind: str) -> None:
    path = paths(site, papers)[kind]
    archivist = visit("archivist")
    shown = archivist.get(path)
    assert shown.status_code == 200
    assert "四性检测报告" in shown.text
    told = archivist.get(f"{path}.json").json()
    assert told["format"] == "lantai-four-property-report/1"
    assert told == {**told, "synthetic": True}
    by_api = archivist.api("GET", path).json()
    assert [one["result"] for one in by_api["items"]] == [one["result"] for one in told["items"]]
    answer = archivist.get(f"{path}.pdf")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF-")
    assert "四性检测报告" in words(answer.content)
    assert papers.id_number not in archivist.get(f"{path}.json").text


def test_a_person_who_may_not_see_the_file_gets_no_report_and_the_try_is_registered(
    visit: Visit, site: Site, papers: Papers
) -> None:
    other, archivist = visit("other"), visit("archivist")
    for path in paths(site, papers).values():
        for form in ("", ".json", ".pdf"):
            assert other.get(path + form).status_code in {403, 404}, path
    assert other.api("GET", paths(site, papers)["household"]).status_code == 404
    newest = archivist.api("GET", "/use-register?limit=1").json()["items"][0]
    assert newest["act"] == "access.refused"


def test_the_look_stands_in_the_register_with_its_form(visit: Visit, site: Site, papers: Papers) -> None:
    archivist = visit("archivist")
    for kind, act in (("household", "case.viewed"), ("record", "record.viewed")):
        archivist.get(paths(site, papers)[kind])
        newest = archivist.api("GET", "/use-register?limit=1").json()["items"][0]
        assert (newest["act"], newest["form"]) == (act, "report")


def test_the_stage_of_a_deposit_is_chosen(visit: Visit, site: Site, papers: Papers) -> None:
    archivist, path = visit("archivist"), paths(site, papers)["submission"]
    filing = archivist.get(f"{path}.json").json()
    transfer = archivist.get(f"{path}.json?stage=T").json()
    assert filing["stage"]["code"] == "G"
    assert transfer["stage"]["code"] == "T"
    assert {one["code"] for one in filing["items"]} - {one["code"] for one in transfer["items"]} == {"I9"}
    assert archivist.get(f"{path}?stage=Q").status_code == 422


def test_a_filed_report_becomes_a_record_of_the_household_once(visit: Visit, site: Site, papers: Papers) -> None:
    archivist, path = visit("archivist"), paths(site, papers)["household"]
    shown = archivist.get(path)
    key = re.findall(r'name="key" value="([^"]+)"', shown.text)[0]
    first, second = (archivist.post(path, {"key": key}) for _ in range(2))
    assert first.status_code == second.status_code == 303
    assert first.headers["location"] == second.headers["location"]
    submission_id = first.headers["location"].rpartition("/")[2]
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        assert advance(context, submission_id) == "done"
    finally:
        context.close()
    with site.archive.reading() as session:
        record = session.scalars(select(Record).where(Record.submission_id == submission_id)).one()
        assert record.document_type == "PRE01"
        names = set(session.scalars(select(StoredFile.original_name).where(StoredFile.record_id == record.id)))
        assert names == {"report.pdf", "report.json"}
        assert session.scalars(select(CaseRecord).where(CaseRecord.record_id == record.id)).one()
        assert session.get_one(Record, record.seq).access_level == "internal"
        assert session.scalars(select(Submission.channel).where(Submission.id == submission_id)).one() == "report"
    assert "四性检测报告" in archivist.get(f"/records/{record.id}").text
    assert visit("clerk").post(path, {"key": "mine"}).status_code == 403


def test_the_fonts_are_in_the_pdf_and_it_says_it_is_synthetic(visit: Visit, site: Site, papers: Papers) -> None:
    pdf = visit("archivist").get(paths(site, papers)["household"] + ".pdf").content
    assert b"FontFile3" in pdf or b"FontFile2" in pdf
    assert b"pdfaid:part" in pdf
    text = words(pdf)
    assert "合成数据" in text
    assert HOUSEHOLD in text
    assert "未检测不等于合格" in text
    assert "第1页共" in text.replace(" ", "")


def report(findings: list[dict[str, Any]], title: str = "王秀英 最低生活保障") -> dict[str, Any]:
    """A report as JSON with these findings in one item."""
    same = {"zh": "云岭县民政局", "en": "Yunling"}
    counts = {"pass": 0, "warn": 1, "fail": 0, "not_applicable": 0, "not_checked": 0, "manual": 0}
    item = {
        "code": "A9", "property": "authenticity", "zh": "一致性检测", "en": "agreement", "clause": "DA/T 70-2018",
        "status": "from_memory", "status_zh": "", "status_en": "", "automatic": "yes", "result": "warn",
        "result_zh": "需核对", "result_en": "look at", "done": {"zh": "检查了。", "en": "Checked."},
        "does": {"zh": "", "en": ""}, "checked": 1, "total": 1, "tools": ["siegfried"], "findings": findings,
    }  # fmt: skip
    return {
        "format": "lantai-four-property-report/1",
        "title": {"zh": "四性检测报告", "en": "Four-property report"},
        "standard": "DA/T 70-2018",
        "stage": {"code": "G", "zh": "归档", "en": "filing"},
        "synthetic": False,
        "subject": {
            "kind": "submission", "kind_zh": "移交", "kind_en": "deposit", "id": "x", "title": title, "organ": same,
            "facts": [],
        },
        "made": {
            "at": "2026-01-05T01:00:00Z", "shown_at": "2026-01-05 09:00", "by": "#set page(width: 1cm)",
            "organ": same, "software": "lantai 0", "profile": "p/1", "holding_id": "h",
        },
        "scope": {"zh": "范围", "en": "scope"},
        "access": {"level": "internal", "marks": []},
        "tools": [{"name": "siegfried", "version": "1"}],
        "result": {"code": "warn", "zh": "需核对", "en": "look at"},
        "summary": [{"property": "authenticity", "zh": "真实性", "en": "Authenticity", "counts": counts}],
        "items": [item],
        "not_checked": [],
        "outside": [],
        "papers": [],
    }  # fmt: skip


def finding(name: str) -> dict[str, Any]:
    """A finding about a file of this name."""
    return {
        "code": "file.empty", "severity": "warning", "outcome": "warn", "subject": name, "zh": f"“{name}”是空文件。",
        "en": f"“{name}” is empty.", "next_zh": "请核对。", "next_en": "Look.", "clause": "DA/T 70 I7",
        "record_id": None,
    }  # fmt: skip


HOSTILE = ("#set page", "*bold*", "_it_", "$x^2$", "@ref", "<label>", "#sys.version", "```raw```", "\\u{41}", "= head")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_names_are_text_and_never_markup(language: str) -> None:
    pdf = render(report([finding(one) for one in HOSTILE], title="#panic() *粗*"), language)
    text = words(pdf)
    for one in (*HOSTILE, "#panic() *粗*", "#set page(width: 1cm)"):
        assert one.replace(" ", "") in text.replace(" ", ""), one
    assert pypdfium2.PdfDocument(pdf)[0].get_width() == pytest.approx(595, abs=1)


def test_characters_that_steer_or_have_no_shape_are_written_as_numbers() -> None:
    text = words(render(report([finding("甲\u202e乙\U0001f600\u0e01丙\x07")])))
    assert "甲\\u202e乙\\u1f600\\u0e01丙\\u0007" in text.replace(" ", "")
    assert "\u202e" not in text


def test_long_names_stay_on_the_page() -> None:
    name = "x" * 255
    pdf = render(report([finding(name)]))
    assert name in words(pdf)
    page = pypdfium2.PdfDocument(pdf)[0]
    assert max(one.get_bounds()[2] for one in page.get_objects()) <= page.get_width()


def test_two_thousand_findings_are_cut_and_said_to_be() -> None:
    pdf = render(report([finding(f"第{number}页.jpg") for number in range(2_000)]))
    assert f"另有{2_000 - FINDINGS_SHOWN}处" in words(pdf).replace(" ", "")
    assert len(pypdfium2.PdfDocument(pdf)) < 20


def test_equal_reports_give_equal_bytes() -> None:
    assert render(report([finding("甲")])) == render(report([finding("甲")]))
    assert render(report([]), "en") != render(report([]), "zh")


def test_the_command_writes_json_and_pdf_and_enters_the_look(
    visit: Visit, site: Site, papers: Papers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    out = tmp_path / "report.pdf"
    told = CliRunner().invoke(whole(), ["report", "household", HOUSEHOLD, "--pdf", str(out), "--english", "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.output)["stage"]["code"] == "P"
    assert "Four-property report" in words(out.read_bytes())
    newest = visit("archivist").api("GET", "/use-register?limit=1").json()["items"][0]
    assert (newest["act"], newest["form"]) == ("case.viewed", "report")
    again = CliRunner().invoke(whole(), ["report", "household", HOUSEHOLD, "--pdf", str(out)])
    assert getattr(again.exception, "code", "") == "report.exists"
