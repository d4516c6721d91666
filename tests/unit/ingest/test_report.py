"""The four-property report: what did not run is never a pass, and what is told is what was found."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from access.actors import Actor
from ingest.findings import KINDS
from ingest.outcome import Outcome
from ingest.report import Report, of_case_file, of_record, of_submission
from ingest.report.copies import ledger_evidence
from ingest.report.files import FileFacts, Seen, evidence, fixed, page_gaps
from ingest.report.kept import Told
from ingest.report.model import FORMAT, Evidence, Words, judged
from ingest.report.remarks import found, plain
from metadata.errors import NotFound
from metadata.four_properties import STAGES, four_properties
from metadata.household import household_no
from repository.archive import Archive
from repository.fixity import audit
from repository.holding import initialise_store
from repository.ledger.seal import seal
from repository.tables import CaseFile, Finding, Record, RecordVersion, ReplicaObject, Submission, SubmissionFile

HOUSEHOLD = household_no("990101001001", 7)
Deposit = Callable[..., tuple[str, str]]


def result(report: Report, code: str) -> str:
    """The result of one item."""
    return next(one.result.value for one in report.items if one.item.code == code)


def codes(report: Report, item: str) -> list[str]:
    """The codes of what was found about one item."""
    return [remark.code for one in report.items if one.item.code == item for remark in one.remarks]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three papers of a household."""
    made = tmp_path / "材料"
    made.mkdir()
    (made / "申请书.txt").write_text("最低生活保障申请书")
    (made / "scan_001.txt").write_text("一")
    (made / "空.txt").write_bytes(b"")
    return made


# -- pure rules


@pytest.mark.parametrize("stage", STAGES)
def test_an_item_of_which_nothing_is_known_was_not_checked(stage: str) -> None:
    items, outside = judged(stage, {}, [])
    assert {one.result for one in items} == {Outcome.NOT_CHECKED}
    assert outside == ()


GOOD = Evidence(Outcome.PASS, Words("好", "good"))


@pytest.mark.parametrize("code", sorted(KINDS))
def test_no_item_passes_that_a_finding_speaks_against(code: str) -> None:
    known = four_properties()
    told = Told(code, KINDS[code].severity.value, "warn", "x", None, {})
    remarks = found([told], archivist=True)
    items, outside = judged("G", dict.fromkeys(known.items, GOOD), remarks)
    about = known.items_of(code, KINDS[code].clause)
    for one in items:
        assert (one.result is Outcome.PASS) == (one.item.code not in about)
        if one.item.code in about and code in known.not_checked:
            assert one.result is Outcome.NOT_CHECKED
            assert one.unchecked
    assert len(outside) == (0 if about else 1)


@pytest.mark.parametrize("missing", range(1, 4))
def test_a_check_that_missed_a_file_is_no_pass(missing: int) -> None:
    names = ("siegfried", "libmagic", "pypdfium2", "clamd")
    whole = Seen("a", 1, "fmt/18", "PDF", "application/pdf", True, 0, "r", True)
    gap = {"mime": None, "puid": None, "format": None, "opened": None, "scanned": False}
    for left_out in itertools.combinations(names, missing):
        tools = {name: "1" for name in names if name not in left_out}
        facts = FileFacts()
        for one in (whole, whole._replace(**gap)):
            facts.add(one)
        for code, one in evidence(facts, tools).items():
            assert one.result is not Outcome.PASS, (code, left_out)
        assert fixed(facts, bags=1).result is Outcome.NOT_CHECKED


def test_signatures_that_are_only_listed_are_not_checked() -> None:
    facts = FileFacts()
    facts.add(Seen("a.pdf", 9, "fmt/18", "PDF", "application/pdf", True, 2, "r"))
    assert fixed(facts, bags=1).result is Outcome.NOT_CHECKED
    unsigned = FileFacts()
    unsigned.add(Seen("a.pdf", 9, "fmt/18", "PDF", "application/pdf", True, 0, "r"))
    assert fixed(unsigned, bags=1).result is Outcome.PASS
    assert fixed(unsigned, bags=0).result is Outcome.NOT_APPLICABLE


def test_a_ledger_that_was_not_verified_is_no_pass() -> None:
    assert ledger_evidence((None, 5_000, []))[0].result is Outcome.NOT_CHECKED
    assert ledger_evidence((None, 0, []))[0].result is Outcome.NOT_CHECKED
    good, told = ledger_evidence((False, 2, [("改动", "altered")]))
    items, _ = judged("P", {"X6": good}, told)
    assert next(one.result for one in items if one.item.code == "X6") is Outcome.FAIL


@pytest.mark.parametrize(
    ("names", "missing"),
    [
        (["scan_001.jpg", "scan_003.jpg"], [2]),
        (["scan_001.jpg", "scan_002.jpg"], []),
        (["2024-01-02.jpg", "2025-01-02.jpg"], []),
        (["甲.jpg", "乙.jpg"], []),
        (["IMG_20240101.jpg", "IMG_0002.jpg"], []),
    ],
)
def test_gaps_in_runs_of_pages(names: list[str], missing: list[int]) -> None:
    assert page_gaps(names) == missing


def test_names_are_masked_and_what_steers_a_screen_is_escaped() -> None:
    assert plain("a\u202eb\x1b") == "a\\u202eb\\u001b"
    assert "13800138000" not in plain("电话 13800138000")
    assert len(plain("x" * 9_000)) < 400


# -- of a deposit


def test_a_deposit_with_checks_left_out_says_so(archive: Archive, actor: Actor, deposit: Deposit, folder: Path) -> None:
    submission_id, state = deposit(folder)
    assert state == "done"
    with archive.reading() as session:
        report = of_submission(session, archive=archive, actor=actor, submission_id=submission_id)
    told = report.as_dict()
    assert told["format"] == FORMAT
    assert json.loads(json.dumps(told)) == told
    for code in ("A9", "U3", "U4", "U7", "X1", "X2"):
        assert result(report, code) == "not_checked", code
    assert "file.empty" in codes(report, "I7")
    assert result(report, "A8") == "pass"
    assert result(report, "X4") == "manual"
    assert {one["item"] for one in told["not_checked"]} >= {"A9", "X2", "X4"}
    assert sum(sum(row["counts"].values()) for row in told["summary"]) == len(told["items"]) == 36


def test_equal_facts_give_equal_reports(archive: Archive, actor: Actor, deposit: Deposit, folder: Path) -> None:
    submission_id, _ = deposit(folder)
    made = []
    for _ in range(2):
        with archive.reading() as session:
            made.append(of_submission(session, archive=archive, actor=actor, submission_id=submission_id).as_dict())
    assert made[0] == made[1]


def test_a_deposit_that_is_still_examined_has_no_pass(
    archive: Archive, actor: Actor, deposit: Deposit, folder: Path
) -> None:
    submission_id, _ = deposit(folder)
    with archive.sessions.begin() as session:
        session.execute(update(Submission).values(state="examining", step="examine"))
    with archive.reading() as session:
        report = of_submission(session, archive=archive, actor=actor, submission_id=submission_id)
    assert {one.result for one in report.items} <= {Outcome.NOT_CHECKED, Outcome.MANUAL, Outcome.WARN}


def test_what_only_archivists_may_know_stays_with_them(
    archive: Archive, actor: Actor, deposit: Deposit, folder: Path
) -> None:
    submission_id, _ = deposit(folder)
    with archive.sessions.begin() as session:
        session.execute(update(Submission).values(actor_id="somebody"))
        session.add(
            Finding(
                submission_id=submission_id,
                code="duplicate.elsewhere",
                severity="warning",
                outcome="warn",
                path="材料/申请书.txt",
                params={"record_id": "hidden"},
                created_at=archive.clock.now(),
            )
        )
    depositor = Actor("somebody", "account", "某人", actor.organ_id)

    def told(who: Actor, **more: bool) -> list[str]:
        with archive.reading() as session:
            report = of_submission(session, archive=archive, actor=who, submission_id=submission_id, **more)
        return codes(report, "A8")

    assert told(actor) == ["duplicate.elsewhere"]
    assert told(depositor) == []
    assert told(actor, for_all=True) == []


def test_a_deposit_whose_rows_are_lost_is_told_from_its_bags(
    archive: Archive, actor: Actor, deposit: Deposit, folder: Path
) -> None:
    submission_id, _ = deposit(folder)
    with archive.sessions.begin() as session:
        session.execute(delete(SubmissionFile))
        session.execute(delete(Finding))
    with archive.reading() as session:
        report = of_submission(session, archive=archive, actor=actor, submission_id=submission_id)
    assert "file.empty" in codes(report, "I7")
    assert "重建" in report.scope.zh


# -- of what is kept


def kept(archive: Archive, actor: Actor, **more: Any) -> Report:
    """The report of the household file."""
    with archive.reading() as session:
        return of_case_file(session, archive=archive, actor=actor, number=HOUSEHOLD, **more)


@pytest.fixture
def filed(deposit: Deposit, folder: Path) -> str:
    """The papers in a household file; the submission's id."""
    submission_id, state = deposit(folder, household_no=HOUSEHOLD, programme="DB", document_type="APP01")
    assert state == "done"
    return submission_id


def test_copies_pass_only_when_each_was_re_read(archive: Archive, actor: Actor, filed: str) -> None:
    before = kept(archive, actor)
    assert result(before, "A1") == result(before, "I11") == "not_checked"
    assert result(before, "X7") == "manual"
    with archive.sessions.begin() as session:
        for store in archive.replicas.stores:
            initialise_store(session, archive=archive, store=store)
    audit(archive, actor=actor.ref)
    after = kept(archive, actor)
    assert result(after, "A1") == result(after, "I11") == "pass"
    with archive.sessions.begin() as session:
        key = session.scalars(select(RecordVersion.object_key)).first()
        session.execute(
            update(ReplicaObject)
            .where(ReplicaObject.key == key, ReplicaObject.replica == "b")
            .values(outcome="damaged")
        )
    faulty = kept(archive, actor)
    assert result(faulty, "A1") == "fail"
    assert codes(faulty, "X7") == ["report.copy_faulty"]


def test_missing_papers_are_named(archive: Archive, actor: Actor, filed: str) -> None:
    report = kept(archive, actor)
    assert result(report, "I9") == "warn"
    missing = [one.code for one in report.papers if one.record_id is None]
    assert "APP02" in missing
    assert "APP01" not in missing
    assert {one.record_id for one in report.papers if one.record_id}


def test_the_ledger_is_verified_when_it_is_short_enough(archive: Archive, actor: Actor, filed: str) -> None:
    assert result(kept(archive, actor), "X6") == "not_checked"
    seal(archive)
    assert result(kept(archive, actor), "X6") == "pass"
    assert result(kept(archive, actor, ledger_blocks=0), "X6") == "not_checked"


def test_a_digest_that_the_ledger_does_not_know_fails(archive: Archive, actor: Actor, filed: str) -> None:
    assert result(kept(archive, actor), "A13") == "pass"
    with archive.sessions.begin() as session:
        session.execute(update(RecordVersion).values(object_sha256="0" * 64))
    assert result(kept(archive, actor), "A13") == "fail"


def test_implausible_descriptions_are_told(archive: Archive, actor: Actor, filed: str) -> None:
    with archive.sessions.begin() as session:
        for one in session.scalars(select(Record)):
            one.description = {**one.description, "date": "2199-01-01", "year": 2019, "document_type": "XXX99"}
    report = kept(archive, actor)
    assert {"report.date_future", "report.year_differs"} <= set(codes(report, "A5"))
    assert "report.value_unknown" in codes(report, "A4")
    assert "report.mandatory_empty" in codes(report, "I4")


def test_findings_of_the_deposit_are_there_with_the_table_and_without(
    archive: Archive, actor: Actor, filed: str
) -> None:
    with_table = codes(kept(archive, actor), "I7")
    assert "file.empty" in with_table
    with archive.sessions.begin() as session:
        session.execute(delete(Finding))
        session.execute(delete(SubmissionFile))
    assert codes(kept(archive, actor), "I7") == with_table


def test_a_bag_that_cannot_be_read_fails(archive: Archive, actor: Actor, filed: str, tmp_path: Path) -> None:
    with archive.reading() as session:
        key = session.scalars(select(RecordVersion.object_key)).first()
    for name in ("a", "b"):
        (tmp_path / "replicas" / name / str(key)).unlink()
    report = kept(archive, actor)
    assert result(report, "U1") == "fail"
    assert codes(report, "U1") == ["report.bag_unreadable"]


def test_a_record_has_a_report_of_its_own(archive: Archive, actor: Actor, filed: str) -> None:
    with archive.reading() as session:
        record_id = session.scalars(select(Record.id)).first()
        report = of_record(session, archive=archive, actor=actor, record_id=str(record_id))
    assert report.stage == "P"
    assert "I9" not in {one.item.code for one in report.items}
    assert report.subject.kind == "record"


def test_the_gate_decides_who_gets_one(archive: Archive, filed: str) -> None:
    nobody = Actor("nobody", "account", "无", None)
    with archive.reading() as session:
        record_id = str(session.scalars(select(Record.id)).first())
        for ask in (
            lambda: of_case_file(session, archive=archive, actor=nobody, number=HOUSEHOLD),
            lambda: of_record(session, archive=archive, actor=nobody, record_id=record_id),
            lambda: of_submission(session, archive=archive, actor=nobody, submission_id="-"),
        ):
            with pytest.raises(NotFound):
                ask()


def test_a_report_is_as_protected_as_what_it_speaks_of(archive: Archive, actor: Actor, filed: str) -> None:
    with archive.sessions.begin() as session:
        first = _first(session)
        first.access_level, first.access_marks = "restricted", ["medical"]
    report = kept(archive, actor)
    assert (report.access_level, report.access_marks) == ("restricted", ("medical",))


def _first(session: Session) -> Record:
    return session.scalars(select(Record).order_by(Record.seq)).first() or pytest.fail("no record")


def test_a_case_that_ends_before_it_begins_is_told(archive: Archive, actor: Actor, filed: str) -> None:
    today = archive.clock.now().date()
    with archive.sessions.begin() as session:
        session.execute(update(CaseFile).values(opened_on=today, stopped_on=today.replace(year=2001)))
    assert "report.case_dates" in codes(kept(archive, actor), "A5")
