"""Remarks of a report: findings of a deposit turned into words and led to their items, and what the report itself finds.

What the report itself finds (over what is kept) has codes that begin with ``report.``; they stand in no bag.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from access.masking import masked
from ingest.finding_catalogue import ARCHIVIST_ONLY
from ingest.findings import KINDS, sentence
from ingest.outcome import Outcome
from ingest.report.model import Remark, Words
from metadata.four_properties import four_properties

Placed = tuple[tuple[str, ...], Remark]
"""The items that a remark is about, and the remark."""

_NAME, _SENTENCE = 300, 1000

_OWN: dict[str, tuple[Outcome, str, str, str, str]] = {
    # code: outcome, zh, en, next zh, next en
    "report.value_invalid": (Outcome.WARN, "“{subject}”的著录项 {field} 不合规则。", "The value of {field} of “{subject}” breaks the rule.", "请改正著录。", "Correct the description."),
    "report.value_unknown": (Outcome.WARN, "“{subject}”的 {field} 取值 {value} 不在制度目录中。", "The value {value} of {field} of “{subject}” is not in the profile.", "请改用目录中的取值。", "Use a value of the profile."),
    "report.date_future": (Outcome.WARN, "“{subject}”的日期 {value} 晚于检测之日。", "“{subject}” is dated {value}, later than the day of this check.", "请核对日期。", "Look at the date."),
    "report.date_early": (Outcome.WARN, "“{subject}”的日期 {value} 早于 1949 年。", "“{subject}” is dated {value}, before 1949.", "请核对日期。", "Look at the date."),
    "report.year_differs": (Outcome.WARN, "“{subject}”的年度 {year} 与日期 {value} 不一致。", "The year {year} of “{subject}” does not agree with its date {value}.", "请核对年度。", "Look at the year."),
    "report.pages_zero": (Outcome.WARN, "“{subject}”的页数为零。", "“{subject}” is said to have no pages.", "请核对页数。", "Look at the number of pages."),
    "report.case_dates": (Outcome.WARN, "停保日期 {stopped} 早于立档日期 {opened}。", "The case ends on {stopped}, before it began on {opened}.", "请核对两个日期。", "Look at both dates."),
    "report.special_characters": (Outcome.WARN, "“{subject}”的题名含特殊字符。", "The title of “{subject}” has special characters.", "请改正题名。", "Correct the title."),
    "report.code_malformed": (Outcome.WARN, "档号 {value} 不符合任何模板。", "The archival code {value} has the form of no template.", "请核对档号。", "Look at the code."),
    "report.household_no_wrong": (Outcome.FAIL, "户号 {value} 的校验位不对。", "The check character of household number {value} is wrong.", "请核对户号。", "Look at the household number."),
    "report.alike": (Outcome.WARN, "“{subject}”与本卷另外 {count} 件的题名、类型和日期相同。", "“{subject}” has title, type and date of {count} more in this file.", "请核对是否重复。", "Look whether it was entered twice."),
    "report.mandatory_empty": (Outcome.WARN, "必填项“{element}”（{number}）在 {count} 件中为空，如“{subject}”。", "The mandatory element “{name}” ({number}) is empty in {count} records, as in “{subject}”.", "请在整理时补齐。", "Add it when the file is arranged."),
    "report.page_gap": (Outcome.WARN, "“{subject}”的页图序号不连续：缺 {missing}。", "The numbers of page images of “{subject}” have gaps: {missing} missing.", "请核对是否漏扫，或加以说明。", "Look whether pages were missed, or add a note."),
    "report.file_empty": (Outcome.WARN, "“{subject}”含 {count} 个空文件。", "“{subject}” has {count} empty files.", "请打开核对。", "Open and look."),
    "report.paper_missing": (Outcome.WARN, "缺少：{code} {zh}。", "Missing: {code} {en}.", "请补交，或在备考表中说明。", "Deposit it, or say in the file note why not."),
    "report.format_unfit": (Outcome.WARN, "{count} 个文件的格式 {format}（{puid}）不宜长期保存。", "{count} files have the format {format} ({puid}), unfit for the long term.", "请列入格式转换计划。", "Plan to convert them."),
    "report.format_unknown": (Outcome.WARN, "{count} 个文件的格式 {format}（{puid}）未列入可接收格式表。", "{count} files have the format {format} ({puid}), which is in no list.", "请由档案员判断。", "An archivist decides."),
    "report.format_refused": (Outcome.FAIL, "{count} 个文件的格式 {format}（{puid}）不予接收。", "{count} files have the format {format} ({puid}), which is not accepted.", "请转换后重新移交。", "Convert and deposit again."),
    "report.copy_faulty": (Outcome.FAIL, "“{subject}”在副本 {replica} 上最近一次重读的结果：{fault_zh}。", "The copy of “{subject}” on replica {replica} was found {fault} when last re-read.", "请运行修复（lantai fixity repair）。", "Repair it (lantai fixity repair)."),
    "report.copy_missing": (Outcome.WARN, "“{subject}”还没有写入副本 {replica}。", "“{subject}” is not yet written to replica {replica}.", "请检查该副本。", "Look at that replica."),
    "report.digest_differs": (Outcome.FAIL, "“{subject}”在目录中的摘要与台账登记的不同。", "The digest of “{subject}” in the catalogue is not the one that the ledger recorded.", "请立即核验台账并从副本重建目录。", "Verify the ledger at once and rebuild the catalogue from a replica."),
    "report.unconfirmed": (Outcome.WARN, "“{subject}”在副本上发现，台账中没有入库记录。", "“{subject}” was found on a replica; the ledger knows no accession of it.", "请核对来源。", "Find out where it came from."),
    "report.bag_unreadable": (Outcome.FAIL, "“{subject}”的信息包元数据无法读出。", "The metadata in the bag of “{subject}” cannot be read.", "请运行完整性检查并修复。", "Run a fixity audit and repair it."),
    "report.files_differ": (Outcome.FAIL, "“{subject}”登记 {recorded} 个文件，目录中有 {found} 个。", "“{subject}” is recorded with {recorded} files; the catalogue has {found}.", "请从副本重建目录。", "Rebuild the catalogue from a replica."),
    "report.ledger_altered": (Outcome.FAIL, "{zh}", "{en}", "请立即报告安全审计员。", "Tell the audit administrator at once."),
    "report.few_copies": (Outcome.FAIL, "只有 {count} 个副本，少于两个。", "There are only {count} replicas, fewer than two.", "请增加副本。", "Add a replica."),
}  # fmt: skip
_SEVERITY = {Outcome.FAIL: "error", Outcome.WARN: "warning"}


class Told(Protocol):
    """A finding as the table or a bag has it."""

    @property
    def code(self) -> str: ...
    @property
    def severity(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def path(self) -> str | None: ...
    @property
    def record_id(self) -> str | None: ...
    @property
    def params(self) -> Mapping[str, Any]: ...


def plain(text: str | None, longest: int = _NAME) -> str:
    """``text`` as a report may show it: personal numbers masked, whatever steers a reader's screen escaped."""
    if not text:
        return ""
    shown = "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in text[: longest + 1])
    shown = shown if len(text) <= longest else shown[:longest] + "…"
    return masked(shown)


def found(rows: Iterable[Told], *, archivist: bool) -> list[Placed]:
    """Findings of a deposit as remarks with their items; what only archivists may know is left out for others."""
    return [_placed(one) for one in rows if archivist or one.code not in ARCHIVIST_ONLY]


def _placed(one: Told) -> Placed:
    known = four_properties()
    kind = KINDS.get(one.code)
    outcome = Outcome(one.outcome) if one.outcome in set(Outcome) else Outcome.WARN
    if one.code in known.not_checked and outcome is not Outcome.FAIL:
        outcome = Outcome.NOT_CHECKED
    remark = Remark(
        code=one.code,
        severity=one.severity,
        outcome=outcome,
        subject=plain(one.path),
        said=Words(plain(sentence(one, "zh"), _SENTENCE), plain(sentence(one, "en"), _SENTENCE)),
        advice=Words(kind.next_zh, kind.next_en) if kind else Words("", ""),
        clause=kind.clause if kind else "",
        record_id=one.record_id,
        params=one.params,
    )
    return known.items_of(one.code, remark.clause), remark


def own(known: str, /, *items: str, subject: str = "", record_id: str | None = None, **values: object) -> Placed:
    """A remark of the report itself by its code, about ``items``; ``values`` fill its sentence."""
    outcome, zh, en, next_zh, next_en = _OWN[known]
    filled = {name: plain(str(value)) for name, value in values.items()} | {"subject": plain(subject)}
    return items, Remark(
        code=known,
        severity=_SEVERITY[outcome],
        outcome=outcome,
        subject=plain(subject),
        said=Words(zh.format_map(filled), en.format_map(filled)),
        advice=Words(next_zh, next_en),
        record_id=record_id,
    )
