"""Bags are held to the BagIt profiles that they name; a profile that is not known here is no pass."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bagit
import pytest
from sqlalchemy import select

from ingest import bag_profiles
from ingest.bag_profiles import BagProfile
from ingest.checks import bag_profile
from ingest.checks.bag_profile import BagFacts
from ingest.context import Context
from repository.archive import Archive
from repository.tables import Finding

NAME = "https://example.org/profiles/minzheng.json"
SIZES = {
    "bagit.txt": 50,
    "bag-info.txt": 90,
    "manifest-sha256.txt": 100,
    "tagmanifest-sha256.txt": 200,
    "metadata/ead.xml": 10,
    "data/a.pdf": 7,
}


def profile(**demands: Any) -> dict[str, Any]:
    """A profile as JSON that demands nothing but ``demands``; underscores stand for hyphens."""
    named = {name.replace("__", ".").replace("_", "-"): value for name, value in demands.items()}
    return {"BagIt-Profile-Info": {"BagIt-Profile-Identifier": NAME, "Contact-Name": "张三"}, **named}


def reasons(
    demands: dict[str, Any],
    *,
    info: tuple[tuple[str, str], ...] = (),
    version: str = "1.0",
    sizes: dict[str, int] | None = None,
    container: str | None = None,
) -> list[str]:
    """What is wrong with a bag under a profile, in English."""
    bag = BagFacts((("BagIt-Profile-Identifier", NAME), *info), version, sizes or SIZES, container)
    told = list(bag_profile.run("包", bag, {NAME: BagProfile.model_validate(profile(**demands))}))
    assert {one.code for one in told} <= {"bag_profile.violation"}
    assert all(one.path == "包" and one.params["profile"] == NAME and one.params["reason_zh"] for one in told)
    return [one.params["reason_en"] for one in told]


@pytest.mark.parametrize(
    ("demands", "more", "expected"),
    [
        ({}, {}, None),
        ({"Bag_Info": {"Source-Organization": {"required": True}}}, {}, "lacks “Source-Organization”"),
        ({"Bag_Info": {"X": {"required": True}}}, {"info": (("x", "1"),)}, None),
        ({"Bag_Info": {"X": {"repeatable": False}}}, {"info": (("X", "1"), ("X", "2"))}, "only once"),
        ({"Bag_Info": {"X": {"values": ["a", "b"]}}}, {"info": (("X", "张三"),)}, "one of: a, b"),
        ({"Bag_Info": {"X": {"values": ["a"]}}}, {"info": (("X", "a"),)}, None),
        ({"Manifests_Required": ["sha512"]}, {}, "manifest-sha512.txt is missing"),
        ({"Manifests_Required": ["SHA256"]}, {}, None),
        ({"Manifests_Allowed": ["sha512"]}, {}, "manifest-sha256.txt is not allowed"),
        ({"Tag_Manifests_Required": ["md5"]}, {}, "tagmanifest-md5.txt is missing"),
        ({"Tag_Manifests_Allowed": []}, {}, "tagmanifest-sha256.txt is not allowed"),
        ({"Tag_Files_Required": ["metadata/ead.xml"]}, {}, None),
        ({"Tag_Files_Required": ["metadata/mets.xml"]}, {}, "“metadata/mets.xml” is missing"),
        ({"Tag_Files_Allowed": ["*.txt"]}, {}, "1 tag file(s) not allowed, as “metadata/ead.xml”"),
        ({"Tag_Files_Allowed": ["metadata/*"]}, {}, None),
        ({"Payload_Files_Required": ["data/b.pdf"]}, {}, "“data/b.pdf” is missing"),
        ({"Payload_Files_Allowed": ["data/*.tif"]}, {}, "1 payload file(s) not allowed, as “data/a.pdf”"),
        ({"Data_Empty": True}, {}, "payload must be empty"),
        ({"Data_Empty": True}, {"sizes": {"bagit.txt": 1, "data/.keep": 0}}, None),
        ({"Allow_Fetch__txt": False}, {"sizes": {**SIZES, "fetch.txt": 1}}, "fetch.txt is not allowed"),
        ({"Fetch__txt_Required": True}, {}, "fetch.txt is missing"),
        ({"Accept_BagIt_Version": ["0.97"]}, {}, "version must be 0.97"),
        ({"Serialization": "required"}, {}, "as one packed file"),
        ({"Serialization": "forbidden"}, {"container": "包.zip"}, "as a folder"),
        ({"Accept_Serialization": ["application/tar"]}, {"container": "包.zip"}, "packed as: application/tar"),
        ({"Accept_Serialization": ["application/x-tar"]}, {"container": "包.TAR"}, None),
    ],
)
def test_every_demand(demands: dict[str, Any], more: dict[str, Any], expected: str | None) -> None:
    told = reasons(demands, **more)
    assert len(told) == (expected is not None)
    if expected is not None:
        assert expected in told[0]
        assert "张三" not in told[0]


def test_a_bag_that_names_no_profile_is_held_to_none() -> None:
    assert list(bag_profile.run(".", BagFacts((("Bag-Size", "1"),), "1.0", SIZES, None), {})) == []


def test_files_that_are_no_profiles_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(profile()), encoding="utf-8")
    (tmp_path / "b.json").write_text("{}", encoding="utf-8")
    (tmp_path / "c.json").write_text("no json", encoding="utf-8")
    assert set(bag_profiles.load(tmp_path)) == {NAME}
    assert bag_profiles.load(tmp_path / "none") == {}
    assert bag_profiles.load(None) == {}


@pytest.mark.parametrize("packed", [False, True])
def test_a_deposited_bag_is_held_to_the_site_s_profiles(
    *,
    packed: bool,
    context: Context,
    deposit: Callable[..., tuple[str, str]],
    archive: Archive,
    tmp_path: Path,
) -> None:
    context.bag_profiles = tmp_path / "profiles"
    context.bag_profiles.mkdir()
    demanded = profile(Bag_Info={"Source-Organization": {"required": True}}, Serialization="required")
    (context.bag_profiles / "minzheng.json").write_text(json.dumps(demanded), encoding="utf-8")
    root = tmp_path / "包"
    root.mkdir()
    (root / "a.txt").write_text("甲", encoding="utf-8")
    named = {"BagIt-Profile-Identifier": [NAME, "https://example.org/other.json"]}
    bagit.make_bag(str(root), named, checksums=["sha256"])
    source = Path(shutil.make_archive(str(tmp_path / "包"), "zip", tmp_path, "包")) if packed else root
    submission_id, state = deposit(source)
    assert state == "rejected"
    with archive.reading() as session:
        wanted = select(Finding).where(Finding.submission_id == submission_id, Finding.code.like("bag_profile.%"))
        found = [(one.code, one.outcome, one.params) for one in session.scalars(wanted.order_by(Finding.seq))]
    broken = [params["reason_en"] for code, _, params in found if code == "bag_profile.violation"]
    assert len(broken) == 2 - packed
    assert "Source-Organization" in broken[0]
    assert ("bag_profile.unknown", "not_checked", {"profile": "https://example.org/other.json"}) in found
