"""Personal numbers never reach the index or a snippet in clear."""

from __future__ import annotations

import pytest

from metadata.household import household_no
from metadata.idcard import check_digit
from search import numbers
from search.analysis import fold

ID = "11010519491231002X"
CARD = "6222021001116245704"  # a test number with the right Luhn digit is not needed: any long run is hidden
HOUSEHOLD = household_no("990101001002", 17)


def blind(text: str, purpose: str) -> str:
    return f"{purpose}-{text}".encode().hex()


def found(text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.number) for one in numbers.find(fold(text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"身份证号{ID}。", [("id", ID)]),
        ("身份证号１１０１０５１９４９１２３１００２ｘ", [("id", ID)]),
        ("110105 19491231 002x", [("id", ID)]),
        ("电话13800138000张三", [("phone", "13800138000")]),
        ("+86 138 0013 8000", [("phone", "13800138000")]),
        ("0436-8812345", [("phone", "04368812345")]),
        (f"账号：{CARD}", [("account", CARD)]),
        ("6222 0210 0111 6245 704", [("account", CARD)]),
        ("110105194912310021", [("account", "110105194912310021")]),  # wrong check digit: still a number to hide
        ("2021-01-05 2022-03-04", []),
        ("20210105123000", []),
        ("第57号", []),
    ],
)
def test_finding(text: str, expected: list[tuple[str, str]]) -> None:
    assert found(text) == expected


def test_household_numbers_are_not_hidden() -> None:
    plain = [one for one in range(1, 60) if not found(household_no("990101001002", one))]
    assert len(plain) >= 45  # about one in ten also passes the bank cards' check and is searched by its hash


def test_hidden_text_holds_no_number() -> None:
    text, hidden = numbers.hide(fold(f"张三{ID}电话13800138000住"), "\x00")
    assert text == "张三\x00电话\x00住"
    assert hidden == [ID, "13800138000"]
    assert numbers.hide("无", "\x00") == ("无", [])


def test_masks_keep_the_length() -> None:
    text = f"身份证 {ID} 电话 138-0013-8000 账号 6222 0210 0111 6245 704"
    shown = numbers.masked(text, fold(text))
    assert len(shown) == len(text)
    assert shown == "身份证 110105********002X 电话 138-****-8000 账号 **** **** **** ***5 704"


def test_terms_are_hashed_and_find_numbers_inside_runs() -> None:
    terms = numbers.hashes(ID, blind)
    assert len(terms) == 2
    assert not any(ID in one or ID[-4:] in one for one in terms)
    other = "110105199001010" + "01"
    other += check_digit(other)
    run = ID[:17] + "9" + other
    assert other in numbers.inner_ids(run)
    assert numbers.exact_term(other, blind) in numbers.hashes(run, blind)


def test_endless_digits_are_hidden_and_not_looked_into() -> None:
    digits = ID[:17] * 1000
    assert numbers.hide(digits, "\x00") == ("\x00", [digits])
    assert len(numbers.hashes(digits, blind)) == 2
