"""BagIt's rules as one pure judgement: what the control files say against what is in the bag (RFC 8493 section 3)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repository.bag.codes import BagFinding
from repository.bag.control import Control, ManifestFile, manifest_algorithm
from repository.bag.manifest import decode_path

PAYLOAD = "data/"
_SYSTEM_FILES = {".ds_store", "thumbs.db", "desktop.ini", ".spotlight-v100", ".trashes", "ehthumbs.db"}
_OXUM = re.compile(r"(\d+)\.(\d+)\Z")
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass(frozen=True, slots=True)
class FileSeen:
    """A file in the bag: size in bytes and the digests computed from its bytes; ``None`` when it was unreadable."""

    size: int
    digests: Mapping[str, str] | None


@dataclass(frozen=True)
class BagReport:
    """The judgement. ``octets`` and ``files`` count the payload as found; ``not_checked`` names unknown algorithms."""

    valid: bool
    errors: list[BagFinding]
    warnings: list[BagFinding]
    version: str | None = None
    algorithms: tuple[str, ...] = ()
    not_checked: tuple[str, ...] = ()
    files: int = 0
    octets: int = 0
    info: tuple[tuple[str, str], ...] = ()

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "valid": self.valid,
            "version": self.version,
            "algorithms": list(self.algorithms),
            "not_checked": list(self.not_checked),
            "files": self.files,
            "octets": self.octets,
            "errors": [one.as_dict() for one in self.errors],
            "warnings": [one.as_dict() for one in self.warnings],
        }


def is_unsafe(path: str) -> bool:
    """Whether a path could lead out of the bag on some system (RFC 8493 section 5.1)."""
    return (
        path.startswith(("/", "\\", "~"))
        or _DRIVE.match(path) is not None
        or "\0" in path
        or ".." in re.split(r"[/\\]", path)
    )


def judge(
    control: Control,
    present: Mapping[str, FileSeen],
    *,
    computed: Iterable[str],
    has_data_folder: bool,
    faults: Iterable[BagFinding] = (),
) -> BagReport:
    """The report on a bag whose files are ``present`` (path below the base -> what was seen).

    ``computed``: the algorithms that could be computed here; manifests of others are warned about and not checked.
    ``faults``: what opening and reading already found.
    """
    judgement = _Judgement(control, present, frozenset(computed))
    judgement.structure(has_data_folder=has_data_folder)
    for one in control.manifests:
        judgement.manifest(one)
    judgement.completeness()
    judgement.tag_manifests()
    judgement.oxum()
    judgement.names()
    return judgement.report(list(faults))


def _printable(one: BagFinding) -> BagFinding:
    """A finding whose path can be shown and stored: bytes that are no UTF-8 come as escapes."""

    def shown(value: object) -> object:
        return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value

    path = None if one.path is None else str(shown(one.path))
    return BagFinding(one.code, path, {name: shown(value) for name, value in one.params.items()})


class _Judgement:
    def __init__(self, control: Control, present: Mapping[str, FileSeen], computed: frozenset[str]) -> None:
        self.control = control
        self.present = present
        self.computed = computed
        self.findings: list[BagFinding] = []
        self.listed: dict[str, set[str]] = {}  # manifest name -> paths it lists, as they are in the bag
        self.payload = {path: seen for path, seen in present.items() if path.startswith(PAYLOAD)}
        self.unresolved = {path for path in control.fetch if path not in present}
        self._by_form: dict[str, str] | None = None

    def add(self, code: str, path: str | None = None, **params: object) -> None:
        self.findings.append(BagFinding(code, path, params))

    # -- structure -----------------------------------------------------------------------------------------------

    def structure(self, *, has_data_folder: bool) -> None:
        if not self.payload and not has_data_folder:
            self.add("bag.missing_data")
        payload_manifests = [one for one in self.control.manifests if not one.is_tag]
        if not payload_manifests:
            self.add("bag.missing_manifest")
        elif not any(one.algorithm in self.computed for one in payload_manifests):
            self.add("bag.no_checkable_manifest")
        for one in self.control.manifests:
            if one.algorithm not in self.computed:
                self.add("bag.algorithm_not_checked", one.name, algorithm=one.algorithm)
        for path in sorted(set(self.control.fetch)):
            if is_unsafe(path) or not path.startswith(PAYLOAD):
                self.add("bag.unsafe_path", path, manifest="fetch.txt")
            elif path in self.unresolved:
                self.add("bag.fetch_unresolved", path)
        if self.control.fetch and not self.unresolved:
            self.add("bag.fetch_resolved", "fetch.txt")

    # -- one manifest --------------------------------------------------------------------------------------------

    def manifest(self, one: ManifestFile) -> None:
        listed = self.listed.setdefault(one.name, set())
        first: dict[str, str] = {}
        encoded = self._is_encoded(one)
        for digest, written in one.entries:
            path = self._resolve(one, written, encoded=encoded)
            if is_unsafe(path):
                self.add("bag.unsafe_path", path, manifest=one.name)
                continue
            if path in first:
                self._repeated(one, path, written, same=first[path] == digest)
                continue
            first[path] = digest
            listed.add(path)
            if self._belongs(one, path):
                self._compare(one, path, digest)

    def _is_encoded(self, one: ManifestFile) -> bool:
        """Whether ``%25``, ``%0A`` and ``%0D`` mean what RFC 8493 says: some tools write ``%`` as it is."""
        doubtful = [(path, decode_path(path)) for _digest, path in one.entries if "%" in path]
        if all(path == decoded for path, decoded in doubtful):
            return True
        as_decoded = sum(decoded in self.present for _path, decoded in doubtful)
        as_written = sum(path in self.present for path, _decoded in doubtful)
        if as_written > as_decoded:
            self.add("bag.percent_not_encoded", one.name, manifest=one.name)
            return False
        return True

    def _resolve(self, one: ManifestFile, written: str, *, encoded: bool) -> str:
        path = decode_path(written) if encoded else written
        if path in self.present or path in self.control.fetch:
            return path
        simple = "/".join(part for part in path.split("/") if part not in {"", "."})
        if simple in self.present and not path.startswith("/"):
            self.add("bag.dot_slash_path", one.name, manifest=one.name)
            return simple
        if "%" in written:
            other = written if encoded else decode_path(written)
            if other in self.present:
                self.add("bag.percent_not_encoded", one.name, manifest=one.name)
                return other
        if self._by_form is None:
            self._by_form = {unicodedata.normalize("NFC", name): name for name in self.present}
        other_form = self._by_form.get(unicodedata.normalize("NFC", path))
        if other_form is not None:
            self.add("bag.name_normalised", other_form, manifest=one.name)
            return other_form
        if "\\" in path and not is_unsafe(path) and path.replace("\\", "/") in self.present:
            self.add("bag.backslash_path", path, manifest=one.name)
            return path.replace("\\", "/")
        return path

    def _repeated(self, one: ManifestFile, path: str, written: str, *, same: bool) -> None:
        if not same:
            self.add("bag.conflicting_entries", path, manifest=one.name)
        elif decode_path(written) != path:
            self.add("bag.repeated_entry", path, manifest=one.name)  # two Unicode forms of one name
        else:
            strict = self.control.version >= (1, 0)
            self.add("bag.duplicate_entry" if strict else "bag.repeated_entry", path, manifest=one.name)

    def _belongs(self, one: ManifestFile, path: str) -> bool:
        if not one.is_tag:
            if not path.startswith(PAYLOAD):
                self.add("bag.manifest_lists_tag_file", path, manifest=one.name)
                return False
            return True
        if path.startswith(PAYLOAD):
            self.add("bag.tagmanifest_lists_payload", path, manifest=one.name)
            return False
        is_tag_manifest = path.startswith("tagmanifest-") and manifest_algorithm(path) is not None
        if is_tag_manifest and self.control.version >= (1, 0):
            self.add("bag.tagmanifest_lists_tagmanifest", path, manifest=one.name)
            return False
        return True

    def _compare(self, one: ManifestFile, path: str, digest: str) -> None:
        seen = self.present.get(path)
        if seen is None:
            if one.is_tag:
                self.add("bag.tag_missing", path, manifest=one.name)
            return  # a missing payload file is said once, by completeness
        if seen.digests is None or one.algorithm not in self.computed:
            return
        found = seen.digests.get(one.algorithm)
        if found != digest:
            code = "bag.tag_digest_mismatch" if one.is_tag else "bag.payload_digest_mismatch"
            self.add(code, path, manifest=one.name, algorithm=one.algorithm, expected=digest, found=found)

    # -- the bag as a whole --------------------------------------------------------------------------------------

    def completeness(self) -> None:
        manifests = [one for one in self.control.manifests if not one.is_tag and one.readable]
        if not manifests:
            return
        everywhere: set[str] = set().union(*(self.listed[one.name] for one in manifests))
        for path in sorted(everywhere):
            if path.startswith(PAYLOAD) and path not in self.present and path not in self.unresolved:
                self.add("bag.payload_missing", path)
        for path in sorted(self.payload):
            if path not in everywhere:
                self.add("bag.payload_not_listed", path)
        strict = self.control.version >= (1, 0)
        for one in manifests:
            if strict:
                for path in sorted(everywhere - self.listed[one.name]):
                    self.add("bag.payload_not_in_every_manifest", path, manifest=one.name)
            for path in sorted(set(self.control.fetch) - self.listed[one.name]):
                if strict or path not in everywhere:
                    self.add("bag.fetch_not_in_manifest", path, manifest=one.name)

    def tag_manifests(self) -> None:
        tag_manifests = [one for one in self.control.manifests if one.is_tag and one.readable]
        if not tag_manifests:
            return
        payload_manifests = {one.name for one in self.control.manifests if not one.is_tag}
        for one in tag_manifests:
            if self.control.version >= (1, 0):
                for path in sorted(payload_manifests - self.listed[one.name]):
                    self.add("bag.tagmanifest_incomplete", path, manifest=one.name)
        covered: set[str] = set().union(*(self.listed[one.name] for one in tag_manifests))
        for path in sorted(self.present):
            if not path.startswith((PAYLOAD, "tagmanifest-")) and path not in covered:
                self.add("bag.tag_not_listed", path)

    def oxum(self) -> None:
        values = [value for label, value in self.control.info if label.casefold() == "payload-oxum"]
        if len(values) > 1 and self.control.version >= (1, 0):
            self.add("bag.payload_oxum_repeated")
        found = f"{sum(seen.size for seen in self.payload.values())}.{len(self.payload)}"
        for value in dict.fromkeys(values):
            match = _OXUM.match(value)
            if match is None:
                self.add("bag.payload_oxum_malformed", value=value[:80])
            elif f"{int(match[1])}.{int(match[2])}" != found and not self.unresolved:
                self.add("bag.payload_oxum_mismatch", value=value, found=found)

    def names(self) -> None:
        seen: dict[str, str] = {}
        for path in sorted(self.payload):
            folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
            if folded in seen:
                self.add("bag.case_only_difference", path, other=seen[folded])
            else:
                seen[folded] = path
            if path.rsplit("/", 1)[-1].casefold() in _SYSTEM_FILES:
                self.add("bag.system_file", path)

    def report(self, faults: list[BagFinding]) -> BagReport:
        everything = [_printable(one) for one in faults + self.control.findings + self.findings]
        findings = list({(one.code, one.path, str(one.params)): one for one in everything}.values())
        errors = [one for one in findings if one.is_error]
        algorithms = self.control.payload_algorithms
        unknown = {one.algorithm for one in self.control.manifests} - self.computed
        return BagReport(
            valid=not errors,
            errors=errors,
            warnings=[one for one in findings if not one.is_error],
            version=self.control.declared,
            algorithms=algorithms,
            not_checked=tuple(sorted(unknown)),
            files=len(self.payload),
            octets=sum(seen.size for seen in self.payload.values()),
            info=tuple(self.control.info),
        )
