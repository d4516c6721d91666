"""Files by parts over a real line: cut, gone on with, refused (tus 1.0.0)."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from access.tokens import create_token
from ingest.submissions import read_submission
from lantai.site import Site
from repository.tables import SubmissionFile
from tests.unit.lantai_web.conftest import Browser

Visit = Callable[..., Browser]
TUS = {"Tus-Resumable": "1.0.0"}
PART = {**TUS, "Content-Type": "application/offset+octet-stream"}


class Sender:
    """A program with a token that speaks the protocol."""

    def __init__(self, base: str, token: str) -> None:
        self.http = httpx.Client(base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {token}"}, timeout=60)
        self.submission_id = self.http.post("/submissions", json={"title": "分段"}).json()["id"]
        self.uploads = f"/submissions/{self.submission_id}/uploads"

    def begin(self, path: str | bytes, length: int, body: bytes = b"", **headers: str) -> httpx.Response:
        """Begin a file."""
        raw = path.encode() if isinstance(path, str) else path
        named = {"Upload-Length": str(length), "Upload-Metadata": f"path {base64.b64encode(raw).decode()},x"}
        sent = {**(PART if body else TUS), **named, **headers}
        return self.http.post(self.uploads, headers=sent, content=body)

    def where(self, answer: httpx.Response) -> str:
        """The address of the file just begun, below the API."""
        assert answer.status_code == 201, answer.text
        return answer.headers["location"].removeprefix("/api/v1")

    def part(self, where: str, offset: int, body: bytes, **headers: str) -> httpx.Response:
        """Send a part."""
        return self.http.patch(where, headers={**PART, "Upload-Offset": str(offset), **headers}, content=body)

    def offset(self, where: str) -> int:
        """How far the file has come."""
        return int(self.http.head(where, headers=TUS).headers["upload-offset"])


@pytest.fixture
def sender(base: str, site: Site) -> Iterator[Sender]:
    """The clerk's program."""
    made = Sender(base, token_of(site, "clerk"))
    yield made
    made.http.close()


def token_of(site: Site, username: str, *permissions: str) -> str:
    """A fresh token of an account."""
    from access.actors import console_actor

    with site.archive.sessions.begin() as session:
        console = console_actor(session, site.archive.profile, "test")
        return create_token(
            session, archive=site.archive, actor=console, username=username, label="test", permissions=permissions
        )[1]


def _files(site: Site, submission_id: str) -> list[SubmissionFile]:
    with site.archive.reading() as session:
        rows = session.query(SubmissionFile).filter_by(submission_id=submission_id).order_by(SubmissionFile.position)
        return list(rows)


def test_a_cut_line_costs_nothing_that_had_arrived(sender: Sender, site: Site, base: str) -> None:
    body = os.urandom(30 << 20)
    where = sender.where(sender.begin("扫描/大图.tif", len(body)))
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"PATCH /api/v1{where} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\nUpload-Offset: 0\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Authorization: {sender.http.headers['authorization']}\r\n\r\n"
        )
        line.sendall(head.encode() + body[: 11 << 20])
    deadline = time.monotonic() + 20
    while (offset := sender.offset(where)) == 0:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert 0 < offset <= 11 << 20
    assert offset >= 10 << 20  # what had arrived is kept
    done = sender.part(where, offset, body[offset:])
    assert (done.status_code, int(done.headers["upload-offset"])) == (204, len(body))
    [row] = _files(site, sender.submission_id)
    assert row.digests["sha256"] == hashlib.sha256(body).hexdigest()
    assert (row.path, row.size, row.role) == ("扫描/大图.tif", len(body), "payload")
    assert row.chunk_sha256 == "".join(
        hashlib.sha256(body[start : start + (16 << 20)]).hexdigest() for start in (0, 16 << 20)
    )
    assert sender.offset(where) == len(body)
    assert sender.http.post(f"/submissions/{sender.submission_id}/complete").json()["state"] == "examining"


def test_two_parts_at_once_and_a_wrong_place(sender: Sender, site: Site, base: str) -> None:
    length = 10 + (2 << 20)
    where = sender.where(sender.begin("a.bin", length))
    assert sender.part(where, 0, b"0123456789").status_code == 204
    wrong = sender.part(where, 3, b"xxx")
    assert (wrong.status_code, wrong.json()["code"], wrong.json()["params"]["offset"]) == (409, "upload.offset", 10)
    [kept] = (site.archive.quarantine / sender.submission_id / "files" / "parts").iterdir()
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"PATCH /api/v1{where} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {2 << 20}\r\nUpload-Offset: 10\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Authorization: {sender.http.headers['authorization']}\r\n\r\n"
        )
        line.sendall(head.encode() + bytes(3 << 19))  # and then silence
        deadline = time.monotonic() + 20
        while kept.stat().st_size < 1 << 20:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        second = sender.part(where, 10, b"x")
        assert (second.status_code, second.json()["code"]) == (423, "upload.busy")
        assert sender.http.delete(where, headers=TUS).status_code == 423
        assert sender.http.post(f"/submissions/{sender.submission_id}/complete").status_code == 409
        line.sendall(bytes(1 << 19))
        assert line.recv(100).startswith(b"HTTP/1.1 204")
    assert [row.size for row in _files(site, sender.submission_id)] == [length]


def test_a_checksum_keeps_wrong_bytes_out(sender: Sender) -> None:
    body = b"checked" * 1000
    where = sender.where(sender.begin("a.bin", len(body)))
    right = base64.b64encode(hashlib.sha1(body).digest()).decode()
    wrong = base64.b64encode(hashlib.sha256(b"other").digest()).decode()
    refused = sender.part(where, 0, body, **{"Upload-Checksum": f"sha256 {wrong}"})
    assert (refused.status_code, refused.json()["code"]) == (460, "upload.checksum_mismatch")
    assert sender.offset(where) == 0
    assert sender.part(where, 0, body, **{"Upload-Checksum": "md5 AAAA"}).status_code == 400
    assert sender.part(where, 0, body, **{"Upload-Checksum": f"sha1 {right}"}).status_code == 204


def test_files_keep_the_order_in_which_they_were_begun(sender: Sender, site: Site) -> None:
    first = sender.where(sender.begin("1.txt", 3))
    second = sender.begin("2.txt", 3, b"two")
    assert second.headers["upload-offset"] == "3"
    assert sender.begin("3.txt", 0).headers["upload-offset"] == "0"
    unfinished = sender.http.post(f"/submissions/{sender.submission_id}/complete")
    assert (unfinished.status_code, unfinished.json()["code"]) == (409, "submission.uploads_open")
    assert sender.part(first, 0, b"one").status_code == 204
    again = sender.where(sender.begin("2.txt", 3, b"two"))  # the answer of the first was lost
    legacy = sender.begin("旧名.txt".encode("gb18030"), 1, b"x")
    assert legacy.status_code == 201
    assert sender.http.delete(sender.where(sender.begin("4.txt", 9, b"no")), headers=TUS).status_code == 204
    assert sender.http.post(f"/submissions/{sender.submission_id}/complete").status_code == 200
    rows = _files(site, sender.submission_id)
    assert [row.path for row in rows] == ["1.txt", "2.txt", "3.txt", "旧名.txt"]
    assert [row.size for row in rows] == [3, 3, 0, 1]
    assert rows[3].path_bytes == base64.b64encode("旧名.txt".encode("gb18030")).decode()
    assert sender.http.head(again, headers=TUS).status_code == 200
    late = sender.part(first, 3, b"")
    assert (late.status_code, late.json()["code"]) == (409, "submission.not_receiving")
    assert sender.begin("5.txt", 1).status_code == 409


def test_limits_and_requests_that_break_the_protocol(
    sender: Sender, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = sender.begin("a.bin", site.settings.limits.file_bytes + 1)
    assert (large.status_code, large.json()["params"]["finding"]) == (413, "deposit.file_too_large")
    full = sender.begin("a.bin", site.settings.limits.file_bytes)
    assert (full.status_code, full.json()["code"]) == (507, "quarantine.full")
    where = sender.where(sender.begin("a.bin", 5))
    long = sender.part(where, 0, b"0123456789")
    assert (long.status_code, long.json()["code"]) == (422, "upload.too_long")
    assert sender.offset(where) == 0
    no_version = sender.http.head(where)
    assert (no_version.status_code, no_version.headers["tus-version"]) == (412, "1.0.0")
    plain = sender.http.patch(where, headers={**TUS, "Upload-Offset": "0"}, content=b"x")
    assert plain.status_code == 415
    for headers in (
        {"Upload-Length": "-1"},
        {"Upload-Length": "x"},
        {"Upload-Metadata": "path ###"},
        {"Upload-Metadata": ""},
    ):
        assert sender.begin("a", 1, **headers).status_code == 400, headers
    missing = sender.http.head(f"{sender.uploads}/{sender.submission_id}", headers=TUS)
    assert (missing.status_code, missing.headers["tus-resumable"]) == (410, "1.0.0")
    told = sender.http.options(sender.uploads)
    assert told.headers["tus-extension"] == "creation,creation-with-upload,checksum,termination,expiration"
    over = sender.http.post(
        where, headers={**PART, "X-HTTP-Method-Override": "PATCH", "Upload-Offset": "0"}, content=b"12345"
    )
    assert over.status_code == 204


def test_the_same_key_is_the_same_file(sender: Sender, site: Site) -> None:
    first = sender.where(sender.begin("a.bin", 4, **{"Idempotency-Key": "k1"}))
    assert sender.part(first, 0, b"ab").status_code == 204
    again = sender.begin("a.bin", 4, **{"Idempotency-Key": "k1"})
    assert (sender.where(again), again.headers["upload-offset"]) == (first, "2")
    assert sender.begin("b.bin", 4, **{"Idempotency-Key": "k1"}).json()["code"] == "idempotency.other_request"
    assert sender.http.delete(first, headers=TUS).status_code == 204
    assert sender.begin("b.bin", 4, b"abcd", **{"Idempotency-Key": "k1"}).headers["upload-offset"] == "4"
    assert [row.path for row in _files(site, sender.submission_id)] == ["b.bin"]


def test_nobody_goes_on_with_the_file_of_another(sender: Sender, site: Site, base: str) -> None:
    where = sender.where(sender.begin("a.bin", 4))
    archivist, other = Sender(base, token_of(site, "archivist")), Sender(base, token_of(site, "other"))
    assert archivist.part(where, 0, b"abcd").json()["code"] == "submission.not_yours"
    assert other.part(where, 0, b"abcd").status_code == 404
    assert sender.offset(where) == 0
    archivist.http.close()
    other.http.close()


def test_a_withdrawn_deposit_takes_no_more(sender: Sender) -> None:
    where = sender.where(sender.begin("a.bin", 4))
    assert sender.http.post(f"/submissions/{sender.submission_id}/withdraw").json()["state"] == "withdrawn"
    assert sender.part(where, 0, b"abcd").status_code in {409, 410}


def test_a_silent_sender_is_given_up_and_keeps_what_came(
    sender: Sender, base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lantai.api.uploads.SILENT_SECONDS", 0.3)
    where = sender.where(sender.begin("a.bin", 10))
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = (
            f"PATCH /api/v1{where} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 10\r\nUpload-Offset: 0\r\n"
            f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
            f"Authorization: {sender.http.headers['authorization']}\r\n\r\n"
        )
        line.sendall(head.encode() + b"abc")
        assert line.recv(4000).startswith(b"HTTP/1.1 503")
    assert sender.offset(where) == 3


# --- tokens and keys of the API ---------------------------------------------------------------------------------------


def test_a_token_needs_no_session_and_opens_no_page(site: Site, base: str, visit: Visit) -> None:
    token = token_of(site, "archivist", "deposit")
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as http:
        me = http.get("/api/v1/session").json()
        assert (me["username"], me["permissions"], me["csrf_token"]) == ("archivist", ["deposit"], "")
        assert http.get("/api/v1/records").status_code == 403
        assert http.get("/api/v1/search?q=x").status_code == 403
        assert http.get("/", follow_redirects=False).status_code == 303  # to the sign-in page
        made = http.post("/api/v1/tokens", json={"label": "x"})
        assert (made.status_code, made.json()["code"]) == (403, "token.by_token")
        signed_in = visit("clerk").http.cookies["lantai_session"]
        refused = http.get(
            "/api/v1/session", headers={"Authorization": "Bearer no", "Cookie": f"lantai_session={signed_in}"}
        )
        assert (refused.status_code, refused.json()["code"]) == (401, "token.unknown")
        assert refused.headers["www-authenticate"].startswith("Bearer")


def test_tokens_are_made_shown_once_and_revoked_on_the_page(site: Site, base: str, visit: Visit) -> None:
    browser = visit("clerk")
    browser.get("/tokens")
    page = browser.post("/tokens", {"label": "镇扫描仪", "days": "90", "deposit_only": "1"}).text
    token = page.split('id="f-token" class="token" value="')[1].split('"')[0]
    assert "镇扫描仪" in page
    assert token not in browser.get("/tokens").text
    with httpx.Client(base_url=base, headers={"Authorization": f"Bearer {token}"}) as http:
        assert http.get("/api/v1/session").json()["username"] == "clerk"
        keeper = visit("sysadmin")
        listed = [one for one in keeper.api("GET", "/tokens?everybody=true").json() if one["label"] == "镇扫描仪"]
        assert listed[0]["last_used_at"] is not None
        assert "镇扫描仪" in keeper.get("/system/sessions").text
        assert visit("other").api("DELETE", f"/tokens/{listed[0]['id']}").status_code == 404
        assert visit("other").api("GET", "/tokens?everybody=true").status_code == 403
        keeper.get("/system")
        assert keeper.post(f"/tokens/{listed[0]['id']}/revoke", {"next": "system"}).status_code == 303
        assert http.get("/api/v1/session").json()["code"] == "token.revoked"
    assert browser.post("/tokens", {"label": "", "days": "90"}).status_code == 422
    assert browser.api("POST", "/tokens", json={"label": "a"}).json()["token"].startswith("lantai_")


def test_a_repeated_request_opens_one_deposit(site: Site, base: str) -> None:
    with httpx.Client(
        base_url=f"{base}/api/v1", headers={"Authorization": f"Bearer {token_of(site, 'clerk')}"}
    ) as http:
        wish = {"title": "一次", "leave_out": True}
        long = "k" * 200
        first = http.post("/submissions", json=wish, headers={"Idempotency-Key": long})
        again = http.post("/submissions", json=wish, headers={"Idempotency-Key": long})
        assert (first.status_code, again.status_code, again.json()["id"]) == (201, 201, first.json()["id"])
        other = http.post("/submissions", json={"title": "二"}, headers={"Idempotency-Key": long})
        assert (other.status_code, other.json()["code"]) == (422, "idempotency.other_request")
        assert http.post("/submissions", json=wish, headers={"Idempotency-Key": "k" * 201}).status_code == 422
        second = {"Authorization": f"Bearer {token_of(site, 'other')}", "Idempotency-Key": long}
        assert http.post("/submissions", json=wish, headers=second).json()["id"] != first.json()["id"]
    with site.archive.reading() as session:
        assert read_submission(session, first.json()["id"]).options["leave_out"] is True


def test_findings_come_in_pages(site: Site, sender: Sender) -> None:
    from ingest.findings import rows
    from ingest.outcome import Finding
    from repository.tables import Finding as FindingRow

    told = [Finding("file.empty", f"{number}.txt") for number in range(5)] + [Finding("deposit.link", "l")]
    with site.archive.sessions.begin() as session:
        session.add_all(FindingRow(**one) for one in rows(told, sender.submission_id, site.archive.clock.now()))
    seen: list[str] = []
    after = ""
    while True:
        page = sender.http.get(f"/submissions/{sender.submission_id}/findings?limit=2{after}").json()
        seen += [one["path"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == ["l", "0.txt", "1.txt", "2.txt", "3.txt", "4.txt"]
    assert page["items"][0]["zh"]
