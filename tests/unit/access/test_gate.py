"""The gate: what each role sees, compared with the profile; everything else is not there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from access import gate
from access.accounts import SYSTEM, Actor, RoleHeld, console_actor
from metadata.errors import Forbidden, NotFound
from metadata.identifiers import new_id
from metadata.profile import builtin
from metadata.rights import ACCESS_LEVELS, Permission
from repository.tables import CaseFile, CaseRecord, Household, Record
from tests.unit.access.conftest import ORGANS, County

PROFILE = builtin("social_assistance")
PLACES = {
    "own": "990101001001",
    "next village": "990101001002",
    "county": "990101",
    "other township": "990101002005",
    "other county": "990102001001",
    "prefix of a prefix": "9901",
    "look-alike": "990110001001",
}
HOME = {"PV": "prefecture", "PF": "prefecture", "CB": "bureau", "TS": "east", "VC": "village", "OD": "insurance"} | {
    "AA": "archives",
    "JU": "procuratorate",
    "HH": "family",
}
PREFIX = {code: prefix for code, _, prefix, _ in ORGANS}


@pytest.mark.parametrize("role", sorted(PROFILE.roles))
def test_every_role_sees_what_the_profile_says_and_nothing_else(
    role: str, county: County, put: Callable[..., str]
) -> None:
    definition = PROFILE.roles[role]
    home = HOME[definition.level]
    actor = county.actor(role, home)
    all_marks: list[tuple[str, ...]] = [(), ("medical",), ("informant",), ("medical", "informant"), ("unheard-of",)]
    with county.archive.sessions.begin() as session:
        facts = {
            put(session, division=division, level=level, marks=marks, organ=organ): (division, level, marks, organ)
            for division in PLACES.values()
            for level in ACCESS_LEVELS
            for marks in all_marks
            for organ in ("bureau", home)
        }
        for permission in (Permission.RECORD_LIST, Permission.RECORD_READ, Permission.PACKAGE_READ):
            expected = {
                one
                for one, (division, level, marks, organ) in facts.items()
                if (permission in definition.permissions or (permission in definition.own and organ == home))
                and PREFIX[home]
                and division.startswith(PREFIX[home])
                and level in definition.access_levels
                and set(marks) <= definition.marks
            }
            criterion = gate.visible_records(actor, PROFILE, permission)
            assert set(session.scalars(select(Record.id).where(criterion))) == expected
            assert set(gate.records_by_id(session, actor, list(facts), PROFILE, permission=permission)) == expected
            hidden = sorted(facts.keys() - expected)[:5]
            for record_id in hidden:
                with pytest.raises(NotFound) as error:
                    gate.get_record(session, actor, record_id, PROFILE, permission=permission)
                assert error.value.code == "record.not_found"


def test_administrators_and_strangers_read_nothing(county: County, put: Callable[..., str]) -> None:
    with county.archive.sessions.begin() as session:
        put(session, level="open")
        for role in ("sys_admin", "sec_admin", "audit_admin", "statistician", "preservation_officer"):
            actor = county.actor(role, "bureau")
            for permission in (Permission.RECORD_LIST, Permission.RECORD_READ, Permission.RECORD_DOWNLOAD):
                assert not gate.allowed(actor, permission, PROFILE)
                with pytest.raises(Forbidden):
                    gate.require(actor, permission, PROFILE)
            assert gate.list_records(session, actor, PROFILE) == []
            assert gate.permission_terms(actor, PROFILE).clauses == ()
        nobody = Actor(id=new_id(), kind="account", name="x", organ_id=None)
        unknown = Actor(new_id(), "account", "x", None, (RoleHeld("emperor", None, "99", "CB"),))
        for actor in (SYSTEM, nobody, unknown):
            assert gate.list_records(session, actor, PROFILE) == []
            assert gate.list_cases(session, actor, PROFILE) == []


def test_only_active_records_are_seen_and_the_sentence_is_the_same_for_hidden_and_absent(
    county: County, put: Callable[..., str]
) -> None:
    archivist, clerk = county.actor("archivist", "bureau"), county.actor("clerk_township", "west")
    with county.archive.sessions.begin() as session:
        shown, gone = put(session), put(session, state="destroyed")
        assert gate.get_record(session, archivist, shown, PROFILE).id == shown
        messages = set()
        for actor, record_id in ((archivist, gone), (clerk, shown), (archivist, "no-such-id")):
            with pytest.raises(NotFound) as error:
                gate.get_record(session, actor, record_id, PROFILE)
            messages.add((error.value.zh, error.value.en, error.value.code))
        assert len(messages) == 1


def test_console_sees_everything(county: County, put: Callable[..., str]) -> None:
    with county.archive.sessions.begin() as session:
        console = console_actor(session, PROFILE, "root")
        assert (console.id, console.kind) == ("console:root", "console")
        ids = {
            put(session, level="restricted", marks=("informant",)),
            put(session, division="110101001001"),
        }
        assert {one.id for one in gate.list_records(session, console, PROFILE)} == ids
        terms = gate.permission_terms(console, PROFILE)
        assert terms.everything
        assert not gate.allowed(console, Permission.ACCOUNT_WRITE, PROFILE)


def _case(county: County, session: Session, division: str, organ: str) -> tuple[str, str]:
    household = Household(
        id=new_id(), household_no=new_id()[:19], division_code=division, created_at=county.archive.clock.now()
    )
    session.add(household)
    session.flush()
    case = CaseFile(
        id=new_id(),
        household_id=household.id,
        programme="DB",
        title="户档",
        division_code=division,
        organ_id=county.organs[organ],
        state={},
        created_at=county.archive.clock.now(),
    )
    session.add(case)
    session.flush()
    return case.id, household.household_no


def test_case_files_are_cut_to_the_divisions_of_the_organ(county: County) -> None:
    with county.archive.sessions.begin() as session:
        own, number = _case(county, session, "990101001001", "village")
        townships, _ = _case(county, session, "990101001001", "east")
        wests, wests_number = _case(county, session, "990101002001", "west")
        foreign, _ = _case(county, session, "990102001001", "neighbour")

        def seen(role: str, organ: str) -> set[str]:
            return {one.id for one in gate.list_cases(session, county.actor(role, organ), PROFILE)}

        nextdoor, _ = _case(county, session, "990101001002", "east")
        assert seen("clerk_village", "village") == {own, townships}
        assert seen("clerk_township", "east") == {own, townships, nextdoor}
        assert seen("archivist", "bureau") == {own, townships, nextdoor, wests}
        assert seen("supervisor", "prefecture") == {own, townships, nextdoor, wests, foreign}
        assert seen("sys_admin", "bureau") == set()
        east = county.actor("clerk_township", "east")
        assert gate.get_case(session, east, number, PROFILE).id == own
        assert gate.get_case(session, east, own, PROFILE, programme="DB").id == own
        for hidden in (wests, wests_number, foreign, "nothing"):
            with pytest.raises(NotFound):
                gate.get_case(session, east, hidden, PROFILE)
        with pytest.raises(NotFound):
            gate.get_case(session, east, own, PROFILE, programme="TK")


def test_lists_page_by_key_and_know_the_tray_and_the_order_of_a_case(county: County, put: Callable[..., str]) -> None:
    archivist = county.actor("archivist", "bureau")
    with county.archive.sessions.begin() as session:
        ids = [put(session) for _ in range(5)]
        put(session, division="990102001001")
        case, _ = _case(county, session, "990101001001", "village")
        for position, record_id in enumerate(reversed(ids[:3]), start=1):
            session.add(CaseRecord(case_file_id=case, record_id=record_id, position=position))
        session.flush()
        first = gate.list_records(session, archivist, PROFILE, limit=2)
        rest = gate.list_records(session, archivist, PROFILE, after=first[-1].seq)
        assert [one.id for one in (*first, *rest)] == ids
        assert [one.id for one in gate.list_records(session, archivist, PROFILE, in_tray=True)] == ids[3:]
        ordered = gate.list_records(session, archivist, PROFILE, case_file_id=case)
        assert [one.id for one in ordered] == ids[2::-1]
        assert gate.list_records(session, archivist, PROFILE, case_file_id=case, after=2)[0].id == ids[0]
        assert gate.list_records(session, archivist, PROFILE, document_type="REG01") == []


def test_terms_of_the_index_are_one_clause_a_role(county: County) -> None:
    one, other = county.actor("clerk_township", "east"), county.actor("archivist", "neighbour")
    both = Actor(new_id(), "account", "两职", None, (*one.roles, *other.roles))
    terms = gate.permission_terms(both, PROFILE)
    assert terms.prefixes == ("990101001", "990102")
    assert terms.levels == ACCESS_LEVELS
    assert not terms.everything
    assert [(clause.prefix, clause.levels) for clause in terms.clauses] == [
        ("990101001", ("open", "internal")),
        ("990102", ACCESS_LEVELS),
    ]
    assert gate.permission_terms(one, PROFILE).excluded_marks == ("informant", "staff_relative")


def test_allowed_at_asks_where(county: County) -> None:
    clerk = county.actor("clerk_township", "east")
    village = county.actor("clerk_village", "village")

    def may(actor: Actor, permission: Permission, division: str, organ: str | None = None) -> bool:
        organ_id = county.organs[organ] if organ else None
        return gate.allowed_at(actor, permission, PROFILE, division_code=division, organ_id=organ_id)

    assert may(clerk, Permission.UNMASK, "990101001001")
    assert not may(clerk, Permission.UNMASK, "990101002001")
    assert not may(clerk, Permission.ACCEPT, "990101001001")
    assert may(village, Permission.CASE_READ, "990101001001", "east")
    assert not may(village, Permission.CASE_READ, "990101001002", "village")


def test_what_only_the_own_organ_reaches_is_cut_to_it(county: County, put: Callable[..., str]) -> None:
    looks = frozenset({Permission.RECORD_READ, Permission.CASE_READ})
    narrow = PROFILE.roles["clerk_township"].model_copy(update={"permissions": frozenset(), "own": looks})
    profile = replace(PROFILE, roles={**PROFILE.roles, "clerk_township": narrow})
    clerk = county.actor("clerk_township", "east")
    with county.archive.sessions.begin() as session:
        own, other = put(session, organ="east"), put(session, organ="bureau")
        away = put(session, organ="east", division="990101002001")
        mine, _ = _case(county, session, "990101001001", "east")
        _case(county, session, "990101001001", "village")
        assert set(gate.records_by_id(session, clerk, [own, other, away], profile)) == {own}
        assert [one.id for one in gate.list_cases(session, clerk, profile)] == [mine]
        east, village = county.organs["east"], county.organs["village"]
        asked = {"division_code": "990101001001"}
        assert gate.allowed_at(clerk, Permission.RECORD_READ, profile, **asked, organ_id=east)
        assert not gate.allowed_at(clerk, Permission.RECORD_READ, profile, **asked, organ_id=village)
        assert gate.permission_terms(clerk, profile).clauses == ()


def test_the_criterion_compiles_for_postgresql(county: County) -> None:
    criterion = gate.visible_records(county.actor("clerk_township", "east"), PROFILE)
    text = str(select(Record.id).where(criterion).compile(dialect=postgresql.dialect()))
    assert "jsonb_array_elements_text" in text
