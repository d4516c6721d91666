"""What stays behind and what may go on: the archivist's offer, the clerk's page, the report."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest
from sqlalchemy import select

from ingest.pipeline import Context, advance
from lantai.site import Site
from repository.tables import Submission
from tests.unit.lantai_web.conftest import Browser

Visit = Callable[..., Browser]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A good paper, a bag with a changed payload, a package that leads out of its folder."""
    (tmp_path / "申请书.txt").write_text("最低生活保障申请书", encoding="utf-8")
    bag = tmp_path / "包"
    bag.mkdir()
    (bag / "a.txt").write_text("甲", encoding="utf-8")
    bagit.make_bag(str(bag), {}, checksums=["sha256"])
    (bag / "data" / "a.txt").write_text("乙", encoding="utf-8")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("../out.txt", "out")
    (tmp_path / "坏.zip").write_bytes(packed.getvalue())
    return tmp_path


def _deposited(clerk: Browser, site: Site, folder: Path, **fields: str) -> str:
    files = [
        ("files", (path.relative_to(folder).as_posix(), path.read_bytes()))
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    ]
    answer = clerk.post("/deposit", {"programme": "DB", **fields}, files=files)
    assert answer.status_code == 303, answer.text
    submission_id = answer.headers["location"].rpartition("/")[2]
    _advance(site, submission_id)
    return submission_id


def _advance(site: Site, submission_id: str) -> None:
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        advance(context, submission_id)
    finally:
        context.close()


def _state(site: Site, submission_id: str) -> str:
    with site.archive.reading() as session:
        return session.scalars(select(Submission.state).where(Submission.id == submission_id)).one()


def test_an_archivist_accepts_the_rest_and_the_clerk_is_told_what_stayed(visit: Visit, site: Site, mixed: Path) -> None:
    clerk, archivist = visit("clerk"), visit("archivist")
    submission_id = _deposited(clerk, site, mixed)
    assert _state(site, submission_id) == "rejected"
    page = clerk.get(f"/submissions/{submission_id}").text
    assert "只有 2 件有问题" in page
    assert "其余先接收" not in page  # the decision is the archivist's
    offer = archivist.get(f"/submissions/{submission_id}").text
    assert "其余先接收" in offer
    assert "1 件将归入馆藏" in offer
    assert "有问题的 2 件不接收" in offer
    assert archivist.post(f"/submissions/{submission_id}/accept", {"leave_out": "1"}).status_code == 303
    _advance(site, submission_id)
    assert _state(site, submission_id) == "done"
    page = clerk.get(f"/submissions/{submission_id}").text
    assert "有问题的未接收" in page
    section = page.partition('aria-labelledby="left"')[2].partition("</section>")[0]
    assert "包/data/a.txt" in section
    assert "坏.zip" in section
    assert section.count("finding__advice") >= 2  # what to do about each
    assert "改好后重新移交" in section
    assert "其余先接收" not in archivist.get(f"/submissions/{submission_id}").text
    report = archivist.api("GET", f"/submissions/{submission_id}/report").json()
    facts = {one["label"]["zh"]: one["value"]["zh"] for one in report["subject"]["facts"]}
    assert (facts["件数"], facts["未接收"]) == ("1", "1 件")


def test_faults_of_all_of_it_offer_nothing(visit: Visit, site: Site, mixed: Path) -> None:
    (mixed / "申请书.txt").unlink()
    clerk, archivist = visit("clerk"), visit("archivist")
    submission_id = _deposited(clerk, site, mixed)
    assert _state(site, submission_id) == "rejected"
    assert "其余先接收" not in archivist.get(f"/submissions/{submission_id}").text
    assert "件有问题" not in clerk.get(f"/submissions/{submission_id}").text
