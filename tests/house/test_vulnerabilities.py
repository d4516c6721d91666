"""``make audit`` never claims what it was not told."""

from __future__ import annotations

import json

import pytest

from tests.vulnerabilities import CLEAN, FOUND, NOT_RUN, Told, conclusion, told


def _report(*packages: dict[str, object]) -> str:
    return json.dumps({"dependencies": list(packages), "fixes": []})


SOUND = {"name": "a", "version": "1", "vulns": []}
HURT = {"name": "b", "version": "2", "vulns": [{"id": "GHSA-x", "fix_versions": []}]}
SKIPPED = {"name": "c", "skip_reason": "not found"}


def test_a_whole_answer_is_read() -> None:
    assert conclusion([told(_report(SOUND), "")]) == CLEAN
    hurt = told(_report(SOUND, HURT), "Found 1 known vulnerability")
    assert hurt.known == ("b 2: GHSA-x",)
    assert conclusion([hurt, Told(silent="x")]) == FOUND


@pytest.mark.parametrize(
    ("output", "errors"),
    [
        ("", "ConnectionError: no route"),
        ("{}", ""),
        ("[]", ""),
        ("not json", "boom"),
        (_report(), ""),
        (_report(SOUND, SKIPPED), ""),
        ('{"dependencies": [1]}', ""),
    ],
)
def test_silence_is_never_clean(output: str, errors: str) -> None:
    assert conclusion([told(output, errors), told(_report(SOUND), "")]) == NOT_RUN


def test_nothing_asked_is_not_clean() -> None:
    assert conclusion([]) == NOT_RUN
