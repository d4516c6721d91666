"""Each room has help in both languages, with its picture; the documentation says the same."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from lantai.web import helping
from lantai.web.labels import ROOMS
from tests.unit.lantai_web.conftest import Browser

Visit = Callable[..., Browser]
HAN = re.compile(r"[\u4e00-\u9fff]")


def test_every_room_has_help() -> None:
    assert {room.code for room in ROOMS} <= helping.ROOMS


@pytest.mark.parametrize("room", sorted(helping.ROOMS))
def test_help_is_whole_in_both_languages(room: str) -> None:
    zh, en = helping.topic(room, "zh"), helping.topic(room, "en")
    assert zh is not None
    assert en is not None
    assert zh.body.count("<h2>") == en.body.count("<h2>") >= 2
    assert zh.body.count("<ol>") == en.body.count("<ol>")
    assert HAN.search(zh.title)
    assert not HAN.search(en.title + en.summary)
    assert len(HAN.findall(en.body)) < 40  # examples of what one types
    assert "<script" not in zh.body + en.body


@pytest.mark.parametrize("room", sorted(helping.ROOMS))
def test_help_shows_its_room(room: str) -> None:
    picture = helping.PICTURES / f"{room}.webp"
    assert picture.is_file(), "run make screenshots"
    assert picture.stat().st_size < 100_000
    topic = helping.topic(room, "zh")
    assert topic is not None
    assert f'src="/static/help/{room}.webp"' in topic.body
    assert re.search(r'alt="[^"]+"', topic.body)


def test_help_is_for_whoever_is_signed_in_and_lists_only_her_rooms(visit: Visit) -> None:
    assert visit().get("/help").status_code == 303
    clerk = visit("clerk")
    text = clerk.get("/help").text
    assert "/help/deposit" in text
    assert "/help/system" not in text
    assert clerk.get("/help/system").status_code == 200  # no secret, but no way into the room either
    assert 'class="button" href="/system"' not in clerk.get("/help/system").text
    for wrong in ("nothing", "..%2Fvisit", "today.md", "TODAY"):
        assert clerk.get(f"/help/{wrong}").status_code == 404


def test_a_room_links_to_its_help(visit: Visit) -> None:
    assert 'href="/help/preservation"' in visit("officer").get("/preservation").text
