"""The API under what its OpenAPI allows and what it does not: no server error, and every error is problem details.

Cases are made by schemathesis from the document that the program itself publishes. Five hundred run with the other
tests, ten thousand with ``make fuzz``.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case

from access.accounts import account_by_name, console_actor, create_account
from access.sessions import open_session
from lantai.settings import load
from lantai.site import Site, open_site
from lantai.web.security import CSRF_HEADER, SESSION_COOKIE
from tests.journeys.commands import Commands
from tests.unit.lantai_web.conftest import serving

PASSWORD = "alles-was-erlaubt-ist-2026"
CASES, MANY = 500, 10_000
WHO = ("archivist", "archive_chief", "sys_admin", "sec_admin", "audit_admin", "preservation_officer")


def _signed_in(site: Site, username: str) -> dict[str, str]:
    """Headers of somebody who is signed in, with the token that her changes must bring."""
    with site.archive.sessions.begin() as session:
        token, csrf = open_session(session, account_by_name(session, username), clock=site.archive.clock)
    return {"Cookie": f"{SESSION_COOKIE}={token}", CSRF_HEADER: csrf}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("schema")
    commands = Commands(folder / "home")
    commands.run("init", "--yes")
    commands.run("sample", folder / "county", "--households", 2, "--seed", 3)
    commands.run("ingest", folder / "county", "--accept")
    opened = open_site(load(home=commands.home))
    with opened.archive.sessions.begin() as session:
        actor = console_actor(session, opened.archive.profile, "test")
        for role in WHO:
            create_account(
                session,
                archive=opened.archive,
                actor=actor,
                username=role,
                display_name=role,
                organ_code="bureau",
                password=PASSWORD,
                roles=[(role, "bureau")],
            )
    yield opened
    opened.close()


class _Caller:
    """Sends cases in turn as everybody in ``WHO`` and counts them."""

    def __init__(self, site: Site, address: str) -> None:
        self._site, self._address, self.sent = site, address, 0
        self._headers: list[dict[str, str]] = []

    def renew(self) -> None:
        """Sign everybody in anew: some operations end sessions."""
        self._headers = [_signed_in(self._site, who) for who in WHO]

    def send(self, case: Case) -> None:
        """Send one and look at the answer."""
        self.sent += 1
        answer = case.call(base_url=self._address, headers=self._headers[self.sent % len(self._headers)])
        told = f"{case.method} {case.formatted_path} {case.query} {case.body!r}\n{answer.status_code}: {answer.content[:2000]!r}"
        assert answer.status_code < 500, told
        assert answer.status_code < 400 or "problem+json" in str(answer.headers.get("content-type")), told


def _tried(site: Site, address: str, cases: int) -> int:
    """Send ``cases`` calls, shared out over all operations and people; how many were sent."""
    caller = _Caller(site, address)
    operations = [
        found.ok() for found in schemathesis.openapi.from_url(f"{address}/api/v1/openapi.json").get_all_operations()
    ]
    for operation in operations:
        caller.renew()

        @settings(
            max_examples=-(-cases // len(operations)),
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def run(case: Case) -> None:
            caller.send(case)

        run()
    return caller.sent


@pytest.mark.slow
def test_nothing_the_schema_allows_is_a_server_error(site: Site) -> None:
    with serving(site) as address:
        assert _tried(site, address, CASES) >= CASES // 2  # an operation without parameters has few cases


@pytest.mark.fuzz
def test_nor_in_ten_thousand(site: Site) -> None:
    with serving(site) as address:
        assert _tried(site, address, MANY) >= MANY // 2
