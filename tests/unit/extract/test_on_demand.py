"""Pages drawn for people who wait: newest first, dropped when nobody waits, from bytes that were compared."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from PIL import Image

from ingest.extract import render
from ingest.extract.fetching import Waiting
from ingest.extract.on_demand import Answer, Renders, Ticket
from ingest.extract.render import Needed, Rendered, render_now
from ingest.pool import Failed
from repository.archive import Archive


def _file(name: str = "a", mime: str = "application/pdf") -> Waiting:
    return Waiting(name, "r", 1, 0, name, mime, None, "key", 0, 1000, {}, None)


class _Held(Renders):
    """Draws nothing until it is told to, and remembers in which order."""

    def __init__(self, archive: Archive) -> None:
        super().__init__(archive, processes=1)
        self.go = threading.Event()
        self.begun: Future[None] = Future()
        self.drawn: list[tuple[str, int]] = []

    def _draw(self, file: Waiting, number: int) -> Answer:
        if not self.begun.done():
            self.begun.set_result(None)
        assert self.go.wait(10)
        self.drawn.append((file.id, number))
        return Failed("nothing")


@pytest.fixture
def held(archive: Archive) -> Iterator[_Held]:
    """A queue whose first page is being drawn."""
    made = _Held(archive)
    made.ask(_file("first"), 1, asker="x")
    made.begun.result(10)
    yield made
    made.go.set()
    made.close()


def _end(tickets: list[Ticket]) -> list[str]:
    told = []
    for one in tickets:
        answer = one.future.result(10)
        assert isinstance(answer, Failed)
        told.append(answer.reason)
    return told


def test_a_newer_page_drops_the_one_that_has_not_begun(held: _Held) -> None:
    mine = [held.ask(_file(), number, asker="me") for number in (1, 2, 3)]
    yours = held.ask(_file(), 9, asker="you")
    thumbs = [held.ask(_file(), number, asker="me", thumb=True) for number in (20, 21)]
    held.go.set()
    assert _end([*mine, yours, *thumbs]) == ["dropped", "dropped", "nothing", "nothing", "nothing", "nothing"]
    assert held.drawn == [("first", 1), ("a", 9), ("a", 3), ("a", 21), ("a", 20)]  # pages first, newest first


def test_a_page_that_nobody_waits_for_is_not_drawn(held: _Held) -> None:
    left, shared = held.ask(_file(), 1, asker="me"), held.ask(_file(), 2, asker="you")
    assert held.ask(_file(), 2, asker="third") is shared
    held.leave(left)
    held.leave(shared)
    held.go.set()
    assert _end([left, shared]) == ["dropped", "nothing"]
    assert ("a", 1) not in held.drawn


def test_there_is_an_end_to_what_waits(held: _Held) -> None:
    many = [held.ask(_file(str(number)), 1, asker=str(number)) for number in range(201)]
    assert _end(many[-1:]) == ["busy"]
    assert _end([held.ask(_file("doc", "application/msword"), 1, asker="me")]) == ["kind"]
    held.go.set()


def test_what_waits_at_the_end_is_told(archive: Archive) -> None:
    made = _Held(archive)
    made.ask(_file("first"), 1, asker="x")
    made.begun.result(10)
    waits = made.ask(_file(), 1, asker="me")
    made.go.set()
    made.close()
    assert _end([waits])[0] in {"dropped", "nothing"}
    assert _end([made.ask(_file(), 2, asker="me")]) == ["busy"]


def test_a_file_whose_copies_are_gone_says_so(archive: Archive) -> None:
    made = Renders(archive, processes=1)
    answer = made.now(_file(), 1, asker="me", seconds=30)
    made.close()
    assert answer == Failed("no_copy")


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """A PDF of a hundred pages of noise, far larger than the parts it is cut into."""
    leaves = [Image.effect_noise((200, 200), 90).convert("RGB") for _ in range(100)]
    path = tmp_path / "scan.pdf"
    leaves[0].save(path, save_all=True, append_images=leaves[1:], quality=95)
    return path


def test_a_page_is_drawn_from_the_parts_it_lies_in(scan: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "CHUNK", 64 << 10)
    size = scan.stat().st_size
    last = -(-size // render.CHUNK) - 1
    assert last > 8
    whole = render_now([(str(scan), "pdf", 50, None, size)])[0]
    have, turns = {0, last}, 0
    while True:
        answer = render_now([(str(scan), "pdf", 50, tuple(have), size)])[0]
        turns += 1
        if not isinstance(answer, Needed):
            break
        assert not answer.chunks <= have
        have |= answer.chunks
    assert answer == whole
    assert 1 < turns <= 6
    assert len(have) < last  # not all of it


def test_damaged_pages_say_what_they_are(tmp_path: Path) -> None:
    leaf = Image.new("1", (600, 800), 1)
    path = tmp_path / "scan.tif"
    leaf.save(path, save_all=True, append_images=[leaf], compression="group4")
    shown = render_now([(str(path), "image", 2, None, 0)])[0]
    assert isinstance(shown, tuple)
    assert isinstance(shown[0], Rendered)
    assert shown[1] == 2
    assert render_now([(str(path), "image", 3, None, 0)]) == [Failed("no_page")]
    path.write_bytes(path.read_bytes()[:100])
    assert isinstance(render_now([(str(path), "image", 1, None, 0)])[0], Failed)
    (tmp_path / "x.pdf").write_bytes(b"%PDF-1.7 nothing")
    assert isinstance(render_now([(str(tmp_path / "x.pdf"), "pdf", 1, None, 0)])[0], Failed)
