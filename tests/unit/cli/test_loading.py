"""Only what a command needs is loaded, and that is all that the command needs."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from lantai.cli.app import WORDS, whole


def test_every_word_is_known_by_the_module_that_brings_it() -> None:
    commands = typer.main.get_command(whole()).commands  # type: ignore[attr-defined]
    assert set(commands) == {word for words in WORDS.values() for word in words}


@pytest.mark.parametrize("words", [["case", "--help"], ["record", "--help"]])
def test_a_word_of_two_modules_has_the_commands_of_both(words: list[str]) -> None:
    group = typer.main.get_command(whole()).commands[words[0]]  # type: ignore[attr-defined]
    told = subprocess.run(
        [sys.executable, "-m", "lantai", *words], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    for name in group.commands:
        assert f" {name} " in told


def test_what_a_command_does_not_need_is_not_loaded() -> None:
    looked = (
        "import sys; sys.argv = ['lantai', 'status', '--help']\n"
        "from lantai.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('LOADED', [one for one in ('pypinyin', 'typst', 'lantai.app', 'lantai.cli.people_commands') if one in sys.modules])"
    )
    told = subprocess.run(
        [sys.executable, "-c", looked], capture_output=True, text=True, check=True, timeout=120
    ).stdout
    assert "LOADED []" in told
