"""Quality of scans: what is told, what is left alone, and no alarm about the county's own papers."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from PIL import Image, ImageDraw

from ingest.checks.image_quality import ScanQuality
from ingest.inspect import Inspection, Look, inspect
from ingest.limits import IngestLimits
from ingest.media.images import small_grey
from ingest.media.medium import Bounds, Page
from ingest.outcome import Finding
from lantai.sample import write_sample
from lantai.sample.pictures import scene
from tests.corpus.makers.papers import jpeg_page, page, scanned_pdf

BOUNDS = Bounds.of(IngestLimits())
A4 = (1654, 2339)  # at 200 dots an inch


def judged(*images: Image.Image, dpi: float | None = 200.0) -> list[Finding]:
    quality = ScanQuality(BOUNDS)
    for number, image in enumerate(images, start=1):
        small = small_grey(image)
        assert small is not None
        quality.add(Page(number, small, *image.size, dpi))
    return list(quality.findings("p.jpg"))


def codes(*images: Image.Image, dpi: float | None = 200.0) -> list[str]:
    return [one.code for one in judged(*images, dpi=dpi)]


@pytest.mark.parametrize("lines", [1, 5, 24])
@pytest.mark.parametrize("size", [(827, 1169), A4, (2480, 3508), (2339, 1654)])
def test_a_good_page_gives_no_finding(size: tuple[int, int], lines: int) -> None:
    assert codes(page(size, lines=lines)) == []


@pytest.mark.parametrize("turned", [0.5, -1.0, 1.5, -2.0, 2.5])
def test_a_little_skew_is_within_the_limit(turned: float) -> None:
    assert codes(page(A4, turned=turned)) == []


@pytest.mark.parametrize("turned", [4.0, -4.0, 5.5, -6.5, 7.5])
def test_skew_is_told_with_its_degrees(turned: float) -> None:
    found = {one.code: one for one in judged(page(A4, turned=turned))}
    assert found["scan.skewed"].params["degrees"] == pytest.approx(abs(turned), abs=1.0)


def test_resolution() -> None:
    (finding,) = judged(page((1240, 1754)), dpi=150.0)
    assert (finding.code, finding.params) == ("scan.low_resolution", {"page": "1", "dpi": 150, "limit": 200})
    assert codes(page(A4), dpi=199.0) == []
    assert codes(page(A4), dpi=None) == []
    assert codes(page(A4), dpi=72.0) == []  # 32 inches of paper: what a program writes that knows nothing


def test_blank_and_black() -> None:
    white = Image.new("L", A4, 250)
    grain = Image.effect_noise(A4, 6).point([min(255, value + 110) for value in range(256)])
    assert codes(white) == ["scan.blank"]
    assert codes(grain) == ["scan.blank"]
    assert codes(Image.new("L", A4, 8)) == ["scan.dark"]
    signed = Image.new("L", A4, 250)
    ImageDraw.Draw(signed).line((400, 1800, 700, 1750), fill=20, width=8)
    assert codes(signed) == []


def test_pages_of_one_fault_are_one_finding() -> None:
    blank, good = Image.new("L", A4, 250), page(A4)
    (finding,) = judged(blank, blank, good, blank)
    assert finding.params == {"page": "1-2, 4"}


def test_writing_that_runs_into_the_edge() -> None:
    assert codes(page(A4).crop((104, 0, *A4))) == ["scan.cut_off"]
    lid = page(A4)
    ImageDraw.Draw(lid).rectangle((0, 0, 14, A4[1]), fill=15)
    assert codes(lid) == []


def test_what_is_no_page_is_left_alone() -> None:
    photograph = scene(Random(4), (1200, 900), "入户照片")
    assert codes(photograph, dpi=72.0) == []
    screen = Image.new("L", (1080, 2340), 255)
    ImageDraw.Draw(screen).text((0, 900), "x" * 400, fill=0)
    assert codes(screen, dpi=72.0) == []
    assert codes(Image.new("L", (100, 120), 255)) == []


def test_pages_of_a_scanned_pdf(tmp_path: Path) -> None:
    blank = Image.new("L", A4, 252)
    coarse = page((827, 1169))
    path = tmp_path / "scan.pdf"
    path.write_bytes(scanned_pdf([jpeg_page(one) for one in (page(A4), blank, coarse, page(A4, turned=5))]))
    (answer,) = inspect([Look(os.fsencode(path), "scan.pdf", path.stat().st_size, BOUNDS, frozenset({"quality"}))])
    assert isinstance(answer, Inspection)
    found = {one.code: one.params["page"] for one in answer.findings}
    assert found == {"scan.blank": "2", "scan.low_resolution": "3", "scan.skewed": "4"}


def test_pages_of_a_tiff_and_a_photograph(tmp_path: Path) -> None:
    pages = [one.convert("1") for one in (page(A4), Image.new("L", A4, 255), page(A4, turned=5))]
    path = tmp_path / "scan.tif"
    pages[0].save(path, compression="group4", save_all=True, append_images=pages[1:], dpi=(200, 200))
    exif = Image.Exif()
    exif[0x0110] = "Phone"
    photograph = tmp_path / "p.jpg"
    page((900, 1200), turned=6).save(photograph, exif=exif, dpi=(72, 72))
    looks = [Look(os.fsencode(one), one.name, 1, BOUNDS, frozenset({"quality"})) for one in (path, photograph)]
    scan, photo = inspect(looks)
    assert isinstance(scan, Inspection)
    assert isinstance(photo, Inspection)
    assert {one.code: one.params["page"] for one in scan.findings} == {"scan.blank": "2", "scan.skewed": "3"}
    assert photo.findings == ()


def test_the_countys_own_papers_raise_no_alarm(tmp_path: Path) -> None:
    write_sample(tmp_path / "county", households=3, seed=5)
    paths = sorted(one for one in (tmp_path / "county").rglob("*") if one.is_file())
    checks = frozenset({"format", "readability", "quality", "text"})
    looks = [Look(os.fsencode(one), one.name, one.stat().st_size, BOUNDS, checks) for one in paths]
    answers = inspect(looks)
    assert all(isinstance(one, Inspection) for one in answers)
    told = Counter(one.code for answer in answers if isinstance(answer, Inspection) for one in answer.findings)
    assert set(told) <= {"personal.found"}


def test_a_page_takes_milliseconds() -> None:
    import time

    small = small_grey(page((2480, 3508), turned=2))
    assert small is not None
    started = time.process_time()
    for _ in range(20):
        ScanQuality(BOUNDS).add(Page(1, small, 2480, 3508, 300.0))
    assert (time.process_time() - started) / 20 < 0.01


def test_modes_that_grey_says_nothing_of() -> None:
    assert small_grey(Image.new("CMYK", (300, 300))) is None
    out = io.BytesIO()
    Image.new("I;16", (300, 300), 700).save(out, "PNG")
    with Image.open(out) as image:
        assert small_grey(image) is None
