"""Papers go in, become a verified bag on two replicas, are found, shown, exported, audited, mended and rebuilt."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bagit

from tests.journeys.commands import Commands
from tests.journeys.warm import WarmCommands


def _object_of(lantai: Commands, replica: str, record_id: str) -> Path:
    key = lantai.json("record", "show", record_id)["versions"][-1]["object_key"]
    return lantai.home / "replicas" / replica / key


def test_papers_become_records_and_are_found_in_the_other_script(
    lantai: WarmCommands, papers: Callable[[], Path]
) -> None:
    installed = lantai.cold  # this is the path that a user goes
    done = installed.json("ingest", papers(), "--accept", "--wait")
    assert done["state"] == "done"
    found = installed.json("search", "档案")
    assert found["total"] == 1
    assert found["hits"][0]["path"].endswith("入戶調查.txt")
    assert installed.json("search", "檔案齊全")["total"] == 1
    assert installed.json("search", "收入证明")["total"] == 1
    assert installed.json("search", "*")["total"] == 4
    status = installed.json("status")
    assert status["records"] == 4
    assert status["incidents"] in (0, [], {"open": 0}) or status["incidents"].get("open") == 0
    assert set(status) >= {
        "records",
        "versions",
        "files",
        "bytes",
        "replicas",
        "submissions",
        "incidents",
        "strays",
        "index_lag",
        "ledger",
    }


def test_a_record_leaves_as_a_bag_that_other_tools_accept(
    lantai: Commands, papers: Callable[[], Path], tmp_path: Path
) -> None:
    lantai.run("ingest", papers(), "--one-record", "--accept", "--wait")
    record_id = lantai.json("search", "*")["hits"][0]["record_id"]
    lantai.run("record", "export", record_id, tmp_path / "bag")
    bagit.Bag(str(tmp_path / "bag")).validate()
    lantai.run("bag", "validate", tmp_path / "bag")
    lantai.run("record", "export", record_id, tmp_path / "bag.zip", "--zip")
    assert (tmp_path / "bag.zip").read_bytes() == _object_of(lantai, "a", record_id).read_bytes()
    lantai.run("bag", "validate", tmp_path / "bag.zip")
    unzipped = tmp_path / "unzipped"
    if shutil.which("unzip"):
        subprocess.run(["unzip", "-q", str(tmp_path / "bag.zip"), "-d", str(unzipped)], check=True)
    else:
        shutil.unpack_archive(tmp_path / "bag.zip", unzipped)
    bagit.Bag(str(next(unzipped.iterdir()))).validate()
    reader = lantai.home / "replicas" / "a" / "read_bag.py"
    plain = subprocess.run(
        [sys.executable, "-I", str(reader), str(tmp_path / "bag.zip")], capture_output=True, text=True, check=False
    )
    assert plain.returncode == 0, plain.stdout + plain.stderr


def test_one_flipped_byte_is_named_mended_and_kept_as_evidence(lantai: Commands, papers: Callable[[], Path]) -> None:
    lantai.run("ingest", papers(), "--accept", "--wait")
    lantai.run("fixity", "audit", "--all")
    record_id = lantai.json("search", "申请")["hits"][0]["record_id"]
    damaged = _object_of(lantai, "b", record_id)
    damaged.chmod(0o640)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 0x01
    damaged.write_bytes(content)
    told = lantai.run("fixity", "audit", "--all", expect=1)
    assert record_id in told.stderr + told.stdout
    lantai.run("fixity", "repair")
    lantai.run("fixity", "audit", "--all")
    evidence = [path for path in (lantai.home / "replicas" / "b" / "evidence").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in evidence] == [bytes(content)]


def test_the_catalogue_comes_back_from_one_replica(lantai: Commands, sample_folder: Path) -> None:
    lantai.run("ingest", sample_folder, "--accept", "--wait")
    lantai.run("account", "create", "reader", "--name", "合成读者", "--role", "archivist")
    before = lantai.json("status")
    hits = lantai.json("search", "*", "--filter", "kind=record")
    shown = lantai.json("record", "show", hits["hits"][0]["record_id"])
    lantai.run("ledger", "seal")
    for name in ("lantai.db", "lantai.db-wal", "lantai.db-shm"):
        (lantai.home / name).unlink(missing_ok=True)
    shutil.rmtree(lantai.home / "index")
    lantai.run("rebuild", "--from", "b")
    after = lantai.json("status")
    for name in ("records", "versions", "files", "bytes"):
        assert after[name] == before[name], name
    lantai.run("account", "reset", "reader")
    lantai.run("index", "rebuild")
    assert lantai.json("search", "*", "--filter", "kind=record")["total"] == hits["total"]
    again = lantai.json("record", "show", shown["id"])
    for name in ("title", "document_type", "versions", "retention", "case_files"):
        assert again[name] == shown[name], name
    assert lantai.json("ledger", "verify")
    block = next((lantai.home / "replicas" / "a" / "ledger" / "acts").rglob("*.jsonl"))
    block.chmod(0o640)
    content = bytearray(block.read_bytes())
    place = content.rindex(b'"act":"') + 8
    content[place] ^= 0x01
    block.write_bytes(content)
    told = lantai.run("ledger", "verify", lantai.home / "replicas" / "a", expect=1)
    assert "altered" in told.stderr


def test_every_command_explains_a_missing_site(tmp_path: Path) -> None:
    nowhere = Commands(tmp_path / "nowhere")
    for arguments in (["status"], ["search", "x"], ["ingest", str(tmp_path)], ["fixity", "audit"], ["ledger", "seal"]):
        told = nowhere.run(*arguments, expect=66)
        assert "lantai init" in told.stderr
