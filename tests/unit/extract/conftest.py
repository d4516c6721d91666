"""Real documents in Chinese, and an archive whose replicas hold them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import docx
import noto_cjk_sans_otc
import openpyxl
import pytest
import typst
from sqlalchemy import Engine

from metadata import digests
from metadata.identifiers import new_id
from metadata.profile import builtin
from repository.archive import Archive
from repository.clock import FixedClock
from repository.db import Sessions, reading_sessions
from repository.keys import Keys
from repository.storage.layout import bag_key
from repository.storage.local import LocalStore
from repository.storage.replicas import Replicas
from repository.tables import Organ, Record, RecordVersion, StoredFile


@pytest.fixture(scope="session")
def pdf() -> bytes:
    """Two pages."""
    source = '#set text(font: "Noto Sans CJK SC")\n城市低保檔案\n#pagebreak()\n第二頁，劉三。'
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[str(Path(noto_cjk_sans_otc.FONT_PATH).parent)],
    )
    return typst.compile(source.encode(), font_paths=fonts)


@pytest.fixture(scope="session")
def word() -> bytes:
    document = docx.Document()
    document.add_heading("低保檔案", 1)
    document.add_paragraph("申請人劉三。")
    table = document.add_table(1, 2)
    table.cell(0, 0).text = "戶號"
    table.cell(0, 1).text = "一七"
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


@pytest.fixture(scope="session")
def sheet() -> bytes:
    book = openpyxl.Workbook()
    book.active.append(["户号", "姓名", "金额"])  # type: ignore[union-attr]
    book.active.append(["17", "劉三", 530.5])  # type: ignore[union-attr]
    book.create_sheet("二月").append(["停发"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


@pytest.fixture(scope="session")
def ofd() -> bytes:
    """Two pages, in the wrong order in the package."""
    page = (
        '<ofd:Page xmlns:ofd="http://www.ofdspec.org/2016"><ofd:Content><ofd:Layer><ofd:TextObject>'
        "<ofd:TextCode>{}</ofd:TextCode></ofd:TextObject></ofd:Layer></ofd:Content></ofd:Page>"
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("OFD.xml", '<ofd:OFD xmlns:ofd="http://www.ofdspec.org/2016"/>')
        package.writestr("Doc_0/Pages/Page_10/Content.xml", page.format("末頁"))
        package.writestr("Doc_0/Pages/Page_2/Content.xml", page.format("低保檔案"))
    return out.getvalue()


@pytest.fixture(scope="session")
def structured_ofd() -> bytes:
    """Pages named against their order, a template under the first, text cut into objects as makers do."""
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'

    def part(*objects: tuple[str, str], extra: str = "") -> str:
        words = "".join(
            f'<ofd:TextObject Boundary="{box}"><ofd:TextCode X="0" Y="0">{text}</ofd:TextCode></ofd:TextObject>'
            for box, text in objects
        )
        return f"<ofd:Page {space}>{extra}<ofd:Content><ofd:Layer>{words}</ofd:Layer></ofd:Content></ofd:Page>"

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(
            "OFD.xml", f"<ofd:OFD {space}><ofd:DocBody><ofd:DocRoot>D/Doc.xml</ofd:DocRoot></ofd:DocBody></ofd:OFD>"
        )
        package.writestr(
            "D/Doc.xml",
            f"<ofd:Document {space}><ofd:CommonData><ofd:PageArea><ofd:PhysicalBox>0 0 100 200</ofd:PhysicalBox>"
            '</ofd:PageArea><ofd:TemplatePage ID="9" BaseLoc="Tpls/T.xml"/></ofd:CommonData><ofd:Pages>'
            '<ofd:Page ID="1" BaseLoc="Pages/Z.xml"/><ofd:Page ID="2" BaseLoc="/D/Pages/A.xml"/></ofd:Pages></ofd:Document>',
        )
        template = '<ofd:Template TemplateID="9" ZOrder="Background"/>'
        package.writestr("D/Pages/Z.xml", part(("10 40 30 10", "第一页"), extra=template))
        package.writestr("D/Pages/A.xml", part(("10 40 30 10", "第二页")))
        package.writestr("D/Tpls/T.xml", part(("10 10 10 5", "价税"), ("20 10 10 5", "合计"), ("60 10 15 5", "壹佰元")))
    return out.getvalue()


@pytest.fixture(scope="session")
def slides() -> bytes:
    """Two slides, the second shown first."""
    main = "http://schemas.openxmlformats.org/presentationml/2006/main"
    drawing = "http://schemas.openxmlformats.org/drawingml/2006/main"
    document = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package_space = "http://schemas.openxmlformats.org/package/2006/relationships"
    names = f'xmlns:p="{main}" xmlns:a="{drawing}" xmlns:r="{document}"'
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr(
            "ppt/presentation.xml",
            f'<p:presentation {names}><p:sldIdLst><p:sldId id="256" r:id="r2"/><p:sldId id="257" r:id="r1"/>'
            "</p:sldIdLst></p:presentation>",
        )
        package.writestr(
            "ppt/_rels/presentation.xml.rels",
            f'<Relationships xmlns="{package_space}"><Relationship Id="r1" Type="s" Target="slides/slide1.xml"/>'
            '<Relationship Id="r2" Type="s" Target="slides/slide2.xml"/></Relationships>',
        )
        for number, words in ((1, "末页演示"), (2, "首页演示")):
            package.writestr(
                f"ppt/slides/slide{number}.xml", f"<p:sld {names}><a:p><a:r><a:t>{words}</a:t></a:r></a:p></p:sld>"
            )
    return out.getvalue()


@pytest.fixture
def archive(engine: Engine, sessions: Sessions, clock: FixedClock, tmp_path: Path) -> Archive:
    stores = [LocalStore(name, tmp_path / "replicas" / name) for name in ("a", "b")]
    for store in stores:
        store.root.mkdir(parents=True)
    with sessions.begin() as session:
        session.add(Organ(id=new_id(), code="CB", name_zh="县民政局", level="CB", division_prefix="990101"))
    return Archive(
        holding_id=new_id(),
        zone="Asia/Shanghai",
        sessions=sessions,
        reading=reading_sessions(engine),
        replicas=Replicas(list(stores), {"a", "b"}),
        keys=Keys.create(tmp_path / "keys"),
        clock=clock,
        profile=builtin("social_assistance"),
        quarantine=tmp_path / "quarantine",
        derivatives=tmp_path / "derivatives",
    )


Deposit = Callable[..., str]


@pytest.fixture
def deposit(archive: Archive) -> Deposit:
    """Store files ``(name, mime, puid, bytes)`` in one object on both replicas, with their rows; gives the record id."""

    def stored(*files: tuple[str, str | None, str | None, bytes]) -> str:
        record_id = new_id()
        body = b"head"
        with archive.sessions.begin() as session:
            organ = session.query(Organ.id).limit(1).scalar()
            session.add(
                Record(
                    id=record_id,
                    title="申请书",
                    organ_id=organ,
                    division_code="990101001002",
                    description={"title": "申请书"},
                    profile_version=archive.profile.label,
                    created_at=archive.clock.now(),
                )
            )
            for position, (name, mime, puid, data) in enumerate(files, start=1):
                session.add(
                    StoredFile(
                        id=new_id(),
                        record_id=record_id,
                        version=1,
                        position=position,
                        path=f"data/{position}",
                        original_name=name,
                        size=len(data),
                        offset=len(body),
                        crc32=0,
                        digests={"sha512": digests.of_bytes(data, "sha512"), "sm3": digests.of_bytes(data, "sm3")},
                        mime=mime,
                        puid=puid,
                    )
                )
                body += data + b"between"
            session.flush()
            key = bag_key(record_id, 1)
            session.add(
                RecordVersion(
                    record_id=record_id,
                    number=1,
                    object_key=key,
                    object_sha256=digests.of_bytes(body),
                    object_size=len(body),
                    file_count=len(files),
                    payload_bytes=sum(len(one[3]) for one in files),
                    algorithms=["sha512", "sm3"],
                    created_at=archive.clock.now(),
                )
            )
        archive.replicas.create_bytes(key, body)
        return record_id

    return stored
