"""Text of every format that is read, in every encoding that is tried; what cannot be read fails quietly."""

from __future__ import annotations

import codecs
import io
import random
import zipfile
from pathlib import Path

import pytest

from ingest.extract import text
from ingest.extract.text import extract, reader_for

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_pdf_page_by_page(pdf: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pdf)
    for source in (pdf, path):
        read = extract(source, "application/pdf", "fmt/20", "a.pdf")
        assert (read.state, [page.strip() for page in read.pages]) == ("done", ["城市低保檔案", "第二頁，劉三。"])
        assert read.engine.startswith("pypdfium2 ")


def test_word_and_sheets(word: bytes, sheet: bytes) -> None:
    read = extract(word, DOCX, "fmt/412", "a.docx")
    assert read.state == "done"
    for part in ("低保檔案", "申請人劉三。", "戶號"):
        assert part in read.pages[0]
    read = extract(sheet, XLSX, "fmt/214", "a.xlsx")
    for part in ("劉三", "530.5", "二月", "停发"):
        assert part in read.pages[0]
    assert extract(word, "application/zip", None, "a.docx").state == "done"


def test_ofd_in_page_order(ofd: bytes) -> None:
    assert extract(ofd, "application/zip", "lantai-fmt/ofd", "a.ofd").pages == ["低保檔案", "末頁"]


@pytest.mark.parametrize(
    "data",
    [
        "低保檔案\n第二行".encode(),
        "低保檔案\n第二行".encode("gb18030"),
        codecs.BOM_UTF8 + "低保檔案\n第二行".encode(),
        codecs.BOM_UTF16_LE + "低保檔案\n第二行".encode("utf-16-le"),
        codecs.BOM_UTF16_BE + "低保檔案\n第二行".encode("utf-16-be"),
    ],
)
def test_plain_text_in_its_encodings(data: bytes) -> None:
    read = extract(data, "text/plain", "x-fmt/111", "a.txt")
    assert (read.state, read.pages) == ("done", ["低保檔案\n第二行"])


def test_rare_characters_of_gb18030() -> None:
    assert extract("䶮𬭎".encode("gb18030"), "text/plain", None, "a.txt").pages == ["䶮𬭎"]


@pytest.mark.parametrize(("charset", "encoding"), [("gb2312", "gb18030"), ("utf-8", "utf-8"), ("utf-8", "gb18030")])
def test_html_whatever_it_says_about_itself(charset: str, encoding: str) -> None:
    page = f'<html><head><meta charset="{charset}"><script>秘密()</script></head><body><p>低保檔案&amp;朱镕基</p></body></html>'
    read = extract(page.encode(encoding), "text/html", None, "a.html")
    assert read.state == "done"
    assert "低保檔案&朱镕基" in read.pages[0]
    assert "秘密" not in read.pages[0]


def test_rtf() -> None:
    read = extract(rb"{\rtf1\ansi\uc1 \u20302?\u20445?}", "text/rtf", "fmt/355", "a.rtf")
    assert "低保" in read.pages[0]


@pytest.mark.parametrize(
    ("data", "mime", "name", "state"),
    [
        (b"\xff\xd8\xff", "image/jpeg", "a.jpg", "not_applicable"),
        (b"RIFF", "audio/x-wav", "a.wav", "not_applicable"),
        (b"PK\x03\x04", "application/zip", "a.zip", "not_applicable"),
        (b"\xd0\xcf\x11\xe0", "application/msword", "a.doc", "not_applicable"),
        (b"\x00\x01", None, "a.bin", "not_applicable"),
        (b"%PDF-1.7 broken", "application/pdf", "a.pdf", "failed"),
        (b"PK broken", DOCX, "a.docx", "failed"),
        (b"PK broken", "application/ofd", "a.ofd", "failed"),
        (bytes(range(256)) * 40, "text/plain", "a.txt", "failed"),
        (b" \n\n ", "text/plain", "a.txt", "none"),
    ],
)
def test_what_has_no_text(data: bytes, mime: str | None, name: str, state: str) -> None:
    read = extract(data, mime, None, name)
    assert (read.state, read.pages) == (state, [])


def test_hostile_ofd_is_refused() -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(
            "Doc_0/Pages/Page_0/Content.xml", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
        )
    assert extract(out.getvalue(), "application/ofd", None, "a.ofd").state == "failed"
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("Doc_0/Pages/Page_0/Content.xml", b" " * (17 << 20))
    assert extract(out.getvalue(), "application/ofd", None, "a.ofd").state == "failed"


def test_damaged_packages_fail_and_raise_nothing(ofd: bytes, word: bytes, pdf: bytes) -> None:
    chance = random.Random(7)
    for mime, data in (("application/ofd", ofd), (DOCX, word), ("application/pdf", pdf)):
        for _ in range(60):
            broken = bytearray(data)
            for _ in range(chance.choice((1, 5, 40))):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            assert extract(bytes(broken), mime, None, "a").state in {"done", "none", "failed"}


def test_limits_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "MOST_CHARACTERS", 10)
    read = extract("一二三四五六七八九十甲乙".encode(), "text/plain", None, "a.txt")
    assert (read.pages, bool(read.note)) == (["一二三四五六七八九十"], True)
    monkeypatch.setitem(text.MOST_BYTES, "pdf", 4)
    assert extract(b"%PDF-1.7", "application/pdf", None, "a.pdf").state == "failed"
    monkeypatch.setitem(text.MOST_BYTES, "text", 7)  # in the middle of a character
    assert extract("低保档".encode(), "text/plain", None, "a.txt").pages == ["低保"]


def test_identification_goes_before_the_name() -> None:
    assert reader_for("application/pdf", "fmt/18", "a.docx") == text.Reader("pdf", "application/pdf")
    assert reader_for("image/svg+xml", None, "a.svg") is None
    assert reader_for("", None, "a.csv") == text.Reader("text", "text/plain")
