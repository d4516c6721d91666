"""The catalogue of findings, its sentences, and the page that is written from it."""

from __future__ import annotations

import ast
import string
from pathlib import Path

import pytest

from ingest.findings import KINDS, outcome_of, page, sentence
from ingest.outcome import Finding, Outcome, Severity
from repository.bag.codes import CODES

ROOT = Path(__file__).parents[3]


def test_the_page_is_true() -> None:
    """Run ``python -m ingest.findings > docs/finding-codes.md`` after a change of the catalogue."""
    assert (ROOT / "docs" / "finding-codes.md").read_text(encoding="utf-8") == page()


def test_every_code_that_a_check_yields_is_in_the_catalogue() -> None:
    used = set()
    for path in (ROOT / "ingest").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Finding" and node.args:
                used |= {one.value for one in ast.walk(node.args[0]) if isinstance(one, ast.Constant)}
    assert used <= set(KINDS)


def test_every_code_of_the_catalogue_is_yielded_somewhere() -> None:
    """A code that nothing yields promises a check that is not there."""
    named: set[str] = set()
    for path in (ROOT / "ingest").rglob("*.py"):
        if path.name != "finding_catalogue.py":
            tree = ast.parse(path.read_text(encoding="utf-8"))
            named |= {
                one.value for one in ast.walk(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)
            }
    assert not sorted(set(KINDS) - set(CODES) - named)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_both_sentences_ask_for_the_same_values(code: str) -> None:
    kind = KINDS[code]
    fields = [
        {name for _, name, _, _ in string.Formatter().parse(text) if name and not name.endswith(("_zh", "_en"))}
        for text in (kind.zh, kind.en)
    ]
    assert fields[0] == fields[1]
    assert kind.next_zh
    assert kind.next_en


def test_a_sentence_shows_control_characters_escaped() -> None:
    told = sentence(Finding("file.empty", "a\x1b[31m\u202eb"), "en")
    assert told == "“a\\u001b[31m\\u202eb” is empty (0 bytes)."
    assert sentence(Finding("file.empty", "甲"), "zh", advice=True).endswith("请打开文件核对后再决定接收。")


def test_outcome_follows_severity() -> None:
    assert KINDS["source.changed"].severity is Severity.ERROR
    assert outcome_of(Finding("source.changed")) is Outcome.FAIL
    assert outcome_of(Finding("format.not_checked", outcome=Outcome.NOT_CHECKED)) is Outcome.NOT_CHECKED
