"""Every route as every role in every situation, compared with the matrix of the profile (``route_rules.py``)."""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import random
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from sqlalchemy import func, select

from lantai.web.security import SESSION_COOKIE
from metadata.rights import Permission
from repository.ledger.acts import ACTS
from repository.tables import LedgerEntry
from tests.journeys.route_rules import RULES
from tests.journeys.route_shapes import CASE, KINDS, RECORD, SITUATIONS, Cell, Rule, expected, reaches
from tests.journeys.route_walk import Step, call, examples_of, faults, hidden_from, request_of, steps, walk
from tests.journeys.route_world import World, build, queried, routes
from tests.unit.lantai_web.conftest import serving

_ASKING = {"HEAD", "OPTIONS"}
_SAMPLE = 200
_PARTS = 2


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The county of the walk, made once."""
    folder = tmp_path_factory.mktemp("routes")
    made = build(folder / "home", folder / "papers")
    yield made
    made.site.close()


def test_every_route_has_a_rule_and_every_rule_a_route(world: World) -> None:
    found = {f"{method} {path}" for method, path in routes(world.app) if method not in _ASKING}
    assert sorted(found - RULES.keys()) == [], "routes without a rule in route_rules.py"
    assert sorted(RULES.keys() - found) == [], "rules without a route"


def test_every_role_in_every_situation_gets_what_the_matrix_says(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    with multiprocessing.get_context("spawn").Pool(_PARTS) as pool:
        given = [(world.site.settings.home, world.people, part, _PARTS) for part in range(_PARTS)]
        gone = pool.starmap(walk, given)
    wrong = [one for _, faulty in gone for one in faulty]
    told = (
        f"gate: {len(RULES)} routes × {len(world.prefixes)} roles × {len(SITUATIONS)} situations = "
        f"{sum(count for count, _ in gone):,} cells, {len(wrong)} differences"
    )
    with capsys.disabled():
        print(f"\n{told}")
    assert not wrong, "\n".join(sorted(wrong)[:200])


def test_a_sample_of_the_table_over_http(world: World) -> None:
    """Roles and situations by chance; what is refused and what opens is the same with a server in between."""
    chosen = random.Random(5).sample([one for one in steps(world) if one.method == "GET"], _SAMPLE)
    with serving(world.site) as base, httpx.Client(base_url=base, timeout=60) as client:
        wrong = []
        for step in chosen:
            made = request_of(world, step, {})
            client.cookies.clear()
            headers = {name: value for name, value in made["headers"].items() if name != "host"}
            answer = client.get(made["address"], headers=headers)
            heads = {name.lower(): value for name, value in answer.headers.items()}
            wrong += [fault] if (fault := faults(world, step, (answer.status_code, heads, answer.content))) else []
    assert not wrong, "\n".join(wrong)


def test_hidden_and_absent_are_answered_alike(world: World) -> None:
    """Whoever asks for what is there but not for her gets, to the letter, what she gets for what is not there."""
    profile = world.site.archive.profile
    asked = [
        Step(method, path, rule, Cell(role, "other", kind))
        for (method, path), rule in ((tuple(route.split(" ")), rule) for route, rule in RULES.items())
        if rule.thing and method == "GET"
        for role in ("clerk_township", "borrower_external", "supervisor")
        for kind in (KINDS[:2] if rule.thing == RECORD else KINDS[:1])
    ]

    async def compare() -> list[str]:
        wrong = []
        for step in asked:
            if 404 not in expected(step.method, step.path, step.rule, profile, step.cell):
                continue
            one, two = request_of(world, step, {}), request_of(world, step, {}, absent=True)
            hidden, absent = await call(world.app, **one), await call(world.app, **two)
            if (hidden[0], _plain(hidden[2], one["address"])) != (absent[0], _plain(absent[2], two["address"])):
                wrong.append(f"{step.path} as {step.cell.role}")
        return wrong

    assert asyncio.run(compare()) == []


def _plain(body: bytes, address: str) -> str:
    """An answer without what differs in every one: the request's number, and what was asked for."""
    text = body.decode()
    for part in (address, *address.split("?", maxsplit=1)[0].split("/")):
        if len(part) > 12:
            text = text.replace(part, "·")
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "·", text)


@pytest.mark.parametrize("held", ["plain", "granted", "expired", "withdrawn"])
def test_totals_and_facets_count_what_may_be_seen(world: World, held: str) -> None:
    """Nobody learns from a number that there is more than she sees."""
    profile = world.site.archive.profile

    async def count() -> list[str]:
        wrong = []
        for code, role in profile.roles.items():
            situation = "own" if held == "plain" else held
            sees = {"record": 0, "household": 0}
            for division, things in world.people.things.items():
                where = _where(world, code, division, situation)
                for kind in things.records:
                    sees["record"] += reaches(role, Permission.RECORD_READ, Rule(thing=RECORD), Cell(code, where, kind))
                sees["household"] += reaches(role, Permission.CASE_READ, Rule(thing=CASE), Cell(code, where, "plain"))
            step = Step("GET", "/api/v1/search", RULES["GET /api/v1/search"], Cell(code, situation, "plain"))
            made = request_of(world, step, {}) | {"address": "/api/v1/search?q=*&facets=true&limit=200"}
            status, _, body = await call(world.app, **made)
            if status == 200:
                wrong += _differences(code, sees, body)
        return wrong

    assert asyncio.run(count()) == []


def _where(world: World, role: str, division: str, situation: str) -> str:
    """The situation of what lies in ``division``."""
    prefix = world.prefixes[role]
    if prefix and division.startswith(prefix):
        return "own"
    named = situation != "own" and division == world.division(Cell(role, "granted", "plain"))
    return situation if named else "other"


def _differences(role: str, sees: dict[str, int], body: bytes) -> list[str]:
    found: dict[str, Any] = httpx.Response(200, content=body).json()
    facets = {name: {one["value"]: one["count"] for one in counts} for name, counts in found["facets"].items()}
    given = {kind: facets.get("kind", {}).get(kind, 0) for kind in sees}
    total = sum(sees.values())
    same = given == sees and found["total"] == total == len(found["hits"])
    levels = sum(facets.get("level", {}).values()) == sees["record"]
    return [] if same and levels else [f"{role}: {found['total']} {given} instead of {sees}"]


# --- what may be asked of every route -----------------------------------------------------------------------------------

_HOSTILE = ("\x00", "9" * 24, "-1", "../../etc/passwd", "' OR 1=1 --", "<script>𠀋😀\u202e", "ａ" * 300)
_ODD = (
    "/api/v1/search?q=%22",
    "/api/v1/search?q=a&after=%E4%BD%8E",
    "/api/v1/search?q=*&after=f_gAAAAAAAB__________wAAAAE",
    "/api/v1/search?q=*&year=x&kind=x&organ=%00&format=%22",
    "/search?q=*&n=99999999999999999999&after=x&since=9999-99-99&sort=x&type=%00",
    "/search.xlsx?q=%28",
    "/api/v1/retention/due?before=9999-12-31&after=9999-12-31.9",
    "/use?case_file=%00&person=%00&since=x",
    "/static/../app.py",
    "/static/%2e%2e/security.py",
)


def _asked(world: World, role: str, method: str, address: str, *, csrf: str = "", body: bytes = b"") -> dict[str, Any]:
    token = world.people.sessions[role, "plain"][0]
    kind = "application/json" if address.startswith("/api/") else "application/x-www-form-urlencoded"
    headers = {"host": "127.0.0.1", "cookie": f"{SESSION_COOKIE}={token}", "content-type": kind}
    return {"method": method, "address": address, "headers": headers | {"x-csrf-token": csrf}, "body": body}


def _filling(text: str) -> Callable[[re.Match[str]], str]:
    return lambda _: text.replace("/", "\\")


def test_nothing_that_can_be_asked_fails_the_program(world: World) -> None:
    """Every route with hostile ids and every query parameter it knows set to something hostile."""
    quoted = {one: quote(one, safe="") for one in _HOSTILE}
    known = {path: parameters for method, path, parameters in queried(world.app) if method == "GET"}
    plain = Cell("archivist", "own", "plain")
    addresses = list(_ODD)
    for route, rule in RULES.items():
        method, path = route.split(" ")
        if method != "GET":
            continue
        names = known.get(path, ())
        right = world.address(path, rule, plain).partition("?")[0]
        for hostile in _HOSTILE:
            if "{" in path:
                addresses.append(re.sub(r"\{[^}]+\}", _filling(hostile), path))
            if names:
                addresses.append(f"{right}?{'&'.join(f'{name}={quoted[hostile]}' for name in names)}")
        addresses += [f"{right}?{name}=%00" for name in names]

    async def ask() -> list[str]:
        wrong = []
        for address in addresses:
            status, _, body = await call(world.app, **_asked(world, "archivist", "GET", address))
            if (status >= 500 and status != 503) or b"Traceback" in body:
                wrong.append(f"{status} {address[:160]!r} {body[:160]!r}")
        return wrong

    assert asyncio.run(ask()) == []


def test_the_description_of_the_interface_speaks_of_every_route(world: World) -> None:
    status, _, body = asyncio.run(call(world.app, **_asked(world, "archivist", "GET", "/api/v1/openapi.json")))
    described = json.loads(body)
    assert (status, described["openapi"][:2]) == (200, "3.")
    found = {f"{method.upper()} {path}" for path, item in described["paths"].items() for method in item}
    api = {one for one in RULES if re.search(r" (/api/|/healthz|/readyz)", one)}
    assert {one for one in found if one.partition(" ")[0] not in _ASKING} == api - {"GET /api/v1/openapi.json"}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            assert operation.get("summary"), (method, path)
            assert operation.get("operationId"), (method, path)


def test_nothing_changes_without_the_token_of_the_session(world: World) -> None:
    """Whatever changes something, with no token and with that of somebody else: refused, and the ledger stands still."""
    somebody = world.people.sessions["archive_chief", "plain"][1]

    async def ask() -> list[str]:
        document = await call(world.app, **_asked(world, "archivist", "GET", "/api/v1/openapi.json"))
        examples, wrong = examples_of(json.loads(document[2])), []
        for route, rule in RULES.items():
            method, path = route.split(" ")
            if method == "GET" or route in {"POST /api/v1/session", "POST /sign-in"}:
                continue
            for role in ("archivist", "sys_admin", "sec_admin", "archive_chief"):
                for token in ("", somebody if role != "archive_chief" else "x" * 43):
                    address = world.address(path, rule, Cell("archivist", "own", "plain"))
                    body = f"csrf={token}".encode()
                    if path.startswith("/api/"):
                        body = json.dumps(examples.get(route, {})).encode()
                    status, _, answer = await call(
                        world.app, **_asked(world, role, method, address, csrf=token, body=body)
                    )
                    if status not in {400, 403, 412, 422}:
                        wrong.append(f"{route} as {role}: {status} {answer[:120]!r}")
        return wrong

    def acts() -> int:
        with world.site.archive.reading() as session:
            wanted = select(func.count()).where(LedgerEntry.stream == ACTS)
            return session.scalar(wanted) or 0

    before = acts()
    assert asyncio.run(ask()) == []
    assert acts() == before


def test_no_page_of_a_list_names_what_is_hidden(world: World) -> None:
    """The lists of the API to their ends, two rows at a time."""

    async def ask() -> list[str]:
        wrong = []
        for role, held in (
            ("clerk_village", "plain"),
            ("clerk_township", "plain"),
            ("archivist_township", "granted"),
            ("borrower_external", "granted"),
            ("borrower_external", "expired"),
            ("supervisor", "plain"),
        ):
            cell = Cell(role, held if held != "plain" else "own", "plain")
            hidden = hidden_from(world, cell)
            for route, rule in RULES.items():
                method, path = route.split(" ")
                if method != "GET" or not path.startswith("/api/v1/") or "{" in path or rule.names or rule.public:
                    continue
                first = world.address(path, rule, cell)
                joined = f"{first}{'&' if '?' in first else '?'}limit=2"
                following: Any = ""
                for _ in range(60):
                    address = f"{joined}&after={quote(str(following))}" if following else joined
                    status, _heads, body = await call(
                        world.app, **(request_of(world, Step("GET", path, rule, cell), {}) | {"address": address})
                    )
                    told = [one for one in hidden if one.encode() in body]
                    wrong += [f"{address} as {role} {held}: {told[:3]}"] if told else []
                    parsed = json.loads(body) if status == 200 and body[:1] == b"{" else {}
                    following = parsed.get("next")
                    if not following:
                        break
        return wrong

    assert asyncio.run(ask()) == []
