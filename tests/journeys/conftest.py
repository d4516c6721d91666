"""A site on disk and the command line, as a user has them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from sqlalchemy import delete

from lantai.settings import RateSettings
from repository.tables import UseCount
from tests.journeys.commands import Commands
from tests.journeys.siege import Siege, besieged
from tests.journeys.warm import Standby, WarmCommands, standing_by
from tests.services.clamd import Clamd
from tests.services.elastic import Elastic
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed
from tests.unit.lantai_web.conftest import serving

PATIENCE = 120_000
"""Milliseconds that a browser waits for anything: a slow machine is no fault of a page."""
expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def fresh_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a site as ``lantai init --yes`` makes it."""
    home = tmp_path_factory.mktemp("fresh") / "home"
    Commands(home).run("init", "--yes")
    return home


@pytest.fixture(scope="session")
def standby() -> Iterator[Standby]:
    """A process that has loaded the program, of which commands are copies."""
    with standing_by() as made:
        yield made


@pytest.fixture
def lantai(tmp_path: Path, fresh_home: Path, standby: Standby) -> WarmCommands:
    """A fresh site, and commands that need not load the program first.

    A folder of a site may be copied, and copying one takes less time than making one.
    """
    return WarmCommands(shutil.copytree(fresh_home, tmp_path / "home"), standby=standby)


def production_settings(postgres: Postgres, seaweed: Seaweed, elastic: Elastic, clamd: Clamd) -> dict[str, str]:
    """Environment of a fresh site on real servers: a database, two buckets with keys of their own, an index, a scanner."""
    database = postgres.create_database()
    replicas = [
        {
            "name": name,
            "kind": "s3",
            "endpoint": seaweed.endpoint,
            "bucket": seaweed.make_bucket(),
            "region": "us-east-1",
            "access_key": who.access_key,
            "secret_key": who.secret_key,
        }
        for name, who in (("a", seaweed.writer), ("b", seaweed.other_writer))
    ]
    return {
        "LANTAI_DATABASE_URL": database.program_url,
        "LANTAI_DATABASE_OWNER_URL": database.owner_url,
        "LANTAI_REPLICAS": json.dumps(replicas),
        "LANTAI_SEARCH__ENGINE": "elasticsearch",
        "LANTAI_SEARCH__URLS": json.dumps([elastic.url]),
        "LANTAI_SEARCH__INDEX": database.name.replace("_", "-"),
        "LANTAI_SEARCH__REPLICAS": "0",
        "LANTAI_VIRUS__ADDRESS": clamd.address,
    }


@pytest.fixture
def production(
    tmp_path: Path, standby: Standby, postgres: Postgres, seaweed: Seaweed, elastic: Elastic, clamd: Clamd
) -> WarmCommands:
    """A fresh site on PostgreSQL, two S3 replicas, Elasticsearch and clamd, made by ``lantai init --yes``."""
    settings = production_settings(postgres, seaweed, elastic, clamd)
    commands = WarmCommands(tmp_path / "production", settings, standby=standby)
    commands.run("init", "--yes")
    return commands


@pytest.fixture(scope="session")
def sample_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small synthetic county."""
    folder = tmp_path_factory.mktemp("sample") / "county"
    Commands(folder.parent / "nowhere").run("sample", folder, "--households", 3, "--seed", 7)
    return folder


@pytest.fixture
def papers(tmp_path: Path) -> Callable[[], Path]:
    """A folder of ordinary papers: text in both scripts, GB18030, a picture."""

    def make() -> Path:
        folder = tmp_path / "papers"
        folder.mkdir()
        (folder / "申请书.txt").write_text(
            "最低生活保障申请书\n申请人说明：家庭收入减少，申请低保。\n", encoding="utf-8"
        )
        (folder / "入戶調查.txt").write_text("入戶調查記錄：檔案齊全，情況屬實。\n", encoding="utf-8")
        (folder / "证明.txt").write_bytes("收入证明：每月八百元。\n".encode("gb18030"))
        from PIL import Image

        Image.new("RGB", (400, 300), "white").save(folder / "照片.png")
        return folder

    return make


@pytest.fixture(scope="session")
def besieged_bureau(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Siege]:
    """A bureau to be attacked, served; nobody waits for having searched much."""
    made = besieged(tmp_path_factory.mktemp("siege"))
    made.site.settings.rates = RateSettings(searches_per_minute=0)  # its own test has one
    with serving(made.site) as made.base:
        yield made
        for browser in made.opened:
            browser.http.close()
    made.site.close()


@pytest.fixture
def siege(besieged_bureau: Siege) -> Siege:
    """The bureau on another day: what one test took out slows no other down."""
    with besieged_bureau.site.archive.sessions.begin() as session:
        session.execute(delete(UseCount))
    return besieged_bureau
