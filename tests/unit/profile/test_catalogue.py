"""The profile against lists typed by hand: nothing lost, nothing added, every rule as the schedule has it."""

from __future__ import annotations

import pytest

from metadata.profile import builtin
from metadata.rights import Permission

PROFILE = builtin("social_assistance")

DOCUMENTS = {  # code: organ, stage, event, required, level
    "APP01": "VC apply application_submitted always household",
    "APP02": "TS apply application_submitted always household",
    "APP03": "TS apply authorisation_given always household",
    "APP04": "VC apply application_submitted always household",
    "APP05": "VC apply application_submitted always household",
    "APP06": "VC apply application_submitted if household",
    "APP07": "TS apply application_submitted if household",
    "APP08": "TS apply application_submitted if household",
    "APP09": "TS apply application_submitted if household",
    "APP10": "TS apply application_submitted if household",
    "APP11": "VC apply application_submitted if household",
    "APP12": "TS apply application_accepted always household",
    "APP13": "TS apply supplement_requested if household",
    "APP14": "TS apply application_submitted if household",
    "APP15": "TS apply application_accepted if household",
    "CHK01": "TS check application_submitted always household",
    "CHK02": "TS check application_submitted always household",
    "CHK03": "CK check economic_check_returned always household",
    "CHK04": "OD check economic_check_returned if household",
    "CHK05": "OD check economic_check_returned if household",
    "CHK06": "OD check economic_check_returned if household",
    "CHK07": "TS check home_visit_done always household",
    "CHK08": "TS check home_visit_done optional household",
    "CHK09": "TS check home_visit_done optional household",
    "CHK10": "CB check home_visit_done optional household",
    "CHK11": "TS check economic_check_returned optional household",
    "CHK12": "TS check home_visit_done if household",
    "REV01": "TS review township_reviewed always household",
    "REV02": "VC review assessment_held if household",
    "REV03": "VC review publicity_started always household",
    "REV04": "TS review objection_raised if household",
    "CON01": "CB confirm confirmed always household",
    "CON02": "CB confirm confirmed always household",
    "CON03": "CB confirm rejected if household",
    "CON04": "CB confirm confirmed optional household",
    "CON05": "TS confirm confirmed optional household",
    "CON06": "TS pay confirmed always household",
    "DYN01": "TS dynamic reverification_due always household",
    "DYN02": "CB dynamic reverification_due if household",
    "DYN03": "TS dynamic change_reported if household",
    "DYN04": "VC dynamic member_changed if household",
    "DYN05": "CB dynamic benefit_increased if household",
    "DYN06": "CB dynamic benefit_reduced if household",
    "DYN07": "CB dynamic benefit_reduced if household",
    "DYN08": "TS dynamic reverification_due optional household",
    "DYN09": "VC dynamic change_reported optional household",
    "DYN10": "CB dynamic case_transferred if household",
    "STP01": "CB stop benefit_stopped always household",
    "STP02": "CB stop benefit_stopped always household",
    "STP03": "TS stop benefit_stopped optional household",
    "STP04": "CB stop benefit_stopped if household",
    "REG01": "VC apply period_closed always volume",
    "REG02": "VC dynamic complaint_received always volume",
    "REG03": "CB dynamic period_closed always volume",
    "REG04": "CB pay payment_made always volume",
    "REG05": "TS pay payment_made if volume",
    "REG06": "CB dynamic spot_check_done always volume",
    "REG07": "CB dynamic period_closed always volume",
    "REG08": "CB dynamic period_closed always volume",
    "REG09": "CB custody period_closed always volume",
    "REG10": "CB custody borrowed always volume",
    "REG11": "VC dynamic publicity_started always volume",
    "REG12": "TS dynamic complaint_received optional volume",
    "DSP01": "CB dispose appraised always volume",
    "DSP02": "CB dispose destroyed always volume",
    "DSP03": "CB dispose destroyed always volume",
    "ADM01": "CB custody period_closed optional volume",
    "ADM02": "CB custody period_closed optional volume",
    "STA01": "CB dynamic period_closed always volume",
    "KUA01": "CB pay period_closed optional volume",
    "KUA02": "CB pay period_closed optional volume",
    "KUA03": "CB pay period_closed optional volume",
    "KUA04": "CB pay period_closed optional volume",
    "LOG01": "CB custody period_closed always volume",
    "PRE01": "CB custody period_closed always volume",
}
OTHER_PROGRAMMES = {"TK": 3, "LS": 3, "YL": 2, "ZH": 3, "BY": 1, "GX": 2}
RULES = {  # id: applies to, trigger, years, floor, code, afterwards, how far verified
    "R01": "household benefit_stopped 5 3 D10 appraise floor_verified",
    "R02": "rejected decision_final 5 3 D10 appraise unverified",
    "R03": "REG01+REG02+REG06+REG08+REG11+REG12+DYN05+DYN06+DYN07+STP01+STP02+STP03 year_end 10 5 D10 appraise floor_verified",
    "R04": "REG03 year_end 30 5 D30 appraise unverified",
    "R05": "REG07 year_end None None Y transfer verified_local",
    "R06": "STA01 year_end 10 5 D10 destroy_on_approval verified_local",
    "R07": "REG04+REG05+KUA01 year_end 30 30 D30 appraise from_memory",
    "R08": "KUA02 year_end 30 30 D30 appraise from_memory",
    "R09": "KUA03 year_end 10 10 D10 destroy_on_approval from_memory",
    "R10": "KUA04 year_end None None Y transfer from_memory",
    "R11": "ADM01 year_end None None Y transfer from_memory",
    "R12": "ADM02 year_end 30 10 D30 appraise from_memory",
    "R13": "REG10+REG09 year_end 30 10 D30 appraise unverified",
    "R14": "DSP01+DSP02+DSP03 year_end None None Y never verified_secondary",
    "R15": "LOG01 year_end 30 3 D30 never_before_records from_memory",
    "R16": "PRE01 case_closed None None Y never design",
}
EVENTS = [
    "application_submitted",
    "application_accepted",
    "supplement_requested",
    "authorisation_given",
    "economic_check_requested",
    "economic_check_returned",
    "home_visit_done",
    "township_reviewed",
    "publicity_started",
    "objection_raised",
    "assessment_held",
    "confirmed",
    "rejected",
    "payment_made",
    "reverification_due",
    "change_reported",
    "benefit_increased",
    "benefit_reduced",
    "benefit_stopped",
    "case_transferred",
    "member_changed",
    "spot_check_done",
    "complaint_received",
    "borrowed",
    "appraised",
    "destroyed",
    "period_closed",
]
CONTENT = {
    Permission.RECORD_LIST,
    Permission.RECORD_READ,
    Permission.RECORD_DOWNLOAD,
    Permission.CASE_READ,
    Permission.UNMASK,
    Permission.SEARCH,
}
READERS = {  # role: what of the content its own roles permit without a grant
    "clerk_village": "case.read search",
    "clerk_township": "case.read record.list record.read search unmask",
    "reviewer_township": "case.read record.list record.read search unmask",
    "approver_county": "case.read record.list record.read search unmask",
    "archivist": "case.read record.list record.read record.download search unmask",
    "archivist_township": "case.read record.list record.read record.download search unmask",
    "archive_chief": "case.read record.list record.read record.download search unmask",
    "supervisor": "case.read",
}
LEVELS = {
    "clerk_village": "VC",
    "clerk_township": "TS",
    "reviewer_township": "TS",
    "approver_county": "CB",
    "archivist": "CB",
    "archivist_township": "TS",
    "archive_chief": "CB",
    "bureau_head": "CB",
    "preservation_officer": "CB",
    "borrower_internal": "CB",
    "borrower_external": "OD",
    "statutory_user": "JU",
    "household_member": "HH",
    "supervisor": "PF",
    "inspector_archives": "AA",
    "statistician": "CB",
    "sys_admin": "CB",
    "sec_admin": "CB",
    "audit_admin": "CB",
}


def test_every_document_type_is_as_the_catalogue_has_it() -> None:
    found = {
        code: f"{one.organ} {one.stage} {one.event} {one.required} {one.level}"
        for code, one in PROFILE.document_types.items()
    }
    assert {code: words for code, words in found.items() if code in DOCUMENTS} == DOCUMENTS
    further = {code for code in found if code not in DOCUMENTS}
    assert {name: sum(code.startswith(name) for code in further) for name in OTHER_PROGRAMMES} == OTHER_PROGRAMMES
    assert len(further) == sum(OTHER_PROGRAMMES.values())
    assert all(PROFILE.document_types[code].programmes == (code[:2],) for code in further)
    assert list(PROFILE.events) == EVENTS
    assert list(PROFILE.stages) == [
        "apply",
        "check",
        "review",
        "confirm",
        "pay",
        "dynamic",
        "stop",
        "custody",
        "dispose",
    ]


def test_every_retention_rule_is_as_the_schedule_has_it() -> None:
    found = {}
    for one in PROFILE.retention_rules:
        covers = one.applies_to if isinstance(one.applies_to, str) else "+".join(one.applies_to)
        found[one.id] = (
            f"{covers} {one.trigger} {one.years} {one.floor_years} {one.code} {one.after} {one.provenance.status}"
        )
    assert found == RULES
    assert {one.id for one in PROFILE.retention_rules if one.programme} == {"R01", "R02"}
    assert all(one.years is None or one.years >= (one.floor_years or 0) for one in PROFILE.retention_rules)


def test_every_role_reads_what_the_matrix_grants() -> None:
    assert {code: one.level for code, one in PROFILE.roles.items()} == LEVELS
    found = {
        code: " ".join(sorted(one.value for one in role.permissions & CONTENT)) for code, role in PROFILE.roles.items()
    }
    assert {code: held for code, held in found.items() if held} == {
        code: " ".join(sorted(words.split())) for code, words in READERS.items()
    }
    assert not any(set(one.own) & set(CONTENT) for one in PROFILE.roles.values())
    assert {code for code, one in PROFILE.roles.items() if Permission.ACCEPT in one.permissions} == {
        "archivist",
        "archivist_township",
        "archive_chief",
    }
    assert {code for code, one in PROFILE.roles.items() if Permission.LEDGER_READ in one.permissions} == {
        "inspector_archives",
        "sec_admin",
        "audit_admin",
    }
    assert {code for code, one in PROFILE.roles.items() if Permission.REPAIR in one.permissions} == {
        "preservation_officer"
    }


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sys_admin", "sec_admin"),
        ("sys_admin", "audit_admin"),
        ("sec_admin", "audit_admin"),
        ("clerk_township", "approver_county"),
        ("archivist", "audit_admin"),
    ],
)
def test_one_person_may_not_hold_both(one: str, other: str) -> None:
    assert frozenset((one, other)) in PROFILE.incompatible_roles


def test_the_system_administrator_reads_content_by_no_role_at_all() -> None:
    for code, role in PROFILE.roles.items():
        if (role.permissions | role.own | role.on_grant) & CONTENT:
            assert frozenset(("sys_admin", code)) in PROFILE.incompatible_roles, code
