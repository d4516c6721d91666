"""What is known of the files of a deposit or of records: how many were identified, opened, signed, and their formats."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ingest.outcome import Outcome
from ingest.report.model import Evidence, Words
from ingest.report.remarks import Placed, own
from metadata.formats import Fitness, fitness

_MEASURES = ("pages", "width", "seconds", "sheets", "text_chars")
"""Keys of ``SubmissionFile.technical`` that only a file which was opened and read to its end has."""
_RUNNING = re.compile(r"(.*?)(\d{1,6})\)?\.[^.]*\Z", re.DOTALL)
_SHOWN = 12
_ANSWERS = frozenset({"clean", "found", "infected"})


class Seen(NamedTuple):
    """One file as a report looks at it. ``opened`` None: nobody tried to read it; False: it was looked into only."""

    path: str
    size: int
    puid: str | None
    format: str | None
    mime: str | None
    opened: bool | None
    signatures: int
    record_id: str | None
    scanned: bool = False
    camera: bool = False

    @property
    def is_page(self) -> bool:
        """Whether it may be one image of a run of pages: photographs carry the numbers of their camera."""
        return (self.mime or "").startswith("image/") and not self.camera


def measured(technical: Mapping[str, Any] | None) -> bool | None:
    """Whether what a check noted shows that the file was read; None when no check looked into it."""
    if technical is None or not technical.keys() - {"virus"}:
        return None
    return any(technical.get(name) is not None for name in _MEASURES)


def was_scanned(technical: Mapping[str, Any] | None) -> bool:
    """Whether a virus scanner has answered about the file."""
    return (technical or {}).get("virus") in _ANSWERS


def by_camera(technical: Mapping[str, Any] | None) -> bool:
    """Whether the file is a photograph that names its camera."""
    return bool((technical or {}).get("camera"))


@dataclass
class FileFacts:
    """Counts over files; ``content`` are those with at least one byte."""

    files: int = 0
    bytes: int = 0
    content: int = 0
    identified: int = 0
    looked: int = 0
    opened: int = 0
    signatures: int = 0
    scanned: int = 0
    unowned: int = 0
    mails: int = 0
    formats: Counter[tuple[str, str]] = field(default_factory=Counter)
    unopened: Counter[str] = field(default_factory=Counter)

    def add(self, one: Seen) -> None:
        """Count one file."""
        self.files += 1
        self.bytes += one.size
        self.unowned += one.record_id is None
        self.mails += one.mime == "message/rfc822"
        if one.size == 0:
            return
        self.content += 1
        self.identified += bool(one.mime)
        self.looked += one.opened is not None
        self.scanned += one.scanned
        self.signatures += one.signatures
        if one.opened:
            self.opened += 1
        else:
            self.unopened[one.format or one.mime or "?"] += 1
        if one.mime:
            self.formats[one.puid or "", one.format or one.mime] += 1


def of_all(files: Iterable[Seen]) -> FileFacts:
    """The counts over ``files``."""
    facts = FileFacts()
    for one in files:
        facts.add(one)
    return facts


def evidence(facts: FileFacts, tools: Mapping[str, str]) -> dict[str, Evidence]:
    """A9, I7, U3, U4, U5, U7 from the files; a check that did not reach every file is not a pass."""
    found: dict[str, Evidence] = {}
    identifying = tuple(name for name in ("siegfried", "libmagic") if name in tools)
    reading = tuple(sorted(set(tools) - {"siegfried", "libmagic"} - set(scanners(tools))))
    total = facts.content
    if not total:
        none = Evidence(Outcome.NOT_APPLICABLE, Words("没有有内容的文件。", "No file has any content."))
        return dict.fromkeys(("A9", "I7", "U3", "U4", "U5", "U7"), none)
    told = Words(
        f"识别了 {facts.identified} 个文件，共 {total} 个。", f"{facts.identified} of {total} files were identified."
    )
    result = Outcome.PASS if facts.identified >= total else Outcome.NOT_CHECKED
    for code in ("A9", "U3", "U5"):
        found[code] = Evidence(result, told, facts.identified, total, identifying)
    opened = Outcome.PASS if facts.opened >= total else Outcome.NOT_CHECKED
    told = Words(
        f"读通了 {facts.opened} 个文件，共 {total} 个。", f"{facts.opened} of {total} files were read through."
    )
    if facts.opened < total:
        kinds = "、".join(f"{name}（{count}）" for name, count in sorted(facts.unopened.items())[:_SHOWN])
        kinds_en = ", ".join(f"{name} ({count})" for name, count in sorted(facts.unopened.items())[:_SHOWN])
        told = Words(f"{told.zh}未读通：{kinds}。", f"{told.en} Not read: {kinds_en}.")
    found["U4"] = Evidence(opened, told, facts.opened, total, reading)
    found["I7"] = Evidence(opened, told, facts.opened, total, reading)
    looked = Outcome.PASS if facts.looked >= total else Outcome.NOT_CHECKED
    told = Words(f"检查了 {facts.looked} 个文件，共 {total} 个。", f"{facts.looked} of {total} files were looked into.")
    found["U7"] = Evidence(looked, told, facts.looked, total, reading)
    return found


_UNFIT = {
    Fitness.CONVERT: ("report.format_unfit", ("U5",)),
    Fitness.UNKNOWN: ("report.format_unknown", ("U3", "U5")),
    Fitness.REFUSE: ("report.format_refused", ("U3", "U5")),
}


def format_remarks(facts: FileFacts) -> list[Placed]:
    """One remark for each format that is not fit to stay as it is (DA/T 70 U3, U5)."""
    made = []
    for (puid, name), count in sorted(facts.formats.items()):
        known = _UNFIT.get(fitness(puid))
        if known is not None:
            code, items = known
            made.append(own(code, *items, count=count, format=name, puid=puid or "–"))
    return made


def scanners(tools: Mapping[str, str]) -> list[str]:
    """Names of virus scanners among the tools of a deposit."""
    return sorted(name for name in tools if name.lower().startswith(("clam", "virus")))


def fixed(facts: FileFacts, *, bags: int) -> Evidence:
    """A1 at the deposit: digests that came with bags, signatures that are listed and not verified."""
    if facts.looked < facts.content:
        words = Words("没有逐个文件查找电子签名。", "Not every file was searched for signatures.")
        return Evidence(Outcome.NOT_CHECKED, words, facts.looked, facts.content)
    if facts.signatures:
        words = Words(
            f"登记了 {facts.signatures} 个电子签名或印章，没有验证。",
            f"{facts.signatures} signatures or seals are listed; they were not verified.",
        )
        return Evidence(Outcome.NOT_CHECKED, words, 0, facts.signatures)
    if bags:
        words = Words(f"核验了 {bags} 个信息包的摘要。", f"The digests of {bags} bags were verified.")
        return Evidence(Outcome.PASS, words, bags, bags)
    words = Words("没有随附的摘要、签名或时间戳。", "No digests, signatures or time-stamps came with it.")
    return Evidence(Outcome.NOT_APPLICABLE, words)


def page_gaps(names: Iterable[str]) -> list[int]:
    """Numbers missing in a run of page images named ``scan_001.jpg`` and so on; empty when the names are no such run."""
    numbers: list[int] = []
    stems = set()
    for name in names:
        match = _RUNNING.match(name.rpartition("/")[2])
        if match is None:
            return []
        stems.add(match.group(1))
        numbers.append(int(match.group(2)))
    if len(numbers) < 2 or len(stems) != 1 or len(set(numbers)) != len(numbers):
        return []
    first, last = min(numbers), max(numbers)
    if last - first > 10 * len(numbers):  # names that end in a date or a serial of the camera are no page numbers
        return []
    return sorted(set(range(first, last + 1)) - set(numbers))
