"""Divisions by the name of the organ that answers for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select
from starlette.requests import Request

from lantai.web.places import place
from lantai.web.visit import Visit as Caller
from repository.tables import Record

if TYPE_CHECKING:
    from collections.abc import Callable

    from lantai.site import Site
    from tests.unit.lantai_web.conftest import Browser, Papers


@pytest.mark.parametrize(
    ("code", "zh", "en"),
    [
        ("990101001", "青石镇人民政府（990101001）", "Qingshi (990101001)"),
        ("990101001000", "青石镇人民政府（990101001000）", "Qingshi (990101001000)"),
        ("990101009009", "990101009009", "990101009009"),
        ("", "", ""),
        ("x%s", "x%s", "x%s"),
    ],
)
def test_a_division_is_told_by_its_organ_and_its_code(site: Site, code: str, zh: str, en: str) -> None:
    for language, told in (("zh", zh), ("en", en)):
        caller = Caller(site, Request({"type": "http"}), None, "", "", language, large_type=False, purpose="")
        with site.archive.reading() as session:
            assert place(session, caller, code) == told
            assert place(session, caller, code) == told  # remembered


def test_pages_name_the_division(visit: Callable[[str], Browser], papers: Papers, site: Site) -> None:
    record_id = papers.record_ids["申請書.txt"]
    with site.archive.reading() as session:
        code = session.scalars(select(Record.division_code).where(Record.id == record_id)).one()
        caller = Caller(site, Request({"type": "http"}), None, "", "", "zh", large_type=False, purpose="")
        told = place(session, caller, code)
    assert told in visit("archivist").get(f"/records/{record_id}").text
