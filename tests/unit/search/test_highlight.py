"""Marks stand where the words stand, in the original's spelling; snippets are short and keep their marks."""

from __future__ import annotations

import pytest

from search.analysis import fold
from search.highlight import Finder, parts, snippet
from search.query import parse


def marked(text: str, query: str) -> list[str]:
    finder = Finder(parse(query, lambda one, purpose: purpose + one[::-1]))
    return [text[begin:end] for begin, end in finder.ranges(fold(text))]


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("城市低保檔案與低保档案", "低保档案", ["低保檔案", "低保档案"]),
        ("低保\n檔案", "低保档案", ["低保\n檔案"]),
        ("张　三", "张三", ["张　三"]),
        ("低保，檔案", "低保档案", []),
        ("民發〔2021〕57號", "民发[2021]57号", ["民發〔2021〕57號"]),
        ("共157号与57号", "57号", ["57号"]),
        ("Social\nAssistance", "social assistance", ["Social", "Assistance"]),
        ("Social\nAssistance", '"social assistance"', ["Social\nAssistance"]),
        ("低保低保", "低保", ["低保低保"]),
        ("号码 11010519491231002X 。", "尾号002x", ["11010519491231002X"]),
        ("号码 11010519491231002X 。", "11010519491231002x", ["11010519491231002X"]),
    ],
)
def test_marks(text: str, query: str, expected: list[str]) -> None:
    assert marked(text, query) == expected


def test_a_snippet_keeps_its_marks() -> None:
    text = "头" * 300 + "。这是\n低保檔案的内容" + "尾" * 300
    begin = text.index("低保檔案")
    piece = snippet(text, [(begin, begin + 4), (begin + 200, begin + 202)], width=40)
    assert piece.text.startswith("…这是 低保檔案的内容尾")
    assert piece.text.endswith("…")
    assert [piece.text[b:e] for b, e in piece.ranges] == ["低保檔案"]
    assert snippet("短文", []).text == "短文"
    assert snippet("", []).text == ""
    whole = snippet("  低保  ", [(2, 4)])
    assert (whole.text, whole.ranges) == ("低保", ((0, 2),))


def test_parts_are_the_text() -> None:
    cut = parts("甲低保乙", [(1, 3)])
    assert cut == [(False, "甲"), (True, "低保"), (False, "乙")]
    assert parts("", []) == []
