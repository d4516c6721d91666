"""Requests: what they must bring, who decides, every step and every step that is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from access import letters, request_decisions, request_filing, requests
from access.actors import console_actor
from access.epochs import epoch
from access.gate import get_record
from access.request_decisions import Decision, meant
from access.request_rules import RequestFaults, Wanted, checked, next_state, words
from metadata.errors import Conflict, Forbidden, Invalid, NotFound
from metadata.household import household_no
from metadata.identifiers import new_id
from metadata.rights import Permission
from repository.ledger import acts
from repository.tables import AccessRequest, LedgerEntry, RequestSubject, StoredObject
from tests.unit.access.borrowing import HOUSEHOLD, LETTER, Desk, asking


def _faults(desk: Desk, name: str = "borrower", **given: Any) -> set[str]:
    with pytest.raises(RequestFaults) as caught:
        desk.file(name, **given)
    return set(caught.value.faults)


def test_a_request_goes_to_the_approver_that_the_rule_names(desk: Desk) -> None:
    record = desk.record()
    made = desk.file(records=[record])
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest)).one()
        assert (row.state, row.approver_role, row.approver_division) == ("submitted", "bureau_head", "990101")
        assert row.number == "JY2026-000001"
        assert [one.id for one in requests.waiting_for(session, desk.actor(session, "head"), desk.archive.profile)] == [
            made
        ]
        for name in ("stranger", "chief", "borrower", "archivist"):
            assert requests.waiting_for(session, desk.actor(session, name), desk.archive.profile) == []
        head = desk.actor(session, "head")
        assert get_record(session, head, record, desk.archive.profile).id == record
    assert desk.ledger() == ["request.submitted"]


def test_everything_that_is_missing_is_said_at_once(desk: Desk) -> None:
    assert _faults(desk, records=["nonsense"], purpose="x", purpose_text=" ", details={}, letter=None, days=99) == {
        "record_ids",
        "purpose",
        "purpose_text",
        "legal_basis",
        "letter",
        "days",
    }
    assert _faults(desk, "prosecutor", requester="statutory", records=[new_id()], letter=None) == {
        "case_reference",
        "officer_1",
        "officer_2",
        "letter",
    }
    twice = {"case_reference": "云检〔2026〕3号", "officer_1": "甲 001", "officer_2": "甲 001"}
    assert _faults(desk, "prosecutor", requester="statutory", records=[new_id()], details=twice) == {"officer_2"}
    assert _faults(desk, requester="statutory", records=[new_id()]) == {"requester"}
    assert _faults(desk, "member", requester="household", records=[new_id()]) == {"household_no", "identity"}
    assert _faults(desk, "staff", requester="own_staff", records=[new_id()], form="copy", numbers="full") == {
        "form",
        "numbers",
    }
    assert _faults(desk, household="123") == {"household_no"}
    assert _faults(desk, words="  ") == {"q"}
    assert _faults(desk, records=[new_id() for _ in range(21)]) == {"record_ids"}
    assert desk.ledger() == []


def test_who_may_not_ask_is_refused(desk: Desk) -> None:
    with pytest.raises(Forbidden):
        desk.file("auditor", records=[new_id()])
    with desk.archive.sessions.begin() as session:
        console = console_actor(session, desk.archive.profile, "root")
        with pytest.raises(Forbidden, match="signed in"):
            request_filing.file(session, archive=desk.archive, actor=console, asking=asking(words="王"))


def test_what_is_there_and_what_is_not_look_alike_to_the_asker(desk: Desk) -> None:
    record = desk.record(level="restricted", marks=("informant",))
    there, nowhere = desk.file(records=[record]), desk.file(records=[new_id()])
    empty = desk.file(household=household_no("990101001001", 999))
    with desk.archive.reading() as session:
        mine = {one.id: one for one in requests.mine(session, desk.actor(session, "borrower"))}
        shown = [
            {
                "state": one.state,
                "told": [step["act"] for step in one.told],
                "details": one.details,
                "row": one.row_version,
            }
            for one in (mine[there], mine[nowhere], mine[empty])
        ]
    assert shown[0] == shown[1] == shown[2]


def test_a_form_posted_twice_makes_one_request(desk: Desk) -> None:
    record = desk.record()
    first = desk.file(records=[record], key="once")
    assert desk.file(records=[record], key="once") == first
    assert desk.file("other", records=[record], key="once") != first
    assert desk.file(records=[record], key="again") != first


def test_words_are_kept_without_numbers(desk: Desk) -> None:
    made = desk.file(words="王秀英 11010519491231002X", purpose_text="本人电话 13800138000\x00")
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == made)).one()
        assert row.wanted["words"] == "王秀英 110105********002X"
        assert row.purpose_text == "本人电话 138****8000"
        frozen = b"".join(session.scalars(select(StoredObject.body).where(StoredObject.kind == "entity")))
        assert b"11010519491231002X" not in frozen
        bodies = session.scalars(select(LedgerEntry.body).where(LedgerEntry.stream == acts.ACTS))
        assert all("王秀英" not in one and "核对" not in one for one in bodies)
    assert words(HOUSEHOLD) == HOUSEHOLD


def test_question_and_answer_go_round(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    for _ in range(2):
        with desk.archive.sessions.begin() as session:
            head = desk.actor(session, "head")
            row = requests.get(session, head, made, desk.archive.profile)
            request_decisions.ask_back(session, archive=desk.archive, actor=head, request=row, said="哪一年？")
        assert desk.state(made) == ("questioned", None)
        with desk.archive.sessions.begin() as session:
            actor = desk.actor(session, "borrower")
            assert [one.id for one in requests.questions_to(session, actor)] == [made]
            row = requests.get(session, actor, made, desk.archive.profile)
            with pytest.raises(Invalid):
                request_filing.answer(session, archive=desk.archive, actor=actor, request=row, said=" ")
            request_filing.answer(session, archive=desk.archive, actor=actor, request=row, said="2025 年")
    assert desk.acts(made) == ["submitted", "questioned", "answered", "questioned", "answered"]
    with desk.archive.reading() as session:
        actor, row = desk.actor(session, "borrower"), session.scalars(select(AccessRequest)).one()
        with pytest.raises(Conflict):
            request_filing.answer(session, archive=desk.archive, actor=actor, request=row, said="?")


def test_nobody_but_the_approver_decides(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    for name in ("chief", "archivist", "auditor", "keeper"):
        with pytest.raises(Forbidden):
            desk.decide(made, ["*"], name)
    for name in ("stranger", "other", "elsewhere"):
        with pytest.raises(NotFound):
            desk.decide(made, ["*"], name)
    with pytest.raises(Forbidden):
        desk.decide(made, ["*"], "borrower")
    assert desk.state(made) == ("submitted", None)


def test_nobody_decides_on_her_own_request(desk: Desk) -> None:
    desk.person("both", "archive_chief", "bureau", ("borrower_internal", "bureau"))
    made = desk.file("both", requester="own_staff", records=[desk.record()], details={}, letter=None)
    with desk.archive.reading() as session:
        assert requests.waiting_for(session, desk.actor(session, "both"), desk.archive.profile) == []
    with pytest.raises(Forbidden, match="her own"):
        desk.decide(made, ["*"], "both")
    desk.decide(made, ["*"], "chief")
    assert desk.state(made) == ("approved", "whole")


def test_part_is_granted_and_what_is_above_the_asker_cannot_be(desk: Desk) -> None:
    plain, second, secret = desk.record(), desk.record(), desk.record(level="restricted")
    marked = desk.record(marks=("informant",))
    made = desk.file(records=[plain, second, secret, marked])
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest)).one()
        bars = {one.id: one.bar for one in meant(session, desk.archive, row)}
    assert bars == {plain: None, second: None, secret: "level", marked: "level"}
    with pytest.raises(Invalid, match="each record says why"):
        desk.decide(made, [plain, secret])
    with pytest.raises(Invalid):
        desk.decide(made, [plain], days=4)
    with pytest.raises(Invalid):
        desk.decide(made, [plain], form="copy")
    desk.decide(made, [plain], said="只提供申请书")
    assert desk.state(made) == ("approved", "part")
    with desk.archive.reading() as session:
        borrower = desk.actor(session, "borrower")
        assert get_record(session, borrower, plain, desk.archive.profile).id == plain
        for hidden in (second, secret, marked):
            with pytest.raises(NotFound):
                get_record(session, borrower, hidden, desk.archive.profile)
    with pytest.raises(Conflict):
        desk.decide(made, [second])


def test_ids_forged_into_a_decision_are_refused(desk: Desk) -> None:
    foreign = desk.record()
    made = desk.file(records=[desk.record()])
    with desk.archive.sessions.begin() as session:
        head = desk.actor(session, "head")
        row = requests.get(session, head, made, desk.archive.profile)
        with pytest.raises(NotFound):
            request_decisions.decide(
                session,
                archive=desk.archive,
                actor=head,
                request=row,
                decision=Decision(granted=frozenset({("record", foreign)})),
            )


def test_a_refusal_needs_a_reason_of_the_list(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    for reason in ("", "because"):
        with pytest.raises(Invalid):
            desk.decide(made, reason=reason)
    with pytest.raises(Invalid, match="Say why"):
        desk.decide(made, reason="other")
    desk.decide(made, reason="scope_too_wide", said="请缩小范围")
    assert desk.state(made) == ("refused", "refused")


def test_a_statutory_request_is_refused_for_faults_of_form_only(desk: Desk) -> None:
    details = {"case_reference": "云检〔2026〕3号", "officer_1": "甲 001", "officer_2": "乙 002"}
    secret = desk.record(level="restricted", marks=("informant",))
    made = desk.file(
        "prosecutor", requester="statutory", records=[secret], details=details, numbers="full", form="copy"
    )
    with pytest.raises(Invalid, match="formally right"):
        desk.decide(made, reason="other", said="不便")
    desk.decide(made, ["*"])
    assert desk.state(made) == ("approved", "whole")
    assert Permission.UNMASK in desk.grant(made).permissions
    assert Permission.RECORD_DOWNLOAD in desk.grant(made).permissions
    empty = desk.file("prosecutor", requester="statutory", records=[new_id()], details=details)
    desk.decide(empty, reason="other", said="未查到")
    assert desk.state(empty)[0] == "refused"


def test_a_household_sees_its_own_file_without_what_tells_of_others(desk: Desk) -> None:
    own, complaint, sheet = desk.record(), desk.record(), desk.record()
    with desk.archive.sessions.begin() as session:
        from repository.tables import Record

        session.scalars(select(Record).where(Record.id == complaint)).one().document_type = "CHK09"
    desk.household(own, complaint, sheet)
    desk.household(sheet, number=household_no("990101001001", 8))
    made = desk.file(
        "member", requester="household", household=HOUSEHOLD, details={"identity": "身份证、低保证"}, letter=None
    )
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest)).one()
        bars = {one.id: one.bar for one in meant(session, desk.archive, row) if one.kind == "record"}
    assert bars == {own: None, complaint: "redacted", sheet: "others"}
    with pytest.raises(Invalid, match="sighted"):
        desk.decide(made, [own], "chief")
    desk.decide(made, [own], "chief", sighted=frozenset({"id_card_sighted", "dibao_papers_sighted"}))
    assert desk.state(made) == ("approved", "part")


def test_a_household_asked_for_means_its_case_file_and_records(desk: Desk) -> None:
    first, second = desk.record(), desk.record()
    case = desk.household(first, second)
    made = desk.file(household=HOUSEHOLD)
    desk.decide(made, ["*"])
    with desk.archive.reading() as session:
        held = desk.actor(session, "borrower").grants
        assert [(one.record_ids, one.case_file_ids) for one in held] == [
            (frozenset({first, second}), frozenset({case}))
        ]


def test_a_search_means_what_its_keeper_names(desk: Desk) -> None:
    record, foreign = desk.record(), desk.record(division="990102001001")
    made = desk.file(words="王秀英 申请书")
    with desk.archive.sessions.begin() as session:
        for name in ("elsewhere", "borrower", "auditor"):
            actor = desk.actor(session, name)
            row = session.scalars(select(AccessRequest)).one()
            if name == "auditor":
                assert (
                    request_decisions.name_records(
                        session, archive=desk.archive, actor=actor, request=row, record_ids=[record]
                    )
                    == 0
                )
                continue
            with pytest.raises(Forbidden):
                request_decisions.name_records(
                    session, archive=desk.archive, actor=actor, request=row, record_ids=[record]
                )
        archivist = desk.actor(session, "archivist")
        row = requests.get(session, archivist, made, desk.archive.profile)
        named = [record, record, foreign, new_id(), "x"]
        assert (
            request_decisions.name_records(
                session, archive=desk.archive, actor=archivist, request=row, record_ids=named
            )
            == 1
        )
    assert desk.acts(made) == ["submitted", "named"]
    desk.decide(made, ["*"])
    assert desk.state(made) == ("approved", "whole")


def test_what_lies_elsewhere_is_not_put_before_this_approver(desk: Desk) -> None:
    here, there = desk.record(), desk.record(division="990102001001")
    made = desk.file(records=[here, desk.record(), there])
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == made)).one()
        assert there not in {one.subject_id for one in session.scalars(select(RequestSubject))}
        assert row.details["elsewhere"] == "1"
        with pytest.raises(NotFound):
            get_record(session, desk.actor(session, "head"), there, desk.archive.profile)
    desk.decide(made, ["*"])
    assert desk.state(made) == ("approved", "part")


def test_withdrawing(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    with desk.archive.sessions.begin() as session:
        row = session.scalars(select(AccessRequest)).one()
        with pytest.raises(NotFound):
            request_filing.withdraw(session, archive=desk.archive, actor=desk.actor(session, "other"), request=row)
        request_filing.withdraw(session, archive=desk.archive, actor=desk.actor(session, "borrower"), request=row)
    assert desk.state(made)[0] == "withdrawn"
    with pytest.raises(Conflict):
        desk.decide(made, ["*"])


def test_who_reads_a_request(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    profile = desk.archive.profile
    with desk.archive.reading() as session:
        for name in ("borrower", "head", "chief", "archivist", "keeper", "auditor"):
            assert requests.get(session, desk.actor(session, name), made, profile).id == made
        for name in ("other", "elsewhere", "stranger", "prosecutor", "staff"):
            for given in (made, "JY2026-000001", new_id()):
                with pytest.raises(NotFound) as caught:
                    requests.get(session, desk.actor(session, name), given, profile)
                assert caught.value.code == "request.not_found"
        assert [one.id for one in requests.about(session, desk.actor(session, "keeper"), profile)] == [made]
        assert requests.about(session, desk.actor(session, "elsewhere"), profile) == []
        assert requests.about(session, desk.actor(session, "borrower"), profile) == []


def test_a_page_that_is_out_of_date_changes_nothing(desk: Desk) -> None:
    desk.file(records=[desk.record()])
    with desk.archive.sessions.begin() as session:
        row = session.scalars(select(AccessRequest)).one()
        requests.unchanged(session, row, row.row_version)
        with pytest.raises(Conflict):
            requests.unchanged(session, row, row.row_version - 1)


def test_epochs_of_asker_and_approver_move(desk: Desk) -> None:
    record = desk.record()
    with desk.archive.reading() as session:
        before = {name: epoch(session, desk.ids[name]) for name in ("borrower", "head", "chief")}
    made = desk.file(records=[record])
    with desk.archive.reading() as session:
        after = {name: epoch(session, desk.ids[name]) for name in before}
    assert after["head"] > before["head"]
    assert after["chief"] == before["chief"]
    desk.decide(made, ["*"])
    with desk.archive.reading() as session:
        assert epoch(session, desk.ids["borrower"]) > after["borrower"]


def test_the_letter_is_kept_and_read_back(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    with desk.archive.reading() as session:
        row = session.scalars(select(AccessRequest).where(AccessRequest.id == made)).one()
        assert letters.read(session, desk.archive, row.letter_id or "") == LETTER
        with pytest.raises(NotFound):
            letters.read(session, desk.archive, new_id())


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "letter.empty"),
        (b"MZ\x90", "letter.wrong_kind"),
        (b"<svg onload=x>", "letter.wrong_kind"),
        (b"%PDF-" + bytes(letters.MOST_BYTES), "letter.too_large"),
    ],
)
def test_what_is_no_letter(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        letters.checked("信.pdf", data)
    assert caught.value.code == code


def test_a_letter_is_what_its_bytes_say() -> None:
    letter = letters.checked("C:\\dir\\11010519491231002X\n.exe", b"\xff\xd8\xff\xe0")
    assert (letter.media_type, letter.name) == ("image/jpeg", "110105********002X .exe")


def test_rules_as_values(desk: Desk) -> None:
    profile = desk.archive.profile
    wide = household_no("990101001001", 7).translate(str.maketrans("0123456789", "０１２３４５６７８９"))
    made = checked(asking(household=wide), ("borrower_external",), profile, with_letter=True)
    assert made.wanted == Wanted.of_json(made.wanted.as_json()) == Wanted("household", household_no=HOUSEHOLD)
    with pytest.raises(Conflict):
        next_state("refused", "approve")


def test_the_ledger_names_no_words(desk: Desk) -> None:
    made = desk.file(records=[desk.record()])
    desk.decide(made, ["*"], said="同意，请注意保密")
    with desk.archive.reading() as session:
        bodies = [json.loads(one) for one in session.scalars(select(LedgerEntry.body))]
    decided = next(one for one in bodies if one["act"] == "request.decided")
    assert decided["decision"] == "whole"
    assert decided["records"] == 1
    assert "同意" not in json.dumps(bodies, ensure_ascii=False)


def test_nobody_floods_the_desk(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_filing, "MOST_OPEN", 2)
    first = desk.file(words="一")
    desk.file(words="二")
    with pytest.raises(Conflict) as caught:
        desk.file(words="三")
    assert caught.value.code == "request.too_many_open"
    desk.file("other", words="三")
    desk.decide(first, reason="scope_too_wide")
    desk.file(words="三")
