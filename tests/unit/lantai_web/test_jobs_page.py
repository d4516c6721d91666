"""Jobs on pages, for programs and at the console: seen by whoever may, steered by the two who run the site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, text
from typer.testing import CliRunner

from access.accounts import create_account
from access.actors import console_actor
from lantai.cli.app import whole
from lantai.heartbeats import database_seconds
from lantai.job_notes import JobNotes
from lantai.settings import load
from lantai.site import Site, initialise
from repository.tables import Account, Heartbeat, JobNote
from tests.unit.lantai_web.conftest import PASSWORD, Browser, _people, serving

Visit = Callable[[str], Browser]
SUBMISSION = "00000000-0000-4000-8000-000000000001"
JOB = f"ingest-{SUBMISSION}"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site with one job that no worker takes up."""
    made = initialise(load(home=tmp_path / "home", synthetic=True), bureau="云岭县民政局", division="990101")
    _people(made)
    with made.archive.sessions.begin() as session:
        made.jobs.enqueue_ingest(session, SUBMISSION)
    yield made
    made.close()


@pytest.fixture
def visit(site: Site) -> Iterator[Visit]:
    """Sign somebody in at the running site."""
    with serving(site) as base, ExitStack() as opened:

        def browser(username: str) -> Browser:
            one = Browser(base)
            opened.callback(one.http.close)
            assert one.sign_in(username, PASSWORD).status_code == 303
            return one

        yield browser


def test_who_may_sees_jobs_and_who_runs_the_site_steers_them(site: Site, visit: Visit) -> None:
    archivist, admin = visit("archivist"), visit("sysadmin")
    assert "接收一次移交" in archivist.get("/system/jobs").text or JOB in archivist.get("/system/jobs").text
    seen = archivist.get(f"/system/jobs/{JOB}").text
    assert f'href="/submissions/{SUBMISSION}"' in seen
    assert "/stop" not in seen
    assert archivist.post(f"/system/jobs/{JOB}/stop").status_code == 403
    shown = admin.get(f"/system/jobs/{JOB}").text
    assert f'href="/submissions/{SUBMISSION}"' not in shown  # ids only: no way from here to what is kept
    assert "没有工作进程在运行" in admin.get("/system/jobs").text
    sent = admin.post(f"/system/jobs/{JOB}/stop")
    assert sent.status_code == 303
    assert "作业已停止" in admin.get(sent.headers["location"]).text
    assert admin.post(f"/system/jobs/{JOB}/stop").status_code == 409
    assert [one["id"] for one in admin.api("GET", "/system/jobs?state=stopped").json()["items"]] == [JOB]
    told = admin.api("POST", f"/system/jobs/{JOB}/resume").json()
    assert (told["job"]["state"], told["job"]["queue"]) == ("waiting", "ingest")
    assert len(told["request_id"]) == 0  # enqueued by no request
    refused = admin.api("POST", f"/system/jobs/{JOB}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "job.not_failed")
    assert admin.api("GET", "/system/jobs/none-such").json()["code"] == "job.not_found"
    assert admin.http.post(f"/system/jobs/{JOB}/stop", data={"csrf": "wrong"}).status_code == 403


def test_what_a_job_waits_for_and_failed_at_is_said_without_names(site: Site, visit: Visit) -> None:
    admin, notes = visit("sysadmin"), JobNotes(site.archive.sessions, site.archive.clock)
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE workflow_status SET status = 'PENDING', executor_id = 'w1'"))
    notes.counts(JOB, 3, 12)
    notes.waits(JOB, {"code": "store.full", "zh": "副本 b 空间不足。", "en": "Replica b is full."})
    page = admin.get(f"/system/jobs/{JOB}").text
    assert "正在等待，将自动继续" in page
    assert "副本 b 空间不足。" in page
    assert "3 / 12" in page
    with site.engine.begin() as connection:
        connection.execute(text("UPDATE workflow_status SET status = 'SUCCESS', completed_at = 1"))
    notes.fails(JOB, {"code": "bag.bad_name", "zh": "文件 张秀英.jpg 有误。", "en": "The file 张秀英.jpg is wrong."})
    page = admin.get(f"/system/jobs/{JOB}").text
    assert "失败" in page
    assert "bag.bad_name" in page
    assert "张秀英" not in page
    assert "张秀英" not in admin.get("/system/jobs?state=failed").text


def test_a_job_tells_of_another_outage_and_of_the_same_one_when_it_is_taken_up_again(site: Site) -> None:
    notes = JobNotes(site.archive.sessions, site.archive.clock)

    def waits() -> str | None:
        with site.archive.reading() as session:
            told = session.scalars(select(JobNote.waits).where(JobNote.job_id == JOB)).one()
            return told["code"] if told else None

    down = {"code": "store.down", "zh": "副本 b 没有响应。", "en": "Replica b does not answer."}
    notes.waits(JOB, down)
    assert waits() == "store.down"
    notes.waits(JOB, down | {"code": "store.full"})
    assert waits() == "store.full"
    notes.begin(JOB)  # stopped and resumed meanwhile
    assert waits() is None
    notes.waits(JOB, down | {"code": "store.full"})
    assert waits() == "store.full"
    notes.goes_on(JOB)
    assert waits() is None


def test_workers_and_queues_that_nobody_serves_are_listed(
    site: Site, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = visit("sysadmin")
    with site.archive.sessions.begin() as session:
        now = database_seconds(session)
        session.add(Heartbeat(executor_id="w-ocr", seen=now, started=now - 90, host="elsewhere", queues=["ocr"]))
        session.add(Heartbeat(executor_id="w-dead", seen=now - 600, started=now - 900, host="gone", queues=["ingest"]))
    told = admin.api("GET", "/system/workers").json()
    assert [(one["id"], one["alive"]) for one in told["workers"]] == [("w-ocr", True), ("w-dead", False)]
    assert (told["waiting"], told["unserved"]) == ({"ingest": 1}, ["ingest"])
    page = admin.get("/system/jobs").text
    assert "没有工作进程处理它" in page
    assert "其作业已被接管" in page
    monkeypatch.setenv("LANTAI_HOME", str(site.settings.home))
    run = CliRunner().invoke(whole(), ["jobs", "workers", "--json"])
    assert [one["host"] for one in json.loads(run.stdout)["workers"]] == ["elsewhere", "gone"]
    for command, state in (("cancel", "stopped"), ("resume", "waiting")):
        run = CliRunner().invoke(whole(), ["jobs", command, JOB, "--json"])
        assert json.loads(run.stdout)["state"] == state, run.output
    run = CliRunner().invoke(whole(), ["jobs", "list", "--queue", "ingest", "--json"])
    assert [one["id"] for one in json.loads(run.stdout)["jobs"]] == [JOB]


def test_who_asked_for_a_job_is_named_within_the_divisions_of_who_reads(site: Site, visit: Visit) -> None:
    names = ("archivist", "other")
    with site.archive.sessions.begin() as session:
        create_account(
            session,
            archive=site.archive,
            actor=console_actor(session, site.archive.profile, "test"),
            username="keeper",
            display_name="合成 keeper",
            organ_code="ts1",
            password=PASSWORD,
            roles=[("archivist_township", "ts1")],
        )
        ids = dict(session.execute(select(Account.username, Account.id)).tuples().all())
        jobs = {name: site.jobs.enqueue_audit(session, name, actor_id=ids[name]) for name in (*names, "keeper")}
    near, far = visit("keeper"), visit("archivist")

    def told(browser: Browser, name: str) -> str:
        return str(browser.api("GET", f"/system/jobs/{jobs[name]}").json()["asked_by"])

    assert [told(near, name) for name in (*names, "keeper")] == ["其他机构的帐号", "其他机构的帐号", "keeper"]
    assert [told(far, name) for name in (*names, "keeper")] == ["archivist", "other", "keeper"]
    assert "其他机构的帐号" in near.get(f"/system/jobs/{jobs['other']}").text


def test_backups_are_a_kind_of_job_to_ask_for(visit: Visit) -> None:
    assert '<option value="care.backup" selected>' in visit("sysadmin").get("/system/jobs?work=care.backup").text
