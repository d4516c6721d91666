"""What reaches a terminal: names come from strangers and steer nothing."""

from __future__ import annotations

import json

import pytest

from lantai.cli import output
from lantai.cli.output import emit, printable

HOSTILE = "a\x1b[31m\u202efdp.exe\x9b\r\ud800[/b][bold]名\n次"


def test_control_characters_and_turning_marks_are_replaced() -> None:
    assert printable(HOSTILE) == "a�[31m�fdp.exe���[/b][bold]名\n次"


def test_tables_and_sentences_print_names_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(["path"], [(HOSTILE,), (None,), (7,)])
    output.say(HOSTILE, "[/closing]")
    shown = capsys.readouterr().out
    assert "\x1b[31m" not in shown
    assert "\u202e" not in shown
    assert "[/b][bold]" in shown
    assert "[/closing]" in shown


def test_json_holds_every_name(capsys: pytest.CaptureFixture[str]) -> None:
    emit({"path": HOSTILE})
    assert json.loads(capsys.readouterr().out) == {"path": HOSTILE}
