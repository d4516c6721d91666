"""Reasons of findings in words: both languages, nothing unknown lost."""

from __future__ import annotations

import pytest

from ingest.finding_reasons import WORDS, in_words
from ingest.findings import sentence
from ingest.outcome import Finding


def test_a_reason_is_said_in_the_language_of_the_sentence() -> None:
    found = Finding("readability.not_checked", "a.pdf", {"reason": "time"})
    assert "超出时间限度" in sentence(found, "zh")
    assert "it took too long" in sentence(found, "en")


def test_an_unknown_database_is_said_to_be_unknown() -> None:
    found = Finding("virus.weak_database", None, {"database": "-", "date": "-"})
    assert "不明" in sentence(found, "zh")
    assert "unknown" in sentence(found, "en")


@pytest.mark.parametrize("value", ["word/document.xml", 7, "EMFILE"])
def test_what_is_not_known_stays_as_it_is(value: object) -> None:
    assert in_words("reason", value, english=False) == value


def test_the_error_of_a_reader_keeps_its_name() -> None:
    assert in_words("reason", "StructError", english=False) == "读取程序出错：StructError"


def test_other_parameters_are_not_touched() -> None:
    assert in_words("encoding", "size", english=False) == "size"


def test_every_reason_has_words_in_both_languages() -> None:
    assert all(zh and en and zh != en for zh, en in WORDS.values())
