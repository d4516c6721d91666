"""The watermark: on every part of a page, with its words, and no page without it; terms on which a record is seen."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from PIL import Image, ImageChops

from access import copies
from access.actors import Actor, GrantHeld
from access.copies import Watermark, stamped, terms, watermark_svg
from metadata.errors import Unavailable
from metadata.identifiers import new_id
from repository.tables import Record
from tests.unit.access.conftest import County

MARK = Watermark("王秀英", "云岭县医疗保障局", "2026-11-24 10:32", "2026-0117", "wangxy")


def _page(size: tuple[int, int], colour: int = 255) -> bytes:
    out = io.BytesIO()
    Image.new("L", size, colour).save(out, "WEBP", lossless=True)
    return out.getvalue()


def _opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


@pytest.mark.parametrize("size", [(1600, 2263), (1600, 400), (240, 340), (60, 80)])
@pytest.mark.parametrize("colour", [255, 128, 0])
def test_the_mark_stands_on_every_part_of_every_page(size: tuple[int, int], colour: int) -> None:
    plain = _page(size, colour)
    copy = _opened(stamped(plain, MARK))
    assert copy.size == size
    change = ImageChops.difference(_opened(plain), copy).point(lambda value: 255 * (value > 12))
    across = 2 if min(size) < 400 else 3
    width, height = size[0] // across, size[1] // across
    parts = [
        change.crop((x * width, y * height, (x + 1) * width, (y + 1) * height))
        for x in range(across)
        for y in range(across)
    ]
    assert sum(one.getbbox() is not None for one in parts) >= len(parts) - (min(size) < 100)


def test_the_mark_carries_its_words() -> None:
    plain = _page((1600, 2263))
    same = stamped(plain, MARK)
    assert stamped(plain, MARK) == same
    for other in (
        replace(MARK, name="李桂兰"),
        replace(MARK, organ="人社局"),
        replace(MARK, at="2026-11-24 10:33"),
        replace(MARK, number="2026-0118"),
    ):
        assert ImageChops.difference(_opened(stamped(plain, other)), _opened(same)).getbbox() is not None
    assert MARK.lines == ("王秀英 云岭县医疗保障局", "2026-11-24 10:32 2026-0117")


def test_without_a_chinese_font_the_mark_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(copies, "_FONTS", (tmp_path / "none.otf",))
    copies._tile.cache_clear()
    copy = _opened(stamped(_page((1600, 1000)), MARK))
    assert sum(copy.histogram()[:220]) > 2000
    assert MARK.ascii_lines == ("wangxy", "2026-11-24 10:32 2026-0117", "no font for names")
    copies._tile.cache_clear()


def test_what_cannot_be_marked_is_not_given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        stamped(b"no picture", MARK)
    damaged = tmp_path / "damaged.otf"
    damaged.write_bytes(b"no font")
    monkeypatch.setattr(copies, "_FONTS", (damaged,))
    copies._tile.cache_clear()
    with pytest.raises(Unavailable):
        stamped(_page((800, 800)), MARK)
    copies._tile.cache_clear()


def test_the_mark_over_text_is_a_sound_picture_whatever_the_name() -> None:
    hostile = replace(MARK, name='"><script>alert(1)</script>\u202e&', organ="甲" * 300)
    told = watermark_svg(hostile)
    root = ET.fromstring(told)
    assert [one.tag for one in root.iter() if one.tag.endswith("script")] == []
    assert b"style=" not in told
    assert "\u202e".encode() not in told
    assert b"<text" not in watermark_svg(None)


@pytest.fixture
def record(county: County, put: Callable[..., str]) -> Record:
    """A record of the bureau."""
    with county.archive.sessions.begin() as session:
        found = session.query(Record).filter(Record.id == put(session)).one()
        session.expunge(found)
    return found


def _lent(county: County, record: Record, role: str, organ: str, *permissions: str) -> Actor:
    grant = GrantHeld(
        id=new_id(),
        request_id=new_id(),
        number="2026-0117",
        permissions=frozenset({"record.read", "record.list", *permissions}),
        record_ids=frozenset({record.id}),
        case_file_ids=frozenset(),
        ends_at=county.archive.clock.now() + timedelta(days=3),
    )
    return replace(county.actor(role, organ), grants=(grant,))


@pytest.mark.parametrize(
    ("permissions", "seen"),
    [
        ((), (False, False, False)),
        (("unmask",), (True, False, False)),
        (("record.download",), (False, False, False)),
        (("unmask", "record.download"), (True, True, True)),
    ],
)
def test_what_a_grant_gives(
    county: County, record: Record, permissions: tuple[str, ...], seen: tuple[bool, bool, bool]
) -> None:
    actor = _lent(county, record, "borrower_external", "insurance", *permissions)
    found = terms(actor, record, county.archive.profile)
    assert found is not None
    assert (found.pictures, found.original, found.takes) == seen
    assert found.grant == actor.grants[0]


def test_a_role_needs_no_mark(county: County, record: Record) -> None:
    profile = county.archive.profile
    archivist = terms(county.actor("archivist", "bureau"), record, profile)
    assert archivist is not None
    assert (archivist.pictures, archivist.original, archivist.takes, archivist.grant) == (True, True, True, None)
    clerk = terms(county.actor("clerk_township", "east"), record, profile)
    assert clerk is not None
    assert (clerk.original, clerk.takes) == (True, False)
    assert terms(county.actor("clerk_township", "west"), record, profile) is None
