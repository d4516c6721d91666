"""The synthetic county: same seed same bytes, every file what it claims, every number valid and fictional."""

from __future__ import annotations

import hashlib
import io
import json
import wave
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pygfried
import pypdfium2
import pytest
from PIL import Image

from lantai.sample import SampleSummary, write_sample
from lantai.sample.county import COUNTY, VILLAGES
from lantai.sample.papers import profile
from lantai.sample.people import household
from metadata import divisions, idcard
from metadata.errors import Invalid
from metadata.household import check_household_no, division_of

HOUSEHOLDS, SEED = 12, 7
PUIDS = {
    ".jpg": {"fmt/42", "fmt/43", "fmt/44", "fmt/645"},
    ".tif": {"fmt/353"},
    ".pdf": {"fmt/276", "fmt/477"},
    ".docx": {"fmt/412"},
    ".xlsx": {"fmt/214"},
    ".txt": {"x-fmt/111"},
    ".wav": {"fmt/6", "fmt/141"},
    ".avi": {"fmt/5"},
}


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("county")
    write_sample(out, households=HOUSEHOLDS, seed=SEED)
    return out


@pytest.fixture(scope="module")
def deposit_list(county: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((county / "deposit-list.json").read_text(encoding="utf-8"))
    return read


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def one_of(county: Path, suffix: str) -> Path:
    return min(county.rglob(f"*{suffix}"))


def test_same_seed_same_bytes_in_one_process_or_many(county: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    write_sample(again, households=2, seed=SEED)
    write_sample(other, households=2, seed=SEED + 1)
    written, first = digests(county), digests(again)
    of_households = {name: digest for name, digest in first.items() if name.startswith("households/")}
    assert len(of_households) > 60
    assert of_households.items() <= written.items()
    assert first != digests(other)


def test_summary_counts(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    summary = write_sample(
        tmp_path / "new" / "folder", households=1, seed=1, progress=lambda done, of: told.append((done, of))
    )
    files = [path for path in (tmp_path / "new").rglob("*") if path.is_file() and path.name != "deposit-list.json"]
    records = json.loads((tmp_path / "new" / "folder" / "deposit-list.json").read_text(encoding="utf-8"))["records"]
    assert summary == SampleSummary(1, len(records), len(files), sum(path.stat().st_size for path in files))
    assert told == [(1, 1)]
    assert summary.as_dict()["files"] == len(files)


def test_a_folder_in_use_and_no_households_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(Invalid) as caught:
        write_sample(tmp_path, households=1, seed=1)
    assert caught.value.code == "sample.not_empty"
    with pytest.raises(Invalid) as caught:
        write_sample(tmp_path / "none", households=0, seed=1)
    assert caught.value.code == "sample.households"
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_list_names_every_file_once(county: Path, deposit_list: dict[str, Any]) -> None:
    named = [name for record in deposit_list["records"] for name in record["files"]]
    there = [str(path.relative_to(county)) for path in county.rglob("*") if path.is_file()]
    assert sorted([*named, "deposit-list.json"]) == sorted(there)
    assert deposit_list["format"] == "lantai-deposit-list/1"
    assert deposit_list["synthetic"] is True


def test_no_two_files_are_alike(county: Path) -> None:
    assert [name for name, times in Counter(digests(county).values()).items() if times > 1] == []


def test_every_file_is_what_its_name_says(county: Path, deposit_list: dict[str, Any]) -> None:
    seen = set()
    for record in deposit_list["records"]:
        for name in record["files"]:
            suffix = Path(name).suffix
            seen.add(suffix)
            assert pygfried.identify(str(county / name)) in PUIDS[suffix], name
    assert seen == set(PUIDS)


def test_about_forty_files_a_confirmed_household(deposit_list: dict[str, Any]) -> None:
    counts: Counter[str] = Counter()
    for record in deposit_list["records"]:
        if len(record["household_nos"]) == 1 and record["files"][0].startswith("households/"):
            counts[record["household_nos"][0]] += len(record["files"])
    confirmed = [
        one for one in deposit_list["case_files"] if any(event["event"] == "confirmed" for event in one["events"])
    ]
    assert len(confirmed) == HOUSEHOLDS - 2
    assert all(38 <= counts[one["household_no"]] <= 52 for one in confirmed)


def test_numbers_are_valid_and_fictional(deposit_list: dict[str, Any]) -> None:
    numbers = set()
    for one in deposit_list["case_files"]:
        assert check_household_no(one["household_no"]) == one["household_no"]
        assert division_of(one["household_no"]) == one["division_code"]
        assert divisions.is_within(one["division_code"], COUNTY)
        for person in (one["applicant"], *one["members"]):
            assert idcard.parse(person["id_number"]).division == COUNTY
            numbers.add(person["id_number"])
    assert len({one["household_no"] for one in deposit_list["case_files"]}) == HOUSEHOLDS
    assert len(numbers) == sum(1 + len(one["members"]) for one in deposit_list["case_files"])
    assert {one["division_code"] for one in deposit_list["case_files"]} == {village.code for village in VILLAGES}


def test_records_keep_to_the_profile(deposit_list: dict[str, Any]) -> None:
    rules = profile()
    households = {one["household_no"] for one in deposit_list["case_files"]}
    for record in deposit_list["records"]:
        kind = rules.document_types[record["document_type"]]
        assert set(record["household_nos"]) <= households
        assert (kind.level == "household") == record["files"][0].startswith("households/")
        assert set(record["access_marks"]) <= set(rules.access_marks)
    for one in deposit_list["case_files"]:
        assert {event["event"] for event in one["events"]} <= set(rules.events)
        assert set(one["facts"]) <= set(rules.facts)


def test_every_document_type_that_events_call_for(deposit_list: dict[str, Any]) -> None:
    written = {record["document_type"] for record in deposit_list["records"]}
    wanted = {
        code
        for code in profile().document_types
        if code[:3] in {"APP", "CHK", "REV", "CON", "DYN", "STP", "REG", "STA", "KUA"}
    }
    assert wanted - written == set()


def test_required_documents_of_each_case_are_there(deposit_list: dict[str, Any]) -> None:
    for one in deposit_list["case_files"]:
        facts, events = frozenset(one["facts"]), {event["event"] for event in one["events"]}
        types = {
            record["document_type"]
            for record in deposit_list["records"]
            if one["household_no"] in record["household_nos"]
        }
        for code, kind in profile().document_types.items():
            if kind.level == "household" and kind.event in events and kind.serves("DB"):
                if kind.required == "always" or (kind.when is not None and kind.when.holds(facts)):
                    assert code in types
                elif kind.required == "if":
                    assert code not in types


def test_both_scripts(county: Path, deposit_list: dict[str, Any]) -> None:
    titles = {record["title"] for record in deposit_list["records"] if record["document_type"] == "APP01"}
    assert titles == {"最低生活保障申请书", "最低生活保障申請書"}
    texts = [path.read_bytes().decode("gb18030") for path in county.rglob("*.txt")]
    assert any("該" in text or "經" in text for text in texts)
    assert all("合成样例 SYNTHETIC" in text for text in texts)


def test_documents_open_and_say_that_they_are_synthetic(county: Path) -> None:
    document = pypdfium2.PdfDocument(one_of(county, ".pdf"))
    assert "SYNTHETIC" in document[0].get_textpage().get_text_bounded()
    document.close()
    assert docx.Document(str(one_of(county, ".docx"))).paragraphs[-1].text == "合成样例 SYNTHETIC"
    book = openpyxl.load_workbook(one_of(county, ".xlsx"))
    assert "合成样例 SYNTHETIC" in {row[0] for row in book.worksheets[0].iter_rows(values_only=True)}
    assert {member.date_time[0] for member in zipfile.ZipFile(one_of(county, ".docx")).infolist()} == {1980}
    assert "合成样例".encode() in one_of(county, ".avi").read_bytes()
    with wave.open(str(one_of(county, ".wav"))) as recording:
        assert recording.getnframes() == 3 * recording.getframerate()


def test_pictures(county: Path) -> None:
    run = sorted(county.rglob("*CHK07*/scan_*.jpg"))
    assert len(run) >= 3
    with Image.open(run[0]) as page:
        assert (page.mode, page.size) == ("L", (827, 1169))
    with Image.open(min(county.rglob("*APP03*.tif"))) as pages:
        assert (pages.format, getattr(pages, "n_frames", 1)) == ("TIFF", 2)
    with Image.open(min(county.rglob("IMG_*.jpg"))) as photograph:
        assert photograph.getexif().get_ifd(0x8769)[0x9003].startswith("20")
    frames = one_of(county, ".avi").read_bytes().split(b"00dc")[1:17]
    with Image.open(io.BytesIO(frames[0][4:])) as frame:
        assert frame.size == (320, 240)


def test_a_household_does_not_hang_on_how_many_there_are() -> None:
    assert household(SEED, 3) == household(SEED, 3)
    assert household(SEED, 3) != household(SEED + 1, 3)
