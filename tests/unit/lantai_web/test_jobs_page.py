"""Jobs on pages, for programs and at the console: seen by whoever may, steered by the two who run the site."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from lantai.cli.app import whole
from lantai.heartbeats import database_seconds
from lantai.job_notes import JobNotes
from lantai.settings import load
from lantai.site import Site, initialise
from repository.tables import Heartbeat
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
