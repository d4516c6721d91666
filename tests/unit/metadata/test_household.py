"""Household numbers, divisions, names, masking."""

from __future__ import annotations

import pytest

from metadata import divisions, household, names
from metadata.divisions import Division, DivisionLevel
from metadata.errors import Invalid


def test_household_number_and_back() -> None:
    number = household.household_no("990101001001", 1)
    assert len(number) == 19
    assert number.startswith("990101001001000001")
    assert household.check_household_no(f" {number.lower()} ") == number
    assert household.division_of(number) == "990101001001"


def test_some_household_number_ends_in_x() -> None:
    endings = {household.household_no("990101001001", serial)[-1] for serial in range(1, 100)}
    assert endings == set("0123456789X")


@pytest.mark.parametrize("serial", [0, -1, 1_000_000])
def test_serial_out_of_range(serial: int) -> None:
    with pytest.raises(Invalid) as caught:
        household.household_no("990101001001", serial)
    assert caught.value.code == "household.serial"


def test_wrong_household_numbers() -> None:
    good = household.household_no("990101001001", 7)
    bad = good[:17] + str((int(good[17]) + 1) % 10) + good[18]
    for text, code in ((bad, "household.check_digit"), (good[:-1], "household.malformed"), ("", "household.malformed")):
        with pytest.raises(Invalid) as caught:
            household.check_household_no(text)
        assert caught.value.code == code


def test_masks() -> None:
    assert household.mask_phone("13812345678") == "138****5678"
    assert household.mask_phone("110") == "***"
    assert household.mask_account("6222021234567890") == "************7890"
    assert household.mask_account("12") == "**"
    assert household.mask_name("张三") == "张*"


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三丰", "张*"),
        ("欧阳修远", "欧阳*"),
        ("歐陽鋒", "歐陽*"),
        ("司马", "司*"),
        ("张　三", "张*"),
        ("阿依古丽•买买提", "阿*"),
        ("", ""),
    ],
)
def test_mask_name(name: str, masked: str) -> None:
    assert names.mask_name(name) == masked


def test_normalise_name() -> None:
    assert names.normalise_name(" 张　三 ") == "张三"
    assert names.normalise_name("阿依古丽•买买提") == "阿依古丽·买买提"
    assert names.normalise_name("Li  Ming") == "Li Ming"


def test_division_levels() -> None:
    levels = [divisions.level_of(code) for code in ("99", "9901", "990101", "990101001", "990101001001")]
    assert levels == list(DivisionLevel)
    assert divisions.level_of("990101000000") == DivisionLevel.COUNTY
    assert divisions.level_of("990000") == DivisionLevel.PROVINCE


def test_division_forms() -> None:
    village = Division("990101001001")
    assert village.parent == Division("990101001000")
    assert Division("99").parent is None
    assert Division("990101").code12 == "990101000000"
    assert village.is_within(Division("9901"))
    assert divisions.checked("９９０１０１") == "990101"


def test_is_within() -> None:
    assert divisions.is_within("990101001001", "990101001")
    assert divisions.is_within("990101001001", "990101000000")
    assert divisions.is_within("990101001001", "")
    assert not divisions.is_within("990101", "990101001")
    assert not divisions.is_within("990102001001", "990101")


@pytest.mark.parametrize("code", ["", "9", "99010", "99010a", "0001", "9901010010011"])
def test_malformed_division(code: str) -> None:
    with pytest.raises(Invalid) as caught:
        divisions.checked(code)
    assert caught.value.code == "division.malformed"


def test_an_id_number_in_the_wrong_field_is_not_repeated() -> None:
    with pytest.raises(Invalid) as caught:
        household.check_household_no("11010519491231002X")
    assert "11010519491231002X" not in f"{caught.value.zh}{caught.value.en}{caught.value.params}"
    assert caught.value.params["household_no"] == "110105********002X"
