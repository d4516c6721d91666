"""Organs, accounts, roles and sessions by page and API: each of the three administrators, and none does another's job."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import select

from access.accounts import console_actor, create_account, grant_role
from lantai.site import Site
from repository.tables import Account, LedgerEntry, LoginSession, Organ
from tests.unit.lantai_web.conftest import PASSWORD, Browser

Visit = Callable[..., Browser]
ODD = (
    "ｆｕｌｌ　ｗｉｄｔｈ",
    "👵🏼🏠",
    "שלום עולם",
    "<script>alert(1)</script>",
    "'; DROP TABLE account; --",
    "=1+1",
    "王" * 100,
)


@pytest.fixture(scope="module", autouse=True)
def administrators(site: Site) -> None:
    """The other two administrators of the bureau, and somebody to be administered."""
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        for username, role in (("secadmin", "sec_admin"), ("auditor", "audit_admin"), ("mover", "statistician")):
            create_account(
                session,
                archive=site.archive,
                actor=actor,
                username=username,
                display_name=f"合成 {username}",
                organ_code="bureau",
                password=PASSWORD,
                roles=[(role, "bureau")],
            )


def _id(site: Site, username: str) -> str:
    with site.archive.reading() as session:
        return session.scalars(select(Account.id).where(Account.username == username)).one()


def _half(text: str) -> str:
    found = re.search(r'id="f-half" class="token" value="([^"]+)"', text)
    assert found is not None
    return found.group(1)


def _open(browser: Browser, username: str, organ: str = "bureau", name: str = "合成 某人") -> str:
    browser.get("/system/accounts")
    answer = browser.post("/system/accounts", {"username": username, "name": name, "organ": organ})
    assert answer.status_code == 200, answer.text[:400]
    return _half(answer.text)


def test_each_administrator_sees_only_her_part(visit: Visit) -> None:
    sees = {
        "sysadmin": {"/system", "/system/organs", "/system/accounts", "/system/sessions", "/system/profile"},
        "secadmin": {"/system", "/system/accounts", "/system/roles", "/system/log", "/system/profile"},
        "auditor": {"/system", "/system/log", "/system/profile"},
        "clerk": set(),
    }
    every = set().union(*sees.values())
    for who, opens in sees.items():
        browser = visit(who)
        assert {path for path in every if browser.get(path).status_code == 200} == opens, who
        assert {path for path in every if browser.get(path).status_code == 403} == every - opens, who
        for path in opens:
            text = browser.get(path).text
            assert [one for one in every if f'href="{one}"' in text and one not in opens] == [], (who, path)


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("secadmin", "/system/organs"),
        ("secadmin", "/system/organs/ts1/change"),
        ("secadmin", "/system/organs/ts1/close"),
        ("secadmin", "/system/organs/ts1/reopen"),
        ("secadmin", "/system/accounts"),
        ("secadmin", "/system/accounts/{id}/change"),
        ("secadmin", "/system/accounts/{id}/close"),
        ("secadmin", "/system/accounts/{id}/reopen"),
        ("secadmin", "/system/accounts/{id}/reset"),
        ("secadmin", "/system/sessions/{id}/end"),
        ("sysadmin", "/system/accounts/{id}/roles"),
        ("sysadmin", "/system/accounts/{id}/roles/end"),
        ("sysadmin", "/system/accounts/{id}/hand-over"),
        ("auditor", "/system/organs"),
        ("auditor", "/system/accounts"),
        ("auditor", "/system/accounts/{id}/reset"),
        ("auditor", "/system/accounts/{id}/roles"),
        ("auditor", "/system/accounts/{id}/hand-over"),
        ("auditor", "/system/sessions/{id}/end"),
        ("clerk", "/system/accounts/{id}/reset"),
        ("clerk", "/system/accounts/{id}/roles"),
    ],
)
def test_no_administrator_does_anothers_job_by_page(visit: Visit, site: Site, who: str, path: str) -> None:
    fields = {"role": "archivist", "organ": "bureau", "username": "new", "name": "n", "code": "c", "name_zh": "名"}
    answer = visit(who).post(path.format(id=_id(site, "mover")), fields)
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("who", "method", "path", "body"),
    [
        ("secadmin", "GET", "/organs", None),
        ("secadmin", "POST", "/organs", {"code": "x", "name_zh": "名", "level": "CB"}),
        ("secadmin", "PUT", "/organs/ts1", {"name_zh": "名", "level": "TS"}),
        ("secadmin", "POST", "/organs/ts1/close", None),
        ("secadmin", "POST", "/accounts", {"username": "new", "name": "n", "organ": "bureau"}),
        ("secadmin", "PATCH", "/accounts/mover", {"name": "n"}),
        ("secadmin", "POST", "/accounts/mover/close", None),
        ("secadmin", "POST", "/accounts/mover/reset-password", None),
        ("sysadmin", "POST", "/accounts/mover/hand-over", None),
        ("sysadmin", "POST", "/accounts/mover/roles", {"role": "archivist", "organ": "bureau"}),
        ("sysadmin", "POST", "/accounts/mover/roles/end", {"role": "statistician", "organ": "bureau"}),
        ("sysadmin", "GET", "/roles", None),
        ("sysadmin", "GET", "/roles/rules", None),
        ("sysadmin", "GET", "/log", None),
        ("auditor", "GET", "/accounts", None),
        ("auditor", "GET", "/organs", None),
        ("auditor", "GET", "/roles", None),
        ("auditor", "POST", "/accounts/mover/close", None),
        ("sysadmin", "GET", "/records", None),
        ("secadmin", "GET", "/records", None),
        ("auditor", "GET", "/records", None),
        ("sysadmin", "GET", "/case-files", None),
        ("sysadmin", "GET", "/search?q=a", None),
    ],
)
def test_no_administrator_does_anothers_job_by_program(
    visit: Visit, who: str, method: str, path: str, body: dict[str, str] | None
) -> None:
    answer = visit(who).api(method, path, **({"json": body} if body is not None else {}))
    assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")


def test_a_password_is_given_by_two_and_opens_nothing_before(visit: Visit, site: Site) -> None:
    system, security = visit("sysadmin"), visit("secadmin")
    first = _open(system, "zwei")
    account_id = _id(site, "zwei")
    for guess in (first, f"{first}-", first + first):
        assert visit().sign_in("zwei", guess).status_code == 401
    page = system.get(f"/system/accounts/{account_id}").text
    assert "/hand-over" not in page
    assert "zwei" in security.get("/system/roles").text
    shown = security.post(f"/system/accounts/{account_id}/hand-over")
    second = _half(shown.text)
    assert first not in shown.text
    assert second not in security.get(f"/system/accounts/{account_id}").text
    again = security.post(f"/system/accounts/{account_id}/hand-over")
    assert again.status_code == 409
    browser = visit()
    assert browser.sign_in("zwei", f"{first}-{second}").status_code == 303
    assert browser.get("/").headers["location"] == "/password"
    with site.archive.reading() as session:
        told = session.scalars(select(LedgerEntry.act).where(LedgerEntry.account_id == account_id)).all()
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.account_id == account_id)).all()
    assert {
        "account.created",
        "account.password_reset",
        "account.password_handed",
        "session.refused",
        "session.in",
    } <= set(told)
    assert not any(first in one or second in one or "合成" in one for one in bodies)


def test_a_reset_ends_sessions_and_tokens_at_once(visit: Visit, site: Site) -> None:
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        create_account(
            session,
            archive=site.archive,
            actor=actor,
            username="reset-me",
            display_name="合成",
            organ_code="bureau",
            password=PASSWORD,
            roles=[("archivist", "bureau")],
        )
    browser = visit("reset-me")
    token = browser.api("POST", "/tokens", json={"label": "x"}).json()["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    program = visit()
    assert program.http.get("/api/v1/records", headers=bearer).status_code == 200
    half = visit("sysadmin").api("POST", "/accounts/reset-me/reset-password").json()
    assert (half["part"], len(half["half"])) == (1, 9)
    assert browser.api("GET", "/session").status_code == 401
    assert program.http.get("/api/v1/records", headers=bearer).json()["code"] == "token.revoked"
    assert visit().sign_in("reset-me").status_code == 401


def test_roles_begin_and_end_at_the_next_request(visit: Visit, site: Site) -> None:
    security, person = visit("secadmin"), visit("mover")
    account_id = _id(site, "mover")
    assert person.api("GET", "/records").status_code == 403
    security.get(f"/system/accounts/{account_id}")
    granted = security.post(f"/system/accounts/{account_id}/roles", {"role": "archivist", "organ": "bureau"})
    assert granted.status_code == 303
    name = site.archive.profile.roles["archivist"].zh
    said = security.get(f"/system/accounts/{account_id}").text
    assert f"已授予角色“{name}”。" in said
    assert f'<span class="quiet">{name}</span>' in said  # the history names it, not its code
    assert person.api("GET", "/records").status_code == 200
    twice = security.post(f"/system/accounts/{account_id}/roles", {"role": "archivist", "organ": "bureau"})
    assert twice.status_code == 422
    assert "已有角色" in twice.text
    ended = security.post(f"/system/accounts/{account_id}/roles/end", {"role": "archivist", "organ": "bureau"})
    assert ended.status_code == 303
    assert person.api("GET", "/records").status_code == 403
    text = security.get(f"/system/accounts/{account_id}").text
    assert "已终止" in text
    own = security.api("POST", "/accounts/secadmin/roles", json={"role": "statistician", "organ": "bureau"})
    assert own.json()["code"] == "role.own_grant"
    wrong = security.post(
        f"/system/accounts/{account_id}/roles", {"role": "archivist", "organ": "bureau", "ends_on": "x"}
    )
    assert wrong.status_code == 422


def test_closing_ends_everything_and_reopening_gives_nothing_back(visit: Visit, site: Site) -> None:
    system = visit("sysadmin")
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        create_account(
            session,
            archive=site.archive,
            actor=actor,
            username="leaver",
            display_name="合成",
            organ_code="ts1",
            password=PASSWORD,
            roles=[("clerk_township", "ts1")],
        )
    person = visit("leaver")
    account_id = _id(site, "leaver")
    system.get("/system/accounts")
    assert system.post(f"/system/accounts/{account_id}/close").status_code == 303
    assert person.api("GET", "/session").status_code == 401
    assert visit().sign_in("leaver").status_code == 401
    assert system.post(f"/system/accounts/{account_id}/reset").status_code == 409
    assert system.post(f"/system/accounts/{account_id}/reopen").status_code == 303
    assert visit().sign_in("leaver").status_code == 401
    assert system.api("GET", "/accounts/leaver").json()["held"][0]["state"] == "ended"
    closed_own = system.api("POST", "/accounts/sysadmin/close")
    assert closed_own.json()["code"] == "account.own"


def test_organs_are_entered_changed_closed_and_never_widen_a_role(visit: Visit, site: Site) -> None:
    system = visit("sysadmin")
    fields = {"code": "vc9", "name_zh": "合成村", "level": "VC", "division": "990101001009", "superior": "ts1"}
    system.get("/system/organs")
    assert system.post("/system/organs", fields).status_code == 303
    assert "已建立机构“合成村”。" in system.get("/system/organs").text
    twice = system.post("/system/organs", fields)
    assert twice.status_code == 422
    assert "已被使用" in twice.text
    assert "合成村" in system.get("/system/organs").text
    page = system.get("/system/organs/vc9").text
    seen = re.search(r'name="seen" value="(\d+)"', page)
    assert seen is not None
    change = {**fields, "seen": seen.group(1), "name_zh": "合成新村"}
    assert system.post("/system/organs/vc9/change", change).status_code == 303
    stale = system.post("/system/organs/vc9/change", {**change, "name_zh": "别的"})
    assert stale.status_code == 409
    circle = system.api(
        "PUT", "/organs/ts1", json={"name_zh": "x", "level": "TS", "division": "990101001", "superior": "vc9"}
    )
    assert circle.status_code in {409, 422}
    widened = system.api(
        "PUT",
        "/organs/ts1",
        json={"name_zh": "青石镇人民政府", "level": "CB", "division": "990101", "superior": "bureau"},
    )
    assert widened.json()["code"] == "organ.roles_held"
    full = system.api("POST", "/organs/ts1/close")
    assert full.json()["code"] == "organ.not_empty"
    assert system.post("/system/organs/vc9/close").status_code == 303
    assert system.api("POST", "/accounts", json={"username": "late", "name": "n", "organ": "vc9"}).status_code == 409
    assert system.post("/system/organs/vc9/reopen").status_code == 303
    with site.archive.reading() as session:
        assert session.scalars(select(Organ.name_zh).where(Organ.code == "vc9")).one() == "合成新村"


def test_an_administrator_reaches_only_her_divisions(visit: Visit, site: Site) -> None:
    with site.archive.sessions.begin() as session:
        common = {"session": session, "archive": site.archive}
        actor = console_actor(session, site.archive.profile, "test")
        from access.organs import create_organ

        create_organ(**common, actor=actor, code="next-county", name_zh="邻县", level="CB", division_prefix="990102")
        create_account(
            **common, actor=actor, username="far", display_name="远", organ_code="next-county", password=PASSWORD
        )
    system, security = visit("sysadmin"), visit("secadmin")
    assert "far" not in system.get("/system/accounts").text
    assert "邻县" not in system.get("/system/organs").text
    for answer in (
        system.api("GET", "/accounts/far"),
        system.api("POST", "/accounts/far/close"),
        system.api("POST", "/accounts/far/reset-password"),
        security.api("POST", "/accounts/far/roles", json={"role": "statistician", "organ": "bureau"}),
    ):
        there = system.api("GET", "/accounts/nobody-at-all").json()
        assert (answer.status_code, answer.json()["zh"]) == (404, there["zh"])
    for answer in (
        system.api("GET", "/organs/next-county"),
        system.api("POST", "/organs/next-county/close"),
        security.api("POST", "/accounts/mover/roles", json={"role": "statistician", "organ": "next-county"}),
        system.api("POST", "/accounts", json={"username": "spy", "name": "n", "organ": "next-county"}),
        system.api("POST", "/organs", json={"code": "over", "name_zh": "n", "level": "PF", "division": "9901"}),
    ):
        assert answer.status_code in {404, 405}


@pytest.mark.parametrize("name", ODD)
def test_names_of_every_script_are_kept_and_shown_as_text(visit: Visit, site: Site, name: str) -> None:
    system = visit("sysadmin")
    account = f"odd{ODD.index(name)}"
    _open(system, account, name=name)
    text = system.get(f"/system/accounts/{_id(site, account)}").text
    assert "<script>alert" not in text
    assert system.api("GET", f"/accounts/{account}").json()["name"] == name
    organ = system.api(
        "POST", "/organs", json={"code": f"odd{ODD.index(name)}", "name_zh": name, "level": "OD", "superior": "bureau"}
    )
    assert organ.status_code == 201, organ.text
    assert "<script>alert" not in system.get("/system/organs").text


@pytest.mark.parametrize("name", ["王" * 101, "a\u202eb", "x\x00y", "11010519491231002X", " ", "a\u200bb"])
def test_names_that_are_none_are_refused_beside_their_field(visit: Visit, name: str) -> None:
    system = visit("sysadmin")
    system.get("/system/accounts")
    answer = system.post("/system/accounts", {"username": "bad-name", "name": name, "organ": "bureau"})
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize("username", ["王秀英", "ｗａｎｇ.2", "a" * 64])
def test_user_names_of_other_scripts_sign_in(visit: Visit, username: str) -> None:
    first = _open(visit("sysadmin"), username)
    half = visit("secadmin").api("POST", f"/accounts/{username}/hand-over").json()["half"]
    assert visit().sign_in(username, f"{first}-{half}").status_code == 303


@pytest.mark.parametrize("username", ["👵🏼👵🏼", "שלום\u202e", "<script>", "a" * 65, "11010519491231002X", "a b"])
def test_user_names_that_are_none_are_refused(visit: Visit, username: str) -> None:
    answer = visit("sysadmin").api("POST", "/accounts", json={"username": username, "name": "n", "organ": "bureau"})
    assert (answer.status_code, answer.json()["code"]) == (422, "account.malformed")
    assert username not in answer.text.replace("\\", "") or username == "a b"


def test_lists_are_filtered_and_paged_by_key(visit: Visit, site: Site) -> None:
    system = visit("sysadmin")
    names, after = [], ""
    while True:
        found = system.api("GET", f"/accounts?limit=3&after={after}").json()
        names += [one["username"] for one in found["items"]]
        after = found["next"]
        if after is None:
            break
    assert names == sorted(names)
    assert len(names) == len(set(names)) >= 6
    of_township = system.api("GET", "/accounts?organ=ts2").json()["items"]
    assert {one["organ"] for one in of_township} == {"ts2"}
    archivists = system.api("GET", "/accounts?role=archivist&limit=100").json()["items"]
    assert "archivist" in [one["username"] for one in archivists]
    assert "clerk" not in [one["username"] for one in archivists]
    assert [one["username"] for one in system.api("GET", "/accounts?q=sysadm").json()["items"]] == ["sysadmin"]
    assert system.api("GET", "/accounts?q=%25").json()["items"] == []
    held = visit("secadmin").api("GET", "/roles?role=sys_admin").json()["items"]
    assert [one["username"] for one in held] == ["sysadmin"]


def test_the_log_is_filtered_and_tells_no_name(visit: Visit, site: Site) -> None:
    auditor = visit("auditor")
    found = auditor.api("GET", "/log?act=account.&limit=10").json()
    assert found["items"]
    assert {one["act"].partition(".")[0] for one in found["items"]} == {"account"}
    assert "合成" not in str(found)
    assert all(
        one["seq"] < int(found["next"])
        for one in auditor.api("GET", f"/log?act=account.&after={found['next']}").json()["items"]
    )
    mine = auditor.api("GET", "/log?person=sysadmin&limit=200").json()["items"]
    assert mine
    assert auditor.api("GET", "/log?since=2999-01-01").json()["items"] == []
    assert auditor.get("/system/log?act=organ.created&organ=bureau").status_code == 200
    assert auditor.get("/system/log?since=yesterday").status_code == 422
    assert auditor.get("/system/log?person=%00&act=%25").status_code == 200


def test_the_rules_are_shown_with_what_nobody_verified(visit: Visit) -> None:
    text = visit("auditor").get("/system/profile").text
    assert "social_assistance/" in text
    assert "未核" in text
    rules = visit("secadmin").api("GET", "/roles/rules").json()
    assert next(one for one in rules if one["code"] == "sys_admin")["permits"] == {
        "account.write": "yes",
        "alarm.handle": "yes",
        "job.control": "yes",
        "status.read": "yes",
    }
    assert visit("auditor").api("GET", "/profile").json()["versions"]


def test_one_ends_ones_own_sessions_and_not_those_of_others(visit: Visit, site: Site) -> None:
    here, there, stranger = visit("other"), visit("other"), visit("clerk")
    own = here.api("GET", "/sessions").json()["items"]
    assert {one["username"] for one in own} == {"other"}
    assert sum(one["here"] for one in own) == 1
    page = here.get("/account").text
    assert "本浏览器" in page
    far = next(one["id"] for one in there.api("GET", "/sessions").json()["items"] if one["here"])
    assert stranger.api("DELETE", f"/sessions/{far}").json()["code"] == "session.not_found"
    assert here.post(f"/account/sessions/{far}/end").status_code == 303
    assert there.api("GET", "/session").status_code == 401
    assert here.api("GET", "/session").status_code == 200
    everybody = visit("sysadmin").api("GET", "/sessions?limit=100").json()["items"]
    assert {"sysadmin", "clerk"} <= {one["username"] for one in everybody}
    mine = next(one["id"] for one in everybody if one["username"] == "clerk")
    assert visit("sysadmin").api("DELETE", f"/sessions/{mine}").status_code == 204
    with site.archive.reading() as session:
        assert session.scalars(select(LoginSession).where(LoginSession.id == mine)).one_or_none() is None


def test_a_form_posted_twice_does_one_thing(visit: Visit, site: Site) -> None:
    system = visit("sysadmin")
    _open(system, "once")
    again = system.post("/system/accounts", {"username": "once", "name": "n", "organ": "bureau"})
    assert again.status_code == 422
    account_id = _id(site, "once")
    for _twice in range(2):
        assert system.post(f"/system/accounts/{account_id}/close").status_code == 303
    with site.archive.reading() as session:
        closed = select(LedgerEntry.id).where(LedgerEntry.act == "account.closed", LedgerEntry.account_id == account_id)
        assert len(session.scalars(closed).all()) == 1


def test_a_narrowed_token_is_held_to_what_it_names(visit: Visit, site: Site) -> None:
    browser = visit("secadmin")
    made = browser.api("POST", "/tokens", json={"label": "log", "permissions": ["ledger.read"]}).json()
    program = visit()
    bearer = {"Authorization": f"Bearer {made['token']}"}
    assert program.http.get("/api/v1/log", headers=bearer).status_code == 200
    for path in ("/accounts", "/roles"):
        assert program.http.get(f"/api/v1{path}", headers=bearer).status_code == 403
    granted = program.http.post(
        "/api/v1/accounts/mover/roles", headers=bearer, json={"role": "archivist", "organ": "bureau"}
    )
    assert granted.status_code == 403


def test_the_three_roles_are_never_one_persons(visit: Visit, site: Site) -> None:
    for role in ("sec_admin", "audit_admin", "archivist"):
        with site.archive.sessions.begin() as session:
            actor = console_actor(session, site.archive.profile, "test")
            with pytest.raises(Exception, match="separation of duties"):
                grant_role(
                    session, archive=site.archive, actor=actor, username="sysadmin", role=role, organ_code="bureau"
                )
