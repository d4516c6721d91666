"""Every page that a person can reach by links, looked at by axe-core (WCAG 2.2 A and AA): no violation.

Each persona begins on Today and follows links; of each kind of page (its route) one is looked at, on a desk and on a
phone, one of them dark. A page that only a form leads to belongs to the journeys.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from access.accounts import account_by_name
from access.sessions import open_session
from lantai.settings import load
from lantai.site import Site, open_site
from lantai.web.security import SESSION_COOKIE
from tests.journeys.conftest import Commands
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
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}
PERSONAS = ("archivist", "officer", "clerk", "sysadmin", "security", "auditor", "chief", "head", "borrower", "village")
_NO_PAGE = (".pdf", ".xlsx", ".csv", ".json", ".webp", "/content", "/download", "/package")


@dataclass
class County:
    """The sample county, served."""

    site: Site
    address: str


_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{9,}[0-9X]?")


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
    with serving(site) as address:
        yield County(site, address)
    site.close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def _violations(page: Page) -> list[str]:
    found = Axe().run(page, options=RULES).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {one['help']}\n    {node['html'][:200]}\n    {node.get('failureSummary', '')[:300]}"
        for one in found
        for node in one["nodes"][:2]
    ]


def _links(page: Page, address: str) -> list[str]:
    hrefs = page.eval_on_selector_all("a[href]", "found => found.map(one => one.getAttribute('href'))")
    targets = (urldefrag(urljoin(page.url, href)).url for href in hrefs)
    return [one for one in targets if one.startswith(address) and not urlsplit(one).path.endswith(_NO_PAGE)]


@pytest.mark.parametrize("persona", PERSONAS)
def test_every_page_is_accessible(county: County, chromium: Browser, persona: str) -> None:
    with county.site.archive.sessions.begin() as session:
        token, _ = open_session(session, account_by_name(session, persona), clock=county.site.archive.clock)
    context = chromium.new_context(
        viewport={"width": DESK[0], "height": DESK[1]}, locale="zh-CN", reduced_motion="reduce"
    )
    context.add_cookies([{"name": SESSION_COOKIE, "value": token, "url": county.address}])
    page = context.new_page()
    seen: set[str] = set()
    todo = deque([f"{county.address}/"])
    faults: dict[str, list[str]] = {}
    while todo and len(seen) < MOST:
        target = todo.popleft()
        kind = _kind(target)
        if kind in seen:
            continue
        seen.add(kind)
        page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
        answer = page.goto(target)
        if answer is None or "text/html" not in answer.headers.get("content-type", ""):
            continue
        told = _violations(page)
        page.emulate_media(color_scheme="dark")
        page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        told += [f"dark, on a phone: {one}" for one in _violations(page)]
        if page.evaluate("document.documentElement.scrollWidth") > PHONE[0]:
            told.append(f"wider than a phone: {page.evaluate('document.documentElement.scrollWidth')} px")
        page.emulate_media(color_scheme="light")
        if told:
            faults[kind] = told
        todo.extend(one for one in dict.fromkeys(_links(page, county.address)))
    context.close()
    lines = [f"{kind}\n  " + "\n  ".join(told) for kind, told in faults.items()]
    assert not faults, f"{persona}: {len(faults)} of {len(seen)} kinds of pages\n" + "\n".join(lines)
