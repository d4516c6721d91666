"""The report of what is kept, in stage P (长期保存): a household file with all its records, or one record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from ingest.outcome import Outcome
from ingest.report import descriptions
from ingest.report import files as file_facts
from ingest.report.copies import evidence as copy_evidence
from ingest.report.descriptions import Described
from ingest.report.kept import Holdings, holdings, ledger_state
from ingest.report.making import LEDGER_BLOCKS, made, most_protected, organ_words
from ingest.report.model import Evidence, Paper, Report, Subject, Words, judged
from ingest.report.remarks import Placed, found, own, plain
from metadata.profile import DocumentType
from metadata.required import expected
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import CaseFile, CaseRecord, Household, Record

STAGE = "P"
_PAGE = gate.MOST


@dataclass(frozen=True)
class _Asked:
    """What every part of one report needs."""

    session: Session
    archive: Archive
    actor: Actor
    synthetic: bool
    ledger_blocks: int
    for_all: bool


def of_case_file(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    number: str,
    programme: str | None = None,
    synthetic: bool = False,
    ledger_blocks: int = LEDGER_BLOCKS,
    for_all: bool = False,
) -> Report:
    """The report of a household file, by its id or household number, over the records that ``actor`` may read.

    ``NotFound`` as the gate says it. The caller enters the look. ``ledger_blocks``: more sealed blocks than this are
    not verified here, and the report says so. ``for_all``: others will read it too, so that nothing is told which only
    archivists may know.
    """
    asked = _Asked(session, archive, actor, synthetic, ledger_blocks, for_all)
    case = gate.get_case(session, actor, number, archive.profile, programme=programme)
    household = session.get_one(Household, case.household_id)
    records = _records(asked, case.id)
    kept = holdings(session, archive, records)
    evidence, remarks = _both(asked, kept, [case.archival_code], [household.household_no])
    if case.opened_on and case.stopped_on and case.stopped_on < case.opened_on:
        remarks.append(own("report.case_dates", "A5", opened=case.opened_on, stopped=case.stopped_on))
    papers, missing = _papers(asked, case, kept)
    evidence["I9"], told = _scope(asked, case, missing)
    remarks += told
    programme_named = archive.profile.programmes.get(case.programme)
    facts = (
        (Words("户号", "Household number"), _same(household.household_no)),
        (
            Words("救助项目", "Programme"),
            Words(programme_named.zh, programme_named.en) if programme_named else _same(case.programme),
        ),
        (Words("档号", "Archival code"), _same(case.archival_code or "–")),
        (Words("立档日期", "Opened"), _same(case.opened_on.isoformat() if case.opened_on else "–")),
        (Words("停保日期", "Stopped"), _same(case.stopped_on.isoformat() if case.stopped_on else "–")),
        (Words("件数", "Records"), _same(str(len(records)))),
        (Words("文件数", "Files"), _same(str(sum(map(len, kept.files.values()))))),
    )
    subject = Subject("case_file", case.id, plain(case.title), organ_words(session, case.organ_id), facts)
    return _report(asked, subject, kept, evidence, remarks, papers, household=True)


def of_record(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    record_id: str,
    synthetic: bool = False,
    ledger_blocks: int = LEDGER_BLOCKS,
    for_all: bool = False,
) -> Report:
    """The report of one record that ``actor`` may read; ``NotFound`` as the gate says it."""
    asked = _Asked(session, archive, actor, synthetic, ledger_blocks, for_all)
    record = gate.get_record(session, actor, record_id, archive.profile)
    kept = holdings(session, archive, [record])
    evidence, remarks = _both(asked, kept, [_code(record)], [])
    kind = archive.profile.document_types.get(record.document_type or "")
    facts = (
        (Words("文件类型", "Document type"), Words(kind.zh, kind.en) if kind else _same(record.document_type or "–")),
        (Words("日期", "Dated"), _same(record.dated.isoformat() if record.dated else "–")),
        (Words("版本", "Version"), _same(str(record.head_version))),
        (Words("文件数", "Files"), _same(str(len(kept.files.get(record.id, ()))))),
    )
    subject = Subject("record", record.id, plain(record.title), organ_words(session, record.organ_id), facts)
    return _report(asked, subject, kept, evidence, remarks, (), household=False)


def _same(text: str) -> Words:
    return Words(text, text)


def _records(asked: _Asked, case_file_id: str) -> list[Record]:
    """All records of the file that may be read, in the order of the file."""
    read: list[Record] = []
    after = 0
    while True:
        some = gate.list_records(
            asked.session,
            asked.actor,
            asked.archive.profile,
            after=after,
            limit=_PAGE,
            case_file_id=case_file_id,
            permission=Permission.RECORD_READ,
        )
        known = {one.id for one in read}
        fresh = [one for one in some if one.id not in known]
        read += fresh
        if len(some) < _PAGE or not fresh:
            return read
        place = asked.session.get_one(CaseRecord, (case_file_id, some[-1].id))
        after = place.position


def _code(record: Record) -> str | None:
    code = (record.description.get("extra") or {}).get("M8")
    return str(code) if code else None


def _both(
    asked: _Asked, kept: Holdings, codes: Sequence[str | None], numbers: Sequence[str]
) -> tuple[dict[str, Evidence], list[Placed]]:
    """Everything that household file and record have in common."""
    profile = asked.archive.profile
    today = local_date(asked.archive.clock.now(), asked.archive.zone)
    described = [Described(one.id, one.title, one.description, one.id in kept.retained) for one in kept.records]
    evidence, remarks = descriptions.looked_at(described, profile, today, kept=True)
    given = [code for code in codes if code]
    evidence["A7"], told = descriptions.codes(profile, given, numbers, len(codes))
    remarks += told
    facts = file_facts.of_all(one for some in kept.files.values() for one in some)
    evidence |= file_facts.evidence(facts, kept.tools)
    remarks += file_facts.format_remarks(facts)
    ledger = ledger_state(asked.session, asked.archive, asked.ledger_blocks)
    more, told = copy_evidence(asked.session, asked.archive, kept, facts, ledger)
    evidence |= more
    remarks += told
    remarks += found(kept.findings, archivist=_archivist(asked, kept))
    return evidence, remarks


def _archivist(asked: _Asked, kept: Holdings) -> bool:
    """Whether findings that only archivists may know are told: who may accept all of it and deposited none of it."""
    if asked.for_all or any(one.actor_id == asked.actor.id for one in kept.submissions.values()):
        return False
    profile = asked.archive.profile
    return all(
        gate.allowed_at(asked.actor, Permission.ACCEPT, profile, division_code=one.division_code, organ_id=one.organ_id)
        for one in kept.records
    )


def _papers(asked: _Asked, case: CaseFile, kept: Holdings) -> tuple[tuple[Paper, ...], list[DocumentType] | None]:
    """The records of the file and the papers missing from it; None for who may not know what else is in the file."""
    profile = asked.archive.profile
    required = expected(profile, case.programme, case.state)
    codes = {one.code for one in required}
    lists = gate.allowed_at(
        asked.actor, Permission.RECORD_LIST, profile, division_code=case.division_code, organ_id=case.organ_id
    )
    have = gate.kinds_present(asked.session, case.id) if lists else frozenset()
    papers = []
    for one in kept.records:
        kind = profile.document_types.get(one.document_type or "")
        papers.append(
            Paper(
                record_id=one.id,
                code=one.document_type or "",
                kind=Words(kind.zh, kind.en) if kind else _same(one.document_type or "–"),
                title=plain(one.title),
                dated=one.dated.isoformat() if one.dated else "",
                files=len(kept.files.get(one.id, ())),
                copies=tuple(sorted(kept.copies.get(one.id, {}).items())),
                required=one.document_type in codes,
            )
        )
    if not lists:
        return tuple(papers), None
    missing = [one for one in required if one.code not in have]
    papers += [Paper(None, one.code, Words(one.zh, one.en), "", "", 0, (), True) for one in missing]
    return tuple(papers), missing


def _scope(asked: _Asked, case: CaseFile, missing: list[DocumentType] | None) -> tuple[Evidence, list[Placed]]:
    """I9: the papers that the profile asks for."""
    total = len(expected(asked.archive.profile, case.programme, case.state))
    if missing is None:
        words = Words("检测人无权列出本卷全部文件。", "Who made the report may not list everything in the file.")
        return Evidence(Outcome.NOT_CHECKED, words), []
    there = total - len(missing)
    words = Words(f"应有 {total} 种，已有 {there} 种。", f"{there} of {total} required papers are there.")
    remarks = [own("report.paper_missing", "I9", code=one.code, zh=one.zh, en=one.en) for one in missing]
    return Evidence(Outcome.PASS, words, there, total), remarks


def _report(
    asked: _Asked,
    subject: Subject,
    kept: Holdings,
    evidence: dict[str, Evidence],
    remarks: list[Placed],
    papers: tuple[Paper, ...],
    *,
    household: bool,
) -> Report:
    items, outside = judged(STAGE, evidence, remarks, household=household)
    marks = {str(mark) for one in kept.records for mark in one.access_marks}
    return Report(
        stage=STAGE,
        subject=subject,
        made=made(asked.session, asked.archive, asked.actor, synthetic=asked.synthetic),
        items=items,
        tools=kept.tools,
        outside=outside,
        papers=papers,
        scope=Words(
            f"检测范围：检测人有权查看的 {len(kept.records)} 件。",
            f"Covers the {len(kept.records)} records that its maker may see.",
        ),
        access_level=most_protected(one.access_level for one in kept.records),
        access_marks=tuple(sorted(marks)),
    )
