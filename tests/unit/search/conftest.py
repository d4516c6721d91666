"""A small archive with real database, keys, profile and folders, and records put straight into the catalogue."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from access.accounts import Actor, RoleHeld, console_actor
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository import outbox
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import Sessions, reading_sessions
from repository.derivatives import put_text
from repository.keys import Keys
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import CaseFile, CaseRecord, Household, Organ, Record, StoredFile
from search.engines.embedded import TantivyEngine
from search.generations import FolderHome
from search.indexer import consume

VILLAGE = "990101001002"


@pytest.fixture
def archive(engine: Engine, sessions: Sessions, clock: FixedClock, tmp_path: Path) -> Archive:
    """An archive with one organ (the county bureau)."""
    stores = [LocalStore(name, tmp_path / "replicas" / name) for name in ("a", "b")]
    for store in stores:
        store.root.mkdir(parents=True)
    with sessions.begin() as session:
        session.add(Organ(id=new_id(), code="CB", name_zh="县民政局", level="CB", division_prefix="990101"))
    return Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=sessions,
        reading=reading_sessions(engine),
        replicas=Replicas(list(stores), {"a", "b"}),
        keys=Keys.create(tmp_path / "keys"),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def home(index_folder: Path) -> FolderHome:
    return FolderHome(index_folder)


@pytest.fixture
def console(archive: Archive) -> Actor:
    """Whoever holds the site's files."""
    with archive.reading() as session:
        return console_actor(session, archive.profile, "root")


@pytest.fixture
def archivist() -> Callable[[str], Actor]:
    """Makes an archivist whose organ reaches the divisions below a prefix."""

    def made(prefix: str) -> Actor:
        return Actor(new_id(), "account", "档案员", None, (RoleHeld("archivist", None, prefix, "TS"),))

    return made


@dataclass
class Shelf:
    """Puts records into the catalogue, as accession does, with outbox rows."""

    archive: Archive
    ids: list[str] = field(default_factory=list)

    def organ(self, session: Session) -> str:
        return session.query(Organ.id).limit(1).scalar()  # type: ignore[no-any-return]

    def record(
        self,
        title: str,
        *files: tuple[str, str | None],
        division: str = VILLAGE,
        description: dict[str, Any] | None = None,
        **columns: Any,
    ) -> str:
        """A record with files ``(name, text)``; ``None``: a file without text."""
        record_id = new_id()
        with self.archive.sessions.begin() as session:
            session.add(
                Record(
                    id=record_id,
                    title=title,
                    organ_id=self.organ(session),
                    division_code=division,
                    description={"title": title, **(description or {})},
                    profile_version=self.archive.profile.label,
                    created_at=self.archive.clock.now(),
                    **columns,
                )
            )
            for position, (name, text) in enumerate(files, start=1):
                session.add(
                    StoredFile(
                        id=new_id(),
                        record_id=record_id,
                        version=1,
                        position=position,
                        path=f"data/{position}",
                        original_name=name,
                        size=1,
                        offset=0,
                        crc32=0,
                        digests={},
                        text_state="none" if text is None else "done",
                    )
                )
                if text is not None:
                    put_text(self.archive.derivatives, record_id, 1, position, text.split("\f"), "test")
            outbox.enqueue(session, outbox.RECORD, [record_id], self.archive.clock.now())
        self.ids.append(record_id)
        return record_id

    def household(
        self, number: str, applicant: str, id_number: str, record_ids: list[str], *members: dict[str, Any]
    ) -> None:
        """A household with one case file that holds ``record_ids``."""
        keys, now = self.archive.keys, self.archive.clock.now()
        household_id, case_id = new_id(), new_id()
        with self.archive.sessions.begin() as session:
            session.add(
                Household(
                    id=household_id,
                    household_no=number,
                    division_code=VILLAGE,
                    applicant_name=applicant,
                    applicant_id_sealed=keys.seal(id_number),
                    created_at=now,
                )
            )
            session.flush()
            sealed = [
                {"name": one["name"], "id_sealed": base64.b64encode(keys.seal(one["id"])).decode()} for one in members
            ]
            session.add(
                CaseFile(
                    id=case_id,
                    household_id=household_id,
                    programme="DB",
                    title=f"{applicant}户低保档案",
                    division_code=VILLAGE,
                    organ_id=self.organ(session),
                    state={"members": sealed},
                    created_at=now,
                )
            )
            session.flush()
            session.add_all(
                CaseRecord(case_file_id=case_id, record_id=one, position=place) for place, one in enumerate(record_ids)
            )
            outbox.enqueue(session, outbox.CASE_FILE, [case_id], now)

    def move_case(self, division_code: str) -> None:
        """Put every case file into another division, without an outbox row."""
        with self.archive.sessions.begin() as session:
            session.execute(update(CaseFile).values(division_code=division_code))

    def change(self, record_id: str, **columns: Any) -> None:
        """Change columns of a record, with its outbox row."""
        with self.archive.sessions.begin() as session:
            session.execute(update(Record).where(Record.id == record_id).values(**columns))
            outbox.enqueue(session, outbox.RECORD, [record_id], self.archive.clock.now())


@pytest.fixture
def shelf(archive: Archive) -> Shelf:
    return Shelf(archive)


@pytest.fixture
def indexed(archive: Archive, home: FolderHome) -> Callable[[], TantivyEngine]:
    """Follow the outbox and open the live index."""

    def follow() -> TantivyEngine:
        consume(archive, home.open_live, "test")
        return home.open_live()

    return follow
