"""Every route as every role and as nobody: what opens, what does not, and nothing of another township.

The table is the whole: a route that is added without a line here fails the test.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from access.accounts import console_actor, create_account, create_organ
from lantai.app import create_app
from lantai.settings import load
from lantai.site import Site, open_site
from metadata.rights import Permission
from repository.fixity import audit
from repository.tables import CaseFile, Household, Incident, Record, RecordVersion, StoredFile, Submission
from tests.journeys.conftest import Commands
from tests.unit.lantai_web.conftest import serving

PASSWORD = "jeder-weg-jede-rolle-2026"
NOBODY = ""
OWN, FOREIGN = "990101101", "990101102"  # the townships of the sample; the test's people sit in the first
ORGANS = {  # level: code, division prefix, parent
    "VC": ("test-vc", "990101101201", OWN),
    "TS": (OWN, None, None),
    "CB": ("bureau", None, None),
    "OD": ("test-od", "", "bureau"),
    "JU": ("test-ju", "", "bureau"),
    "HH": ("test-hh", "", "bureau"),
    "PF": ("test-pf", "9901", None),
    "AA": ("test-aa", "990101", None),
}

TOWNSHIP = {"clerk_township", "reviewer_township", "archivist_township"}
COUNTY = {"approver_county", "archivist", "archive_chief"}
READERS = TOWNSHIP | COUNTY
TAKERS = {"archivist_township", "archivist", "archive_chief"}
CASES = READERS | {"clerk_village", "supervisor"}
DEPOSITORS = TAKERS | {"clerk_village", "clerk_township", "reviewer_township"}
FIXITY = TAKERS | {"preservation_officer", "inspector_archives"}
STATUS = FIXITY | {"bureau_head", "sys_admin"}
SCHEDULE = {"archivist", "archive_chief", "bureau_head", "supervisor", "inspector_archives"}
SYSTEM = STATUS | {"sec_admin", "audit_admin"}
ALL = "everybody who is signed in"
OPEN = "nobody needs to sign in"


@dataclass(frozen=True)
class Way:
    """Who gets through (``allowed``) with ``ok``; the others meet ``refused``, hidden things ``404``.

    ``foreign``: who gets through when the thing lies in another township; ``restricted``: when it is restricted.
    """

    allowed: set[str] | str
    ok: int = 200
    refused: int = 403
    foreign: set[str] = field(default_factory=set)
    restricted: set[str] | None = None


_RECORD = {"refused": 404, "foreign": COUNTY, "restricted": COUNTY}
_TAKEN = {"foreign": {"archivist", "archive_chief"}, "restricted": {"archivist", "archive_chief"}}
_CASE = {"refused": 404, "foreign": COUNTY | {"supervisor"}}
_DEPOSIT = {"archivist", "archive_chief"}  # deposits of the bureau's console

GET = {
    "/": Way(ALL),
    "/case-files/{case_file_id}": Way(CASES - {"clerk_village"}, **_CASE),
    "/deposit": Way(DEPOSITORS),
    "/deposit/list": Way(DEPOSITORS),
    "/deposit/list/template.xlsx": Way(DEPOSITORS),
    "/files/{file_id}": Way(READERS, ok=303, **_RECORD),
    "/files/{file_id}/content": Way(READERS, **_RECORD),
    "/files/{file_id}/download": Way(TAKERS, **_TAKEN),
    "/files/{file_id}/find": Way(READERS, **_RECORD),
    "/files/{file_id}/pages/{leaf}": Way(READERS, ok=422, **_RECORD),  # the file of the test is no scan
    "/files/{file_id}/pages/{leaf}.webp": Way(READERS, ok=404, **_RECORD),  # its picture has not been made
    "/holdings": Way(CASES),
    "/holdings/records": Way(READERS),
    "/holdings/tray": Way(READERS),
    "/households/{household_no}": Way(CASES - {"clerk_village"}, ok=303, **_CASE),
    "/households/{household_no}/report": Way(CASES - {"clerk_village"}, **_CASE),
    "/households/{household_no}/report.json": Way(CASES - {"clerk_village"}, **_CASE),
    "/households/{household_no}/report.pdf": Way(CASES - {"clerk_village"}, **_CASE),
    "/password": Way(ALL),
    "/preservation": Way(FIXITY),
    "/preservation/incidents/{incident_id}": Way(FIXITY),
    "/records/{record_id}": Way(READERS, **_RECORD),
    "/records/{record_id}/report": Way(READERS, **_RECORD),
    "/records/{record_id}/report.json": Way(READERS, **_RECORD),
    "/records/{record_id}/report.pdf": Way(READERS, **_RECORD),
    "/records/{record_id}/versions/{number}/package": Way(TAKERS, **_TAKEN),
    "/retention": Way(SCHEDULE),
    "/search": Way(READERS),
    "/search.csv": Way(READERS),
    "/search.xlsx": Way(READERS),
    "/sign-in": Way(OPEN, ok=303),
    "/submissions": Way(DEPOSITORS),
    "/submissions/{submission_id}": Way(_DEPOSIT),
    "/submissions/{submission_id}/progress": Way(_DEPOSIT),
    "/submissions/{submission_id}/describe": Way(_DEPOSIT, refused=404),
    "/submissions/{submission_id}/report": Way(_DEPOSIT),
    "/submissions/{submission_id}/report.json": Way(_DEPOSIT),
    "/submissions/{submission_id}/report.pdf": Way(_DEPOSIT),
    "/system": Way(SYSTEM),
    "/tokens": Way(ALL),
    "/use": Way(ALL),
    "/healthz": Way(OPEN),
    "/readyz": Way(OPEN),
    "/api/v1/openapi.json": Way(OPEN),
    "/api/v1/case-files": Way(CASES),
    "/api/v1/case-files/{number}": Way(CASES - {"clerk_village"}, **_CASE),
    "/api/v1/files/{file_id}/content": Way(TAKERS, **_TAKEN),
    "/api/v1/files/{file_id}/text": Way(READERS, ok=404, **_RECORD),  # a picture has no text
    "/api/v1/households/{household_no}/report": Way(CASES - {"clerk_village"}, **_CASE),
    "/api/v1/preservation": Way(FIXITY),
    "/api/v1/preservation/incidents": Way(FIXITY),
    "/api/v1/records": Way(READERS),
    "/api/v1/records/{record_id}": Way(READERS, **_RECORD),
    "/api/v1/records/{record_id}/files": Way(READERS, **_RECORD),
    "/api/v1/records/{record_id}/report": Way(READERS, **_RECORD),
    "/api/v1/records/{record_id}/timeline": Way(READERS, **_RECORD),
    "/api/v1/retention/due": Way(SCHEDULE),
    "/api/v1/retention/records/{record_id}": Way(READERS, **_RECORD),
    "/api/v1/retention/rules": Way(SCHEDULE),
    "/api/v1/search": Way(READERS),
    "/api/v1/search/export": Way(READERS),
    "/api/v1/session": Way(ALL),
    "/api/v1/submissions": Way(ALL),  # one's own; empty for who deposits nothing
    "/api/v1/submissions/{submission_id}": Way(_DEPOSIT, refused=404),
    "/api/v1/submissions/{submission_id}/findings": Way(_DEPOSIT, refused=404),
    "/api/v1/submissions/{submission_id}/receipt": Way(_DEPOSIT, refused=404),
    "/api/v1/submissions/{submission_id}/records": Way(_DEPOSIT, refused=404),
    "/api/v1/submissions/{submission_id}/report": Way(_DEPOSIT),
    "/api/v1/system/accounts": Way({"sys_admin", "sec_admin"}),
    "/api/v1/system/index": Way(STATUS),
    "/api/v1/system/jobs": Way(STATUS),
    "/api/v1/system/status": Way(STATUS),
    "/api/v1/tokens": Way(ALL),
    "/api/v1/use-register": Way(ALL),  # but for roles that keep no register
}
_ASKING = {"HEAD", "OPTIONS"}
WRITES = {
    "DELETE /api/v1/session",
    "DELETE /api/v1/submissions/{submission_id}/uploads/{upload_id}",
    "DELETE /api/v1/tokens/{token_id}",
    "PATCH /api/v1/submissions/{submission_id}/uploads/{upload_id}",
    "POST /api/v1/deposit-lists/check",
    "POST /api/v1/preservation/audit",
    "POST /api/v1/preservation/repair",
    "POST /api/v1/session",
    "POST /api/v1/submissions",
    "POST /api/v1/submissions/{submission_id}/accept",
    "POST /api/v1/submissions/{submission_id}/complete",
    "POST /api/v1/submissions/{submission_id}/resume",
    "POST /api/v1/submissions/{submission_id}/return",
    "POST /api/v1/submissions/{submission_id}/uploads",
    "POST /api/v1/submissions/{submission_id}/uploads/{upload_id}",
    "POST /api/v1/submissions/{submission_id}/withdraw",
    "POST /api/v1/system/index/rebuild",
    "POST /api/v1/tokens",
    "POST /deposit",
    "POST /deposit/list",
    "POST /households/{household_no}/report",
    "POST /password",
    "POST /preferences",
    "POST /preservation/audit",
    "POST /preservation/repair",
    "POST /records/{record_id}/report",
    "POST /sign-in",
    "POST /sign-out",
    "POST /submissions/{submission_id}/accept",
    "POST /submissions/{submission_id}/describe",
    "POST /submissions/{submission_id}/report",
    "POST /submissions/{submission_id}/resume",
    "POST /submissions/{submission_id}/return",
    "POST /submissions/{submission_id}/withdraw",
    "POST /system/index/rebuild",
    "POST /tokens",
    "POST /tokens/{token_id}/revoke",
    "PUT /api/v1/submissions/{submission_id}/files",
    "PUT /api/v1/submissions/{submission_id}/records",
}


@dataclass
class Things:
    """Something to ask for: in the own township, in another one, and restricted."""

    record: str
    file: str
    case: str
    household_no: str


@dataclass
class World:
    """The site of the sample with one account a role."""

    site: Site
    app: FastAPI
    things: dict[str, Things]
    submission: str
    incident: str
    clients: dict[str, httpx.Client] = field(default_factory=dict)

    def address(self, route: str, where: str) -> str:
        """``route`` with the ids of what lies ``where``; searches find everything."""
        one = self.things[where]
        named = {
            "record_id": one.record,
            "file_id": one.file,
            "case_file_id": one.case,
            "household_no": one.household_no,
            "submission_id": self.submission,
            "incident_id": self.incident,
            "upload_id": self.incident,
            "token_id": self.incident,
            "leaf": "1",
            "number": one.case if "case-files" in route else "1",
        }
        path = re.sub(r"\{(\w+)\}", lambda match: named[match.group(1)], route)
        if path.endswith("/find"):
            return f"{path}?q=x"
        if path.endswith("/search/export"):
            return f"{path}?q=*&as=json"
        return f"{path}?q=*" if path.endswith(("/search", "/search.csv", "/search.xlsx")) else path


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    for route in app.routes:
        contexts: Any = getattr(route, "effective_route_contexts", None)
        for one in contexts() if contexts is not None else (route,):
            for method in getattr(one, "methods", None) or ():
                yield method, one.path


def _people(site: Site) -> None:
    profile = site.archive.profile
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, profile, "test")
        for level, (code, prefix, parent) in ORGANS.items():
            if prefix is not None:
                create_organ(
                    session,
                    archive=site.archive,
                    actor=actor,
                    code=code,
                    name_zh=code,
                    level=level,
                    division_prefix=prefix,
                    parent_code=parent,
                )
        for code, role in profile.roles.items():
            create_account(
                session,
                archive=site.archive,
                actor=actor,
                username=f"test-{code}",
                display_name=code,
                organ_code=ORGANS[role.level][0],
                password=PASSWORD,
                roles=[(code, ORGANS[role.level][0])],
            )


def _things(site: Site, township: str, level: str) -> Things:
    """A record with a picture in a household file of a village of the township."""
    with site.archive.reading() as session:
        record, file = session.execute(
            select(Record, StoredFile)
            .join(StoredFile, StoredFile.record_id == Record.id)
            .where(
                Record.division_code.startswith(township),
                Record.access_level == level,
                StoredFile.mime == "image/jpeg",
            )
            .order_by(Record.seq)
            .limit(1)
        ).one()
        case, number = session.execute(
            select(CaseFile.id, Household.household_no)
            .join(Household, Household.id == CaseFile.household_id)
            .where(CaseFile.division_code.startswith(township))
            .limit(1)
        ).one()
        return Things(record.id, file.id, case, number)


def _damage(site: Site) -> str:
    """One flipped byte on replica b, found by an audit; the incident's id."""
    with site.archive.reading() as session:
        key = session.scalars(
            select(RecordVersion.object_key)
            .join(Record, Record.id == RecordVersion.record_id)
            .where(Record.division_code.startswith(FOREIGN))
            .limit(1)
        ).one()
        actor = console_actor(session, site.archive.profile, "test")
    path = site.settings.home / "replicas" / "b" / key
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o644)
    path.write_bytes(data)
    audit(site.archive, actor=actor.ref, replicas=["b"], keys=[key])
    with site.archive.reading() as session:
        return session.scalars(select(Incident.id)).one()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The demo county, an account for every role, one damaged object."""
    home = tmp_path_factory.mktemp("routes") / "home"
    Commands(home).run("demo", "--no-serve", "--households", 4, "--seed", 11)
    site = open_site(load(home=home))
    _people(site)
    things = {
        "own": _things(site, OWN, "internal"),
        "foreign": _things(site, FOREIGN, "internal"),
        "restricted": _things(site, OWN, "restricted"),
    }
    with site.archive.reading() as session:
        submission = session.scalars(select(Submission.id).limit(1)).one()
    made = World(site, create_app(site), things, submission, _damage(site))
    with serving(site) as base:
        for role in (NOBODY, *site.archive.profile.roles):
            client = made.clients[role] = httpx.Client(base_url=base, timeout=60)
            if role:
                signed = client.post("/api/v1/session", json={"username": f"test-{role}", "password": PASSWORD})
                assert signed.status_code == 200, signed.text
        yield made
        for client in made.clients.values():
            client.close()
    site.close()


def _expected(route: str, way: Way, role: str, where: str, registered: bool) -> int:
    api = route.startswith("/api/")
    if way.allowed == OPEN:
        return way.ok if role or route != "/sign-in" else 200
    if role == NOBODY:
        return 401 if api else 303
    if route == "/api/v1/use-register":
        return 200 if registered else 403
    if way.allowed == ALL:
        return way.ok
    let = {"own": way.allowed, "foreign": way.foreign, "restricted": way.restricted or way.allowed}[where]
    if role in let:
        return way.ok
    if role in way.allowed:
        return 404  # the act is permitted, this thing is not: as if it were not there
    if route.startswith(("/submissions/", "/api/v1/submissions/")) and role in DEPOSITORS:
        return 404
    return way.refused


def test_the_table_names_every_route(world: World) -> None:
    found = {f"{method} {path}" for method, path in routes(world.app) if method not in _ASKING}
    assert found - {f"GET {path}" for path in GET} - WRITES == set()
    assert ({f"GET {path}" for path in GET} | WRITES) - found == set()


@pytest.mark.parametrize("route", sorted(GET))
def test_every_role_gets_what_the_table_says(world: World, route: str) -> None:
    way = GET[route]
    places = ("own", "foreign", "restricted") if way.foreign else ("own",)
    for where in places:
        if where == "restricted" and way.restricted is None:
            continue
        address = world.address(route, where)
        for role, client in world.clients.items():
            definition = world.site.archive.profile.roles.get(role)
            registered = bool(
                definition and {Permission.USE_REGISTER_OWN, Permission.USE_REGISTER_READ} & definition.permissions
            )
            answer = client.get(address)
            expected = _expected(route, way, role, where, registered)
            assert answer.status_code == expected, (route, where, role, answer.text[:300])
            if expected >= 400 and route.startswith("/api/"):
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.json()["status"] == expected
                assert "errors" not in answer.json()


def test_hidden_and_absent_are_answered_alike(world: World) -> None:
    clerk = world.clients["clerk_township"]
    absent = "00000000-0000-4000-8000-000000000000"
    for route in (one for one, way in GET.items() if way.foreign):
        for where in ("foreign", "restricted"):
            if where == "restricted" and GET[route].restricted is None:
                continue
            hidden = world.things[where]
            address = world.address(route, where)
            other = address
            for value in (hidden.record, hidden.file, hidden.case, hidden.household_no):
                other = other.replace(value, absent)
            one, two = clerk.get(address), clerk.get(other)
            assert (one.status_code, _plain(one.text, address)) == (two.status_code, _plain(two.text, other)), route


def _plain(text: str, address: str) -> str:
    """An answer without what differs in every one: the request's number, and what was asked for."""
    for part in (address, *address.split("/")):
        if len(part) > 12:
            text = text.replace(part, "·")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "·", text)


@pytest.mark.parametrize("role", sorted(TOWNSHIP))
def test_no_list_names_a_thing_of_another_township(world: World, role: str) -> None:
    client = world.clients[role]
    with world.site.archive.reading() as session:
        visible = {one.id: one for one in session.scalars(select(Record).where(Record.division_code.startswith(OWN)))}
        hidden = set(session.scalars(select(Record.id).where(~Record.division_code.startswith(OWN))))
        hidden |= {one.id for one in visible.values() if one.access_level == "restricted"}
        hidden |= {one.id for one in visible.values() if not set(one.access_marks) <= {"financial", "medical", "minor"}}
        hidden |= set(session.scalars(select(CaseFile.id).where(~CaseFile.division_code.startswith(OWN))))
        hidden |= set(session.scalars(select(Household.household_no).where(~Household.division_code.startswith(OWN))))
        files = set(session.scalars(select(StoredFile.id).where(StoredFile.record_id.in_(hidden))))
        asked = {value for one in world.things.values() for value in (one.record, one.file, one.case)}
        asked |= set(session.scalars(select(Incident.record_id).where(Incident.id == world.incident)))
    lists = [
        route
        for route, way in GET.items()
        if "{" not in route and way.allowed != OPEN and client.get(world.address(route, "own")).status_code == 200
    ]
    for route in lists:
        for address in _pages(client, world.address(route, "own")):
            shown = client.get(address).text
            # the register keeps what one asked for oneself; incidents name objects, which say nothing
            known = asked if "use" in route or "status" in route else set()
            assert not {one for one in (hidden | files) - known if one in shown}, route
    total = client.get("/api/v1/search", params={"q": "*", "kind": "record"}).json()["total"]
    assert total == len(visible) - len(hidden & set(visible))


def _pages(client: httpx.Client, address: str) -> Iterator[str]:
    """The pages of a list: by the API's ``next``, or only the first of a page for people."""
    yield address
    if not address.startswith("/api/v1/"):
        return
    shown = client.get(address)
    body = json.loads(shown.text)
    for _ in range(30):
        following = body.get("next") if isinstance(body, dict) else None
        if not following:
            return
        page = f"{address}{'&' if '?' in address else '?'}after={following}"
        yield page
        body = client.get(page).json()


@pytest.mark.parametrize(
    "address",
    [
        "/api/v1/records?after=999999999999999999999999",
        "/api/v1/records?case_file={case}&after=9223372036854775808",
        "/api/v1/case-files?after=-999999999999999999999999",
        "/api/v1/case-files?division=%25",
        "/api/v1/case-files/%00",
        "/api/v1/submissions?after=999999999999999999999999",
        "/api/v1/use-register?after=999999999999999999999999",
        "/api/v1/records/{record}/files?version=999999999999999999999999",
        "/api/v1/search?q=%00",
        "/api/v1/search?q=%22",
        "/api/v1/search?q=*&year=x&kind=x&organ=%00&format=%22",
        "/search?q=*&n=99999999999999999999&after=x",
        "/search?q=*&since=9999-99-99&sort=x&type=%00",
        "/search.xlsx?q=%28",
        "/api/v1/search?q=a&after=%E4%BD%8E",
        "/api/v1/search?q=*&after=f_gAAAAAAAB__________wAAAAE",
        "/api/v1/retention/due?before=9999-12-31",
        "/records/{record}?version=999999999999999999999999",
        "/records/{record}?file=999999999999999999999999",
        "/records/{record}?file=-5",
        "/records/{record}/versions/999999999999999999999999/package",
        "/files/{file}/pages/999999999999999999999999",
        "/holdings?after=999999999999999999999999",
        "/holdings?household_no=%00",
        "/holdings/records?after=999999999999999999999999",
        "/submissions?before=999999999999999999999999",
        "/use?before=999999999999999999999999",
        "/use?record=%00",
        "/retention?before=x",
        "/preservation/incidents/%00",
        "/static/../app.py",
        "/static/%2e%2e/security.py",
    ],
)
def test_nothing_that_can_be_asked_fails_the_program(world: World, address: str) -> None:
    one = world.things["own"]
    asked = address.format(case=one.case, record=one.record, file=one.file)
    answer = world.clients["archivist"].get(asked)
    assert answer.status_code in {200, 404, 422}, answer.text[:300]
    assert "Traceback" not in answer.text


def test_the_description_of_the_interface_speaks_of_every_route(world: World) -> None:
    described = world.clients[NOBODY].get("/api/v1/openapi.json").json()
    assert described["openapi"].startswith("3.")
    found = {f"{method.upper()} {path}" for path, item in described["paths"].items() for method in item}
    found = {one for one in found if one.partition(" ")[0] not in _ASKING}
    api = {f"GET {path}" for path in GET if path.startswith(("/api/", "/healthz", "/readyz"))}
    api |= {one for one in WRITES if " /api/" in one}
    assert found == api - {"GET /api/v1/openapi.json"}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("operationId"), (method, path)


@pytest.mark.parametrize("write", sorted(WRITES - {"POST /api/v1/session"}))
def test_nothing_changes_without_the_token_of_the_session(world: World, write: str) -> None:
    method, route = write.split(" ")
    answer = world.clients["archivist"].request(method, world.address(route, "own"))
    assert answer.status_code in {400, 403, 412, 422}, answer.text[:200]
    assert world.clients["archivist"].get("/api/v1/session").status_code == 200
