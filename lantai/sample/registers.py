"""Registers, rosters, statistics and accounts: papers of a whole village, township or county, linked to many households."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from lantai.sample import office, pictures
from lantai.sample.county import (
    BUREAU,
    COUNTY,
    COUNTY_NAME,
    PROGRAMME,
    TOWNSHIPS,
    VILLAGES,
    Township,
    Village,
    author,
    chance,
)
from lantai.sample.papers import profile
from lantai.sample.people import Household
from lantai.sample.pictures import Sheet
from metadata.idcard import mask
from metadata.names import mask_name

Files = list[tuple[str, bytes]]
Entry = tuple[dict[str, object], Files]
Row = tuple[str | int, ...]
YEARS = (2023, 2024)


def registers(households: Sequence[Household], seed: int) -> Iterator[Entry]:
    """Every volume-level record as an entry of the deposit list and its files, for the years that are closed."""
    for year in YEARS:
        for village in VILLAGES:
            yield from _of_village([one for one in households if one.village == village], village, year)
        for township in TOWNSHIPS:
            yield from _of_township(
                [one for one in households if one.village.township == township], township, year, seed
            )
        yield from _of_county(households, year, seed)


def _of_village(households: Sequence[Household], village: Village, year: int) -> Iterator[Entry]:
    signed, on = author("VC", village), date(year, 12, 28)
    applied = [one for one in households if one.opened_on.year == year]
    rows = [
        (one.number, one.applicant.name, mask(one.applicant.id_number), one.opened_on.isoformat()) for one in applied
    ]
    sheet = _sheet("REG01", year, signed, on)
    table = office.workbook(sheet, [("户编号", "申请人", "身份证号", "申请日期"), *rows])
    yield _entry("REG01", sheet, village.code, applied, [("登记簿.xlsx", table)])
    paid = [one for one in households if one.receives_in(year)]
    listed = tuple(
        f"{mask_name(one.applicant.name)}，{len(one.members)}人，月保障金{one.amount}元" for one in paid
    ) or ("本年度无对象。",)
    sheet = _sheet("REG11", year, signed, date(year, 1, 15), listed[:20])
    rng = chance("REG11", village.code, year)
    images = pictures.pages(sheet, [listed[start : start + 24] for start in range(20, len(listed), 24)], rng)
    photograph = pictures.photograph(rng, sheet.on, sheet.title)
    files = [(f"scan_{place:03d}.jpg", pictures.jpeg(image)) for place, image in enumerate(images, start=1)]
    yield _entry("REG11", sheet, village.code, paid, [*files, ("公示栏照片.jpg", photograph)], level="open")


def _of_township(households: Sequence[Household], township: Township, year: int, seed: int) -> Iterator[Entry]:
    signed = f"{township.name}人民政府"
    rng = chance(seed, township.code, year)
    paid = [one for one in households if one.receives_in(year)]
    lines = tuple(f"{one.number}　{one.applicant.name}　{one.amount}元　签字：＿＿＿" for one in paid) or (
        "本期无发放。",
    )
    sheet = _sheet("REG05", year, signed, date(year, 6, 20), lines[:20])
    rest = [lines[start : start + 24] for start in range(20, len(lines), 24)]
    yield _entry("REG05", sheet, township.code, paid, [("签字表.tif", pictures.tiff(pictures.pages(sheet, rest, rng)))])
    sheet = _sheet("REG12", year, signed, date(year, 12, 20), ("来信三件，来访七人次，均已答复。",))
    yield _entry(
        "REG12",
        sheet,
        township.code,
        [],
        [("来信来访登记.txt", office.text(sheet))],
        marks=["informant"],
        level="restricted",
    )


def _of_county(households: Sequence[Household], year: int, seed: int) -> Iterator[Entry]:
    rng = chance(seed, "county", year)
    paid = [one for one in households if one.receives_in(year)]
    yield from _rosters(paid, year)
    yield from _changes(households, paid, year)
    reported = [one for one in paid if "undue_payment_found" in one.facts]
    lines = tuple(
        f"{number}．举报编号{year}{number:03d}，反映事项：收入未如实申报，已核查。"
        for number in range(1, len(reported) + 1)
    )
    sheet = _sheet("REG02", year, BUREAU, date(year, 12, 25), lines or ("本年度未收到举报。",))
    yield _entry(
        "REG02",
        sheet,
        COUNTY,
        reported,
        [("举报登记册.txt", office.text(sheet))],
        marks=["informant"],
        level="restricted",
    )
    sampled = rng.sample(paid, k=max(1, len(paid) // 10)) if paid else []
    lines = tuple(f"抽查户：{one.number}，结果：档案齐全，情况属实。" for one in sampled[:18]) or ("本年度未抽查。",)
    sheet = _sheet("REG06", year, BUREAU, date(year, 9, 10), (f"抽样种子{seed}，随机抽取{len(sampled)}户。", *lines))
    image = pictures.pages(sheet, [], rng)[0]
    yield _entry("REG06", sheet, COUNTY, sampled, [("抽检登记册.jpg", pictures.jpeg(image))])
    for code, text in (
        ("REG09", "各乡镇移交案卷已清点，份数与清单相符。"),
        ("REG10", "本年度查阅档案十二人次，均经审批，用后归还。"),
    ):
        sheet = _sheet(code, year, BUREAU, date(year, 12, 30), (text,))
        yield _entry(code, sheet, COUNTY, [], [("登记册.docx", office.word(sheet))])
    yield from _administration(paid, year)


def _rosters(paid: Sequence[Household], year: int) -> Iterator[Entry]:
    head: Row = ("户编号", "申请人", "村", "保障人口", "月保障金（元）")
    rows: list[Row] = [(one.number, one.applicant.name, one.village.name, len(one.members), one.amount) for one in paid]
    sheet = _sheet("REG03", year, BUREAU, date(year, 12, 31), (f"在册{len(paid)}户。",))
    yield _entry("REG03", sheet, COUNTY, paid, [("花名册.xlsx", office.workbook(sheet, [head, *rows]))])
    for quarter in (1, 2, 3, 4):
        sheet = _sheet(
            "REG04",
            year,
            BUREAU,
            date(year, quarter * 3, 10),
            (f"第{quarter}季度发放{len(paid)}户。",),
            part=f"第{quarter}季度",
        )
        table = office.workbook(sheet, [head, *rows])
        printed = office.pdf(sheet, [[str(cell) for cell in row] for row in (head, *rows)])
        yield _entry("REG04", sheet, COUNTY, paid, [("发放花名册.xlsx", table), ("发放花名册.pdf", printed)])


def _changes(households: Sequence[Household], paid: Sequence[Household], year: int) -> Iterator[Entry]:
    kinds = {"benefit_increased": "增发", "benefit_reduced": "减发", "benefit_stopped": "停发"}
    changed = [
        (one, event) for one in households for event in one.events if event.event in kinds and event.on.year == year
    ]
    rows: list[Row] = [("户编号", "类别", "日期", "说明")]
    rows += [(one.number, kinds[event.event], event.on.isoformat(), event.note) for one, event in changed]
    sheet = _sheet("REG08", year, BUREAU, date(year, 12, 31), (f"本年度变动{len(changed)}户次。",))
    yield _entry("REG08", sheet, COUNTY, [one for one, _ in changed], [("汇总表.xlsx", office.workbook(sheet, rows))])
    for code, title in (("REG07", "动态管理"), ("STA01", "统计月报")):
        sheet = _sheet(code, year, BUREAU, date(year, 12, 31))
        figures: list[Row] = [("月份", "在册户数", "在册人数", "支出（元）")]
        people, spent = sum(len(one.members) for one in paid), sum(one.amount for one in paid)
        figures += [(f"{title}{month}月", len(paid), people, spent + month) for month in range(1, 13)]
        yield _entry(code, sheet, COUNTY, [], [("统计表.xlsx", office.workbook(sheet, figures))])


def _administration(paid: Sequence[Household], year: int) -> Iterator[Entry]:
    total = sum(one.amount for one in paid) * 12
    for code, text in (
        ("ADM01", "为规范最低生活保障档案管理，实行一户一档、专柜保管、专人负责。"),
        ("KUA03", f"本年度低保资金专户支出{total}元，与银行对账相符。"),
        ("KUA04", f"本年度低保资金收支决算：支出{total}元，结余{year}元，专款专用。"),
    ):
        sheet = _sheet(code, year, BUREAU, date(year, 12, 31), (text,))
        yield _entry(code, sheet, COUNTY, [], [("文件.pdf", office.pdf(sheet, archival=True))])
    sheet = _sheet("ADM02", year, BUREAU, date(year, 3, 18), ("会议研究了本年度提标、复核和档案移交工作。",))
    yield _entry("ADM02", sheet, COUNTY, [], [("会议记录.docx", office.word(sheet))])
    rng = chance("KUA01", year)
    sheet = _sheet("KUA01", year, BUREAU, date(year, 6, 30), (f"记账凭证。借：社会救助支出 {total // 12}元。",))
    following = [(f"记账凭证第{number}号，附件{number}张。",) for number in (2, 3)]
    images = [pictures.jpeg(image) for image in pictures.pages(sheet, following, rng)]
    yield _entry(
        "KUA01", sheet, COUNTY, [], [(f"scan_{place:03d}.jpg", image) for place, image in enumerate(images, start=1)]
    )
    sheet = _sheet("KUA02", year, BUREAU, date(year, 12, 31))
    ledger: list[Row] = [
        ("月份", "借方（元）", "贷方（元）"),
        *((month, total // 12, total // 12) for month in range(1, 13)),
    ]
    yield _entry("KUA02", sheet, COUNTY, [], [("账簿.xlsx", office.workbook(sheet, ledger))])


def _sheet(code: str, year: int, signed: str, on: date, lines: tuple[str, ...] = (), *, part: str = "") -> Sheet:
    title = f"{year}年{part}{profile().document_types[code].zh}"
    return Sheet(title, (("单位", signed), ("所属", COUNTY_NAME), ("年度", str(year))), lines, signed, on)


def _entry(
    code: str,
    sheet: Sheet,
    division: str,
    households: Sequence[Household],
    files: Files,
    *,
    level: str = "internal",
    marks: Sequence[str] = (),
) -> Entry:
    folder = f"{sheet.title.replace('/', '、').replace('(', '（').replace(')', '）')}_{division}"
    named = [(f"{folder}/{name}", data) for name, data in files]
    record: dict[str, object] = {
        "title": sheet.title,
        "document_type": code,
        "household_nos": [one.number for one in dict.fromkeys(households)],
        "programme": PROGRAMME if households else None,
        "date": sheet.on.isoformat(),
        "author": sheet.signed,
        "division_code": division,
        "language": "zh",
        "access_level": level,
        "access_marks": list(marks),
        "files": [name for name, _ in named],
    }
    return record, named
