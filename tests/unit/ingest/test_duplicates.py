"""Duplicates: told to the depositor only about what she may see; the archivist learns of the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from access.accounts import create_account
from access.actors import SYSTEM, Actor, actor_again, actor_of
from access.organs import create_organ
from ingest import decisions
from ingest.context import Context
from ingest.findings import told_to
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from repository.archive import Archive
from repository.bag import read
from repository.clock import local_date
from repository.storage import layout
from repository.tables import Account, Finding, Organ, Record, Submission

Deposit = Callable[..., tuple[str, str]]


def person(archive: Archive, actor: Actor, username: str, role: str, organ: str) -> Actor:
    """An account of ``organ`` with one role there."""
    with archive.sessions.begin() as session:
        made = create_account(
            session,
            archive=archive,
            actor=actor,
            username=username,
            display_name=username,
            organ_code=organ,
            roles=[(role, organ)],
        )
        session.flush()
        today = local_date(archive.clock.now(), archive.zone)
        return actor_of(session, made, archive.profile, today)


@pytest.fixture
def towns(archive: Archive, actor: Actor) -> dict[str, Actor]:
    """A clerk in each of two townships, and the county's archivist."""
    with archive.sessions.begin() as session:
        for number, name in (("1", "青石镇"), ("2", "白水镇")):
            create_organ(
                session,
                archive=archive,
                actor=actor,
                code=f"TS{number}",
                name_zh=name,
                level="TS",
                division_prefix=f"99010100{number}",
                parent_code="BUREAU",
            )
    return {
        "one": person(archive, actor, "clerk1", "clerk_township", "TS1"),
        "two": person(archive, actor, "clerk2", "clerk_township", "TS2"),
        "archivist": person(archive, actor, "archivist", "archivist", "BUREAU"),
    }


def given(archive: Archive, context: Context, who: Actor, path: Path, **options: Any) -> tuple[str, str]:
    """``who`` deposits ``path`` for her organ; the submission's id and state."""
    with archive.sessions.begin() as session:
        opened = open_submission(
            session,
            archive=archive,
            actor=who,
            organ_id=who.organ_id,
            title="移交",
            channel="web",
            options=options,
        )
    receive_path(archive, opened.id, [path])
    return opened.id, advance(context, opened.id)


def codes(archive: Archive, submission_id: str, who: Actor, *, may_accept: bool) -> list[str]:
    """What ``who`` is told of duplicates."""
    with archive.reading() as session:
        wanted = select(Finding.code).where(
            Finding.submission_id == submission_id,
            Finding.code.like("duplicate.%"),
            told_to(who.id, may_accept=may_accept),
        )
        return list(session.scalars(wanted))


@pytest.fixture
def paper(tmp_path: Path) -> Path:
    """A paper that both townships have."""
    path = tmp_path / "申请书.txt"
    path.write_text("最低生活保障申请书", encoding="utf-8")
    return path


def test_another_township_s_paper_is_told_to_the_archivist_only(
    archive: Archive, context: Context, towns: dict[str, Actor], paper: Path
) -> None:
    _, state = given(archive, context, towns["two"], paper, accept=True)
    assert state == "done"
    again, state = given(archive, context, towns["one"], paper)
    assert state == "waiting"
    assert codes(archive, again, towns["one"], may_accept=False) == []
    assert codes(archive, again, towns["one"], may_accept=True) == []
    assert codes(archive, again, towns["archivist"], may_accept=True) == ["duplicate.elsewhere"]
    with archive.sessions.begin() as session:
        submission = session.scalars(select(Submission).where(Submission.id == again)).one()
        assert "warning" not in submission.counts["findings"]
        told = decisions.return_to_depositor(
            session, archive=archive, actor=towns["archivist"], submission_id=again, reason=""
        )
    assert told["findings"] == []


def test_what_the_depositor_may_see_is_told_to_her(
    archive: Archive, context: Context, towns: dict[str, Actor], paper: Path
) -> None:
    given(archive, context, towns["one"], paper, accept=True)
    again, _ = given(archive, context, towns["one"], paper)
    assert codes(archive, again, towns["one"], may_accept=False) == ["duplicate.in_archive"]


def test_the_bag_of_a_record_does_not_tell_of_another_s(
    archive: Archive, context: Context, towns: dict[str, Actor], paper: Path
) -> None:
    given(archive, context, towns["two"], paper, accept=True)
    again, state = given(archive, context, towns["one"], paper, accept=True)
    assert state == "done"
    with archive.reading() as session:
        record_id = session.scalars(select(Record.id).where(Record.submission_id == again)).one()
    store, key = archive.replicas.stores[0], layout.bag_key(record_id, 1)
    members = {
        one.path: b"".join(read.read_member(store, key, one.offset, one.size)) for one in read.directory(store, key)
    }
    assert json.loads(members["metadata/findings.json"])["findings"] == []
    assert b"duplicate.elsewhere" not in members["metadata/premis.xml"]


def test_the_console_sees_the_whole_holding(deposit: Deposit, archive: Archive, actor: Actor, paper: Path) -> None:
    deposit(paper)
    again, _ = deposit(paper)
    assert codes(archive, again, actor, may_accept=True) == ["duplicate.in_archive"]


def test_who_deposited_is_known_again(archive: Archive, actor: Actor, towns: dict[str, Actor]) -> None:
    with archive.sessions.begin() as session:
        today = local_date(archive.clock.now(), archive.zone)
        for one in (actor, towns["one"], SYSTEM):
            known = actor_again(session, one.ref, archive.profile, today)
            assert (known.ref, known.roles) == (one.ref, one.roles)
        closed = session.get(Account, towns["one"].id)
        assert closed is not None
        closed.active = False
        session.flush()
        assert actor_again(session, towns["one"].ref, archive.profile, today).roles == ()
        assert session.scalars(select(Organ.code).where(Organ.id == towns["one"].organ_id)).one() == "TS1"
