"""Four people at four windows: who keeps, who handles, who borrows and who audits, and the one who decides between them.

An archivist takes three papers of a household in; a village sees its own households only; another department asks for
the file with a letter, is given two of three papers for three days, reads them under its name and takes nothing out;
the grant ends under an open page; the auditor follows every step and takes the register out. The heart of it (request,
decision, reading, end) also without scripts, on a phone, and with nothing but the keys. Pictures stay in
``tests/output``.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest
from PIL import Image, ImageChops
from playwright.sync_api import Browser, Page, expect, sync_playwright

from lantai.sample.office import pdf
from lantai.sample.pictures import Sheet
from metadata.household import household_no
from tests.journeys.hands import Hands, Keyboard, Mouse
from tests.journeys.test_browser import CHROMIUM, OUTPUT, QUIET
from tests.journeys.town import BUREAU, DESK, PHONE, Person, Place, Town, end_grants, filled_list, reload_until, town

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian's package is `chromium`)"),
]

TOWNSHIP, VILLAGE, OTHER_VILLAGE = "990101101", "990101101201", "990101101202"
HOUSEHOLD, OTHER = household_no(VILLAGE, 7), household_no(OTHER_VILLAGE, 8)
NAME, OTHER_NAME = "王秀英", "李建国"
APPLICATION, VISIT, INCOME = "最低生活保障申请书", "入户调查表", "家庭收入证明"
REQUEST = re.compile(r"/requests/[0-9a-f-]{36}$")
PLACES = (
    Place("ts1", "青石镇人民政府（合成）", "TS", TOWNSHIP, BUREAU),
    Place("vc1", "柳林村民委员会（合成）", "VC", VILLAGE, "ts1"),
    Place("insurance", "医疗保障局（合成）", "OD", "", BUREAU),
)
PEOPLE = (
    Person("zhou", "周静（合成）", "archivist", BUREAU),
    Person("shi", "石磊（合成）", "clerk_village", "vc1"),
    Person("sun", "孙莉（合成）", "borrower_external", "insurance"),
    Person("he", "何平（合成）", "bureau_head", BUREAU),
    Person("ding", "丁宁（合成）", "audit_admin", BUREAU),
)


@dataclass
class Holding:
    """What was taken in: title of a paper -> its record."""

    town: Town
    records: dict[str, str]
    letter: Path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def holding(tmp_path_factory: pytest.TempPathFactory, chromium: Browser) -> Iterator[Holding]:
    OUTPUT.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("people")
    letter = folder / "公函.pdf"
    letter.write_bytes(_paper("关于协助核查救助信息的函", "医疗保障局"))
    with town(folder, PLACES, PEOPLE) as made:
        yield Holding(made, _taken_in(made, chromium, folder), letter)


def _paper(title: str, signed: str, rows: int = 0, name: str = NAME) -> bytes:
    sheet = Sheet(
        title=title,
        fields=(("户主", name), ("身份证号", "990101195606120423")),
        paragraphs=("家庭共同生活成员两人，主要收入为务农和零工，现申请最低生活保障。",),
        signed=signed,
        on=date(2026, 3, 2),
    )
    lines = [("日期", "事项", "金额"), *((f"第 {day} 日", "零工收入", f"{day * 11}") for day in range(1, rows))]
    return pdf(sheet, [*lines] if rows else ())


def _taken_in(made: Town, browser: Browser, folder: Path) -> dict[str, str]:
    """The archivist's window: three papers of one household and one of another, by a list; looked at and accepted."""
    papers = folder / "三月"
    papers.mkdir()
    kinds = {APPLICATION: "APP01", VISIT: "CHK07", INCOME: "CHK01"}
    for title in kinds:
        (papers / f"{title}.pdf").write_bytes(_paper(title, "柳林村民委员会", rows=60))
    (papers / "另一户.pdf").write_bytes(_paper(APPLICATION, "杨坡村民委员会", name=OTHER_NAME))
    rows: list[dict[str, object]] = [
        {"题名": title, "文件": f"{title}.pdf", "文件类型": code, "户号": HOUSEHOLD, "日期": "2026年3月2日"}
        for title, code in kinds.items()
    ]
    rows.append({**rows[0], "题名": f"{APPLICATION}（另一户）", "文件": "另一户.pdf", "户号": OTHER})
    persons = [
        {"户号": number, "救助项目": "DB", "姓名": name, "与申请人关系": "本人"}
        for number, name in ((HOUSEHOLD, NAME), (OTHER, OTHER_NAME))
    ]
    with made.page(browser, "zhou") as page:
        page.goto(f"{made.address}/deposit/list")
        with page.expect_download() as waiting:
            page.locator("a[href$='template.xlsx']").click()
        waiting.value.save_as(folder / "空白.xlsx")
        filled_list(folder / "空白.xlsx", papers / "移交清单.xlsx", rows, persons)
        page.goto(f"{made.address}/deposit")
        page.set_input_files("#f-files", sorted(papers.iterdir()))
        page.click("[data-submit]")
        page.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}$"))
        reload_until(page, "[data-state=waiting]")
        page.locator("details.confirm:has(form[action$='/accept']) > summary").click()
        page.locator("form[action$='/accept'] button").click()
        reload_until(page, "[data-state=done]")
        page.screenshot(path=OUTPUT / "people-1-accepted.png", full_page=True)
        links = page.locator("ul.links a[href^='/records/']").all()
        return {one.inner_text().strip(): str(one.get_attribute("href")).rpartition("/")[2] for one in links}


def _sees(page: Page, address: str, words: str, seconds: float = 60) -> None:
    """Search until a household file is found: the index follows the accession."""
    deadline = time.monotonic() + seconds
    while True:
        page.goto(f"{address}/search?q={words}")
        if page.locator(".hit__title a").count():
            return
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.wait_for_timeout(400)


def test_a_village_sees_its_own_households(holding: Holding, chromium: Browser) -> None:
    site = holding.town
    with site.page(chromium, "shi") as page:
        for words in (NAME, "wangxiuying", "王秀"):
            _sees(page, site.address, words)
            expect(page.locator(".hit")).to_have_count(1)
        page.screenshot(path=OUTPUT / "people-2-village.png")
        page.locator(".hit__title a").first.click()
        expect(page.locator("h1")).to_contain_text(NAME)
        expect(page.locator("main")).not_to_contain_text(INCOME)  # what is filed she does not read
        page.screenshot(path=OUTPUT / "people-3-village-file.png")
        page.goto(f"{site.address}/search?q={OTHER_NAME}")
        expect(page.locator(".hit")).to_have_count(0)
        page.goto(f"{site.address}/search?q=*")
        expect(page.locator(".hit")).to_have_count(1)
        hidden = page.request.get(f"{site.address}/households/{OTHER}")
        absent = page.request.get(f"{site.address}/households/{household_no(OTHER_VILLAGE, 4711)}")
        assert (hidden.status, absent.status) == (404, 404)
        assert page.request.get(f"{site.address}/records/{holding.records[INCOME]}").status == 404


def _to_the_desk(hands: Hands, page: Page) -> None:
    """From any page to the requests, by the rooms."""
    hands.press(page.locator("nav.rooms a[href='/use']"))
    page.wait_for_url(re.compile(r"/use"))
    hands.press(page.locator("main a[href='/requests']").first)
    page.wait_for_url(re.compile(r"/requests$"))


def _ask(hands: Hands, holding: Holding, *, numbers: bool) -> str:
    """File the request with its letter; its address."""
    page = hands.page
    _to_the_desk(hands, page)
    hands.press(page.locator("main a[href='/requests/new']").first)
    page.wait_for_url(re.compile(r"/requests/new"))
    hands.fill(page.locator("#f-household_no"), HOUSEHOLD)
    hands.choose(page.locator("#f-purpose"), "inter_agency_verification")
    hands.fill(page.locator("#f-purpose_text"), "核查医疗救助待遇，需要核对低保审批结果。")
    hands.fill(page.locator("#f-legal_basis"), "《社会救助暂行办法》第五十八条")
    hands.attach(page.locator("#f-letter"), holding.letter)
    if numbers:
        hands.press(page.locator("input[name=numbers][value=full]"))
    hands.fill(page.locator("#f-days"), "5")
    hands.press(page.locator("form.asking button.button--main"))
    page.wait_for_url(REQUEST)
    return page.url


def _decide(hands: Hands, asked: str, titles: tuple[str, ...]) -> None:
    """From Today's line to the request; what it means is ticked, for three days."""
    page = hands.page
    hands.press(page.locator("a.task[href^='/requests']").first)
    page.wait_for_url(asked)  # one request waits: the line leads to it
    expect(page.locator("iframe.letter")).to_be_attached()
    for title in titles:
        hands.press(page.locator(".thing", has=page.get_by_text(title, exact=True)).locator("input[type=checkbox]"))
    hands.fill(page.locator("#f-days"), "3")
    hands.press(page.locator("button[name=outcome][value=grant]"))
    expect(page.locator(".notice--ok")).to_be_visible()


def _open_granted(hands: Hands, title: str) -> None:
    page = hands.page
    hands.press(page.locator("a.task[href='/reading']"))  # on Today
    page.wait_for_url(re.compile(r"/reading"))
    hands.press(page.locator("main table a", has_text=title).first)
    page.wait_for_url(re.compile(r"/records/"))
    expect(page.locator(".notice--copy")).to_be_visible()


def _revoke(hands: Hands, asked: str) -> None:
    page = hands.page
    page.goto(asked)
    hands.press(page.locator("details.confirm:has(form[action$='/revoke']) > summary"))
    hands.fill(page.locator("form[action$='/revoke'] textarea"), "核查事项已办结。")
    hands.press(page.locator("form[action$='/revoke'] button"))
    expect(page.locator(".notice--ok")).to_be_visible()


def _page_picture(page: Page) -> Image.Image:
    """The picture of the page that stands open, as it was sent."""
    picture = page.locator("img[data-picture]")
    expect(picture).to_be_visible()
    page.wait_for_function(
        "() => { const p = document.querySelector('img[data-picture]'); return p.complete && p.naturalWidth; }"
    )
    answer = page.request.get(page.url.partition("/records/")[0] + str(picture.get_attribute("src")))
    return Image.open(io.BytesIO(answer.body())).convert("L")


def _takes_nothing_out(page: Page, site: Town, holding: Holding) -> None:
    """Neither a button nor an address gives the original, the package, a list or the third paper."""
    assert page.locator("a[href$='/download'], a[href$='/package'], a[href$='.xlsx']").count() == 0
    file_id = str(page.locator("img[data-picture]").get_attribute("src")).split("/")[2]
    record_id = holding.records[APPLICATION]
    addresses = (
        f"/files/{file_id}/content",
        f"/files/{file_id}/download",
        f"/records/{record_id}/versions/1/package",
        f"/api/v1/files/{file_id}/content",
        f"/records/{holding.records[INCOME]}",
        f"/records/{holding.records[f'{APPLICATION}（另一户）']}",
        "/use.xlsx?all=1",
    )
    told = {one: page.request.get(f"{site.address}{one}", max_redirects=0) for one in addresses}
    assert {one: answer.status for one, answer in told.items() if answer.status not in (403, 404, 422)} == {}
    assert not any(answer.body().startswith((b"%PDF", b"PK")) for answer in told.values())


def test_a_borrower_reads_two_of_three_papers_until_the_grant_is_revoked(holding: Holding, chromium: Browser) -> None:
    site = holding.town
    with ExitStack() as windows:
        borrower = Mouse(windows.enter_context(site.page(chromium, "sun")))
        head = Mouse(windows.enter_context(site.page(chromium, "he")))
        page = borrower.page
        assert page.request.get(f"{site.address}/households/{HOUSEHOLD}").status == 404  # nothing before it is granted
        asked = _ask(borrower, holding, numbers=True)
        page.screenshot(path=OUTPUT / "people-4-asked.png", full_page=True)
        head.page.goto(site.address)
        head.page.screenshot(path=OUTPUT / "people-5-head-today.png")
        head.page.goto(asked)
        head.page.screenshot(path=OUTPUT / "people-6-deciding.png", full_page=True)
        head.page.goto(site.address)
        _decide(head, asked, (APPLICATION, VISIT))
        head.page.screenshot(path=OUTPUT / "people-7-decided.png", full_page=True)
        grant = page.request.get(asked.replace("/requests/", "/api/v1/requests/")).json()["grant"]
        begins, ends = (datetime.fromisoformat(grant[name]) for name in ("starts_at", "ends_at"))
        assert timedelta(days=3) <= ends - begins <= timedelta(days=4)  # three whole days, to midnight after the last
        page.goto(site.address)
        page.screenshot(path=OUTPUT / "people-8-borrower-today.png")
        _open_granted(borrower, APPLICATION)
        copy = _page_picture(page)
        page.screenshot(path=OUTPUT / "people-9-reading.png")
        with site.page(chromium, "zhou") as archivist:
            archivist.goto(f"{site.address}/records/{holding.records[APPLICATION]}")
            difference = ImageChops.difference(copy, _page_picture(archivist).resize(copy.size))
            assert difference.getbbox() is not None  # a watermark lies on hers
        _takes_nothing_out(page, site, holding)
        borrower.press(page.locator("a[rel=next]"))
        page.wait_for_url(re.compile("page=2"))
        page.clock.install()
        page.reload()
        expect(page.locator("img[data-picture]")).to_be_visible()
        _revoke(head, asked)
        page.clock.fast_forward(31_000)  # the open page asks every half minute
        expect(page.locator("[data-ended]")).to_be_visible()
        expect(page.locator("img[data-picture]")).not_to_have_attribute("src", re.compile("."))
        page.screenshot(path=OUTPUT / "people-10-ended.png")
        assert page.request.get(f"{site.address}/records/{holding.records[APPLICATION]}").status == 404
        page.goto(asked)
        expect(page.locator("main")).to_contain_text("核查事项已办结。")
        page.screenshot(path=OUTPUT / "people-11-story.png", full_page=True)


def _end_by_time(site: Town, page: Page) -> None:
    """Its last moment comes while the page is open; then the daily care closes the request."""
    end_grants(site.commands, "sun", seconds=4)
    page.reload()
    expect(page.locator(".notice--copy")).to_be_visible()
    expect(page.locator("[data-ended]")).to_be_visible()


@pytest.mark.parametrize("how", ["no-scripts", "phone", "keys"])
def test_request_decision_reading_and_end(holding: Holding, chromium: Browser, how: str) -> None:
    site, scripts, size = holding.town, how != "no-scripts", PHONE if how == "phone" else DESK
    with ExitStack() as windows:
        pages = [windows.enter_context(site.page(chromium, who, size, scripts=scripts)) for who in ("sun", "he")]
        borrower, head = (Keyboard(one) if how == "keys" else Mouse(one) for one in pages)
        page = borrower.page
        asked = _ask(borrower, holding, numbers=how != "no-scripts")
        page.screenshot(path=OUTPUT / f"people-{how}-1-asked.png", full_page=True)
        head.page.goto(site.address)
        _decide(head, asked, (APPLICATION, VISIT))
        head.page.screenshot(path=OUTPUT / f"people-{how}-2-decided.png", full_page=True)
        page.goto(site.address)
        _open_granted(borrower, APPLICATION)
        if how == "no-scripts":
            expect(page.locator("pre.paper--text").first).to_contain_text(NAME)
            expect(page.locator("pre.paper--text").first).not_to_contain_text("990101195606120423")
            expect(page.locator("img.marked-text__mark").first).to_be_visible()
        else:
            _page_picture(page)
        page.screenshot(path=OUTPUT / f"people-{how}-3-reading.png", full_page=how == "phone")
        if how == "keys":
            borrower.key("ArrowRight")
        else:
            borrower.press(page.locator("a[rel=next]"))
        page.wait_for_url(re.compile("page=2"))
        if how == "phone":
            assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
            _end_by_time(site, page)
        else:
            _revoke(head, asked)
            page.reload()
            expect(page.locator("main")).not_to_contain_text(NAME)
        page.screenshot(path=OUTPUT / f"people-{how}-4-ended.png", full_page=True)
        page.goto(f"{site.address}/reading")
        expect(page.locator("main table")).to_have_count(0)


def test_the_auditor_follows_every_step_and_takes_the_register_out(
    holding: Holding, chromium: Browser, tmp_path: Path
) -> None:
    site = holding.town
    with site.page(chromium, "ding") as page:
        page.locator("nav.rooms a[href='/use']").click()
        page.locator("main a[href*='all=1']").first.click()
        page.wait_for_url(re.compile("all=1"))
        page.screenshot(path=OUTPUT / "people-12-register.png", full_page=True)
        with page.expect_download() as waiting:
            page.locator("main a[href*='/use.xlsx']").click()
        waiting.value.save_as(tmp_path / "利用登记.xlsx")
        assert page.request.get(f"{site.address}/records/{holding.records[APPLICATION]}").status == 404
    sheet = openpyxl.load_workbook(tmp_path / "利用登记.xlsx", read_only=True).worksheets[0]
    rows = list(sheet.iter_rows(values_only=True))
    words = ["\t".join(str(one) for one in row if one is not None) for row in rows]
    ids = {holding.records[APPLICATION], holding.records[VISIT], holding.records[INCOME]}
    assert any("孙莉" in one and "查看页面" in one and "JY2026-000001" in one for one in words)
    assert any("何平" in one and "申请已审批" in one for one in words)
    assert any("孙莉" in one and "拒绝访问" in one and holding.records[INCOME] in one for one in words)
    assert any(one in line for one in ids for line in words)
    assert not any(NAME in line for line in words)  # she follows what was done, not what the papers say
    for who in ("zhou", "shi", "sun", "he"):
        with site.page(chromium, who) as page:
            answer = page.request.get(f"{site.address}/use.xlsx?all=1", max_redirects=0)
            assert answer.status in (403, 404), (who, answer.status)
            assert not answer.body().startswith(b"PK")
