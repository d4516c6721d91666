"""Safe payload paths: legible, unique, and kept by every system."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repository.bag.manifest import encode_path
from repository.bag.names import readable, safe_payload_paths


def safe(*names: str | bytes) -> list[str]:
    return [path.removeprefix("data/") for path in safe_payload_paths(names)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("申请书.pdf", "申请书.pdf"),
        ("a/b/申请 书.pdf", "a/b/申请 书.pdf"),
        ("e\u0301.txt", "é.txt"),
        ("100%.txt", "100％.txt"),
        ("$HOME", "＄HOME"),
        ('a<b>:"|?*\\c', "a＜b＞：＂｜？＊＼c"),
        ("line\nbreak\r\x00\x7f\u2028", "line_break____"),
        ("trail. . ", "trail____"),
        ("...", "___"),
        (" lead", "_lead"),
        ("con", "_con"),
        ("Con.txt", "_Con.txt"),
        ("com1 .tar.gz", "_com1 .tar.gz"),
        ("console", "console"),
        (".DS_Store", ".DS_Store"),
        ("/abs//x/./y", "abs/x/y"),
        ("a/../b", "a/__/b"),
        ("", "_"),
        ("申请书".encode("gb18030"), "申请书"),
        ("申请书".encode("gb18030").decode("utf-8", "surrogateescape"), "申请书"),
        (b"\xff\xfe.txt", "__.txt"),
        ("~x", "~x"),
    ],
)
def test_one_name(name: str | bytes, expected: str) -> None:
    assert safe(name) == [expected]


def test_long_names_keep_their_extension_and_whole_characters() -> None:
    (name,) = safe("档" * 100 + ".pdf")
    assert name.endswith("档.pdf")
    assert 195 < len(name.encode()) <= 200
    (deep,) = safe("/".join(["夹" * 60] * 20) + "/x.txt")
    assert len(deep.encode()) <= 1000
    assert deep.endswith("/x.txt")


def test_clashes_get_numbers() -> None:
    assert safe("A.txt", "a.TXT", "a~2.txt", "a.txt") == ["A.txt", "a~2.TXT", "a~2~2.txt", "a~3.txt"]
    assert safe("é", "e\u0301", "É") == ["é", "é~2", "É~3"]
    assert safe("dir", "dir/file", "DIR") == ["dir~2", "dir/file", "DIR~3"]
    assert safe("straße", "STRASSE") == ["straße", "STRASSE~2"]
    long = "x" * 250
    assert [len(one) for one in safe(long + "1", long + "2")] == [200, 200]


@given(st.lists(st.text(max_size=30) | st.binary(max_size=30), max_size=12))
def test_always_safe_and_unique(names: list[str | bytes]) -> None:
    paths = safe_payload_paths(names)
    assert len(paths) == len(names)
    folded = [unicodedata.normalize("NFC", path.casefold()) for path in paths]
    assert len(set(folded)) == len(folded)
    for path, fold in zip(paths, folded, strict=True):
        assert path.startswith("data/")
        assert path == unicodedata.normalize("NFC", path)
        assert encode_path(path) == path
        assert not any(other.startswith(fold + "/") for other in folded)
        for part in path.split("/"):
            assert 0 < len(part.encode()) <= 200
            assert part not in {".", ".."}
            assert part[-1] not in ". "
            assert part.isprintable() or not any(unicodedata.category(char) == "Cc" for char in part)
    assert safe_payload_paths(path.removeprefix("data/") for path in paths) == paths  # already safe: left alone


def test_readable() -> None:
    assert readable("张三") == "张三"
    assert readable("张三".encode()) == "张三"
    assert readable(b"\xff") == "_"
