"""Figures for Prometheus: who may read them, that they are right, and that they say nothing of anybody."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from lantai import metering
from lantai.metering import may_read
from lantai.metrics import METRICS, Meters
from lantai.probes import parts_of
from lantai.settings import MetricsSettings, RateSettings
from lantai.site import Site
from repository.storage import faults
from tests.unit.lantai_web.conftest import Browser, Papers
from tests.unit.lantai_web.test_limits import browsing

Visit = Callable[..., Browser]
TOKEN = "scrape-me-with-this-token"
BY_TOKEN = MetricsSettings(access="token", token=SecretStr(TOKEN))
LOOPBACK = MetricsSettings(access="loopback")
GUIDE = Path(__file__).parents[3] / "docs/howto/monitoring.md"


def test_nothing_is_there_unless_it_was_asked_for(visit: Visit) -> None:
    answer = visit().get("/metrics", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 404
    assert "lantai_" not in answer.text


def test_a_token_opens_it_and_no_other(site: Site) -> None:
    with browsing(site, metrics=BY_TOKEN) as browser:
        for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}):
            assert browser.get("/metrics", headers=wrong).status_code == 401
        assert browser.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
        anywhere = {"Authorization": f"Bearer {TOKEN}", "Host": "10.1.2.3:8000"}
        assert browser.get("/metrics", headers=anywhere).status_code == 200, "a scraper calls by address"


def test_wrong_tokens_are_slowed(site: Site) -> None:
    right, wrong = {"Authorization": f"Bearer {TOKEN}"}, {"Authorization": "Bearer wrong"}
    rates = RateSettings(failed_sign_ins_per_minute=3)
    with browsing(site, metrics=BY_TOKEN, rates=rates) as browser:
        for _ in range(5):
            assert browser.get("/metrics").status_code == 401, "no token is no guess"
            assert browser.get("/metrics", headers=right).status_code == 200
        answers = [browser.get("/metrics", headers=wrong) for _ in range(4)]
        assert [one.status_code for one in answers] == [401] * 3 + [429]
        assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
        assert browser.get("/metrics", headers=right).status_code == 429, "the right one is guessed no sooner"
        assert browser.sign_in("clerk").status_code == 303, "passwords are counted apart"


def test_this_machine_reads_it_but_nobody_through_a_proxy(site: Site) -> None:
    with browsing(site, metrics=LOOPBACK) as browser:
        assert browser.get("/metrics").status_code == 200
        assert browser.get("/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 404
    assert not may_read(LOOPBACK, caller="10.0.0.9", forwarded=False, authorization="")
    assert not may_read(LOOPBACK, caller="", forwarded=False, authorization="")


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 20"):
        MetricsSettings(access="token", token=SecretStr("short"))


def test_figures_are_right_bounded_and_say_nothing_of_anybody(site: Site, papers: Papers) -> None:
    with browsing(site, metrics=LOOPBACK) as browser:
        browser.sign_in("archivist")
        for record_id in papers.record_ids.values():
            browser.get(f"/records/{record_id}")
        browser.get("/search?q=王秀英&secret=1")
        browser.get("/nowhere/at/all")
        browser.get("/static/lantai.css")
        browser.api("GET", "/records")
        text = browser.get("/metrics").text
    found = {one.name: one for one in text_string_to_metric_families(text)}
    named = {name for name in found if name.startswith("lantai_")}
    assert named == {name.removesuffix("_total") for name in METRICS}
    values = {(s.name, tuple(sorted(s.labels.items()))): s.value for one in found.values() for s in one.samples}
    assert values["lantai_submissions", (("state", "done"),)] > 0
    assert values["lantai_part_state", (("part", "database"), ("state", "ok"))] == 1
    assert values["lantai_replica_objects", (("replica", "a"),)] > 0
    routes = {s.labels["route"] for s in found["lantai_http_request_seconds"].samples}
    assert {"/records/{record_id}", "/search", "/api/v1/records", "/static", "none"} <= routes
    for secret in (*papers.record_ids.values(), papers.household_no, papers.id_number, "王秀英", "secret", "archivist"):
        assert not secret or secret not in text
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}-", text), "no id is ever a label"
    assert str(site.settings.home) not in text


def test_figures_of_the_database_are_left_out_while_it_is_away(site: Site) -> None:
    parts = parts_of(site)
    meters = Meters(site, parts)
    assert b"lantai_outbox_pending" in meters.text()
    path = site.settings.home / "lantai.db"
    away = path.rename(path.with_name("lantai.away"))
    try:
        parts.look(anew=True)
        text = meters.text().decode()
    finally:
        away.rename(path)
        parts.close()
    assert 'lantai_part_state{part="database",state="down"} 1.0' in text
    assert "lantai_outbox_pending" not in text


def test_faults_of_stores_are_counted_by_store_and_kind(site: Site) -> None:
    root = site.settings.replicas[1].path
    before = faults.counted().get(("b", "store.root_missing"), 0)
    away = root.rename(root.with_name("b-away"))
    try:
        with pytest.raises(Exception, match=r"not there|changed|Another"):
            site.archive.replicas.store("b").head("holding/00001.json")
    finally:
        away.rename(root)
    assert faults.counted()["b", "store.root_missing"] == before + 1
    text = Meters(site, parts_of(site)).text().decode()
    assert 'lantai_store_errors_total{kind="store.root_missing",store="b"}' in text


def test_a_worker_shows_its_own_figures(site: Site) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    meters = Meters(site, parts_of(site))
    meters.stepped("store", "passed", 0.2)
    settings = LOOPBACK.model_copy(update={"worker_port": port})
    server = metering.show(settings, site.settings.rates, meters)
    assert server is not None
    try:
        assert metering.show(settings, site.settings.rates, meters) is None, (
            "a second worker on the machine goes without"
        )
        base = f"http://127.0.0.1:{port}"
        assert 'lantai_step_seconds_count{outcome="passed",step="store"} 1.0' in httpx.get(f"{base}/metrics").text
        assert httpx.get(f"{base}/").status_code == 404
        assert httpx.get(f"{base}/metrics", headers={"X-Forwarded-For": "10.0.0.9"}).status_code == 404
    finally:
        server.shutdown()
        server.server_close()


def test_a_scrape_costs_little_when_it_is_repeated(site: Site) -> None:
    meters = Meters(site, parts_of(site))
    meters.text()
    with site.engine.connect() as connection:
        connection.exec_driver_sql("select 1")
    statements: list[str] = []
    from sqlalchemy import event

    event.listen(site.engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    began = time.monotonic()
    meters.text()
    if time.monotonic() - began < 4:
        assert not statements


def test_the_guide_names_every_metric() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    assert set(re.findall(r"^\| `(lantai_[a-z_]+)", text, re.MULTILINE)) == set(METRICS)
    assert set(re.findall(r"lantai_[a-z_]+", text)) <= {
        f"{name}{end}" for name in METRICS for end in ("", "_count", "_sum", "_bucket")
    }
