"""An archivist's first hour in a real Chromium: deposit, findings, accept, find in the other script, open, register.

Once with scripts, once without; the pictures stay in ``tests/output``.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from lantai import web as lantai_web
from tests.journeys.commands import Commands
from tests.journeys.conftest import PATIENCE
from tests.journeys.lines import Line
from tests.journeys.town import reload_until

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OUTPUT = Path(__file__).resolve().parents[1] / "output"
PASSWORD = "a-long-synthetic-password-7"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (Debian's package is `chromium`)"),
]


@dataclass
class Served:
    """A site with pages at ``address`` and one archivist."""

    address: str
    username: str
    first_password: str


@contextmanager
def an_archivist_at(lantai: Commands) -> Iterator[Served]:
    """The site of ``lantai`` served, with its worker, and an archivist who never signed in."""
    made = lantai.json("account", "create", "zhou", "--name", "周静（合成）", "--role", "archivist")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = lantai.start("serve", "--port", port)
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                with urllib.request.urlopen(f"{address}/healthz", timeout=2):
                    break
            except OSError:
                assert process.poll() is None, "the server ended"
                assert time.monotonic() < deadline, "the server does not answer"
                time.sleep(0.2)
        yield Served(address, made["username"], made["password"])
    finally:
        process.terminate()
        process.wait(timeout=60)


@pytest.fixture
def served(lantai: Commands) -> Iterator[Served]:
    with an_archivist_at(lantai) as made:
        yield made


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


def _sign_in(page: Page, served: Served) -> None:
    page.goto(served.address)
    page.fill("input[name=username]", served.username)
    page.fill("input[name=password]", served.first_password)
    page.click("form button:has-text('登录')")
    page.wait_for_url(lambda url: "sign-in" not in url)
    if page.url.endswith("/password"):  # a password given by another person is changed first
        fields = page.locator("form input[type=password]")
        values = [served.first_password, PASSWORD, PASSWORD]
        for place in range(fields.count()):
            fields.nth(place).fill(values[place])
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: not url.endswith("/password"))


def _deposit_find_and_register(page: Page, served: Served, papers: Path, picture: str) -> None:
    page.goto(f"{served.address}/deposit")
    page.set_input_files("#f-files", sorted(papers.iterdir()))
    page.screenshot(path=OUTPUT / f"{picture}-1-deposit.png")
    page.click("[data-submit]")
    page.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}"))
    submission = page.url
    reload_until(page, "form[action$='/accept']")
    page.screenshot(path=OUTPUT / f"{picture}-2-findings.png", full_page=True)
    confirm = page.locator("details:has(form[action$='/accept']) > summary")
    if confirm.count():
        confirm.first.click()
    page.locator("form[action$='/accept'] button").first.click()
    page.goto(submission)
    reload_until(page, "a[href^='/records/']")
    deadline = time.monotonic() + 60
    while True:  # text and index follow the accession
        page.goto(served.address)
        page.locator("input[name=q]").first.fill("档案")
        page.locator("input[name=q]").first.press("Enter")
        page.wait_for_url(re.compile(r"/search"))
        if page.locator(".hit__title a").count():
            break
        assert time.monotonic() < deadline, page.locator("main").inner_text()
        page.wait_for_timeout(500)
    expect(page.locator("mark").first).to_have_text("檔案")
    page.screenshot(path=OUTPUT / f"{picture}-3-search.png")
    page.locator(".hit__title a").first.click()
    page.wait_for_url(re.compile(r"/records/"))
    expect(page.locator("main")).to_contain_text("入戶調查記錄：檔案齊全")
    page.screenshot(path=OUTPUT / f"{picture}-4-record.png", full_page=True)
    with page.expect_download() as waiting:
        page.locator("a[href$='/download']").first.click()
    assert waiting.value.path().read_text(encoding="utf-8").startswith("入戶調查記錄")
    page.goto(f"{served.address}/use")
    expect(page.locator("main")).to_contain_text("入戶調查")
    page.screenshot(path=OUTPUT / f"{picture}-5-use.png")


def first_hour(
    chromium: Browser, served: Served, papers: Path, picture: str, size: tuple[int, int], scripts: bool
) -> None:
    """The journey itself: deposit, findings, accept, find, open, fetch, register; no fault of script or server."""
    OUTPUT.mkdir(exist_ok=True)
    context = chromium.new_context(
        viewport={"width": size[0], "height": size[1]}, java_script_enabled=scripts, locale="zh-CN"
    )
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda answer: faults.append(answer.url) if answer.status >= 500 else None)
    try:
        _sign_in(page, served)
        _deposit_find_and_register(page, served, papers, picture)
    finally:
        context.close()
    assert faults == []


@pytest.mark.parametrize(
    ("scripts", "size"), [(True, (1366, 768)), (False, (360, 740))], ids=["desk", "phone-no-scripts"]
)
def test_an_archivists_first_hour(
    served: Served, chromium: Browser, papers: Callable[[], Path], scripts: bool, size: tuple[int, int]
) -> None:
    first_hour(chromium, served, papers(), "desk" if scripts else "phone", size, scripts)


def test_an_archivists_first_hour_on_production_parts(
    production: Commands, chromium: Browser, papers: Callable[[], Path]
) -> None:
    """The same on PostgreSQL, two S3 replicas, Elasticsearch and clamd."""
    with an_archivist_at(production) as served:
        first_hour(chromium, served, papers(), "production", (1366, 768), True)


def _large(tmp_path: Path, megabytes: int) -> tuple[Path, str]:
    path = tmp_path / "扫描.bin"
    path.write_bytes(os.urandom(megabytes << 20))
    inner = hashlib.sha256(path.read_bytes()).hexdigest()
    return path, hashlib.sha256(f"{inner}  {path.name}\n".encode()).hexdigest()


def _half_sent(page: Page) -> None:
    page.wait_for_function("() => { const b = document.querySelector('[data-bar]'); return b.value > b.max * 0.4; }")


def _receipt(page: Page, served: Served) -> dict[str, object]:
    submission = page.url.rpartition("/")[2]
    answer = page.request.get(f"{served.address}/api/v1/submissions/{submission}/receipt")
    found: dict[str, object] = answer.json()
    return found


def test_a_lost_line_and_a_reload_cost_nothing_that_was_sent(served: Served, chromium: Browser, tmp_path: Path) -> None:
    path, expected = _large(tmp_path, 60)
    line = Line(served.address, bytes_a_second=15 << 20)
    over_line = Served(line.address, served.username, served.first_password)
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="zh-CN")
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("dialog", lambda dialog: dialog.accept())
    offsets: list[int] = []
    page.on(
        "request",
        lambda asked: offsets.append(int(asked.headers["upload-offset"])) if asked.method == "PATCH" else None,
    )
    try:
        _sign_in(page, over_line)
        page.goto(f"{line.address}/deposit")
        page.set_input_files("#f-files", path)
        page.click("[data-submit]")
        _half_sent(page)
        context.set_offline(True)
        line.cut()
        expect(page.locator(".queue__state").first).to_contain_text("线路中断")
        page.screenshot(path=OUTPUT / "resume-1-line-lost.png")
        page.wait_for_timeout(1500)
        line.mend()
        context.set_offline(False)
        page.wait_for_function("() => document.querySelector('[data-bar]').value > 45 * 1024 * 1024")
        page.reload()
        expect(page.locator("[data-hint]")).to_contain_text("没有完成")
        page.set_input_files("#f-files", path)
        before = len(offsets)
        page.click("[data-submit]")
        page.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}"))
        assert offsets[before] >= 32 << 20, offsets  # after the reload nothing that had arrived was sent again
        receipt = _receipt(page, over_line)
        assert (receipt["files"], receipt["bytes"], receipt["files_sha256"]) == (1, 60 << 20, expected)
    finally:
        context.close()
        line.close()
    assert faults == []


def test_a_page_that_would_renew_itself_lets_go_of_who_is_leaving(chromium: Browser) -> None:
    """What somebody sent or asked for while the page's own question was on its way is not called off by a reload."""
    script = (Path(lantai_web.__file__).parent / "static" / "lantai.js").read_text(encoding="utf-8")
    body = f"<div data-refresh='/progress'><p data-state='running'></p></div><script type='module'>{script}</script>"
    page = chromium.new_page()
    held: dict[str, Route] = {}
    asked: list[str] = []

    def answer(route: Route) -> None:
        path = route.request.url.rpartition("/")[2]
        asked.append(path)
        if path == "here":
            route.fulfill(body=body, content_type="text/html")
        else:
            held[path] = route

    def await_question(path: str) -> None:
        while path not in held:
            page.wait_for_timeout(20)

    page.route("**/*", answer)
    page.goto("http://site.example/here")
    await_question("progress")
    page.evaluate("window.location.href = '/there'")
    await_question("there")
    held["progress"].fulfill(body="<p data-state='done'></p>", content_type="text/html")
    page.wait_for_timeout(500)
    held["there"].fulfill(body="<p id='there'>there</p>", content_type="text/html")
    expect(page.locator("#there")).to_be_visible()
    assert asked.count("here") == 1
    page.close()
