"""Correcting the description of a record that is in the holdings: two clerks, revisions, undo, masked numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from sqlalchemy import select

from access.actors import console_actor
from lantai import revising
from lantai.site import Site
from metadata.household import household_no
from metadata.identifiers import new_id
from repository.pending import write_pending_objects
from repository.tables import Outbox, RetentionAssignment
from tests.unit.lantai_web.acting import HOSTILE, acted, deposited, hidden, record_of, undone
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]
PHONE = "13800138000"


@dataclass(frozen=True)
class Made:
    """A record of the clerk's township and one of another."""

    own: str
    foreign: str


@pytest.fixture(scope="module")
def made(site: Site, papers: Papers, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Two applications with a telephone number in their titles."""
    del papers
    folder = tmp_path_factory.mktemp("described")
    options = {"programme": "DB", "document_type": "APP01"}
    own = deposited(site, folder / "own", ["申请.txt"], household_no=household_no("990101001001", 41), **options)
    foreign = deposited(site, folder / "there", ["申请.txt"], household_no=household_no("990101002001", 41), **options)
    ids = Made(next(iter(own.values())), next(iter(foreign.values())))
    with site.archive.sessions.begin() as session:
        actor = console_actor(session, site.archive.profile, "test")
        typed = {"title": f"王秀英 {PHONE} 申请书"}
        revising.revise(session, archive=site.archive, actor=actor, record_id=ids.own, typed=typed)
    return ids


def _form(browser: Browser, record_id: str) -> dict[str, str]:
    """The form as a browser would send it back unchanged."""
    page = browser.get(f"/records/{record_id}/describe")
    assert page.status_code == 200
    fields = {name: hidden(page, name) for name in ("row_version", "revision", "next")}
    for name in ("title", "date", "author", "document_number", "page_count", "division_code"):
        found = re.search(rf'<input id="f-{name}"[^>]* value="([^"]*)"', page.text)
        assert found, name
        fields[name] = found.group(1)
    for name in ("persons", "note"):
        found = re.search(rf'<textarea id="f-{name}"[^>]*>([^<]*)<', page.text)
        assert found, name
        fields[name] = found.group(1)
    for name in ("document_type", "access_level"):
        found = re.search(rf'<select id="f-{name}".*?<option value="([^"]*)" selected', page.text, re.DOTALL)
        fields[name] = found.group(1) if found else ""
    for name in re.findall(r'name="(mark\.\w+)" value="1" checked', page.text):
        fields[name] = "1"
    return fields


def test_a_form_that_nobody_changed_changes_nothing(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    before = record_of(site, made.own)
    said = acted(browser, f"/records/{made.own}/describe", _form(browser, made.own))
    assert "未作改动" in said.text
    after = record_of(site, made.own)
    assert (after.title, after.row_version) == (before.title, before.row_version)
    assert PHONE in after.title


def test_a_correction_is_a_revision_and_is_taken_back(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    fields = _form(browser, made.own)
    assert PHONE not in str(fields)
    before = record_of(site, made.own)
    fields |= {"title": fields["title"].replace("申请书", "低保申请书"), "note": "补正", "persons": "王秀英\n李四"}
    said = acted(browser, f"/records/{made.own}/describe", fields)
    now = record_of(site, made.own)
    assert now.title == f"王秀英 {PHONE} 低保申请书"  # the masked number stayed whole although words around it changed
    assert now.description["persons"] == ["王秀英", "李四"]
    assert now.description_revision == before.description_revision + 1
    with site.archive.reading() as session:
        assert made.own in session.scalars(select(Outbox.subject_id).where(Outbox.done_at.is_(None))).all()
    write_pending_objects(site.archive)  # the way back is read from a replica then
    history = browser.get(f"/records/{made.own}/revisions")
    assert "低保申请书" in history.text
    assert PHONE not in history.text
    back = undone(browser, said)
    assert "已撤销，《王秀英" in back.text
    assert f"的著录恢复为第 {before.description_revision} 次修订的内容。" in back.text
    assert "已撤销" not in said.text
    after = record_of(site, made.own)
    assert after.title == before.title
    assert after.description.get("note") == before.description.get("note")
    assert after.description_revision == now.description_revision + 1
    version = {"row_version": str(after.row_version), "undo": "1"}
    first = acted(browser, f"/records/{made.own}/revisions/0/restore", version)
    assert "的著录恢复为入库时的内容。" in first.text
    undone(browser, first)
    assert record_of(site, made.own).title == before.title


def test_a_hidden_conflict_is_impossible_two_clerks_see_both_versions(visit: Visit, made: Made, site: Site) -> None:
    one, two = visit("archivist"), visit("archivist")
    first, second = _form(one, made.own), _form(two, made.own)
    acted(one, f"/records/{made.own}/describe", first | {"note": "第一人的备注", "author": "甲单位"})
    late = two.post(
        f"/records/{made.own}/describe", second | {"note": "第二人的备注", "document_number": "云民〔2024〕1号"}
    )
    assert late.status_code == 409
    for words in ("第一人的备注", "第二人的备注", "云民〔2024〕1号", "甲单位", "两人都改了此项"):
        assert words in late.text, words
    assert record_of(site, made.own).description["note"] == "第一人的备注"
    form = _shown(late.text)
    assert form["note"] == "第二人的备注"  # kept as typed
    assert form["author"] == "甲单位"  # what only the first changed is taken over
    again = {**second, **form, "note": "两人商定", "row_version": hidden(late, "row_version")}
    acted(two, f"/records/{made.own}/describe", again)
    now = record_of(site, made.own).description
    assert (now["note"], now["author"], now["document_number"]) == ("两人商定", "甲单位", "云民〔2024〕1号")


def _shown(text: str) -> dict[str, str]:
    fields = dict(re.findall(r'<textarea id="f-(\w+)"[^>]*>([^<]*)<', text))
    for tag in re.findall(r'<input id="f-[^>]*>', text):
        name, value = re.search(r'name="([\w.]+)"', tag), re.search(r' value="([^"]*)"', tag)
        if name and value:
            fields[name.group(1)] = value.group(1)
    return fields


def test_the_same_form_twice_is_one_revision(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    fields = _form(browser, made.own) | {"note": "只此一次"}
    acted(browser, f"/records/{made.own}/describe", fields)
    number = record_of(site, made.own).description_revision
    said = acted(browser, f"/records/{made.own}/describe", fields)
    assert "著录内容已经是这样" in said.text
    assert record_of(site, made.own).description_revision == number


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("title", "", "题名不能为空"),
        ("title", "正\u202e反", "不能使用的字符"),
        ("title", "长" * 501, "过长"),
        ("date", "2024-02-31", "不是日期"),
        ("date", "2999-01-01", "日期晚于今天"),
        ("document_type", "NOPE", "目录中没有这种文件类型"),
        ("access_level", "secret", "没有这个开放级别"),
        ("division_code", "999999999999", "区划"),
        ("page_count", "-1", "0 至 1000000"),
        ("mark.nope", "1", "没有这个控制标识"),
    ],
)
def test_a_wrong_entry_is_told_beside_its_field_and_keeps_what_was_typed(
    visit: Visit, made: Made, site: Site, name: str, value: str, words: str
) -> None:
    browser = visit("archivist")
    before = record_of(site, made.own).row_version
    fields = _form(browser, made.own) | {"author": "我刚写的单位", name: value}
    answer = browser.post(f"/records/{made.own}/describe", fields)
    assert answer.status_code == 422
    assert words in answer.text
    assert "field__error" in answer.text
    assert "我刚写的单位" in answer.text
    assert record_of(site, made.own).row_version == before


def test_any_characters_come_back_as_they_went_in(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    fields = _form(browser, made.own) | {"title": HOSTILE, "note": "שלום\nＡ😀=1+1"}
    said = acted(browser, f"/records/{made.own}/describe", fields)
    assert record_of(site, made.own).title == HOSTILE
    assert "<script>alert" not in said.text
    undone(browser, said)


def test_raising_the_level_works_at_once_for_lists_counts_and_search(visit: Visit, made: Made, site: Site) -> None:
    archivist, clerk = visit("archivist"), visit("clerk")
    assert clerk.get(f"/records/{made.own}").status_code == 200
    told = clerk.api("GET", "/search", params={"q": "王秀英 申请书", "facets": "true"}).json()
    found = sum(hit["record_id"] == made.own for hit in told["hits"])
    said = acted(
        archivist, f"/records/{made.own}/describe", _form(archivist, made.own) | {"access_level": "restricted"}
    )
    assert clerk.get(f"/records/{made.own}").status_code == 404  # the index knows nothing of it yet
    after = clerk.api("GET", "/search", params={"q": "王秀英 申请书", "facets": "true"}).json()
    assert not any(hit["record_id"] == made.own for hit in after["hits"])
    assert after["total"] == told["total"] - found
    assert made.own not in clerk.get("/holdings/records?sort=newest").text
    undone(archivist, said)
    assert clerk.get(f"/records/{made.own}").status_code == 200


def test_another_type_settles_retention_anew(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")

    def rule() -> str:
        with site.archive.reading() as session:
            wanted = select(RetentionAssignment.rule_id).where(
                RetentionAssignment.record_id == made.own, RetentionAssignment.current
            )
            return session.scalars(wanted).one()

    before = rule()
    kinds = site.archive.profile.document_types.values()
    other = next(one.code for one in kinds if one.level == "volume" and one.serves("DB"))
    said = acted(browser, f"/records/{made.own}/describe", _form(browser, made.own) | {"document_type": other})
    assert rule() != before
    undone(browser, said)
    assert rule() == before


def test_who_may_not_describe_is_refused_and_others_learn_nothing(visit: Visit, made: Made, site: Site) -> None:
    clerk, other = visit("clerk"), visit("other")
    for browser, status in ((clerk, 403), (other, 404)):
        assert browser.get(f"/records/{made.own}/describe").status_code == status
        assert browser.post(f"/records/{made.own}/describe", {"title": "x"}).status_code == status
        restore = browser.post(f"/records/{made.own}/revisions/0/restore", {})
        assert restore.status_code == status
    assert clerk.get(f"/records/{made.foreign}/revisions").status_code == 404
    assert visit("archivist").get(f"/records/{new_id()}/describe").status_code == 404
    assert visit("archivist").post(f"/records/{made.own}/revisions/999/restore", {}).status_code in {403, 404}


def test_programs_name_the_state_that_they_saw(visit: Visit, made: Made, site: Site) -> None:
    browser = visit("archivist")
    told = browser.api("GET", f"/records/{made.own}/description")
    tag, row_version = told.headers["etag"], told.json()["row_version"]
    path = f"/api/v1/records/{made.own}/description"
    headers = {"X-CSRF-Token": browser.csrf}
    assert browser.http.patch(path, json={"note": "一"}, headers=headers).status_code == 422
    done = browser.http.patch(path, json={"note": "一"}, headers={**headers, "If-Match": tag})
    assert done.status_code == 200
    assert done.json()["values"]["note"] == "一"
    stale = browser.http.patch(path, json={"note": "二"}, headers={**headers, "If-Match": tag})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition.failed")
    late = browser.http.patch(path, json={"note": "二", "row_version": row_version}, headers=headers)
    assert (late.status_code, late.json()["code"]) == (409, "record.changed")
    wrong = browser.http.patch(path, json={"date": "x"}, headers={**headers, "If-Match": done.headers["etag"]})
    assert wrong.status_code == 422
    assert "date" in wrong.json()["params"]["fields"]
    revisions = browser.api("GET", f"/records/{made.own}/description/revisions").json()
    assert revisions[0]["current"] is True
    back = browser.api("POST", f"/records/{made.own}/description/revisions/{revisions[1]['number']}/restore", json={})
    assert back.status_code == 200
    assert back.json()["values"]["note"] != "一"
