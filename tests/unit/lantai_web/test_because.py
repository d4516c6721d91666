"""The words that say why somebody sees something."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from starlette.requests import Request

from access.actors import Actor, GrantHeld, actor_of
from lantai.site import Site
from lantai.web.because import because, because_of_case
from lantai.web.visit import Visit
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import Account, CaseFile, Record

ENDS = datetime(2026, 12, 31, 16, 0, tzinfo=UTC)


def _visit(site: Site, actor: Actor, language: str) -> Visit:
    request = Request({"type": "http", "headers": [], "path": "/", "query_string": b""})
    return Visit(site, request, actor, "x", "", language, large_type=False, purpose="casework")


def _actor(site: Site, username: str) -> Actor:
    archive = site.archive
    with archive.reading() as session:
        account = session.scalars(select(Account).where(Account.username == username)).one()
        return actor_of(session, account, archive.profile, local_date(archive.clock.now(), archive.zone))


@pytest.mark.usefixtures("papers")
@pytest.mark.parametrize(
    ("language", "by_role", "by_grant", "by_request"),
    [
        (
            "zh",
            "您能看到它，因为您在青石镇人民政府担任乡镇(街道)经办人。",
            "您能看到它，因为您的借阅申请 JY-7 已获批准，有效至 2026-12-31 24:00。",
            "您能看到它，因为借阅申请 JY-7 正等您审批。",
        ),
        (
            "en",
            "You see this because you are township case clerk in Qingshi.",
            "You see this because request JY-7 was granted to you, until 2026-12-31 24:00.",
            "You see this because request JY-7 waits for your decision.",
        ),
    ],
)
def test_the_reason_names_role_and_organ_or_the_grant_and_its_end(
    site: Site, language: str, by_role: str, by_grant: str, by_request: str
) -> None:
    clerk, other = _actor(site, "clerk"), _actor(site, "other")
    borrower = replace(other, roles=(replace(other.roles[0], role="borrower_external", division_prefix=""),))
    with site.archive.reading() as session:
        record, case = session.scalars(select(Record)).first(), session.scalars(select(CaseFile)).first()
        assert record is not None
        assert case is not None
        looks = frozenset({Permission.RECORD_READ.value, Permission.CASE_READ.value})
        grant = GrantHeld("g", "r", "JY-7", looks, frozenset({record.id}), frozenset({case.id}), ENDS)
        granted = _visit(site, replace(borrower, grants=(grant,)), language)
        asked = _visit(site, replace(borrower, grants=(replace(grant, ends_at=None, waiting=True),)), language)
        seen = _visit(site, clerk, language)
        for visit, words in ((seen, by_role), (granted, by_grant), (asked, by_request)):
            assert because(visit, session, record) == words
            assert because_of_case(visit, session, case) == words
        for visit in (_visit(site, borrower, language), _visit(site, other, language)):
            assert because(visit, session, record) == ""
            assert because_of_case(visit, session, case) == ""
        assert because(granted, session, record, Permission.UNMASK) == ""
