"""Households, their members and what happened to them: made up, valid in form, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from lantai.sample.county import COUNTY, VILLAGES, Village, chance
from metadata.household import household_no
from metadata.idcard import check_digit

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤"
_RARE_SURNAMES = ("欧阳", "司徒", "上官")
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英兰凤华建国玉珍春梅红淑德福贵树林海生宝山云志文学礼义庆祥永昌"
_ILLNESSES = (
    "尿毒症，每周透析三次",
    "脑梗死后遗症，左侧肢体偏瘫",
    "肺癌术后化疗",
    "类风湿关节炎",
    "股骨头坏死",
    "慢性阻塞性肺疾病",
)
_DISABILITIES = ("肢体二级", "视力一级", "精神二级", "智力二级")
LAST_DAY = date(2025, 12, 31)

_COMMON = frozenset({"financial_assets_queried", "real_estate_or_vehicles_queried"})
# What is true of the household, by its place among twelve, so that twelve households show every course a case can take.
_COURSES: tuple[frozenset[str], ...] = tuple(
    frozenset(course.split()) | _COMMON
    for course in (
        "member_married serious_illness_claimed legal_supporters_exist increased",
        "member_divorced member_with_disability reduced",
        "adult_member_in_full_time_study serious_illness_claimed stopped",
        "residence_differs_from_registration material_incomplete birth_reported",
        "applied_by_another_person member_with_disability death_reported stopped",
        "material_incomplete not_accepted",
        "relative_of_handling_staff legal_supporters_exist member_married",
        "objection assessment_required_locally member_married increased",
        "application_rejected member_married",
        "undue_payment_found member_divorced stopped",
        "household_moved_away migration_reported member_married",
        "bureau_reverifies relative_of_committee_member member_married serious_illness_claimed",
    )
)
# Households whose papers are written in traditional characters, by the same places.
_TRADITIONAL = frozenset({1, 4, 10})


@dataclass(frozen=True, slots=True)
class Person:
    """A member of a household."""

    name: str
    relation: str
    sex: str
    born: date
    id_number: str


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """Something that happened in a case, by its code in the profile."""

    event: str
    on: date
    note: str = ""


@dataclass(frozen=True, slots=True)
class Household:
    """A household with its case: ``facts`` are those of the profile, ``amount`` is yuan a month at confirmation."""

    index: int
    number: str
    village: Village
    address: str
    phone: str
    account: str
    members: tuple[Person, ...]
    facts: frozenset[str]
    events: tuple[CaseEvent, ...]
    traditional: bool
    amount: int
    amount_later: int
    income: int
    illness: str
    disability: str

    @property
    def applicant(self) -> Person:
        """The member who applied."""
        return self.members[0]

    @property
    def opened_on(self) -> date:
        """The day of the application."""
        return self.events[0].on

    @property
    def confirmed_on(self) -> date | None:
        """The day of confirmation; none for a case that came to nothing."""
        return self.day_of("confirmed")

    def day_of(self, event: str) -> date | None:
        """The first day on which ``event`` happened."""
        return next((one.on for one in self.events if one.event == event), None)

    def receives_in(self, year: int) -> bool:
        """Whether anything was paid in ``year``."""
        begun, ended = self.confirmed_on, self.day_of("benefit_stopped") or self.day_of("case_transferred")
        return begun is not None and begun.year <= year and (ended is None or ended.year >= year)


def household(seed: int, index: int) -> Household:
    """The ``index``-th household (from 0) of the county that ``seed`` makes."""
    rng = chance(seed, "household", index)
    village = VILLAGES[index % len(VILLAGES)]
    course = _COURSES[index % len(_COURSES)]
    opened = date(2020, 1, 1) + timedelta(days=rng.randrange(1400))
    members = _members(rng, course, opened)
    able = any(18 <= (opened - one.born).days // 365 < 60 for one in members)
    facts = course | ({"member_able_to_work"} if able else set())
    amount = rng.randrange(38, 72) * 10 * len(members)
    change = rng.randrange(5, 20) * 10
    return Household(
        index=index,
        number=household_no(village.code, index // len(VILLAGES) + 1),
        village=village,
        address=f"{village.township.name}{village.name}{rng.randrange(1, 9)}组{rng.randrange(1, 120)}号",
        phone=f"100{rng.randrange(10**8):08d}",
        account=f"9999{rng.randrange(10**15):015d}",
        members=members,
        facts=facts,
        events=_events(rng, course, opened),
        traditional=index % len(_COURSES) in _TRADITIONAL,
        amount=amount,
        amount_later=amount + (change if "increased" in course else -change),
        income=rng.randrange(120, 460) * len(members),
        illness=rng.choice(_ILLNESSES),
        disability=rng.choice(_DISABILITIES),
    )


def _members(rng: Random, course: frozenset[str], opened: date) -> tuple[Person, ...]:
    surname = rng.choice(_RARE_SURNAMES) if rng.random() < 0.04 else rng.choice(_SURNAMES)
    elderly = "applied_by_another_person" in course
    applicant = _person(
        rng, surname, "本人", rng.choice("男女"), opened.year - rng.randrange(*((70, 88) if elderly else (35, 66)))
    )
    members = [applicant]
    if "member_married" in course:
        sex = "女" if applicant.sex == "男" else "男"
        members.append(_person(rng, rng.choice(_SURNAMES), "配偶", sex, applicant.born.year + rng.randrange(-4, 5)))
    if "adult_member_in_full_time_study" in course:
        members.append(_person(rng, surname, "子女", rng.choice("男女"), opened.year - 19))
    if not elderly and rng.random() < 0.7:
        members.append(_person(rng, surname, "子女", rng.choice("男女"), opened.year - rng.randrange(4, 17)))
    return tuple(members)


def _person(rng: Random, surname: str, relation: str, sex: str, year: int) -> Person:
    given = "".join(rng.choice(_GIVEN) for _ in range(rng.choice((1, 2, 2))))
    born = date(year, 1, 1) + timedelta(days=rng.randrange(365))
    sequence = rng.randrange(500) * 2 + (sex == "男")
    first17 = f"{COUNTY}{born:%Y%m%d}{sequence:03d}"
    return Person(surname + given, relation, sex, born, first17 + check_digit(first17))


def _events(rng: Random, course: frozenset[str], opened: date) -> tuple[CaseEvent, ...]:
    events: list[CaseEvent] = []

    def happens(event: str, days: int, note: str = "") -> date:
        on = opened + timedelta(days=days)
        events.append(CaseEvent(event, on, note))
        return on

    happens("application_submitted", 0)
    if "material_incomplete" in course:
        happens("supplement_requested", 2, "缺收入证明")
    if "not_accepted" in course:
        return tuple(events)
    happens("authorisation_given", 0)
    happens("application_accepted", 5)
    happens("economic_check_requested", 6)
    happens("economic_check_returned", 16 + rng.randrange(5))
    happens("home_visit_done", 10 + rng.randrange(6))
    happens("township_reviewed", 24)
    happens("publicity_started", 25)
    if "objection" in course:
        happens("objection_raised", 28, "公示期内收到异议一件")
    if "objection" in course or "assessment_required_locally" in course:
        happens("assessment_held", 31)
    if "application_rejected" in course:
        happens("rejected", 40, "家庭财产超过规定")
        return tuple(sorted(events, key=lambda one: one.on))
    confirmed = happens("confirmed", 40)
    happens("payment_made", 60)
    _later_events(rng, course, events, confirmed)
    return tuple(sorted(events, key=lambda one: one.on))


def _later_events(rng: Random, course: frozenset[str], events: list[CaseEvent], confirmed: date) -> None:
    review = confirmed + timedelta(days=360)
    events.append(CaseEvent("reverification_due", review))
    changed = review + timedelta(days=20 + rng.randrange(60))
    if course & {"increased", "reduced"}:
        events.append(CaseEvent("change_reported", changed, "家庭收入发生变化"))
        kind = "benefit_increased" if "increased" in course else "benefit_reduced"
        events.append(CaseEvent(kind, changed + timedelta(days=25)))
    if course & {"birth_reported", "death_reported", "migration_reported"}:
        events.append(CaseEvent("member_changed", changed))
    if "household_moved_away" in course:
        events.append(CaseEvent("case_transferred", changed + timedelta(days=30)))
    elif "stopped" in course:
        reason = "受助人死亡" if "death_reported" in course else "家庭收入超过低保标准"
        events.append(CaseEvent("benefit_stopped", changed + timedelta(days=40), reason))
    elif (second := review + timedelta(days=365)) <= LAST_DAY:
        events.append(CaseEvent("reverification_due", second))
