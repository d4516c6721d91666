"""Backup and restore drills: the machine's data is gone, the stores and one backup are left."""

from __future__ import annotations

import io
import json
import shutil
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access.accounts import create_account
from access.actors import console_actor
from access.credentials import authenticate
from access.organs import create_organ
from lantai import backup_probe, backups, care
from lantai.cli.intake_commands import deposit, wait_until_done
from lantai.job_rows import JobFilter, JobRow
from lantai.jobs import Work
from lantai.parts import State
from lantai.rebuild import rebuild_site
from lantai.replica_settings import ReplicaSettings
from lantai.restoring import Restored, restore
from lantai.settings import load
from lantai.site import Site, initialise, open_site
from lantai.worker import working
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound, Unavailable
from metadata.identifiers import new_id
from repository.archive import Archive
from repository.backup import ahead, bag
from repository.backup.rows import LEFT_OUT, kept, kind_of
from repository.clock import FixedClock
from repository.fixity import audit
from repository.fixity.outcome import FAULTS, Outcome
from repository.ledger.acts import ActorRef
from repository.ledger.catalogue import verify_catalogue
from repository.ledger.seal import seal
from repository.ledger.verify import verify_store
from repository.storage.local import LocalStore
from repository.tables import Account, Base, Heartbeat, LedgerEntry, LoginSession, Organ, Record, Submission
from search.service import search

SECRET = "correct horse battery staple"
PASSWORD = "a-long-synthetic-password-7"
ACTOR = ActorRef("console:tester", "console")

pytestmark = pytest.mark.slow


@dataclass
class Machine:
    """A machine with a home, its stores elsewhere, and a folder for backups."""

    folder: Path

    @property
    def home(self) -> Path:
        """LANTAI_HOME."""
        return self.folder / "home"

    @property
    def backups(self) -> LocalStore:
        """Where backups go."""
        return LocalStore("folder", self.folder / "backups")

    def put(self, site: Site, *texts: str) -> str:
        """Deposit one text file for each of ``texts``; the submission."""
        papers = self.folder / "papers" / new_id()
        papers.mkdir(parents=True)
        for number, text in enumerate(texts):
            (papers / f"{number}.txt").write_text(text, encoding="utf-8")
        with site.archive.reading() as session:
            actor = console_actor(session, site.archive.profile, "tester")
        return deposit(site, actor, [papers], accept=True)

    def backup(self, site: Site) -> bag.Label:
        """Make one."""
        return backups.make(site, self.backups, secret=SECRET, actor=ACTOR)

    def wipe(self, *, quarantine: bool = False) -> None:
        """Lose the home; ``quarantine`` stays unless said."""
        for one in self.home.iterdir():
            if one.name == "quarantine" and not quarantine:
                continue
            shutil.rmtree(one) if one.is_dir() else one.unlink()

    def restore(self, name: str = "newest", *, secret: str = SECRET) -> Restored:
        """Restore from the backups' folder."""
        read, label, expect = backups.source_of(load(), str(self.backups.root), name)
        return restore(read, label, secret=secret, actor=ACTOR, expect=expect)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a machine with a site and an account; nothing in it knows where it lies."""
    made = Machine(tmp_path_factory.mktemp("machine"))
    made.home.mkdir()
    (made.home / "lantai.toml").write_text(
        'site_name = "测试局"\n[[replicas]]\nname = "a"\npath = "../stores/a"\n[[replicas]]\nname = "b"\npath = "../stores/b"\n',
        encoding="utf-8",
    )
    site = initialise(load(home=made.home), bureau="测试局", division="990101")
    with site.archive.sessions.begin() as session:
        create_account(
            session,
            archive=site.archive,
            actor=console_actor(session, site.archive.profile, "tester"),
            username="li",
            display_name="李",
            organ_code="bureau",
            password=PASSWORD,
            roles=[("archivist", "bureau")],
        )
    site.close()
    return made.folder


@pytest.fixture
def machine(made_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A site with an account, stores beside the home, and nothing in them yet."""
    made = Machine(Path(shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)))
    monkeypatch.setenv("LANTAI_HOME", str(made.home))
    return made


@pytest.fixture
def site(machine: Machine) -> Iterator[Site]:
    """The site opened; closed at the end unless the test did."""
    opened = open_site()
    yield opened
    opened.close()


def _carried(machine: Machine, site: Site) -> tuple[str, str]:
    """Two records kept, and a deposit whose job waits; the submissions."""
    done = machine.put(site, "张家的低保申请", "李家的复核表")
    with working(site, always=True):
        assert wait_until_done(site, done) == "done"
    return done, machine.put(site, "待办的一份材料")


def _proved(site: Site, *, records: int) -> None:
    """Everything is whole: audit, ledger, search, sign-in."""
    archive = site.archive
    with archive.reading() as session:
        assert session.scalar(select(func.count()).select_from(Record)) == records
        actor = console_actor(session, archive.profile, "tester")
        assert verify_catalogue(session, archive).ok
    results = audit(archive, actor=ACTOR)
    assert results.total(*FAULTS) == results.total(Outcome.NOT_CHECKED) == 0
    for store in archive.replicas.stores:
        assert verify_store(store, [archive.keys.public_bytes()]).ok
    engine = site.search_engine()
    try:
        assert search(archive, engine, actor, "低保申請", reason="核对").total == 1
    finally:
        engine.close()
    with archive.sessions.begin() as session:
        assert authenticate(session, username="li", password=PASSWORD, archive=archive) is not None


def test_a_wiped_machine_comes_back_and_pending_work_is_done_once(
    machine: Machine, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _done, pending = _carried(machine, site)
    with site.archive.sessions.begin() as session:
        session.add(Heartbeat(executor_id="dead", seen=1.0, started=1.0))
    label = machine.backup(site)
    site.close()
    machine.wipe()
    real = ahead.compare

    def compare(session: Session, archive: Archive) -> ahead.Ahead:
        assert ahead.is_stopped(session), "nobody writes before the stores were compared"
        return real(session, archive)

    monkeypatch.setattr(ahead, "compare", compare)
    told = machine.restore()
    assert not told.ahead.stops
    assert told.as_dict()["stores"]["objects"] == {}
    assert (told.facts.id, told.carried_on, told.bytes_lost) == (label.facts.id, 1, [])
    assert [one.name for one in machine.home.glob("lantai.db*")] == ["lantai.db"]
    site = open_site()
    try:
        with site.archive.reading() as session:
            assert session.scalars(select(Heartbeat)).all() == []
            assert session.scalars(select(LoginSession)).all() == []
            acts = list(session.scalars(select(LedgerEntry.act).order_by(LedgerEntry.seq.desc()).limit(2)))
        assert acts == ["backup.restored", "backup.begun"]
        with working(site, always=True):
            assert wait_until_done(site, pending) == "done"
            _until_index_is_made(site)
        assert [one.id for one in _jobs(site, work=Work.INGEST.value)] == [f"ingest-{pending}"]
        _proved(site, records=3)
    finally:
        site.close()


def test_stores_that_know_more_stop_writing_until_they_are_caught_up_with(machine: Machine, site: Site) -> None:
    _done, pending = _carried(machine, site)
    machine.backup(site)
    later = machine.put(site, "备份之后的一份材料")
    with working(site, always=True):
        assert wait_until_done(site, later) == wait_until_done(site, pending) == "done"
    seal(site.archive)
    with site.archive.reading() as session:
        kept_ids = set(session.scalars(select(Record.id)))
    site.close()
    machine.wipe()
    told = machine.restore()
    assert told.ahead.stops
    assert set(told.ahead.blocks) == set(told.ahead.objects) == {"a", "b"}
    with pytest.raises(Unavailable) as raised:
        open_site()
    assert raised.value.code == "restore.stores_ahead"
    report = rebuild_site("a", forward=True, actor=ACTOR, progress=lambda *_: None).report
    assert (report.counts["carried_passwords"], report.complete) == (1, True)
    site = open_site()
    try:
        with site.archive.reading() as session:
            assert set(session.scalars(select(Record.id))) == kept_ids
            assert session.scalar(select(func.count()).where(LedgerEntry.act == "backup.restored")) == 1
            assert set(session.scalars(select(Submission.state))) == {"done"}
        for task in care.FOLLOW_UP:
            while care.run(site, task):
                pass
        _proved(site, records=4)
    finally:
        site.close()


def _jobs(site: Site, *, work: str) -> list[JobRow]:
    with site.archive.reading() as session:
        return site.jobs.rows.listed(session, JobFilter(work=work))


def _until_index_is_made(site: Site) -> None:
    waiting = threading.Event()
    while any(one.state in {"waiting", "running"} for one in _jobs(site, work=Work.REBUILD_INDEX.value)):
        assert not waiting.wait(0.2)


def test_all_rows_are_of_one_moment_while_others_write(machine: Machine, site: Site) -> None:
    told = threading.Event()

    def write() -> None:
        number = 0
        while not told.wait(0.02):  # SQLite would let nobody else in otherwise
            number += 1
            with site.archive.sessions.begin() as session:
                create_organ(
                    session,
                    archive=site.archive,
                    actor=console_actor(session, site.archive.profile, "tester"),
                    code=f"town-{number}",
                    name_zh="镇",
                    level="TS",
                    division_prefix=f"990101{number % 900 + 100}",
                    parent_code="bureau",
                )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        label = machine.backup(site)
    finally:
        told.set()
        writer.join()
    site.close()
    machine.wipe()
    shutil.rmtree(machine.folder / "stores")  # they are ahead by what was written afterwards
    told_back = machine.restore()
    assert set(told_back.ahead.not_compared) == {"a", "b"}
    assert told_back.ahead.stops, "a store that could not be asked is not one that knows nothing more"
    with pytest.raises(Unavailable, match="nothing is written") as raised:
        open_site()
    assert raised.value.code == "restore.stores_ahead"
    from repository.db import open_engine, reading_sessions

    engine = open_engine(load().database_url)
    with reading_sessions(engine)() as session:
        organs = session.scalar(select(func.count()).select_from(Organ))
        assert organs == session.scalar(select(func.count()).where(LedgerEntry.act == "organ.created"))
        assert organs == label.facts.tables["organ"]
        assert session.scalars(select(Account.username)).all() == ["li"]
    engine.dispose()


@pytest.mark.parametrize("harm", ["byte", "cut", "label", "passphrase", "table", "newer"])
def test_what_is_not_whole_is_refused_before_anything_is_touched(machine: Machine, site: Site, harm: str) -> None:
    label = machine.backup(site)
    site.close()
    machine.wipe(quarantine=True)
    place = machine.backups.root / label.key
    data = place.read_bytes()
    place.chmod(0o640)
    expected: type[LantaiError] = Invalid
    code, secret = "backup.damaged", SECRET
    if harm == "byte":
        middle = len(data) // 2
        place.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :])
    elif harm == "cut":
        place.write_bytes(data[: len(data) // 2])
    elif harm == "label":
        other = json.loads((machine.backups.root / label.key.replace(".zip", ".json")).read_bytes())
        (machine.backups.root / label.key.replace(".zip", ".json")).write_text(
            json.dumps({**other, "sha256": "0" * 64})
        )
    elif harm == "passphrase":
        expected, code, secret = Forbidden, "backup.wrong_passphrase", "another passphrase"
    else:
        _forge(machine, label, data, newer=harm == "newer")
        expected, code = (Conflict, "restore.newer_program") if harm == "newer" else (Invalid, "backup.altered")
    with pytest.raises(expected) as raised:
        machine.restore(secret=secret)
    assert raised.value.code == code
    assert SECRET not in str(raised.value)
    assert sorted(one.name for one in machine.home.iterdir()) in ([], [".lock"])


def _forge(machine: Machine, label: bag.Label, data: bytes, *, newer: bool) -> None:
    """A backup whose bag is right in itself: a table is exchanged, or (by its owner) the schema is a newer one."""
    from repository.backup.passphrase import unseal
    from repository.backup.rows import TableFile, _measured

    for one in machine.backups.root.glob("backup/*"):
        one.unlink()
    seen = bag.examine(lambda: iter([data]), "x")
    files: list[TableFile] = []
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        for name in whole.namelist():
            if "/data/tables/" in name:
                table = name.rpartition("-")[2].removesuffix(".jsonl.gz")
                path = machine.folder / f"{table}.gz"
                path.write_bytes(whole.read(name) if newer or table != "account" else whole.read(name)[:-1] + b"x")
                files.append(_measured(table, path, label.facts.tables[table]))
    plain = unseal(seen.secrets, SECRET, bound_to=seen.bound_to)
    facts = replace(label.facts, schema="9999") if newer else label.facts
    made = bag.write(machine.backups, facts, files, secrets=plain, passphrase=SECRET)
    if not newer:  # whoever forges has no passphrase: the old seal stays
        sealed = seen.secrets
        place = machine.backups.root / made.key
        place.chmod(0o640)
        original = bag.seal
        try:
            bag.seal = lambda *_args, **_kwargs: sealed  # type: ignore[assignment]
            place.unlink()
            (machine.backups.root / made.key.replace(".zip", ".json")).unlink()
            bag.write(machine.backups, facts, files, secrets=plain, passphrase=SECRET)
        finally:
            bag.seal = original


def test_a_site_other_keys_and_a_replica_are_left_alone(machine: Machine, site: Site) -> None:
    machine.backup(site)
    with pytest.raises(Conflict) as raised:
        machine.restore()
    assert raised.value.code == "restore.site_exists"
    for place in (machine.folder / "stores" / "a", machine.folder / "stores" / "a" / "inside"):
        with pytest.raises(Conflict) as raised:
            backups.make(site, LocalStore("folder", place), secret=SECRET, actor=ACTOR)
        assert raised.value.code == "backup.in_replica"
    with pytest.raises(Invalid) as short:
        backups.make(site, machine.backups, secret="short", actor=ACTOR)
    assert short.value.code == "backup.passphrase_short"
    site.close()
    machine.wipe()
    (machine.home / "lantai.db").write_bytes(b"something")
    with pytest.raises(Conflict) as raised:
        machine.restore()
    assert raised.value.code == "restore.not_empty"
    assert not (machine.home / "keys" / "keys.json").exists()
    assert not (machine.home / "lantai.toml").exists()


def test_the_site_says_when_its_last_backup_is_old_and_a_schedule_makes_the_next(machine: Machine, site: Site) -> None:
    place = ReplicaSettings(name="vault", kind="local", path=machine.folder / "vault")
    site.settings.backups = [place]
    assert backup_probe.backups(site, place).state is State.DEGRADED
    assert care.run(site, "backup") == 0
    assert not (machine.folder / "vault").exists(), "no schedule is set"
    assert "backup" not in {one.name for one in care.tasks(site)}
    site.settings.backup.cron, site.settings.backup.passphrase_file = "15 2 * * *", machine.folder / "secret"
    with pytest.raises(NotFound):
        care.run(site, "backup")
    (machine.folder / "secret").write_text(SECRET + "\n", encoding="utf-8")
    assert "15 2 * * *" in {one.cron for one in care.tasks(site)}
    care.run(site, "backup")
    assert backup_probe.backups(site, place).state is State.OK
    later = FixedClock(site.archive.clock.now() + timedelta(hours=37))
    assert (
        backup_probe.backups(replace(site, archive=replace(site.archive, clock=later)), place).state is State.DEGRADED
    )


def test_every_column_has_a_form_in_backups() -> None:
    for table in kept(Base.metadata):
        assert {kind_of(one).name for one in table.columns}
    assert set(Base.metadata.tables) >= LEFT_OUT
