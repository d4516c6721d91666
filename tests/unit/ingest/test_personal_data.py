"""Personal numbers are counted by kind, and what only looks like one is not."""

from __future__ import annotations

import pytest

from ingest.checks import personal_data
from metadata import idcard


def number(first17: str) -> str:
    """An ID number with its right check character."""
    return first17 + idcard.check_digit(first17)


def card(digits: str) -> str:
    """``digits`` with the Luhn check digit."""
    doubled = (int(one) * (2 - place % 2) for place, one in enumerate(reversed(digits)))
    return digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


ID = number("99010119800101001")
CARD = card("621700123456789012")


def counted(text: str) -> tuple[int, int, int] | None:
    """ID numbers, accounts, telephones."""
    told = list(personal_data.run("a.txt", text))
    return tuple(told[0].params[kind] for kind in ("id", "account", "phone")) if told else None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"身份证号：{ID}，电话13800138000", (1, 0, 1)),
        (f"账号 {CARD[:4]} {CARD[4:8]} {CARD[8:12]} {CARD[12:16]} {CARD[16:]}", (0, 1, 0)),
        (f"开户行 {CARD}", (0, 1, 0)),
        ("".join(chr(ord(one) + 0xFEE0) for one in ID), (1, 0, 0)),
        (ID + ID, (2, 0, 0)),
        ("办公电话 0317-1234567 或 +86 138 0013 8000", (0, 0, 2)),
    ],
)
def test_numbers_are_counted(text: str, expected: tuple[int, int, int]) -> None:
    assert counted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "没有号码的文字",
        ID[:-1] + ("1" if ID[-1] != "1" else "2"),
        CARD[:-1] + str((int(CARD[-1]) + 1) % 10),
        card("121700123456789012"),
        card("62170012345678"),
        "2021年4月14日 19:30:08，第 123456 号，金额 1,234,567.00 元",
    ],
)
def test_what_only_looks_like_one_is_not_counted(text: str) -> None:
    assert counted(text) is None


def test_nothing_of_a_number_is_in_the_finding() -> None:
    (told,) = personal_data.run("a.txt", f"{ID} {CARD} 13800138000")
    assert told.params == {"id": 1, "account": 1, "phone": 1}
