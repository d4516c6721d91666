"""Rules about the web's own code: one way to records, one place for words of HTTP, nothing a strict policy forbids."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import lantai
from lantai.web.rendering import FOLDER

ROOT = Path(lantai.__file__).parent
ROOMS = sorted([*(ROOT / "web" / "pages").glob("*.py"), *(ROOT / "api").glob("*.py")])
VIEWS = sorted((ROOT / "web").glob("views_*.py"))
GATED = {"Record", "CaseFile"}


def _calls(path: Path, name: str) -> list[ast.Call]:
    tree = ast.parse(path.read_text())
    return [
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.Call) and isinstance(one.func, ast.Name) and one.func.id == name
    ]


@pytest.mark.parametrize("path", ROOMS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_rooms_and_api_ask_no_database_themselves(path: Path) -> None:
    assert _calls(path, "select") == []


@pytest.mark.parametrize("path", VIEWS, ids=lambda path: path.name)
def test_read_models_take_records_from_the_gate(path: Path) -> None:
    for call in _calls(path, "select"):
        named = {one.id for argument in call.args for one in ast.walk(argument) if isinstance(one, ast.Name)}
        assert not named & GATED, "records and case files come from access.gate"


@pytest.mark.parametrize("path", sorted((FOLDER / "templates").glob("*.html")), ids=lambda path: path.name)
def test_templates_obey_the_policy(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=|\son\w+=|javascript:|<style|https?://(?!www\.w3\.org)", text)
    assert "|safe" not in text.replace(" ", "")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL):
        assert "csrf()" in form, "every form that changes something carries its token"


def test_pages_stay_small() -> None:
    for name in ("lantai.css", "lantai.js", "deposit.js", "viewer.js", "seal.svg"):
        assert (FOLDER / "static" / name).stat().st_size < 40_000
