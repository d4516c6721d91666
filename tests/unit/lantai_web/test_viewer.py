"""The page viewer: a word on page 37 of a scan, marked where it stands; pictures behind the gate; keys are extras."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path

import noto_cjk_sans_otc
import pytest
import typst
from PIL import Image, ImageDraw, ImageFont

from access import use_register
from access.accounts import create_account
from access.actors import console_actor
from ingest.extract.ocr import recognise_pending
from ingest.extract.pictures import picture_pending
from ingest.extract.recognise import installed
from lantai.site import Site
from repository.tables import StoredFile
from search.indexer import consume
from tests.unit.lantai_web.conftest import PASSWORD, Browser, take_in

Visit = Callable[..., Browser]
SCAN, TYPED, PHONE = "三百页扫描.tif", "通知.pdf", "照片.jpg"
WORD = "繡花廠"
FONT = noto_cjk_sans_otc.FONT_PATH


def _leaf(words: str) -> Image.Image:
    leaf = Image.new("L", (900, 400), 255)
    ImageDraw.Draw(leaf).text((120, 220), words, font=ImageFont.truetype(str(FONT), 40), fill=0)
    return leaf.convert("1")


def _papers(folder: Path) -> None:
    blank = Image.new("1", (900, 400), 1)
    leaves = [blank] * 36 + [_leaf(f"原籍{WORD}退休工人")] + [blank]
    leaves[0].save(folder / SCAN, save_all=True, append_images=leaves[1:], compression="group4")
    source = '#set text(font: "Noto Sans CJK SC")\n第一页的通知正文不少于八个字\n#pagebreak()\n第二页：联系电话 13812345678，绣花厂李四。'
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(Path(FONT).parent)])
    (folder / TYPED).write_bytes(typst.compile(source.encode(), font_paths=fonts))
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (800, 600), "green").save(folder / PHONE, exif=exif)


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> dict[str, StoredFile]:
    """A scan, a typed PDF and a photograph, with everything made of them that is made."""
    folder = tmp_path_factory.mktemp("viewer") / "扫描材料"
    folder.mkdir()
    _papers(folder)
    take_in(site, folder)
    while picture_pending(site.archive):
        pass
    while recognise_pending(site.archive):
        pass
    consume(site.archive, site.search_engine, "test")
    with site.archive.reading() as session:
        rows = session.query(StoredFile).filter(StoredFile.original_name.in_((SCAN, TYPED, PHONE))).all()
        return {row.original_name: row for row in rows}


@pytest.mark.skipif(not installed(), reason="the reader of scans is not installed (make ocr)")
def test_a_word_on_page_37_of_a_scan_is_found_and_marked(visit: Visit, files: dict[str, StoredFile]) -> None:
    browser = visit("archivist")
    page = browser.get("/search?q=绣花厂").text  # the other script
    address = next(one for one in re.findall(r'href="(/files/[^"]+)"', page) if files[SCAN].id in one)
    assert "page=37" in address
    answer = browser.http.get(address.replace("&amp;", "&"))
    assert answer.status_code == 303
    assert answer.headers["location"].endswith("#view")
    shown = browser.get(answer.headers["location"].partition("#")[0]).text
    assert f"/files/{files[SCAN].id}/pages/37.webp" in shown
    boxes = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"', shown)
    assert len(boxes) == 1
    left, top, width, height = map(int, boxes[0])
    assert 1500 < left < 3500  # behind 原籍, at 120 + 2 · 40 of 900 pixels
    assert 1000 < width < 2000
    assert top < 6200 < top + height  # the line stands at 220 to 270 of 400
    assert f"<mark>{WORD}</mark>" in shown
    assert re.search(r"机器识别，置信度 \d+ %", shown)
    assert "rapidocr" in shown
    assert "style=" not in shown
    found = browser.http.get(f"/files/{files[SCAN].id}/find?q={WORD}").json()
    assert (found["total"], found["pages"][0]["page"], found["pages"][0]["recognised"]) == (1, 37, True)
    assert len(found["pages"][0]["boxes"][0]) == 4


def test_words_open_the_first_page_on_which_they_stand(visit: Visit, files: dict[str, StoredFile]) -> None:
    browser = visit("archivist")
    row = files[TYPED]
    shown = browser.get(f"/records/{row.record_id}?file={row.position}&q=绣花厂").text
    assert f"/files/{row.id}/pages/2.webp" in shown
    assert "<rect " in shown
    assert "13812345678" not in shown  # numbers in the text are masked
    assert "机器识别" not in shown
    assert f'href="/files/{row.id}/content"' in shown
    assert "本文件中没有这些词" in browser.get(f"/records/{row.record_id}?file={row.position}&q=绝无此词").text
    assert "notice--look" in browser.get(f"/records/{row.record_id}?file={row.position}&q=“开口").text


def test_pages_turn_by_plain_links_that_keep_the_words(visit: Visit, files: dict[str, StoredFile]) -> None:
    row = files[SCAN]
    shown = visit("archivist").get(f"/records/{row.record_id}?file={row.position}&page=20&q=词").text
    assert "共 38 页" in shown
    links = re.findall(r'href="([^"]+)#view"', shown)
    assert any("page=21" in one and "q=%E8%AF%8D" in one for one in links)
    assert any("page=19" in one for one in links)
    assert shown.count("size=thumb") >= 9
    beyond = visit("archivist").get(f"/records/{row.record_id}?file={row.position}&page=9999").text
    assert "/pages/38.webp" in beyond


def test_a_photograph_is_upright_and_bears_no_camera(visit: Visit, files: dict[str, StoredFile]) -> None:
    browser = visit("archivist")
    answer = browser.http.get(f"/files/{files[PHONE].id}/pages/1.webp")
    assert answer.headers["content-type"] == "image/webp"
    picture = Image.open(io.BytesIO(answer.content))
    assert picture.size == (600, 800)
    assert not picture.getexif()
    tag = answer.headers["etag"]
    again = browser.http.get(f"/files/{files[PHONE].id}/pages/1.webp", headers={"If-None-Match": tag})
    assert again.status_code == 304
    assert answer.headers["cache-control"] == "private, no-cache"


def test_pictures_stand_behind_the_gate_and_every_page_is_a_look(visit: Visit, files: dict[str, StoredFile]) -> None:
    row = files[SCAN]
    browser = visit("archivist")

    def pages() -> list[int]:
        entries = browser.api("GET", f"/use-register?record={row.record_id}&limit=500").json()["items"]
        return [one["page"] for one in entries if one["act"] == "page.viewed" and one["file_id"] == row.id]

    before = len(pages())
    for leaf in range(2, 12):
        assert browser.http.get(f"/files/{row.id}/pages/{leaf}.webp").status_code == 200
    assert sorted(pages()[: len(pages()) - before]) == list(range(2, 12))
    before = len(pages())
    assert browser.http.get(f"/files/{row.id}/pages/1.webp?size=thumb").status_code == 200
    assert browser.http.get(f"/files/{row.id}/pages/1.webp?size=huge").status_code == 422
    assert browser.http.get(f"/files/{row.id}/pages/0.webp").status_code == 404
    assert browser.http.get(f"/files/{row.id}/pages/99.webp").status_code == 404
    assert len(pages()) == before
    other = visit("other")
    for path in ("pages/1.webp", "pages/1.webp?size=thumb", "find?q=词", "pages/99.webp", "print"):
        assert other.http.get(f"/files/{row.id}/{path}").status_code == 404, path


def test_a_thumb_without_its_page_is_a_look_of_its_own(site: Site, visit: Visit, files: dict[str, StoredFile]) -> None:
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        made = create_account(
            session,
            archive=site.archive,
            actor=actor,
            username="thumbs",
            display_name="只看小图",
            organ_code="bureau",
            password=PASSWORD,
            roles=[("archivist", "bureau")],
        )

    def looks() -> list[str]:
        with site.archive.reading() as session:
            return [one.act for one in use_register.entries(session, actor_id=made.id)]

    browser = visit("thumbs")
    scan, typed = files[SCAN], files[TYPED]
    thumb = f"/files/{scan.id}/pages/1.webp?size=thumb"
    assert browser.http.get(thumb).status_code == 200
    assert looks() == ["file.viewed"]
    assert browser.http.get(thumb.replace("/1.webp", "/2.webp")).status_code == 200
    assert looks() == ["file.viewed"]
    browser.get(f"/records/{typed.record_id}")
    before = looks()
    assert browser.http.get(f"/files/{typed.id}/pages/1.webp?size=thumb").status_code == 200
    assert looks() == before
