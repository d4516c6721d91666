"""Pages and API on PostgreSQL: two clerks on one record and one household file at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import select

from lantai.site import Site
from repository.ledger.catalogue import verify_catalogue
from repository.ledger.seal import seal
from repository.tables import CaseFile, CaseRecord, LedgerEntry
from tests.unit.lantai_web.acting import hidden, record_of
from tests.unit.lantai_web.conftest import Browser, Papers
from tests.unit.lantai_web.test_describe_record import (
    Made,
    _form,
    made,
    test_a_correction_is_a_revision_and_is_taken_back,
    test_a_hidden_conflict_is_impossible_two_clerks_see_both_versions,
)

__all__ = [
    "made",
    "test_a_correction_is_a_revision_and_is_taken_back",
    "test_a_hidden_conflict_is_impossible_two_clerks_see_both_versions",
]
pytestmark = pytest.mark.on_postgresql
Visit = Callable[..., Browser]


def _at_once(first: Callable[[], int], second: Callable[[], int]) -> list[int]:
    """The statuses of two requests sent at one moment, the smaller first."""
    together = Barrier(2)

    def send(one: Callable[[], int]) -> int:
        together.wait(timeout=30)
        return one()

    with ThreadPoolExecutor(2) as pool:
        return sorted(pool.map(send, (first, second)))


def test_the_site_stands_on_postgresql_and_its_ledger_is_protected(visit: Visit, site: Site) -> None:
    assert site.engine.dialect.name == "postgresql"
    page = visit("sysadmin").get("/system")
    assert page.status_code == 200
    assert "没有数据库权限的保护" not in page.text
    assert "lantai_program" not in page.text


def test_of_two_who_describe_at_once_the_second_sees_what_the_first_wrote(visit: Visit, made: Made, site: Site) -> None:
    clerks = visit("archivist"), visit("archivist")
    for turn in range(4):
        forms = [_form(one, made.own) | {"note": f"第{turn}回 {number}"} for number, one in enumerate(clerks)]
        answers: list[str] = []

        def send(number: int, forms: list[dict[str, str]] = forms, answers: list[str] = answers) -> int:
            answer = clerks[number].post(f"/records/{made.own}/describe", forms[number])
            if answer.status_code == 409:
                answers.append(answer.text)
            return answer.status_code

        assert _at_once(lambda send=send: send(0), lambda send=send: send(1)) == [303, 409]  # type: ignore[misc]
        kept = str(record_of(site, made.own).description["note"])
        assert all(form["note"] in answers[0] for form in forms)  # what was typed stands beside what was kept
        assert kept in {form["note"] for form in forms}


def test_of_two_who_arrange_at_once_one_is_told(visit: Visit, papers: Papers, site: Site) -> None:
    del papers
    with site.archive.reading() as session:
        case = session.scalars(
            select(CaseFile).join(CaseRecord).group_by(CaseFile.seq).order_by(CaseFile.seq).limit(1)
        ).one()
        order = list(
            session.scalars(
                select(CaseRecord.record_id).where(CaseRecord.case_file_id == case.id).order_by(CaseRecord.position)
            )
        )
    assert len(order) > 1
    clerks = visit("archivist"), visit("archivist")
    pages = [one.get(f"/case-files/{case.id}?arrange=1") for one in clerks]
    fields = [
        {"row_version": hidden(page, "row_version"), "move": f"down:{order[number]}"}
        for number, page in enumerate(pages)
    ]
    found = _at_once(
        lambda: clerks[0].post(f"/case-files/{case.id}/arrange", fields[0]).status_code,
        lambda: clerks[1].post(f"/case-files/{case.id}/arrange", fields[1]).status_code,
    )
    assert found == [303, 409]


def test_looks_of_many_at_once_are_all_in_the_register_and_the_ledger_verifies(
    visit: Visit, made: Made, site: Site
) -> None:
    browsers = [visit("archivist") for _ in range(3)]
    looks = select(LedgerEntry.seq).where(LedgerEntry.stream == "use", LedgerEntry.record_id == made.own)
    with site.archive.reading() as session:
        before = len(session.scalars(looks).all())
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda one: [one.get(f"/records/{made.own}").status_code for _ in range(4)], browsers))
    assert answers == [[200] * 4] * 3
    with site.archive.reading() as session:
        assert len(session.scalars(looks).all()) == before + 12
    seal(site.archive)
    with site.archive.reading() as session:
        assert verify_catalogue(session, site.archive).problems == ()
