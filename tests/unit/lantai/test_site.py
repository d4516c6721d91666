"""Making and opening a site: twice at once, broken off, moved to awkward places, met by a newer database."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest

from lantai.rebuild import rebuild_site
from lantai.settings import load
from lantai.settings_file import write_initial
from lantai.site import initialise, open_site
from metadata.errors import Conflict, Invalid, LantaiError, Unavailable
from repository.ledger.acts import ActorRef
from repository.ledger.seal import seal
from repository.storage.offline import OfflineStore

ACTOR = ActorRef("console:tester", "console")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site's folder whose name has blanks and Chinese characters, named by the environment."""
    folder = tmp_path / "我的 档案 #1%20"
    monkeypatch.setenv("LANTAI_HOME", str(folder))
    return folder


def _make(home: Path) -> None:
    initialise(load(home=home), bureau="测试局", division="990101").close()


def _rebuild(*, forward: bool = False) -> Path | None:
    return rebuild_site("b", forward=forward, actor=ACTOR, progress=lambda *_: None).kept


def _seal() -> None:
    site = open_site()
    seal(site.archive)
    site.close()


def _init_process(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "lantai", "init", "--yes"],
        env={**os.environ, "LANTAI_HOME": str(home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_at_once_make_one_site(home: Path) -> None:
    runs = [_init_process(home) for _ in range(3)]
    told = [one.communicate(timeout=120) for one in runs]
    codes = sorted(one.returncode for one in runs)
    assert codes[0] == 0
    assert set(codes[1:]) <= {65, 69}, told
    assert not any("Traceback" in err for _, err in told)
    open_site().close()


@pytest.mark.parametrize("after", [0.9, 1.3, 1.7, 2.1, 2.5])
def test_a_site_whose_making_was_killed_is_made_again(home: Path, after: float) -> None:
    run = _init_process(home)
    time.sleep(after)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    with suppress(Invalid):  # the kill came too late
        _make(home)
    site = open_site()
    assert {store.kind for store in site.archive.replicas.stores} == {"local"}
    site.close()


def test_choices_written_ahead_are_kept(home: Path) -> None:
    home.mkdir()
    (home / "lantai.toml").write_text('# ours\nzone = "Asia/Urumqi"\n\n[limits]\n', encoding="utf-8")
    _make(home)
    settings = load(home=home)
    assert settings.zone == "Asia/Urumqi"
    assert settings.holding_id is not None
    assert "# ours" in (home / "lantai.toml").read_text(encoding="utf-8")


def test_settings_that_may_hold_passwords_are_read_by_nobody_else(home: Path) -> None:
    home.mkdir()
    path = home / "lantai.toml"
    write_initial(load(home=home), holding_id="0f0e0d0c-0000-4000-8000-000000000000")
    assert path.stat().st_mode & 0o777 == 0o600
    for mode in (0o600, 0o640):
        path.chmod(mode)
        write_initial(load(home=home), holding_id="0f0e0d0c-0000-4000-8000-000000000000")
        assert path.stat().st_mode & 0o777 == mode, "what its owner set stays"
        path.write_text("", encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("LANTAI_REPLICAS", '[{"name": "a", "secret_key": "s3cret-word"', "settings.no_json"),
        ("LANTAI_REPLICA_SECRETS", "s3cret-word", "settings.no_json"),
        ("LANTAI_DATABASE_URL", "postgresql://role:half@s:s3cret-word@db.example/lantai", "settings.invalid"),
    ],
)
def test_a_wrong_setting_with_a_secret_in_it_is_one_line_without_it(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, code: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LantaiError) as error:
        load(home=home)
    assert error.value.code == code
    assert name.removeprefix("LANTAI_").lower() in error.value.en
    assert "s3cret-word" not in f"{error.value.zh} {error.value.en}"


@pytest.mark.parametrize(
    ("confirmations", "required", "refused"), [(2, True, False), (3, True, True), (2, False, True), (0, True, False)]
)
def test_more_confirmations_than_required_replicas_are_refused(
    home: Path, confirmations: int, required: bool, refused: bool
) -> None:
    home.mkdir()
    replicas = '[[replicas]]\nname = "a"\npath = "a"\n[[replicas]]\nname = "b"\npath = "b"\n'
    text = f"confirmations = {confirmations}\n{replicas}required = {str(required).lower()}\n"
    (home / "lantai.toml").write_text(text, encoding="utf-8")
    if not refused:
        assert load(home=home).confirmations == confirmations
        return
    with pytest.raises(LantaiError) as error:
        load(home=home)
    assert error.value.code == "settings.confirmations"
    assert all(f"confirmations = {confirmations}" in one for one in (error.value.zh, error.value.en))


def test_settings_without_a_required_replica_are_refused(home: Path) -> None:
    home.mkdir()
    replicas = "".join(f'[[replicas]]\nname = "{one}"\npath = "{one}"\nrequired = false\n' for one in "ab")
    (home / "lantai.toml").write_text(replicas, encoding="utf-8")
    with pytest.raises(LantaiError) as error:
        load(home=home)
    assert error.value.code == "settings.no_required_replica"


def test_a_path_with_quotes_survives_the_settings(home: Path) -> None:
    settings = load(home=home)
    settings.replicas[0].path = home.parent / 'disk "one" \\ x'
    home.mkdir()
    write_initial(settings, holding_id="0f0e0d0c-0000-4000-8000-000000000000")
    assert load(home=home).replicas[0].path == settings.replicas[0].path


def test_a_newer_database_is_not_written(home: Path) -> None:
    _make(home)
    with closing(sqlite3.connect(home / "lantai.db", isolation_level=None)) as database:
        database.execute("update alembic_version set version_num='9999'")
    before = (home / "lantai.db").read_bytes()
    for opening in (open_site, _rebuild, lambda: _make(home)):
        with pytest.raises(LantaiError) as error:
            opening()
        assert error.value.code in {"database.newer_schema", "site.exists"}
    assert (home / "lantai.db").read_bytes() == before


def test_a_database_of_another_holding_is_refused(home: Path) -> None:
    _make(home)
    with closing(sqlite3.connect(home / "lantai.db", isolation_level=None)) as database:
        database.execute("update holding set id='0f0e0d0c-0000-4000-8000-000000000000'")
    with pytest.raises(Conflict, match="another holding"):
        open_site()


def test_a_lost_database_is_not_begun_anew(home: Path) -> None:
    _make(home)
    (home / "lantai.db").unlink()
    with pytest.raises(Unavailable) as error:
        open_site()
    assert error.value.code == "catalogue.empty"
    assert not (home / "lantai.db").exists()


def test_a_store_that_was_away_is_taken_up_again(home: Path) -> None:
    _make(home)
    (home / "replicas" / "b").rename(home / "away")
    (home / "replicas" / "b").mkdir()  # an empty mount point must never be filled in
    site = open_site()
    store = site.archive.replicas.store("b")
    assert isinstance(store, OfflineStore)
    store._look_again = store._next = 0.0  # five seconds of a test's life
    with pytest.raises(Unavailable):
        store.create("r/x", [b"x"])
    assert not list((home / "replicas" / "b").iterdir())
    (home / "replicas" / "b").rmdir()
    (home / "away").rename(home / "replicas" / "b")
    assert store.create("STORAGE-FORMAT-1.md", store.read("STORAGE-FORMAT-1.md")).existed
    site.close()


def test_a_damaged_marker_leaves_the_site_usable(home: Path) -> None:
    _make(home)
    marker = home / "replicas" / "b" / "holding" / "00001.json"
    marker.write_bytes(marker.read_bytes()[:-5])
    open_site().close()


def test_what_killed_writers_left_is_swept_when_a_site_opens(home: Path) -> None:
    _make(home)
    left = home / "replicas" / "a" / ".tmp" / "1-abc"
    left.write_bytes(b"half")
    os.utime(left, (1, 1))
    open_site().close()
    assert not left.exists()


def test_the_log_of_a_lost_database_never_reaches_the_new_one(home: Path) -> None:
    _make(home)
    _seal()
    keeper = sqlite3.connect(home / "lantai.db", isolation_level=None)
    keeper.execute("PRAGMA journal_mode=WAL")
    keeper.execute("create table poison (x)")
    log = (home / "lantai.db-wal").read_bytes()
    keeper.close()
    (home / "lantai.db").unlink()
    (home / "lantai.db-wal").write_bytes(log)
    _rebuild()
    assert not (home / "lantai.db-wal").exists()
    with closing(sqlite3.connect(home / "lantai.db", isolation_level=None)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert not database.execute("select name from sqlite_master where name='poison'").fetchall()


def test_a_database_in_use_is_not_replaced(home: Path) -> None:
    _make(home)
    _seal()
    site = open_site()
    with site.archive.reading() as session:
        session.connection()
        with pytest.raises(Unavailable) as error:
            _rebuild()
    site.close()
    assert error.value.code == "rebuild.in_use"
    kept = _rebuild()
    assert kept is not None
    with closing(sqlite3.connect(kept)) as database:
        assert database.execute("select count(*) from holding").fetchone() == (1,)


def test_a_database_damaged_beyond_reading_is_kept_and_replaced(home: Path) -> None:
    _make(home)
    _seal()
    (home / "lantai.db").write_bytes(b"not a database at all" * 400)
    with pytest.raises(Unavailable) as error:
        open_site()
    assert error.value.code == "catalogue.damaged"
    kept = _rebuild()
    assert kept is not None
    assert kept.read_bytes().startswith(b"not a database")
    open_site().close()


def test_what_a_killed_rebuild_left_is_removed(home: Path) -> None:
    _make(home)
    _seal()
    left = home / "lantai.db.rebuilding-00000000"
    left.write_bytes(b"half")
    _rebuild()
    assert not left.exists()
