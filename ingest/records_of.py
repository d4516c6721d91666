"""What becomes one record (件): pure rules over the names that were received.

In this order: what the deposit list says; a deposited bag; with the option ``one_record`` everything that is left; a
mail with what was taken out of it; a run of page images (same folder, same stem, running numbers, image formats); a
file alone. A record has at most
``limit`` files; more become further records, said in a finding.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from ingest.deposit_list import DepositList, ListedRecord
from ingest.files import FileRow, bag_roots, folder_of, name_of, root_of
from ingest.outcome import Finding
from metadata.formats import is_image

_RUNNING = re.compile(r"(.*?)[ _.\-（(]*(\d{1,6})[)）]?\Z", re.DOTALL)
_IMAGE_SUFFIXES = {
    "jpg": "jpg", "jpeg": "jpg", "tif": "tif", "tiff": "tif", "png": "png", "bmp": "bmp", "jp2": "jp2", "gif": "gif",
    "webp": "webp",
}  # fmt: skip


@dataclass(slots=True)
class RecordOf:
    """One record to be made: its files as indexes into the rows given, in order."""

    title: str
    kind: str
    files: list[int]
    listed: ListedRecord | None = None
    root: str | None = None
    part: int = 0
    tags: list[int] = field(default_factory=list)


_DEVICE_WORDS = frozenset(
    {
        "scan",
        "scanned",
        "img",
        "image",
        "dsc",
        "dscn",
        "dscf",
        "pic",
        "picture",
        "photo",
        "p",
        "pxl",
        "mvi",
        "vid",
        "rec",
    }
    | {"recording", "voice", "camera", "screenshot", "mmexport", "wx", "page", "file", "doc", "document", "wechat"}
    | {
        "扫描",
        "扫描件",
        "扫描文件",
        "照片",
        "图片",
        "图像",
        "拍照",
        "相机",
        "截图",
        "录音",
        "录像",
        "文件",
        "文档",
        "页",
    }
    | {"微信图片", "微信截图"}
)


def named_by_device(title: str) -> bool:
    """Whether a title says nothing but what a camera or scanner calls every file: ``IMG_0012``, ``scan``, ``微信图片_2026``."""
    return all(not word or word in _DEVICE_WORDS for word in re.split(r"[\W\d_]+", title.casefold()))


def name_by_type(records: Sequence[RecordOf], type_name: str) -> None:
    """Call records that only a device named by the type that the depositor chose for all, numbered when there are several."""
    nameless = [one for one in records if one.kind in {"file", "pages"} and named_by_device(one.title)]
    for number, one in enumerate(nameless, start=1):
        one.title = type_name if len(nameless) == 1 else f"{type_name} ({number})"


def group(
    rows: Sequence[FileRow], *, listed: DepositList | None, prefix: str, one_record: bool, title: str, limit: int
) -> tuple[list[RecordOf], list[Finding]]:
    """Records in the order of their first file (listed ones in the list's order, first), and what is to be said.

    ``prefix`` is the folder of the deposit list; ``title`` names the one record of ``one_record``.
    """
    payload = [number for number, row in enumerate(rows) if row.role == "payload"]
    taken: set[int] = set()
    records = list(_listed(rows, payload, listed, prefix, taken))
    rest = [number for number in payload if number not in taken]
    bags, rest, said = _bags(rows, rest, title)
    if one_record and rest:
        single = [RecordOf(title, "whole", rest)]
    else:
        mails, rest = _mails(rows, rest)
        single = [*mails, *_alone(rows, rest)]
    free = sorted([*bags, *single], key=lambda one: one.files[0])
    whole, split = _split([*records, *free], limit)
    return whole, said + split


def _listed(
    rows: Sequence[FileRow], payload: list[int], listed: DepositList | None, prefix: str, taken: set[int]
) -> Iterator[RecordOf]:
    if listed is None:
        return
    at = {rows[number].path: number for number in payload}
    base = prefix + "/" if prefix else ""
    for entry in listed.records:
        files = [at[base + path] for path in entry.files if base + path in at and at[base + path] not in taken]
        taken.update(files)
        if files:
            yield RecordOf(entry.title, "listed", files, listed=entry)


def _bags(rows: Sequence[FileRow], rest: list[int], title: str) -> tuple[list[RecordOf], list[int], list[Finding]]:
    roots = bag_roots([row.path for row in rows if row.role == "tag"])
    bags: dict[str, RecordOf] = {root: RecordOf(name_of(root) or title, "bag", [], root=root) for root in roots}
    left: list[int] = []
    for number in rest:
        root = root_of(rows[number].path, roots)
        if root is None:
            left.append(number)
        else:
            bags[root].files.append(number)
    for number, row in enumerate(rows):
        if row.role == "tag" and (root := root_of(row.path, roots)) is not None:
            bags[root].tags.append(number)
    said = [Finding("bag.empty", root or ".") for root, bag in bags.items() if not bag.files]
    return [bag for bag in bags.values() if bag.files], left, said


def _mails(rows: Sequence[FileRow], rest: list[int]) -> tuple[list[RecordOf], list[int]]:
    """Each outermost mail with all that came out of it, through any containers in between, and what is left.

    Of the files that others were taken out of only a mail is kept itself; other containers are no payload.
    """
    if not any(row.container for row in rows):
        return [], rest
    free = set(rest)
    holders = {row.container for row in rows if row.container is not None}
    at: dict[str, int] = {}
    mail_of: dict[int, int] = {}  # the mail in which a row lies; a mail in no other lies in itself
    for number, row in enumerate(rows):
        outer = at.get(row.container) if row.container is not None else None
        if outer is not None and outer in mail_of:
            mail_of[number] = mail_of[outer]
        elif row.role == "payload" and number in free and row.path in holders:
            mail_of[number] = number
        if row.path in holders:
            at[row.path] = number
    groups: dict[int, list[int]] = defaultdict(list)
    for number in rest:
        if number in mail_of:
            groups[mail_of[number]].append(number)
    mails = [RecordOf(_title(rows[first].path), "mail", some) for first, some in groups.items()]
    return mails, [number for number in rest if number not in mail_of]


def _alone(rows: Sequence[FileRow], rest: Iterable[int]) -> Iterator[RecordOf]:
    runs: dict[tuple[str, str, str, str | None], list[tuple[int, int]]] = defaultdict(list)
    for number in rest:
        row = rows[number]
        stem, _, suffix = name_of(row.path).rpartition(".")
        kind = _IMAGE_SUFFIXES.get(suffix.lower())
        found = _RUNNING.match(stem) if kind and (row.mime is None or is_image(row.mime)) else None
        if found is None or kind is None:
            yield RecordOf(_title(row.path), "file", [number])
        else:
            key = (folder_of(row.path), found.group(1).casefold(), kind, row.container)
            runs[key].append((int(found.group(2)), number))
    for pages in runs.values():
        for run in _consecutive(sorted(pages)):
            first = rows[run[0]]
            if len(run) == 1:
                yield RecordOf(_title(first.path), "file", run)
            else:
                yield RecordOf(_title_of_pages(first.path, rows[run[-1]].path), "pages", run)


def _title_of_pages(first: str, last: str) -> str:
    """What the names of pages have in common; cameras number by date, so a cut number names nothing."""
    running = _RUNNING.match(_title(first))
    named = running.group(1).rstrip(" _.-") if running else ""
    if named and not named[-1].isdigit():
        return named
    return name_of(folder_of(first)) or f"{_title(first)}–{_title(last)}"


def _consecutive(pages: list[tuple[int, int]]) -> Iterator[list[int]]:
    run: list[int] = []
    last: int | None = None
    for page, number in pages:
        if last is not None and page != last + 1:
            yield run
            run = []
        run.append(number)
        last = page
    if run:
        yield run


def _title(path: str) -> str:
    name = name_of(path)
    stem, dot, suffix = name.rpartition(".")
    return stem if dot and stem and len(suffix) <= 10 else name


def _split(records: list[RecordOf], limit: int) -> tuple[list[RecordOf], list[Finding]]:
    whole: list[RecordOf] = []
    found: list[Finding] = []
    for one in records:
        if len(one.files) <= limit:
            whole.append(one)
            continue
        parts = [one.files[start : start + limit] for start in range(0, len(one.files), limit)]
        told = {"files": len(one.files), "limit": limit, "records": len(parts)}
        found.append(Finding("record.split", one.title, told))
        whole += [
            RecordOf(f"{one.title} ({number}/{len(parts)})", one.kind, files, one.listed, one.root, number, one.tags)
            for number, files in enumerate(parts, start=1)
        ]
    return whole, found
