"""The fictional county's borrowing desk: who asks, who decides, one request that waits and one that was granted."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from access import request_decisions, request_filing
from access.accounts import create_account
from access.actors import Actor, actor_of
from access.letters import checked
from access.organs import create_organ
from access.request_decisions import Decision, meant
from access.request_rules import Asking, Wanted
from lantai.sample.county import BUREAU_CODE, COUNTY_NAME, VILLAGES
from lantai.sample.office import pdf
from lantai.sample.pictures import Sheet
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import AccessRequest, Account, CaseFile, Household, Record

INSURANCE_CODE = "medical-insurance"
INSURANCE = f"{COUNTY_NAME}医疗保障局"
_VILLAGE = VILLAGES[0]
PEOPLE = (
    ("borrower", "外部门借阅人 孙莉（合成）", "borrower_external", INSURANCE_CODE),
    ("head", "分管局领导 何平（合成）", "bureau_head", BUREAU_CODE),
    ("chief", "档案负责人 梁慧（合成）", "archive_chief", BUREAU_CODE),
    ("auditor", "安全审计员 丁宁（合成）", "audit_admin", BUREAU_CODE),
    ("security", "安全保密管理员 卢强（合成）", "sec_admin", BUREAU_CODE),
    ("village", "村经办人 石磊（合成）", "clerk_village", _VILLAGE.code),
)
"""User name, name as shown, role, organ: besides those who keep the archive."""

_GRANTED = 2


def enter_people(session: Session, *, archive: Archive, actor: Actor, password: str) -> None:
    """The organs and accounts of ``PEOPLE``; townships must be there."""
    create_organ(
        session,
        archive=archive,
        actor=actor,
        code=INSURANCE_CODE,
        name_zh=f"{INSURANCE}（合成）",
        name_en="Medical insurance bureau (synthetic)",
        level="OD",
        division_prefix="",
    )
    create_organ(
        session,
        archive=archive,
        actor=actor,
        code=_VILLAGE.code,
        name_zh=f"{_VILLAGE.name}村民委员会（合成）",
        level="VC",
        division_prefix=_VILLAGE.code,
        parent_code=_VILLAGE.township.code,
    )
    for username, name, role, organ in PEOPLE:
        create_account(
            session,
            archive=archive,
            actor=actor,
            username=username,
            display_name=name,
            organ_code=organ,
            password=password,
            roles=[(role, organ)],
        )


def enter_requests(session: Session, archive: Archive) -> None:
    """A request for the first household, of which two papers were granted, and one for the second that waits."""
    borrower, head = _person(session, archive, "borrower"), _person(session, archive, "head")
    numbers = list(
        session.scalars(
            select(Household.household_no)
            .join(CaseFile, CaseFile.household_id == Household.id)
            .order_by(CaseFile.seq)
            .limit(2)
        )
    )
    filed = [_filed(session, archive, borrower, number) for number in numbers]
    if not filed:
        return
    can = [one.id for one in meant(session, archive, filed[0]) if one.bar is None and one.kind == "record"]
    wanted = select(Record.id).where(Record.id.in_(can)).order_by(Record.seq).limit(_GRANTED)
    chosen = [("record", one) for one in session.scalars(wanted)]
    if chosen:
        request_decisions.decide(
            session,
            archive=archive,
            actor=head,
            request=filed[0],
            decision=Decision(granted=frozenset(chosen), said="只提供与核查有关的两件。"),
        )


def _person(session: Session, archive: Archive, username: str) -> Actor:
    now = archive.clock.now()
    account = session.scalars(select(Account).where(Account.username == username)).one()
    return actor_of(session, account, archive.profile, local_date(now, archive.zone), now)


def _filed(session: Session, archive: Archive, borrower: Actor, number: str) -> AccessRequest:
    today = local_date(archive.clock.now(), archive.zone)
    sheet = Sheet(
        title="关于协助核查救助信息的函",
        fields=(("文号", f"云医保函〔{today.year}〕7号"), ("户编号", number)),
        paragraphs=("因医疗救助待遇核查需要，请协助提供该户最低生活保障相关档案。",),
        signed=INSURANCE,
        on=today,
    )
    return request_filing.file(
        session,
        archive=archive,
        actor=borrower,
        asking=Asking(
            requester="other_department",
            wanted=Wanted("household", household_no=number),
            purpose="inter_agency_verification",
            purpose_text="核查医疗救助待遇，需要核对低保审批结果。",
            numbers="full",
            days=3,
            details={"legal_basis": "《社会救助暂行办法》有关信息核对的规定（样例）"},
        ),
        letter=checked("公函（合成）.pdf", pdf(sheet)),
    )
