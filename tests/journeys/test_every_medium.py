"""Every medium in one deposit, as its people meet it: a clerk on a phone, an archivist at a desk, both also without scripts.

One site for the whole file; the scan is deposited first, of few pages, so that its text is recognised meanwhile.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest
import typst
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, Page, expect, sync_playwright

from ingest.extract.ocr import reads_scans
from lantai import care
from lantai.settings import load
from lantai.site import open_site
from metadata.household import household_no
from tests.corpus.makers.archives import raw_zip
from tests.corpus.makers.papers import ofd
from tests.corpus.makers.pictures import noise, saved
from tests.corpus.makers.word97 import word97
from tests.journeys.commands import Commands
from tests.journeys.test_browser import CHROMIUM, OUTPUT, QUIET
from tests.journeys.town import BUREAU, PHONE, Person, Place, Town, filled_list, reload_until
from tests.journeys.town import town as serving
from tests.services.clamd import EICAR
from tests.services.clamd import Clamd as RunningClamd

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian's package is `chromium`)"),
]

PAGES = 6
HOUSEHOLD = household_no("990101001001", 123)
FONT = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
DEPOSIT = re.compile(r"/submissions/[0-9a-f-]{36}$")
# a text in UTF-8 that was read as GBK and kept: written for this test
DAMAGED = (
    ("村民代表会议评议：家庭人均收入低于本地标准，同意上报审核，公示七天无异议。" * 6).encode().decode("gbk", "replace")
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Town]:
    OUTPUT.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("town")
    environment = {}
    if shutil.which("clamd", path="/usr/sbin:/usr/bin") is not None:
        running: RunningClamd = request.getfixturevalue("clamd")
        environment["LANTAI_VIRUS__ADDRESS"] = running.settings.address
    scanned = _scan(folder) if reads_scans("auto") and FONT.exists() else None
    with serving(
        folder,
        [Place("ts1", "青石镇人民政府（合成）", "TS", "990101001", BUREAU)],
        [Person("zhou", "周静（合成）", "archivist", BUREAU), Person("wu", "吴敏（合成）", "clerk_township", "ts1")],
        environment=environment,
        before=lambda commands: _read_beforehand(commands, scanned) if scanned else None,
    ) as made:
        yield made


def _read_beforehand(commands: Commands, scanned: Path) -> None:
    """Take the scan in and do at once what the worker does minute by minute: pictures, text recognition, index."""
    commands.run("ingest", scanned, "--accept", "--wait")
    site = open_site(load(home=commands.home))
    try:
        for name in ("derive", "images", "ocr", "index"):
            while care.run(site, name):
                pass
    finally:
        site.close()


def _scan(folder: Path) -> Path:
    """A file of ``PAGES`` pages: the one before the last is a picture only, so that one page has to be recognised."""
    made = Image.new("L", (1240, 1754), 250)
    ImageDraw.Draw(made).text((160, 700), "核实其种植葡萄收入三千元", fill=20, font=ImageFont.truetype(FONT, 64))
    made.save(folder / "scan.png", dpi=(150, 150))
    pages = [f"Page {number} of the file." for number in range(1, PAGES + 1)]
    pages[-2] = '#image("scan.png", width: 100%)'
    source = "#set page(margin: 0pt)\n" + "\n#pagebreak()\n".join(pages)
    (folder / "scan.typ").write_text(source, encoding="utf-8")
    path = folder / "全卷扫描.pdf"
    typst.compile(str(folder / "scan.typ"), output=str(path))
    return path


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """What a clerk has: photographs, a ZIP of old Windows, an OFD, an old DOC, a damaged text, a virus."""
    for number in (1, 2, 3):
        exif = Image.Exif()
        exif[0x010F], exif[0x0110], exif[0x0132] = "HUAWEI", "P40", f"2026:03:0{number} 09:10:00"
        (tmp_path / f"IMG_2026030{number}_091000.jpg").write_bytes(saved(noise(seed=number), "JPEG", exif=exif))
    application = "最低生活保障申请书\n2026年2月20日\n".encode("gb18030")
    raw_zip(tmp_path / "申请材料.zip", [("申请书.txt".encode("gbk"), application)])
    (tmp_path / "电子发票.ofd").write_bytes(ofd(text="电子发票 医疗费"))
    (tmp_path / "公示.doc").write_bytes(word97("最低生活保障对象公示\n公示期7天\n二〇二六年三月十日"))
    (tmp_path / "会议纪要.txt").write_text(DAMAGED, encoding="utf-8")
    (tmp_path / "扫描软件.txt").write_text(EICAR, encoding="ascii")
    return tmp_path


def _choose(page: Page, town: Town, papers: Path, *, leave_out: bool) -> None:
    page.goto(f"{town.address}/deposit")
    page.set_input_files("#f-camera", sorted(papers.glob("*.jpg")))
    page.set_input_files("#f-files", sorted(one for one in papers.iterdir() if one.suffix != ".jpg"))
    if leave_out:
        page.check("input[name=leave_out]")


def _accept(page: Page, summary: str) -> None:
    page.locator("details.confirm > summary", has_text=summary).click()
    page.locator("form[action$='/accept'] button").click()
    reload_until(page, "[data-state=done]")


@pytest.mark.parametrize(("scripts", "size"), [(True, PHONE), (False, PHONE)], ids=["phone", "phone-no-scripts"])
def test_every_medium_in_one_deposit(
    town: Town, chromium: Browser, papers: Path, scripts: bool, size: tuple[int, int]
) -> None:
    if "LANTAI_VIRUS__ADDRESS" not in town.commands.environment:
        pytest.skip("clamd is not installed (Debian's package is `clamav-daemon`)")
    picture = "medium" if scripts else "medium-no-scripts"
    with town.page(chromium, "wu", size, scripts=scripts) as page:
        _choose(page, town, papers, leave_out=True)
        page.click("[data-submit]")
        page.wait_for_url(DEPOSIT)
        address = page.url
        if scripts:  # findings come by themselves
            expect(page.locator("[data-part=findings] .finding").first).to_be_visible()
            expect(page.locator("[data-state=waiting]")).to_be_visible()
        reload_until(page, "section.left")
        page.screenshot(path=OUTPUT / f"{picture}-1-left-out.png", full_page=True)
        left = page.locator("section.left")
        expect(left).to_contain_text("扫描软件.txt")
        expect(left).to_contain_text("含有恶意代码")
        expect(left).to_contain_text("不要打开")  # what to do
        expect(left.locator("li.finding")).to_have_count(1)
        expect(page.locator("main")).to_contain_text("申请材料.zip/申请书.txt")
        expect(page.locator("main")).to_contain_text("疑似经过两次转换")
        assert page.evaluate("document.documentElement.scrollWidth") <= size[0] if scripts else True
    with town.page(chromium, "zhou", scripts=scripts) as page:
        _describe(page, address, keyboard=scripts)
        page.goto(address)
        _accept(page, "接收")
        page.screenshot(path=OUTPUT / f"{picture}-2-done.png", full_page=True)
        expect(page.locator("ul.links li")).to_have_count(7)
        expect(page.locator("ul.links")).to_contain_text("最低生活保障申请书")
        expect(page.locator("ul.links")).to_contain_text("入户调查表")
    with town.page(chromium, "wu", size, scripts=scripts) as page:
        page.goto(address)
        page.locator("section.left a.button").click()
        page.wait_for_url(re.compile("/deposit"))


def _describe(page: Page, address: str, *, keyboard: bool) -> None:
    """Say what the first photograph is and confirm the page as it stands."""
    page.goto(f"{address}/describe")
    application = page.locator("tr", has_text="申请书.txt")
    assert application.locator("select").input_value() == "APP01"
    assert application.locator("input[type=date]").input_value() == "2026-02-20"
    first = page.locator("tbody tr").first
    assert first.locator("th").inner_text().strip().startswith("IMG_20260301_091000.jpg")  # the name as given
    assert first.locator("input[type=date]").input_value() == "2026-03-01"
    if keyboard:
        first.locator("select").focus()
        first.locator("select").select_option("CHK07")  # typing ahead in Chinese needs an input method
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")  # in the field of the household number: keep the page
    else:
        first.locator("select").select_option("CHK07")
        page.locator(".confirming__send button").click()
    page.wait_for_url(DEPOSIT)


def test_an_archivist_accepts_the_rest_of_a_refused_deposit(town: Town, chromium: Browser, papers: Path) -> None:
    if "LANTAI_VIRUS__ADDRESS" not in town.commands.environment:
        pytest.skip("clamd is not installed (Debian's package is `clamav-daemon`)")
    with town.page(chromium, "wu", PHONE) as page:
        _choose(page, town, papers, leave_out=False)
        page.click("[data-submit]")
        page.wait_for_url(DEPOSIT)
        address = page.url
        reload_until(page, "[data-state=rejected]")
        expect(page.locator("main")).to_contain_text("只有 1 件有问题")
    with town.page(chromium, "zhou") as page:
        page.goto(address)
        page.locator("details.confirm > summary", has_text="其余先接收").click()
        expect(page.locator("form[action$='/accept']")).to_contain_text("7 件将归入馆藏")
        expect(page.locator("form[action$='/accept']")).to_contain_text("扫描软件.txt")
        page.screenshot(path=OUTPUT / "medium-3-the-rest.png")
        page.locator("form[action$='/accept'] button").click()
        reload_until(page, "[data-state=done]")
        expect(page.locator("ul.links li")).to_have_count(7)


def test_a_list_is_looked_through_mended_and_deposited_without_scripts(
    town: Town, chromium: Browser, tmp_path: Path
) -> None:
    folder = tmp_path / "三月"
    folder.mkdir()
    for name in ("入户调查", "收入证明", "授权书"):
        (folder / f"{name}.txt").write_text(f"{name}（合成）\n", encoding="utf-8")
    common = {"户号": HOUSEHOLD, "日期": "2026年3月1日"}
    rows: list[dict[str, object]] = [
        {"题名": "入户调查表", "文件": "入户调查.txt", "文件类型": "CHK07", **common},
        {"题名": "家庭收入证明", "文件": "收入证明.txt", "文件类型": "CHK01", **common},
        {"题名": "核对授权书", "文件": "授权书.txt", "文件类型": "APP03", **common},
    ]
    person = {"户号": HOUSEHOLD, "救助项目": "DB", "姓名": "張偉（户主）", "与申请人关系": "本人"}
    wrong = [rows[0], {**rows[1], "题名": None, "日期": "2026-13-45"}, {**rows[2], "文件类型": "没有这种"}]
    with town.page(chromium, "zhou", scripts=False) as page:
        page.goto(f"{town.address}/deposit/list")
        with page.expect_download() as waiting:
            page.locator("a[href$='template.xlsx']").click()
        template = tmp_path / "空白.xlsx"
        waiting.value.save_as(template)
        page.set_input_files("#f-list", filled_list(template, tmp_path / "有错.xlsx", wrong, [person]))
        page.locator("main form button").click()
        told = page.locator(".list-report tbody tr")
        expect(told).to_have_count(2)  # each beside its own row
        expect(told.nth(0)).to_contain_text("题名不能为空")
        expect(told.nth(0)).to_contain_text("不是完整的日期")
        expect(told.nth(1)).to_contain_text("没有这种")
        page.screenshot(path=OUTPUT / "medium-4-list.png", full_page=True)
        mended = filled_list(template, folder / "移交清单.xlsx", rows, [person])
        page.set_input_files("#f-list", mended)
        page.locator("main form button").click()
        expect(page.locator(".notice--ok")).to_be_visible()
        page.goto(f"{town.address}/deposit")
        page.set_input_files("#f-files", sorted(folder.iterdir()))
        page.click("[data-submit]")
        page.wait_for_url(DEPOSIT)
        reload_until(page, "[data-state=waiting]")
        _accept(page, "接收")
        expect(page.locator("ul.links li")).to_have_count(3)
        expect(page.locator("ul.links")).to_contain_text("家庭经济状况核对授权书")
    _report_and_freeze(town, chromium, tmp_path)
    _found_in_either_script(town, chromium)


def _report_and_freeze(town: Town, chromium: Browser, tmp_path: Path) -> None:
    with town.page(chromium, "zhou", scripts=False) as page:
        page.goto(f"{town.address}/households/{HOUSEHOLD}")
        expect(page.locator("main")).to_contain_text("四性检测报告")
        page.locator("a[href*='/report']").first.click()
        page.wait_for_url(re.compile("/report"))
        href = page.get_by_role("link", name="PDF").get_attribute("href")
        answer = page.request.get(f"{town.address}{href}")
        document = pypdfium2.PdfDocument(answer.body())
        try:
            told = [re.sub(r"[\s\u200b]", "", one.get_textpage().get_text_range()) for one in document]
            document[0].render(scale=1.2).to_pil().save(OUTPUT / "medium-5-report.png")
        finally:
            document.close()
        assert "四性检测报告" in told[0]
        assert HOUSEHOLD in told[0]
        assert "合格" in told[0]
        assert f"共{len(told)}页" in told[-1]
        assert any("核对授权书" in one for one in told)
        page.locator(".page-header details.confirm > summary").first.click()
        page.locator(".page-header details.confirm[open] form button").click()
        page.wait_for_url(DEPOSIT)
        reload_until(page, "[data-state=done]")
        page.goto(f"{town.address}/households/{HOUSEHOLD}")
        frozen = page.locator(".papers__title", has_text="四性检测报告")
        expect(frozen).to_have_count(1)
        frozen.click()
        expect(page.locator("main")).to_contain_text("PRE01")


def _found_in_either_script(town: Town, chromium: Browser) -> None:
    with town.page(chromium, "wu", PHONE) as page:
        for words in ("张伟", "張偉", "zhangwei", "zw"):
            deadline = time.monotonic() + 30
            while True:
                page.goto(f"{town.address}/search?q={words}")
                if page.locator("main", has_text="張偉").locator("a[href^='/households/']").count():
                    break
                assert time.monotonic() < deadline, f"{words}: {page.locator('main').inner_text()}"
                page.wait_for_timeout(500)


def test_a_word_on_a_scanned_page_opens_its_picture(town: Town, chromium: Browser) -> None:
    if not reads_scans("auto") or not FONT.exists():
        pytest.skip("no reader of scans (`make ocr`) or no font (Debian's package is `fonts-noto-cjk`)")
    with town.page(chromium, "zhou") as page:
        deadline = time.monotonic() + 120
        while True:
            page.goto(f"{town.address}/search?q=葡萄")
            if page.locator(".hit__title a").count():
                break
            assert time.monotonic() < deadline, page.locator("main").inner_text()
            page.wait_for_timeout(1000)
        page.locator(".hit__title a").first.click()
        page.wait_for_url(re.compile(f"page={PAGES - 1}"))
        mark = page.locator(".marks rect").first
        expect(mark).to_be_visible()
        page.wait_for_timeout(500)
        page.screenshot(path=OUTPUT / "medium-6-scanned-page.png")
        assert mark.bounding_box() is not None
