"""The API reads well, speaks in problem details, and tells who watches how the site is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lantai.problems import MEDIA_TYPE, SignInRequired, exit_code, of_exception, problem, status_of
from lantai.site import Site
from metadata.errors import Conflict, Forbidden, Invalid, LantaiError, NotFound, Unavailable
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


def test_the_description_of_the_interface_is_complete(visit: Visit) -> None:
    described = visit().get("/api/v1/openapi.json").json()
    tags = {one["name"] for one in described["tags"]}
    for path, operations in described["paths"].items():
        for method, one in operations.items():
            assert one.get("summary"), (method, path)
            assert one.get("description"), (method, path)
            assert set(one["tags"]) <= tags, (method, path)
    assert "/api/v1/records/{record_id}" in described["paths"]
    assert not [path for path in described["paths"] if path.startswith("/records")]  # pages are not in it
    assert (
        "application/problem+json"
        in described["paths"]["/api/v1/records/{record_id}"]["get"]["responses"]["404"]["content"]
    )


def test_health_and_readiness(visit: Visit, site: Site) -> None:
    assert visit().get("/healthz").json() == {"status": "ok"}
    ready = visit().get("/readyz")
    assert ready.status_code == 200
    assert ready.json()["status"] == "degraded"
    parts = ready.json()["parts"]
    named = {"database", "replica a", "replica b", "index", "scanner", "workers", "quarantine", "derivatives"}
    assert named <= set(parts)
    assert parts["workers"]["state"] == "down"
    assert parts["database"] == {"state": "ok", "needed": True}
    assert parts["scanner"]["state"] == "not_checked"
    assert str(site.settings.home) not in ready.text


def test_lists_are_paged_by_key(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    whole = browser.api("GET", "/records?limit=500").json()["items"]
    seen, after = [], None
    while True:
        page = browser.api("GET", f"/records?limit=2{f'&after={after}' if after else ''}").json()
        seen += [one["id"] for one in page["items"]]
        after = page["next"]
        if after is None:
            break
    assert seen == [one["id"] for one in whole]


def test_everything_about_one_record(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    record_id = papers.record_ids["申請書.txt"]
    record = browser.api("GET", f"/records/{record_id}").json()
    assert {one["name"] for one in record["copies"]} == {"a", "b"}
    case = browser.api("GET", f"/case-files/{papers.household_no}").json()
    assert case["id"] in record["case_files"]
    assert case["missing"] > 0
    assert [one["what"] for one in browser.api("GET", f"/records/{record_id}/timeline").json()] == ["入库登记"]
    assert browser.api("GET", f"/retention/records/{record_id}").json()["story"]
    file = browser.api("GET", f"/records/{record_id}/files").json()["items"][0]
    pages = browser.api("GET", f"/files/{file['id']}/text").json()["pages"]
    assert "王秀英" in pages[0]
    assert papers.id_number not in pages[0]
    hits = browser.api("GET", "/search?q=王秀英").json()
    assert (hits["total"], hits["hits"][0]["record_id"]) == (1, record_id)
    assert browser.api("GET", "/use-register?limit=1").json()["items"][0]["form"] == "api"
    assert browser.api("GET", "/system/status").json()["records"] >= 4
    assert browser.api("GET", "/retention/rules").json()[0]["basis"]
    assert browser.api("GET", "/retention/due?before=2099-01-01").status_code == 200
    assert browser.api("GET", "/preservation").json()["kind"] == "run"  # written just now, not yet re-read


def test_the_officer_audits_by_button(visit: Visit) -> None:
    officer = visit("officer")
    officer.get("/preservation")
    begun = officer.post("/preservation/audit").headers["location"]
    assert begun.startswith("/preservation?asked=audit&since=")
    assert "正在重读" in officer.get(begun).text
    assert officer.api("POST", "/preservation/repair").status_code == 202
    assert visit("archivist").api("POST", "/preservation/repair").status_code == 403
    assert "audit_v1" in {one["work"] for one in officer.api("GET", "/system/jobs").json()["items"]}


def test_problems_are_problem_details(visit: Visit) -> None:
    browser = visit("archivist")
    for path, status, code in (
        ("/nowhere", 404, "page.unknown"),
        ("/records/none", 404, "record.not_found"),
        ("/records?limit=0", 422, "request.invalid"),
        ("/accounts", 403, "access.forbidden"),
        ("/search?q=x&after=nonsense", 422, "search.bad_cursor"),
    ):
        answer = browser.api("GET", path)
        assert (answer.status_code, answer.headers["content-type"], answer.json()["code"]) == (status, MEDIA_TYPE, code)
        assert answer.json()["detail"]
    english = browser.http.get(
        "/api/v1/records/none",
        headers={"Cookie": f"lantai_session={browser.http.cookies['lantai_session']}; lantai_language=en"},
    )
    assert english.json()["title"] == "Not found"
    broken = browser.http.post(
        "/api/v1/submissions", content=b"{", headers={"Content-Type": "application/json", "X-CSRF-Token": browser.csrf}
    )
    assert (broken.status_code, broken.json()["code"]) == (400, "request.invalid")


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (NotFound, 404, 66),
        (Invalid, 422, 65),
        (Conflict, 409, 73),
        (Forbidden, 403, 77),
        (Unavailable, 503, 69),
        (LantaiError, 500, 70),
    ],
)
def test_every_kind_has_its_status_and_exit_code(kind: type[LantaiError], status: int, code: int) -> None:
    error = kind("some.code", zh="中", en="English", path="a/b", at=object)
    assert (status_of(error), exit_code(error)) == (status, code)
    told = problem(error, "zh", request_id="7")
    assert (told["status"], told["detail"], told["code"], told["params"]["path"]) == (status, "中", "some.code", "a/b")


def test_a_failure_of_the_program_gives_nothing_away() -> None:
    told = problem(of_exception(RuntimeError("secret path /x")), "en")
    assert told["status"] == 500
    assert "secret" not in str(told)
    assert status_of(SignInRequired()) == 401
