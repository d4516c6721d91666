"""Texts of files: kept whole, replaced whole, damaged ones are missing ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from metadata.errors import Invalid
from metadata.identifiers import new_id
from repository.derivatives import get_text, put_text, text_path


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
    for damaged in (b"", b'{"format":"other"}', b'{"format":"lantai-text/1","pages":1}', b"[]", b"\xff"):
        path.write_bytes(damaged)
        assert get_text(tmp_path, record_id, 1, 1) is None


def test_a_lone_surrogate_does_not_stop_it(tmp_path: Path) -> None:
    record_id = new_id()
    put_text(tmp_path, record_id, 1, 1, ["a\ud800b"], "plain")
    assert get_text(tmp_path, record_id, 1, 1) == ["a?b"]


def test_a_path_is_not_an_id(tmp_path: Path) -> None:
    with pytest.raises(Invalid):
        put_text(tmp_path, "../../etc", 1, 1, [], "plain")
