"""How far a person or a program reaches in deposits: what a narrowed token may not do, whose household is not told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator

import httpx
import pytest

from access.accounts import create_account
from access.actors import console_actor
from access.organs import create_organ
from access.tokens import create_token
from lantai.site import Site
from metadata.household import household_no
from repository.tables import Finding, Submission, SubmissionFile
from tests.unit.lantai_web.conftest import HOUSEHOLD, PASSWORD, Browser

Visit = Callable[..., Browser]
Program = Callable[..., httpx.Client]
TUS = {"Tus-Resumable": "1.0.0"}


@pytest.fixture
def program(base: str, site: Site) -> Iterator[Program]:
    """A program with a token of an account, narrowed to permissions."""
    made: list[httpx.Client] = []

    def of(username: str, *permissions: str) -> httpx.Client:
        with site.archive.sessions.begin() as session:
            console = console_actor(session, site.archive.profile, "test")
            _, text = create_token(
                session, archive=site.archive, actor=console, username=username, label="test", permissions=permissions
            )
        made.append(httpx.Client(base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {text}"}, timeout=60))
        return made[-1]

    yield of
    for one in made:
        one.close()


def test_a_token_that_may_not_deposit_touches_no_deposit_of_its_account(program: Program) -> None:
    submission_id = program("clerk", "deposit").post("/submissions", json={"title": "窄"}).json()["id"]
    narrow = program("clerk", "search")
    assert narrow.get("/submissions").json()["items"] == []
    named = base64.b64encode(b"a.txt").decode()
    here = f"/submissions/{submission_id}"
    for answer in (
        narrow.get(here),
        narrow.get(f"{here}/findings"),
        narrow.get(f"{here}/receipt"),
        narrow.put(f"{here}/files", params={"path": "a.txt"}, content=b"a"),
        narrow.post(f"{here}/uploads", headers={**TUS, "Upload-Length": "1", "Upload-Metadata": f"path {named}"}),
        narrow.post(f"{here}/complete"),
        narrow.post(f"{here}/withdraw"),
    ):
        assert answer.status_code == 404, answer.text
    assert program("clerk").get(here).json()["state"] == "receiving"
    assert program("clerk", "deposit").post(f"{here}/withdraw").json()["state"] == "withdrawn"


def test_a_narrowed_token_neither_lists_nor_ends_other_tokens(program: Program, visit: Visit) -> None:
    narrow = program("clerk", "deposit")
    assert narrow.get("/tokens").status_code == 403
    with_all = program("clerk").get("/tokens").json()
    for one in with_all:
        assert narrow.delete(f"/tokens/{one['id']}").status_code == 403
    assert {one["id"]: one["state"] for one in program("clerk").get("/tokens").json()}.items() >= {
        one["id"]: one["state"] for one in with_all
    }.items()


def _list(number: str) -> bytes:
    record = {"title": "证明", "files": ["a.txt"], "household_nos": [number], "programme": "DB"}
    return json.dumps({"format": "lantai-deposit-list/1", "records": [record]}).encode()


def _told(browser: Browser, number: str) -> list[str]:
    answer = browser.api("POST", "/deposit-lists/check?name=deposit-list.json", content=_list(number))
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["findings"]]


def test_a_household_of_another_township_is_told_as_one_that_is_not_there(visit: Visit) -> None:
    absent = household_no("990101001001", 4711)
    own, foreign = visit("clerk"), visit("other")
    assert _told(own, HOUSEHOLD) == []
    assert _told(visit("archivist"), HOUSEHOLD) == []
    assert _told(own, absent) == _told(foreign, absent) == _told(foreign, HOUSEHOLD) == ["list.unknown_household"]


def test_an_archivist_of_one_township_decides_nothing_for_another(site: Site, visit: Visit) -> None:
    """She works in the second township and keeps the archive of the first: her own deposit is not hers to accept."""
    archive = site.archive
    with archive.sessions.begin() as session:
        common = {"session": session, "archive": archive, "actor": console_actor(session, archive.profile, "test")}
        for code, prefix in (("ts7", "990101007"), ("ts8", "990101008")):
            create_organ(
                **common, code=code, name_zh=code, level="TS", division_prefix=prefix, parent_code="bureau"
            )  # fmt: skip
        create_account(
            **common,
            username="twoplaces",
            display_name="两处",
            organ_code="ts8",
            password=PASSWORD,
            roles=[("archivist_township", "ts7"), ("clerk_township", "ts8")],
        )
    browser = visit("twoplaces")
    submission_id = browser.api("POST", "/submissions", json={"title": "自己的"}).json()["id"]
    with archive.sessions.begin() as session:
        session.query(Submission).filter_by(id=submission_id).one().state = "waiting"
    assert browser.api("GET", f"/submissions/{submission_id}").status_code == 200
    assert browser.api("POST", f"/submissions/{submission_id}/accept").status_code == 403
    assert browser.api("POST", f"/submissions/{submission_id}/return", json={}).status_code == 403


def test_parameters_of_findings_hold_no_id_number(site: Site, visit: Visit, papers: object) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "参数"}).json()["id"]
    number = papers.id_number  # type: ignore[attr-defined]
    with site.archive.sessions.begin() as session:
        one = session.query(Submission).filter_by(id=submission_id).one()
        session.add(
            Finding(
                submission_id=one.id,
                code="duplicate.in_submission",
                severity="warning",
                outcome="warn",
                path="a.txt",
                params={"other": f"{number}.txt"},
                created_at=one.created_at,
            )
        )
        assert not session.query(SubmissionFile).filter_by(submission_id=one.id).count()
    told = browser.api("GET", f"/submissions/{submission_id}/findings").json()["items"]
    assert len(told) == 1
    assert number not in json.dumps(told)


def test_a_place_that_is_no_number_begins_at_the_first_page(visit: Visit) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "著录"}).json()["id"]
    for after in ("--5", "5-", "９" * 400, "-", "²"):
        answer = browser.post(f"/submissions/{submission_id}/describe", {"after": after})
        assert answer.status_code == 409, answer.text[:300]  # it still receives: nothing to describe yet
