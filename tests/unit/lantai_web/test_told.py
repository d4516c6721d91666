"""What a deposit tells whom, and partial acceptance, over HTTP."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

from sqlalchemy import select

from ingest.pipeline import Context, advance
from lantai.site import Site
from repository.tables import StoredFile, Submission
from tests.unit.lantai_web.conftest import Browser

Visit = Callable[..., Browser]


def _carry_on(site: Site, submission_id: str) -> str:
    context = Context.open(site.archive, site.settings.limits, processes=1, checks=frozenset({"names", "duplicates"}))
    try:
        return advance(context, submission_id)
    finally:
        context.close()


def _deposit(browser: Browser, files: dict[str, bytes], **wish: object) -> str:
    opened = browser.api("POST", "/submissions", json={"title": "移交", **wish})
    assert opened.status_code == 201, opened.text
    submission_id = str(opened.json()["id"])
    for name, data in files.items():
        assert browser.api("PUT", f"/submissions/{submission_id}/files?path={name}", content=data).status_code == 201
    assert browser.api("POST", f"/submissions/{submission_id}/complete").status_code == 200
    return submission_id


def _codes(browser: Browser, submission_id: str) -> list[str]:
    return [one["code"] for one in browser.api("GET", f"/submissions/{submission_id}/findings").json()["items"]]


def test_a_clerk_learns_nothing_of_another_township_s_papers(visit: Visit, site: Site) -> None:
    paper = {"入户调查.txt": "白沙镇某户入户调查，只此一份".encode()}
    archivist = visit("archivist")
    first = _deposit(visit("other"), paper)
    assert _carry_on(site, first) == "waiting"
    assert archivist.api("POST", f"/submissions/{first}/accept").status_code == 200
    assert _carry_on(site, first) == "done"
    clerk = visit("clerk")
    again = _deposit(clerk, paper)
    assert _carry_on(site, again) == "waiting"
    assert _codes(clerk, again) == []
    assert clerk.api("GET", f"/submissions/{again}").json()["findings"] == 0
    with site.archive.reading() as session:
        record_id = session.scalars(
            select(StoredFile.record_id).where(StoredFile.original_name == "入户调查.txt")
        ).one()
    for path in (f"/submissions/{again}", f"/submissions/{again}/progress", "/submissions"):
        page = clerk.get(path).text
        assert record_id not in page
        assert "duplicate.elsewhere" not in page
    assert _codes(archivist, again) == ["duplicate.elsewhere"]
    assert archivist.api("GET", f"/submissions/{again}").json()["findings"] == 1
    assert record_id in archivist.get(f"/submissions/{again}").text


def test_an_archivist_takes_the_good_papers_of_a_refused_deposit(visit: Visit, site: Site) -> None:
    bad = BytesIO()
    with zipfile.ZipFile(bad, "w") as packed:
        packed.writestr("../out.txt", "out")
    submission_id = _deposit(visit("clerk"), {"好的材料.txt": "好".encode(), "坏.zip": bad.getvalue()})
    assert _carry_on(site, submission_id) == "rejected"
    archivist = visit("archivist")
    assert archivist.api("POST", f"/submissions/{submission_id}/accept").status_code == 409
    assert archivist.api("POST", f"/submissions/{submission_id}/accept?leave_out=true").status_code == 200
    assert _carry_on(site, submission_id) == "done"
    assert "record.left_out" in _codes(visit("clerk"), submission_id)


def test_the_option_is_given_at_the_beginning(visit: Visit, site: Site) -> None:
    submission_id = _deposit(visit("clerk"), {"另一件.txt": "另".encode()}, leave_out=True)
    with site.archive.reading() as session:
        options = session.scalars(select(Submission.options).where(Submission.id == submission_id)).one()
    assert options["leave_out"] is True
