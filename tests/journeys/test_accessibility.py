"""Every page that a person can reach, looked at by axe-core (WCAG 2.2 A and AA): no violation.

Each persona begins on Today and follows links; of each kind of page (its route) that looks different to her, one is
looked at, on a desk, and dark on a phone with every panel open. Then come the pages that only forms and mishaps
lead to: refusals, conflicts, empty lists, what an act says, a session that ended, a database that is away.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from axe_playwright_python.base import AXE_FILE_PATH
from playwright.sync_api import Browser, Page, sync_playwright

from access.accounts import account_by_name
from access.sessions import open_session
from lantai.settings import RateSettings, load
from lantai.site import Site, open_site
from lantai.web.security import SESSION_COOKIE
from repository.alarms import AlarmKind, raise_alarm
from repository.db import open_engine, open_sessions, reading_sessions
from tests.journeys.commands import Commands
from tests.journeys.conftest import PATIENCE
from tests.journeys.test_browser import CHROMIUM, OUTPUT, QUIET
from tests.unit.lantai_web.conftest import serving

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian's package is `chromium`)"),
]

DESK, PHONE = (1366, 768), (360, 740)
MOST = 60
"""Pages looked at for one persona; more kinds of pages than there are."""
RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]},
    "resultTypes": ["violations"],
    "selectors": False,  # a fault is told by its HTML; to find a short selector for each piece takes time
}
PERSONAS = ("archivist", "officer", "clerk", "sysadmin", "security", "auditor", "chief", "head", "borrower", "village")
PASSWORD = "lantai-demo-2026"
_NO_PAGE = (".pdf", ".xlsx", ".csv", ".json", ".webp", "/content", "/download", "/package")
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{9,}[0-9X]?")
_NOWHERE = "00000000-0000-4000-8000-000000000000"
_AXE = f"window.bringAxe = () => {{ {AXE_FILE_PATH.read_text(encoding='utf-8')} }};"
"""Half a megabyte: handed over once for each person, and read by the browser only on pages that are looked at."""
_SKELETON = """() => [...new Set([...document.querySelectorAll('body *')].map(one =>
    [one.tagName, one.getAttribute('class'), one.getAttribute('role'), one.getAttribute('type')].join(' ')))]
    .sort().join('|')"""
"""What a page is made of: two pages of one kind made of the same pieces are looked at once."""


@dataclass
class County:
    """The sample county, served; ``looked``: the pages looked at so far, by kind and skeleton."""

    site: Site
    address: str
    looked: set[tuple[str, str]] = field(default_factory=set)


def _kind(target: str) -> str:
    """What kind of page an address leads to: its path without numbers of things."""
    return re.sub(r"/\d+(?=/|$)", "/{}", _ID.sub("{}", urlsplit(target).path))


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Iterator[County]:
    OUTPUT.mkdir(exist_ok=True)
    folder = tmp_path_factory.mktemp("county")
    commands = Commands(folder / "home")
    commands.run("demo", "--no-serve")
    site = open_site(load(home=commands.home))
    with site.archive.sessions.begin() as session:  # an alarm is no part of the sample
        raise_alarm(session, archive=site.archive, kind=AlarmKind.BACKUP_OLD, subject="backup")
    with serving(site) as address:
        yield County(site, address)
    site.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@contextmanager
def _signed(county: County, chromium: Browser, persona: str, address: str = "") -> Iterator[Page]:
    """A page of a browser in which ``persona`` is signed in; nobody when empty."""
    context = chromium.new_context(
        viewport={"width": DESK[0], "height": DESK[1]}, locale="zh-CN", reduced_motion="reduce"
    )
    if persona:
        with county.site.archive.sessions.begin() as session:
            token, _ = open_session(session, account_by_name(session, persona), clock=county.site.archive.clock)
        context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": address or county.address}])
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_AXE)
    yield context.new_page()
    context.close()


def _violations(page: Page) -> list[str]:
    found = page.evaluate("rules => axe.run(document, rules).then(told => told.violations)", RULES)
    return [
        f"{one['id']} ({one['impact']}): {one['help']}\n    {node['html'][:200]}\n    {node.get('failureSummary', '')[:300]}"
        for one in found
        for node in one["nodes"][:2]
    ]


def _faults(page: Page) -> list[str]:
    """What is wrong with the page that stands there: on a desk, then dark on a phone with all its panels open."""
    page.evaluate("() => { bringAxe(); }")
    told = _violations(page)
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    page.evaluate("for (const one of document.querySelectorAll('main details')) one.open = true")
    told += [f"dark, on a phone: {one}" for one in _violations(page)]
    width = page.evaluate("document.documentElement.scrollWidth")
    if width > PHONE[0]:
        told.append(f"wider than a phone: {width} px")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
    return told


def _links(page: Page, address: str) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]", "found => found.map(one => one.getAttribute('href'))")
    targets = (urldefrag(urljoin(page.url, href)).url for href in hrefs)
    return [one for one in targets if one.startswith(address) and not urlsplit(one).path.endswith(_NO_PAGE)]


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_page_is_accessible(county: County, chromium: Browser, persona: str) -> None:
    seen: set[str] = set()
    todo = deque([f"{county.address}/"])
    faults: dict[str, list[str]] = {}
    with _signed(county, chromium, persona) as page:
        while todo and len(seen) < MOST:
            target = todo.popleft()
            kind = _kind(target)
            if kind in seen:
                continue
            seen.add(kind)
            answer = page.goto(target)
            if answer is None or "text/html" not in answer.headers.get("content-type", ""):
                continue
            assert answer.status == 200, f"{persona}: a link leads to {kind}, which answers {answer.status}"
            todo.extend(dict.fromkeys(_links(page, county.address)))
            piece = (kind, page.evaluate(_SKELETON))
            if piece in county.looked:
                continue
            county.looked.add(piece)
            if told := _faults(page):
                faults[kind] = told
    lines = [f"{kind}\n  " + "\n  ".join(told) for kind, told in faults.items()]
    assert not faults, f"{persona}: {len(faults)} of {len(seen)} kinds of pages\n" + "\n".join(lines)


# --- what only forms and mishaps lead to ------------------------------------------------------------------------------

_SEND = """([path, fields]) => {
    const form = document.createElement('form');
    form.method = 'post'; form.action = path; form.noValidate = true;
    const token = document.querySelector('input[name=csrf]');
    for (const [name, value] of Object.entries({csrf: token ? token.value : '', ...fields})) {
        const one = document.createElement('input');
        one.type = 'hidden'; one.name = name; one.value = value; form.append(one);
    }
    document.body.append(form);
    form.submit();
}"""


@dataclass
class Stage:
    """One browser page and where it stands."""

    page: Page
    address: str

    def go(self, path: str, status: int = 200) -> None:
        """Open an address of the site."""
        answer = self.page.goto(self.address + path)
        assert answer is not None
        assert answer.status == status, f"{path} answers {answer.status}"

    def send(self, path: str, status: int, **fields: str) -> None:
        """Post a form as the page that stands here would."""
        with self.page.expect_navigation() as moved:
            self.page.evaluate(_SEND, [path, fields])
        answer = moved.value
        assert answer is not None
        assert answer.status == status, f"{path} answers {answer.status}"

    def first(self, path: str, pattern: str) -> str:
        """The first link on a page whose path fits ``pattern``."""
        self.go(path)
        hrefs = self.page.eval_on_selector_all("main a[href]", "found => found.map(one => one.getAttribute('href'))")
        return next(one for one in hrefs if re.fullmatch(pattern, one))


def _wrong_password(stage: Stage) -> None:
    stage.go("/sign-in")
    stage.send("/sign-in", 401, username="archivist", password="not-this-one", next="/")


def _unsent(stage: Stage) -> None:
    stage.go("/tokens")
    stage.page.context.add_cookies([{"name": SESSION_COOKIE, "value": "ended", "url": stage.address}])
    stage.send("/tokens", 401, label="镇民政办扫描仪", days="30")


def _resumed(stage: Stage) -> None:
    _unsent(stage)
    stage.page.fill("#f-username", "borrower")
    stage.page.fill("#f-password", PASSWORD)
    stage.page.press("#f-password", "Enter")
    stage.page.wait_for_selector("ul.typed")


def _describing(stage: Stage, note: str) -> None:
    record = stage.first("/holdings/records", r"/records/[0-9a-f-]{36}")
    stage.go(f"{record}/describe")
    stage.page.fill("#f-note", note)


def _described(stage: Stage) -> None:
    _describing(stage, "无障碍检查")
    stage.page.click(".describe .button--main")
    stage.page.wait_for_selector(".said")


def _conflict(stage: Stage) -> None:
    _describing(stage, "先打开，后保存")
    with_other = Stage(stage.page.context.new_page(), stage.address)
    _describing(with_other, "后打开，先保存")
    with_other.page.click(".describe .button--main")
    with_other.page.wait_for_selector(".said")
    with_other.page.close()
    stage.page.click(".describe .button--main")
    stage.page.wait_for_selector(".notice--look")


def _stale(stage: Stage) -> None:
    account = stage.first("/system/accounts", r"/system/accounts/[0-9a-f-]{36}")
    stage.go(account)
    stage.send(f"{account}/change", 409, seen="0", name="改名（合成）", organ="bureau")


def _half_password(stage: Stage) -> None:
    stage.go("/system/accounts")
    stage.send("/system/accounts", 200, username="new.person", name="新来的人（合成）", organ="bureau")


def _numbers(stage: Stage) -> None:
    household = stage.first("/holdings", r"/case-files/[0-9a-f-]{36}")
    stage.go(f"{household}/numbers")
    stage.send(f"{household}/numbers", 200, reason="核对银行代发名册")


def _no_reason(stage: Stage) -> None:
    household = stage.first("/holdings", r"/case-files/[0-9a-f-]{36}")
    stage.go(f"{household}/numbers")
    stage.send(f"{household}/numbers", 422, reason="")


def _token(stage: Stage) -> None:
    stage.go("/tokens")
    stage.send("/tokens", 200, label="扫描仪", days="30")


def _unfilled(path: str) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        stage.go(path)
        stage.page.evaluate("for (const one of document.forms) one.noValidate = true")
        stage.page.click("main form .button--main")
        stage.page.wait_for_selector("main [role=alert]")

    return act


def _sent(path: str, status: int, form: str, **fields: str) -> Callable[[Stage], None]:
    def act(stage: Stage) -> None:
        stage.go(form)
        stage.send(path, status, **fields)

    return act


def _gone(path: str, status: int = 200) -> Callable[[Stage], None]:
    return lambda stage: stage.go(path, status)


MISHAPS: dict[str, tuple[str, Callable[[Stage], None]]] = {
    "wrong password": ("", _wrong_password),
    "session ended": ("borrower", _unsent),
    "form resumed": ("borrower", _resumed),
    "forged form": ("archivist", _sent("/tokens", 403, "/tokens", csrf="x", label="a")),
    "not there": ("archivist", _gone(f"/records/{_NOWHERE}", 404)),
    "not there, may ask": ("borrower", _gone(f"/records/{_NOWHERE}", 404)),
    "act on nothing": (
        "archivist",
        _sent(f"/submissions/{_NOWHERE}/return", 404, "/tokens", message="请补家庭收入证明"),
    ),
    "act told, undo offered": ("archivist", _described),
    "two described one record": ("archivist", _conflict),
    "changed meanwhile": ("sysadmin", _stale),
    "empty request": ("borrower", _unfilled("/requests/new")),
    "empty hold": ("chief", _sent("/retention/holds", 422, "/retention/holds/new")),
    "empty account": ("sysadmin", _sent("/system/accounts", 422, "/system/accounts")),
    "empty token": ("archivist", _sent("/tokens", 422, "/tokens")),
    "empty password": ("clerk", _sent("/password", 422, "/password")),
    "no reason given": ("archivist", _no_reason),
    "numbers shown": ("archivist", _numbers),
    "token shown": ("archivist", _token),
    "half a password shown": ("sysadmin", _half_password),
    "no hits": ("archivist", _gone("/search?q=无此内容无此内容")),
    "hits": ("archivist", _gone("/search?q=低保")),
    "search not understood": ("archivist", _gone("/search?q=%22", 422)),
    "no case file fits": ("archivist", _gone("/holdings?household_no=999999")),
    "no record fits": ("archivist", _gone("/holdings/records?year=1901")),
    "no deposits": ("village", _gone("/submissions")),
    "no acts": ("auditor", _gone("/system/log?person=nobody")),
    "no accounts": ("sysadmin", _gone("/system/accounts?q=nobody")),
    "register by whom": ("auditor", _gone("/use?view=all")),
    "branch open": ("archivist", _gone("/holdings/tree?programme=DB")),
}


@pytest.mark.parametrize("what", MISHAPS)
def test_pages_that_only_forms_lead_to_are_accessible(county: County, chromium: Browser, what: str) -> None:
    persona, act = MISHAPS[what]
    with _signed(county, chromium, persona) as page:
        act(Stage(page, county.address))
        told = _faults(page)
    assert not told, f"{what}\n  " + "\n  ".join(told)


def test_the_pages_of_haste_and_of_a_database_away_are_accessible(
    county: County, chromium: Browser, tmp_path: Path
) -> None:
    nowhere = open_engine(f"sqlite:///{tmp_path}")  # a folder is no database
    away = replace(county.site.archive, sessions=open_sessions(nowhere), reading=reading_sessions(nowhere))
    settings = county.site.settings.model_copy(update={"rates": RateSettings(searches_per_minute=1)})
    with (
        serving(replace(county.site, settings=settings)) as hurried,
        _signed(county, chromium, "archivist", hurried) as page,
    ):
        stage = Stage(page, hurried)
        stage.go("/search?q=a")
        stage.go("/search?q=b", 429)
        assert not (told := _faults(page)), "\n".join(told)
    with (
        serving(replace(county.site, archive=away)) as broken,
        _signed(county, chromium, "archivist", broken) as page,
    ):
        Stage(page, broken).go("/holdings", 503)
        assert not (told := _faults(page)), "\n".join(told)
    nowhere.dispose()
