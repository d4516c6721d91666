"""Reading under a grant: masked text or marked pages, no original by any address, and an end while a page is open."""

from __future__ import annotations

import base64
import importlib
import io
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import noto_cjk_sans_otc
import pypdfium2
import pytest
import typst
from fastapi.routing import APIRoute
from PIL import Image, ImageChops
from sqlalchemy.orm import Session

from access import epochs
from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from lantai import api
from lantai.site import Site
from lantai.web import pages
from metadata.identifiers import new_id
from repository.tables import AccessGrant, AccessRequest, Account, CaseFile, GrantSubject, Household, StoredFile
from tests.unit.lantai_web.conftest import PASSWORD, Browser, Papers, take_in

Visit = Callable[..., Browser]
LETTER, SCAN, SOUND, NOTE = "函件.pdf", "证件.png", "访谈.wav", "笔录.txt"
PHONE, ID = "13812345678", "11010519491231002X"
NUMBER = "2026-0117"


@dataclass
class Lent:
    """Files by name, and the accounts that may see them by a grant."""

    files: dict[str, StoredFile]
    accounts: dict[str, str]


def _papers(folder: Path, sound: bytes) -> None:
    font = noto_cjk_sans_otc.FONT_PATH
    source = f'#set text(font: "Noto Sans CJK SC")\n第一页的函件正文不少于八个字，证号 {ID}。\n#pagebreak()\n第二页：联系电话 {PHONE}。'
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(Path(font).parent)])
    (folder / LETTER).write_bytes(typst.compile(source.encode(), font_paths=fonts))
    Image.new("RGB", (1200, 900), "white").save(folder / SCAN)
    (folder / SOUND).write_bytes(sound[:-1] + b"\x01")
    (folder / NOTE).write_text(f"入户访谈笔录\n证号 {ID}\n电话 {PHONE}\n")


@pytest.fixture(scope="module")
def lent(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Lent:
    """Four papers, and three people of another department: numbers masked, numbers in full, a copy to take away."""
    folder = tmp_path_factory.mktemp("lent") / "借阅材料"
    folder.mkdir()
    _papers(folder, papers.wav)
    take_in(site, folder)
    with site.archive.reading() as session:
        rows = session.query(StoredFile).filter(StoredFile.original_name.in_((LETTER, SCAN, SOUND, NOTE))).all()
        files = {row.original_name: row for row in rows}
    assert set(files) == {LETTER, SCAN, SOUND, NOTE}
    look = ["record.list", "record.read", "case.read", "search"]
    accounts = {}
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        create_organ(
            session,
            archive=site.archive,
            actor=actor,
            code="ybj",
            name_zh="云岭县医疗保障局",
            level="OD",
            division_prefix="",
        )
        for username, more in (
            ("masked", []),
            ("whole", ["unmask"]),
            ("taker", ["unmask", "record.download"]),
            ("blind", ["record.download"]),
        ):
            made = create_account(
                session,
                archive=site.archive,
                actor=actor,
                username=username,
                display_name=f"合成 {username}",
                organ_code="ybj",
                password=PASSWORD,
                roles=[("borrower_external", "ybj")],
            )
            accounts[username] = made.id
            _grant(site, session, made, f"{NUMBER}{len(accounts)}", [*look, *more], files)
    return Lent(files, accounts)


def _grant(
    site: Site,
    session: Session,
    account: Account,
    number: str,
    permissions: list[str],
    files: dict[str, StoredFile],
) -> None:
    now = site.archive.clock.now()
    request = AccessRequest(
        id=new_id(),
        number=number,
        account_id=account.id,
        organ_id=account.organ_id,
        requester="other_department",
        purpose="inter_agency_verification",
        days=3,
        wanted={},
        state="approved",
        decision="whole",
        profile_version=site.archive.profile.label,
        created_at=now,
        updated_at=now,
        submitted_at=now,
    )
    session.add(request)
    session.flush()
    grant = AccessGrant(
        id=new_id(),
        request_id=request.id,
        account_id=account.id,
        permissions=permissions,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(days=3),
        created_at=now,
    )
    session.add(grant)
    session.flush()
    for record_id in {one.record_id for one in files.values()}:
        session.add(GrantSubject(grant_id=grant.id, kind="record", subject_id=record_id))
    epochs.moved(session, [account.id])


def _file_routes() -> Iterator[str]:
    """Every address under which anything of a file or record is answered, by page or API."""
    for package, prefix in ((pages, ""), (api, "/api/v1")):
        for one in pkgutil.iter_modules(package.__path__):
            found = getattr(importlib.import_module(f"{package.__name__}.{one.name}"), "router", None)
            for route in found.routes if found is not None else ():
                if (
                    isinstance(route, APIRoute)
                    and "GET" in (route.methods or ())
                    and re.search(r"{(file|record)_id}", route.path)
                ):
                    yield prefix + route.path
    yield from ("/files/{file_id}/pages/{leaf}.webp?size=thumb", "/records/{record_id}?page=2&q=电话")


def _filled(path: str, row: StoredFile) -> str:
    return (
        path.replace("{file_id}", row.id)
        .replace("{record_id}", row.record_id)
        .replace("{leaf}", "1")
        .replace("{number}", "1")
    )


@pytest.mark.parametrize("path", sorted(_file_routes()))
def test_no_address_gives_numbers_to_whoever_reads_them_masked(visit: Visit, lent: Lent, path: str) -> None:
    for username in ("masked", "blind"):
        browser = visit(username)
        for row in lent.files.values():
            answer = browser.http.get(_filled(path, row), follow_redirects=True)
            assert answer.status_code in {200, 403, 404, 422}, (path, answer.status_code)
            kind = answer.headers["content-type"].partition(";")[0]
            if path.endswith("/report.pdf") and kind == "application/pdf":  # our own, masked
                document = pypdfium2.PdfDocument(answer.content)
                words = "".join(page.get_textpage().get_text_bounded() for page in document)
                assert ID not in words
                assert PHONE not in words
                continue
            assert kind in {"text/html", "application/json", "application/problem+json", "image/svg+xml"}, (path, kind)
            assert ID not in answer.text, path
            assert PHONE not in answer.text, path


def test_masked_text_is_read_page_by_page_and_says_why(visit: Visit, lent: Lent) -> None:
    browser, row = visit("masked"), lent.files[LETTER]
    first = browser.get(f"/records/{row.record_id}").text
    assert "110105********002X" in first
    assert "watermark.svg" in first
    assert "/pages/1.webp" not in first
    assert "/content" not in first
    assert "页面图像上的证件号" in first
    assert "138****5678" in browser.get(f"/records/{row.record_id}?page=2").text
    refused = browser.http.get(f"/files/{row.id}/pages/1.webp")
    assert refused.status_code == 403
    assert "file.numbers_masked" in refused.text
    mark = browser.http.get(f"/records/{row.record_id}/watermark.svg")
    assert mark.headers["cache-control"] == "no-store"
    assert "合成 masked 云岭县医疗保障局" in mark.text
    assert f"{NUMBER}1" in mark.text


def _picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data)).convert("L")


def test_pages_under_a_grant_bear_the_watermark(visit: Visit, lent: Lent) -> None:
    row = lent.files[SCAN]
    plain = visit("archivist").http.get(f"/files/{row.id}/pages/1.webp")
    answer = visit("whole").http.get(f"/files/{row.id}/pages/1.webp")
    assert (plain.status_code, answer.status_code) == (200, 200)
    assert answer.headers["cache-control"] == "no-store"
    assert "etag" not in answer.headers
    clean, copy = _picture(plain.content), _picture(answer.content)
    assert clean.size == copy.size
    assert clean.getextrema() == (255, 255)
    change = ImageChops.difference(clean, copy).point(lambda value: 255 * (value > 40))
    for left in range(0, copy.width, 400):  # in every part of the page
        for top in range(0, copy.height, 300):
            part = change.crop((left, top, left + 400, top + 300))
            assert part.histogram()[255] > 200, (left, top)
    thumb = visit("whole").http.get(f"/files/{row.id}/pages/1.webp?size=thumb")
    assert sum(_picture(thumb.content).histogram()[:200]) > 0
    other = visit("taker").http.get(f"/files/{row.id}/pages/1.webp")
    assert ImageChops.difference(copy, _picture(other.content)).getbbox() is not None  # another name, another mark


def test_originals_leave_only_with_the_right_to_a_copy(visit: Visit, lent: Lent) -> None:
    reader, taker = visit("whole"), visit("taker")
    for name, row in lent.files.items():
        for path in (f"/files/{row.id}/content", f"/files/{row.id}/download", f"/api/v1/files/{row.id}/content"):
            assert reader.http.get(path).status_code in {403, 422}, (name, path)
        assert taker.http.get(f"/files/{row.id}/download").status_code == 200, name
    page = reader.get(f"/records/{lent.files[SOUND].record_id}").text
    assert "<audio" not in page
    assert "水印" in page
    assert "<audio" in taker.get(f"/records/{lent.files[SOUND].record_id}").text
    letter = reader.get(f"/records/{lent.files[LETTER].record_id}").text
    assert "/pages/1.webp" in letter
    assert "/content" not in letter


def test_the_text_layer_is_masked_and_selectable(visit: Visit, lent: Lent) -> None:
    row = lent.files[LETTER]
    shown = visit("archivist").get(f"/records/{row.record_id}?page=2").text
    layer = re.findall(r"<text [^>]*>([^<]+)</text>", shown)
    assert any("138****5678" in one for one in layer)
    assert PHONE not in shown
    assert "style=" not in shown


def test_printing_enters_every_page(visit: Visit, lent: Lent) -> None:
    row = lent.files[LETTER]
    register = f"/use-register?record={row.record_id}&limit=50"
    before = {one["id"] for one in visit("archivist").api("GET", register).json()["items"]}
    shown = visit("whole").get(f"/files/{row.id}/print?from=1&to=2").text
    assert shown.count("/pages/") == 2
    entries = [one for one in visit("archivist").api("GET", register).json()["items"] if one["id"] not in before]
    printed = [one for one in entries if one["act"] == "page.printed"]
    assert sorted(one["page"] for one in printed) == [1, 2]
    assert {one["form"] for one in printed} == {"print"}
    masked = visit("masked").get(f"/files/{row.id}/print?from=1&to=99").text
    assert "110105********002X" in masked
    assert "watermark.svg" in masked


def test_unmasking_is_an_act_with_a_reason(visit: Visit, lent: Lent) -> None:
    row = lent.files[LETTER]
    path = f"/records/{row.record_id}/numbers?file={row.position}&page=2"
    clerk = visit("archivist")
    assert PHONE not in clerk.get(path).text
    refused = clerk.post(path, {"reason": " "})
    assert refused.status_code == 422
    assert PHONE not in refused.text
    shown = clerk.post(path, {"reason": f"核对银行代发名册 {PHONE}"})
    assert shown.status_code == 200
    assert PHONE in shown.text
    assert shown.headers["cache-control"] == "no-store"
    assert PHONE not in clerk.get(f"/records/{row.record_id}?page=2").text  # for that answer only
    entry = clerk.api("GET", f"/use-register?record={row.record_id}&limit=9").json()["items"]
    told = next(one for one in entry if one["act"] == "numbers.unmasked")
    assert told["reason"].startswith("核对银行代发名册")
    assert PHONE not in str(told)
    given = {"reason": "核对银行代发名册", "position": row.position, "page": 2}
    assert PHONE in clerk.api("POST", f"/records/{row.record_id}/numbers", json=given).json()["text"]
    for username in ("masked", "blind"):
        reader = visit(username)
        assert reader.get(path).status_code == 403
        assert reader.api("POST", f"/records/{row.record_id}/numbers", json=given).status_code == 403


def test_an_open_page_stops_when_the_grant_ends(site: Site, visit: Visit, lent: Lent) -> None:
    row, browser = lent.files[LETTER], visit("whole")
    still = f"/records/{row.record_id}/still"
    assert browser.get(f"/records/{row.record_id}").status_code == 200
    assert browser.http.get(still).json()["still"] is True
    with site.archive.sessions.begin() as session:
        grant = session.query(AccessGrant).filter(AccessGrant.account_id == lent.accounts["whole"]).one()
        before = grant.ends_at
        grant.ends_at = site.archive.clock.now() - timedelta(seconds=1)
        epochs.moved(session, [grant.account_id])
    told = browser.http.get(still).json()
    assert (told["still"], told["code"]) == (False, "grant.ended")
    assert f"{NUMBER}2" in told["sentence"]
    assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d", told["sentence"])
    for path in (f"/files/{row.id}/pages/1.webp", f"/records/{row.record_id}", f"/files/{row.id}/print"):
        answer = browser.http.get(path)
        assert answer.status_code == 404
        assert "已于" in answer.text
    assert browser.http.get(f"/files/{row.id}/pages/1.webp").headers["content-type"].startswith("text/html")
    with site.archive.sessions.begin() as session:
        grant = session.query(AccessGrant).filter(AccessGrant.account_id == lent.accounts["whole"]).one()
        grant.ends_at = before
        grant.revoked_at = site.archive.clock.now()
        epochs.moved(session, [grant.account_id])
    assert browser.http.get(still).json()["code"] == "grant.revoked"
    stranger = visit("other").http.get(still).json()
    assert stranger["still"] is False
    assert stranger["code"] == "record.not_found"


def test_a_page_is_drawn_on_the_spot_and_kept(site: Site, visit: Visit, lent: Lent) -> None:
    row = lent.files[LETTER]
    with site.archive.reading() as session:
        assert session.get_one(StoredFile, row.id).image_state == "pending"
    browser = visit("archivist")
    answer = browser.http.get(f"/files/{row.id}/pages/2.webp")
    assert answer.headers["content-type"] == "image/webp"
    folder = site.archive.derivatives / "images" / row.record_id[:2] / row.record_id
    assert any(one.name == "page-00002.webp" for one in folder.rglob("*.webp"))
    missing = browser.http.get(f"/files/{row.id}/pages/3.webp")
    assert missing.status_code == 404
    assert "没有这一页" in missing.text
    sound = browser.http.get(f"/files/{lent.files[SOUND].id}/pages/1.webp")
    assert sound.status_code == 404


def test_the_numbers_of_a_household_are_shown_for_a_reason(
    site: Site, visit: Visit, papers: Papers, lent: Lent
) -> None:
    assert lent.accounts
    with site.archive.sessions.begin() as session:
        case = session.query(CaseFile).join(Household).filter(Household.household_no == papers.household_no).one()
        sealed = base64.b64encode(site.archive.keys.seal(ID)).decode()
        member = {"name": "王秀英", "relation": "户主", "id_sealed": sealed, "id_masked": "110105********002X"}
        case.state = {**case.state, "members": [member]}
        path = f"/case-files/{case.id}"
    archivist = visit("archivist")
    page = archivist.get(path).text
    assert ID not in page
    assert f'href="{path}/numbers"' in page
    assert ID not in archivist.get(f"{path}/numbers").text
    assert ID in archivist.post(f"{path}/numbers", {"reason": "核对银行代发名册"}).text
    assert ID not in archivist.get(path).text
    answer = archivist.api("POST", f"{path}/numbers", json={"reason": "核对银行代发名册"}).json()
    assert answer["members"][0]["id_number"] == ID
    entries = archivist.api("GET", "/use-register?limit=20").json()["items"]
    assert (
        sum(one["act"] == "numbers.unmasked" and one["case_file_id"] in path for one in entries if one["case_file_id"])
        == 2
    )
    assert visit("masked").get(f"{path}/numbers").status_code == 404
    assert visit("other").get(f"{path}/numbers").status_code == 404
