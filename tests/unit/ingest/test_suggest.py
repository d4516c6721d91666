"""Guesses about papers: right often enough, unsure where they must be, and never a word about hidden households."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from access.accounts import create_account
from access.actors import Actor, actor_of
from access.organs import create_organ
from ingest.context import Context
from ingest.limits import IngestLimits
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from ingest.suggest import days, numbers, sureness, types
from lantai.sample import write_sample
from metadata import dates, recognition
from metadata.errors import Invalid
from metadata.household import household_no
from metadata.idcard import check_digit
from metadata.profile import builtin
from repository import cases
from repository.archive import Archive
from repository.tables import Account, Organ, RecordPlan, SubmissionFile

PROFILE = builtin("social_assistance")
WORDS = recognition.of(PROFILE)
TODAY = date(2026, 1, 5)
NUMBER, OTHER = household_no("990101001001", 7), household_no("990101002001", 8)
ID_NUMBER = "99010119600101001" + check_digit("99010119600101001")


def _names() -> tuple[tuple[str, str | None], ...]:
    spec = importlib.util.spec_from_file_location("paper_names", Path(__file__).with_name("paper_names.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.NAMES  # type: ignore[no-any-return]


# -- words and days ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("APP01:", "APP99:"), "types.APP99"),
        (("profile: social_assistance", "profile: other"), "profile"),
        (("[身份证复印件,", "[承诺书, 身份证复印件,"), "types.APP04.names[0]"),
        (("words: [户籍, 户口]", "wrods: [户籍]"), "types.APP05.wrods"),
    ],
)
def test_a_fault_in_the_words_is_named_with_its_place(change: tuple[str, str], key: str) -> None:
    folder = Path(recognition.__file__).parent
    text = (folder / "social_assistance.yaml").read_text(encoding="utf-8")
    assert change[0] in text
    with pytest.raises(Invalid) as caught:
        recognition.load(text.replace(*change, 1).encode(), "social_assistance.yaml", PROFILE)
    assert caught.value.params["key"] == key
    assert caught.value.params["line"] > 1


@pytest.mark.parametrize(
    "text",
    ["2024年3月5日", "二〇二四年三月五日", "二○二四年三月五日", "2024-03-05", "2024/3/5", "20240305", "民国113年3月5日", "民國一百一十三年三月五日", "２０２４年０３月０５日", "2024 年 3 月 5 日"],
)  # fmt: skip
def test_days_in_every_usual_spelling(text: str) -> None:
    assert dates.read(text) == date(2024, 3, 5)
    assert [one.day for one in dates.find(f"于{text}签字")] == [date(2024, 3, 5)]


@pytest.mark.parametrize("text", ["2024年13月5日", "2024-02-30", "2024年3月", "99010119600101001X", "3.14.15", ""])
def test_what_is_no_day(text: str) -> None:
    assert dates.read(text) is None
    assert list(dates.find(text)) == []


def _day(text: str = "", *, names: tuple[str, ...] = (), **more: Any) -> dict[str, Any] | None:
    given: dict[str, Any] = {"pages": 1, "taken": None, "modified_ns": None, **more}
    return days.proposed(names=names, text=text, today=TODAY, zone="Asia/Shanghai", words=WORDS, **given)


def test_the_day_of_a_paper_is_the_one_it_was_signed_on() -> None:
    text = "姓名：张三 出生：1960年3月1日 有效期限：2030年1月1日\n兹证明……自2021年1月1日起居住。\n青石镇人民政府\n2024年3月5日"
    found = _day(text)
    assert found is not None
    assert (found["value"], found["basis"]) == ("2024-03-05", ["text"])
    labelled = _day("申請日期：民國113年3月5日。2023年1月1日至2023年12月31日……" + "略" * 300)
    assert labelled is not None
    assert labelled["value"] == "2024-03-05"
    assert labelled["confidence"] >= 0.8


def test_a_day_that_has_not_come_is_never_proposed() -> None:
    assert _day("调查日期：2026年1月6日") is None
    found = _day("调查日期：2026年1月6日", names=("入户20251230",))
    assert found is not None
    assert found["value"] == "2025-12-30"
    assert _day(modified_ns=1_700_000_000_000_000_000) == {
        "value": "2023-11-15",
        "confidence": 0.2,
        "basis": ["file_time"],
    }


# -- types ---------------------------------------------------------------------------------------------------------


def _guess(name: str = "", text: str = "") -> dict[str, Any] | None:
    recogniser, evidence = types.Recogniser(PROFILE, WORDS), types.Evidence()
    if name:
        recogniser.by_name(name, "name", evidence)
    if text:
        recogniser.by_text(text, evidence)
    return types.guess(evidence)


def test_names_as_clerks_give_them() -> None:
    counted: Counter[str] = Counter()
    for name, code in _names():
        found = _guess(name)
        right = (found["value"] if found else None) == code
        counted["right"] += right
        if found and found["confidence"] >= types.VERY_LIKELY:
            counted["sure"] += 1
            counted["sure_wrong"] += not right
    assert counted["right"] >= 0.9 * len(_names())
    assert counted["sure"] >= 0.7 * len(_names())
    assert counted["sure_wrong"] <= 0.01 * counted["sure"]


def test_a_longer_name_goes_before_the_shorter_inside_it() -> None:
    for name, code in (
        ("停发送达回证", "STP03"),
        ("送达回证", "CON05"),
        ("不予受理通知书", "APP14"),
        ("受理通知书", "APP12"),
    ):
        found = _guess(name)
        assert found is not None
        assert found["value"] == code


def test_grounds_that_differ_make_it_unsure() -> None:
    for name, text in (("身份证户口本", ""), ("入户调查表", "收入证明\n兹证明……"), ("APP01", "停发通知书\n张三：……")):
        found = _guess(name, text)
        assert found is not None
        assert sureness(found["confidence"]) != "very_likely"
        assert found["others"] or not text
    agreed = _guess("入户调查", "入 户 调 查 表\n调查人员二人……")
    assert agreed is not None
    assert (agreed["value"], sureness(agreed["confidence"])) == ("CHK07", "very_likely")
    assert agreed["basis"] == ["name", "text"]


def test_a_paper_that_only_mentions_another_is_not_that_other() -> None:
    text = "会议应到代表十一人。" + "代表发言摘要略。" * 8 + "会上宣读了最低生活保障申请书和收入证明。"
    found = _guess("", text)
    assert found is None or found["confidence"] < types.VERY_LIKELY


def test_neighbours_help_where_a_paper_says_nothing() -> None:
    sure = {"value": "CHK08", "confidence": 0.95, "basis": ["name"], "others": []}
    order = {code: kind.order for code, kind in PROFILE.document_types.items()}
    assert list(types.by_neighbours(order, [sure, None, sure], ["a", "a", "a"])) == [
        (1, {"value": "CHK08", "confidence": 0.5, "basis": ["neighbours"], "others": []})
    ]
    assert list(types.by_neighbours(order, [sure, None, sure], ["a", "b", "a"])) == []
    assert list(types.by_neighbours(order, [sure, None, {**sure, "confidence": 0.5}], ["a", "a", "a"])) == []


@pytest.fixture
def context(archive: Archive) -> Iterator[Context]:
    """Every check, since guesses live on what the checks read."""
    made = Context.open(archive, IngestLimits(), processes=1)
    yield made
    made.close()


# -- through the pipeline ------------------------------------------------------------------------------------------


def _plans(archive: Archive, submission_id: str) -> dict[str, dict[str, Any]]:
    with archive.reading() as session:
        rows = session.execute(
            select(SubmissionFile.path, RecordPlan.suggested)
            .join(RecordPlan, RecordPlan.record_id == SubmissionFile.record_id)
            .where(SubmissionFile.submission_id == submission_id)
            .order_by(SubmissionFile.position)
        )
        return {path: suggested or {} for path, suggested in rows}


def _deposit(archive: Archive, context: Context, actor: Actor, folder: Path, **options: Any) -> str:
    with archive.sessions.begin() as session:
        made = open_submission(
            session, archive=archive, actor=actor, organ_id=None, title="t", channel="console", options=options
        )
    receive_path(archive, made.id, [folder])
    assert advance(context, made.id) == "waiting"
    return made.id


def _households(archive: Archive) -> None:
    with archive.sessions.begin() as session:
        organ = session.scalars(select(Organ)).first()
        assert organ is not None
        for number, name in ((NUMBER, "张三"), (OTHER, "欧阳雪")):
            one = cases.household(
                session,
                archive=archive,
                household_no=number,
                division_code=number[:12],
                applicant_name=name,
                applicant_id=ID_NUMBER if number == OTHER else None,
            )
            cases.case_file(session, archive=archive, household=one, programme="DB", organ_id=organ.id)


def _clerk(archive: Archive, actor: Actor, division: str) -> Actor:
    common: dict[str, Any] = {"archive": archive, "actor": actor}
    with archive.sessions.begin() as session:
        create_organ(
            session=session, **common, code=division, name_zh="镇", name_en="town", level="TS", division_prefix=division, parent_code="BUREAU"
        )  # fmt: skip
        create_account(
            session=session, **common, username=f"c{division}", display_name="合成", organ_code=division,
            password="vier-wörter-für-den-test", roles=[("clerk_township", division)],
        )  # fmt: skip
    with archive.reading() as session:
        account = session.scalars(select(Account).where(Account.username == f"c{division}")).one()
        return actor_of(session, account, archive.profile, TODAY)


def test_papers_in_folders_of_a_household(archive: Archive, context: Context, actor: Actor, tmp_path: Path) -> None:
    _households(archive)
    folder = tmp_path / "d"
    for path, text in (
        (f"{NUMBER}/01 申请书.txt", "最低生活保障申请书\n本人张三……\n2024年3月5日"),
        (f"{NUMBER}/入户调查表/IMG_1.txt", "看不清"),
        ("欧阳雪/身份证.txt", "x"),
        ("杂/说明.txt", f"公民身份号码 {ID_NUMBER}，情况说明"),
        ("杂/无.txt", "什么也没有"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
        os.utime(folder / path, (1_767_571_200, 1_767_571_200))
    found = _plans(archive, _deposit(archive, context, actor, folder))
    application = found[f"{NUMBER}/01 申请书.txt"]
    assert (application["document_type"]["value"], application["date"]["value"]) == ("APP01", "2024-03-05")
    assert application["title"]["value"] == "最低生活保障申请书（2024-03-05）"
    assert (application["household_no"]["value"], application["household_no"]["programme"]) == (NUMBER, "DB")
    assert found[f"{NUMBER}/入户调查表/IMG_1.txt"]["document_type"]["basis"] == ["folder"]
    assert found["欧阳雪/身份证.txt"]["household_no"]["value"] == OTHER
    assert found["杂/说明.txt"]["household_no"] == {
        "value": OTHER, "confidence": 0.92, "basis": ["id_number"], "programme": "DB"
    }  # fmt: skip
    assert "document_type" not in found["杂/无.txt"]
    assert "household_no" not in found["杂/无.txt"]
    assert ID_NUMBER not in json.dumps(found)


def test_households_that_the_depositor_may_not_see_are_not_offered(
    archive: Archive, context: Context, actor: Actor, tmp_path: Path
) -> None:
    _households(archive)
    clerk = _clerk(archive, actor, "990101001")
    unheard = household_no("990101002001", 99)
    folder = tmp_path / "d"
    for path, text in (
        ("欧阳雪/a.txt", "x"),
        ("张三/b.txt", "y"),
        ("c.txt", f"身份证 {ID_NUMBER}"),
        (f"{OTHER}/d.txt", "z"),
        (f"{unheard}/e.txt", "w"),
    ):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    found = _plans(archive, _deposit(archive, context, clerk, folder))
    assert "household_no" not in found["欧阳雪/a.txt"]
    assert "household_no" not in found["c.txt"]
    assert found["张三/b.txt"]["household_no"]["value"] == NUMBER
    hidden, none = found[f"{OTHER}/d.txt"]["household_no"], found[f"{unheard}/e.txt"]["household_no"]
    assert {**hidden, "value": ""} == {**none, "value": ""}  # hidden and not there look alike


def test_what_the_depositor_said_is_not_guessed_again(
    archive: Archive, context: Context, actor: Actor, tmp_path: Path
) -> None:
    folder = tmp_path / "d"
    folder.mkdir()
    (folder / "申请书.txt").write_text("最低生活保障申请书")
    options = {"document_type": "APP02", "household_no": NUMBER, "programme": "DB"}
    (found,) = _plans(archive, _deposit(archive, context, actor, folder, **options)).values()
    assert not {"document_type", "household_no", "title"} & found.keys()


def test_two_households_in_one_paper_offer_none() -> None:
    known = numbers.Known()
    clues = numbers.Clues(in_text={NUMBER, OTHER})
    assert numbers.household(clues, known) is None
    clues = numbers.Clues(in_path={NUMBER}, in_text={OTHER})
    found = numbers.household(clues, known)
    assert found is not None
    assert found["confidence"] < types.LIKELY


# -- measured ------------------------------------------------------------------------------------------------------


def _renamed(path: str, mode: str, number: int, place: int) -> str:
    if mode == "without codes":
        return re.sub(r"(?<=/)(\d\d_)?[A-Z]{3}\d\d_", r"\1", path)
    folder = "/".join(path.split("/")[:2])
    return f"{folder}/{number:05d}/{place:03d}{Path(path).suffix}"


@pytest.mark.parametrize("mode", ["without codes", "names that say nothing"])
def test_the_sample_county_is_recognised(
    archive: Archive, context: Context, actor: Actor, tmp_path: Path, mode: str
) -> None:
    """At least 90 in 100 right, at most 1 in 100 of the very likely wrong (measured: all right, none wrong)."""
    write_sample(tmp_path / "s", households=2, seed=11, files=6)
    told = json.loads((tmp_path / "s" / "deposit-list.json").read_text(encoding="utf-8"))
    truth: dict[str, str] = {}
    for number, record in enumerate(told["records"]):
        for place, path in enumerate(record["files"]):
            name = _renamed(path, mode, number, place)
            truth[name] = record["document_type"]
            (tmp_path / "d" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tmp_path / "s" / path, tmp_path / "d" / name)
    submission_id = _deposit(archive, context, actor, tmp_path / "d")
    with archive.reading() as session:
        rows = select(SubmissionFile.path, SubmissionFile.technical).where(
            SubmissionFile.submission_id == submission_id
        )
        measured = dict(session.execute(rows).tuples().all())
    counted: Counter[str] = Counter()
    for path, suggested in _plans(archive, submission_id).items():
        if mode != "without codes" and not (measured[path] or {}).get("first_text"):
            continue  # nothing to go by before its text has been recognised
        found = suggested.get("document_type")
        right = found is not None and found["value"] == truth[path]
        counted["all"] += 1
        counted["right"] += right
        if found is not None and found["confidence"] >= types.VERY_LIKELY:
            counted["sure"] += 1
            counted["sure_wrong"] += not right
    assert counted["all"] > 40
    assert counted["right"] >= 0.9 * counted["all"]
    assert counted["sure"] >= 0.8 * counted["all"]
    assert counted["sure_wrong"] <= 0.01 * counted["sure"]
