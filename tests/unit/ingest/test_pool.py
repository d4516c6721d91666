"""The pool: what kills or hangs its process costs one finding."""

from __future__ import annotations

import os
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from ingest.checks import extension
from ingest.checks import format as format_check
from ingest.identify import FUNCTION, VERSIONS, Identified
from ingest.outcome import Outcome
from ingest.pool import CheckPool, Failed

HERE = f"{Path(__file__).stem}"
POISON = """
import os, tempfile, time


def work(items):
    for one in items:
        if one == "hang":
            time.sleep(60)
        if one == "die":
            os.kill(os.getpid(), 9)
        if one == "litter":
            open(os.path.join(tempfile.gettempdir(), "litter"), "w").close()
        if one == "eat":
            bytearray(8 << 30)
        if one == "raise":
            raise KeyError(one)
    return [one.upper() for one in items]
"""


@pytest.fixture
def poison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "poisonous_check.py").write_text(POISON)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return "poisonous_check:work"


@pytest.fixture
def pool() -> Iterator[CheckPool]:
    made = CheckPool(2, memory_bytes=4 << 30, seconds=1.5, batch=4)
    yield made
    made.close()


@pytest.mark.parametrize(("item", "reason"), [("die", "killed"), ("eat", "memory"), ("raise", "KeyError")])
def test_one_poisonous_file_costs_one_answer(pool: CheckPool, poison: str, item: str, reason: str) -> None:
    items = ["a", "b", item, "c", "d", "e", "f"]
    answers = dict(pool.map(poison, items))
    assert answers.pop(item) == Failed(reason)
    assert answers == {one: one.upper() for one in items if one != item}


def test_a_hanging_file_is_given_up(pool: CheckPool, poison: str) -> None:
    list(pool.map(poison, ["warm", "up"]))
    begun = time.monotonic()
    answers = dict(pool.map(poison, ["hang"]))
    assert answers["hang"] in {Failed("time"), Failed("killed")}
    assert time.monotonic() - begun < 30


def test_a_killed_process_leaves_no_temporary_files(
    poison: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    monkeypatch.setattr(tempfile, "tempdir", None)
    made = CheckPool(1, memory_bytes=0, seconds=30, batch=1)
    try:
        list(made.map(poison, ["litter", "die"]))
        assert not list((tmp_path / "scratch").rglob("litter"))
        list(made.map(poison, ["litter"]))
        assert len(list((tmp_path / "scratch").rglob("litter"))) == 1
    finally:
        made.close()
    assert not list((tmp_path / "scratch").iterdir())


def test_a_closed_pool_leaves_no_process(poison: str) -> None:
    pool = CheckPool(1, memory_bytes=0, seconds=5, batch=4)
    list(pool.map(poison, ["a"]))
    pids = [one._process.pid for one in pool._workers if one._process is not None]
    pool.close()
    assert pids
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_formats_by_both_tools(tmp_path: Path) -> None:
    Image.new("L", (60, 60), 200).save(tmp_path / "page.png")
    Image.new("L", (60, 60), 200).save(tmp_path / "wrong.jpg", format="PNG")
    (tmp_path / "文.txt").write_text("低保申请\n", encoding="utf-8")
    (tmp_path / "empty.txt").write_bytes(b"")
    with zipfile.ZipFile(tmp_path / "x.ofd", "w") as out:
        out.writestr("OFD.xml", '<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016" DocType="OFD"/>')
    with zipfile.ZipFile(tmp_path / "no.ofd", "w") as out:
        out.writestr("OFD.xml", '<OFD xmlns="http://example.org/"/>')
    raw = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xb5\xb5.txt"))
    raw.write_text("档案")
    names = ["page.png", "wrong.jpg", "文.txt", "empty.txt", "x.ofd", "no.ofd"]
    pool = CheckPool(1, memory_bytes=4 << 30, seconds=60, batch=64)
    try:
        paths = [os.fsencode(tmp_path / name) for name in names] + [os.fsencode(raw), os.fsencode(tmp_path / "gone")]
        found = [answer for _, answer in pool.map(FUNCTION, paths)]
        versions = next(iter(pool.map(VERSIONS, [None])))[1]
    finally:
        pool.close()
    assert all(isinstance(one, Identified) for one in found[:7])
    assert [getattr(one, "puid", None) for one in found[:7]] == [
        "fmt/11",
        "fmt/11",
        "x-fmt/111",
        None,
        "lantai-fmt/ofd",
        "x-fmt/263",
        "x-fmt/111",
    ]
    assert isinstance(found[7], Failed)
    assert found[0].mime == "image/png"
    assert found[1].mismatch
    codes = [[one.code for one in extension.run("p.jpg", 1, answer)] for answer in found[:2]]
    assert codes == [[], ["format.extension_mismatch"]]
    assert list(format_check.run("p", 1, found[4])) == []
    not_checked = list(format_check.run("p", 1, found[7]))
    assert not_checked[0].outcome is Outcome.NOT_CHECKED
    assert "container-signature" in versions["siegfried"]
    assert versions["libmagic"].startswith("5.")


@pytest.mark.parametrize(
    ("puid_mime", "mime", "agree"),
    [
        ("image/png", "image/png", True),
        ("audio/x-wav", "audio/wav", True),
        ("application/pdf", "image/jpeg", False),
        ("image/jpeg, image/pjpeg", "image/jpeg", True),
        ("", "image/jpeg", True),
        ("text/csv", "text/plain", True),
        ("application/pdf", "application/octet-stream", True),
    ],
)
def test_when_two_tools_agree(puid_mime: str, mime: str, *, agree: bool) -> None:
    assert format_check.agrees(puid_mime, mime) is agree
