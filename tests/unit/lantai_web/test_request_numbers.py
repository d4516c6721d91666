"""Numbers of requests: made here, believed from trusted proxies only, shown wherever an error is."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

import pytest

from lantai import request_id
from lantai.site import Site
from lantai.web.numbering import Trusted
from tests.unit.lantai_web.conftest import Browser
from tests.unit.lantai_web.test_limits import browsing

Visit = Callable[..., Browser]
GIVEN = "proxy-7f3a9c21"


def test_a_stranger_gives_no_number(visit: Visit) -> None:
    answer = visit().get("/api/v1/nowhere", headers={"X-Request-ID": GIVEN})
    assert answer.headers["x-request-id"] != GIVEN
    assert len(answer.headers["x-request-id"]) == 36


def test_a_trusted_proxy_gives_the_number(site: Site) -> None:
    with browsing(site, proxies=["127.0.0.1"]) as browser:
        answer = browser.get("/api/v1/holdings", headers={"X-Request-ID": GIVEN})
        assert answer.headers["x-request-id"] == GIVEN
        assert answer.json()["request_id"] == GIVEN
        forwarded = {"X-Forwarded-For": "10.9.8.7", "X-Request-ID": GIVEN}
        assert browser.get("/sign-in", headers=forwarded).headers["x-request-id"] == GIVEN


@pytest.mark.parametrize("given", ["short", "x" * 65, "with space 12", 'quote"12345678', "-leading-dash", ""])
def test_an_ill_formed_number_is_replaced(site: Site, given: str) -> None:
    with browsing(site, proxies=["127.0.0.0/8"]) as browser:
        assert browser.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] != given
        twice = [("X-Request-ID", GIVEN), ("X-Request-ID", "another-number")]
        assert browser.http.get("/healthz", headers=twice).headers["x-request-id"] not in {GIVEN, "another-number"}


def test_who_is_trusted() -> None:
    trusted = Trusted(["10.1.0.0/16", "192.168.7.9", "fd00::/8"])
    assert [host in trusted for host in ("10.1.2.3", "192.168.7.9", "fd00::1")] == [True] * 3
    assert [host in trusted for host in ("10.2.0.1", "192.168.7.8", "testclient", "")] == [False] * 4
    assert "8.8.8.8" in Trusted(["*"])
    assert "127.0.0.1" not in Trusted([])


def test_the_number_reaches_what_runs_inside() -> None:
    assert request_id.current() == ""
    with request_id.bound(GIVEN):
        assert request_id.current() == GIVEN
    assert request_id.current() == ""


def test_what_nobody_foresaw_bears_every_header(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    """A table that is gone: the program fails, and says so with number, policies and no trace."""
    with browsing(site) as browser:
        path = site.settings.home / "lantai.db"
        with sqlite3.connect(path) as database:
            database.execute("alter table saved_search rename to saved_search_gone")
        try:
            browser.sign_in("archivist")
            with caplog.at_level(logging.ERROR):
                answer = browser.http.get("/api/v1/saved-searches")
        finally:
            with sqlite3.connect(path) as database:
                database.execute("alter table saved_search_gone rename to saved_search")
    assert answer.status_code in {500, 503}, answer.text
    number = answer.headers["x-request-id"]
    assert answer.json()["request_id"] == number
    assert answer.headers["content-security-policy"]
