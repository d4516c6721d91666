"""Deposited bags against the BagIt profiles that they name (BagIt Profiles Specification 1.4; DA/T 70 A12).

Values of ``bag-info.txt`` are never repeated in a finding: contacts stand there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ingest.bag_profiles import BagProfile
from ingest.outcome import Finding, Outcome
from repository.bag.control import is_control, manifest_algorithm

_NAMED_IN = "bagit-profile-identifier"
_SERIALIZED = {
    "zip": {"application/zip", "application/x-zip", "application/x-zip-compressed"},
    "tar": {"application/tar", "application/x-tar"},
    "gz": {"application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar-compressed"},
    "tgz": {"application/gzip", "application/x-gzip", "application/x-tgz", "application/x-gtar-compressed"},
    "bz2": {"application/x-bzip2", "application/x-bzip"},
    "xz": {"application/x-xz"},
    "7z": {"application/x-7z-compressed"},
}
Reason = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BagFacts:
    """What the profile asks about: ``info`` as written, ``sizes`` of all files by path below the bag.

    ``container``: the name of the package in which the bag came, None for a folder.
    """

    info: Sequence[tuple[str, str]]
    version: str | None
    sizes: Mapping[str, int]
    container: str | None

    @property
    def payload(self) -> dict[str, int]:
        """Files below ``data/``."""
        return {path: size for path, size in self.sizes.items() if path.startswith("data/")}

    @property
    def tags(self) -> list[str]:
        """Tag files that BagIt itself does not know."""
        return [path for path in self.sizes if not path.startswith("data/") and not is_control(path)]

    def algorithms(self, *, tag: bool) -> set[str]:
        """Algorithms of the payload manifests, or of the tag manifests."""
        manifests = {path: manifest_algorithm(path) for path in self.sizes}
        return {one for path, one in manifests.items() if one and path.lower().startswith("tag") is tag}


def run(path: str, bag: BagFacts, profiles: Mapping[str, BagProfile]) -> Iterable[Finding]:
    """``bag_profile.violation`` for everything a named profile demands in vain; ``bag_profile.unknown`` is no pass."""
    named = dict.fromkeys(value.strip() for name, value in bag.info if name.strip().lower() == _NAMED_IN)
    for identifier in named:
        profile = profiles.get(identifier)
        if profile is None:
            yield Finding("bag_profile.unknown", path, {"profile": identifier[:300]}, Outcome.NOT_CHECKED)
            continue
        for check in _CHECKS:
            for zh, en in check(bag, profile):
                told = {"profile": identifier[:300], "reason_zh": zh, "reason_en": en}
                yield Finding("bag_profile.violation", path, told)


def _info(bag: BagFacts, profile: BagProfile) -> Iterator[Reason]:
    given: dict[str, list[str]] = {}
    for name, value in bag.info:
        given.setdefault(name.strip().lower(), []).append(value.strip())
    for name, wanted in profile.info.items():
        values = given.get(name.lower(), [])
        if wanted.required and not any(values):
            yield f"bag-info.txt 缺少“{name}”。", f"bag-info.txt lacks “{name}”."
        if not wanted.repeatable and len(values) > 1:
            yield f"bag-info.txt 中“{name}”只能出现一次。", f"“{name}” may stand in bag-info.txt only once."
        if wanted.values and any(value not in wanted.values for value in values):
            allowed = ", ".join(wanted.values[:10])
            yield (
                f"bag-info.txt 中“{name}”的值应为：{allowed}。",
                f"“{name}” in bag-info.txt must be one of: {allowed}.",
            )


def _manifests(bag: BagFacts, profile: BagProfile) -> Iterator[Reason]:
    for tag, required, allowed in (
        (False, profile.manifests_required, profile.manifests_allowed),
        (True, profile.tag_manifests_required, profile.tag_manifests_allowed),
    ):
        present = bag.algorithms(tag=tag)
        kind = "tagmanifest" if tag else "manifest"
        for name in (one.lower() for one in required):
            if name not in present:
                yield f"缺少 {kind}-{name}.txt。", f"{kind}-{name}.txt is missing."
        if allowed is not None:
            for name in sorted(present - {one.lower() for one in allowed}):
                yield f"不允许 {kind}-{name}.txt。", f"{kind}-{name}.txt is not allowed."


def _files(bag: BagFacts, profile: BagProfile) -> Iterator[Reason]:
    for name in profile.tag_files_required:
        if name not in bag.sizes:
            yield f"缺少标签文件“{name}”。", f"The tag file “{name}” is missing."
    payload = bag.payload
    for name in profile.payload_files_required:
        if name not in payload and not (name.endswith("/") and any(one.startswith(name) for one in payload)):
            yield f"缺少载荷文件“{name}”。", f"The payload file “{name}” is missing."
    yield from _only(bag.tags, profile.tag_files_allowed, "标签文件", "tag file")
    yield from _only(payload, profile.payload_files_allowed, "载荷文件", "payload file")


def _only(paths: Iterable[str], allowed: Sequence[str] | None, zh: str, en: str) -> Iterator[Reason]:
    """The first file that no pattern allows, and how many there are."""
    if allowed is None:
        return
    others = [path for path in paths if not any(fnmatchcase(path, one) for one in allowed)]
    if others:
        number = len(others)
        yield f"不允许的{zh} {number} 个，如“{others[0]}”。", f"{number} {en}(s) not allowed, as “{others[0]}”."


def _payload(bag: BagFacts, profile: BagProfile) -> Iterator[Reason]:
    sizes = list(bag.payload.values())
    if profile.data_empty and sizes not in ([], [0]):
        yield "载荷应为空。", "The payload must be empty."
    fetch = "fetch.txt" in bag.sizes
    if fetch and not profile.fetch_allowed:
        yield "不允许 fetch.txt。", "fetch.txt is not allowed."
    if not fetch and profile.fetch_required:
        yield "缺少 fetch.txt。", "fetch.txt is missing."


def _form(bag: BagFacts, profile: BagProfile) -> Iterator[Reason]:
    accepted = profile.accept_version
    if accepted is not None and bag.version is not None and bag.version not in accepted:
        versions = ", ".join(accepted)
        yield f"BagIt 版本应为 {versions}。", f"The BagIt version must be {versions}."
    if bag.container is None:
        if profile.serialization == "required":
            yield "应打包为一个文件移交。", "The bag must be deposited as one packed file."
        return
    if profile.serialization == "forbidden":
        yield "应以文件夹移交，不能打包。", "The bag must be deposited as a folder, not packed."
    kinds = _SERIALIZED.get(bag.container.rpartition(".")[2].lower())
    accepts = {one.lower() for one in profile.accept_serialization or ()}
    if accepts and kinds is not None and not kinds & accepts:
        listed = ", ".join(sorted(accepts))
        yield f"打包格式应为：{listed}。", f"The bag must be packed as: {listed}."


_CHECKS: tuple[Callable[[BagFacts, BagProfile], Iterator[Reason]], ...] = (_info, _manifests, _files, _payload, _form)
