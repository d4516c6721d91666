"""Four-property reports for pages, programs and commands: the look entered, the report made, the PDF set, and filing.

A filed report is an ordinary deposit of two files, the PDF and the JSON, that becomes a record of type PRE01 with its own
bag, at least as protected as what it speaks of.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from access.use_register import looked
from ingest.report import Report, of_case_file, of_record, of_submission
from ingest.submissions import open_submission, receive_path
from lantai.report_pdf import render
from lantai.site import Site
from metadata.errors import Invalid
from metadata.four_properties import STAGES
from metadata.rights import Permission
from repository.clock import local_date
from repository.tables import CaseFile, CaseRecord, Household, Organ, Submission

DOCUMENT_TYPE = "PRE01"
CHANNEL = "report"
PDF_NAME, JSON_NAME = "report.pdf", "report.json"
_GIVEN_UP = timedelta(minutes=2)
"""After this long a filing that never got its files is taken to have died, and is done again."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which report: of a ``submission``, a ``household`` or a ``record``, by id or household number.

    ``stage`` is ``G`` or ``T`` and says something for a submission only.
    """

    kind: str
    subject: str
    programme: str | None = None
    stage: str = "G"


def enter_look(
    session: Session, site: Site, actor: Actor, wanted: Wanted, *, reason: str, call_id: str | None = None
) -> None:
    """Pass the gate and enter the look in the use register, in one transaction; ``NotFound`` as the gate says it.

    A deposit is no record yet: looking at it is entered nowhere, as on its own page.
    """
    archive = site.archive
    given: dict[str, str] = {}
    if wanted.kind == "record":
        given = {
            "act": "record.viewed",
            "record_id": gate.get_record(session, actor, wanted.subject, archive.profile).id,
        }
    elif wanted.kind == "household":
        case = gate.get_case(session, actor, wanted.subject, archive.profile, programme=wanted.programme)
        given = {"act": "case.viewed", "case_file_id": case.id}
    if given:
        looked(session, archive=archive, actor=actor, reason=reason, form="report", call_id=call_id, **given)  # type: ignore[arg-type]  # texts


def report_of(
    site: Site, actor: Actor, wanted: Wanted, *, ledger_blocks: int | None = None, for_all: bool = False
) -> Report:
    """The report, read without a write lock. ``Invalid`` (``report.stage``) for a stage that there is not.

    ``for_all``: without what only archivists may know.
    """
    common: dict[str, Any] = {
        "archive": site.archive,
        "actor": actor,
        "synthetic": site.settings.synthetic,
        "for_all": for_all,
    }
    if ledger_blocks is not None:
        common["ledger_blocks"] = ledger_blocks
    with site.archive.reading() as session:
        if wanted.kind == "submission":
            if wanted.stage not in STAGES[:2]:
                raise Invalid(
                    "report.stage",
                    zh="移交的检测报告分归档（G）和移交与接收（T）两个阶段，请改用其中之一。",
                    en="The report of a deposit is for filing (G) or for hand-over and receipt (T); ask for one of them.",
                    stage=wanted.stage,
                )
            return of_submission(session, submission_id=wanted.subject, stage=wanted.stage, **common)
        if wanted.kind == "record":
            return of_record(session, record_id=wanted.subject, **common)
        return of_case_file(session, number=wanted.subject, programme=wanted.programme, **common)


def as_json(report: Mapping[str, Any]) -> bytes:
    """The report as it is filed: one JSON document, indented for people, with a line end."""
    return (json.dumps(report, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def file_report(site: Site, actor: Actor, wanted: Wanted, *, key: str, language: str = "zh") -> str:
    """File the report as a record of type PRE01; the id of the deposit that brings it, the same for the same ``key``.

    Needs the permission to accept. It goes into the household's file when it is about one; its access level and marks
    are those of the most protected record it speaks of.
    """
    archive = site.archive
    gate.require(actor, Permission.ACCEPT, archive.profile)
    unique = f"report:{actor.id}:{key}"[:120]
    with archive.reading() as session:
        known = session.scalars(select(Submission).where(Submission.idempotency_key == unique)).first()
        if known is not None and not _died(site, known):
            return known.id
    report = report_of(site, actor, wanted, for_all=True)
    told = report.as_dict()
    with archive.sessions.begin() as session:
        cases = _cases(session, report)
        organ = session.get(Organ, actor.organ_id) if actor.organ_id else None
        submission = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=actor.organ_id,
            title=_title(report),
            channel=CHANNEL,
            options={"document_type": DOCUMENT_TYPE, "accept": True, **_household(cases)},
            idempotency_key=unique,
        )
        submission_id = submission.id
        listed = _list(site, report, cases, organ)
    with tempfile.TemporaryDirectory(prefix="lantai-report-") as made:
        folder = Path(made)
        (folder / PDF_NAME).write_bytes(render(told, language))
        (folder / JSON_NAME).write_bytes(as_json(told))
        (folder / "deposit-list.json").write_text(json.dumps(listed, ensure_ascii=False), encoding="utf-8")
        receive_path(archive, submission_id, sorted(folder.iterdir()), limits=site.settings.limits)
    with archive.sessions.begin() as session:
        site.jobs.enqueue_ingest(session, submission_id)
    return submission_id


def _died(site: Site, submission: Submission) -> bool:
    idle = site.archive.clock.now() - submission.updated_at
    return submission.state == "receiving" and idle > _GIVEN_UP


def _cases(session: Session, report: Report) -> list[tuple[str, str]]:
    """Household number and programme of the files the filed report belongs in: the one file it is about, or none."""
    wanted = select(Household.household_no, CaseFile.programme).join(CaseFile, CaseFile.household_id == Household.id)
    subject = report.subject
    if subject.kind == "case_file":
        wanted = wanted.where(CaseFile.id == subject.id)
    elif subject.kind == "record":
        wanted = wanted.join(CaseRecord, CaseRecord.case_file_id == CaseFile.id).where(
            CaseRecord.record_id == subject.id
        )
    else:
        options = session.scalars(select(Submission.options).where(Submission.id == subject.id)).one()
        wanted = wanted.where(
            Household.household_no == options.get("household_no"), CaseFile.programme == options.get("programme")
        )
    found = [(str(number), str(programme)) for number, programme in session.execute(wanted.limit(2)).tuples()]
    return found if len(found) == 1 else []


def _household(cases: list[tuple[str, str]]) -> dict[str, str]:
    return {"household_no": cases[0][0], "programme": cases[0][1]} if cases else {}


def _title(report: Report) -> str:
    words = f"四性检测报告（{report.as_dict()['stage']['zh']}）"
    return f"{words}{report.subject.title or report.subject.id} {report.made.shown_at[:10]}"[:290]


def _list(site: Site, report: Report, cases: list[tuple[str, str]], organ: Organ | None) -> dict[str, Any]:
    """The deposit list: one record of two files, at least as protected as what it speaks of."""
    record: dict[str, Any] = {
        "title": _title(report),
        "files": [PDF_NAME, JSON_NAME],
        "document_type": DOCUMENT_TYPE,
        "date": local_date(site.archive.clock.now(), site.archive.zone).isoformat(),
        "author": organ.name_zh if organ is not None else site.settings.site_name,
        "access_level": report.access_level,
        "access_marks": list(report.access_marks),
    }
    if cases:
        record |= {"household_nos": [cases[0][0]], "programme": cases[0][1]}
    return {"format": "lantai-deposit-list/1", "records": [record]}
