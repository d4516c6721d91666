"""Commands about the site itself: init, demo, serve, worker, status."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from access.accounts import create_account
from access.actors import Actor, console_actor
from access.organs import create_organ
from lantai import collecting
from lantai.alone import alone
from lantai.cli import status_shown
from lantai.cli.output import Json, emit, err, progress, say, table, warn
from lantai.cli.session import opened
from lantai.database import bring_up_to_date
from lantai.jobs import Queue
from lantai.probes import parts_of
from lantai.settings import load
from lantai.site import Site, initialise, is_initialised, load_initialised, open_site
from metadata.errors import Invalid
from repository.archive import Archive
from repository.clock import stamp

FICTIONAL_DIVISION = "990101"
"""Of the synthetic county; no real code begins with 99."""
DEMO_PASSWORD = "lantai-demo-2026"  # noqa: S105  published: it guards synthetic data only

DEMO_ACCOUNTS = (
    ("archivist", "档案员 周静（合成）", "archivist", "bureau"),
    ("officer", "长期保存管理员 冯远（合成）", "preservation_officer", "bureau"),
    ("clerk", "乡镇经办人 吴敏（合成）", "clerk_township", "990101101"),
    ("sysadmin", "系统管理员 郑立（合成）", "sys_admin", "bureau"),
)


def init(
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing; take the defaults.")] = False,
    bureau: Annotated[str, typer.Option(help="Name of the bureau.")] = "县民政局",
    division: Annotated[
        str, typer.Option(help="Division code of the bureau, 6 digits; the default is fictional.")
    ] = FICTIONAL_DIVISION,
    if_needed: Annotated[
        bool, typer.Option("--if-needed", help="Where there is a site, only bring its database up to date.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a new site at LANTAI_HOME: database, keys, two replicas, lantai.toml."""
    settings = load()
    if if_needed and is_initialised(settings):
        with alone(settings.home):
            bring_up_to_date(settings)
        say(
            f"站点已存在：{settings.home}；数据库结构已是最新。",
            f"There is a site at {settings.home}; its database is up to date.",
        )
        return
    if not yes and sys.stdin.isatty():
        bureau = typer.prompt("单位名称 Name of the bureau", default=bureau)
        division = typer.prompt("行政区划代码 Division code (6 digits)", default=division)
    site = initialise(settings, bureau=bureau, division=division)
    names = site.archive.replicas.names
    if json:
        emit({"home": str(site.settings.home), "holding_id": site.settings.holding_id})
    else:
        say(
            f"兰台站点已建立：{site.settings.home}（副本 {'、'.join(names)}）。请另行备份 keys 目录。",
            f"Site made at {site.settings.home} with replicas {' and '.join(names)}. Back up its keys folder apart.",
        )
        if len({store.failure_domain() for store in site.archive.replicas.stores}) < len(names):
            warn(
                "有副本在同一块磁盘或同一服务上，算一个故障域。",
                "Replicas share a disk or a service: one failure domain.",
            )
    site.close()


def status(*, json: Json = False) -> None:
    """How the site is: its parts, holdings, replicas, submissions, incidents, index, ledger."""
    from repository.status import status as read_status

    with opened() as (site, _actor):
        found = read_status(site.archive)
        looked = parts_of(site)
        found["parts"] = [
            {"name": one.name, "state": one.state.value, "zh": one.zh, "en": one.en}
            | ({"since": stamp(one.since)} if one.since is not None else {})
            for one in looked.look()
        ]
        looked.close()
    if json:
        emit(found)
        return
    status_shown.show(found)


def health(
    *,
    of_worker: Annotated[
        bool, typer.Option("--worker", help="Ask for the worker of this host instead of the web process.")
    ] = False,
) -> None:
    """Whether the process of this container or machine lives: 0 yes, 1 no. Asks nothing else of the site."""
    from lantai.health import web_answers, worker_beats

    raise typer.Exit(0 if (worker_beats() if of_worker else web_answers()) else 1)


def serve(
    *,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    with_worker: Annotated[
        bool, typer.Option("--with-worker/--no-worker", help="Also start a worker process beside it.")
    ] = True,
) -> None:
    """Serve pages and API; by default a worker process runs beside it (one machine, one command)."""
    import uvicorn

    from lantai import logs
    from lantai.app import create_app
    from lantai.parts_alarms import keep_telling

    site = open_site()
    logs.configure(site.settings.log_format)
    site.settings.host = host or site.settings.host
    app = create_app(site)
    stop_telling = keep_telling(site, app.state.parts)
    collecting.settled(collecting.SERVING)
    worker_process = _start_worker(site.settings.home) if with_worker else None
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(0)
    )  # the server raises it again when it has ended, for what follows here
    try:
        uvicorn.run(
            app,
            host=site.settings.host,
            proxy_headers=False,  # the application looks at them itself, after it has seen who really calls
            port=port or site.settings.port,
            log_level="warning",
            log_config=None,
            access_log=False,
            server_header=False,
        )
    finally:
        stop_telling()
        if worker_process is not None:
            _end_worker(worker_process, site.settings.worker_grace_seconds)
        site.close()


def _end_worker(process: subprocess.Popen[bytes], grace: float) -> None:
    """Tell it by the end of its pipe: Ctrl-C in a terminal has reached it already, and a second signal would end it at once."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(timeout=grace + 15)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def _start_worker(home: Path) -> subprocess.Popen[bytes]:
    """A worker that ends with this process: it reads a pipe whose other end is ours."""
    return subprocess.Popen(
        [sys.executable, "-m", "lantai", "worker", "--until-closed"],
        stdin=subprocess.PIPE,
        env={**os.environ, "LANTAI_HOME": str(home)},
    )


def worker(
    *,
    until_closed: Annotated[
        bool, typer.Option("--until-closed", help="Stop when standard input ends, as `serve` uses it.")
    ] = False,
    queues: Annotated[
        str, typer.Option(help="Serve only these queues, with commas between them, for example `ocr,images`.")
    ] = "",
    take_folders: Annotated[
        bool, typer.Option("--take-folders", help="Take the folders here for the shared ones from now on.")
    ] = False,
) -> None:
    """Work for the site: ingest, text, index, audits, sealing. Any number side by side, on any machine that reaches
    the database, the stores and the shared folders."""
    from lantai import logs, metering, shared_folders
    from lantai.ending import Ending
    from lantai.metrics import Meters
    from lantai.starting import patiently, run_forever

    served, settings = _queues(queues), load_initialised()
    logs.configure(settings.log_format)

    def begin() -> Site:
        made = open_site(settings)
        try:
            shared_folders.check(made, take=take_folders)
        except BaseException:
            made.close()
            raise
        return made

    ending = Ending(settings.worker_grace_seconds)
    if until_closed:
        ending.with_pipe(sys.stdin.buffer)
    site = patiently(begin, ending.told)
    meters = Meters(site, parts_of(site))
    shown = metering.show(site.settings.metrics, site.settings.rates, meters)
    try:
        if not until_closed:
            say("工作进程已启动；按 Ctrl-C 停止。", "Worker started; Ctrl-C stops it.")
        run_forever(site, ending, queues=served, stepped=meters.stepped)
    finally:
        if shown is not None:
            shown.shutdown()
        site.close()


def _queues(named: str) -> list[Queue]:
    """The queues that ``named`` lists, all when it is empty; ``Invalid`` (``worker.unknown_queue``) for another word."""
    words = [one.strip() for one in named.split(",") if one.strip()]
    try:
        return [Queue(one) for one in words] or list(Queue)
    except ValueError:
        known = [one.value for one in Queue]
        raise Invalid(
            "worker.unknown_queue",
            zh=f"--queues {named} 中有不认识的队列。可用：{'、'.join(known)}。",
            en=f"--queues {named} names a queue that does not exist. There are {', '.join(known)}.",
        ) from None


def demo(
    *,
    households: Annotated[int, typer.Option(help="Households in the sample county.")] = 12,
    seed: Annotated[int, typer.Option(help="Seed of the sample; the same seed makes the same county.")] = 2026,
    serve_it: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the site afterwards.")] = True,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Make a sample county (synthetic), deposit it, and serve it at http://127.0.0.1:8000."""
    os.environ.setdefault("LANTAI_SYNTHETIC", "true")
    from lantai.sample.borrowing import PEOPLE

    settings = load()
    if is_initialised(settings):
        say(f"沿用已有站点 {settings.home}。", f"Using the site already at {settings.home}.")
    else:
        _make_demo(settings.home, households, seed)
    say("登录帐号（全部为合成数据）：", "Accounts (all data is synthetic):")
    table(
        ["帐号 account", "口令 password", "角色 role"],
        [(name, DEMO_PASSWORD, who) for name, who, _, _ in (*DEMO_ACCOUNTS, *PEOPLE)],
    )
    if serve_it:
        at = f"http://{settings.host}:{port or settings.port}"
        say(f"打开 {at} ，按 Ctrl-C 停止。", f"Open {at}; Ctrl-C stops it.")
        serve(host=None, port=port, with_worker=True)


def _make_demo(home: Path, households: int, seed: int) -> None:
    from lantai.cli.intake_commands import deposit, wait_until_done
    from lantai.sample import write_sample
    from lantai.sample.borrowing import enter_requests
    from lantai.worker import working
    from repository.ledger.seal import seal

    started = time.monotonic()
    site = initialise(load(synthetic=True), bureau="云岭县民政局（合成）", division=FICTIONAL_DIVISION)
    try:
        with site.archive.sessions.begin() as session:
            actor = console_actor(session, site.archive.profile, "demo")
            _people_of_the_demo(session, site.archive, actor)
        with tempfile.TemporaryDirectory(prefix="lantai-sample-") as folder:
            with progress("生成样例县 writing the sample county") as steps:
                write_sample(Path(folder), households=households, seed=seed, progress=steps)
            with working(site, always=True), progress("收集 depositing") as steps:
                submission_id = deposit(site, actor, [Path(folder)], accept=True, title="云岭县样例档案（合成）")
                wait_until_done(site, submission_id, steps=steps)
        with site.archive.sessions.begin() as session:
            enter_requests(session, site.archive)
        seal(site.archive)
    finally:
        site.close()
    err.print(f"{home}: {time.monotonic() - started:.0f} s", style="dim")


def _people_of_the_demo(session: Session, archive: Archive, actor: Actor) -> None:
    from lantai.sample.borrowing import enter_people
    from lantai.sample.county import TOWNSHIPS

    for township in TOWNSHIPS:
        create_organ(
            session,
            archive=archive,
            actor=actor,
            code=township.code,
            name_zh=f"{township.name}人民政府（合成）",
            level="TS",
            division_prefix=township.code,
            parent_code="bureau",
        )
    for username, name, role, organ in DEMO_ACCOUNTS:
        create_account(
            session,
            archive=archive,
            actor=actor,
            username=username,
            display_name=name,
            organ_code=organ,
            password=DEMO_PASSWORD,
            roles=[(role, organ)],
        )
    enter_people(session, archive=archive, actor=actor, password=DEMO_PASSWORD)


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    for command in (init, demo, serve, worker, status, health):
        app.command()(command)
