"""The report of a deposit, in stage G (归档) or T (移交与接收): what was checked on the way in, and what was not."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from access import gate
from access.actors import Actor
from ingest.decisions import findings_of
from ingest.findings import told_to
from ingest.outcome import Outcome
from ingest.report import descriptions
from ingest.report import files as file_facts
from ingest.report.copies import ledger_evidence
from ingest.report.deposited import Deposited, gathered
from ingest.report.descriptions import Described
from ingest.report.files import scanners
from ingest.report.kept import ledger_state
from ingest.report.making import LEDGER_BLOCKS, made, most_protected, organ_words
from ingest.report.model import Evidence, Report, Subject, Words, judged
from ingest.report.remarks import Placed, found, own, plain
from ingest.submissions import read_submission
from metadata.errors import NotFound
from metadata.required import expected
from metadata.rights import Permission
from repository.archive import Archive
from repository.clock import local_date
from repository.tables import LedgerEntry, Organ, Submission

_ONLINE = frozenset({"web", "api", "tus", "remote", "report", "watched"})
_CHANNELS = {
    "console": Words("命令行", "console"),
    "web": Words("网页", "web page"),
    "api": Words("接口", "program"),
    "remote": Words("远程命令行", "remote command"),
    "watched": Words("监视目录", "watched folder"),
    "report": Words("检测报告", "report filed"),
}
_STATES = {
    "receiving": Words("接收中", "receiving"),
    "examining": Words("检测中", "being examined"),
    "waiting": Words("待决定", "waiting for a decision"),
    "accepted": Words("已接收", "accepted"),
    "storing": Words("入库中", "being stored"),
    "done": Words("已入库", "in the holdings"),
    "rejected": Words("须改正", "to be mended"),
    "returned": Words("已退回", "returned"),
    "withdrawn": Words("已撤回", "withdrawn"),
    "failed": Words("中断", "failed"),
}


def of_submission(
    session: Session,
    *,
    archive: Archive,
    actor: Actor,
    submission_id: str,
    stage: str = "G",
    synthetic: bool = False,
    ledger_blocks: int = LEDGER_BLOCKS,
    for_all: bool = False,
) -> Report:
    """The report of a deposit, whatever state it is in; the caller has made sure that ``actor`` may see the deposit.

    ``stage``: ``G`` or ``T``. ``NotFound`` for an unknown deposit. After a rebuild, when its rows are gone, findings
    and files come from the bags of those of its records that ``actor`` may read. ``for_all``: others will read it too,
    so that nothing is told which only archivists may know.
    """
    submission = read_submission(session, submission_id)
    organ = session.get_one(Organ, submission.organ_id)
    profile = archive.profile
    archivist = not for_all and gate.allowed_at(
        actor, Permission.ACCEPT, profile, division_code=organ.division_prefix, organ_id=organ.id
    )
    deposit = gathered(session, archive, actor, submission)
    tools = dict(submission.counts.get("tools", {}))
    evidence = file_facts.evidence(deposit.facts, tools)
    remarks = file_facts.format_remarks(deposit.facts)
    today = local_date(archive.clock.now(), archive.zone)
    told, more = descriptions.looked_at(_described(submission, deposit), profile, today, kept=False)
    evidence |= told
    remarks += more
    evidence |= _passed_by(deposit, tools)
    evidence |= _packages(deposit)
    more = _pages(deposit, evidence)
    remarks += more
    evidence |= _process(session, deposit)
    evidence["X6"], more = ledger_evidence(ledger_state(session, archive, ledger_blocks))
    remarks += more
    evidence["A7"], more = _numbers(archive, submission, deposit)
    remarks += more
    if stage == "G":
        evidence["I9"], more = _scope(session, archive, actor, submission, deposit)
        remarks += more
    if not deposit.examined:
        evidence = _unexamined(submission, evidence)
    rows = (
        deposit.lost.findings
        if deposit.lost is not None
        else findings_of(session, submission.id, told_to(actor.id, may_accept=archivist))
    )
    remarks += found(rows, archivist=archivist)
    items, outside = judged(stage, evidence, remarks)
    levels, marks = _protection(deposit)
    return Report(
        stage=stage,
        subject=_subject(session, submission, deposit),
        made=made(session, archive, actor, synthetic=synthetic),
        items=items,
        tools=tools,
        outside=outside,
        scope=_scope_words(deposit),
        access_level=most_protected(levels),
        access_marks=tuple(sorted(marks)),
    )


def _described(submission: Submission, deposit: Deposited) -> list[Described]:
    """Descriptions as packed, else as the deposit list has them."""
    made_of = []
    for one in deposit.plans:
        spec = one["spec"]
        values = spec.get("description")
        if values is None and "listed" in spec:
            listed = {name: value for name, value in spec["listed"].items() if name != "household_nos"}
            values = {"document_type": submission.options.get("document_type"), **listed, "title": spec["title"]}
            values = {name: value for name, value in values.items() if value is not None}
        if values is not None:
            households = tuple(spec.get("listed", {}).get("household_nos", ()))
            made_of.append(Described(one["record_id"], str(values.get("title", "")), values, households=households))
    return made_of


def _passed_by(deposit: Deposited, tools: dict[str, str]) -> dict[str, Evidence]:
    """What every deposit passes on its way (A8, X3, names), and the scanner's work (X1, X2)."""
    facts = deposit.facts
    words = Words(f"按摘要比较了 {facts.files} 个文件。", f"{facts.files} files were compared by digest.")
    every = Evidence(Outcome.PASS, words, facts.files, facts.files)
    made_of: dict[str, Evidence] = {"A8": every}
    words = Words(f"查看了 {facts.files} 个文件及其名称。", f"{facts.files} files and their names were looked at.")
    made_of["X3"] = Evidence(Outcome.PASS, words, facts.files, facts.files)
    if deposit.facts.looked < facts.content:
        gap = Words("没有检查全部文件的文字和名称。", "Not every file was searched for damaged text.")
        made_of["A6"] = Evidence(Outcome.NOT_CHECKED, gap, facts.looked, facts.content)
    else:
        made_of["A6"] = Evidence(Outcome.PASS, words, facts.files, facts.files)
    names = tuple(scanners(tools))
    if not names:
        none = Words("没有经过病毒检查。", "No virus scanner was run.")
        made_of |= dict.fromkeys(("X1", "X2"), Evidence(Outcome.NOT_CHECKED, none, 0, facts.content))
        return made_of
    engine = "；".join(f"{name} {tools[name]}" for name in names)
    made_of["X1"] = Evidence(Outcome.PASS, Words(f"杀毒引擎：{engine}。", f"Scanner: {engine}."), tools=names)
    words = Words(
        f"检查了 {facts.scanned} 个文件，共 {facts.content} 个。",
        f"{facts.scanned} of {facts.content} files were scanned.",
    )
    result = Outcome.PASS if facts.scanned >= facts.content else Outcome.NOT_CHECKED
    made_of["X2"] = Evidence(result, words, facts.scanned, facts.content, names)
    return made_of


def _packages(deposit: Deposited) -> dict[str, Evidence]:
    """Lists, bags and containers (A1, A10 to A13, I1, I2, I10, I11, U1); what did not come does not apply."""
    lists = deposit.roles.get("list", 0)
    opened = deposit.roles.get("opened", 0) + deposit.roles.get("container", 0)
    bags = deposit.bags
    none = Evidence(Outcome.NOT_APPLICABLE, Words("没有随附信息包。", "No package came with it."))
    in_bags = Evidence(Outcome.PASS, Words(f"核验了 {bags} 个信息包。", f"{bags} bags were validated."), bags, bags)
    made_of = dict.fromkeys(("A13", "I2", "I10", "I11"), in_bags if bags else none)
    if lists and not bags:
        gap = Words(
            "移交清单没有摘要，只比较了文件名。", "The deposit list gives no digests; only names were compared."
        )
        made_of["A13"] = Evidence(Outcome.NOT_CHECKED, gap)
    unlisted = Evidence(Outcome.NOT_APPLICABLE, Words("没有移交清单。", "There is no deposit list."))
    read = Evidence(Outcome.PASS, Words("移交清单可以解析。", "The deposit list was read."), lists, lists)
    made_of["A11"] = read if lists else unlisted
    compared = Words("清单与收到的文件逐一比较。", "The list was compared with what came.")
    made_of["I1"] = Evidence(Outcome.PASS, compared, deposit.facts.files, deposit.facts.files) if lists else unlisted
    both = bags + opened
    words = Words(
        f"检查了 {bags} 个信息包、{opened} 个压缩包、{lists} 份清单。",
        f"{bags} bags, {opened} containers and {lists} lists were checked.",
    )
    made_of["A12"] = Evidence(Outcome.PASS, words, both, both) if both else none
    made_of["U1"] = Evidence(Outcome.PASS, words, both + lists, both + lists) if both or lists else none
    made_of["A1"] = file_facts.fixed(deposit.facts, bags=bags)
    owned = deposit.facts.files - deposit.facts.unowned
    words = Words(
        f"{owned} 个文件（共 {deposit.facts.files} 个）归入 {len(deposit.plans)} 件。",
        f"{owned} of {deposit.facts.files} files belong to {len(deposit.plans)} records.",
    )
    result = Outcome.PASS if deposit.plans and not deposit.facts.unowned else Outcome.NOT_CHECKED
    made_of["A10"] = Evidence(result, words, owned, deposit.facts.files)
    return made_of


def _pages(deposit: Deposited, evidence: dict[str, Evidence]) -> list[Placed]:
    """I6: the numbers of page images run without gaps."""
    titles = {one["record_id"]: str(one["spec"].get("title", "")) for one in deposit.plans}
    runs = len(deposit.images)
    if not runs:
        words = Words("没有按页编号的图像。", "There are no numbered page images.")
        evidence["I6"] = Evidence(Outcome.NOT_APPLICABLE, words)
        return []
    words = Words(f"检查了 {runs} 件页图的序号。", f"The page numbers of {runs} records were checked.")
    evidence["I6"] = Evidence(Outcome.PASS, words, runs, runs)
    remarks = []
    for record_id, names in deposit.images.items():
        if missing := file_facts.page_gaps(names):
            shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
            subject = titles.get(record_id, "")
            remarks.append(own("report.page_gap", "I6", subject=subject, record_id=record_id, missing=shown))
    return remarks


def _process(session: Session, deposit: Deposited) -> dict[str, Evidence]:
    """I5, I8, U2, U6, X4, X5: process, attachments, environment, carriers."""
    submission = deposit.submission
    acts = session.scalar(select(func.count()).where(LedgerEntry.submission_id == submission.id)) or 0
    words = Words(f"台账中有这次移交的 {acts} 条记录。", f"The ledger has {acts} entries of this deposit.")
    made_of = {"I5": Evidence(Outcome.PASS if acts else Outcome.NOT_CHECKED, words, acts, acts)}
    person = Words("附件是否齐全由人核对。", "Whether all attachments are there is for a person to say.")
    made_of["I8"] = Evidence(Outcome.MANUAL, person)
    person = Words("形成环境由人核对。", "The environment that the documents came from is compared by a person.")
    made_of["U6"] = Evidence(Outcome.MANUAL, person)
    planned = len(deposit.going)
    entered = sum(1 for one in deposit.plans if one["state"] == "accessioned")
    words = Words(f"{entered} 件（共 {planned} 件）已入目录。", f"{entered} of {planned} records are in the catalogue.")
    result = Outcome.PASS if planned and entered == planned else Outcome.NOT_CHECKED
    made_of["U2"] = Evidence(result, words, entered, planned)
    if submission.channel in _ONLINE:
        none = Words("在线移交，没有载体。", "Deposited over a line; there is no carrier.")
        carrier = Evidence(Outcome.NOT_APPLICABLE, none)
    else:
        person = Words("如用脱机载体移交，由人检查。", "If it came on an offline carrier, a person looks at it.")
        carrier = Evidence(Outcome.MANUAL, person)
    return made_of | dict.fromkeys(("X4", "X5"), carrier)


def _numbers(archive: Archive, submission: Submission, deposit: Deposited) -> tuple[Evidence, list[Placed]]:
    """A7: household numbers named; archival codes are given later, when the file is arranged."""
    numbers = {
        str(number) for one in deposit.plans for number in one["spec"].get("listed", {}).get("household_nos", ())
    }
    if submission.options.get("household_no"):
        numbers.add(str(submission.options["household_no"]))
    return descriptions.codes(archive.profile, [], sorted(numbers), len(deposit.going))


def _scope(
    session: Session, archive: Archive, actor: Actor, submission: Submission, deposit: Deposited
) -> tuple[Evidence, list[Placed]]:
    """I9: the papers of the one household file that this deposit is for, this deposit's own counted in."""
    number, programme = submission.options.get("household_no"), submission.options.get("programme")
    if not number:
        words = Words("按户检测，见各户档的报告。", "Judged household by household; see the reports of their files.")
        return Evidence(Outcome.NOT_APPLICABLE, words), []
    try:
        case = gate.get_case(session, actor, str(number), archive.profile, programme=programme)
    except NotFound:
        words = Words("户档尚未建立。", "The household file is not there yet.")
        return Evidence(Outcome.NOT_CHECKED, words), []
    lists = gate.allowed_at(
        actor, Permission.RECORD_LIST, archive.profile, division_code=case.division_code, organ_id=case.organ_id
    )
    if not lists:
        words = Words("检测人无权列出本卷全部文件。", "Who made the report may not list everything in the file.")
        return Evidence(Outcome.NOT_CHECKED, words), []
    have = set(gate.kinds_present(session, case.id)) | _types(submission, deposit)
    required = expected(archive.profile, case.programme, case.state)
    missing = [one for one in required if one.code not in have]
    there = len(required) - len(missing)
    words = Words(
        f"应有 {len(required)} 种，已有 {there} 种。", f"{there} of {len(required)} required papers are there."
    )
    remarks = [own("report.paper_missing", "I9", code=one.code, zh=one.zh, en=one.en) for one in missing]
    return Evidence(Outcome.PASS, words, there, len(required)), remarks


def _types(submission: Submission, deposit: Deposited) -> set[str]:
    told = {submission.options.get("document_type")}
    for one in deposit.plans:
        spec = one["spec"]
        told.add((spec.get("description") or spec.get("listed") or {}).get("document_type"))
    return {str(one) for one in told if one}


def _unexamined(submission: Submission, evidence: dict[str, Evidence]) -> dict[str, Evidence]:
    """Nothing counts as checked before the examination has ended, whatever was seen so far."""
    state = _named(_STATES, submission.state)
    words = Words(
        f"移交处于“{state.zh}”状态，检测没有完成。", f"The deposit is “{state.en}”; its examination has not ended."
    )
    gap = Evidence(Outcome.NOT_CHECKED, words)
    return {code: one if one.result is Outcome.MANUAL else gap for code, one in evidence.items()}


def _named(words: dict[str, Words], code: str) -> Words:
    return words.get(code) or Words(code, code)


def _protection(deposit: Deposited) -> tuple[set[str], set[str]]:
    told = [one["spec"].get("description") or one["spec"].get("listed") or {} for one in deposit.plans]
    levels = {str(one["access_level"]) for one in told if one.get("access_level")}
    return levels, {str(mark) for one in told for mark in one.get("access_marks") or ()}


def _scope_words(deposit: Deposited) -> Words:
    if deposit.lost is not None:
        return Words(
            f"目录库重建过：据检测人有权查看的 {len(deposit.plans)} 件的信息包。",
            f"The catalogue was rebuilt: told from the bags of the {len(deposit.plans)} records that its maker may see.",
        )
    return Words(
        f"检测范围：本次移交的 {deposit.facts.files} 个文件。",
        f"Covers the {deposit.facts.files} files of this deposit.",
    )


def _subject(session: Session, submission: Submission, deposit: Deposited) -> Subject:
    number = submission.options.get("household_no")
    if number is None and deposit.plans:
        named = {one for plan in deposit.plans for one in plan["spec"].get("listed", {}).get("household_nos", ())}
        number = named.pop() if len(named) == 1 else None
    facts = [
        (Words("移交编号", "Deposit"), Words(submission.id, submission.id)),
        (Words("移交方式", "Channel"), _named(_CHANNELS, submission.channel)),
        (Words("状态", "State"), _named(_STATES, submission.state)),
        (Words("件数", "Records"), Words(str(len(deposit.going)), str(len(deposit.going)))),
        (Words("文件数", "Files"), Words(str(deposit.facts.files), str(deposit.facts.files))),
        (Words("字节数", "Bytes"), Words(f"{deposit.facts.bytes:,}", f"{deposit.facts.bytes:,}")),
    ]
    if behind := len(deposit.plans) - len(deposit.going):
        facts.insert(4, (Words("未接收", "Left out"), Words(f"{behind} 件", f"{behind} records")))
    if number:
        facts.insert(1, (Words("户号", "Household number"), Words(str(number), str(number))))
    title = plain(submission.title) if submission.title != "-" else ""
    return Subject("submission", submission.id, title, organ_words(session, submission.organ_id), tuple(facts))
