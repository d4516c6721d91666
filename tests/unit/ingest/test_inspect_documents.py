"""Looking into documents: PDF, OOXML, OpenDocument, OFD. Each check both ways, and hostile ones."""

from __future__ import annotations

import io
import os
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest
from PIL import Image

from ingest.findings import KINDS
from ingest.inspect import Inspection, Look, inspect
from ingest.limits import IngestLimits
from ingest.media.medium import Bounds
from lantai.sample import office
from tests.corpus.makers.documents import SHEET, repacked
from tests.corpus.makers.papers import (
    jpeg_page,
    locked_pdf,
    ofd,
    page,
    pdf,
    plain_pdf,
    sampled_page,
    scanned_pdf,
    signed_pdf,
    stream,
)

ALL = frozenset({"format", "readability", "quality", "text"})
Looked = Callable[..., Inspection]


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    """Write a file and look into it."""

    def run(name: str, data: bytes, **limits: object) -> Inspection:
        path = tmp_path / name
        path.write_bytes(data)
        bounds = Bounds.of(IngestLimits.model_validate(limits))
        (answer,) = inspect([Look(os.fsencode(path), name, len(data), bounds, ALL)])
        assert isinstance(answer, Inspection)
        assert {one.code for one in answer.findings} <= set(KINDS)
        return answer

    return run


def codes(answer: Inspection) -> list[str]:
    return [one.code for one in answer.findings]


def odt(text: str = "申请书", manifest: str = "") -> bytes:
    out = io.BytesIO()
    office_ns = "urn:oasis:names:tc:opendocument:xmlns:"
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("mimetype", "application/vnd.oasis.opendocument.text")
        package.writestr(
            "content.xml",
            f'<office:document-content xmlns:office="{office_ns}office:1.0" xmlns:text="{office_ns}text:1.0" '
            f'office:version="1.2"><office:body><office:text><text:p>{text}</text:p></office:text></office:body>'
            "</office:document-content>",
        )
        package.writestr(
            "META-INF/manifest.xml",
            f'<manifest:manifest xmlns:manifest="{office_ns}manifest:1.0" manifest:version="1.2"><manifest:file-entry '
            f'manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.text"/>{manifest}'
            "</manifest:manifest>",
        )
    return out.getvalue()


# --- PDF ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("archival", [False, True])
def test_a_whole_pdf(looked: Looked, *, archival: bool) -> None:
    answer = looked("a.pdf", office.pdf(SHEET, archival=archival))
    assert codes(answer) == []
    assert answer.technical["pages"] == 1
    assert "低保申请书" in answer.technical["first_text"]


def test_by_hand(looked: Looked) -> None:
    answer = looked("a.pdf", plain_pdf(3))
    assert (codes(answer), answer.technical["pages"]) == ([], 3)
    assert answer.technical["first_text"] == "Page 1 of the file"


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_pdf_cut_short(looked: Looked, share: float) -> None:
    for data in (office.pdf(SHEET), plain_pdf(5)):
        found = codes(looked("a.pdf", data[: int(len(data) * share)]))
        assert len(found) == 1, found
        assert found[0] in {"readability.damaged", "readability.partial"}


def test_pdf_whose_table_lies_elsewhere(looked: Looked) -> None:
    data = plain_pdf().replace(b"startxref\n", b"startxref\n1")
    assert codes(looked("a.pdf", data)) == ["readability.malformed"]


def test_pdf_with_a_page_that_is_not_there(looked: Looked) -> None:
    data = plain_pdf(3).replace(b"6 0 R 8 0 R", b"6 0 R 99 0 R")
    (finding,) = looked("a.pdf", data).findings
    assert finding.code == "readability.partial"
    assert finding.params["part"] == "3/3"


def test_passwords_and_rights(looked: Looked) -> None:
    assert codes(looked("a.pdf", locked_pdf(b"secret"))) == ["encryption.password"]
    assert codes(looked("b.pdf", locked_pdf(b"", rights=-64 & ~4))) == ["encryption.restricted"]
    assert codes(looked("c.pdf", locked_pdf(b"", rights=-4))) == []


def test_signatures(looked: Looked) -> None:
    answer = looked("a.pdf", signed_pdf())
    assert codes(answer) == ["signature.listed"]
    assert answer.findings[0].outcome == "not_checked"
    (signature,) = answer.technical["signatures"]
    assert signature == {"kind": "pdf adbe.pkcs7.detached", "at": "D:20260102030405Z"}


def test_scripts_programs_and_attachments(looked: Looked) -> None:
    script = b"/OpenAction<</S/JavaScript/JS(app.alert\\(1\\))>>"
    assert codes(looked("a.pdf", plain_pdf(catalogue=script))) == ["active.script"]
    assert codes(looked("b.pdf", plain_pdf(catalogue=b"/OpenAction<</S/Launch/F(cmd.exe)>>"))) == ["active.script"]
    goes = b"/OpenAction[4 0 R/Fit]"
    assert codes(looked("c.pdf", plain_pdf(catalogue=goes))) == []
    names = b"/Names<</EmbeddedFiles<</Names[(a) 6 0 R]>>>>"
    extra = [b"<</Type/Filespec/F(a.txt)/EF<</F 7 0 R>>>>", stream(b"hello")]
    (finding,) = looked("d.pdf", plain_pdf(catalogue=names, extra=extra)).findings
    assert (finding.code, finding.params["count"]) == ("active.attachment", 1)


def test_a_script_in_packed_objects(looked: Looked) -> None:
    import zlib

    packed = zlib.compress(b"9 0 <</S/JavaScript/JS(x)>>")
    extra = [stream(packed, b"/Type/ObjStm/N 1/First 4/Filter/FlateDecode")]
    assert "active.script" in codes(looked("a.pdf", plain_pdf(extra=extra)))


def test_pdf_that_is_a_zip_too(looked: Looked) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("a.txt", "x")
    data = plain_pdf()
    assert "format.polyglot" in codes(looked("a.pdf", data + out.getvalue()))
    (finding,) = looked("b.pdf", data + b"extra words " * 10).findings
    assert finding.code == "format.trailing_data"
    assert codes(looked("c.pdf", data + b"\r\n\0\0")) == []


def test_pictures_on_pages(looked: Looked) -> None:
    scan = page((1654, 2339))
    data, size, entries = jpeg_page(scan)
    answer = looked("a.pdf", scanned_pdf([(data, size, entries)] * 2))
    assert codes(answer) == []
    assert answer.technical["dpi"] == pytest.approx(200, abs=1)
    assert (answer.technical["width"], answer.technical["pages"]) == (1654, 2)
    (finding,) = looked("b.pdf", scanned_pdf([(data, size, entries), (data[: len(data) // 2], size, entries)])).findings
    assert (finding.code, finding.params["part"]) == ("readability.partial", "2/2")


def test_samples_that_end_too_early(looked: Looked) -> None:
    scan = page((1654, 2339))
    assert codes(looked("a.pdf", scanned_pdf([sampled_page(scan)]))) == []
    (finding,) = looked("b.pdf", scanned_pdf([sampled_page(scan, keep=0.5)])).findings
    assert finding.code == "readability.partial"


def test_pages_beyond_the_limit_are_counted(looked: Looked) -> None:
    answer = looked("a.pdf", plain_pdf(12), pages_decoded=5)
    (finding,) = answer.findings
    assert (finding.code, finding.params) == ("readability.too_many_pages", {"pages": 12, "limit": 5})
    assert answer.technical["pages"] == 12


def test_a_million_objects(looked: Looked) -> None:
    started = time.monotonic()
    answer = looked("a.pdf", pdf([*_head(), *[b"0"] * 1_000_000]))
    assert codes(answer) == []
    many = b"1 w " + b"1 1 m 9 9 l S\n" * 200_000
    assert codes(looked("b.pdf", pdf([*_head()[:3], stream(many)]))) == []
    assert time.monotonic() - started < 60


def _head() -> list[bytes]:
    return [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Contents 4 0 R>>",
        stream(b"0 0 m 9 9 l S"),
    ]


def test_a_tree_of_pages_that_bites_its_tail(looked: Looked) -> None:
    objects = [b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R]/Count 1000000>>"]
    found = codes(looked("a.pdf", pdf(objects)))
    assert len(found) == 1
    assert found[0].startswith("readability.")


def test_not_a_pdf(looked: Looked) -> None:
    assert "readability.damaged" in codes(looked("a.pdf", b"%PDF-1.4\nnothing here\n%%EOF\n"))


# --- OOXML and OpenDocument ---------------------------------------------------------------------------------------------


def documents() -> dict[str, bytes]:
    return {
        "a.docx": office.word(SHEET),
        "a.xlsx": office.workbook(SHEET, [("姓名", "金额"), ("张三", 320)]),
        "a.odt": odt(),
    }


@pytest.mark.parametrize("name", documents())
def test_whole_documents(looked: Looked, name: str) -> None:
    answer = looked(name, documents()[name])
    assert codes(answer) == []
    assert "申请" in answer.technical["first_text"]
    assert answer.technical["opened"] == "office"


@pytest.mark.parametrize("name", documents())
def test_documents_cut_short(looked: Looked, name: str) -> None:
    data = documents()[name]
    found = codes(looked(name, data[: len(data) * 2 // 3]))
    assert found == ["readability.damaged"]


def test_a_wrong_checksum_in_a_part(looked: Looked) -> None:
    data = bytearray(office.word(SHEET))
    place = data.index(b"word/document.xml") + 200
    data[place] ^= 0xFF
    found = codes(looked("a.docx", bytes(data)))
    assert found == ["readability.partial"]


def test_a_part_that_is_not_well_formed(looked: Looked) -> None:
    def spoil(parts: dict[str, bytes]) -> None:
        parts["word/settings.xml"] = parts["word/settings.xml"][:-20]

    assert codes(looked("a.docx", repacked(office.word(SHEET), spoil))) == ["readability.malformed"]

    def entity(parts: dict[str, bytes]) -> None:
        body = parts["word/document.xml"]
        parts["word/document.xml"] = (
            b'<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "b">]>' + body[body.index(b"?>") + 2 :]
        )

    assert codes(looked("b.docx", repacked(office.word(SHEET), entity))) == ["xml.doctype"]


def test_macros_outside_and_inside(looked: Looked) -> None:
    def add(parts: dict[str, bytes]) -> None:
        parts["word/vbaProject.bin"] = b"\xd0\xcf\x11\xe0" + bytes(100)
        parts["word/embeddings/oleObject1.bin"] = bytes(10)
        parts["_xmlsignatures/sig1.xml"] = b"<Signature/>"
        parts["word/_rels/settings.xml.rels"] = (
            b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
            b'Type="http://x/attachedTemplate" Target="http://evil/x.dotm" TargetMode="External"/></Relationships>'
        )

    answer = looked("a.docx", repacked(office.word(SHEET), add))
    assert {"active.macro", "active.attachment", "active.external", "signature.listed"} <= set(codes(answer))
    assert answer.technical["signatures"] == [{"kind": "ooxml"}]


def test_a_hyperlink_is_nothing_to_tell(looked: Looked) -> None:
    document = docx.Document()
    document.add_paragraph("x")
    document.part.relate_to(
        "http://example.org",
        "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink",
        is_external=True,
    )
    out = io.BytesIO()
    document.save(out)
    assert codes(looked("a.docx", out.getvalue())) == []


def test_locked_opendocument(looked: Looked) -> None:
    entry = '<manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data/></manifest:file-entry>'
    assert codes(looked("a.odt", odt(manifest=entry))) == ["encryption.password"]


def test_sheets_are_counted_and_cells_stay_apart(looked: Looked) -> None:
    book = openpyxl.Workbook()
    first = book.active
    assert first is not None
    first.append(["11010119900307", "8515", 320])
    book.create_sheet("二")
    out = io.BytesIO()
    book.save(out)
    answer = looked("a.xlsx", out.getvalue())
    assert codes(answer) == []
    assert answer.technical["sheets"] == 2
    assert answer.id_numbers == ()


def test_a_bomb_in_a_workbook_is_not_unpacked(looked: Looked) -> None:
    def inflate(parts: dict[str, bytes]) -> None:
        parts["xl/worksheets/sheet1.xml"] = b"<worksheet>" + b" " * (90 << 20) + b"</worksheet>"

    data = repacked(office.workbook(SHEET, [("a", 1)]), inflate)
    started = time.monotonic()
    (finding,) = looked("a.xlsx", data).findings
    assert finding.code == "readability.too_large"
    assert time.monotonic() - started < 10


def test_a_large_part_is_read_through(looked: Looked) -> None:
    def grow(parts: dict[str, bytes]) -> None:
        row = b'<row><c t="n"><v>1</v></c></row>'
        parts["xl/worksheets/sheet1.xml"] = b"<worksheet><sheetData>" + row * 400_000 + b"</sheetData></worksheet>"

    data = repacked(office.workbook(SHEET, [("a", 1)]), grow)
    assert codes(looked("a.xlsx", data, container_ratio=10_000)) == []

    def spoil(parts: dict[str, bytes]) -> None:
        grow(parts)
        parts["xl/worksheets/sheet1.xml"] += b"<more>"

    spoilt = repacked(office.workbook(SHEET, [("a", 1)]), spoil)
    assert codes(looked("b.xlsx", spoilt, container_ratio=10_000)) == ["readability.malformed"]


# --- OFD ----------------------------------------------------------------------------------------------------------------


def test_a_whole_ofd(looked: Looked) -> None:
    answer = looked("a.ofd", ofd(pages=2))
    assert codes(answer) == []
    assert answer.technical["pages"] == 2
    assert answer.technical["first_text"] == "电子凭证"


@pytest.mark.parametrize(
    ("without", "code"),
    [
        ("Doc_0/Document.xml", "readability.damaged"),
        ("Doc_0/Pages/Page_1/Content.xml", "readability.partial"),
        ("Doc_0/Res/seal.png", "readability.malformed"),
        ("Doc_0/PublicRes.xml", "readability.malformed"),
    ],
)
def test_ofd_without_a_part(looked: Looked, without: str, code: str) -> None:
    assert codes(looked("a.ofd", ofd(pages=2, without=without))) == [code]


def test_ofd_named_something_else(looked: Looked) -> None:
    assert codes(looked("a.zip", ofd())) == ["format.extension_mismatch"]


def test_ofd_cut_short(looked: Looked) -> None:
    data = ofd()
    assert codes(looked("a.ofd", data[: len(data) // 2])) == ["readability.damaged"]


def test_ofd_with_a_picture_that_is_none(looked: Looked) -> None:
    (finding,) = looked("a.ofd", ofd(more={"Doc_0/Res/seal.png": b"\x89PNG\r\n\x1a\n"})).findings
    assert finding.code == "readability.partial"


def test_seals_of_ofd(looked: Looked) -> None:
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    listed = (
        f'<ofd:Signatures {space}><ofd:Signature ID="1" Type="Seal" BaseLoc="Sign_0/Signature.xml"/></ofd:Signatures>'
    )
    one = (
        f'<ofd:Signature {space}><ofd:SignedInfo><ofd:Provider ProviderName="测试CA"/>'
        "<ofd:SignatureDateTime>20260102030405Z</ofd:SignatureDateTime></ofd:SignedInfo></ofd:Signature>"
    )
    more = {"Doc_0/Signs/Signatures.xml": listed.encode(), "Doc_0/Signs/Sign_0/Signature.xml": one.encode()}
    answer = looked("a.ofd", ofd(more=more))
    assert codes(answer) == ["signature.listed"]
    assert answer.technical["signatures"] == [{"kind": "ofd seal", "signer": "测试CA", "at": "20260102030405Z"}]


def test_locked_ofd(looked: Looked) -> None:
    assert codes(looked("a.ofd", ofd(more={"Encryptions.xml": b"<x/>"}))) == ["encryption.password"]


def test_a_picture_bomb_in_ofd(looked: Looked) -> None:
    out = io.BytesIO()
    Image.new("1", (2000, 2000)).save(out, "PNG")
    found = looked("a.ofd", ofd(more={"Doc_0/Res/seal.png": out.getvalue()}), image_pixels=1_000_000).findings
    assert [one.code for one in found] == ["readability.partial"]


def test_an_ofd_whose_first_part_does_not_unpack(looked: Looked) -> None:
    data = bytearray(ofd())
    place = data.index(b"OFD.xml") + len(b"OFD.xml")
    data[place : place + 12] = b"\xff" * 12
    found = codes(looked("a.ofd", bytes(data)))
    assert len([one for one in found if one.startswith("readability.")]) == 1
