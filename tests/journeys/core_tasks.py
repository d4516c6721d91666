"""``make core-tasks``: does the core tasks in a real Chromium, counts clicks and keys, and writes the page that tells them.

Each task begins on Today, signed in, and ends when the program says that it is done. It is done twice: with a mouse,
and with nothing but the keys. What other programs' manuals say of the same task stands beside it, with the page it
stands on; where the manual does not speak of it, so it is written.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, expect, sync_playwright

from lantai.sample.office import pdf
from lantai.sample.pictures import Sheet
from metadata.household import household_no
from tests.journeys.commands import Commands
from tests.journeys.hands import Counts, Hands, Keyboard, Mouse
from tests.journeys.test_browser import CHROMIUM, QUIET
from tests.journeys.town import BUREAU, Person, Place, Town, filled_list, town

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "core-tasks.md"
HOUSEHOLD, KNOWN = household_no("990101001001", 7), household_no("990101001001", 8)
SCANS, TRAY = 12, 4
PLACES = (
    Place("ts1", "青石镇人民政府（合成）", "TS", "990101001", BUREAU),
    Place("insurance", "医疗保障局（合成）", "OD", "", BUREAU),
)
PEOPLE = (
    Person("zhou", "周静（合成）", "archivist", BUREAU),
    Person("wu", "吴敏（合成）", "clerk_township", "ts1"),
    Person("feng", "冯远（合成）", "preservation_officer", BUREAU),
    Person("sun", "孙莉（合成）", "borrower_external", "insurance"),
    Person("he", "何平（合成）", "bureau_head", BUREAU),
)
DEPOSIT = re.compile(r"/submissions/[0-9a-f-]{36}$")
REQUEST = re.compile(r"/requests/[0-9a-f-]{36}$")
PAPERLESS = "Paperless-ngx, *Usage Overview* (docs.paperless-ngx.com/usage)"
PAPERLESS_CARE = "Paperless-ngx, *Administration* (docs.paperless-ngx.com/administration)"
RODA_PRE = "RODA, *Pre-ingest* (github.com/keeps/roda, documentation/Pre_Ingest.md)"
RODA_SEARCH = "RODA, *Advanced search* (github.com/keeps/roda, documentation/Advanced_Search.md)"
RODA_FAQ = "RODA, *Frequently Asked Questions* (github.com/keeps/roda, documentation/FAQ.md)"


@dataclass(frozen=True)
class Papers:
    """What is handed over during the tasks."""

    scans: Sequence[Path]
    letter: Path


class Task(NamedTuple):
    """A core task: its name, who does it, how, and what two other manuals say of it."""

    name: str
    who: str
    do: Callable[[Hands, Papers], None]
    paperless: str
    roda: str


class Counted(NamedTuple):
    """One row: clicks and keys with a mouse, keys without, characters typed, files chosen."""

    task: Task
    clicks: int
    keys: int
    keys_alone: int
    typed: int


def _room(hands: Hands, path: str) -> None:
    hands.press(hands.page.locator(f"nav.rooms a[href='{path}']"))
    hands.page.wait_for_url(re.compile(re.escape(path)))


def _deposit(hands: Hands, papers: Papers) -> None:
    page = hands.page
    _room(hands, "/deposit")
    hands.fill(page.locator("#f-household_no"), HOUSEHOLD)
    hands.attach(page.locator("#f-files"), papers.scans)
    hands.press(page.locator("[data-submit]"))
    page.wait_for_url(DEPOSIT)
    expect(page.locator("[data-state=waiting]")).to_be_visible(timeout=180_000)


def _accept(hands: Hands, _papers: Papers) -> None:
    page = hands.page
    hands.press(page.locator("a.task[href='/submissions?state=waiting']"))
    page.wait_for_url(re.compile("state=waiting"))
    hands.press(page.locator("main table a[href^='/submissions/']").first)
    page.wait_for_url(DEPOSIT)
    hands.press(page.locator("details.confirm:has(form[action$='/accept']) > summary"))
    hands.press(page.locator("form[action$='/accept'] button"))
    expect(page.locator("[data-state=done]")).to_be_visible(timeout=180_000)


def _find(hands: Hands, _papers: Papers) -> None:
    page = hands.page
    hands.key("/")
    hands.counts.typed += 2
    page.keyboard.insert_text("张伟")
    hands.key("Enter")
    page.wait_for_url(re.compile("/search"))
    hands.press(page.locator(".hit__title a").first)
    expect(page.locator("h1")).to_contain_text("張偉")


def _ask(hands: Hands, papers: Papers) -> None:
    page = hands.page
    _room(hands, "/use")
    hands.press(page.locator("main a[href='/requests']").first)
    hands.press(page.locator("main a[href='/requests/new']").first)
    page.wait_for_url(re.compile("/requests/new"))
    hands.fill(page.locator("#f-household_no"), KNOWN)
    hands.choose(page.locator("#f-purpose"), "inter_agency_verification")
    hands.fill(page.locator("#f-purpose_text"), "核查医疗救助待遇。")
    hands.fill(page.locator("#f-legal_basis"), "《社会救助暂行办法》第五十八条")
    hands.attach(page.locator("#f-letter"), papers.letter)
    hands.press(page.locator("form.asking button.button--main"))
    page.wait_for_url(REQUEST)


def _answer(hands: Hands, _papers: Papers) -> None:
    page = hands.page
    hands.press(page.locator("a.task[href^='/requests']").first)
    page.wait_for_url(REQUEST)
    for box in page.locator("#f-things .thing input[type=checkbox][name^=pick_record]").all()[:2]:
        hands.press(box)
    hands.press(page.locator("button[name=outcome][value=grant]"))
    expect(page.locator(".notice--ok")).to_be_visible()


def _audit(hands: Hands, _papers: Papers) -> None:
    page = hands.page
    _room(hands, "/preservation")
    hands.press(page.locator("form[action='/preservation/audit'] button"))
    expect(page.locator(".notice--ok, .said").first).to_be_visible()


def _file_from_tray(hands: Hands, _papers: Papers) -> None:
    page = hands.page
    _room(hands, "/holdings")
    hands.press(page.locator("main table a[href^='/case-files/']", has_text="張偉").first)
    page.wait_for_url(re.compile("/case-files/"))
    hands.press(page.locator("a[href$='?arrange=1']"))
    hands.press(page.locator("a[href$='/tray']"))
    page.wait_for_url(re.compile("/tray"))
    for box in page.locator("main tbody td.pick input[type=checkbox]").all()[:2]:
        hands.press(box)
    hands.press(page.locator("form.selection button.button--main"))
    expect(page.locator(".notice--ok")).to_be_visible()


TASKS = (
    Task(
        f"Deposit a household's {SCANS} scans",
        "wu",
        _deposit,
        "drag the files into the app or press its upload button; then for each document: correspondent, type, title, "
        f"date, inbox tag off ({PAPERLESS})",
        f"make packages (SIP) in RODA-in, log in, *Ingest/Transfer*, enter or create the folder, upload, tell the "
        f"repository ({RODA_PRE})",
    ),
    Task(
        "Accept the deposit",
        "zhou",
        _accept,
        f"not described: a document is in the holdings once it is consumed ({PAPERLESS})",
        f"staff select the packages and start the ingest; steps not described ({RODA_PRE})",
    ),
    Task(
        "Find a household by a name in the other script",
        "zhou",
        _find,
        f"one search bar; the other script is not described ({PAPERLESS})",
        f"one search page, whole words only; the other script is not described ({RODA_SEARCH})",
    ),
    Task(
        "Ask for access, with a letter",
        "sun",
        _ask,
        f"not described: an owner gives permissions on the document's tab *Permissions* ({PAPERLESS})",
        f"not described; for papers off line: “No”, an external system would handle such requests ({RODA_FAQ})",
    ),
    Task(
        "Answer a request: two of the papers",
        "he",
        _answer,
        "not described",
        "not described",
    ),
    Task(
        "Run an audit of everything",
        "feng",
        _audit,
        f"a command at the server, `document_sanity_checker` ({PAPERLESS_CARE})",
        f"“actions exist that perform regular fixity checks”; steps not described ({RODA_FAQ})",
    ),
    Task(
        "File two papers from the tray",
        "zhou",
        _file_from_tray,
        f"assign tags or a type to each, or select and edit together ({PAPERLESS})",
        "not described on the pages named here",
    ),
)


def _beforehand(folder: Path) -> Callable[[Commands], None]:
    """A household in traditional characters with three papers, and papers without a household in the tray."""

    def prepare(commands: Commands) -> None:
        known, tray = folder / "已有", folder / "待归卷"
        known.mkdir()
        tray.mkdir()
        for name in ("入户调查", "收入证明", "申请书"):
            (known / f"{name}.txt").write_text(f"{name}（合成）\n", encoding="utf-8")
        commands.run("list", "template", folder / "空白.xlsx")
        rows: list[dict[str, object]] = [
            {"题名": name, "文件": f"{name}.txt", "文件类型": code, "户号": KNOWN, "日期": "2026年3月1日"}
            for name, code in (("入户调查", "CHK07"), ("收入证明", "CHK01"), ("申请书", "APP01"))
        ]
        person = {"户号": KNOWN, "救助项目": "DB", "姓名": "張偉", "与申请人关系": "本人"}
        filled_list(folder / "空白.xlsx", known / "移交清单.xlsx", rows, [person])
        for number in range(TRAY):
            (tray / f"补充材料{number}.txt").write_text(f"补充材料 {number}（合成）\n", encoding="utf-8")
        commands.run("ingest", known, "--accept", "--wait")
        commands.run("ingest", tray, "--accept", "--wait")

    return prepare


def _papers(folder: Path) -> Papers:
    scans = []
    for number in range(1, SCANS + 1):
        path = folder / f"扫描{number:02}.png"
        Image.new("L", (827, 1169), 255 - number).save(path, dpi=(200, 200))
        scans.append(path)
    letter = folder / "公函.pdf"
    letter.write_bytes(pdf(Sheet("关于协助核查的函", (), ("请予协助。",), "医疗保障局（合成）", date(2026, 3, 2))))
    return Papers(scans, letter)


def counted(browser: Browser, served: Town, papers: Papers) -> list[Counted]:
    """Every task with a mouse, then every task with the keys."""
    done: dict[type[Hands], list[Counts]] = {}
    for kind in (Mouse, Keyboard):
        for task in TASKS:
            with served.page(browser, task.who) as page:
                hands = kind(page)
                task.do(hands, papers)
                done.setdefault(kind, []).append(hands.counts)
                print(f"{task.name}: {hands.counts}", file=sys.stderr)
    return [
        Counted(task, mouse.clicks + mouse.choices, mouse.keys, alone.keys + alone.choices, mouse.typed)
        for task, mouse, alone in zip(TASKS, done[Mouse], done[Keyboard], strict=True)
    ]


def written(rows: Sequence[Counted]) -> str:
    """The page."""
    lines = [
        "# Clicks and keys of the core tasks",
        "",
        "Counted by `make core-tasks`, which does each task in Chromium on a fresh site, with a mouse and again with the",
        "keys alone. A task begins on Today, signed in, and ends when the program says that it is done. A click counts",
        "one, also into a field before typing; choosing from a list counts two; choosing files in the system's own window",
        "counts one, however many files. Characters typed are told apart, since no program spares them. *Keys alone*",
        "counts Tab, arrows, Space, Enter and shortcuts.",
        "",
        "| task | clicks | keys | keys alone | characters typed |",
        "|---|--:|--:|--:|--:|",
        *(f"| {one.task.name} | {one.clicks} | {one.keys} | {one.keys_alone} | {one.typed} |" for one in rows),
        "",
        "## What others' manuals say of the same tasks",
        "",
        "Steps as the manuals tell them; nothing was counted in those programs. “Not described” means that the page named",
        "does not speak of it, not that it cannot be done.",
        "",
        "| task | Paperless-ngx | RODA |",
        "|---|---|---|",
        *(f"| {one.task.name} | {one.task.paperless} | {one.task.roda} |" for one in rows),
    ]
    return "\n".join(lines) + "\n"


def count_all(folder: Path) -> list[Counted]:
    """The rows, counted on a site in ``folder``."""
    papers = _papers(folder)
    with sync_playwright() as playwright, town(folder, PLACES, PEOPLE, before=_beforehand(folder)) as served:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        rows = counted(browser, served, papers)
        browser.close()
    return rows


def main() -> int:
    """Count, and write the page."""
    if CHROMIUM is None:
        print("No chromium on this machine; nothing was counted.")
        return 1
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        PAGE.write_text(written(count_all(Path(folder))), encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
