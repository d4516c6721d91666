"""The four-property report as PDF/A-2b: A4, Chinese or English, the fonts in it; the same bytes for the same report.

The layout is ``report.typ``. Words from outside reach the typesetter as JSON and are set as text; no sign in a name can
become markup. A character that the font has no shape for is shown as its number.
"""

from __future__ import annotations

import json
import re
import struct
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import typst
from noto_cjk_sans_otc import FONT_PATH

from metadata.errors import Unavailable

FONT = "Noto Sans CJK SC"
FINDINGS_SHOWN = 40
"""Findings of one kind about one item that stand on paper; the JSON has them all."""
PAPERS_SHOWN = 600
_LONG = re.compile(r"[^\s\u2e80-\uffef]{18,}")
_RUN = 12

_WORDS: dict[str, dict[str, Any]] = {
    "zh": {
        "synthetic": "合成数据，非真实档案",
        "page": "第 {x} 页 共 {y} 页",
        "summary": "结果汇总",
        "property": "性质",
        "not_checked": "未检测和由人检测的项目",
        "not_checked_hint": "未检测不等于合格。以下各项本次没有由程序检测，或没有检测全部内容。",
        "all_checked": "本阶段各项都已检测。",
        "item": "代号",
        "what": "检测项目",
        "why": "说明",
        "result": "结果",
        "done": "检测情况",
        "found": "发现的问题（按种类，先说如何处理）",
        "outside": "四性之外的提示",
        "papers": "卷内文件",
        "code": "类型",
        "type": "文件名称",
        "title": "题名",
        "dated": "日期",
        "files": "文件数",
        "copies": "副本",
        "missing": "缺少",
        "tools": "检测工具",
        "tool": "工具",
        "version": "版本",
        "signed": ["检测人", "审核人", "日期"],
        "findings": "{name}：发现 {count} 处",
        "more": "另有 {count} 处，见同一报告的 JSON。",
        "partial": "（部分）",
        "person": "（由人检测）",
        "result_line": "{fail} 项不合格，{warn} 项需核对，{not_checked} 项未检测，{manual} 项由人检测，{pass} 项合格，{not_applicable} 项不适用。",
        "under": "{standard} · {stage}阶段 · {kind}",
        "made_at": "检测时间",
        "made_by": "检测人",
        "subject": "检测对象",
        "organ": {"submission": "移交单位", "case_file": "立档单位", "record": "立档单位"},
        "profile": "制度版本",
        "mark": "* 该项目的文字未与标准原文核对；代号为本系统所编，标准在各阶段另有编号。",
        "json": "本报告的全部内容另有机器可读形式（{format}）。",
        "no_tools": "没有记录检测工具。",
    },
    "en": {
        "synthetic": "Synthetic data, no real records",
        "page": "Page {x} of {y}",
        "summary": "Results",
        "property": "Property",
        "not_checked": "Not checked, or left to a person",
        "not_checked_hint": "Not checked is not a pass. These items were not checked by program, or not over everything.",
        "all_checked": "Every item of this stage was checked.",
        "item": "Code",
        "what": "Item",
        "why": "Why",
        "result": "Result",
        "done": "What was done",
        "found": "What was found, by kind; what to do is said first",
        "outside": "Notes outside the four properties",
        "papers": "Papers of the file",
        "code": "Type",
        "type": "Kind of paper",
        "title": "Title",
        "dated": "Dated",
        "files": "Files",
        "copies": "Copies",
        "missing": "Missing",
        "tools": "Tools",
        "tool": "Tool",
        "version": "Version",
        "signed": ["Checked by", "Approved by", "Date"],
        "findings": "{name}: {count} found",
        "more": "{count} more stand in the JSON of this report.",
        "partial": "(in part)",
        "person": "(by a person)",
        "result_line": "{fail} failed, {warn} to be looked at, {not_checked} not checked, {manual} for a person, {pass} passed, {not_applicable} not applicable.",
        "under": "{standard} · {stage} · {kind}",
        "made_at": "Made at",
        "made_by": "Made by",
        "subject": "Subject",
        "organ": {"submission": "Depositing organ", "case_file": "Creating organ", "record": "Creating organ"},
        "profile": "Profile",
        "mark": "* The wording of the item was not compared with the standard; the codes are this program's, the standard numbers its items anew in each stage.",
        "json": "All of this report can be had in a form for programs ({format}).",
        "no_tools": "No tools were recorded.",
    },
}
_STATES = {
    "intact": {"zh": "完好", "en": "intact"},
    "not_checked": {"zh": "尚未重读", "en": "not re-read"},
    "pending": {"zh": "待写入", "en": "to be written"},
    "damaged": {"zh": "损坏", "en": "damaged"},
    "missing": {"zh": "缺失", "en": "missing"},
    "unreadable": {"zh": "无法读取", "en": "unreadable"},
}


@lru_cache(maxsize=1)
def _fonts() -> typst.Fonts:
    # Only the font that comes with the program: the pages of a machine with other fonts would differ.
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONT_PATH.parent)])


@lru_cache(maxsize=1)
def _template() -> bytes:
    return (resources.files("lantai") / "report.typ").read_bytes()


def render(report: Mapping[str, Any], language: str = "zh") -> bytes:
    """The PDF of ``report`` (``ingest.report.Report.as_dict``) in ``zh`` or ``en``.

    ``Unavailable`` (``report.pdf``) when the typesetter gives up.
    """
    language = "en" if language.startswith("en") else "zh"
    shown = _shown(_set(_layout(report, language)))
    try:
        made = typst.compile(
            _template(),
            font_paths=_fonts(),
            ignore_system_fonts=True,
            sys_inputs={"report": shown, "words": _shown(_set(_WORDS[language]))},
            pdf_standards="a-2b",
            timestamp=datetime.fromisoformat(report["made"]["at"]).replace(microsecond=0),
        )
    except typst.TypstError as error:
        raise Unavailable(
            "report.pdf",
            zh="报告无法排成 PDF。报告的 JSON 不受影响，请改用 JSON，并把系统日志交给管理员。",
            en="The report could not be set as PDF. Its JSON is not affected: use that, and give the log to the administrator.",
        ) from error
    assert isinstance(made, bytes)
    return made


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


# -- what stands where ----------------------------------------------------------------------------------------------


def _layout(report: Mapping[str, Any], language: str) -> dict[str, Any]:
    words = _WORDS[language]
    counts: dict[str, int] = {}
    for row in report["summary"]:
        for code, count in row["counts"].items():
            counts[code] = counts.get(code, 0) + count
    results = {one["result"]: one[f"result_{language}"] for one in report["items"]}
    columns = [{"code": code, "shown": results.get(code) or _RESULT_WORDS[language][code]} for code in counts]
    title, stage = report["title"][language], report["stage"][language]
    subject = report["subject"]
    papers = report["papers"]
    return {
        "language": language,
        "font": FONT,
        "heading": title,
        "under": words["under"].format(standard=report["standard"], stage=stage, kind=subject[f"kind_{language}"]),
        "running": f"{title} · {subject['title'] or subject['id']}",
        "stage_words": f"{report['standard']} · {stage}",
        "synthetic": report["synthetic"],
        "foot": f"{report['made']['shown_at']} · {report['made']['software']} · {subject['id']}",
        "subject": {"title": subject["title"]},
        "made": {"by": report["made"]["by"]},
        "facts": _facts(report, words, language),
        "result": {"code": report["result"]["code"], "shown": report["result"][language]},
        "result_line": words["result_line"].format(**counts),
        "columns": columns,
        "summary": [
            {
                "shown": row[language],
                "counts": [{"code": one["code"], "count": row["counts"][one["code"]]} for one in columns],
            }
            for row in report["summary"]
        ],
        "not_checked": [
            {
                "item": one["item"],
                "name": one[f"item_{language}"],
                "note": words["person"] if one["by_person"] else words["partial"] if one["partial"] else "",
                "why": one[language],
            }
            for one in report["not_checked"]
        ],
        "parts": [_part(report, row, words, language) for row in report["summary"]],
        "outside": _grouped([("", one) for one in report["outside"]], words, language),
        "papers": [_paper(one, language) for one in papers[:PAPERS_SHOWN]],
        "papers_more": _more(len(papers), PAPERS_SHOWN, words),
        "tools": report["tools"] or [{"name": "–", "version": words["no_tools"]}],
        "notes": [
            report["scope"][language],
            words["mark"],
            words["json"].format(format=report["format"]),
        ],
    }


_RESULT_WORDS = {
    "zh": {
        "pass": "合格",
        "warn": "需核对",
        "fail": "不合格",
        "not_applicable": "不适用",
        "not_checked": "未检测",
        "manual": "人工检测",
    },
    "en": {
        "pass": "pass",
        "warn": "look at",
        "fail": "fail",
        "not_applicable": "n/a",
        "not_checked": "not checked",
        "manual": "by a person",
    },
}


def _facts(report: Mapping[str, Any], words: Mapping[str, Any], language: str) -> list[dict[str, Any]]:
    """The head's table: what it is about over the whole width, then pairs."""
    subject, made = report["subject"], report["made"]
    organ = made["organ"][language]
    by = (
        f"{made['by']}（{organ}）" if organ and language == "zh" else f"{made['by']} ({organ})" if organ else made["by"]
    )
    wide = [
        (words["subject"], subject["title"] or subject["id"]),
        (words["organ"][subject["kind"]], subject["organ"][language]),
    ]
    narrow = [(one["label"][language], one["value"][language]) for one in subject["facts"]]
    narrow += [
        (words["made_at"], made["shown_at"]),
        (words["made_by"], by),
        (words["profile"], made["profile"]),
    ]
    facts = [{"label": label, "value": value or "–", "span": 3} for label, value in wide]
    for place, (label, value) in enumerate(narrow):
        last = place == len(narrow) - 1 and place % 2 == 0
        facts.append({"label": label, "value": value or "–", "span": 3 if last else 1})
    return facts


def _part(report: Mapping[str, Any], row: Mapping[str, Any], words: Mapping[str, Any], language: str) -> dict[str, Any]:
    items = [one for one in report["items"] if one["property"] == row["property"]]
    found = [(one["code"], finding) for one in items for finding in one["findings"]]
    return {
        "shown": row[language],
        "items": [
            {
                "code": one["code"],
                "name": one[language],
                "mark": "*" if one["status"] in {"from_memory", "unverified"} else "",
                "result": one["result"],
                "shown": one[f"result_{language}"],
                "done": one["done"][language],
                "tools": ", ".join(one["tools"]),
            }
            for one in items
        ],
        "findings_heading": words["findings"].format(name=row[language], count=len(found)),
        "findings": _grouped(found, words, language),
    }


def _grouped(
    found: Iterable[tuple[str, Mapping[str, Any]]], words: Mapping[str, Any], language: str
) -> list[dict[str, Any]]:
    """Findings of one kind about one item together: what to do about them is said once."""
    groups: dict[tuple[str, str, str], list[dict[str, str]]] = {}
    for item, one in found:
        code = " · ".join(part for part in (one["code"], one["clause"]) if part)
        line = {"said": one[language], "result": one["outcome"]}
        groups.setdefault((item, code, one[f"next_{language}"]), []).append(line)
    return [
        {
            "item": item,
            "code": code,
            "next": advice,
            "lines": lines[:FINDINGS_SHOWN],
            "more": _more(len(lines), FINDINGS_SHOWN, words),
        }
        for (item, code, advice), lines in groups.items()
    ]


def _paper(one: Mapping[str, Any], language: str) -> dict[str, Any]:
    copies = "；".join(
        f"{replica} {_STATES.get(state, {}).get(language, state)}" for replica, state in sorted(one["copies"].items())
    )
    return {
        "present": one["present"],
        "code": one["document_type"],
        "type": one[f"document_type_{language}"],
        "title": one["title"],
        "dated": one["dated"],
        "files": str(one["files"]),
        "copies": copies if language == "zh" else copies.replace("；", "; "),
    }


def _more(count: int, shown: int, words: Mapping[str, Any]) -> str:
    return words["more"].format(count=count - shown) if count > shown else ""


# -- letters --------------------------------------------------------------------------------------------------------


def _set(value: Any) -> Any:
    """Every text in ``value`` as it can be set: shapes for all signs, long words with places to break."""
    if isinstance(value, str):
        return _LONG.sub(_with_breaks, "".join(_drawn(value)))
    if isinstance(value, Mapping):
        return {name: _set(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_set(one) for one in value]
    return value


def _with_breaks(match: re.Match[str]) -> str:
    text = match.group()
    return "\u200b".join(text[at : at + _RUN] for at in range(0, len(text), _RUN))


def _drawn(text: str) -> Iterable[str]:
    starts, ends = _coverage()
    for sign in text:
        code = ord(sign)
        place = bisect_right(starts, code) - 1
        if place >= 0 and code <= ends[place] and sign.isprintable():
            yield sign
        else:
            yield " " if sign.isspace() else f"\\u{code:04x}"


@lru_cache(maxsize=1)
def _coverage() -> tuple[list[int], list[int]]:
    """First and last code of every run of characters that the font has, from its table ``cmap`` (format 12)."""
    with FONT_PATH.open("rb") as font:
        head = font.read(16)
        offset = struct.unpack(">I", head[12:16])[0] if head[:4] == b"ttcf" else 0
        font.seek(offset)
        tables = struct.unpack(">H", font.read(12)[4:6])[0]
        entries = [struct.unpack(">4sIII", font.read(16)) for _ in range(tables)]
        start, length = next((at, size) for tag, _, at, size in entries if tag == b"cmap")
        font.seek(start)
        table = font.read(length)
    count = struct.unpack(">H", table[2:4])[0]
    runs: list[tuple[int, int]] = []
    for number in range(count):
        at = struct.unpack(">I", table[8 + 8 * number : 12 + 8 * number])[0]
        if struct.unpack(">H", table[at : at + 2])[0] == 12:
            groups = struct.unpack(">I", table[at + 12 : at + 16])[0]
            runs += [struct.unpack(">II", table[at + 16 + 12 * n : at + 24 + 12 * n]) for n in range(groups)]
            break
    runs.sort()
    return [first for first, _ in runs], [last for _, last in runs]
