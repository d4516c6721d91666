"""The tree of organs: moved with care, closed when empty, within the divisions of who keeps them."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from access import accounts, epochs, organs
from access.account_lists import AccountFilter
from access.account_lists import accounts as listed
from access.accounts import SYSTEM
from access.organ_tree import organ_tree
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound
from metadata.rights import Permission
from repository.tables import LedgerEntry, Organ
from tests.unit.access.conftest import County


def _move(county: County, code: str, parent: str | None, role: str = "sys_admin", **more: str) -> None:
    with county.archive.sessions.begin() as session:
        organs.move_organ(
            session,
            archive=county.archive,
            actor=county.actor(role, "bureau"),
            code=code,
            parent_code=parent,
            **more,
        )


def _code(county: County, *given: object, **more: str) -> str:
    with pytest.raises(LantaiError) as error:
        _move(county, *given, **more)  # type: ignore[arg-type]
    return error.value.code


def test_organs_move_only_where_they_belong(county: County) -> None:
    assert _code(county, "east", "west") == "organ.outside_parent"
    assert _code(county, "bureau", "prefecture") == "organ.not_found"  # the prefecture is not hers
    assert _code(county, "east", "village") == "organ.circle"
    assert _code(county, "insurance", "nowhere") == "organ.not_found"
    _move(county, "insurance", "bureau")
    _move(county, "family", "insurance")
    assert _code(county, "insurance", "family") == "organ.circle"
    assert _code(county, "east", "bureau", division_prefix="990101005") == "organ.below_outside"
    _move(county, "west", "bureau", division_prefix="990101005")
    with pytest.raises(Forbidden):
        _move(county, "west", "bureau", role="sec_admin")
    with pytest.raises(Invalid):
        _move(county, "west", "bureau", level="VC")


def test_a_move_is_no_grant_by_the_back_door(county: County) -> None:
    with county.archive.sessions.begin() as session:
        accounts.create_account(
            session,
            archive=county.archive,
            actor=SYSTEM,
            username="wang",
            display_name="某人",
            organ_code="west",
            roles=[("clerk_township", "west")],
        )
    assert _code(county, "west", "bureau", division_prefix="990101001") == "organ.roles_held"
    with county.archive.sessions.begin() as session:
        accounts.revoke_role(
            session, archive=county.archive, actor=SYSTEM, username="wang", role="clerk_township", organ_code="west"
        )
    _move(county, "west", "bureau", division_prefix="990101003")


def test_every_change_moves_everybodys_epoch_and_stands_in_the_ledger(county: County) -> None:
    with county.archive.reading() as session:
        before = epochs.epoch(session, "anybody")
    with county.archive.sessions.begin() as session:
        given = {"archive": county.archive, "actor": county.actor("sys_admin", "bureau"), "code": "village"}
        organs.rename_organ(session, name_zh="新村", **given)  # type: ignore[arg-type]
        organs.close_organ(session, **given)  # type: ignore[arg-type]
        organs.close_organ(session, **given)  # type: ignore[arg-type]
        organs.reopen_organ(session, **given)  # type: ignore[arg-type]
        assert epochs.epoch(session, "anybody") == before + 3
        told = session.scalars(select(LedgerEntry.act).where(LedgerEntry.act.startswith("organ."))).all()
        assert list(told)[-3:] == ["organ.renamed", "organ.closed", "organ.reopened"]
        with pytest.raises(Conflict) as stale:
            organs.rename_organ(session, name_zh="x", seen=1, **given)  # type: ignore[arg-type]
        assert stale.value.code == "organ.changed_meanwhile"


@pytest.mark.parametrize("name", ["", "王" * 201, "a\u202eb", "x\x00", "11010519491231002X 村"])
def test_names_that_are_none(county: County, name: str) -> None:
    with county.archive.sessions.begin() as session, pytest.raises(Invalid):
        organs.rename_organ(session, archive=county.archive, actor=SYSTEM, code="village", name_zh=name)


def test_the_tree_is_that_of_ones_own_divisions(county: County) -> None:
    keeper = county.actor("sys_admin", "bureau")
    with county.archive.reading() as session:
        tree = [(one.organ.code, one.depth) for one in organ_tree(session, keeper, county.archive.profile)]
        assert ("neighbour", 0) not in tree
        assert [one for one in tree if one[0] in {"bureau", "east", "village"}] == [
            ("bureau", 0),
            ("east", 1),
            ("village", 2),
        ]
        assert {"insurance", "procuratorate", "family"} <= {code for code, _ in tree}
        nobody = organ_tree(session, county.actor("archivist", "bureau"), county.archive.profile)
        assert nobody == []


def test_accounts_out_of_reach_are_as_if_they_were_not_there(county: County) -> None:
    for name, organ in (("near", "east"), ("far", "neighbour"), ("above", "prefecture")):
        with county.archive.sessions.begin() as session:
            accounts.create_account(
                session, archive=county.archive, actor=SYSTEM, username=name, display_name="某人", organ_code=organ
            )
    keeper = county.actor("sys_admin", "bureau")
    given = {"archive": county.archive, "actor": keeper}
    with county.archive.sessions.begin() as session:
        shown = listed(session, keeper, archive=county.archive, permission=Permission.ACCOUNT_WRITE)
        assert [one.account.username for one in shown] == ["near"]
        none = listed(
            session,
            keeper,
            archive=county.archive,
            permission=Permission.ACCOUNT_WRITE,
            wanted=AccountFilter(words="f_r"),
        )
        assert none == []
        for name in ("far", "above", "nobody"):
            with pytest.raises(NotFound) as error:
                accounts.close_account(session, username=name, **given)  # type: ignore[arg-type]
            assert error.value.zh == "没有这个帐号。请核对帐号名。"
        with pytest.raises(NotFound):
            accounts.change_account(session, username="near", organ_code="neighbour", **given)  # type: ignore[arg-type]
        assert session.scalars(select(Organ.code).where(Organ.code == "neighbour")).one()
