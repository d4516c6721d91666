"""The papers of one household: which there are, what they say, and their files.

Which papers a case has follows from the profile: the documents that its events call for, their conditions over the
facts of the case, and every second of the optional ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from random import Random

import opencc

from lantai.sample import office, pictures, recordings, wording
from lantai.sample.county import author, chance, chinese_date
from lantai.sample.people import Household
from lantai.sample.pictures import Sheet
from metadata.names import mask_name
from metadata.profile import Profile, builtin
from metadata.profile.models import DocumentType

# Form of a paper by its code; what is not named is a scan of one page. ``scan`` is a run of page images.
_FORMS: dict[str, str] = dict(
    [
        *dict.fromkeys(("APP12", "CHK05", "CON02", "CON03", "DYN07", "STP02"), "pdf").items(),
        *dict.fromkeys(("CHK03", "CON01"), "archival_pdf").items(),
        *dict.fromkeys(("REV01", "DYN02", "APP13", "APP14"), "word").items(),
        *dict.fromkeys(("CHK02", "CHK12", "DYN03"), "workbook").items(),
        *dict.fromkeys(("CHK04", "CHK06", "DYN08"), "text").items(),
        *dict.fromkeys(("APP03", "CON06", "REV02"), "tiff").items(),
        ("CHK08", "photographs"),
        ("CHK09", "sound"),
        ("CHK10", "video"),
        ("REV03", "notice"),
    ]
)
_PAGES = {"APP01": 2, "APP04": 2, "APP05": 3, "APP09": 3, "CHK07": 3, "DYN01": 2, "APP03": 2, "REV02": 2}
# Where more pages go when a household is to have more files: papers that are thick in life too.
_THICK = ("APP09", "APP05", "CHK07", "DYN01", "APP04", "CHK01", "APP01", "APP02")
_ACCESS: dict[str, tuple[str, list[str]]] = {
    "APP08": ("restricted", ["medical"]),
    "APP09": ("restricted", ["medical"]),
    "APP15": ("restricted", ["staff_relative"]),
    "CHK05": ("restricted", ["financial"]),
    "CHK06": ("restricted", ["financial"]),
    "REV03": ("open", []),
    "REV04": ("restricted", ["informant"]),
}


@dataclass(slots=True)
class Paper:
    """One record to be: its type, day and form, and how many pages it has when it is a scan or TIFF."""

    type: DocumentType
    on: date
    form: str
    pages: int
    number: int
    files: list[tuple[str, bytes]] = field(default_factory=list)


@lru_cache(maxsize=1)
def profile() -> Profile:
    """The rules that say which papers there are."""
    return builtin("social_assistance")


@lru_cache(maxsize=1)
def _converter() -> opencc.OpenCC:
    return opencc.OpenCC("s2t")


def in_script(text: str, *, traditional: bool) -> str:
    """``text``, written in simplified characters, in the script wanted."""
    return str(_converter().convert(text)) if traditional else text


def planned(household: Household, seed: int, files: int) -> list[Paper]:
    """The papers that the case calls for, in order of time, thickened to about ``files`` files."""
    rng = chance(seed, "papers", household.index)
    facts = case_facts(household)
    papers: list[Paper] = []
    for event in household.events:
        for kind in profile().document_types.values():
            if (
                kind.event == event.event
                and kind.level == "household"
                and kind.serves("DB")
                and _called_for(kind, facts, rng)
            ):
                papers.append(
                    Paper(kind, event.on, _FORMS.get(kind.code, "scan"), _PAGES.get(kind.code, 1), len(papers) + 1)
                )
    ended = household.confirmed_on is None
    wanting = 0 if ended else files - sum(map(_file_count, papers))
    thick = [paper for code in _THICK for paper in papers if paper.type.code == code and paper.form == "scan"]
    for place in range(max(0, wanting) if thick else 0):
        thick[place % len(thick)].pages += 1
    return papers


def case_facts(household: Household) -> frozenset[str]:
    """The facts of the profile that hold for the household, those that its events bring included."""
    happened = {one.event for one in household.events}
    known = profile().facts
    return frozenset(
        code
        for code, fact in known.items()
        if code in household.facts or (fact.event is not None and fact.event in happened)
    )


def records(household: Household, seed: int, files: int) -> Iterator[tuple[dict[str, object], list[tuple[str, bytes]]]]:
    """Every paper as an entry of the deposit list and its files (name, bytes); names are relative to the household."""
    for paper in planned(household, seed, files):
        rng = chance(seed, household.index, paper.type.code, paper.number)
        sheet = _sheet(household, paper)
        stem = f"{paper.number:02d}_{paper.type.code}_{in_script(_short(paper.type.zh), traditional=household.traditional)}"
        made = _WRITERS[paper.form](sheet, paper, household, rng)
        if len(made) == 1:
            made = [(f"{stem}{made[0][0][made[0][0].rindex('.') :]}", made[0][1])]
        else:
            made = [(f"{stem}/{name}", data) for name, data in made]
        level, marks = _ACCESS.get(paper.type.code, ("internal", []))
        yield (
            {
                "title": sheet.title,
                "document_type": paper.type.code,
                "household_nos": [household.number],
                "programme": "DB",
                "date": paper.on.isoformat(),
                "author": author(paper.type.organ, household.village),
                "division_code": household.village.code,
                "document_number": sheet.number or None,
                "language": "zh-Hant" if household.traditional else "zh",
                "persons": [household.applicant.name],
                "access_level": level,
                "access_marks": marks,
                "files": [name for name, _ in made],
            },
            made,
        )


def _called_for(kind: DocumentType, facts: frozenset[str], rng: Random) -> bool:
    if kind.required == "optional":
        return rng.random() < 0.5
    return kind.required == "always" or kind.when is None or kind.when.holds(facts)


def _file_count(paper: Paper) -> int:
    return {"scan": paper.pages, "photographs": 4, "sound": 2, "video": 2, "notice": 3}.get(paper.form, 1)


def _short(title: str) -> str:
    """A title as it may stand in a file name."""
    return title.replace("(", "（").replace(")", "）").replace("/", "、")


def _sheet(household: Household, paper: Paper) -> Sheet:
    applicant, count = household.applicant, len(household.members)
    stopped = next((one.note for one in household.events if one.event == "benefit_stopped"), "")
    ill = "serious_illness_claimed" in household.facts
    values = {
        "name": applicant.name,
        "masked": mask_name(applicant.name),
        "sex": applicant.sex,
        "born": chinese_date(applicant.born),
        "id": applicant.id_number,
        "number": household.number,
        "count": count,
        "address": household.address,
        "village": household.village.name,
        "reason": f"患{household.illness}" if ill else "缺少劳动力，收入不稳定",
        "per_head": household.income // count,
        "income": household.income,
        "amount": household.amount,
        "amount_later": household.amount_later,
        "balance": household.income * 7 + household.index,
        "disability": household.disability,
        "illness": household.illness,
        "account": household.account,
        "account4": household.account[-4:],
        "phone": household.phone,
        "since": f"{paper.on.year - 3}年",
        "date": chinese_date(paper.on),
        "next_month": f"{paper.on.year + paper.on.month // 12}年{paper.on.month % 12 + 1}月",
        "stop_reason": stopped or "不再符合条件",
    }
    public = paper.type.code == "REV03"  # a public notice holds no numbers and no address beyond the village
    fields = [("户编号", household.number), ("申请人", mask_name(applicant.name) if public else applicant.name)]
    if not public:
        fields += [("公民身份号码", applicant.id_number), ("家庭住址", household.address)]
        fields.append(("家庭成员", "、".join(f"{one.name}（{one.relation}）" for one in household.members)))
    title = paper.type.zh if paper.type.stage != "dynamic" else f"{paper.on.year}年{paper.type.zh}"
    number = ""
    if paper.form in {"pdf", "archival_pdf", "word"}:
        number = f"{household.village.township.name[0]}民救〔{paper.on.year}〕{household.index * 20 + paper.number}号"

    def script(text: str) -> str:
        return in_script(text, traditional=household.traditional)

    return Sheet(
        title=script(title),
        fields=tuple((script(label), script(value)) for label, value in fields),
        paragraphs=tuple(
            script(line.format_map(values)) for line in wording.BODY.get(paper.type.code, ("{name}一户材料。",))
        ),
        signed=script(author(paper.type.organ, household.village)),
        on=paper.on,
        number=script(number),
        traditional=household.traditional,
    )


Files = list[tuple[str, bytes]]


def _following(sheet: Sheet, paper: Paper, rng: Random) -> list[tuple[str, ...]]:
    return [
        tuple(
            in_script(line, traditional=sheet.traditional)
            for line in wording.continuation(rng, paper.type.code, paper.on)
        )
        for _ in range(paper.pages - 1)
    ]


def _scan(sheet: Sheet, paper: Paper, _household: Household, rng: Random) -> Files:
    images = pictures.pages(sheet, _following(sheet, paper, rng), rng)
    return [(f"scan_{place:03d}.jpg", pictures.jpeg(image)) for place, image in enumerate(images, start=1)]


def _tiff(sheet: Sheet, paper: Paper, _household: Household, rng: Random) -> Files:
    return [("scan.tif", pictures.tiff(pictures.pages(sheet, _following(sheet, paper, rng), rng)))]


def _pdf(sheet: Sheet, paper: Paper, _household: Household, _rng: Random) -> Files:
    return [("paper.pdf", office.pdf(sheet, archival=paper.form == "archival_pdf"))]


def _word(sheet: Sheet, _paper: Paper, _household: Household, _rng: Random) -> Files:
    return [("paper.docx", office.word(sheet))]


def _workbook(sheet: Sheet, _paper: Paper, household: Household, rng: Random) -> Files:
    rows: list[tuple[str | int, ...]] = [("姓名", "关系", "项目", "金额（元）")]
    rows += [
        (one.name, one.relation, rng.choice(("务工", "种植", "转移性收入", "存款")), rng.randrange(0, 900))
        for one in household.members
    ]
    return [("table.xlsx", office.workbook(sheet, rows))]


def _text(sheet: Sheet, paper: Paper, _household: Household, rng: Random) -> Files:
    return [("export.txt", office.text(sheet, wording.continuation(rng, paper.type.code, paper.on)))]


def _photographs(sheet: Sheet, paper: Paper, _household: Household, rng: Random) -> Files:
    return [
        (f"IMG_{rng.randrange(10**4):04d}_{place}.jpg", pictures.photograph(rng, paper.on, sheet.title))
        for place in range(1, 5)
    ]


def _sound(sheet: Sheet, _paper: Paper, _household: Household, rng: Random) -> Files:
    return [("录音.wav", recordings.sound(rng)), ("录音整理.txt", office.text(sheet))]


def _video(sheet: Sheet, _paper: Paper, _household: Household, rng: Random) -> Files:
    return [("video.avi", recordings.video(rng, sheet.title)), ("说明.txt", office.text(sheet))]


def _notice(sheet: Sheet, paper: Paper, _household: Household, rng: Random) -> Files:
    photographs = [(f"公示照片_{place}.jpg", pictures.photograph(rng, paper.on, sheet.title)) for place in (1, 2)]
    return [("公示单.pdf", office.pdf(sheet)), *photographs]


_WRITERS: dict[str, Callable[[Sheet, Paper, Household, Random], Files]] = {
    "scan": _scan,
    "tiff": _tiff,
    "pdf": _pdf,
    "archival_pdf": _pdf,
    "word": _word,
    "workbook": _workbook,
    "text": _text,
    "photographs": _photographs,
    "sound": _sound,
    "video": _video,
    "notice": _notice,
}
