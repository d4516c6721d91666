"""A small archive with a bureau, an account, households and records, on real folders and SQLite."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import pytest

from metadata import digests
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository import cases, pending, revisions
from repository.archive import Archive
from repository.bag.pack import pack_bytes
from repository.bag.plan import BagPlan, PayloadFile, plan_bag
from repository.bag.record_json import (
    PATH,
    CaseFileFact,
    FileFact,
    OrganFact,
    RecordJson,
    SubmissionFact,
)
from repository.clock import FixedClock, stamp
from repository.db import open_engine, open_sessions, reading_sessions
from repository.entities import account_state, organ_state, submission_state
from repository.holding import initialise_store
from repository.keys import Keys
from repository.ledger import acts, seal
from repository.ledger.acts import ActorRef
from repository.records import AccessionItem, accession
from repository.storage import layout
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Account, AccountRole, Base, Organ, Record, Replica, Submission

ACTOR = ActorRef("console:tester", "console")
DIVISION = "990101001001"


def open_archive(folder: Path, clock: FixedClock, *, database: str, holding_id: str) -> Archive:
    """An archive over ``folder``'s replicas and keys, with a database of its own."""
    engine = open_engine(f"sqlite:///{folder / database}", busy_seconds=5)
    Base.metadata.create_all(engine)
    stores = []
    for name in ("a", "b"):
        store = LocalStore(name, folder / "replicas" / name)
        store.prepare()
        stores.append(store)
    keys = folder / "keys"
    return Archive(
        holding_id=holding_id,
        zone="Asia/Shanghai",
        sessions=open_sessions(engine),
        reading=reading_sessions(engine),
        replicas=Replicas(stores),
        keys=Keys.open(keys) if Keys.exist(keys) else Keys.create(keys, now=clock.now()),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=folder / "quarantine",
        derivatives=folder / "derivatives",
    )


@dataclass
class County:
    """An archive with what was put into it."""

    archive: Archive
    folder: Path
    organ_id: str
    submission_id: str
    account_id: str
    case_id: str
    records: list[str] = field(default_factory=list)

    @property
    def replicas(self) -> Path:
        """The folder of the replicas."""
        return self.folder / "replicas"

    def fresh(self, *, keys: Path | None = None) -> Archive:
        """The same holding with an empty database."""
        made = open_archive(self.folder, FixedClock(), database=f"{new_id()}.db", holding_id=self.archive.holding_id)
        return replace(made, keys=Keys.open(keys)) if keys else made

    def plan(self, record_id: str, text: bytes, *, version: int = 1) -> tuple[BagPlan, RecordJson]:
        """The bag of a record of two small files."""
        algorithms = self.archive.profile.digest_algorithms
        payload = [
            PayloadFile(
                path=f"data/{name}",
                original_name=name,
                original_name_bytes=None,
                source=name,
                size=len(text),
                crc32=zlib.crc32(text),
                digests={one: digests.of_bytes(text, one) for one in algorithms},
            )
            for name in ("申请书.txt", "b.txt")
        ]
        facts = RecordJson(
            record_id=record_id,
            version=version,
            title="低保申请",
            document_type=None,
            programme="DB",
            year=2025,
            date="2025-03-04",
            organ=OrganFact(id=self.organ_id, code="bureau"),
            division_code=DIVISION,
            access_marks=["minors"],
            case_files=[CaseFileFact(id=self.case_id, household_no="x", programme="DB")],
            submission=SubmissionFact(
                id=self.submission_id, deposited_at=stamp(self.archive.clock.now()), actor=ACTOR.id, channel="cli"
            ),
            profile=self.archive.profile.label,
            description={"title": "低保申请", "year": 2025},
            files=[
                FileFact(
                    path=one.path,
                    original_name=one.original_name,
                    size=one.size,
                    crc32=one.crc32,
                    digests=dict(one.digests),
                    puid="x-fmt/111",
                    format="Plain Text File",
                    mime="text/plain",
                )
                for one in payload
            ],
        )
        plan = plan_bag(
            record_id,
            version,
            payload=payload,
            tags={PATH: facts.to_bytes()},
            info=[("Source-Organization", "bureau")],
            algorithms=algorithms,
            bagging_date=date(2026, 1, 5),
        )
        return plan, facts

    def store(self, record_id: str, text: bytes) -> tuple[BagPlan, RecordJson, str]:
        """Write the bag to both replicas; gives its SHA-256."""
        plan, facts = self.plan(record_id, text)
        data = pack_bytes(plan, lambda _source: io.BytesIO(text))
        self.archive.replicas.create_bytes(layout.bag_key(record_id, 1), data)
        return plan, facts, digests.of_bytes(data)

    def add(self, text: bytes) -> str:
        """Store and accession one record; its id."""
        record_id = new_id()
        plan, facts, sha256 = self.store(record_id, text)
        with self.archive.sessions.begin() as session:
            accession(
                session,
                archive=self.archive,
                actor=ACTOR,
                submission_id=self.submission_id,
                batch=[
                    AccessionItem(
                        record_id=record_id,
                        title=facts.title,
                        document_type=None,
                        category=facts.category,
                        programme=facts.programme,
                        year=facts.year,
                        dated=date(2025, 3, 4),
                        organ_id=self.organ_id,
                        division_code=facts.division_code,
                        access_level=facts.access_level,
                        access_marks=facts.access_marks,
                        description=facts.description,
                        profile_version=facts.profile,
                        object_key=layout.bag_key(record_id, 1),
                        object_sha256=sha256,
                        object_size=plan.object_size,
                        algorithms=plan.algorithms,
                        payload_bytes=plan.payload_bytes,
                        files=[
                            {
                                "path": one.path,
                                "original_name": one.original_name,
                                "original_name_bytes": None,
                                "size": one.size,
                                "offset": one.offset,
                                "crc32": one.crc32,
                                "digests": dict(one.digests),
                                "sha256": one.digests.get("sha256"),
                                "sha512": one.digests.get("sha512"),
                                "chunk_sha256": None,
                                "puid": "x-fmt/111",
                                "format_name": "Plain Text File",
                                "format_version": None,
                                "mime": "text/plain",
                                "text_state": "pending",
                            }
                            for one in plan.payload
                        ],
                        written=self.archive.replicas.names,
                        case_file_ids=(self.case_id,),
                    )
                ],
            )
        self.records.append(record_id)
        return record_id

    def describe(self, record_id: str, title: str) -> None:
        """Correct a record's title."""
        with self.archive.sessions.begin() as session:
            record = session.query(Record).filter_by(id=record_id).one()
            revisions.revise_description(
                session,
                archive=self.archive,
                actor=ACTOR,
                record=record,
                description={**record.description, "title": title},
            )

    def look(self, record_id: str) -> None:
        """Somebody views a record."""
        with self.archive.sessions.begin() as session:
            acts.looked(
                session,
                at=self.archive.clock.now(),
                actor=ACTOR,
                act="record.viewed",
                reason="核对",
                form="screen",
                record_id=record_id,
            )

    def settle(self) -> None:
        """Seal and write everything."""
        seal.seal(self.archive)
        while pending.write_pending_objects(self.archive):
            pass


def _people(archive: Archive) -> tuple[str, str, str]:
    with archive.sessions.begin() as session:
        for store in archive.replicas.stores:
            session.add(Replica(name=store.name, kind="local", location="", added_at=archive.clock.now()))
        session.flush()
        for store in archive.replicas.stores:
            initialise_store(session, archive=archive, store=store)
        revisions.adopt_profile(session, archive=archive, actor=ACTOR)
        bureau = Organ(id=new_id(), code="bureau", name_zh="民政局", level="county", division_prefix="990101")
        town = Organ(
            id=new_id(), code="town", name_zh="镇", level="township", division_prefix="990101001", parent_id=bureau.id
        )
        session.add(bureau)
        session.flush()
        session.add(town)
        session.flush()
        account = Account(
            id=new_id(),
            username="li",
            display_name="李",
            organ_id=town.id,
            password_hash="secret-hash",
            created_at=archive.clock.now(),
        )
        session.add(account)
        session.flush()
        role = AccountRole(account_id=account.id, organ_id=town.id, role="archivist", starts_on=date(2026, 1, 1))
        session.add(role)
        submission = Submission(
            id=new_id(),
            state="done",
            title="一批",
            channel="cli",
            organ_id=bureau.id,
            actor_id=ACTOR.id,
            options={"case_files": "secret"},
            profile_version=archive.profile.label,
            created_at=archive.clock.now(),
            updated_at=archive.clock.now(),
        )
        session.add(submission)
        session.flush()
        for kind, row, state in (
            ("organ", bureau, organ_state(bureau)),
            ("organ", town, organ_state(town)),
            ("account", account, account_state(account, [role])),
            ("submission", submission, submission_state(submission)),
        ):
            row.revision = revisions.revise_entity(
                session, archive=archive, actor=ACTOR, kind=kind, entity_id=row.id, state=state
            )
        return bureau.id, account.id, submission.id


def _case(archive: Archive, organ_id: str) -> str:
    with archive.sessions.begin() as session:
        family = cases.household(
            session,
            archive=archive,
            household_no=household_no(DIVISION, 7),
            division_code=DIVISION,
            applicant_name="张三",
            applicant_id="11010519491231002X",
        )
        case, _changed = cases.case_file(
            session,
            archive=archive,
            household=family,
            programme="DB",
            organ_id=organ_id,
            opened_on=date(2025, 1, 2),
            members=[cases.Member("李四", "11010519491231002X", "配偶")],
            events=[{"event": "apply", "on": "2025-01-02", "note": ""}],
        )
        revisions.revise_case(session, archive=archive, actor=ACTOR, case=case, state=case.state)
        return case.id


@pytest.fixture
def county(tmp_path: Path, clock: FixedClock) -> County:
    """A county with three records in one case file, everything sealed and written."""
    archive = open_archive(tmp_path, clock, database="first.db", holding_id=new_id())
    organ_id, account_id, submission_id = _people(archive)
    made = County(archive, tmp_path, organ_id, submission_id, account_id, _case(archive, organ_id))
    for number in range(3):
        made.add(b"text %d " % number * 50)
    made.describe(made.records[0], "更正后的题名")
    made.look(made.records[0])
    made.settle()
    return made


@pytest.fixture
def dump() -> Callable[[Archive], dict[str, list[dict[str, object]]]]:
    """The catalogue as plain rows, without what a rebuild may not know."""
    left_out = {
        "seq",
        "row_version",
        "written_at",
        "checked_at",
        "body",
        "first_used_at",
        "added_at",
        "location",
        "password_hash",
        "options",
    }
    tables = [
        "organ",
        "account",
        "account_role",
        "submission",
        "household",
        "case_file",
        "case_record",
        "record",
        "record_version",
        "stored_file",
        "stored_object",
        "replica_object",
        "ledger_block",
        "profile_version",
        "counter",
    ]

    def rows(archive: Archive) -> dict[str, list[dict[str, object]]]:
        found: dict[str, list[dict[str, object]]] = {}
        with archive.reading() as session:
            for name in tables:
                table = Base.metadata.tables[name]
                found[name] = sorted(
                    (
                        {key: value for key, value in row.items() if key not in left_out}
                        for row in session.execute(table.select()).mappings()
                    ),
                    key=repr,
                )
        return found

    return rows
