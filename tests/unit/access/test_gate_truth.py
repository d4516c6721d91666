"""One truth: what the gate decides in memory, lists in SQL and lets the index find is the same, whoever asks."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from access import gate
from access.accounts import SYSTEM, Actor, RoleHeld, create_account
from access.actors import GrantHeld
from metadata.errors import NotFound
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.profile import Profile, builtin
from metadata.rights import ACCESS_LEVELS, Permission
from repository.tables import (
    AccessGrant,
    AccessRequest,
    CaseFile,
    CaseRecord,
    GrantSubject,
    Household,
    Record,
    RequestSubject,
)
from search import vocabulary
from search.documents import case_documents, documents
from search.engines.base import FACETS, HOUSEHOLD, KINDS, RECORD
from search.engines.embedded import TantivyEngine
from search.permission import permission_filter
from search.query import Names, parse
from tests.unit.access.conftest import ORGANS, County

pytestmark = pytest.mark.both_databases

BUILTIN = builtin("social_assistance")
OFFICE = "office"
DIVISIONS = ("990101001001", "990101001002", "990101002005", "990101", "9901", "990102001001", "990110001001", "")
MARKS = (*BUILTIN.access_marks, "unheard-of")
ASKED = (
    Permission.RECORD_LIST,
    Permission.RECORD_READ,
    Permission.RECORD_DOWNLOAD,
    Permission.UNMASK,
    Permission.PACKAGE_READ,
)
RECORDS, CASES = 120, 30
FEW = 40


def _profile() -> Profile:
    """The profile with one role more, which reaches only what belongs to its organ."""
    clerk = BUILTIN.roles["clerk_township"]
    looks = frozenset({Permission.RECORD_READ, Permission.RECORD_LIST, Permission.CASE_READ})
    own = clerk.model_copy(update={"code": OFFICE, "permissions": frozenset(), "own": looks})
    return replace(BUILTIN, roles={**BUILTIN.roles, OFFICE: own})


PROFILE = _profile()


@dataclass
class World:
    """A county of random records and case files, its index, and grants to hold."""

    county: County = field(repr=False)
    engine: TantivyEngine = field(repr=False)
    grants: list[GrantHeld] = field(repr=False)
    organs: list[tuple[str, str, str]] = field(repr=False)
    examples: int = 0


@pytest.fixture
def world(county: County, tmp_path: Path) -> Iterator[World]:
    """Made once for all actors of a test."""
    rng, archive = random.Random(7), county.archive
    with archive.sessions.begin() as session:
        for number in range(RECORDS):
            session.add(
                Record(
                    id=new_id(),
                    title=f"低保申请书{number}",
                    document_type=rng.choice(("APP01", "CHK07", None)),
                    programme=rng.choice(("DB", "TK", None)),
                    year=rng.choice((2023, 2024, None)),
                    organ_id=rng.choice(list(county.organs.values())),
                    division_code=rng.choice(DIVISIONS),
                    access_level=rng.choice(ACCESS_LEVELS),
                    access_marks=rng.sample(MARKS, rng.choice((0, 0, 0, 1, 2))),
                    state=rng.choice(("active", "active", "active", "destroyed")),
                    description={},
                    profile_version="x",
                    created_at=archive.clock.now(),
                )
            )
        for number in range(CASES):
            division = rng.choice(DIVISIONS)
            household = Household(
                id=new_id(),
                household_no=household_no("990101001001", number + 1),
                division_code=division,
                applicant_name="王秀英",
                created_at=archive.clock.now(),
            )
            session.add(household)
            session.flush()
            session.add(
                CaseFile(
                    id=new_id(),
                    household_id=household.id,
                    programme="DB",
                    title="户档",
                    division_code=division,
                    organ_id=rng.choice(list(county.organs.values())),
                    state={},
                    created_at=archive.clock.now(),
                )
            )
        session.flush()
        records = list(session.scalars(select(Record.id)))
        cases = list(session.scalars(select(CaseFile.id)))
        for record_id in records[::3]:
            case_id = rng.choice(cases)
            session.add(CaseRecord(case_file_id=case_id, record_id=record_id, position=records.index(record_id)))
    grants = _grants(county, rng, records, cases)
    engine = TantivyEngine(tmp_path / "index", create=True)
    with archive.reading() as session:
        engine.apply([*documents(session, archive, records), *case_documents(session, archive, cases)], [])
    engine.refresh()
    yield World(county, engine, grants, [(county.organs[code], level, prefix) for code, level, prefix, _ in ORGANS])
    engine.close()


def _grants(county: County, rng: random.Random, records: list[str], cases: list[str]) -> list[GrantHeld]:
    """Eight grants and four requests that wait, with their subjects in the database."""
    archive, now, held = county.archive, county.archive.clock.now(), list[GrantHeld]()
    with archive.sessions.begin() as session:
        account = create_account(
            session,
            archive=archive,
            actor=SYSTEM,
            username="asker",
            display_name="某人",
            organ_code="insurance",
            password=None,
            roles=[("borrower_external", "insurance")],
        )
        for number in range(12):
            waiting = number >= 8
            request = AccessRequest(
                id=new_id(),
                number=f"JY-{number}",
                account_id=account.id,
                organ_id=account.organ_id,
                requester="x",
                purpose="x",
                days=1,
                wanted={},
                state="submitted" if waiting else "approved",
                profile_version="x",
                created_at=now,
                updated_at=now,
            )
            session.add(request)
            session.flush()
            some, files = rng.sample(records, 6), rng.sample(cases, rng.randrange(4))
            subjects = [("record", one) for one in some] + [("case_file", one) for one in files]
            permissions = {Permission.RECORD_LIST, Permission.RECORD_READ, Permission.CASE_READ}
            owner = request.id
            if waiting:
                session.add_all(RequestSubject(request_id=owner, kind=kind, subject_id=one) for kind, one in subjects)
            else:
                permissions |= set(rng.sample((Permission.RECORD_DOWNLOAD, Permission.UNMASK), rng.randrange(3)))
                ends = now + timedelta(days=3)
                grant = AccessGrant(
                    id=new_id(),
                    request_id=request.id,
                    account_id=account.id,
                    permissions=sorted(permissions),
                    starts_at=now,
                    ends_at=ends,
                    created_at=now,
                )
                session.add(grant)
                session.flush()
                owner = grant.id
                session.add_all(GrantSubject(grant_id=owner, kind=kind, subject_id=one) for kind, one in subjects)
            held.append(
                GrantHeld(
                    id=owner,
                    request_id=request.id,
                    number=request.number,
                    permissions=frozenset(permissions),
                    record_ids=frozenset(some),
                    case_file_ids=frozenset(files),
                    ends_at=None if waiting else now + timedelta(days=3),
                    waiting=waiting,
                )
            )
    return held


_ROLES = st.lists(
    st.tuples(
        st.sampled_from(sorted(PROFILE.roles)), st.integers(0, len(ORGANS) - 1), st.sampled_from((False,) * 9 + (True,))
    ),
    max_size=3,
)
_GRANTS = st.lists(st.integers(0, 11), max_size=4, unique=True)
_ONLY = st.none() | st.none() | st.frozensets(st.sampled_from(sorted(Permission)), min_size=1)


@given(roles=_ROLES, grants=_GRANTS, only=_ONLY)
@settings(
    max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_memory_catalogue_and_index_say_the_same(
    world: World, roles: list[tuple[str, int, bool]], grants: list[int], only: frozenset[str] | None
) -> None:
    world.examples += 1
    with world.county.archive.reading() as session:
        if world.examples > FEW and session.get_bind().dialect.name == "postgresql":
            return  # the conditions are the same, how the database reads them is seen by then
    held = tuple(
        RoleHeld(
            role,
            world.organs[place][0],
            "" if everywhere else world.organs[place][2],
            world.organs[place][1],
            everywhere,
        )
        for role, place, everywhere in roles
    )
    actor = Actor(
        new_id(), "account", "某人", None, held, only=only, grants=tuple(world.grants[number] for number in grants)
    )
    with world.county.archive.reading() as session:
        every = list(session.scalars(select(Record)))
        for permission in ASKED:
            decided = {one.id: because for one in every if (because := gate.decide(actor, one, permission, PROFILE))}
            criterion = gate.visible_records(actor, PROFILE, permission)
            assert set(session.scalars(select(Record.id).where(criterion))) == set(decided), permission
            if not gate.allowed(actor, permission, PROFILE):
                assert not decided
        cases = list(session.scalars(select(CaseFile)))
        known = {one.id: because for one in cases if (because := gate.decide_case(actor, one, PROFILE))}
        assert set(session.scalars(select(CaseFile.id).where(gate.visible_cases(actor, PROFILE)))) == set(known)
        readable = {one.id: gate.decide(actor, one, Permission.RECORD_READ, PROFILE) for one in every}
    found = {one for one, because in readable.items() if because and because.role != OFFICE}
    files = {one for one, because in known.items() if because.role != OFFICE}
    _same_in_index(world, actor, found, files, [one for one in every if one.id in found])


def _same_in_index(world: World, actor: Actor, found: set[str], files: set[str], rows: list[Record]) -> None:
    """Hits, totals, facets and words of the index, against what may be found."""
    query = parse("*", world.county.archive.keys.blind, Names.of(PROFILE, ()))
    if any(role.role == OFFICE for role in actor.roles):
        return  # the index knows no organs: compared where no role depends on them
    for kinds, expected in (((RECORD,), found), ((HOUSEHOLD,), files), (KINDS, found | files)):
        permission = permission_filter(actor, PROFILE, kinds)
        hits = world.engine.search(query, permission, limit=1000, facets=FACETS)
        assert {one.id for one in hits.hits} == expected
        assert hits.total == len(expected)
        assert sum(count for _, count in hits.facets["kind"]) == len(expected)
        if kinds == (RECORD,):
            assert dict(hits.facets["level"]) == dict(Counter(one.access_level for one in rows))
            assert dict(hits.facets["organ"]) == dict(Counter(one.organ_id for one in rows))
            assert dict(hits.facets["type"]) == dict(Counter(one.document_type for one in rows if one.document_type))
        words = world.engine.words(vocabulary.prefixes("王秀"), permission, limit=50)
        if not expected:
            assert words == ()
        assert all(count <= len(expected) for _, count in words)


def test_hidden_and_absent_records_and_case_files_meet_the_same_sentence(world: World) -> None:
    archive = world.county.archive
    actor = world.county.actor("clerk_township", "east")
    with archive.reading() as session:
        hidden = [one.id for one in session.scalars(select(Record)) if not gate.decide(actor, one, ASKED[1], PROFILE)]
        unseen = [one for one in session.scalars(select(CaseFile)) if not gate.decide_case(actor, one, PROFILE)]
        numbers = dict(session.execute(select(Household.id, Household.household_no)).tuples().all())
        told = set()
        for record_id in (*hidden[:20], new_id()):
            with pytest.raises(NotFound) as error:
                gate.get_record(session, actor, record_id, PROFILE)
            told.add((error.value.code, error.value.zh, error.value.en, str(error.value.params)))
        for number in itertools.chain(
            (one.id for one in unseen), (numbers[one.household_id] for one in unseen), ("x",)
        ):
            with pytest.raises(NotFound) as error:
                gate.get_case(session, actor, number, PROFILE)
            told.add((error.value.code, error.value.zh, error.value.en, str(error.value.params)))
    assert len(told) == 2
