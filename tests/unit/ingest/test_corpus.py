"""Every deposit of the corpus is taken in, or refused with its finding and nothing stored."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import func, select

from ingest.limits import IngestLimits
from repository.archive import Archive
from repository.tables import Finding, Record, StoredObject, Submission, SubmissionFile


def _corpus() -> ModuleType:
    path = Path(__file__).parents[2] / "corpus" / "build.py"
    spec = importlib.util.spec_from_file_location("lantai_corpus", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["lantai_corpus"] = module
    spec.loader.exec_module(module)
    return module


CASES = _corpus().CASES


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one.kind}-{one.name}")
def test_case(case: object, archive: Archive, deposit: Callable[..., tuple[str, str]], tmp_path: Path) -> None:
    given: dict[str, object] = vars(case)
    (tmp_path / "made").mkdir()
    source = given["make"](tmp_path / "made")  # type: ignore[operator]
    limits = IngestLimits(**given["limits"])  # type: ignore[arg-type]
    submission_id, state = deposit(source, limits=limits, **given["options"])  # type: ignore[arg-type]
    with archive.reading() as session:
        rows = session.scalars(select(Finding).where(Finding.submission_id == submission_id)).all()
        found = {one.code: one.severity for one in rows}
        error = session.scalars(select(Submission.error)).one()
        bags = session.scalar(select(func.count()).select_from(StoredObject).where(StoredObject.kind == "bag"))
        records = session.scalar(select(func.count()).select_from(Record))
        kept = session.scalars(select(SubmissionFile.source)).all()
    assert error is None
    assert given["codes"] <= found.keys()  # type: ignore[operator]
    if given["kind"] == "bad":
        assert state == "rejected"
        assert "error" in found.values()
        assert (bags, records) == (0, 0)
        assert not list((tmp_path / "replicas").rglob("*.zip"))
    else:
        assert state == "done"
        assert ("warning" in found.values()) == (given["kind"] == "warn")
        assert records == given["records"]
    assert all((archive.quarantine / submission_id / one).is_file() for one in kept)
