"""Copies, ledger, bags and process of what is kept, as evidence (A1, A10, A12, A13, I1, I2, I5 to I8, I10, I11, U, X)."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.outcome import Outcome
from ingest.report.files import FileFacts, page_gaps, scanners
from ingest.report.kept import Holdings
from ingest.report.model import Evidence, Words
from ingest.report.remarks import Placed, own
from repository.archive import Archive
from repository.tables import Replica

Ledger = tuple[bool | None, int, list[tuple[str, str]]]

_FAULTS = {
    "damaged": "内容已损坏",
    "missing": "对象缺失",
    "unreadable": "无法读取",
    "unexpected": "多余对象",
    "stale": "过期未读",
}
_BAG_PARTS = 3
_LEAST_COPIES = 2
_MANUAL = {
    "I8": Words("附件是否齐全由人核对。", "Whether all attachments are there is for a person to say."),
    "U6": Words(
        "形成环境由人核对；所用工具的版本见报告。",
        "The environment is compared by a person; the tools used are named in the report.",
    ),
}
_NO_CARRIER = Words("保存在联机存储中，没有脱机载体。", "Kept in online stores; there is no offline carrier.")


def evidence(
    session: Session, archive: Archive, kept: Holdings, facts: FileFacts, ledger: Ledger
) -> tuple[dict[str, Evidence], list[Placed]]:
    """Evidence and remarks about how the records are kept."""
    found = {code: Evidence(Outcome.MANUAL, words) for code, words in _MANUAL.items()}
    found |= dict.fromkeys(("X4", "X5"), Evidence(Outcome.NOT_APPLICABLE, _NO_CARRIER))
    if not kept.records:
        none = Evidence(Outcome.NOT_APPLICABLE, Words("没有可检测的档案。", "There is no record to check."))
        found |= dict.fromkeys(_ALL, none)
        return found, []
    remarks = [*_reread(kept, found), *_recorded(kept, found), *_runs(kept, found), *_bags(kept, found)]
    if found["A1"].result is Outcome.PASS and facts.signatures:
        words = Words(
            f"{found['A1'].words.zh}{facts.signatures} 个电子签名或印章没有验证。",
            f"{found['A1'].words.en} {facts.signatures} signatures or seals were not verified.",
        )
        found["A1"] = Evidence(Outcome.NOT_CHECKED, words, *_counted(found["A1"]))
    found |= _scanned(kept)
    found["X3"] = _inventoried(session)
    found["X6"], told = ledger_evidence(ledger)
    remarks += told
    remarks += _enough(archive, found)
    return found, remarks


_ALL = ("A1", "A10", "A12", "A13", "I1", "I2", "I5", "I6", "I7", "I10", "I11", "U1", "U2", "X1", "X2", "X3", "X6", "X7")


def _counted(one: Evidence) -> tuple[int | None, int | None]:
    return one.checked, one.total


def _reread(kept: Holdings, found: dict[str, Evidence]) -> list[Placed]:
    """The last re-reading of every copy (A1, A12, I11): a pass only when each was re-read and found intact."""
    remarks = []
    states: Counter[str] = Counter()
    for one in kept.records:
        for replica, state in sorted(kept.copies.get(one.id, {}).items()):
            states[state] += 1
            told = {"subject": one.title, "record_id": one.id, "replica": replica}
            if state in _FAULTS:
                remarks.append(
                    own("report.copy_faulty", "A1", "I11", "X7", fault=state, fault_zh=_FAULTS[state], **told)
                )
            elif state == "pending":
                remarks.append(own("report.copy_missing", "A10", "X7", **told))
    total, intact = states.total(), states["intact"]
    unread = states["not_checked"]
    words = Words(
        f"{total} 份副本中 {intact} 份最近一次重读完好" + (f"，{unread} 份尚未重读。" if unread else "。"),
        f"{intact} of {total} copies were intact when last re-read"
        + (f"; {unread} have not been re-read yet." if unread else "."),
    )
    reread = total - states["not_checked"] - states["pending"]
    result = Outcome.PASS if total and reread == total else Outcome.NOT_CHECKED
    for code in ("A1", "A12", "I11"):
        found[code] = Evidence(result, words, reread, total)
    return remarks


def _recorded(kept: Holdings, found: dict[str, Evidence]) -> list[Placed]:
    """Catalogue, versions and ledger agree (A10, A13, I1, I2, I5, U2)."""
    remarks = []
    entered = same_size = 0
    for one in kept.records:
        version = kept.versions.get(one.id)
        files = kept.files.get(one.id, [])
        if version is None or len(files) != version.file_count:
            recorded = version.file_count if version else 0
            told = {"subject": one.title, "record_id": one.id}
            remarks.append(own("report.files_differ", "A10", "I1", recorded=recorded, found=len(files), **told))
        if version is not None and sum(file.size for file in files) == version.payload_bytes:
            same_size += 1
        digest = kept.ledger.get((one.id, one.head_version))
        entered += digest is not None
        if digest is None:
            if not one.confirmed:
                remarks.append(own("report.unconfirmed", "A13", "I5", subject=one.title, record_id=one.id))
        elif version is not None and digest != version.object_sha256:
            remarks.append(own("report.digest_differs", "A13", subject=one.title, record_id=one.id))
    count = len(kept.records)
    back = Words(f"{count} 件从目录逐件读回。", f"{count} records were read back from the catalogue.")
    found["U2"] = Evidence(Outcome.PASS, back, count, count)
    words = Words(
        f"{count} 件的文件数与登记逐件比较。", f"The files of {count} records were counted against the record."
    )
    found["A10"] = found["I1"] = Evidence(Outcome.PASS, words, count, count)
    words = Words(
        f"{same_size} 件（共 {count} 件）的字节数与登记相同。",
        f"The bytes of {same_size} of {count} records are as recorded.",
    )
    found["I2"] = Evidence(Outcome.PASS if same_size == count else Outcome.FAIL, words, same_size, count)
    words = Words(
        f"{entered} 件（共 {count} 件）在台账中有入库记录。",
        f"The ledger has the accession of {entered} of {count} records.",
    )
    result = Outcome.PASS if entered == count else Outcome.NOT_CHECKED
    found["I5"] = Evidence(result, words, entered, count)
    words = Words(
        f"{entered} 件（共 {count} 件）的摘要与台账登记的比较。",
        f"The digests of {entered} of {count} records were compared with those that the ledger recorded.",
    )
    found["A13"] = Evidence(result, words, entered, count)
    return remarks


def _runs(kept: Holdings, found: dict[str, Evidence]) -> list[Placed]:
    """Numbers of page images (I6), empty files (I7 by remark)."""
    remarks: list[Placed] = []
    runs = 0
    for one in kept.records:
        files = kept.files.get(one.id, [])
        empty = sum(1 for file in files if file.size == 0)
        if empty or not files:
            remarks.append(own("report.file_empty", "I7", subject=one.title, record_id=one.id, count=empty))
        images = [file.path for file in files if file.is_page]
        if len(images) < 2 or len(images) != len(files):
            continue
        runs += 1
        if missing := page_gaps(images):
            shown = ", ".join(map(str, missing[:10])) + (" …" if len(missing) > 10 else "")
            remarks.append(own("report.page_gap", "I6", subject=one.title, record_id=one.id, missing=shown))
    if runs:
        words = Words(f"检查了 {runs} 件页图的序号。", f"The page numbers of {runs} records were checked.")
        found["I6"] = Evidence(Outcome.PASS, words, runs, runs)
    else:
        words = Words("没有按页编号的图像。", "There are no numbered page images.")
        found["I6"] = Evidence(Outcome.NOT_APPLICABLE, words)
    return remarks


def _bags(kept: Holdings, found: dict[str, Evidence]) -> list[Placed]:
    """The metadata in each record's bag is whole and can be read (I10, U1)."""
    bags = [(one, kept.bags.get(one.id)) for one in kept.records]
    read = sum(1 for _, bag in bags if bag is not None and bag.readable)
    whole = sum(1 for _, bag in bags if bag is not None and len(bag.present) == _BAG_PARTS)
    count = len(bags)
    words = Words(f"从 {read} 个信息包（共 {count} 个）读出元数据。", f"Metadata was read from {read} of {count} bags.")
    found["U1"] = Evidence(Outcome.PASS, words, read, count)
    words = Words(
        f"{whole} 个信息包（共 {count} 个）的元数据齐全。", f"The metadata of {whole} of {count} bags is complete."
    )
    found["I10"] = Evidence(Outcome.PASS, words, whole, count)
    return [
        own("report.bag_unreadable", "U1", "I10", subject=one.title, record_id=one.id)
        for one, bag in bags
        if bag is None or not bag.readable or len(bag.present) < _BAG_PARTS
    ]


def _scanned(kept: Holdings) -> dict[str, Evidence]:
    """X1, X2: what was done when the records came in; nothing is scanned again while it is kept."""
    with_scanner = {
        one.id for one in kept.submissions.values() if scanners(one.counts.get("tools", {}))
    }  # a rebuilt catalogue keeps the counts of its submissions
    count = len(kept.records)
    covered = sum(1 for one in kept.records if one.submission_id in with_scanner)
    tools = tuple(scanners(kept.tools))
    words = Words(
        f"{covered} 件（共 {count} 件）在移交时经过病毒检查，入库后未再检查。",
        f"{covered} of {count} records were scanned when they were deposited, and not again since.",
    )
    result = Outcome.PASS if covered == count else Outcome.NOT_CHECKED
    return dict.fromkeys(("X1", "X2"), Evidence(result, words, covered, count, tools))


def _inventoried(session: Session) -> Evidence:
    """X3: every replica was searched for objects that no row knows."""
    replicas = session.execute(select(Replica.name, Replica.inventoried_at)).tuples().all()
    done = [name for name, at in replicas if at is not None]
    words = Words(
        f"{len(done)} 个副本（共 {len(replicas)} 个）清点过多余对象。",
        f"{len(done)} of {len(replicas)} replicas were searched for objects that do not belong.",
    )
    result = Outcome.PASS if replicas and len(done) == len(replicas) else Outcome.NOT_CHECKED
    return Evidence(result, words, len(done), len(replicas))


def ledger_evidence(ledger: Ledger) -> tuple[Evidence, list[Placed]]:
    """X6: the chain of the ledger, verified here and now."""
    good, blocks, problems = ledger
    if not blocks:
        words = Words("台账还没有封存的区块。", "The ledger has no sealed block yet.")
        return Evidence(Outcome.NOT_CHECKED, words), []
    if good is None:
        words = Words(
            f"台账有 {blocks} 个区块，本次没有核验；请运行 lantai ledger verify。",
            f"The ledger has {blocks} blocks and was not verified here; run `lantai ledger verify`.",
        )
        return Evidence(Outcome.NOT_CHECKED, words, 0, blocks), []
    words = Words(f"核验了台账的 {blocks} 个区块。", f"{blocks} blocks of the ledger were verified.")
    told = [own("report.ledger_altered", "X6", zh=zh, en=en) for zh, en in problems[:20]]
    return Evidence(Outcome.PASS, words, blocks, blocks), told


def _enough(archive: Archive, found: dict[str, Evidence]) -> list[Placed]:
    """X7: how many replicas there are; drills and premises are for a person."""
    count = len(archive.replicas.names)
    words = Words(
        f"共 {count} 个副本；恢复演练、系统漏洞和库房环境由人检查。",
        f"{count} replicas; restore drills, weaknesses of the system and premises are for a person.",
    )
    found["X7"] = Evidence(Outcome.MANUAL, words)
    return [own("report.few_copies", "X7", count=count)] if count < _LEAST_COPIES else []
