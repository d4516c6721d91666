"""ID numbers: GB 11643-1999."""

from __future__ import annotations

from datetime import date

import pytest

from metadata import idcard
from metadata.errors import Invalid

KNOWN = "11010519491231002X"  # the standard's own example


def test_known_number() -> None:
    number = idcard.parse(f" {KNOWN}\n")
    assert (number.division, number.born, number.sex, number.legacy) == ("110105", date(1949, 12, 31), "female", False)
    assert idcard.check_digit(KNOWN[:17]) == "X"


def test_legacy_number_has_no_check_character() -> None:
    number = idcard.parse("110105491231003")
    assert (number.born, number.sex, number.legacy) == (date(1949, 12, 31), "male", True)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "idcard.length"),
        ("1101051949123100", "idcard.length"),
        (KNOWN.lower(), "idcard.length"),
        ("110105194912310021", "idcard.check_digit"),
        ("110105194902310020", "idcard.date"),
        ("110105000012310020", "idcard.date"),
        ("110105499931003", "idcard.date"),
        ("１１０１０５１９４９１２３１００２X", "idcard.length"),
    ],
)
def test_refused(text: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        idcard.parse(text)
    assert caught.value.code == code
    assert not idcard.is_valid(text)
    assert not text or (text not in caught.value.zh + caught.value.en + str(caught.value.params))


def test_check_digit_wants_seventeen_digits() -> None:
    with pytest.raises(Invalid):
        idcard.check_digit("123")


def test_every_single_wrong_digit_is_seen() -> None:
    for place in range(17):
        for digit in "0123456789":
            changed = KNOWN[:place] + digit + KNOWN[place + 1 :]
            assert idcard.is_valid(changed) == (changed == KNOWN)


def test_mask() -> None:
    assert idcard.mask(KNOWN) == "110105********002X"
    assert idcard.mask("110105491231003") == "110105*****1003"
    assert idcard.mask("12345") == "*****"
    assert KNOWN not in repr(idcard.parse(KNOWN))


def test_find_all() -> None:
    text = f"身份证号{KNOWN}，另 11010519491231002x；错号110105194912310021；账号6222{KNOWN}；１１０１０５１９４９１２３１００２Ｘ。"
    found = list(idcard.find_all(text))
    assert [number for _, _, number in found] == [KNOWN] * 3
    start, end, _ = found[0]
    assert text[start:end] == KNOWN
