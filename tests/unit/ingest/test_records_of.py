"""What becomes one record: pure rules over names."""

from __future__ import annotations

import pytest

from ingest.deposit_list import DepositList
from ingest.files import FileRow, bag_roots, marked
from ingest.records_of import RecordOf, group, name_by_type, named_by_device


def rows(*paths: str, mime: str | None = None) -> list[FileRow]:
    received = [
        FileRow(number, number, path, None, path, None, 1, None, None, None, mime, "payload", None)
        for number, path in enumerate(paths)
    ]
    return marked(received, None)


def told(records: list[RecordOf], given: list[FileRow]) -> list[tuple[str, str, list[str]]]:
    return [(one.kind, one.title, [given[number].path for number in one.files]) for one in records]


def grouped(given: list[FileRow], **options: object) -> list[tuple[str, str, list[str]]]:
    chosen = {"listed": None, "prefix": "", "one_record": False, "title": "全部", "limit": 100} | options
    return told(group(given, **chosen)[0], given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("paths", "runs"),
    [
        (["a_1.jpg", "a_2.jpg", "a_10.jpg", "a_3.jpg"], [["a_1.jpg", "a_2.jpg", "a_3.jpg"], ["a_10.jpg"]]),
        (["1.tif", "2.tiff"], [["1.tif", "2.tiff"]]),
        (["扫描 (1).png", "扫描 (2).png"], [["扫描 (1).png", "扫描 (2).png"]]),
        (["x/p01.jpg", "y/p02.jpg"], [["x/p01.jpg"], ["y/p02.jpg"]]),
        (["p1.jpg", "p2.png"], [["p1.jpg"], ["p2.png"]]),
        (["表1.docx", "表2.docx"], [["表1.docx"], ["表2.docx"]]),
        (["申请.jpg", "证明.jpg"], [["申请.jpg"], ["证明.jpg"]]),
        (["p1.jpg", "P2.jpg"], [["p1.jpg", "P2.jpg"]]),
    ],
)
def test_runs_of_page_images(paths: list[str], runs: list[list[str]]) -> None:
    assert sorted(files for _, _, files in grouped(rows(*paths))) == sorted(runs)


def test_what_is_no_image_is_no_page() -> None:
    assert len(grouped(rows("p1.jpg", "p2.jpg", mime="text/plain"))) == 2


def test_titles() -> None:
    found = grouped(rows("户/入户调查_1.jpg", "户/入户调查_2.jpg", "户/01.jpg", "户/02.jpg", "a.tar.gz", "无后缀"))
    assert [title for _, title, _ in found] == ["入户调查", "户", "a.tar", "无后缀"]


def test_one_record_takes_what_is_left() -> None:
    given = rows("a.txt", "b.txt", "包/bagit.txt", "包/data/c.txt", "包/manifest-sha256.txt")
    found, _ = group(given, listed=None, prefix="", one_record=True, title="全部", limit=100)
    assert told(found, given) == [
        ("whole", "全部", ["a.txt", "b.txt"]),
        ("bag", "包", ["包/data/c.txt"]),
    ]
    assert [given[number].path for number in found[1].tags] == ["包/bagit.txt", "包/manifest-sha256.txt"]


def test_a_list_says_what_belongs_together() -> None:
    listed = DepositList.model_validate(
        {"format": "lantai-deposit-list/1", "records": [{"title": "申请", "files": ["b.txt", "a.txt"]}]}
    )
    given = rows("袋/a.txt", "袋/b.txt", "袋/c.txt")
    assert grouped(given, listed=listed, prefix="袋") == [
        ("listed", "申请", ["袋/b.txt", "袋/a.txt"]),
        ("file", "c", ["袋/c.txt"]),
    ]


def test_a_record_too_large_is_split_and_said() -> None:
    given = rows(*(f"文{number}甲.txt" for number in range(7)))
    records, said = group(given, listed=None, prefix="", one_record=True, title="全部", limit=3)
    assert [(one.title, len(one.files), one.part) for one in records] == [
        ("全部 (1/3)", 3, 1),
        ("全部 (2/3)", 3, 2),
        ("全部 (3/3)", 1, 3),
    ]
    assert [one.code for one in said] == ["record.split"]


def test_outermost_bags_only() -> None:
    paths = ["bagit.txt", "data/inner/bagit.txt", "x/bagit.txt"]
    assert bag_roots(paths) == [""]
    assert bag_roots(["a/bagit.txt", "ab/bagit.txt", "a/data/b/bagit.txt", "bagit.txt.old"]) == ["a", "ab"]


@pytest.mark.parametrize(
    ("title", "by_device"),
    [
        ("scan", True),
        ("IMG_20260301_101500–IMG_20260302_090000", True),
        ("微信图片_20260301101500", True),
        ("mmexport1712345678901", True),
        ("001", True),
        ("扫描件 (3)", True),
        ("入户调查照片", False),
        ("邱文德申请书 scan", False),
        ("家庭照片说明", False),
    ],
)
def test_a_name_that_only_a_device_gave_is_told_from_a_title(title: str, by_device: bool) -> None:
    assert named_by_device(title) is by_device


def test_what_a_device_named_is_called_by_the_type_chosen_for_all() -> None:
    given = rows("IMG_20260301_101500.jpg", "收入证明.jpg", "IMG_20260305_090000.jpg")
    records, _ = group(given, listed=None, prefix="", one_record=False, title="全部", limit=100)
    name_by_type(records, "入户调查照片")
    assert [one.title for one in records] == ["入户调查照片 (1)", "收入证明", "入户调查照片 (2)"]
    single, _ = group(
        rows("scan_001.jpg", "scan_002.jpg"), listed=None, prefix="", one_record=False, title="全部", limit=100
    )
    name_by_type(single, "入户调查照片")
    assert [one.title for one in single] == ["入户调查照片"]
