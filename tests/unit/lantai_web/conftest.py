"""A real site served over HTTP: uvicorn on a loopback port, papers taken in through the pipeline."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image
from sqlalchemy import delete

from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from ingest.extract.derive import derive_pending
from ingest.pipeline import Context, advance
from ingest.submissions import open_submission, receive_path
from lantai.app import create_app
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.household import household_no
from repository.tables import UseCount
from search.indexer import consume

PASSWORD = "vier-wörter-für-den-test"
HOUSEHOLD = household_no("990101001001", 7)
ID_NUMBER = "99010119860101123"


@dataclass
class Papers:
    """What the site holds."""

    household_no: str = HOUSEHOLD
    id_number: str = ""
    wav: bytes = b""
    record_ids: dict[str, str] = field(default_factory=dict)


class Browser:
    """An httpx client that keeps cookies and knows the token of its page."""

    def __init__(self, base: str) -> None:
        self.http = httpx.Client(base_url=base, timeout=60)
        self.csrf = ""

    def get(self, path: str, **options: Any) -> httpx.Response:
        """Fetch, and remember the token of the page."""
        answer = self.http.get(path, **options)
        found = (
            re.search(r'name="csrf" value="([^"]+)"', answer.text)
            if "html" in answer.headers.get("content-type", "")
            else None
        )
        if found:
            self.csrf = found.group(1)
        return answer

    def post(self, path: str, fields: dict[str, str] | None = None, **options: Any) -> httpx.Response:
        """Send a form with the token of the last page."""
        return self.http.post(path, data={"csrf": self.csrf, **(fields or {})}, **options)

    def api(self, method: str, path: str, **options: Any) -> httpx.Response:
        """Call the API with the token in its header."""
        return self.http.request(method, f"/api/v1{path}", headers={"X-CSRF-Token": self.csrf}, **options)

    def sign_in(self, username: str, password: str = PASSWORD) -> httpx.Response:
        """Sign in through the page."""
        self.get("/sign-in")
        answer = self.post("/sign-in", {"username": username, "password": password, "next": "/"})
        if answer.status_code == 303:
            self.get("/deposit" if username != "officer" else "/preservation")
            self.get("/use")
        return answer


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The site on a loopback port."""
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(site),
            host="127.0.0.1",
            port=0,
            log_level="error",
            lifespan="off",
            ws="none",
            proxy_headers=False,
        )
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(timeout=10)


def take_in(site: Site, folder: Path, **options: Any) -> str:
    """Deposit a folder from the console and carry it to its end; the submission's id."""
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        made = open_submission(
            session,
            archive=site.archive,
            actor=actor,
            organ_id=actor.organ_id,
            title=folder.name,
            channel="console",
            options={"accept": True, **options},
        )
    receive_path(site.archive, made.id, [folder])
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        state = advance(context, made.id)
    finally:
        context.close()
    assert state == "done"
    while derive_pending(site.archive, 50):
        pass
    consume(site.archive, site.search_engine, "test")
    return made.id


def _people(site: Site) -> None:
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        common = {"session": session, "archive": site.archive, "actor": actor}
        create_organ(
            **common,
            code="ts1",
            name_zh="青石镇人民政府",
            name_en="Qingshi",
            level="TS",
            division_prefix="990101001",
            parent_code="bureau",
        )
        create_organ(
            **common,
            code="ts2",
            name_zh="白沙镇人民政府",
            name_en="Baisha",
            level="TS",
            division_prefix="990101002",
            parent_code="bureau",
        )
        for username, organ, role in (
            ("archivist", "bureau", "archivist"),
            ("officer", "bureau", "preservation_officer"),
            ("sysadmin", "bureau", "sys_admin"),
            ("clerk", "ts1", "clerk_township"),
            ("other", "ts2", "clerk_township"),
        ):
            create_account(
                **common,
                username=username,
                display_name=f"合成 {username}",
                organ_code=organ,
                password=PASSWORD,
                roles=[(role, organ)],
            )


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with four people and a handful of papers; on PostgreSQL where the module is marked so."""
    home = tmp_path_factory.mktemp("web") / "home"
    with pytest.MonkeyPatch.context() as environment:
        if request.node.get_closest_marker("on_postgresql"):
            database = request.getfixturevalue("postgres").create_database(locale="C.UTF-8", icu="zh-CN")
            environment.setenv("LANTAI_DATABASE_URL", database.program_url)
            environment.setenv("LANTAI_DATABASE_OWNER_URL", database.owner_url)
        made = initialise(load(home=home, synthetic=True), bureau="云岭县民政局", division="990101")
    _people(made)
    yield made
    made.close()


@pytest.fixture(scope="module")
def papers(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Text with an ID number, a scan of two pages, sound, a file no browser shows, in one household file."""
    from metadata.idcard import check_digit

    number = ID_NUMBER + check_digit(ID_NUMBER)
    folder = tmp_path_factory.mktemp("papers") / "户档材料"
    folder.mkdir()
    (folder / "申請書.txt").write_text(
        f"最低生活保障申請書\n申請人：王秀英\n身份证号 {number}\n情況屬實。甲<乙>丙&amp;\n"
    )
    first, second = (Image.new("1", (600, 800), value) for value in (1, 0))
    first.save(folder / "扫描.tif", save_all=True, append_images=[second])
    wav = (
        b"RIFF"
        + (36 + 400_000).to_bytes(4, "little")
        + b"WAVEfmt "
        + bytes.fromhex("10000000010001004400ac000088580100020010 00".replace(" ", ""))
        + b"data"
        + (400_000).to_bytes(4, "little")
        + bytes(range(256)) * 1562
        + bytes(128)
    )
    (folder / "录音.wav").write_bytes(wav)
    (folder / "怪.bin").write_bytes(b"\x00\x01\x02hostile" * 50)
    take_in(site, folder, household_no=HOUSEHOLD, programme="DB")
    held = Papers(id_number=number, wav=wav)
    with site.archive.reading() as session:
        from repository.tables import StoredFile

        for row in session.query(StoredFile):
            held.record_ids[row.original_name.rpartition("/")[2]] = row.record_id
    return held


@pytest.fixture(scope="module")
def base(site: Site, papers: Papers) -> Iterator[str]:
    """The address of the running server."""
    with serving(site) as address:
        yield address


@pytest.fixture(autouse=True)
def another_day(request: pytest.FixtureRequest) -> None:
    """What one test takes out does not slow down the next, which has the same people."""
    if "base" in request.fixturenames:
        made: Site = request.getfixturevalue("site")
        with made.archive.sessions.begin() as session:
            session.execute(delete(UseCount))


@pytest.fixture
def visit(base: str) -> Iterator[Callable[[str], Browser]]:
    """Sign somebody in: ``visit("archivist")``; without a name nobody is signed in."""
    opened: list[Browser] = []

    def open_browser(username: str = "") -> Browser:
        browser = Browser(base)
        opened.append(browser)
        if username:
            assert browser.sign_in(username).status_code == 303
        return browser

    yield open_browser
    for browser in opened:
        browser.http.close()
