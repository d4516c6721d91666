"""Numbers are masked however they are written, in text, names, errors and the log; who sees them as they are, says the gate."""

from __future__ import annotations

import io
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from access.actors import GrantHeld
from access.masking import (
    case_title,
    checked_reason,
    mask_log,
    masked,
    masked_all,
    masked_name,
    names_shown,
    sees_numbers,
    without_names,
)
from metadata.errors import Invalid
from metadata.household import household_no
from metadata.idcard import check_digit
from metadata.identifiers import new_id
from repository.tables import CaseFile, Household, Record
from tests.unit.access.conftest import County

ID = "11010519491231002X"
OLD_ID = "110105491231002"
WIDE = str.maketrans("0123456789X ", "０１２３４５６７８９Ｘ\u3000")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"身份证号{ID}。", "身份证号110105********002X。"),
        (f"身份證號：{ID.lower()}", "身份證號：110105********002x"),
        (ID.translate(WIDE), "１１０１０５********００２Ｘ"),
        ("110105 19491231 002X", "110105 ******** 002X"),
        ("110105 1949 1231 002X", "110105 **** **** 002X"),
        ("1 1 0 1 0 5 1 9 4 9 1 2 3 1 0 0 2 X", "1 1 0 1 0 5 * * * * * * * * 0 0 2 X"),
        ("1101051949\n1231002X", "110105****\n****002X"),
        (f"旧证{OLD_ID}号", "旧证110105*****1002号"),
        ("110105 491231 002", "110105 *****1 002"),
        ("电话13812345678", "电话138****5678"),
        ("電話 138-1234-5678", "電話 138-****-5678"),
        ("Tel13812345678", "Tel138****5678"),
        ("1381 234 5678", "138* *** 5678"),
        ("13812 345678", "138** **5678"),
        ("1 3 8 1 2 3 4 5 6 7 8", "1 3 8 * * * * 5 6 7 8"),
        ("１３８１２３４５６７８", "１３８****５６７８"),
        ("١٣٨١٢٣٤٥٦٧٨", "١٣٨****٥٦٧٨"),
        ("138\u20111234\u20115678", "138\u2011****\u20115678"),
        ("0436-8812345", "043*-***2345"),
        ("账号 6222 0210 0111 6245 704", "账号 **** **** **** ***5 704"),
        ("賬號6222021001116245704", "賬號***************5704"),
        ("2021-01-05 2022-03-04 共 20 页", "2021-01-05 2022-03-04 共 20 页"),
        ("13 12 15 16 18 19 20", "13 12 15 16 18 19 20"),
        ("", ""),
    ],
)
def test_how_numbers_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


def _id_number(source: random.Random) -> str:
    born = f"{source.randint(1920, 2020)}{source.randint(1, 12):02d}{source.randint(1, 28):02d}"
    first = f"{source.randint(110000, 659999)}{born}{source.randint(0, 999):03d}"
    return first + check_digit(first)


def _card(source: random.Random) -> str:
    """A bank card of 19 digits with the right check digit (ISO/IEC 7812-1)."""
    first = f"62{source.randint(0, 10**16 - 1):016d}"
    doubled = (int(one) * (2 - place % 2) for place, one in enumerate(reversed(first)))
    return first + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def _written(source: random.Random, number: str) -> str:
    """``number`` as people and machines write it."""
    way = source.randrange(5)
    if way == 1:
        number = number.lower()
    if way == 2:
        return number.translate(WIDE)
    if way == 3 and len(number) == 18:
        return f"{number[:6]}\u3000{number[6:14]} {number[14:]}"
    if way == 4:
        cut = source.randrange(2, len(number) - 2)
        return number if len(number) != 18 else f"{number[:cut]} {number[cut:]}"
    return number


@pytest.mark.parametrize("seed", range(20))
def test_nothing_of_the_middle_survives(seed: int) -> None:
    source = random.Random(seed)
    for _ in range(100):
        number = _id_number(source)
        text = f"{source.choice(['证', '證號：', 'ID', '“', ''])}{_written(source, number)}{source.choice(['。', '，住址', ' ', '号', ''])}"
        shown = masked(text)
        assert len(shown) == len(text)
        digits = "".join(
            one for one in shown.translate(str.maketrans("０１２３４５６７８９", "0123456789")) if one.isdigit()
        )
        assert len(digits) <= 10, (text, shown)
        assert shown.count("*") >= 8
        phone = f"1{source.randint(3, 9)}{source.randint(0, 10**9 - 1):09d}"
        shown = masked(f"{source.choice(['电话', '手机：', 'tel', '(', ''])}{phone}{source.choice(['转', ')', ''])}")
        assert phone[3:7] not in shown
        card = _card(source)
        assert sum(one.isdigit() for one in masked(f"卡号{card}")) == 4


def test_identifiers_digests_and_household_numbers_stay() -> None:
    for _ in range(3000):
        one = new_id()
        assert masked(one) == one
        assert masked(f"/records/{one}?file=1") == f"/records/{one}?file=1"
    digest = "4" * 40 + "a" + "13800138000" + "b" * 12
    assert masked(digest) == digest
    plain = [number for one in range(1, 60) if masked(number := household_no("990101001002", one)) == number]
    assert len(plain) >= 45  # one in ten also passes the bank cards' check


def test_masking_twice_is_masking_once() -> None:
    text = f"{ID} 13812345678 6222021001116245704 {OLD_ID}"
    assert masked(masked(text)) == masked(text)


def test_values_are_masked_however_deep() -> None:
    record_id = new_id()
    value = {"record": record_id, "names": [f"李 {ID}", {"phone": "13812345678"}], "pages": 13812345678, "none": None}
    assert masked_all(value) == {
        "record": record_id,
        "names": ["李 110105********002X", {"phone": "138****5678"}],
        "pages": 13812345678,
        "none": None,
    }


@pytest.fixture
def lines() -> Iterator[Callable[[], str]]:
    """The log as a service would keep it, with the masking that a process sets up when it starts."""
    before = logging.getLogRecordFactory()
    mask_log()
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    log = logging.getLogger("lantai.test_masking")
    log.addHandler(handler)
    log.propagate = False
    yield out.getvalue
    log.removeHandler(handler)
    logging.setLogRecordFactory(before)


def test_no_number_gets_into_the_log(lines: Callable[[], str]) -> None:
    log = logging.getLogger("lantai.test_masking")
    log.warning("file %s of %d bytes: %s", f"李 {ID}.txt", 13812345678, ValueError("tel 13912345678"))
    log.warning("call %(path)s", {"path": f"/search?q={ID}"})
    log.warning("names %s", [f"李 {ID}"])
    log.warning("plain 13712345678")
    try:
        int(f"cannot read {ID}")
    except ValueError:
        log.exception("it failed")
    told = lines()
    for number in (ID, "13912345678", "13712345678"):
        assert number not in told
    assert "13812345678 bytes" in told  # a count is no number of a person
    assert told.count("110105********002X") == 4
    assert "Traceback" in told


def test_a_reason_says_something_and_holds_no_number() -> None:
    assert checked_reason("  核对  银行代发名册 ") == "核对 银行代发名册"
    assert ID not in checked_reason(f"核对 {ID}")
    for nothing in ("", "   ", "核对", "....", "x" * 201):
        with pytest.raises(Invalid):
            checked_reason(nothing)


def test_who_sees_numbers_as_they_are(county: County, put: Callable[..., str]) -> None:
    profile = county.archive.profile
    with county.archive.sessions.begin() as session:
        record = session.query(Record).filter(Record.id == put(session)).one()
        session.expunge(record)
    assert sees_numbers(county.actor("archivist", "bureau"), record, profile) is not None
    assert sees_numbers(county.actor("clerk_township", "east"), record, profile) is not None
    assert sees_numbers(county.actor("clerk_township", "west"), record, profile) is None
    assert sees_numbers(county.actor("preservation_officer", "bureau"), record, profile) is None
    borrower = county.actor("borrower_external", "insurance")
    grant = GrantHeld(
        id=new_id(),
        request_id=new_id(),
        number="2026-0001",
        permissions=frozenset({"record.read", "record.list"}),
        record_ids=frozenset({record.id}),
        case_file_ids=frozenset(),
        ends_at=county.archive.clock.now() + timedelta(days=3),
    )
    assert sees_numbers(replace(borrower, grants=(grant,)), record, profile) is None
    whole = replace(grant, permissions=grant.permissions | {"unmask"})
    because = sees_numbers(replace(borrower, grants=(whole,)), record, profile)
    assert because is not None
    assert because.grant == whole
    internal = county.actor("borrower_internal", "bureau")  # the role is never given numbers, whatever a grant says
    assert sees_numbers(replace(internal, grants=(whole,)), record, profile) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("张伟", "张*"),
        ("欧阳春花", "欧*"),
        ("𠮷田", "𠮷*"),
        ("Aygul Memet", "A*"),
        (" （王）", "王*"),
        ("…", "*"),
        (" ", ""),
    ],
)
def test_how_names_are_masked(name: str, shown: str) -> None:
    assert masked_name(name) == shown


def test_the_longest_name_is_masked_first_and_once() -> None:
    assert without_names("王秀英、王秀和 Anna", ["王秀", "王秀英", "anna", ""]) == "王*、王*和 A*"
    assert without_names("王秀英", []) == "王秀英"


def test_whose_names_are_shown(county: County) -> None:
    profile = county.archive.profile
    household = Household(id=new_id(), household_no=household_no("990101001001", 3), applicant_name="王秀英")
    case = CaseFile(
        id=new_id(),
        household_id=household.id,
        programme="DB",
        title="王秀英（又名王英）低保",
        division_code="990101001001",
        organ_id=county.organs["east"],
        state={},
    )
    supervisor, archivist = county.actor("supervisor", "prefecture"), county.actor("archivist", "bureau")
    assert case_title(archivist, case, household, profile) == case.title
    assert case_title(supervisor, case, household, profile) == "王* 最低生活保障"
    household.applicant_name = ""
    assert case_title(supervisor, case, household, profile) == f"{household.household_no} 最低生活保障"
    assert names_shown(archivist, None, profile)
    assert not names_shown(supervisor, None, profile)
    grant = GrantHeld(
        id=new_id(),
        request_id=new_id(),
        number="2026-0002",
        permissions=frozenset({"record.read"}),
        record_ids=frozenset(),
        case_file_ids=frozenset({case.id}),
        ends_at=None,
    )
    assert names_shown(replace(supervisor, grants=(grant,)), case, profile)
    assert not names_shown(replace(supervisor, grants=(replace(grant, case_file_ids=frozenset()),)), case, profile)
    for organ, shown in (("east", True), ("west", False)):  # a second role shows names as far as it reaches
        both = replace(supervisor, roles=supervisor.roles + county.actor("clerk_township", organ).roles)
        assert names_shown(both, case, profile) is shown
