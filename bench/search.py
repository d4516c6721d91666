"""Search at the size of a county: an index of made-up records, times of queries, recall against a plain scan, size.

The index is made once and kept: its entries say what papers of ``lantai sample`` say, about 500 characters each, some in
traditional characters, spread over 100 townships of 10 villages. Every query runs under 50 permission terms that reach
half of the county. Recall compares what the index finds with every record whose folded text holds the characters.
"""

from __future__ import annotations

import json
import random
import shutil
import sys
import time
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import opencc

from bench.measure import Result
from lantai.sample.wording import BODY, continuation
from metadata.household import household_no
from metadata.profile import builtin
from search import analysis, numbers, vocabulary
from search.engines.base import FACETS, HOUSEHOLD, IndexDocument, PermissionFilter, Scope, Sort
from search.engines.embedded import TantivyEngine
from search.query import Names, household_terms, name_terms, parse

P95_MS = 50.0
TEXT_RATIO = 1.2

_BATCH = 5_000
_PER_HOUSEHOLD = 20
COUNTY = "990101"
_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许邓韩冯曹彭曾萧田董潘袁蔡蒋余于杜叶程魏苏吕丁任卢姚沈钟姜崔谭陆范汪廖石金韦贾夏付方邹熊白孟秦邱侯江尹薛闫段雷龙黎史陶贺毛郝顾龚邵万覃武钱戴严莫孔向常汤单仇解查尉"
_RARE = ("欧阳", "司徒", "上官", "尉迟", "䶮", "爨", "亓")
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英兰凤华建国玉珍春梅红淑德福贵树林海生宝山云志文学礼义庆祥永昌嘉豪梓涵雨欣宇轩子墨若曦晨浩然思源雪莹佳慧鹏飞"
_PLACES = "东西南北上下前后大小沟岭湾桥河塘坪洼坡庄店集屯堡寨垭岗坝湖溪泉井柳松杨榆桃梨槐枣青白红黄新旧"
_REASONS = (
    "患病丧失劳动能力",
    "子女上学支出较大",
    "家中主要劳动力因工伤残",
    "年老体弱无人赡养",
    "遭受水灾房屋受损",
    "丈夫病故独自抚养孩子",
)
_FORMATS = ("pdf", "jpg", "ofd", "docx", "xlsx", "tif")
BLIND: Callable[[str, str], str] = lambda text, purpose: f"{purpose}{text}".encode().hex()[-32:]  # noqa: E731


@dataclass(frozen=True, slots=True)
class Paper:
    """One record of the made-up county, before it is cut."""

    number: int
    title: str
    text: str
    names: tuple[str, ...]
    household: str
    division: str
    kind: str
    dated: date


def papers(count: int) -> Iterator[Paper]:
    """The first ``count`` records, the same for every call."""
    simplified = opencc.OpenCC("s2t")
    kinds = list(BODY)
    names = {code: one.zh for code, one in builtin("social_assistance").document_types.items()}
    for number in range(count):
        house, place = divmod(number, _PER_HOUSEHOLD)
        if place == 0:
            facts, members, division = _house(house)
        rng = random.Random(number)
        kind = kinds[rng.randrange(len(kinds))]
        dated = date(2005, 1, 1) + timedelta(days=rng.randrange(7600))
        lines = [line for one in (kind, *rng.sample(kinds, k=5)) for line in BODY[one]]
        text = "\n".join((*(line.format_map(facts) for line in lines), *continuation(rng, kind, dated)))
        title = f"{facts['name']}户{names.get(kind, kind)}"
        if house % 6 == 1:
            title, text = simplified.convert(title), simplified.convert(text)
        yield Paper(number, title, text, members, str(facts["number"]), division, kind, dated)


def _house(house: int) -> tuple[dict[str, object], tuple[str, ...], str]:
    rng = random.Random(f"house{house}")
    division = f"{COUNTY}{100 + house % 100:03d}{200 + house // 100 % 10:03d}"
    town = random.Random(division[:9])
    village = random.Random(division)
    township = f"{town.choice(_PLACES)}{town.choice(_PLACES)}镇"
    hamlet = f"{village.choice(_PLACES)}{village.choice(_PLACES)}村"
    surname = rng.choice(_RARE) if rng.random() < 0.03 else rng.choice(_SURNAMES)
    members = tuple(
        surname + "".join(rng.choice(_GIVEN) for _ in range(rng.choice((1, 2, 2)))) for _ in range(rng.randrange(1, 4))
    )
    money = rng.randrange(38, 72) * 10
    facts: dict[str, object] = {
        "name": members[0], "masked": members[0][0] + "某某", "address": f"{township}{hamlet}{rng.randrange(1, 9)}组{rng.randrange(1, 120)}号",
        "village": hamlet, "count": len(members), "reason": rng.choice(_REASONS), "per_head": rng.randrange(120, 460),
        "sex": rng.choice("男女"), "born": f"19{rng.randrange(40, 99)}年{rng.randrange(1, 13)}月", "id": "（略）",
        "number": household_no(division, house // 1000 + 1), "since": "2004年3月", "disability": "肢体二级",
        "illness": "类风湿关节炎", "income": rng.randrange(240, 2400), "account4": f"{rng.randrange(10_000):04d}",
        "balance": rng.randrange(10, 9000), "amount": money, "amount_later": money + 60, "next_month": "下月",
        "date": "2012年5月1日", "account": "（略）", "phone": "（略）", "stop_reason": "家庭收入超过低保标准",
    }  # fmt: skip
    return facts, members, division


def entry(paper: Paper) -> tuple[IndexDocument, str]:
    """The index entry as ``search.documents`` makes it, and the folded text that it holds."""
    title, text = analysis.fold(paper.title), analysis.fold(paper.text)
    parts = "\n\n".join((*paper.names, paper.household, text))
    shown, _ = numbers.hide(parts, analysis.HIDDEN)
    terms = set(household_terms(paper.household))
    for name in paper.names:
        terms |= name_terms(name)
    words = dict.fromkeys((*paper.names, *vocabulary.words_of_title(paper.title)))
    made = IndexDocument(
        id=f"{paper.number:032x}",
        seq=paper.number * 2,
        title=analysis.analyse(title),
        text=analysis.analyse(shown),
        terms=tuple(terms),
        division_code=paper.division,
        access_level=("open", "internal", "internal", "restricted")[paper.number % 4],
        access_marks=("minor",) if paper.number % 17 == 0 else (),
        organ_id=f"organ-{paper.division[:9]}",
        programme=("DB", "TK", "LS", "YL")[paper.number % 4],
        document_type=paper.kind,
        year=paper.dated.year,
        dated=paper.dated,
        files=analysis.analyse(analysis.fold(f"{paper.kind}_{paper.number}.pdf")),
        formats=(_FORMATS[paper.number % len(_FORMATS)],),
        created=1_700_000_000 + paper.number // 3,
        code=f"x043-gq-{paper.dated.year}-{paper.number:07d}" if paper.number % 2 else f"~{title[:24]}",
        vocabulary=tuple(dict.fromkeys(key for word in words for key in vocabulary.keys(word))),
    )
    return made, f"{title}\x00{shown}"


def _case(paper: Paper) -> IndexDocument:
    made = analysis.analyse(analysis.fold(f"{paper.names[0]}户低保档案"))
    terms = set(household_terms(paper.household)).union(*map(name_terms, paper.names))
    return IndexDocument(
        id=f"{paper.number:031x}h", seq=paper.number * 2 + 1, title=made,
        text=analysis.analyse(analysis.fold("\n\n".join((paper.household, *paper.names)))), terms=tuple(terms),
        division_code=paper.division, access_level="", access_marks=(), organ_id=f"organ-{paper.division[:9]}",
        programme="DB", kind=HOUSEHOLD, created=1_700_000_000 + paper.number // 3, code=f"~{paper.names[0]}",
    )  # fmt: skip


def results(folder: Path, *, quick: bool) -> Iterator[Result]:
    """Make the index if need be, then measure."""
    count = 50_000 if quick else 1_000_000
    root = folder / f"search-{count}"
    label = f"county ({count:,} records)"
    yield from building(root, count, label)
    facts = json.loads((root / "facts.json").read_text())
    engine = TantivyEngine(root / "index")
    yield Result(
        "index size per byte of text",
        label,
        facts["index"] / facts["text"],
        None,
        "times",
        TEXT_RATIO * facts["text"] / facts["index"],
        1.0,
    )
    yield from _times(engine, root, label, count)
    yield _recall(engine, root, label, count, 500)
    yield _walk(engine, label)
    engine.close()


def building(root: Path, count: int, label: str) -> Iterator[Result]:
    """Make the index in ``root`` unless it is there."""
    if (root / "facts.json").exists():
        return
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    began = time.perf_counter()
    engine = TantivyEngine(root / "index", create=True)
    size = 0
    waiting: list[IndexDocument] = []
    with (root / "folded.txt").open("w", encoding="utf-8") as out:
        for paper in papers(count):
            made, folded = entry(paper)
            size += len(paper.title.encode()) + len(paper.text.encode())
            out.write(folded.replace("\n", "\x01") + "\n")
            waiting.append(made)
            if paper.number % _PER_HOUSEHOLD == 0:
                waiting.append(_case(paper))
            if len(waiting) >= _BATCH:
                engine.apply(waiting, [])
                waiting = []
            if paper.number % 100_000 == 0:
                sys.stderr.write(f"   {paper.number:,} of {count:,} after {time.perf_counter() - began:.0f} s\n")
    engine.apply(waiting, [])
    engine.close()
    seconds = time.perf_counter() - began
    held = sum(path.stat().st_size for path in (root / "index").iterdir())
    (root / "facts.json").write_text(json.dumps({"text": size, "index": held, "seconds": seconds}))
    yield Result("index building", label, count / seconds, None, "records/s", None, None)


def _permission() -> PermissionFilter:
    """Fifty townships of a hundred, two levels of three, without one mark; their part of the register too."""
    prefixes = [f"{COUNTY}{100 + number:03d}" for number in range(0, 100, 2)]
    records = tuple(Scope((one,), ("open", "internal"), ("minor", "?")) for one in prefixes)
    return PermissionFilter((*records, Scope(tuple(prefixes), kind=HOUSEHOLD)))


PERMISSION = _permission()
"""Under which every query is asked."""


def names_of(source: random.Random, count: int, wanted: int) -> list[str]:
    """Names of people whose households stand in an index of ``count`` records."""
    return [_house(number)[1][0] for number in source.sample(range(count // _PER_HOUSEHOLD), wanted)]


def pieces(root: Path, count: int, wanted: int, lengths: Sequence[int], seed: int) -> list[str]:
    """Runs of Han characters cut at random from the texts, in turn of each length."""
    rng = random.Random(seed)
    chosen = set(rng.sample(range(count), min(count, wanted * 2)))
    found: list[str] = []
    with (root / "folded.txt").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            if number not in chosen:
                continue
            length = lengths[len(found) % len(lengths)]
            runs = [run for run in _runs(line) if len(run) >= length]
            if runs:
                run = rng.choice(runs)
                start = rng.randrange(len(run) - length + 1)
                found.append(run[start : start + length])
            if len(found) == wanted:
                break
    return found


def _runs(line: str) -> list[str]:
    """Runs of Han characters in folded text."""
    return ["".join(run) for run in _split(line)]


def _split(line: str) -> Iterator[list[str]]:
    run: list[str] = []
    for one in line:
        if "\u4e00" <= one <= "\u9fff":
            run.append(one)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _times(engine: TantivyEngine, root: Path, label: str, count: int) -> Iterator[Result]:
    permission = _permission()
    names = names_of(random.Random(5), count, 300)
    words = [
        "低保",
        "最低生活保障",
        "申请",
        "调查",
        "收入证明",
        "县民政局",
        "情况",
        "医疗",
        "家庭",
        "公示",
        "核对",
    ] * 10
    cut = pieces(root, count, 300, (2, 3, 4), 7)
    phrases = pieces(root, count, 300, (5, 6, 7, 8), 8)
    towns = [f"单位:organ-{COUNTY}{100 + number:03d}" for number in range(0, 60, 2)]
    mixed = [f"({one} OR 低保) 年度:>=2015 NOT 类型:APP01" for one in cut[:100]]
    loads: list[tuple[str, list[str], Sort, bool]] = [
        ("names of 2 to 4 characters", names, "relevance", False),
        ("common words", words, "relevance", False),
        ("words cut at random", cut, "relevance", False),
        ("phrases of 5 to 8 characters", phrases, "relevance", False),
        ("brackets, ranges, denials", mixed, "relevance", False),
        ("pinyin", ["zhangwei", "wangfang", "lijing", "ouyangming", "zw"] * 20, "relevance", False),
        ("everything, newest first", ["*"] * 50, "relevance", False),
        ("by date, common words", words, "date", False),
        ("by code, common words", words, "code", False),
        ("seven facets, names", names[:100], "relevance", True),
        ("seven facets, words cut at random", cut[:150], "relevance", True),
        ("seven facets, common words", words, "relevance", True),
        ("seven facets, one organ", towns, "relevance", True),
        ("seven facets, everything", ["*"] * 50, "relevance", True),
    ]
    names_known = Names()
    for name, texts, sort, facets in loads:
        spent, busy = array("d"), array("d")
        for text in (*texts[:5], *texts):
            began, used = time.perf_counter(), time.process_time()
            engine.search(
                parse(text, BLIND, names_known),
                permission,
                limit=20,
                sort=sort,
                facets=FACETS if facets else (),
            )
            spent.append((time.perf_counter() - began) * 1000)
            busy.append((time.process_time() - used) * 1000)
        ranked, worked = sorted(spent[5:]), sorted(busy[5:])
        late = min(len(ranked) - 1, round(len(ranked) * 0.95))
        p95 = ranked[late]
        sys.stderr.write(
            f"   {name}: p50 {ranked[len(ranked) // 2]:.1f}, p95 {p95:.1f}, most {ranked[-1]:.1f} ms; CPU p95 {worked[late]:.1f} ms\n"
        )
        yield Result(f"search: {name}", label, p95, None, "ms (p95)", P95_MS / p95, 1.0)


def _recall(engine: TantivyEngine, root: Path, label: str, count: int, wanted: int) -> Result:
    """Every record whose folded text holds the characters must be found by them, typed in either script."""
    queries = list(dict.fromkeys(pieces(root, count, wanted * 2, (2, 3, 4, 5, 6, 7, 8), 11)))[:wanted]
    truth: dict[str, array[int]] = {one: array("l") for one in queries}
    totals = dict.fromkeys(queries, 0)
    with (root / "folded.txt").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            for one in queries:
                if one in line:
                    totals[one] += 1
                    if len(truth[one]) < 1000 or number % 97 == 0:  # all of rare ones, some of common ones
                        truth[one].append(number)
    traditional = opencc.OpenCC("s2t")
    everything = PermissionFilter((Scope(("",), ("open", "internal", "restricted")),))
    checked = met = 0
    fewer: list[str] = []
    for number, one in enumerate(queries):
        query = parse(f'"{traditional.convert(one) if number % 2 else one}"', BLIND)
        ids = [f"{found:032x}" for found in truth[one]]
        for start in range(0, len(ids), 2000):
            part = tuple(ids[start : start + 2000])
            met += engine.search(
                query, PermissionFilter((Scope(("",), ("open", "internal", "restricted"), ids=part),)), limit=0
            ).total
            checked += len(part)
        if engine.search(query, everything, limit=0).total < totals[one]:
            fewer.append(one)
    sys.stderr.write(f"   recall: {len(queries)} queries, {met} of {checked} records; fewer than the scan: {fewer}\n")
    return Result("recall against a plain scan", label, met / checked, None, "of 1", met / checked, 1.0)


def _walk(engine: TantivyEngine, label: str) -> Result:
    """Paging past 10,000 hits by relevance: nothing twice, nothing lost; the slowest page of 500."""
    query = parse("家庭", BLIND)
    permission = _permission()
    seen: set[str] = set()
    after: str | None = None
    slowest, shown, total = 0.0, 0, 0
    while shown < 30_000:
        began = time.perf_counter()
        page = engine.search(query, permission, limit=500, after=after)
        slowest = max(slowest, (time.perf_counter() - began) * 1000)
        seen.update(hit.id for hit in page.hits)
        shown += len(page.hits)
        after, total = page.next, page.total
        if after is None:
            break
    if len(seen) != shown:
        raise AssertionError(f"{shown - len(seen)} hits came twice")
    sys.stderr.write(f"   paged through {shown:,} of {total:,} hits\n")
    return Result("paging by relevance, slowest page of 500", label, slowest, None, "ms", None, None)
