"""The items of the four-property check, and where findings belong."""

from __future__ import annotations

from importlib import resources

import pytest

from ingest.findings import KINDS
from metadata.errors import Invalid
from metadata.four_properties import FILE, STAGES, four_properties, load

DATA = (resources.files("metadata.four_properties") / FILE).read_bytes()
OUTSIDE = {"personal.found", "record.left_out", "record.split"}
"""Findings that are knowingly no matter of the four properties; a new one is added here with a reason."""


def test_the_items_stand_in_the_order_of_the_standard() -> None:
    known = four_properties()
    wanted = [
        f"{letter}{number}"
        for letter, count in (("A", 13), ("I", 11), ("U", 7), ("X", 7))
        for number in range(1, count + 1)
    ]
    assert list(known.items) == wanted
    assert [one.zh for one in known.properties.values()] == ["真实性", "完整性", "可用性", "安全性"]
    assert tuple(known.stages) == STAGES


def test_stages_differ_where_the_standard_says() -> None:
    known = four_properties()
    filing, transfer, kept = ({one.code for one in known.of_stage(stage)} for stage in STAGES)
    assert filing - transfer == {"I9"}
    assert transfer - filing == {"U5"}
    assert kept - transfer == {"X7"}
    assert transfer - kept == {"A11"}
    assert "I9" in {one.code for one in known.of_stage("P", household=True)}


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_finding_leads_to_an_item_or_is_knowingly_outside(code: str) -> None:
    known = four_properties()
    items = known.items_of(code, KINDS[code].clause)
    assert set(items) <= set(known.items)
    assert bool(items) != (code in OUTSIDE)
    assert (code in known.outside) == (code in OUTSIDE)


def test_a_file_that_was_not_looked_into_is_no_pass_for_anything_inside_it() -> None:
    known = four_properties()
    told = known.items_of("readability.not_checked", KINDS["readability.not_checked"].clause)
    assert {"I7", "U4", "U7", "A1", "A6", "X2"} == set(told)
    assert known.items_of("bag.tag_encoding", "RFC 8493 2.1.1 (B13)") == ("U1",)
    assert known.items_of("bag.missing_data", "RFC 8493 2.1.2 (B01)") == ("A12",)


def test_codes_named_in_the_data_are_in_the_catalogue() -> None:
    known = four_properties()
    assert known.not_checked | known.outside | set(known.findings) <= set(KINDS)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        (b"  - code: A2\n", b"  - code: A1\n", "items[1].code"),
        (b"clause: DA/T 31-2017, item: U4", b"clause: DA/T 31-2017, item: U9", "clauses[7].item"),
        (b"automatic: partly\n    status: verified_secondary", b"automatic: maybe\n    status: verified_secondary", "items[0].automatic"),
        (b"    zh: \xe5\x9b\xba\xe5\x8c\x96", b"    zhh: \xe5\x9b\xba\xe5\x8c\x96", "items[0].zhh"),
    ],
)  # fmt: skip
def test_a_fault_in_the_data_names_file_line_and_key(old: bytes, new: bytes, key: str) -> None:
    assert old in DATA
    with pytest.raises(Invalid) as caught:
        load(DATA.replace(old, new, 1))
    assert caught.value.params["key"] == key
    assert caught.value.params["file"] == FILE
    assert int(str(caught.value.params["line"])) > 1
