"""Deposits over HTTP: the plain form, the API file by file, decisions, lines that break."""

from __future__ import annotations

import socket
from collections.abc import Callable

from ingest.pipeline import Context, advance
from lantai.site import Site
from repository.tables import SubmissionFile
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


def _carry_on(site: Site, submission_id: str) -> str:
    context = Context.open(site.archive, site.settings.limits, processes=1)
    try:
        return advance(context, submission_id)
    finally:
        context.close()


def _names(site: Site, submission_id: str) -> list[str]:
    with site.archive.reading() as session:
        rows = session.query(SubmissionFile).filter_by(submission_id=submission_id).order_by(SubmissionFile.position)
        return [row.path for row in rows]


def test_the_plain_form_takes_files_with_their_names(visit: Visit, site: Site) -> None:
    browser = visit("archivist")
    key = browser.get("/deposit").text.split('name="idempotency_key" value="')[1].split('"')[0]
    fields = {"csrf": browser.csrf, "idempotency_key": key, "title": "三月入户", "programme": "DB", "household_no": ""}
    files = [
        ("files", ("说明 %22一%22.txt", "申请低保".encode())),
        ("folder", ("资料/子/b.txt", b"second")),
        ("camera", ("", b"")),
    ]
    answer = browser.http.post("/deposit", data=fields, files=files)
    assert answer.status_code == 303
    submission_id = answer.headers["location"].rpartition("/")[2]
    assert _names(site, submission_id) == ['说明 "一".txt', "资料/子/b.txt"]
    again = browser.http.post("/deposit", data=fields, files=files)  # the same form sent twice is one deposit
    assert again.headers["location"] == answer.headers["location"]
    assert _carry_on(site, submission_id) == "waiting"
    page = browser.get(f"/submissions/{submission_id}").text
    assert "待接收" in page
    assert "三月入户" in page


def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(visit: Visit) -> None:
    browser = visit("archivist")
    browser.get("/deposit")
    fields = {"csrf": browser.csrf, "title": "我的题名", "household_no": "123", "programme": "XX"}
    answer = browser.http.post("/deposit", data=fields, files={"files": ("a.txt", b"x")})
    assert answer.status_code == 422
    assert 'href="#f-household_no"' in answer.text
    assert 'href="#f-programme"' in answer.text
    assert 'value="我的题名"' in answer.text
    none = browser.http.post(
        "/deposit", data={**fields, "household_no": "", "programme": "DB"}, files={"files": ("", b"")}
    )
    assert none.status_code == 422
    assert "请先选择至少一个文件" in none.text


def test_files_one_by_one_then_accepted(visit: Visit, site: Site, papers: Papers) -> None:
    browser = visit("clerk")
    opened = browser.api(
        "POST",
        "/submissions",
        json={"title": "一张照片", "household_no": papers.household_no, "programme": "DB", "document_type": "CHK08"},
    )
    assert opened.status_code == 201
    submission_id = opened.json()["id"]
    large = "申请低保\n".encode() * 400_000
    for path, body in (("a/一.txt", b"one"), ("a/二.txt", large), ("空.txt", b"")):
        answer = browser.http.put(
            f"/api/v1/submissions/{submission_id}/files",
            params={"path": path},
            content=body,
            headers={"X-CSRF-Token": browser.csrf},
        )
        assert (answer.status_code, answer.json()["size"]) == (201, len(body))
    assert browser.api("POST", f"/submissions/{submission_id}/complete").json()["state"] == "examining"
    closed = browser.http.put(
        f"/api/v1/submissions/{submission_id}/files",
        params={"path": "x"},
        content=b"x",
        headers={"X-CSRF-Token": browser.csrf},
    )
    assert (closed.status_code, closed.json()["code"]) == (409, "submission.not_receiving")
    assert _carry_on(site, submission_id) == "waiting"
    assert browser.api("POST", f"/submissions/{submission_id}/accept").status_code == 403  # a clerk does not accept
    assert (
        visit("other").api("GET", f"/submissions/{submission_id}").status_code == 404
    )  # nor does another township see it
    archivist = visit("archivist")
    findings = archivist.api("GET", f"/submissions/{submission_id}/findings").json()["items"]
    assert "file.empty" in {one["code"] for one in findings}
    assert archivist.api("POST", f"/submissions/{submission_id}/accept").json()["state"] == "accepted"
    assert archivist.api("POST", f"/submissions/{submission_id}/accept").status_code == 409
    assert _carry_on(site, submission_id) == "done"
    assert archivist.api("GET", f"/records?submission={submission_id}").json()["items"]


def test_a_return_carries_its_reason(visit: Visit, site: Site) -> None:
    clerk, archivist = visit("clerk"), visit("archivist")
    submission_id = clerk.api("POST", "/submissions", json={"title": "要退回"}).json()["id"]
    clerk.http.put(
        f"/api/v1/submissions/{submission_id}/files",
        params={"path": "a.txt"},
        content=b"a",
        headers={"X-CSRF-Token": clerk.csrf},
    )
    clerk.api("POST", f"/submissions/{submission_id}/complete")
    _carry_on(site, submission_id)
    archivist.get(f"/submissions/{submission_id}")
    assert archivist.post(f"/submissions/{submission_id}/return", {"reason": "缺第二页"}).status_code == 303
    page = clerk.get(f"/submissions/{submission_id}").text
    assert "缺第二页" in page
    assert "已退回" in page
    assert "/submissions?state=back" in clerk.get("/").text  # it stands among the tasks of who made it


def test_nobody_adds_to_the_deposit_of_another(visit: Visit) -> None:
    submission_id = visit("clerk").api("POST", "/submissions", json={"title": "eigen"}).json()["id"]
    archivist = visit("archivist")  # may see it, may not add to it
    answer = archivist.http.put(
        f"/api/v1/submissions/{submission_id}/files",
        params={"path": "a"},
        content=b"a",
        headers={"X-CSRF-Token": archivist.csrf},
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "submission.not_yours")


def test_an_upload_that_breaks_off_leaves_nothing_that_counts(visit: Visit, base: str, site: Site) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "abgebrochen"}).json()["id"]
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"PUT /api/v1/submissions/{submission_id}/files?path=a.bin HTTP/1.1\r\nHost: {host}\r\nContent-Length: 5000000\r\n"
            f"X-CSRF-Token: {browser.csrf}\r\nCookie: lantai_session={browser.http.cookies['lantai_session']}\r\n\r\n"
        )
        line.sendall(head.encode() + b"x" * 2_000_000)
    path = "nachher.txt"
    done = browser.http.put(
        f"/api/v1/submissions/{submission_id}/files",
        params={"path": path},
        content=b"ok",
        headers={"X-CSRF-Token": browser.csrf},
    )
    assert done.status_code == 201
    browser.api("POST", f"/submissions/{submission_id}/complete")
    assert _names(site, submission_id) == [path]


def test_a_body_that_is_no_form_is_refused(visit: Visit) -> None:
    browser = visit("archivist")
    for content, kind in (
        (b"nonsense", "multipart/form-data; boundary=x"),
        (b"a=b", "text/plain"),
        (b"--x\r\n", "multipart/form-data"),
    ):
        answer = browser.http.post("/deposit", content=content, headers={"Content-Type": kind})
        assert answer.status_code in {400, 403, 503}, kind


def test_a_name_with_a_nul_is_kept_readable_and_counts_once(visit: Visit, site: Site) -> None:
    browser = visit("clerk")
    submission_id = browser.api("POST", "/submissions", json={"title": "零字节"}).json()["id"]
    for _again in range(2):
        sent = browser.http.put(
            f"/api/v1/submissions/{submission_id}/files?path=a%00b",
            content=b"x",
            headers={"X-CSRF-Token": browser.csrf},
        )
        assert (sent.status_code, sent.json()["size"]) == (201, 1)
    assert _names(site, submission_id) == ["a\ufffdb"]


def test_a_wrong_household_number_is_told_in_both_languages_with_its_field(visit: Visit) -> None:
    answer = visit("clerk").api("POST", "/submissions", json={"household_no": "9901011012010000012"})
    assert answer.status_code == 422
    problem = answer.json()
    assert problem["params"]["fields"] == ["household_no"]
    assert problem["zh"].startswith("户号（末四位 0012）校验码不符")
    assert problem["en"].startswith("The check character")
