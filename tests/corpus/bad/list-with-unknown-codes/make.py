"""List with unknown codes."""

from __future__ import annotations

from pathlib import Path

from metadata.household import household_no
from tests.corpus.makers.lists import listed


def make(folder: Path) -> Path:
    record = {
        "title": "申请", "files": ["a.txt", "b.txt"], "document_type": "ZZ99", "programme": "DB",
        "household_nos": ["9901010010010000019"], "access_level": "secret", "division_code": "12345",
    }  # fmt: skip
    record["household_nos"] = [household_no("990101001001", 7)]
    return listed(folder, records=[record])
