"""Commands that bring records in: sample, ingest."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import func, select

from access.actors import Actor
from ingest.findings import sentence, told_to
from ingest.pipeline import is_outage
from ingest.submissions import open_submission, read_submission, receipt, receive_path
from lantai.cli import list_commands
from lantai.cli.deposit_shown import EXIT, show
from lantai.cli.output import Json, Steps, emit, progress, say, warn
from lantai.cli.remote_ingest import ingest_remotely
from lantai.cli.session import opened
from lantai.indexing import outage
from lantai.site import Site
from lantai.worker import working
from metadata.errors import Invalid, NotFound, Unavailable
from repository.tables import Finding, Outbox, Record, StoredFile, Submission

_END = frozenset(EXIT)
_PATIENCE = 6.0
"""Seconds of an outage before a waiting command ends with its sentence."""


def sample(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; must not exist or be empty.")],
    *,
    households: Annotated[int, typer.Option(min=1, help="How many households.")] = 12,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 2026,
    json: Json = False,
) -> None:
    """Write a synthetic county: real documents, pictures, sound, with a deposit list."""
    from lantai.sample import write_sample

    if folder.exists() and any(folder.iterdir()):
        raise Invalid(
            "sample.not_empty",
            zh=f"{folder} 不是空目录，未写入任何内容。请换一个目录。",
            en=f"{folder} is not empty; nothing was written. Name another folder.",
            folder=str(folder),
        )
    with progress("生成样例 writing the sample", quiet=json) as steps:
        summary = write_sample(folder, households=households, seed=seed, progress=steps)
    if json:
        emit(summary.as_dict() | {"folder": str(folder)})
    else:
        say(
            f"已生成 {summary.households} 户、{summary.records} 件、{summary.files} 个文件（均为合成）：{folder}",
            f"Wrote {summary.households} households, {summary.records} records, {summary.files} files (synthetic).",
        )


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH...", help="Files, folders, zips or bags.")],
    *,
    household: Annotated[
        str | None, typer.Option(help="Household number; without it records stay in the tray.")
    ] = None,
    programme: Annotated[str, typer.Option(help="Programme of the case file.")] = "DB",
    document_type: Annotated[str | None, typer.Option("--type", help="Document type code for all records.")] = None,
    one_record: Annotated[bool, typer.Option("--one-record", help="All paths become one record.")] = False,
    accept: Annotated[bool, typer.Option("--accept", help="Accept at once when nothing bars it.")] = False,
    leave_out: Annotated[
        bool, typer.Option("--leave-out", help="Leave faulty papers out and let the others go on.")
    ] = False,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Read where it lies, without a quarantine copy.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait", help="End when records, text and index are there.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only look the folder's deposit list through; nothing is deposited.")
    ] = False,
    server: Annotated[
        str, typer.Option(help="Deposit into the site at this address, from any machine; follows its findings.")
    ] = "",
    token_file: Annotated[
        Path | None, typer.Option(help="File with the access token for --server; else LANTAI_TOKEN is read.")
    ] = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="With --server: deposit these files once more, not go on with the last time.")
    ] = False,
    json: Json = False,
) -> None:
    """Deposit papers. With --wait or --server: 0 all accepted, 1 something refused, 3 a person must decide."""
    for path in paths:
        if not path.exists():
            raise NotFound(
                "ingest.no_such_path",
                zh=f"没有这个文件或目录：{path}。",
                en=f"No such file or folder: {path}.",
                path=str(path),
            )
    if dry_run:
        list_commands.dry_run(paths, json=json)
        return
    options: dict[str, Any] = {
        "household_no": household,
        "programme": programme if household else None,
        "document_type": document_type,
        "one_record": one_record,
        "in_place": in_place,
        "accept": accept,
        "leave_out": leave_out or None,
    }
    if server:
        raise typer.Exit(EXIT.get(ingest_remotely(server, token_file, paths, options, anew=anew, json=json), 3))
    with opened() as (site, actor):
        if not wait:
            with progress("接收 receiving", quiet=json) as steps:
                submission_id = deposit(site, actor, paths, steps=steps, **options)
            _show(site, actor, submission_id, json=json)
            return
        with working(site), progress("接收 receiving", quiet=json) as steps:
            submission_id = deposit(site, actor, paths, steps=steps, **options)
            state = wait_until_done(site, submission_id, steps=steps)
        left_out = _show(site, actor, submission_id, json=json)
    raise typer.Exit(1 if left_out else EXIT.get(state, 1))


def deposit(
    site: Site, actor: Actor, paths: list[Path], *, steps: Steps | None = None, title: str | None = None, **options: Any
) -> str:
    """Open a submission, take the bytes in, and hand it to the workers; its id."""
    archive = site.archive
    given = {name: value for name, value in options.items() if value is not None}
    with archive.sessions.begin() as session:
        submission = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=actor.organ_id,
            title=title or ", ".join(path.name or str(path) for path in paths)[:280],
            channel="console",
            options=given,
        )
        submission_id = submission.id
    receive_path(
        archive,
        submission_id,
        paths,
        in_place=bool(options.get("in_place")),
        progress=steps,
        limits=site.settings.limits,
    )
    with archive.sessions.begin() as session:
        site.jobs.enqueue_ingest(session, submission_id)
    return submission_id


def wait_until_done(site: Site, submission_id: str, *, steps: Steps | None = None) -> str:
    """Follow a submission to its end, and its records until text and index are there; the state it ended in.

    ``Unavailable`` when a replica, the disk or the database is out for longer than a moment: the submission waits for
    it, and the next worker carries it on. A search index that is away is not waited for: it catches up by itself.
    """
    since = ended = None
    while True:
        with site.archive.reading() as session:
            row = session.execute(
                select(Submission.state, Submission.step, Submission.counts, Submission.error).where(
                    Submission.id == submission_id
                )
            ).one()
            waiting = _unfinished(session, submission_id) if row.state == "done" else 0
        counts = row.counts or {}
        if steps is not None:
            total = counts.get("records")
            done = counts.get("accessioned", 0) if row.state != "done" else (total or 0) - min(waiting, total or 0)
            steps(done, total, f"{row.state} {row.step}")
        if row.state in _END and waiting == 0:
            return str(row.state)
        ended = (ended or time.monotonic()) if row.state in _END else None
        if ended is not None and time.monotonic() - ended > _PATIENCE:
            if (away := outage(site)) is not None:
                warn(
                    f"{away.zh}材料已入库；检索恢复后自动编入，此前检索不到。",
                    f"{away.en} The papers are in the holdings; they are found once the index is back, by itself.",
                )
                return str(row.state)
            ended = None
        out = row.error is not None and row.state not in _END and is_outage(row.error["code"])
        since = (since or time.monotonic()) if out else None
        if since is not None and time.monotonic() - since > _PATIENCE:
            raise _waits(submission_id, row.error)
        time.sleep(0.2)


def _waits(submission_id: str, error: dict[str, Any]) -> Unavailable:
    return Unavailable(
        error["code"],
        zh=f"{error['zh']}移交 {submission_id} 已收妥，正在等待；故障排除后由工作进程（lantai worker）继续，无需重新移交。",
        en=f"{error['en']} Submission {submission_id} is safe and waits; a worker (`lantai worker`) carries it on when "
        "the fault is gone. Do not deposit it again.",
        submission_id=submission_id,
    )


def _unfinished(session: Any, submission_id: str) -> int:
    """Records of the submission whose text or index entry is still to be made."""
    mine = select(Record.id).where(Record.submission_id == submission_id)
    text = session.scalar(
        select(func.count())
        .select_from(StoredFile)
        .where(StoredFile.text_state == "pending", StoredFile.record_id.in_(mine))
    )
    index = session.scalar(
        select(func.count()).select_from(Outbox).where(Outbox.done_at.is_(None), Outbox.subject_id.in_(mine))
    )
    return int(text or 0) + int(index or 0)


def _show(site: Site, actor: Actor, submission_id: str, *, json: bool) -> bool:
    """Say how it stands; whether something was left out."""
    with site.archive.reading() as session:
        found = read_submission(session, submission_id)
        findings = list(
            session.scalars(
                select(Finding)
                .where(Finding.submission_id == submission_id, told_to(actor.id, may_accept=True))
                .order_by(Finding.seq)
                .limit(1000)
            )
        )
        paper = receipt(session, submission_id)
    told = [
        {
            "code": one.code,
            "severity": one.severity,
            "outcome": one.outcome,
            "path": one.path,
            "params": one.params,
            "zh": sentence(one, "zh"),
            "en": sentence(one, "en"),
        }
        for one in findings
    ]
    show(submission_id, found.state, found.counts or {}, told, paper, json=json)
    return bool(paper["left_out"])


def add_to(app: typer.Typer) -> None:
    """Hang these commands on the root."""
    app.command()(sample)
    app.command()(ingest)
