"""Archival codes: spelling, templates, reading back."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metadata import codes, household
from metadata.errors import Invalid

ITEM = "{fonds}-ZY·{programme}·{year}·{retention}-{file:05d}-{item:03d}"
DAT22 = "{fonds}-WS·{year}-{retention}-{unit}-{item:04d}"
CODE = "J019-ZY·DB·2024·D30-00001-003"
PARTS: dict[str, str | int] = {
    "fonds": "J019",
    "programme": "DB",
    "year": "2024",
    "retention": "D30",
    "file": 1,
    "item": 3,
}


def test_render_and_parse() -> None:
    assert codes.render(ITEM, **PARTS) == CODE
    assert codes.parse(ITEM, CODE) == PARTS
    parts = codes.parse(DAT22, "Z109-WS·2011-Y-办公室-0001")
    assert parts == {"fonds": "Z109", "year": "2011", "retention": "Y", "unit": "办公室", "item": 1}


@pytest.mark.parametrize("dot", list("・•‧．.·"))
@pytest.mark.parametrize("dash", list("—－–-"))
def test_look_alikes(dot: str, dash: str) -> None:
    assert codes.normalise(f" Ｊ０１９{dash}ＺＹ{dot}DB{dot}2024{dot}D30{dash}00001 {dash}003 ") == CODE


def test_household_number_template() -> None:
    number = household.household_no("990101001001", 42)
    parts = codes.parse("{division12}{serial:06d}{check}", number)
    assert parts == {"division12": "990101001001", "serial": 42, "check": number[-1]}


@pytest.mark.parametrize("text", ["", "J019", CODE + "x", CODE.replace("2024", "24"), CODE.replace("D30", "30")])
def test_malformed(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        codes.parse(ITEM, text)
    assert caught.value.code == "code.malformed"


def test_missing_and_wrong_parts() -> None:
    with pytest.raises(Invalid) as caught:
        codes.render(ITEM, fonds="J019")
    assert caught.value.code == "code.part_missing"
    for change in ({"file": 123456}, {"programme": "D-B"}, {"year": "24"}, {"file": "x"}):
        with pytest.raises(Invalid) as caught:
            codes.render(ITEM, **{**PARTS, **change})
        assert caught.value.code == "code.part_wrong"


def test_for_file_name() -> None:
    assert codes.for_file_name(CODE) == "J019-ZY.DB.2024.D30-00001-003"


@given(st.integers(0, 99999), st.integers(0, 999), st.integers(1900, 2100), st.sampled_from(["Y", "D10", "D30"]))
def test_round_trip(file: int, item: int, year: int, retention: str) -> None:
    parts = {**PARTS, "file": file, "item": item, "year": str(year), "retention": retention}
    assert codes.parse(ITEM, codes.render(ITEM, **parts)) == parts
