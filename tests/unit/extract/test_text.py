"""Text of every format that is read, in every encoding that is tried; what cannot be read fails quietly."""

from __future__ import annotations

import codecs
import io
import random
import shutil
import zipfile
from pathlib import Path

import pytest

from ingest.extract import plain, reading, text
from ingest.extract.office import converter
from ingest.extract.text import extract, reader_for
from tests.corpus.makers.word97 import word97

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_pdf_page_by_page(pdf: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(pdf)
    for source in (pdf, path):
        read = extract(source, "application/pdf", "fmt/20", "a.pdf")
        assert (read.state, [page.strip() for page in read.texts]) == ("done", ["城市低保檔案", "第二頁，劉三。"])
        assert read.engine.startswith("pypdfium2 ")


def test_word_and_sheets(word: bytes, sheet: bytes) -> None:
    read = extract(word, DOCX, "fmt/412", "a.docx")
    assert read.state == "done"
    for part in ("低保檔案", "申請人劉三。", "戶號"):
        assert part in read.texts[0]
    read = extract(sheet, XLSX, "fmt/214", "a.xlsx")
    assert read.texts == ["Sheet\n户号\t姓名\t金额\n17\t劉三\t530.5", "二月\n停发"]
    assert extract(word, "application/zip", None, "a.docx").state == "done"


def test_lines_of_a_pdf_have_their_places(pdf: bytes) -> None:
    page = extract(pdf, "application/pdf", "fmt/20", "a.pdf").pages[0]
    (begin, end, left, top, right, bottom) = page.lines[0]
    assert page.text[begin:end] == "城市低保檔案"
    assert 1000 < left < right < 3000  # margins of a ninth and so on: typst's defaults on A4
    assert 700 < top < bottom < 1100
    assert page.boxes(2, 4)[0][0] > left


def test_slides_in_the_order_in_which_they_are_shown(slides: bytes) -> None:
    read = extract(slides, PPTX, "fmt/215", "a.pptx")
    assert (read.state, read.texts) == ("done", ["首页演示", "末页演示"])


def test_old_word_in_chinese() -> None:
    document = word97("最低生活保障申請表\n申请人：刘三，户号一七。")
    for mime, puid, name in (("application/msword", "fmt/40", "a.doc"), ("application/octet-stream", None, "a.wps")):
        read = extract(document, mime, puid, name)
        assert read.state == "done", read
        assert [line for line in read.texts[0].split("\n") if line] == [
            "最低生活保障申請表",
            "申请人：刘三，户号一七。",
        ]
        assert read.engine.startswith("extractous ")


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not installed")
def test_old_word_by_libreoffice() -> None:
    read = extract(word97("低保檔案"), "application/msword", "fmt/40", "a.doc", converter("auto"))
    assert (read.state, read.texts[0].strip()) == ("done", "低保檔案")
    assert read.engine.startswith("LibreOffice")


def test_a_converter_that_breaks_fails_the_file(tmp_path: Path) -> None:
    broken = tmp_path / "soffice"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)
    assert converter(str(broken)) == str(broken)
    assert converter("") == ""
    assert extract(word97("低保"), "application/msword", "fmt/40", "a.doc", str(broken)).state == "failed"


@pytest.mark.parametrize(
    "data",
    [
        rb"{\rtf1\ansi\uc1 \u20302?\u20445?}",
        "<html><meta charset=gb2312><body>低保</body></html>".encode("gb18030"),
        "低保\r\n年审材料".encode("utf-16-le"),
        codecs.BOM_UTF16_LE + "低保".encode("utf-16-le"),
        "申请低保的材料".encode("gb18030"),
    ],
)
def test_what_is_called_doc_is_read_as_what_it_is(data: bytes) -> None:
    read = extract(data, "application/msword", None, "a.doc")
    assert read.state == "done"
    assert "低保" in read.texts[0]


def test_ofd_in_page_order(ofd: bytes) -> None:
    assert extract(ofd, "application/zip", "lantai-fmt/ofd", "a.ofd").texts == ["低保檔案", "末頁"]


def test_ofd_follows_its_own_structure(structured_ofd: bytes) -> None:
    read = extract(structured_ofd, "application/ofd", None, "a.ofd")
    assert read.texts == ["价税合计\t壹佰元\n第一页", "第二页"]
    (begin, end, *box) = read.pages[0].lines[-1]
    assert (read.pages[0].text[begin:end], box) == ("第一页", [1000, 2000, 4000, 2500])


SENTENCE = {
    "simplified": "申请人家庭人均收入低于当地最低生活保障标准，经民主评议同意上报审批。",
    "traditional": "申請人家庭人均收入低於當地最低生活保障標準，經民主評議同意上報審批。",
    "short": "低保",
    "names": "张伟 王秀英 欧阳娜 刘三 户口簿复印件",
    "mixed": "户号 3201-0017，电话 025-1234567；金额 530.50 元（大写：伍佰叁拾元伍角）",
    "japanese": "この書類は日本語で書かれています。申請者の住所と氏名を確認してください。",
}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        *((name, "gb18030") for name in ("simplified", "traditional", "short", "names", "mixed")),
        *((name, "utf-16-le") for name in ("simplified", "traditional", "names", "mixed")),
        *((name, "utf-16-be") for name in ("simplified", "traditional", "names", "mixed")),
        ("traditional", "cp950"),
        ("japanese", "cp932"),
    ],
)
def test_encodings_are_told_by_evidence(name: str, encoding: str) -> None:
    text = SENTENCE[name]
    read = extract(text.encode(encoding), "text/plain", "x-fmt/111", "a.txt")
    assert (read.state, read.texts, encoding in read.engine) == ("done", [text], True)
    assert encoding in read.note


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
    assert (read.state, read.texts) == ("done", ["低保檔案\n第二行"])


def test_rare_characters_of_gb18030() -> None:
    assert extract("䶮𬭎".encode("gb18030"), "text/plain", None, "a.txt").texts == ["䶮𬭎"]


@pytest.mark.parametrize(("charset", "encoding"), [("gb2312", "gb18030"), ("utf-8", "utf-8"), ("utf-8", "gb18030")])
def test_html_whatever_it_says_about_itself(charset: str, encoding: str) -> None:
    page = f'<html><head><meta charset="{charset}"><script>秘密()</script></head><body><p>低保檔案&amp;朱镕基</p></body></html>'
    read = extract(page.encode(encoding), "text/html", None, "a.html")
    assert read.state == "done"
    assert "低保檔案&朱镕基" in read.texts[0]
    assert "秘密" not in read.texts[0]


def test_rtf() -> None:
    read = extract(rb"{\rtf1\ansi\uc1 \u20302?\u20445?}", "text/rtf", "fmt/355", "a.rtf")
    assert "低保" in read.texts[0]


@pytest.mark.parametrize(
    ("data", "mime", "name", "state"),
    [
        (b"\xff\xd8\xff", "image/jpeg", "a.jpg", "not_applicable"),
        (b"RIFF", "audio/x-wav", "a.wav", "not_applicable"),
        (b"PK\x03\x04", "application/zip", "a.zip", "not_applicable"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1broken", "application/msword", "a.doc", "failed"),
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
    assert (read.state, read.texts) == (state, [])


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
    monkeypatch.setattr(reading, "MOST_CHARACTERS", 10)
    read = extract("一二三四五六七八九十甲乙".encode(), "text/plain", None, "a.txt")
    assert (read.texts, bool(read.note)) == (["一二三四五六七八九十"], True)
    monkeypatch.setitem(text.MOST_BYTES, "pdf", 4)
    assert extract(b"%PDF-1.7", "application/pdf", None, "a.pdf").state == "failed"
    monkeypatch.setattr(plain, "MOST_BYTES", 7)  # in the middle of a character
    assert extract("低保档".encode(), "text/plain", None, "a.txt").texts == ["低保"]


def test_identification_goes_before_the_name() -> None:
    assert reader_for("application/pdf", "fmt/18", "a.docx") == text.Reader("pdf", "application/pdf")
    assert reader_for("image/svg+xml", None, "a.svg") is None
    assert reader_for("", None, "a.csv") == text.Reader("text", "text/plain")
