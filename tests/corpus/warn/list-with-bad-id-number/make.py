"""A person whose number has a wrong check character."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.lists import listed
from tests.corpus.makers.tables import NUMBER


def make(folder: Path) -> Path:
    person = {"name": "张三", "id_number": "110101199003078510"}
    case = {"household_no": NUMBER, "division_code": "990101001001", "programme": "DB", "applicant": person}
    return listed(folder, case_files=[case])
