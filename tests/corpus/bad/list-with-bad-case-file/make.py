"""List with bad case file."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    entry = {
        "household_no": "9901010010010000010", "division_code": "990101001001", "programme": "ZZ",
        "applicant": {"name": "张三", "id_number": "990101199001010010"},
        "events": [{"event": "nonsense", "on": "2026-01-01"}],
    }  # fmt: skip
    return listed(folder, case_files=[entry])
