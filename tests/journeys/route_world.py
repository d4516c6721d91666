"""A county for the walk of routes: a record of each kind in every division, and people of every role and grant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from access.accounts import console_actor, create_account, create_organ
from access.sessions import open_session
from lantai.app import create_app
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.tables import (
    AccessGrant,
    AccessRequest,
    Account,
    CaseFile,
    CaseRecord,
    GrantSubject,
    Household,
    Organ,
    Record,
    StoredFile,
)
from search.indexer import rebuild
from tests.journeys.route_shapes import CASE, KINDS, MARK, NOBODY, RECORD, Cell, Rule
from tests.unit.lantai_web.conftest import take_in

ABSENT = "00000000-0000-4000-8000-000000000000"
VILLAGE, TOWNSHIP, COUNTY, PREFECTURE = "990101101201", "990101101", "990101", "9901"
ORGANS = {  # level: code, division prefix, superior
    "PF": ("test-pf", PREFECTURE, None),
    "CB": ("bureau", COUNTY, None),
    "TS": ("test-ts", TOWNSHIP, "bureau"),
    "VC": ("test-vc", VILLAGE, "test-ts"),
    "AA": ("test-aa", COUNTY, None),
    "OD": ("test-od", "", "bureau"),
    "JU": ("test-ju", "", "bureau"),
    "HH": ("test-hh", "", "bureau"),
}
PLACES = {  # prefix of the organ: the division that a situation means
    VILLAGE: {"own": VILLAGE, "above": "990101101000", "other": "990101101202"},
    TOWNSHIP: {"own": "990101101000", "below": VILLAGE, "above": "990101000000", "other": "990101102201"},
    COUNTY: {"own": "990101000000", "below": VILLAGE, "above": "990100000000", "other": "990102000000"},
    PREFECTURE: {"own": "990100000000", "below": VILLAGE, "above": "990000000000", "other": "990200000000"},
    "": {"other": VILLAGE},
}
GRANTS = ("granted", "expired", "withdrawn")
DIVISIONS = sorted({division for places in PLACES.values() for division in places.values()})


@dataclass
class Things:
    """What lies in one division: a record of each kind, its file, and a case file that holds them."""

    records: dict[str, str]
    files: dict[str, str]
    case: str
    household_no: str

    def ids(self, kind: str) -> tuple[str, str]:
        """Record and file of a kind."""
        return self.records[kind], self.files[kind]


@dataclass
class People:
    """What lies in the divisions, and a session (token, CSRF token) for every role with every kind of grant."""

    things: dict[str, Things] = field(default_factory=dict)
    sessions: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)


@dataclass
class World:
    """The site and what lies in it."""

    site: Site
    app: FastAPI
    people: People

    @property
    def prefixes(self) -> dict[str, str]:
        """Role: divisions of the organ in which it is held."""
        return {code: ORGANS[role.level][1] for code, role in self.site.archive.profile.roles.items()}

    def division(self, cell: Cell) -> str:
        """Where the thing of a cell lies."""
        places = PLACES[self.prefixes.get(cell.role, COUNTY)]
        return places["other" if cell.situation in GRANTS else cell.situation] if cell.role else VILLAGE

    def session(self, cell: Cell) -> tuple[str, str] | None:
        """Token and CSRF token of who stands in the cell."""
        held = cell.situation if cell.situation in GRANTS else "plain"
        return None if cell.role == NOBODY else self.people.sessions[cell.role, held]

    def address(self, path: str, rule: Rule, cell: Cell, *, absent: bool = False) -> str:
        """The route with the ids of the cell's thing, or with ids that nobody knows."""
        known: dict[str, str] = {"leaf": "1", "page": "1", "number": "1"}
        if rule.thing and not absent:
            things = self.people.things[self.division(cell)]
            if rule.thing == RECORD:
                known["record_id"], known["file_id"] = things.ids(cell.kind)
            if rule.thing == CASE:
                known |= {"case_file_id": things.case, "household_no": things.household_no}
                known |= {"number": things.case}
        elif rule.thing == CASE:
            known["number"] = ABSENT
        made = re.sub(r"\{(\w+)(?::\w+)?\}", lambda found: known.get(found.group(1), ABSENT), path)
        if path.endswith("/find"):
            return f"{made}?q=x"
        if path.endswith("/search/export"):
            return f"{made}?q=*&as=json"
        return f"{made}?q=*" if path.endswith(("/search", "/search.csv", "/search.xlsx")) else made

    def chosen(self, rule: Rule, cell: Cell) -> str:
        """The record that a form names besides."""
        return self.people.things[self.division(cell)].records[cell.kind] if rule.thing else ABSENT

    def hidden(self, cell: Cell, shown: set[str]) -> set[str]:
        """Ids of everything but ``shown``, and the names under which hidden records were deposited."""
        every = {one for things in self.people.things.values() for one in (things.case, things.household_no)}
        names = set[str]()
        for division, things in self.people.things.items():
            every |= {*things.records.values(), *things.files.values()}
            names |= {f"{division}-{kind}" for kind, one in things.records.items() if one not in shown}
        return (every - shown) | names


def build(home: Path, papers: Path) -> World:
    """One deposit of a text for every division and kind, put where it belongs; people; the index."""
    site = initialise(load(home=home, synthetic=True), bureau="云岭县民政局", division=COUNTY)
    without_fsync(site)
    papers.mkdir()
    for division in DIVISIONS:
        for kind in KINDS:
            (papers / f"{division}-{kind}.txt").write_text(f"低保申请书 {division} {kind}\n申请人家庭情况说明\n")
    take_in(site, papers)
    world = World(site, create_app(site), People())
    with site.archive.sessions.begin() as session:
        _furnish(session, world)
    with site.archive.sessions.begin() as session:
        _people(session, world)
    rebuild(site.archive, site.index)
    return world


def without_fsync(site: Site) -> None:
    """The walk asks ten thousand times; that each entry is safe on disk is proved elsewhere."""
    event.listen(site.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    site.engine.dispose()


def _furnish(session: Session, world: World) -> None:
    now, organ_id = (
        world.site.archive.clock.now(),
        session.scalars(select(Organ.id).where(Organ.code == "bureau")).one(),
    )
    rows = session.execute(select(StoredFile, Record).join(Record, Record.id == StoredFile.record_id)).tuples().all()
    named = {file.original_name.rpartition("/")[2].removesuffix(".txt"): (file, record) for file, record in rows}
    for number, division in enumerate(DIVISIONS, start=1):
        household = Household(
            id=new_id(),
            household_no=household_no("990101109109", number),
            division_code=division,
            applicant_name="王秀英",
            created_at=now,
        )
        session.add(household)
        session.flush()
        case = CaseFile(
            id=new_id(),
            household_id=household.id,
            programme="DB",
            title="户档",
            division_code=division,
            organ_id=organ_id,
            state={},
            created_at=now,
        )
        session.add(case)
        session.flush()
        things = world.people.things[division] = Things({}, {}, case.id, household.household_no)
        for position, kind in enumerate(KINDS, start=1):
            file, record = named[f"{division}-{kind}"]
            record.division_code = division
            record.access_level = "restricted" if kind == "restricted" else "internal"
            record.access_marks = [MARK] if kind == "marked" else []
            session.add(CaseRecord(case_file_id=case.id, record_id=record.id, position=position))
            things.records[kind], things.files[kind] = record.id, file.id


def _people(session: Session, world: World) -> None:
    archive = world.site.archive
    actor = console_actor(session, archive.profile, "test")
    for level, (code, prefix, superior) in ORGANS.items():
        if code != "bureau":
            create_organ(
                session,
                archive=archive,
                actor=actor,
                code=code,
                name_zh=code,
                level=level,
                division_prefix=prefix,
                parent_code=superior,
            )
    for code, role in archive.profile.roles.items():
        organ = ORGANS[role.level][0]
        for held in ("plain", *GRANTS):
            account = create_account(
                session,
                archive=archive,
                actor=actor,
                username=f"{held}-{code}".replace("_", "-"),
                display_name=code,
                organ_code=organ,
                password=None,
                roles=[(code, organ)],
            )
            account.must_change_password = False
            if held != "plain":
                places = PLACES[ORGANS[role.level][1]]
                _grant(session, world, account, held, world.people.things[places["other"]])
            world.people.sessions[code, held] = open_session(session, account, clock=archive.clock)


def _grant(session: Session, world: World, account: Account, held: str, things: Things) -> None:
    """A grant that writes every permission there is: the role says what of it holds."""
    now, request_id, grant_id = world.site.archive.clock.now(), new_id(), new_id()
    session.add(
        AccessRequest(
            id=request_id,
            number=f"T{len(world.people.sessions):06}",
            account_id=account.id,
            organ_id=account.organ_id,
            requester=world.site.archive.profile.borrowing.requesters[0].code,
            purpose="casework",
            days=3,
            wanted={"kind": "household"},
            state="approved",
            profile_version="x",
            created_at=now,
            updated_at=now,
        )
    )
    session.flush()
    session.add(
        AccessGrant(
            id=grant_id,
            request_id=request_id,
            account_id=account.id,
            permissions=[one.value for one in Permission],
            starts_at=now - timedelta(days=2),
            ends_at=now - timedelta(minutes=1) if held == "expired" else now + timedelta(days=3),
            revoked_at=now if held == "withdrawn" else None,
            created_at=now,
        )
    )
    session.flush()
    named = [(RECORD, one) for one in things.records.values()] + [("case_file", things.case)]
    session.add_all(GrantSubject(grant_id=grant_id, kind=kind, subject_id=one) for kind, one in named)


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route."""
    every: list[Any] = list(app.routes)
    for route in every:
        contexts = getattr(route, "effective_route_contexts", None)
        for one in contexts() if contexts is not None else (route,):
            for method in getattr(one, "methods", None) or ():
                yield method, one.path


def queried(app: FastAPI) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Method, path and the names of the query parameters of every route that has any."""
    every: list[Any] = list(app.routes)
    for route in every:
        contexts = getattr(route, "effective_route_contexts", None)
        for one in contexts() if contexts is not None else (route,):
            dependant = getattr(one, "dependant", None)
            fields = [] if dependant is None else dependant.query_params
            names = tuple(
                name
                for field in fields
                for name in (getattr(field.field_info.annotation, "model_fields", None) or {field.alias: None})
            )
            for method in getattr(one, "methods", None) or ():
                if names:
                    yield method, one.path, names
