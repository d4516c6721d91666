"""Elasticsearch stops while papers are deposited: they are taken in, searching says so, and what is missing follows."""

from __future__ import annotations

import os
import secrets
import subprocess
import time
from pathlib import Path

import pytest

from lantai.web.security import LANGUAGE_COOKIE
from tests.journeys.commands import LANTAI
from tests.journeys.workshop import Workshop, hire, workshop
from tests.services.elastic import Elastic
from tests.unit.lantai_web.conftest import Browser, serving

pytestmark = pytest.mark.slow


def _deposit(browser: Browser, name: str, words: str) -> str:
    """A paper sent by the plain form; the deposit's id."""
    form = browser.get("/deposit").text
    key = form.split('name="idempotency_key" value="')[1].split('"')[0]
    fields = {"csrf": browser.csrf, "idempotency_key": key, "title": name, "programme": "DB", "household_no": ""}
    sent = browser.http.post("/deposit", data=fields, files={"files": (name, words.encode())})
    assert sent.status_code == 303, sent.text
    return sent.headers["location"].rpartition("/")[2]


def _taken_in(shop: Workshop, browser: Browser, submission_id: str) -> None:
    """Accept it when it was examined, and wait until it is in the holdings."""

    def state() -> str:
        return str(browser.api("GET", f"/submissions/{submission_id}").json()["state"])

    shop.await_(lambda: state() == "waiting")
    assert browser.api("POST", f"/submissions/{submission_id}/accept").status_code == 200
    shop.await_(lambda: state() == "done")


def _found(browser: Browser, words: str) -> int:
    answer = browser.api("GET", "/search", params={"q": words})
    return int(answer.json()["total"]) if answer.status_code == 200 else -answer.status_code


def _index(browser: Browser) -> str:
    told = browser.http.get("/readyz")
    assert told.status_code == 200, "the site serves without its index"
    return str(told.json()["parts"]["index"]["state"])


def test_deposits_go_on_while_elasticsearch_is_stopped(own_elastic: Elastic, tmp_path: Path) -> None:
    index = f"lantai-{secrets.token_hex(4)}"
    engine = f'[search]\nengine = "elasticsearch"\nurls = ["{own_elastic.url}"]\nindex = "{index}"\nreplicas = 0\n'
    with workshop(tmp_path / "home", engine) as shop, serving(shop.site) as base:
        hire(shop.site)
        worker = shop.start()
        browser, officer = Browser(base), Browser(base)
        browser.sign_in("archivist")
        officer.sign_in("officer")
        _taken_in(shop, browser, _deposit(browser, "甲.txt", "甲户的低保申请书"))
        shop.await_(lambda: _found(browser, "低保申请书") == 1)
        own_elastic.stop()
        _taken_in(shop, browser, _deposit(browser, "乙.txt", "乙户的临时救助审批表"))
        shop.await_(lambda: _index(browser) == "down")
        _says_so(browser, officer)
        _commands_do_not_wait_for_it(shop.site.settings.home, tmp_path)
        assert worker.poll() is None
        stopped = time.monotonic()
        own_elastic.start()
        shop.await_(lambda: _found(browser, "临时救助审批表") == 1)  # nobody did anything
        assert time.monotonic() - stopped < 300
        shop.await_(lambda: _index(browser) == "ok")
        assert "Elasticsearch" not in browser.http.get("/search").text
        shop.await_(lambda: _found(browser, "*") == 3)  # who asks all the time is asked to wait
        for one in (browser, officer):
            one.http.close()


def _commands_do_not_wait_for_it(home: Path, folder: Path) -> None:
    """Who waits for her deposit hears that it is in the holdings, and why it is not found yet."""
    (folder / "丙.txt").write_text("丙户的核查记录", encoding="utf-8")
    for arguments, word in (
        (["ingest", str(folder / "丙.txt"), "--accept", "--wait"], "in the holdings"),
        (["index", "status"], ""),
    ):
        done = subprocess.run(
            [str(LANTAI), *arguments],
            env={**os.environ, "LANTAI_HOME": str(home)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "检索服务（Elasticsearch）没有应答" in done.stderr
        assert word in done.stderr
        assert "lantai index rebuild" not in done.stderr, "there is nothing to mend in the index"


def _says_so(browser: Browser, officer: Browser) -> None:
    """Pages and API name the outage and what waits, in both languages."""
    for language, away, behind in (
        ("zh-CN", "检索服务（Elasticsearch）没有应答", "移交照常进行，有"),
        ("en", "The search service (Elasticsearch) does not answer", "Changes that wait:"),
    ):
        for one in (browser, officer):
            one.http.cookies.set(LANGUAGE_COOKIE, language)
        empty = browser.http.get("/search")
        assert empty.status_code == 200
        assert away in empty.text
        assert behind in empty.text
        asked = browser.http.get("/search", params={"q": "低保"})
        assert (asked.status_code, asked.headers["retry-after"]) == (503, "30")
        assert away in asked.text
        status = officer.http.get("/system")
        assert status.status_code == 200
        assert away in status.text
        told = browser.api("GET", "/search", params={"q": "低保"})
        assert (told.status_code, told.json()["code"]) == (503, "index.unreachable")
        assert away in told.json()["detail"]
    assert officer.api("GET", "/system/index").json()["pending"] > 0
