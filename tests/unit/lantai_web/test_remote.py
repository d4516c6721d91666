"""``lantai ingest --server``: a deposit from another machine, through lines that break and sites that go away."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ingest.pipeline import Context, advance
from ingest.submissions import receipt
from lantai.remote import PART, Listing, Remote, deposit, follow, is_plain_line, key_of, listing
from lantai.site import Site
from metadata.errors import Conflict, Forbidden, Invalid, Unavailable
from repository.tables import Submission, SubmissionFile
from tests.journeys.lines import Line
from tests.unit.lantai_web.test_uploads import token_of

WISH = {"title": "远程", "one_record": False}


@pytest.fixture
def line(base: str) -> Iterator[Line]:
    """A line that is whole until the test cuts it."""
    made = Line(base)
    yield made
    made.close()


@pytest.fixture
def papers_to_send(tmp_path: Path) -> Path:
    """Small and large files, names in two encodings, in the order of their names."""
    folder = tmp_path / "资料"
    (folder / "子").mkdir(parents=True)
    for number in range(5):
        (folder / "子" / f"{number}.txt").write_text(f"申请低保 {number}\n", encoding="utf-8")
    (folder / "大.bin").write_bytes(os.urandom(3 * PART + 7))
    (folder / "空.txt").write_bytes(b"")
    with open(os.fsencode(folder) + b"/" + "旧名.txt".encode("gb18030"), "wb") as file:
        file.write(b"old")
    return folder


def _remote(site: Site, address: str, patience: float = 20) -> Remote:
    return Remote(address, token_of(site, "archivist"), patience=patience)


def _advance(site: Site, submission_id: str) -> str:
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        return advance(context, submission_id)
    finally:
        context.close()


def _received(site: Site, submission_id: str) -> list[tuple[str, str | None, str]]:
    with site.archive.reading() as session:
        rows = session.query(SubmissionFile).filter_by(submission_id=submission_id).order_by(SubmissionFile.position)
        return [(row.path, row.path_bytes, row.digests["sha256"]) for row in rows]


def test_cut_lines_change_nothing_about_what_arrives(site: Site, line: Line, papers_to_send: Path) -> None:
    found = listing([papers_to_send])
    line.cuts = [PART // 2, PART + PART // 2, 3 * PART]
    remote = _remote(site, line.address)
    told: list[int] = []
    submission_id = deposit(
        remote, found, WISH, key=key_of(found, WISH), told=lambda done, _total, _label: told.append(done)
    )
    assert line.cuts == []
    assert told[-1] == found.size >> 20
    expected = [
        (one.name, hashlib.sha256(Path(os.fsdecode(one.location)).read_bytes()).hexdigest()) for one in found.files
    ]
    got = _received(site, submission_id)
    assert [digest for _path, _raw, digest in got] == [digest for _name, digest in expected]
    assert sorted(path for path, _raw, _d in got) == sorted(
        ["大.bin", "空.txt", "旧名.txt", *(f"子/{number}.txt" for number in range(5))]
    )
    assert [raw for path, raw, _d in got if path == "旧名.txt"] != [None]
    assert deposit(remote, found, WISH, key=key_of(found, WISH)) == submission_id  # given again: found again
    assert deposit(remote, found, WISH, key=key_of(found, WISH, "anew")) != submission_id
    with site.archive.reading() as session:
        assert remote.receipt(submission_id) == receipt(session, submission_id)
    remote.close()


def test_a_command_that_gave_up_goes_on_when_it_is_given_again(site: Site, line: Line, papers_to_send: Path) -> None:
    found = listing([papers_to_send])
    key = key_of(found, WISH, "twice")
    remote = _remote(site, line.address, patience=0.5)

    def cut(done: int, _total: int | None, _label: str | None) -> None:
        line.down = done >= PART >> 20

    with pytest.raises(Unavailable) as told:
        deposit(remote, found, WISH, key=key, told=cut)
    assert told.value.code == "server.unreachable"
    remote.close()
    line.mend()
    sent: list[int] = []
    again = _remote(site, line.address)
    submission_id = deposit(again, found, WISH, key=key, told=lambda done, _t, _l: sent.append(done))
    assert sent[1] >= PART >> 20  # what had arrived was not sent again
    assert len(_received(site, submission_id)) == len(found.files)
    again.close()


def test_findings_are_followed_and_accepted(site: Site, base: str, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    folder.mkdir()
    (folder / "申请.txt").write_text("申请低保", encoding="utf-8")
    found = listing([folder])
    remote = _remote(site, base)
    submission_id = deposit(remote, found, WISH, key=key_of(found, WISH))
    worker = threading.Thread(target=_advance, args=(site, submission_id))
    worker.start()
    assert follow(remote, submission_id) == "waiting"
    worker.join()
    ended: list[str] = []
    follower = threading.Thread(target=lambda: ended.append(follow(remote, submission_id, accept=True)))
    follower.start()
    deadline = time.monotonic() + 20
    while remote.submission(submission_id)["state"] == "waiting":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert _advance(site, submission_id) == "done"
    follower.join()
    assert ended == ["done"]
    assert {"code", "severity", "outcome", "path", "params", "zh", "en"} <= set(
        (
            remote.findings(submission_id)
            or [dict.fromkeys(("code", "severity", "outcome", "path", "params", "zh", "en"))]
        )[0]
    )
    remote.close()


def test_a_file_that_changes_on_its_way_is_told(site: Site, base: str, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"a" * (2 * PART))
    found = listing([path])
    path.write_bytes(b"b")
    remote = _remote(site, base)
    with pytest.raises(Invalid, match="changed while"):
        deposit(remote, found, WISH, key=key_of(found, WISH))
    remote.close()


def test_refusals_of_the_site_come_as_their_kind(site: Site, base: str) -> None:
    remote = Remote(base, "lantai_wrong")
    with pytest.raises(Forbidden) as told:
        remote.open(WISH, "k")
    assert (told.value.code, "令牌" in told.value.zh, "token" in told.value.en) == ("token.unknown", True, True)
    remote.close()
    mine = _remote(site, base)
    opened = mine.open(WISH, "kind")
    with pytest.raises(Invalid, match="used for another"):
        mine.open({"title": "x"}, "kind")
    mine.complete(opened["id"])
    with pytest.raises(Conflict):
        mine.accept(opened["id"])
    mine.close()
    with pytest.raises(Invalid):
        Remote("ftp://x", "t")


def test_an_empty_listing_has_a_key_and_links_are_findings(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/hostname")
    found = listing([tmp_path])
    assert ([one.code for one in found.findings], found.files) == (["deposit.link"], [])
    assert key_of(Listing(), WISH) != key_of(Listing(), WISH, "x")
    assert is_plain_line("http://example.org")
    assert not is_plain_line("https://example.org")
    assert not is_plain_line("http://127.0.0.1:8000")


Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def command(tmp_path: Path) -> Run:
    """``lantai ingest`` on a machine without a site."""

    def run(*arguments: object, token: str = "") -> subprocess.CompletedProcess[str]:
        lantai = Path(sys.executable).with_name("lantai")
        return subprocess.run(
            [str(lantai), "ingest", *map(str, arguments)],
            env={**os.environ, "LANTAI_HOME": str(tmp_path / "nowhere"), "LANTAI_TOKEN": token},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def test_the_command_says_what_the_local_one_says(site: Site, base: str, tmp_path: Path, command: Run) -> None:
    folder = tmp_path / "papers"
    folder.mkdir()
    (folder / "空.txt").write_bytes(b"")
    (folder / "申请.txt").write_text("申请", encoding="utf-8")
    secret = tmp_path / "token"
    secret.write_text(token_of(site, "clerk", "deposit") + "\n")
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.1):
            with site.archive.reading() as session:
                ids = [one.id for one in session.query(Submission).filter_by(state="examining", title="papers")]
            for one in ids:
                _advance(site, one)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        done = command(folder, "--server", base, "--token-file", secret, "--json")
    finally:
        stop.set()
        worker.join()
    assert done.returncode in {1, 3}, done.stderr  # an empty file bars or asks, as the checks say
    answer = json.loads(done.stdout)
    assert set(answer) == {"submission_id", "state", "counts", "findings", "receipt"}
    assert "file.empty" in {one["code"] for one in answer["findings"]}
    assert answer["receipt"]["files"] == 2
    again = command(folder, "--server", base, token=secret.read_text())
    assert again.returncode == done.returncode
    assert answer["submission_id"] in again.stdout
    assert "接收 2 个文件" in again.stdout


@pytest.mark.parametrize(
    ("given", "token", "code"),
    [((), "", 65), (("--in-place",), "lantai_x", 65), ((), "lantai_x", 77)],
    ids=["no token", "in place", "wrong token"],
)
def test_what_the_command_refuses(
    base: str, tmp_path: Path, command: Run, given: tuple[str, ...], token: str, code: int
) -> None:
    (tmp_path / "a.txt").write_text("a")
    done = command(tmp_path / "a.txt", "--server", base, *given, token=token)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
