"""Foreign hosts, tokens in addresses, asking too often, sign-in as it is abused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from access import passwords
from access.passwords import SlowDown
from lantai.app import create_app
from lantai.rates import Window
from lantai.settings import RateSettings
from lantai.site import Site
from lantai.web.limits import host_known
from repository.tables import LoginSession
from tests.unit.lantai_web.conftest import PASSWORD, Browser, serving

Visit = Callable[..., Browser]


@contextmanager
def browsing(site: Site, **changed: object) -> Iterator[Browser]:
    """A browser at the same site with other settings."""
    with serving(replace(site, settings=site.settings.model_copy(update=changed))) as base:
        browser = Browser(base)
        yield browser
        browser.http.close()


def test_a_window_slides_and_forgets() -> None:
    moment = [0.0]
    window = Window(2, now=lambda: moment[0])
    assert [window.take("a"), window.take("a")] == [0.0, 0.0]
    assert window.take("a") == 60.0
    assert window.take("b") == 0.0
    moment[0] = 60.0
    assert window.take("a") == 0.0
    unlimited = Window(0)
    assert [unlimited.take("a") for _ in range(100)] == [0.0] * 100


@pytest.mark.parametrize(
    ("host", "hosts", "listening", "known"),
    [
        ("127.0.0.1:8000", [], "127.0.0.1", True),
        ("localhost", [], "127.0.0.1", True),
        ("[::1]:8000", [], "::1", True),
        ("evil.example", [], "127.0.0.1", False),
        ("evil.example", [], "0.0.0.0", True),  # nothing was said: whatever the network calls it
        ("dangan.example", ["dangan.example"], "0.0.0.0", True),
        ("DANGAN.example.:443", ["dangan.example"], "0.0.0.0", True),
        ("a.dangan.example", ["*.dangan.example"], "0.0.0.0", True),
        ("dangan.example", ["*.dangan.example"], "0.0.0.0", False),
        ("evildangan.example", ["*.dangan.example"], "0.0.0.0", False),
        ("dangan.example@evil.example", ["dangan.example"], "0.0.0.0", False),
        ("dangan.example evil.example", ["dangan.example"], "0.0.0.0", False),
        ("", [], "0.0.0.0", False),
    ],
)
def test_which_hosts_are_answered(host: str, hosts: list[str], listening: str, known: bool) -> None:
    assert host_known(host, hosts, listening) is known


def test_a_foreign_host_is_refused_and_never_repeated(visit: Visit) -> None:
    for path in ("/", "/sign-in", "/api/v1/session", "/static/lantai.css"):
        answer = visit().get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 400
        assert "evil.example" not in answer.text + str(answer.headers)
    assert visit().get("/api/v1/session", headers={"Host": "evil.example"}).json()["code"] == "request.unknown_host"
    assert visit().get("/healthz", headers={"Host": "probe"}).status_code == 200
    forwarded = visit().get("/", headers={"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https"})
    assert forwarded.headers["location"] == "/sign-in"


@pytest.mark.parametrize(
    "target",
    ["//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:alert(1)", "/%0d%0aX: y"],
)
def test_signing_in_leads_nowhere_else(visit: Visit, target: str) -> None:
    browser = visit()
    browser.get("/sign-in", params={"next": target})
    answer = browser.post("/sign-in", {"username": "archivist", "password": PASSWORD, "next": target})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/")
    assert not answer.headers["location"].startswith(("//", "/\\"))
    again = browser.get("/sign-in", params={"next": target})
    assert again.headers["location"].startswith("/")
    assert "x" not in again.headers


def test_tokens_in_addresses_are_refused_and_open_nothing(visit: Visit) -> None:
    browser = visit("archivist")
    token = browser.api("POST", "/tokens", json={"label": "x"}).json()["token"]
    for path in (f"/records?token={token}", f"/records?access_token={token}", f"/records/{token}"):
        answer = visit().api("GET", path)
        assert (answer.status_code, answer.json()["code"]) == (400, "token.in_address")
        assert token not in answer.text
    session = browser.http.cookies["lantai_session"]
    assert visit().api("GET", f"/session?lantai_session={session}").status_code == 401
    for path in ("/", "/tokens", "/account", "/holdings"):
        text = browser.get(path).text
        assert token not in text
        assert session not in text


def test_searching_too_often_waits(site: Site, papers: object) -> None:
    with browsing(site, rates=RateSettings(searches_per_minute=3)) as browser:
        browser.sign_in("archivist")
        answers = [browser.get(f"/search?q=a{number}") for number in range(3)]
        assert [one.status_code for one in answers] == [200] * 3
        page = browser.get("/search?q=b")
        assert page.status_code == 429
        assert 1 <= int(page.headers["retry-after"]) <= 60
        assert "过于频繁" in page.text
        program = browser.api("GET", "/search?q=b", timeout=10)
        assert (program.status_code, program.json()["code"]) == (429, "request.too_many")
        assert program.headers["content-type"] == "application/problem+json"
        assert program.headers["retry-after"]
        browser.http.cookies.set("lantai_language", "en")
        english = browser.http.get("/api/v1/search?q=b")
        assert english.json()["detail"].startswith("Too many requests")
        other = Browser(str(browser.http.base_url))
        other.sign_in("clerk")
        assert other.get("/search?q=b").status_code == 200
        assert browser.get("/holdings").status_code == 200
        other.http.close()


def test_guessing_is_slowed_and_stopped_but_locks_no_known_browser_out(
    site: Site, papers: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(passwords, "SLOW_DOWN", SlowDown(free=2, pause=waited.append))
    monkeypatch.setattr(passwords, "BY_ADDRESS", SlowDown(free=4, pause=waited.append))
    with browsing(site, rates=RateSettings(failed_sign_ins_per_minute=6)) as owner:
        assert owner.sign_in("other").status_code == 303
        base = str(owner.http.base_url)
        stranger = Browser(base)
        answers = [stranger.sign_in("other", f"guess-{number}-guess").status_code for number in range(8)]
        assert answers == [401] * 6 + [429] * 2
        assert waited  # by name, then by address
        waited.clear()
        assert stranger.sign_in("archivist").status_code == 429  # even the right password: this address waits a minute
        owner.post("/sign-out")
        owner.http.cookies.delete("lantai_session")
        owner.get("/sign-in")
        signed = owner.post("/sign-in", {"username": "other", "password": PASSWORD})
        assert signed.status_code == 303
        assert waited == []  # strangers' failures slow a known browser by nothing
        forged = Browser(base)
        for name, value in owner.http.cookies.items():
            if name.startswith("lantai_device"):
                forged.http.cookies.set(name, value[:-2] + "00")
        assert forged.sign_in("other").status_code == 429
        for one in (stranger, forged):
            one.http.close()


def test_a_session_brought_along_is_never_taken_over(visit: Visit, site: Site) -> None:
    attacker = visit("clerk")
    planted = attacker.http.cookies["lantai_session"]
    victim = visit()
    victim.http.cookies.set("lantai_session", "made-up-by-a-stranger")
    victim.get("/sign-in")
    victim.post("/sign-in", {"username": "archivist", "password": PASSWORD})
    sent = [one for one in victim.http.cookies.jar if one.name == "lantai_session"]
    assert "made-up-by-a-stranger" not in [one.value for one in sent if one.domain and "127" in one.domain]
    other = visit()
    other.http.cookies.set("lantai_session", planted, domain="127.0.0.1")
    other.http.post("/api/v1/session", json={"username": "archivist", "password": PASSWORD})
    assert attacker.api("GET", "/session").status_code == 401  # the planted session is over, not the victim's


def test_behind_tls_cookies_and_browsers_stay_there(site: Site) -> None:
    with browsing(site, secure_cookies=True) as browser:
        page = browser.get("/sign-in")
        assert page.headers["strict-transport-security"] == "max-age=31536000"
        visitor = next(one for one in page.headers.get_list("set-cookie") if one.startswith("__Host-lantai_visitor="))
        assert "Secure" in visitor
        guest = visitor.partition("=")[2].partition(";")[0]
        answer = browser.http.post(
            "/sign-in",
            data={"csrf": guest, "username": "archivist", "password": PASSWORD},
            headers={"Cookie": f"__Host-lantai_visitor={guest}"},
        )
        session = next(one for one in answer.headers.get_list("set-cookie") if one.startswith("__Host-lantai_session="))
        assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(session.split("; "))
        assert "Domain" not in session
        value = session.partition("=")[2].partition(";")[0]
        with_prefix = browser.http.get("/holdings", headers={"Cookie": f"__Host-lantai_session={value}"})
        without = browser.http.get("/holdings", headers={"Cookie": f"lantai_session={value}"})
        assert (with_prefix.status_code, without.status_code) == (200, 303)


def test_without_tls_no_header_promises_it(visit: Visit) -> None:
    assert "strict-transport-security" not in visit().get("/sign-in").headers


def test_the_last_visit_is_when_she_was_here_before(visit: Visit, site: Site) -> None:
    first = visit("officer")
    first.post("/sign-out")
    second = visit("officer")
    text = second.get("/account").text
    assert "上次访问" in text
    with site.archive.reading() as session:
        from access.accounts import account_by_name

        before = account_by_name(session, "officer").previous_visit_at
        assert before is not None
        alive = session.query(LoginSession).count()
    visit("officer")  # a second browser: the visit goes on
    with site.archive.reading() as session:
        assert account_by_name(session, "officer").previous_visit_at == before
        assert session.query(LoginSession).count() == alive + 1


def test_every_form_of_the_site_asks_for_its_token(visit: Visit, site: Site) -> None:
    app = create_app(site)
    browser, tried = visit("archivist"), 0
    for route in app.routes:
        contexts = getattr(route, "effective_route_contexts", None)
        for one in contexts() if contexts is not None else (route,):
            if "POST" not in (getattr(one, "methods", None) or ()) or one.path == "/api/v1/session":
                continue
            path = one.path.replace("{", "").replace("}", "").replace(":path", "")
            for body in ({}, {"csrf": "guess"}):
                answer = browser.http.post(path, data=body)
                assert answer.status_code in {400, 403, 404, 412, 415, 422}, (one.path, answer.status_code)
                if not path.startswith("/api/"):
                    assert answer.status_code in {400, 403, 404}, (one.path, answer.status_code)
            tried += 1
    assert tried > 30
    assert browser.api("GET", "/session").status_code == 200
