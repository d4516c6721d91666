"""The walk of routes itself: calls made in the process, and what is wrong with their answers."""

from __future__ import annotations

import asyncio
import json
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lantai.app import create_app
from lantai.settings import RateSettings, load
from lantai.site import open_site
from lantai.web.security import CSRF_FIELD, CSRF_HEADER, SESSION_COOKIE
from metadata.rights import Permission
from tests.journeys.route_rules import RULES
from tests.journeys.route_shapes import NOBODY, Cell, Rule, cells, expected, opens, reaches
from tests.journeys.route_world import People, World, without_fsync

Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Step:
    """One call of the walk."""

    method: str
    path: str
    rule: Rule
    cell: Cell

    @property
    def refused_only(self) -> bool:
        """What changes something is tried only by who may not; who may is the business of each room's own tests."""
        return self.method != "GET"


def steps(world: World) -> list[Step]:
    """The whole table."""
    profile, found = world.site.archive.profile, list[Step]()
    for route, rule in sorted(RULES.items()):
        method, path = route.split(" ")
        for cell in cells(rule, profile, world.prefixes):
            step = Step(method, path, rule, cell)
            if step.refused_only and (rule.public or (cell.role != NOBODY and opens(rule, profile, cell))):
                continue
            found.append(step)
    return found


def request_of(world: World, step: Step, examples: dict[str, Any], *, absent: bool = False) -> dict[str, Any]:
    """Address, headers and body of a step; what is sent is right, so that only the person can be wrong."""
    held = world.session(step.cell)
    headers = {"host": "127.0.0.1", "accept": "*/*"}
    body = b""
    if held is not None:
        headers["cookie"] = f"{SESSION_COOKIE}={held[0]}"
        headers[CSRF_HEADER.lower()] = held[1]
    if step.method != "GET" and step.path.startswith("/api/"):
        body = json.dumps(examples.get(f"{step.method} {step.path}", {})).encode()
        headers["content-type"] = "application/json"
    elif step.method != "GET":
        body = f"{CSRF_FIELD}={held[1] if held else ''}&id.{world.chosen(step.rule, step.cell)}=on".encode()
        headers["content-type"] = "application/x-www-form-urlencoded"
    address = world.address(step.path, step.rule, step.cell, absent=absent)
    return {"method": step.method, "address": address, "headers": headers, "body": body}


async def call(app: Any, *, method: str, address: str, headers: dict[str, str], body: bytes) -> Answer:
    """One call in this process, without a server."""
    path, _, query = address.partition("?")
    sent, status, answered, pieces = False, 0, dict[str, str](), list[bytes]()
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (name.encode(), value.encode()) for name, value in {**headers, "content-length": str(len(body))}.items()
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if sent:
            await asyncio.sleep(3600)
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
            answered.update({name.decode().lower(): value.decode() for name, value in message["headers"]})
        elif message["type"] == "http.response.body":
            pieces.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Exception as error:
        return 500, answered, repr(error).encode()
    return status, answered, b"".join(pieces)


def examples_of(document: dict[str, Any]) -> dict[str, Any]:
    """Method and path: a body that the interface itself gives as an example."""
    schemas, found = document.get("components", {}).get("schemas", {}), dict[str, Any]()

    def example(schema: dict[str, Any], depth: int = 0) -> Any:
        if "$ref" in schema:
            return example(schemas[schema["$ref"].rpartition("/")[2]], depth)
        for key in ("examples", "enum"):
            if schema.get(key):
                return schema[key][0]
        if "default" in schema or "const" in schema:
            return schema.get("const", schema.get("default"))
        if "anyOf" in schema:
            return example(schema["anyOf"][0], depth)
        if schema.get("type") == "object" and depth < 6:
            needed = set(schema.get("required", ()))
            return {
                name: example(one, depth + 1) for name, one in schema.get("properties", {}).items() if name in needed
            }
        fallback = {"array": [], "integer": 1, "number": 1, "boolean": False, "string": "x"}
        return fallback.get(schema.get("type", ""), {})

    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                given = content.get("example") or example(content.get("schema", {}))
                found[f"{method.upper()} {path}"] = given
    return found


def faults(world: World, step: Step, answer: Answer) -> str:
    """What is wrong with an answer; nothing when all is right."""
    status, headers, body = answer
    profile = world.site.archive.profile
    right = expected(step.method, step.path, step.rule, profile, step.cell)
    where = f"{step.method} {step.path} as {step.cell.role or 'nobody'}, {step.cell.situation}, {step.cell.kind}"
    if status not in right:
        return f"{where}: {status} instead of {sorted(right)} {body[:120]!r}"
    if status >= 400 and step.path.startswith("/api/") and headers["content-type"] != "application/problem+json":
        return f"{where}: an error that is no problem+json"
    if step.cell.role != NOBODY and not step.rule.names and not step.rule.thing and status == 200:
        told = [one for one in hidden_from(world, step.cell) if one.encode() in body]
        if told:
            return f"{where}: names {len(told)} things that are hidden, such as {told[0]}"
    return ""


_KNOWN: dict[tuple[str, str], set[str]] = {}


def hidden_from(world: World, cell: Cell) -> set[str]:
    """Ids that nothing may tell this person: neither listed nor read nor, for case files, seen."""
    key = (cell.role, cell.situation)
    if key not in _KNOWN:
        shown, role = set[str](), world.site.archive.profile.roles[cell.role]
        prefix = world.prefixes[cell.role]
        granted = world.division(Cell(cell.role, "granted", "plain"))
        for division, things in world.people.things.items():
            inside = bool(prefix) and division.startswith(prefix)
            for kind in things.records:
                for situation in {"own"} if inside else {cell.situation} if division == granted else set[str]():
                    asked = Cell(cell.role, situation, kind)
                    if any(
                        reaches(role, one, Rule(thing="record"), asked)
                        for one in (Permission.RECORD_LIST, Permission.RECORD_READ)
                    ):
                        shown |= {things.records[kind], things.files[kind]}
                    if reaches(role, Permission.CASE_READ, Rule(thing="case"), asked):
                        shown |= {things.case, things.household_no}
        _KNOWN[key] = world.hidden(cell, shown)
    return _KNOWN[key]


def walk(home: Path, people: People, part: int, parts: int) -> tuple[int, list[str]]:
    """Go every ``parts``-th step of the table, on a site of one's own process: how many, and what was wrong."""
    logging.disable(logging.CRITICAL)
    settings = load(home=home)
    site = open_site(settings.model_copy(update={"rates": RateSettings(searches_per_minute=0)}))
    without_fsync(site)
    world = World(site, create_app(site), people)
    table = steps(world)[part::parts]

    async def go() -> list[str]:
        examples = examples_of(json.loads((await call(world.app, **_document()))[2]))
        wrong = []
        for step in table:
            answer = await call(world.app, **request_of(world, step, examples))
            wrong += [fault] if (fault := faults(world, step, answer)) else []
        return wrong

    try:
        return len(table), asyncio.run(go())
    finally:
        site.close()


def _document() -> dict[str, Any]:
    return {"method": "GET", "address": "/api/v1/openapi.json", "headers": {"host": "127.0.0.1"}, "body": b""}
