"""The page of replicas, as whoever looks after them uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from lantai.site import Site
from lantai.web import views_replicas, views_system
from metadata.identifiers import new_id
from repository.ledger.seal import seal
from repository.tables import AuditRun, LedgerEntry, ReplicaObject
from tests.unit.lantai_web.conftest import Browser


def test_the_officer_compares_and_cannot_retire_one_of_two(visit: Callable[[str], Browser]) -> None:
    officer = visit("officer")
    page = officer.get("/preservation/replicas")
    assert page.status_code == 200, page.text[-300:]
    assert 'action="/preservation/replicas/compare"' in page.text
    sent = officer.post("/preservation/replicas/compare", {"first": "a", "second": "b"})
    assert sent.status_code == 303
    assert "a / b" in officer.get(sent.headers["location"]).text
    assert officer.post("/preservation/replicas/retire", {"name": "b"}).status_code == 409
    assert officer.http.post("/preservation/replicas/compare", data={"first": "a", "second": "b"}).status_code == 403


def test_copies_of_a_large_replica_are_counted_anew_after_an_audit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views_replicas, "LARGE", 0)
    kept: dict[Any, Any] = {}
    with site.archive.sessions() as session:  # rolled back
        before = views_replicas._lately(kept, session, "a")
        assert before.objects > 0
        session.delete(session.scalars(select(ReplicaObject).where(ReplicaObject.replica == "a")).first())
        session.flush()
        assert views_replicas._lately(kept, session, "a") == before
        at = site.archive.clock.now() + timedelta(days=1)
        session.add(
            AuditRun(id=new_id(), kind="audit", replica="a", started_at=at, finished_at=at, actor="console:test")
        )
        session.flush()
        assert views_replicas._lately(kept, session, "a").objects == before.objects - 1


def test_every_entry_of_the_ledger_is_told_sealed_or_not(site: Site) -> None:
    for _ in range(2):
        with site.archive.reading() as session:
            told = {one.name: one.entries for one in views_system.ledger(session)}
            there = select(LedgerEntry.stream, func.count()).group_by(LedgerEntry.stream)
            assert told == dict.fromkeys(told, 0) | dict(session.execute(there).tuples().all())
        seal(site.archive)
