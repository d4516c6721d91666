"""A county with two townships and a village, a superior prefecture, a neighbour, and records in each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from access.accounts import SYSTEM, Actor, RoleHeld
from access.organs import create_organ
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import open_sessions, reading_sessions
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Organ, Record, Replica
from tests.unit.access.borrowing import Desk


@pytest.fixture
def archive(engine: Engine, clock: FixedClock, tmp_path: Path) -> Archive:
    """An archive with one replica."""
    store = LocalStore("a", tmp_path / "replicas" / "a")
    store.prepare()
    made = Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas([store]),
        keys=Keys.create(tmp_path / "keys", now=clock.now()),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )
    with made.sessions.begin() as session:
        session.add(Replica(name="a", kind="local", location=str(store.root), added_at=clock.now()))
    return made


ORGANS = (
    ("prefecture", "PF", "9901", None),
    ("bureau", "CB", "990101", "prefecture"),
    ("east", "TS", "990101001", "bureau"),
    ("west", "TS", "990101002", "bureau"),
    ("village", "VC", "990101001001", "east"),
    ("neighbour", "CB", "990102", "prefecture"),
    ("archives", "AA", "990101", None),
    ("insurance", "OD", "", None),
    ("procuratorate", "JU", "", None),
    ("family", "HH", "", None),
)


@dataclass(frozen=True)
class County:
    """The archive with its organs by code."""

    archive: Archive
    organs: dict[str, str]

    def actor(self, role: str, organ: str) -> Actor:
        """An account that holds ``role`` in ``organ``."""
        with self.archive.reading() as session:
            row = session.scalars(select(Organ).where(Organ.code == organ)).one()
        held = RoleHeld(role, row.id, row.division_prefix, row.level)
        return Actor(id=new_id(), kind="account", name="某人", organ_id=row.id, roles=(held,))


@pytest.fixture
def county(archive: Archive) -> County:
    """All organs entered."""
    with archive.sessions.begin() as session:
        made = {
            code: create_organ(
                session,
                archive=archive,
                actor=SYSTEM,
                code=code,
                name_zh=code,
                level=level,
                division_prefix=prefix,
                parent_code=parent,
            ).id
            for code, level, prefix, parent in ORGANS
        }
    return County(archive, made)


@pytest.fixture
def put(county: County) -> Callable[..., str]:
    """Put a record into the catalogue; gives its id."""

    def make(
        session: Session,
        *,
        organ: str = "bureau",
        division: str = "990101001001",
        level: str = "internal",
        marks: tuple[str, ...] = (),
        state: str = "active",
    ) -> str:
        row = Record(
            id=new_id(),
            title="最低生活保障申请书",
            document_type="APP01",
            programme="DB",
            year=2025,
            dated=date(2025, 3, 1),
            organ_id=county.organs[organ],
            division_code=division,
            access_level=level,
            access_marks=list(marks),
            state=state,
            description={},
            profile_version=county.archive.profile.label,
            created_at=county.archive.clock.now(),
        )
        session.add(row)
        session.flush()
        return row.id

    return make


@pytest.fixture
def desk(county: County, put: Callable[..., str], clock: FixedClock) -> Desk:
    """People on both sides of a request."""
    made = Desk(county.archive, clock, put)
    for name, role, organ in (
        ("borrower", "borrower_external", "insurance"),
        ("other", "borrower_external", "insurance"),
        ("prosecutor", "statutory_user", "procuratorate"),
        ("member", "household_member", "family"),
        ("staff", "borrower_internal", "bureau"),
        ("head", "bureau_head", "bureau"),
        ("chief", "archive_chief", "bureau"),
        ("archivist", "archivist", "bureau"),
        ("keeper", "archivist_township", "east"),
        ("elsewhere", "archivist_township", "west"),
        ("stranger", "bureau_head", "neighbour"),
        ("auditor", "audit_admin", "bureau"),
    ):
        made.person(name, role, organ)
    return made
