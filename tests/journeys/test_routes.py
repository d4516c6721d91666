"""Every route as every role in every situation, compared with the matrix of the profile (``route_rules.py``)."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from metadata.rights import Permission
from tests.journeys.route_rules import CASE, KINDS, RECORD, RULES, SITUATIONS, Cell, Rule, expected, reaches
from tests.journeys.route_walk import Step, call, faults, request_of, steps, walk
from tests.journeys.route_world import World, build, routes
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
