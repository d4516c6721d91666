"""Pictures of pages: upright, without Exif, one page after the other; what cannot be shown stops nothing."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw
from sqlalchemy import select

from ingest.extract import pictures
from ingest.extract.derive import derive_pending
from ingest.extract.pictures import picture_pending
from ingest.extract.render import Rendered, count_pages, picturable, render_pages
from ingest.pool import Failed
from repository import leases
from repository.archive import Archive
from repository.derivatives import get_image, image_path, pictured_pages
from repository.tables import StoredFile

Deposit = Callable[..., str]
ORIENTATION = 0x0112


def states(archive: Archive) -> list[tuple[str, int | None]]:
    with archive.reading() as session:
        rows = session.execute(select(StoredFile.image_state, StoredFile.page_count).order_by(StoredFile.position))
        return [(state, count) for state, count in rows]


def make_all(archive: Archive) -> int:
    while derive_pending(archive):
        pass
    done = 0
    while made := picture_pending(archive):
        done += made
    return done


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def opened(data: bytes | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(data))


@pytest.fixture
def photo() -> bytes:
    """Taken with the camera on its side: red is on the left of what was stored, at the top of what was seen."""
    picture = Image.new("RGB", (2400, 1200), "white")
    ImageDraw.Draw(picture).rectangle((0, 0, 400, 1200), fill="red")
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif[0x010F] = "Secret Camera"
    return encoded(picture, "JPEG", exif=exif)


def test_pages_of_every_kind(archive: Archive, deposit: Deposit, pdf: bytes, photo: bytes, ofd: bytes) -> None:
    leaves = [Image.new("1", (2480, 3508), value) for value in (1, 0, 1)]
    tiff = encoded(leaves[0], "TIFF", save_all=True, append_images=leaves[1:], compression="group4")
    record_id = deposit(
        ("a.pdf", "application/pdf", "fmt/20", pdf),
        ("b.tif", "image/tiff", "fmt/353", tiff),
        ("c.jpg", "image/jpeg", "fmt/43", photo),
        ("d.ofd", "application/ofd", None, ofd),
        ("e.txt", "text/plain", None, b"a"),
        ("f.jpg", "image/jpeg", "fmt/43", b"\xff\xd8 broken"),
        ("g.png", "image/png", None, b""),
    )
    assert make_all(archive) == 6 + 7
    assert states(archive) == [
        ("done", 2),
        ("done", 3),
        ("done", 1),
        ("none", None),
        ("not_applicable", None),
        ("failed", None),
        ("not_applicable", None),
    ]
    page = opened(get_image(archive.derivatives, record_id, 1, 1, "page", 2))
    assert (page.format, page.width) == ("WEBP", 1600)
    assert opened(get_image(archive.derivatives, record_id, 1, 2, "thumb", 3)).width == 240
    upright = opened(get_image(archive.derivatives, record_id, 1, 3, "page", 1))
    assert upright.height == 2 * upright.width
    red, green, _ = upright.convert("RGB").getpixel((upright.width // 2, 20))  # type: ignore[misc]
    assert red > 200 > 60 > green
    assert dict(upright.getexif()) == {}
    assert not list(archive.derivatives.glob("work-*"))
    assert picture_pending(archive) == 0


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "F"])
def test_pictures_of_every_mode(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a.tif"
    if mode == "P":
        Image.new("RGB", (50, 60), "blue").quantize().save(path)
    else:
        Image.new(mode, (50, 60)).save(path)
    (made,) = render_pages([(str(path), "image", 1)])
    assert isinstance(made, Rendered)
    assert opened(made.page).size == (50, 60)


def test_other_formats(tmp_path: Path) -> None:
    for kind, name in (("JPEG2000", "a.jp2"), ("BMP", "a.bmp"), ("GIF", "a.gif"), ("WEBP", "a.webp")):
        Image.new("RGB", (40, 50), "green").save(tmp_path / name, kind)
        (made,) = render_pages([(str(tmp_path / name), "image", 1)])
        assert isinstance(made, Rendered), name
    assert picturable("image/heic") == "image"
    assert picturable("image/svg+xml") == picturable(None) == ""


def test_a_damaged_page_is_missing_and_the_others_are_there(archive: Archive, deposit: Deposit) -> None:
    leaves = [Image.effect_noise((300, 400), 50) for _ in range(3)]
    tiff = bytearray(encoded(leaves[0], "TIFF", save_all=True, append_images=leaves[1:], compression="tiff_deflate"))
    with Image.open(io.BytesIO(bytes(tiff))) as picture:
        picture.seek(1)
        start = picture.tag_v2[273][0]  # type: ignore[attr-defined]
    tiff[start : start + 400] = bytes(400)
    record_id = deposit(("a.tif", "image/tiff", "fmt/353", bytes(tiff)))
    make_all(archive)
    assert states(archive) == [("done", 3)]
    have = [get_image(archive.derivatives, record_id, 1, 1, "page", number) is not None for number in (1, 2, 3)]
    assert have == [True, False, True]
    assert pictured_pages(archive.derivatives, record_id, 1, 1) == {1, 2, 3}


def test_it_goes_on_where_it_was_killed(archive: Archive, deposit: Deposit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "_CHUNK", 2)
    leaves = [Image.new("1", (300, 400), 1) for _ in range(5)]
    tiff = encoded(leaves[0], "TIFF", save_all=True, append_images=leaves[1:], compression="group4")
    record_id = deposit(("a.tif", "image/tiff", "fmt/353", tiff))
    derive_pending(archive)
    assert picture_pending(archive, seconds=0) == 2
    assert states(archive) == [("pending", 5)]
    first = image_path(archive.derivatives, record_id, 1, 1, "page", 1)
    made_at = first.stat().st_mtime_ns
    assert picture_pending(archive) == 3 + 1
    assert states(archive) == [("done", 5)]
    assert first.stat().st_mtime_ns == made_at


def test_text_goes_first_and_one_process_at_a_time(archive: Archive, deposit: Deposit, pdf: bytes) -> None:
    deposit(("a.pdf", "application/pdf", "fmt/20", pdf))
    assert picture_pending(archive) == 0
    derive_pending(archive)
    assert leases.take(archive.sessions, "images", "another", 60, archive.clock)
    assert picture_pending(archive) == 0
    leases.release(archive.sessions, "images", "another")
    assert picture_pending(archive) == 3


def test_pages_are_counted_and_refused_without_a_crash(tmp_path: Path, pdf: bytes) -> None:
    (tmp_path / "a.pdf").write_bytes(pdf)
    assert count_pages([(str(tmp_path / "a.pdf"), "pdf", 0)]) == [2]
    (made,) = render_pages([(str(tmp_path / "a.pdf"), "pdf", 9)])
    assert isinstance(made, Failed)
