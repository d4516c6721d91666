"""Texts and pictures of files: kept whole, replaced whole, damaged ones are missing ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.errors import Invalid
from metadata.identifiers import new_id
from repository.derivatives import (
    SIZES,
    PageText,
    finish_recognition,
    get_image,
    get_pages,
    get_text,
    pictured_pages,
    put_image,
    put_recognised_page,
    put_text,
    recognised_pages,
    text_path,
)


def test_pages_come_back_and_are_replaced(tmp_path: Path) -> None:
    record_id = new_id()
    put_text(tmp_path, record_id, 1, 3, ["低保檔案", "第二页\n"], "pypdfium2")
    assert get_text(tmp_path, record_id, 1, 3) == ["低保檔案", "第二页\n"]
    put_text(tmp_path, record_id, 1, 3, [], "pypdfium2")
    assert get_text(tmp_path, record_id, 1, 3) == []
    assert [one.name for one in text_path(tmp_path, record_id, 1, 3).parent.iterdir()] == ["v00001-00003.json"]


def test_missing_and_damaged_texts_are_none(tmp_path: Path) -> None:
    record_id = new_id()
    assert get_text(tmp_path, record_id, 1, 1) is None
    path = put_text(tmp_path, record_id, 1, 1, ["文"], "plain")
    for damaged in (
        b"",
        b'{"format":"other"}',
        b'{"format":"lantai-text/2","pages":1}',
        b'{"format":"lantai-text/2","pages":[{"text":"a","lines":[[1]]}]}',
        b"[]",
        b"\xff",
    ):
        path.write_bytes(damaged)
        assert get_text(tmp_path, record_id, 1, 1) is None


def test_a_lone_surrogate_does_not_stop_it(tmp_path: Path) -> None:
    record_id = new_id()
    put_text(tmp_path, record_id, 1, 1, ["a\ud800b"], "plain")
    assert get_text(tmp_path, record_id, 1, 1) == ["a?b"]


def test_a_path_is_not_an_id(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        put_text(tmp_path, "../../etc", 1, 1, [], "plain")


def test_places_come_back_with_the_text(tmp_path: Path) -> None:
    record_id = new_id()
    page = PageText("低保A1\n末行", ((0, 4, 1000, 500, 7000, 900), (5, 7, 1000, 1000, 3000, 1400)))
    put_text(tmp_path, record_id, 1, 1, [page, "无位置"], "pypdfium2 5", "前两页")
    found = get_pages(tmp_path, record_id, 1, 1)
    assert found is not None
    assert (found.pages, found.engine, found.note) == ((page, PageText("无位置")), "pypdfium2 5", "前两页")
    assert page.boxes(0, 2) == [(1000, 500, 5000, 900)]
    assert page.boxes(2, 3) == [(5000, 500, 6000, 900)]
    assert page.boxes(3, 6) == [(6000, 500, 7000, 900), (1000, 1000, 2000, 1400)]
    assert PageText("无").boxes(0, 1) == []


def test_a_column_is_written_downwards() -> None:
    page = PageText("最低生活", ((0, 4, 100, 0, 300, 4000),))
    assert page.boxes(1, 2) == [(100, 1000, 300, 2000)]


def test_the_first_format_is_still_read(tmp_path: Path) -> None:
    record_id = new_id()
    path = text_path(tmp_path, record_id, 1, 1)
    path.parent.mkdir(parents=True)
    path.write_text('{"format":"lantai-text/1","engine":"old","pages":["一","二"]}')
    assert get_text(tmp_path, record_id, 1, 1) == ["一", "二"]


def test_recognised_pages_stand_where_there_is_no_text(tmp_path: Path) -> None:
    record_id = new_id()
    put_text(tmp_path, record_id, 1, 1, ["封面", ""], "pypdfium2")
    put_recognised_page(tmp_path, record_id, 1, 1, 2, PageText("低保金", ((0, 3, 0, 0, 9, 9),), confidence=0.93), "o 1")
    assert recognised_pages(tmp_path, record_id, 1, 1) == {2}
    assert get_text(tmp_path, record_id, 1, 1) == ["封面", ""]
    assert finish_recognition(tmp_path, record_id, 1, 1)
    found = get_pages(tmp_path, record_id, 1, 1)
    assert found is not None
    assert [(one.text, one.recognised, one.confidence) for one in found.pages] == [
        ("封面", False, None),
        ("低保金", True, 0.93),
    ]
    assert (found.engine, found.recogniser) == ("pypdfium2", "o 1")
    assert recognised_pages(tmp_path, record_id, 1, 1) == set()


def test_a_scan_has_only_recognised_text(tmp_path: Path) -> None:
    record_id = new_id()
    put_recognised_page(tmp_path, record_id, 1, 1, 37, PageText("绝无仅有", confidence=0.9), "o 1")
    assert finish_recognition(tmp_path, record_id, 1, 1)
    pages = get_text(tmp_path, record_id, 1, 1)
    assert pages is not None
    assert (len(pages), pages[36]) == (37, "绝无仅有")
    other = new_id()
    put_recognised_page(tmp_path, other, 1, 1, 1, PageText(""), "o 1")
    assert not finish_recognition(tmp_path, other, 1, 1)
    assert not finish_recognition(tmp_path, new_id(), 1, 1)


def test_pictures_of_pages(tmp_path: Path) -> None:
    record_id = new_id()
    assert get_image(tmp_path, record_id, 1, 1, "page", 1) is None
    for size in SIZES:
        put_image(tmp_path, record_id, 1, 1, size, 1, size.encode())
    put_image(tmp_path, record_id, 1, 1, "thumb", 2, b"half done")
    assert get_image(tmp_path, record_id, 1, 1, "page", 1) == b"page"
    assert pictured_pages(tmp_path, record_id, 1, 1) == {1}
    assert pictured_pages(tmp_path, record_id, 2, 1) == set()
