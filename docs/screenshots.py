"""``make screenshots``: the pictures that README shows, taken of a fresh sample county in a real Chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from lantai.cli.site_commands import DEMO_PASSWORD

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


def _take(page: Page, address: str) -> None:
    page.goto(address)
    page.fill("input[name=username]", "archivist")
    page.fill("input[name=password]", DEMO_PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)
    page.screenshot(path=PICTURES / "today.png")
    page.goto(f"{address}/search?q=入戶調查")
    page.screenshot(path=PICTURES / "search.png")
    page.goto(f"{address}/holdings")
    page.locator("main table a[href^='/case-files/']").first.click()
    page.wait_for_url("**/case-files/**")
    page.screenshot(path=PICTURES / "household.png")
    page.goto(f"{address}/preservation")
    page.screenshot(path=PICTURES / "preservation.png")


def main() -> int:
    """Take the four pictures; needs Chromium on the machine."""
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
                _take(browser.new_page(viewport={"width": 1366, "height": 768}), address)
                browser.close()
        finally:
            process.terminate()
            process.wait(timeout=60)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
