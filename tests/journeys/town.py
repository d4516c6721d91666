"""A site served by ``lantai serve`` with organs and people, and pages of a browser signed in as one of them.

Everybody signs in through the page once; later pages of hers carry the same session.
"""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple, cast

import openpyxl
import pytest
from playwright.sync_api import Browser, Error, Page
from sqlalchemy import select

from access import epochs
from access.accounts import console_actor, create_account
from access.credentials import reset_password
from access.organs import create_organ
from lantai.settings import load
from lantai.site import open_site
from repository.clock import SystemClock
from repository.tables import AccessGrant, Account
from tests.journeys.commands import LANTAI, Commands
from tests.journeys.conftest import PATIENCE

PASSWORD = "a-long-synthetic-password-7"
PHONE, DESK = (360, 740), (1366, 768)
BUREAU = "bureau"


class Place(NamedTuple):
    """An organ to be entered."""

    code: str
    name: str
    level: str
    division: str
    superior: str | None


class Person(NamedTuple):
    """Somebody with one role."""

    username: str
    name: str
    role: str
    organ: str


@dataclass
class Town:
    """A site with pages at ``address`` and people with their first passwords."""

    commands: Commands
    address: str
    first_passwords: Mapping[str, str]
    states: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def page(self, browser: Browser, who: str, size: tuple[int, int] = DESK, *, scripts: bool = True) -> Iterator[Page]:
        """A page signed in as ``who``; fails on a fault of a script or of the server."""
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            java_script_enabled=scripts,
            locale="zh-CN",
            reduced_motion="reduce",
            storage_state=self.states.get(who),
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("response", lambda answer: faults.append(answer.url) if answer.status >= 500 else None)
        try:
            if who not in self.states:
                self._sign_in(page, who)
                self.states[who] = context.storage_state()
            page.goto(self.address)
            yield page
        finally:
            context.close()
        assert faults == []

    def _sign_in(self, page: Page, who: str) -> None:
        page.goto(self.address)
        page.fill("input[name=username]", who)
        page.fill("input[name=password]", self.first_passwords[who])
        page.press("input[name=password]", "Enter")
        page.wait_for_url(re.compile("/password$"))  # a password given by another person is changed first
        for place, value in enumerate([self.first_passwords[who], PASSWORD, PASSWORD]):
            page.locator("main input[type=password]").nth(place).fill(value)
        page.locator("main form button").first.click()
        page.wait_for_url(lambda url: not url.endswith("/password"))


@contextmanager
def town(
    folder: Path,
    places: Sequence[Place],
    people: Sequence[Person],
    *,
    environment: Mapping[str, str] | None = None,
    before: Callable[[Commands], object] = lambda _: None,
) -> Iterator[Town]:
    """The site, served with its worker until the block ends; ``before``: what is done at the console beforehand."""
    commands = Commands(folder / "home", {"PYTHONFAULTHANDLER": "1", **(environment or {})})
    commands.run("init", "--yes")
    passwords = _peopled(commands, places, people)
    before(commands)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with (folder / "serve.log").open("wb") as log:  # a pipe that nobody reads would stop the server when it is full
        process = subprocess.Popen(
            [str(LANTAI), "serve", "--port", str(port)], env=commands.env(), stdout=log, stderr=subprocess.STDOUT
        )
        try:
            _await(f"http://127.0.0.1:{port}/healthz")
            yield Town(commands, f"http://127.0.0.1:{port}", passwords)
        finally:
            process.terminate()
            try:
                process.wait(timeout=60)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGABRT)  # with PYTHONFAULTHANDLER it says where every thread stands
                process.wait(timeout=10)
                pytest.fail((folder / "serve.log").read_text(encoding="utf-8", errors="replace")[-8000:])


def _peopled(commands: Commands, places: Sequence[Place], people: Sequence[Person]) -> dict[str, str]:
    """Organs and accounts as the console enters them; user name -> first password."""
    site = open_site(load(home=commands.home))
    try:
        archive, passwords = site.archive, {}
        with archive.sessions.begin() as session:
            actor = console_actor(session, archive.profile, "test")
            for place in places:
                create_organ(
                    session,
                    archive=archive,
                    actor=actor,
                    code=place.code,
                    name_zh=place.name,
                    level=place.level,
                    division_prefix=place.division,
                    parent_code=place.superior,
                )
            for one in people:
                create_account(
                    session,
                    archive=archive,
                    actor=actor,
                    username=one.username,
                    display_name=one.name,
                    organ_code=one.organ,
                    password=None,
                    roles=[(one.role, one.organ)],
                )
                passwords[one.username] = reset_password(session, archive=archive, actor=actor, username=one.username)
        return passwords
    finally:
        site.close()


def _await(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.2)


def reload_until(page: Page, selector: str, seconds: float = 60) -> None:
    """Reload until ``selector`` is there, as somebody does who has no scripts."""
    deadline = time.monotonic() + seconds
    while not _is_there(page, selector):
        assert time.monotonic() < deadline, f"{selector} did not appear:\n{page.locator('main').inner_text()}"
        page.wait_for_timeout(300)
        with suppress(Error):  # a page with scripts may just be renewing itself
            page.reload()


def _is_there(page: Page, selector: str) -> bool:
    try:
        return page.locator(selector).count() > 0
    except Error:  # the page went while it was asked
        return False


def filled_list(
    template: Path, path: Path, rows: Sequence[Mapping[str, object]], people: Sequence[Mapping[str, object]]
) -> Path:
    """The empty deposit list as somebody fills it in, the example rows written over: papers and persons."""
    book = openpyxl.load_workbook(template)
    for name, lines in (("移交清单", rows), ("户", people)):
        sheet = book[name]
        places = {str(cell.value).rstrip("*"): cell.column for cell in sheet[1]}
        for number, line in enumerate(lines, 2):
            for heading, column in places.items():
                sheet.cell(number, cast("int", column)).value = cast("Any", line.get(heading))
    book.save(path)
    return path


def end_grants(commands: Commands, username: str, *, seconds: float) -> None:
    """Let what ``username`` was granted end in ``seconds``: waiting three days is left out, nothing else."""
    site = open_site(load(home=commands.home))
    try:
        with site.archive.sessions.begin() as session:
            account_id = session.scalars(select(Account.id).where(Account.username == username)).one()
            for grant in session.scalars(select(AccessGrant).where(AccessGrant.account_id == account_id)):
                if grant.revoked_at is None and grant.ended_at is None:
                    grant.ends_at = SystemClock().now() + timedelta(seconds=seconds)
            epochs.moved(session, [account_id])
    finally:
        site.close()
