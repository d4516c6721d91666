"""Today: what waits, the most urgent first, one click from the act; what changed; nothing of what one may not see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from access.accounts import create_account
from access.actors import console_actor
from lantai.site import Site
from metadata.identifiers import new_id
from repository.tables import AccessRequest, Account, Hold, Incident, Organ, Submission
from repository.tables.base import Base
from tests.unit.lantai_web.conftest import PASSWORD, Browser, Papers

Visit = Callable[..., Browser]
TASK = re.compile(r'class="task task--(\w+)" href="([^"]+)"><span class="task__count">([^<]+)</span>')


@pytest.fixture(scope="module", autouse=True)
def people(site: Site) -> None:
    """A security administrator and a statistician, whom the others do without."""
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        for username, role in (("today-security", "sec_admin"), ("today-statistician", "statistician")):
            create_account(
                session,
                archive=site.archive,
                actor=actor,
                username=username,
                display_name=f"合成 {username}",
                organ_code="bureau",
                password=PASSWORD,
                roles=[(role, "bureau")],
            )


@contextmanager
def _there(site: Site, *rows: Base) -> Iterator[None]:
    """The site with ``rows``, which are gone afterwards: it is shared by all tests."""
    known = [(type(one), one.id) for one in rows]  # type: ignore[attr-defined]
    with site.archive.sessions.begin() as session:
        session.add_all(rows)
    yield
    with site.archive.sessions.begin() as session:
        for table, number in known:
            session.execute(delete(table).where(table.id == number))  # type: ignore[attr-defined]


def _account(site: Site, username: str) -> Account:
    with site.archive.reading() as session:
        return session.scalars(select(Account).where(Account.username == username)).one()


def _submission(site: Site, username: str, organ: str, state: str, title: str) -> Submission:
    now = site.archive.clock.now()
    with site.archive.reading() as session:
        organ_id = session.scalars(select(Organ.id).where(Organ.code == organ)).one()
    common: dict[str, Any] = {"options": {}, "counts": {}, "profile_version": "x", "created_at": now, "updated_at": now}
    return Submission(
        id=new_id(),
        state=state,
        title=title,
        channel="web",
        organ_id=organ_id,
        actor_id=_account(site, username).id,
        **common,
    )


def _tasks(browser: Browser) -> list[tuple[str, str, str]]:
    return TASK.findall(browser.get("/").text)


def _visited(site: Site, username: str, days: int) -> None:
    at = site.archive.clock.now() - timedelta(days=days)
    with site.archive.sessions.begin() as session:
        session.execute(update(Account).where(Account.username == username).values(previous_visit_at=at))


def test_damage_comes_first_and_only_to_whom_it_concerns(visit: Visit, site: Site, papers: Papers) -> None:
    now = site.archive.clock.now()
    incident = Incident(
        id=new_id(), seq=999_001, replica="a", key="r/aa/bb/x/v00001.zip", fault="damaged", detail={}, opened_at=now
    )
    waiting = _submission(site, "clerk", "ts1", "waiting", "等待接收")
    with _there(site, incident, waiting):
        found = _tasks(visit("archivist"))
        assert [one[1] for one in found[:2]] == ["/preservation#incidents", "/submissions?state=waiting"]
        assert found[0][0] == "bad"
        assert [one[1] for one in _tasks(visit("officer"))] == ["/preservation#incidents"]
        assert _tasks(visit("clerk")) == []
    assert all(one[1] != "/preservation#incidents" for one in _tasks(visit("archivist")))


def test_a_returned_deposit_waits_for_whom_it_came_back_to(visit: Visit, site: Site, papers: Papers) -> None:
    with _there(site, _submission(site, "clerk", "ts1", "returned", "退回的一批")):
        assert ("bad", "/submissions?state=back", "1") in _tasks(visit("clerk"))
        assert _tasks(visit("other")) == []


def _request(site: Site, username: str, state: str, **more: Any) -> AccessRequest:
    account, now = _account(site, username), site.archive.clock.now()
    return AccessRequest(
        id=new_id(),
        number=f"T{new_id()[:8]}",
        account_id=account.id,
        organ_id=account.organ_id,
        requester="x",
        purpose="x",
        days=3,
        wanted={},
        state=state,
        profile_version="x",
        created_at=now,
        updated_at=now,
        **more,
    )


def test_an_answer_and_a_question_lead_to_the_request(visit: Visit, site: Site, papers: Papers) -> None:
    _visited(site, "clerk", 2)
    answered = _request(site, "clerk", "approved", decided_at=site.archive.clock.now())
    asked = _request(site, "clerk", "questioned")
    ids = (asked.id, answered.id)
    with _there(site, answered, asked):
        hrefs = [one[1] for one in _tasks(visit("clerk"))]
        assert hrefs == [f"/requests/{one}" for one in ids]  # the question first: it stops the request
        assert not any(one in visit("other").get("/").text for one in ids)


def test_a_hold_is_reviewed_on_its_day(visit: Visit, site: Site, papers: Papers) -> None:
    now = site.archive.clock.now()
    hold = Hold(
        id=new_id(),
        title="诉讼",
        authority="法院",
        reason="诉讼",
        review_on=(now - timedelta(days=1)).date(),
        placed_by=_account(site, "archivist").id,
        placed_at=now,
    )
    with _there(site, hold):
        assert any(one[1] == "/retention/holds?state=review" for one in _tasks(visit("archivist")))
        assert _tasks(visit("clerk")) == []


def test_what_changed_is_told_within_what_one_may_see(visit: Visit, site: Site, papers: Papers) -> None:
    for username in ("archivist", "other"):
        _visited(site, username, 30)
    mine = visit("archivist").get("/").text
    assert "上次来访以来" in mine
    assert re.search(r'class="timeline__what"><a href="/case-files/[^"]+">', mine)
    theirs = visit("other").get("/").text
    assert "上次来访以来" in theirs
    assert "timeline__what" not in theirs
    assert papers.id_number not in mine


def test_the_first_visit_tells_of_no_changes(visit: Visit, site: Site, papers: Papers) -> None:
    with site.archive.sessions.begin() as session:
        session.execute(update(Account).where(Account.username == "sysadmin").values(previous_visit_at=None))
        session.execute(update(Account).where(Account.username == "sysadmin").values(last_seen_at=None))
    assert "上次来访以来" not in visit("sysadmin").get("/").text


def test_each_administrator_finds_what_she_has_to_finish(visit: Visit, site: Site) -> None:
    organ = _account(site, "archivist").organ_id
    now = site.archive.clock.now()
    left = Account(
        id=new_id(),
        username="waiting-for-a-role",
        display_name="等候",
        organ_id=organ,
        password_hash="x",
        created_at=now,
    )
    with _there(site, left):
        assert any("roleless" in one[1] or left.username in one[1] for one in _tasks(visit("today-security")))
        assert not any("roleless" in one[1] or left.username in one[1] for one in _tasks(visit("sysadmin")))
    assert 'href="/system/accounts"' in visit("sysadmin").get("/").text


def test_a_statistician_sees_sums_of_her_divisions_and_no_record(visit: Visit, papers: Papers) -> None:
    statistician = visit("today-statistician")
    page = statistician.get("/").text
    assert 'class="chart__svg"' in page
    assert statistician.get(f"/records/{papers.record_ids['申請書.txt']}").status_code == 404
    assert statistician.get("/holdings").status_code == 403
