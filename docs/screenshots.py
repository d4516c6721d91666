"""``make screenshots``: the pictures of README and of the help, taken of a fresh sample county in a real Chromium."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from lantai.cli.site_commands import DEMO_PASSWORD
from lantai.web.helping import PICTURES as HELP_PICTURES

PICTURES = Path(__file__).parent / "images"
LANTAI = Path(sys.executable).with_name("lantai")
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


def _served(home: Path) -> tuple[subprocess.Popen[bytes], str]:
    environment = {**os.environ, "LANTAI_HOME": str(home)}
    subprocess.run([LANTAI, "demo", "--no-serve", "--households", "12"], env=environment, check=True)
    subprocess.run([LANTAI, "fixity", "audit", "--all"], env=environment, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([LANTAI, "serve", "--port", str(port), "--no-worker"], env=environment)
    for _ in range(100):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return process, f"http://127.0.0.1:{port}"
        except OSError:
            time.sleep(0.3)
    raise SystemExit("the server does not answer")


HELP = {
    "today": ("archivist", "/"),
    "deposit": ("clerk", "/deposit"),
    "holdings": ("archivist", "/holdings"),
    "search": ("archivist", "/search?q=入戶調查"),
    "use": ("archivist", "/use"),
    "preservation": ("officer", "/preservation"),
    "retention": ("archivist", "/retention"),
    "system": ("sysadmin", "/system"),
}
"""Rooms with whom and where their picture of the help is taken."""

_HELP_WIDTH = 1000


def _signed_in(browser: Browser, address: str, username: str) -> Page:
    page = browser.new_page(viewport={"width": 1366, "height": 768})
    page.goto(address)
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    return page


def _take(page: Page, address: str) -> None:
    page.goto(address)
    page.screenshot(path=PICTURES / "today.png")
    page.goto(f"{address}/search?q=入戶調查")
    page.screenshot(path=PICTURES / "search.png")
    page.goto(f"{address}/holdings")
    page.locator("main table a[href^='/case-files/']").first.click()
    page.wait_for_url("**/case-files/**")
    page.screenshot(path=PICTURES / "household.png")


def _take_request(page: Page, address: str) -> None:
    """The page on which a request is decided, as the approver comes to it from Today."""
    page.goto(address)
    page.locator("a.task[href^='/requests']").first.click()
    page.wait_for_url("**/requests/**")
    page.locator("details:has(iframe.letter) > summary").click()  # Chromium without a screen draws no PDF
    page.screenshot(path=PICTURES / "request.png")


def _take_help(browser: Browser, address: str) -> None:
    """One small picture a room, as the person sees it who works there."""
    HELP_PICTURES.mkdir(exist_ok=True)
    pages: dict[str, Page] = {}
    for room, (username, path) in HELP.items():
        page = pages.get(username) or _signed_in(browser, address, username)
        pages[username] = page
        page.goto(f"{address}{path}")
        with Image.open(io.BytesIO(page.screenshot())) as shot:
            small = shot.convert("RGB").resize((_HELP_WIDTH, _HELP_WIDTH * shot.height // shot.width))
            small.save(HELP_PICTURES / f"{room}.webp", quality=70, method=6)


def main() -> int:
    """Take the pictures; needs Chromium on the machine."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("No chromium on this machine; no pictures were taken.")
        return 1
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        process, address = _served(Path(folder) / "home")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=QUIET)
                _take(_signed_in(browser, address, "archivist"), address)
                _take_request(_signed_in(browser, address, "head"), address)
                _take_help(browser, address)
                browser.close()
        finally:
            process.terminate()
            process.wait(timeout=60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
