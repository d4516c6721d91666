"""The parts of a site: one that hangs delays nobody, one that is away is told with what waits, and since when."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import delete, select

from ingest.limits import VirusScanner
from lantai import parts_alarms, probes
from lantai.parts import Part, Parts, State, ready
from lantai.probes import parts_of
from lantai.settings import load
from lantai.site import Site, initialise
from repository.clock import FixedClock
from repository.tables import Alarm, Heartbeat, LedgerBlock, Outbox, Replica

NOW = datetime(2026, 1, 5, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = initialise(load(home=tmp_path_factory.mktemp("parts") / "home"), bureau="县民政局", division="990101")
    yield made
    made.close()


def _states(site: Site) -> dict[str, Part]:
    parts = parts_of(site)
    try:
        return {one.name: one for one in parts.look()}
    finally:
        parts.close()


def test_a_part_that_hangs_delays_nobody_and_is_asked_once() -> None:
    asked, go = [], threading.Event()

    def hanging() -> Part:
        asked.append(1)
        go.wait(30)
        return Part("disk", State.OK, "好。", "Well.")

    clock = FixedClock(NOW)
    parts = Parts(
        lambda: {"disk": hanging, "well": lambda: Part("well", State.OK, "好。", "Well.")}, clock, patience=0.1
    )
    first = {one.name: one.state for one in parts.look()}
    assert first == {"disk": State.DOWN, "well": State.OK}
    clock.moment += timedelta(minutes=3)
    again = {one.name: one for one in parts.look(anew=True)}
    assert again["disk"].since == NOW, "since it was first seen so"
    assert asked == [1]
    go.set()
    deadline = time.monotonic() + 10
    while (found := {one.name: one for one in parts.look(anew=True)})["disk"].state is not State.OK:
        assert time.monotonic() < deadline
    assert found["disk"].since is None
    parts.close()


def test_what_hangs_beside_a_database_that_hangs_is_not_checked() -> None:
    go = threading.Event()

    def hanging(name: str) -> Part:
        go.wait(30)
        return Part(name, State.OK, "好。", "Well.", needed=name == "database")

    names = ("database", "replica a", "replica gone")
    wanted = {one: partial(hanging, one) for one in names} | {"replica gone": lambda: None}
    parts = Parts(lambda: wanted, FixedClock(NOW), patience=0.1)
    found = parts.look()
    assert {one.name: one.state for one in found} == {"database": State.DOWN, "replica a": State.NOT_CHECKED}
    assert not ready(found)
    go.set()
    parts.close()


def test_a_probe_that_breaks_is_not_checked_and_never_well(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> Part:
        raise ValueError("nobody foresaw this")

    parts = Parts(lambda: {"odd": broken}, FixedClock(NOW))
    [found] = parts.look()
    parts.close()
    assert found.state is State.NOT_CHECKED
    assert not found.ok
    assert "ValueError" in found.en
    assert "odd" in caplog.text


def test_what_is_needed_decides_whether_the_site_serves() -> None:
    down = Part("index", State.DOWN, "", "")
    assert ready([down])
    assert not ready([down, Part("database", State.DOWN, "", "", needed=True)])


def test_a_glance_never_waits_for_what_is_asked_anew() -> None:
    slow = threading.Event()
    calls: list[float] = []

    def probe() -> Part:
        calls.append(time.monotonic())
        if len(calls) > 1:
            slow.wait(20)
        return Part("one", State.OK, str(len(calls)), "")

    parts = Parts(lambda: {"one": probe}, FixedClock(NOW), kept=0.0, patience=20)
    assert [one.zh for one in parts.glance()] == ["1"]
    assert [one.zh for one in parts.glance()] == ["1"], "the second question runs behind its back"
    slow.set()
    deadline = time.monotonic() + 10
    while parts.glance()[0].zh == "1":
        assert time.monotonic() < deadline
        time.sleep(0.01)
    parts.close()


def test_a_new_site_has_every_part_and_no_worker(site: Site) -> None:
    found = _states(site)
    assert {name for name, one in found.items() if one.state is State.OK} >= {
        "database",
        "replica a",
        "replica b",
        "index",
        "quarantine",
        "derivatives",
        "sealing",
        "clock",
    }
    assert found["workers"].state is State.DOWN
    assert found["scanner"].state is State.NOT_CHECKED


def test_workers_are_counted_by_their_heartbeats(site: Site) -> None:
    with site.archive.sessions.begin() as session:
        session.add(Heartbeat(executor_id="here-1", seen=time.time() - 1, started=0.0))
        session.add(Heartbeat(executor_id="gone-1", seen=time.time() - 3600, started=0.0))
    assert "Running: 1" in probes.workers(site).en
    with site.archive.sessions.begin() as session:
        session.delete(session.get(Heartbeat, "here-1"))
    down = probes.workers(site)
    assert down.state is State.DOWN
    assert down.since is not None
    assert datetime.now(UTC) - down.since > timedelta(minutes=50)


def test_a_replica_without_its_marker_is_down_and_says_what_waits(site: Site) -> None:
    marker = next((site.settings.replicas[1].path / "holding").iterdir())
    away = marker.rename(marker.with_suffix(".away"))
    try:
        found = _states(site)["replica b"]
        assert found.state is State.DOWN
        assert "Deposits wait" in found.en
    finally:
        away.rename(marker)
    assert _states(site)["replica b"].state is State.OK


def test_folders_that_take_nothing_are_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs(site.settings.home)
    monkeypatch.setattr(probes, "LEAST_FREE", full.f_blocks * full.f_frsize + 1)
    found = _states(site)
    assert found["replica a"].state is State.DEGRADED
    assert "full" in found["replica a"].en
    assert found["quarantine"].state is State.DOWN
    assert "refused" in found["quarantine"].en
    monkeypatch.undo()
    missing = site.settings.quarantine
    away = missing.rename(missing.with_name("quarantine-away"))
    try:
        assert "cannot be reached" in _states(site)["quarantine"].en
    finally:
        away.rename(missing)


def test_search_that_is_behind_says_by_how_much(site: Site) -> None:
    old = site.archive.clock.now() - timedelta(minutes=10)
    with site.archive.sessions.begin() as session:
        session.add_all([Outbox(kind="record", subject_id=str(one), created_at=old) for one in range(12)])
    try:
        found = _states(site)["index"]
        assert (found.state, found.since) == (State.DEGRADED, old)
        assert found.en == "Search is behind and catches up; changes that it does not show yet: 12."
        assert found.zh == "检索落后 12 处变动，正在补上。"
    finally:
        with site.archive.sessions.begin() as session:
            session.query(Outbox).filter(Outbox.kind == "record").delete()


def test_a_clock_before_the_newest_seal_is_told(site: Site) -> None:
    assert probes.clock(site).state is State.OK
    block = LedgerBlock(
        stream="acts",
        number=99_999,
        key="ledger/acts/none",
        entries=0,
        sha256="0" * 64,
        merkle_root="0" * 64,
        body=b"",
        sealed_at=site.archive.clock.now() + timedelta(hours=2),
    )
    with site.archive.sessions.begin() as session:
        session.add(block)
    try:
        assert "before the newest seal" in probes.clock(site).en
    finally:
        with site.archive.sessions.begin() as session:
            session.delete(session.merge(block))


def test_a_scanner_that_does_not_answer_is_down(site: Site, tmp_path: Path) -> None:
    before = site.settings.virus
    site.settings.virus = VirusScanner(address=f"unix:{tmp_path / 'none.sock'}")
    try:
        assert probes.scanner(site).state is State.DOWN
    finally:
        site.settings.virus = before


def test_a_database_file_that_was_taken_away_is_missed(site: Site) -> None:
    path = site.settings.home / "lantai.db"
    away = path.rename(path.with_name("lantai.away"))
    try:
        found = _states(site)
        assert found["database"].state is State.DOWN
        assert not ready(list(found.values()))
    finally:
        away.rename(path)


def test_what_stays_down_raises_one_alarm_and_ends_by_itself(site: Site) -> None:
    clock = FixedClock(datetime.now(UTC))
    found = [Part("replica b", State.DOWN, "副本 b 不在。", "Replica b is away.")]
    parts = Parts(lambda: {"replica b": lambda: found[0]}, clock, kept=0.0)
    site = replace(site, archive=replace(site.archive, clock=clock))

    def open_ones() -> list[tuple[str, int, bool]]:
        with site.archive.reading() as session:
            wanted = select(Alarm).where(Alarm.subject == "replica b", Alarm.closed_at.is_(None))
            return [(one.kind, one.times, one.over_at is not None) for one in session.scalars(wanted)]

    assert parts_alarms.tell(site, parts) == 0, "a restart takes minutes"
    clock.moment += timedelta(minutes=11)
    assert parts_alarms.tell(site, parts) == 1
    assert parts_alarms.tell(site, parts) == 0
    assert open_ones() == [("part_down", 2, False)]
    found[0] = Part("replica b", State.OK, "好。", "Well.")
    assert parts_alarms.tell(site, parts) == 1
    assert parts_alarms.tell(site, parts) == 0
    assert open_ones() == [("part_down", 2, True)], "a person says what came of it"
    parts.close()


def test_an_alarm_ends_neither_by_what_nobody_knows_nor_by_another_machine_that_sees_no_fault(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FixedClock(datetime.now(UTC))
    found = [Part("derivatives", State.DOWN, "不在。", "Away.")]
    parts = Parts(lambda: {"derivatives": lambda: found[0]}, clock, kept=0.0)
    site = replace(site, archive=replace(site.archive, clock=clock))

    def over() -> bool:
        with site.archive.reading() as session:
            wanted = select(Alarm.over_at).where(Alarm.subject == "derivatives", Alarm.closed_at.is_(None))
            return session.scalars(wanted).one() is not None

    parts_alarms.tell(site, parts)
    clock.moment += timedelta(minutes=11)
    assert parts_alarms.tell(site, parts) == 1
    found[0] = Part("derivatives", State.NOT_CHECKED, "无法得知。", "Nobody knows.")
    assert parts_alarms.tell(site, parts) == 0
    assert not over()
    found[0] = Part("derivatives", State.OK, "好。", "Well.")
    monkeypatch.setattr("socket.gethostname", lambda: "another")
    assert parts_alarms.tell(site, parts) == 0, "the machine that misses it says so every minute"
    assert not over()
    clock.moment += parts_alarms.TOLD_AGAIN
    assert parts_alarms.tell(site, parts) == 1
    assert over()
    parts.close()


def test_a_replica_in_use_that_the_settings_lack_is_told(site: Site) -> None:
    assert "settings" not in _states(site)
    with site.archive.sessions.begin() as session:
        session.add(Replica(name="c", kind="local", location="/elsewhere", required=True, added_at=NOW))
    try:
        site.archive.replicas._states.forget()  # type: ignore[attr-defined]  # as two seconds later
        found = _states(site)["settings"]
        assert (found.state, found.ok) == (State.DEGRADED, False)
        assert "lack c, in use" in found.en
    finally:
        with site.archive.sessions.begin() as session:
            session.execute(delete(Replica).where(Replica.name == "c"))
        site.archive.replicas._states.forget()  # type: ignore[attr-defined]


def test_a_backup_that_is_too_old_is_an_alarm_of_its_own(site: Site) -> None:
    clock = FixedClock(datetime.now(UTC))
    old = Part("backup vault", State.DEGRADED, "旧。", "Old.", since=clock.moment - timedelta(hours=2))
    parts = Parts(lambda: {"backup vault": lambda: old}, clock, kept=0.0)
    site = replace(site, archive=replace(site.archive, clock=clock))
    assert parts_alarms.tell(site, parts) == 1
    with site.archive.reading() as session:
        assert session.scalars(select(Alarm.kind).where(Alarm.subject == "backup vault")).all() == ["backup_old"]
    parts.close()


def test_a_clock_that_jumped_is_told_at_once(site: Site) -> None:
    clock = FixedClock(datetime.now(UTC) + timedelta(hours=5))
    site = replace(site, archive=replace(site.archive, clock=clock))
    parts = Parts(lambda: {"clock": lambda: probes.clock(site)}, clock, kept=0.0)
    assert parts_alarms.tell(site, parts) == 1
    clock.moment = datetime.now(UTC)
    assert parts_alarms.tell(site, parts) == 1
    parts.close()
