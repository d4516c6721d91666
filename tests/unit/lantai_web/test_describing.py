"""Describing a deposit's records, and looking a deposit list through, over HTTP; all without scripts."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import openpyxl
import pytest
from sqlalchemy import select

from ingest.pipeline import Context, advance
from lantai.site import Site
from metadata.household import household_no
from repository.tables import Record, RecordPlan
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
NEW = household_no("990101001001", 4321)


def _carry_on(site: Site, submission_id: str) -> str:
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        return advance(context, submission_id)
    finally:
        context.close()


@pytest.fixture
def waiting(visit: Visit, site: Site) -> tuple[Browser, str]:
    """A clerk's deposit of four papers that waits for an archivist."""
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "四件材料"}).json()["id"]
    for path, body in (
        (f"{NEW}/申请书.txt", "最低生活保障申请书\n2024年3月5日"),
        (f"{NEW}/户口簿.txt", "x"),
        ("身份证户口本.txt", "y"),
        ("不知.txt", "z"),
    ):
        sent = browser.http.put(
            f"/api/v1/submissions/{submission_id}/files",
            params={"path": path},
            content=body.encode(),
            headers={"X-CSRF-Token": browser.csrf},
        )
        assert sent.status_code == 201
    assert browser.api("POST", f"/submissions/{submission_id}/complete").status_code == 200
    assert _carry_on(site, submission_id) == "waiting"
    return browser, submission_id


def _fields(text: str) -> dict[str, str]:
    """What a browser would send of the page's form as it stands."""
    found = dict(re.findall(r'<input name="([a-z_]+\.\d+)"(?: type="date")? value="([^"]*)"', text))
    for name, body in re.findall(r'<select name="(document_type\.\d+)".*?>(.*?)</select>', text, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', body)
        found[name] = chosen.group(1) if chosen else ""
    for hidden in ("after", "following"):
        match = re.search(rf'name="{hidden}" value="([^"]*)"', text)
        if match:
            found[hidden] = match.group(1)
    return found


def _given(site: Site, submission_id: str) -> dict[str, dict[str, object]]:
    with site.archive.reading() as session:
        rows = session.scalars(select(RecordPlan).where(RecordPlan.submission_id == submission_id))
        return {str(one.spec["title"]): dict(one.given or {}) for one in rows}


def test_guesses_are_shown_with_how_sure_they_are_and_confirmed_as_they_stand(
    site: Site, waiting: tuple[Browser, str]
) -> None:
    browser, submission_id = waiting
    assert f"/submissions/{submission_id}/describe" in browser.get(f"/submissions/{submission_id}").text
    page = browser.get(f"/submissions/{submission_id}/describe")
    assert page.status_code == 200
    assert "很有把握" in page.text
    assert "据文件名" in page.text
    fields = _fields(page.text)
    types = {value for name, value in fields.items() if name.startswith("document_type")}
    assert types == {"APP01", "APP05", ""}  # a guess that is unsure is offered, not filled in
    answer = browser.post(f"/submissions/{submission_id}/describe", {**fields, "act": "save", "programme": "DB"})
    assert answer.status_code == 303
    given = _given(site, submission_id)
    assert given["申请书"]["document_type"] == "APP01"
    assert (given["申请书"]["household_no"], given["申请书"]["programme"]) == (NEW, "DB")
    assert given["申请书"]["date"] == "2024-03-05"
    assert "document_type" not in given["身份证户口本"]
    archivist = browser
    assert archivist.get(f"/submissions/{submission_id}/describe").text.count("badge--ok") >= 2


def test_one_button_confirms_what_is_very_likely(site: Site, waiting: tuple[Browser, str], visit: Visit) -> None:
    _, submission_id = waiting
    browser = visit("archivist")
    fields = _fields(browser.get(f"/submissions/{submission_id}/describe").text)
    typed = next(name for name, value in fields.items() if name.startswith("title") and value == "不知")
    answer = browser.post(
        f"/submissions/{submission_id}/describe", {**fields, typed: "情况说明", "act": "sure", "programme": "DB"}
    )
    assert answer.status_code == 303
    given = _given(site, submission_id)
    assert given["申请书"]["document_type"] == "APP01"
    assert given["户口簿"]["document_type"] == "APP05"
    assert given["不知"]["title"] == "情况说明"  # what was typed beside it is kept as well
    assert given["身份证户口本"] == {}
    assert browser.api("POST", f"/submissions/{submission_id}/accept").status_code == 200
    assert _carry_on(site, submission_id) == "done"
    with site.archive.reading() as session:
        found = {
            one.title: one.document_type
            for one in session.scalars(select(Record))
            if one.submission_id == submission_id
        }
    assert found == {"申请书": "APP01", "户口簿": "APP05", "情况说明": None, "身份证户口本": None}
    assert (
        "不能在这里修改" in browser.get(f"/submissions/{submission_id}/describe").text
        or "没有待著录" in browser.get(f"/submissions/{submission_id}/describe").text
    )


def test_a_fault_stands_beside_its_field_and_nothing_typed_is_lost(site: Site, waiting: tuple[Browser, str]) -> None:
    browser, submission_id = waiting
    fields = _fields(browser.get(f"/submissions/{submission_id}/describe").text)
    number = next(name for name in fields if name.startswith("household_no"))
    title = number.replace("household_no", "title")
    wrong = {**fields, number: "12345", title: "改过的题名", "act": "save", "programme": "DB"}
    answer = browser.post(f"/submissions/{submission_id}/describe", wrong)
    assert answer.status_code == 422
    assert 'value="12345"' in answer.text
    assert 'value="改过的题名"' in answer.text
    assert f'id="e-{number.replace(".", "-")}"' in answer.text
    assert all(one == {} for one in _given(site, submission_id).values())


def test_the_api_says_and_hears_the_same(site: Site, waiting: tuple[Browser, str], visit: Visit) -> None:
    browser, submission_id = waiting
    answer = browser.api("GET", f"/submissions/{submission_id}/records", params={"limit": 2})
    assert answer.status_code == 200
    first = answer.json()["items"][0]
    assert first["suggested"]["document_type"]["value"] == "APP01"
    rest = browser.api("GET", f"/submissions/{submission_id}/records", params={"after": answer.json()["next"]})
    assert len(answer.json()["items"]) + len(rest.json()["items"]) == 4
    put = browser.api(
        "PUT",
        f"/submissions/{submission_id}/records",
        json={"records": [{"record_id": first["record_id"], "document_type": "NOPE"}]},
    )
    assert put.status_code == 422
    assert put.json()["code"] == "description.invalid"
    assert list(put.json()["params"]["records"][first["record_id"]]) == ["document_type"]
    put = browser.api(
        "PUT",
        f"/submissions/{submission_id}/records",
        json={"records": [{"record_id": first["record_id"], "document_type": "APP02"}]},
    )
    assert put.json() == {"changed": 1}
    stranger = visit("other")
    assert stranger.api("GET", f"/submissions/{submission_id}/records").status_code == 404
    assert stranger.get(f"/submissions/{submission_id}/describe").status_code == 404
    posted = stranger.api("PUT", f"/submissions/{submission_id}/records", json={"records": []})
    assert posted.status_code == 404


def _list(*rows: tuple[object, ...]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    for row in (("件号", "题名", "文件", "文件类型"), *rows):
        sheet.append(list(row))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_list_is_looked_through_and_nothing_is_kept(visit: Visit, site: Site) -> None:
    browser = visit("clerk")
    page = browser.get("/deposit/list")
    assert page.status_code == 200
    template = browser.get("/deposit/list/template.xlsx")
    assert template.content.startswith(b"PK")
    before = browser.api("GET", "/submissions").json()
    browser.get("/deposit/list")
    data = _list((1, "甲", "a.pdf", "XYZ99"), (2, "", "b.pdf"))
    answer = browser.http.post("/deposit/list", data={"csrf": browser.csrf}, files={"list": ("移交清单.xlsx", data)})
    assert answer.status_code == 200
    assert "第 2 行“文件类型”" in answer.text
    assert "第 3 行“题名”" in answer.text
    good = _list((1, "甲", "a.pdf", "APP01"))
    answer = browser.http.post("/deposit/list", data={"csrf": browser.csrf}, files={"list": ("移交清单.xlsx", good)})
    assert "没有妨碍移交的问题" in answer.text
    assert browser.api("GET", "/submissions").json() == before


def test_what_is_no_list_is_said(visit: Visit) -> None:
    browser = visit("clerk")
    browser.get("/deposit/list")
    for name, body, words in (
        ("a.xls", b"x", "旧版 XLS"),
        ("", b"", "请先选择一个文件"),
    ):
        answer = browser.http.post("/deposit/list", data={"csrf": browser.csrf}, files={"list": (name, body)})
        assert answer.status_code == 422, answer.text
        assert words in answer.text
    answer = browser.http.post("/deposit/list", data={"csrf": "x"}, files={"list": ("a.csv", b"x")})
    assert answer.status_code == 403
    assert visit("officer").get("/deposit/list").status_code == 403


def test_a_list_over_the_api(visit: Visit) -> None:
    browser = visit("clerk")
    answer = browser.http.post(
        "/api/v1/deposit-lists/check",
        params={"name": "移交清单.csv"},
        content="题名,文件,文件类型\n甲,a.pdf,APP01\n乙,a.pdf,没有这种\n".encode("gb18030"),
        headers={"X-CSRF-Token": browser.csrf},
    )
    assert answer.status_code == 200
    told = answer.json()
    assert (told["good"], told["records"], told["files"]) == (False, 2, None)
    assert [(one["code"], one["row"], one["column"]) for one in told["findings"]] == [
        ("list.unknown_document_type", 3, "文件类型"),
        ("list.file_twice", 3, "文件"),
    ]
    assert "row 3" in told["findings"][0]["en"]
    assert "文件类型" in told["findings"][0]["zh"]


def test_a_title_with_numbers_is_masked_and_stays_whole_when_nobody_changes_it(
    site: Site, visit: Visit, papers: Papers
) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "号码在名称里"}).json()["id"]
    name = f"王秀英 {papers.id_number} 13812345678"
    for path in (f"{name}.txt", "无.txt"):
        browser.http.put(
            f"/api/v1/submissions/{submission_id}/files",
            params={"path": path},
            content=path.encode(),
            headers={"X-CSRF-Token": browser.csrf},
        )
    browser.api("POST", f"/submissions/{submission_id}/complete")
    assert _carry_on(site, submission_id) == "waiting"
    address = f"/submissions/{submission_id}/describe"
    page = browser.get(address).text
    listed = browser.api("GET", f"/submissions/{submission_id}/records").text
    for number in (papers.id_number, "13812345678"):
        assert number not in page
        assert number not in listed
    fields = _fields(page)
    title = next(key for key, value in fields.items() if key.startswith("title.") and "王秀英" in value)
    assert browser.post(address, fields).status_code == 303
    assert "title" not in _given(site, submission_id)[name]
    changed = f"{name} 补"
    assert browser.post(address, {**fields, title: changed}).status_code == 303
    again = _fields(browser.get(address).text)
    assert papers.id_number not in again[title]
    assert browser.post(address, again).status_code == 303
    assert _given(site, submission_id)[name]["title"] == changed


def test_a_count_of_pages_is_within_reason(visit: Visit, waiting: tuple[Browser, str]) -> None:
    browser, submission_id = waiting
    record_id = browser.api("GET", f"/submissions/{submission_id}/records").json()["items"][0]["record_id"]
    for count, status in ((10**30, 422), (1_000_000, 200)):
        body = {"records": [{"record_id": record_id, "page_count": count}]}
        assert browser.api("PUT", f"/submissions/{submission_id}/records", json=body).status_code == status


@pytest.mark.parametrize("number", ["9" * 6000, "1e400", "-1", "1000001"])
def test_a_list_with_an_unreasonable_number_is_a_finding(visit: Visit, number: str) -> None:
    text = f'{{"format":"lantai-deposit-list/1","records":[{{"title":"a","files":["x"],"page_count":{number}}}]}}'
    answer = visit("clerk").api("POST", "/deposit-lists/check?name=deposit-list.json", content=text)
    assert answer.status_code == 200
    assert [one["code"] for one in answer.json()["findings"]] == ["list.malformed"]
