"""The control files of a bag, parsed: ``bagit.txt``, ``bag-info.txt``, manifests, tag manifests, ``fetch.txt``.

Nothing here opens a file: bytes go in, values and findings come out. BagIt 0.93 to 1.0.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from repository.bag import manifest
from repository.bag.codes import BagFinding

VERSIONS = {(0, 93), (0, 94), (0, 95), (0, 96), (0, 97), (1, 0)}
_MANIFEST_NAME = re.compile(r"(tag)?manifest-([^/]+)\.txt\Z", re.IGNORECASE)
_STRICT = (
    re.compile(r"BagIt-Version: (\d+)\.(\d+)\Z"),
    re.compile(r"Tag-File-Character-Encoding: (\S+)\Z"),
)
_LOOSE = (
    re.compile(r"\s*BagIt-Version\s*:\s*(\d+)\.(\d+)\s*\Z", re.IGNORECASE),
    re.compile(r"\s*Tag-File-Character-Encoding\s*:\s*(\S+)\s*\Z", re.IGNORECASE),
)
_FETCH = re.compile(r"(\S+)[ \t]+(\d+|-)[ \t]+(.+)\Z")


@dataclass(frozen=True, slots=True)
class ManifestFile:
    """One manifest. ``algorithm`` in lower case; ``entries``: (hex digest, path as written without ``./``)."""

    name: str
    algorithm: str
    is_tag: bool
    entries: list[tuple[str, str]]
    readable: bool = True


@dataclass
class Control:
    """Everything the control files of one bag say. ``version`` is ``(1, 0)`` where ``bagit.txt`` does not tell."""

    version: tuple[int, int] = (1, 0)
    encoding: str = "utf-8"
    declared: str | None = None
    manifests: list[ManifestFile] = field(default_factory=list)
    info: list[tuple[str, str]] = field(default_factory=list)
    fetch: list[str] = field(default_factory=list)
    findings: list[BagFinding] = field(default_factory=list)

    @property
    def payload_algorithms(self) -> tuple[str, ...]:
        """Algorithms of the payload manifests."""
        return tuple(dict.fromkeys(one.algorithm for one in self.manifests if not one.is_tag))

    @property
    def tag_algorithms(self) -> tuple[str, ...]:
        """Algorithms of the tag manifests."""
        return tuple(dict.fromkeys(one.algorithm for one in self.manifests if one.is_tag))

    def report(self, code: str, path: str | None = None, **params: object) -> None:
        """Add a finding."""
        self.findings.append(BagFinding(code, path, params))


def is_control(path: str) -> bool:
    """Whether ``path`` (below the bag's base) is one of the files that ``parse`` wants."""
    return (
        path in {"bagit.txt", "bag-info.txt", "package-info.txt", "fetch.txt"} or manifest_algorithm(path) is not None
    )


def manifest_algorithm(path: str) -> str | None:
    """The algorithm that a manifest's or tag manifest's name says, else ``None``."""
    match = _MANIFEST_NAME.match(path)
    return match[2].lower() if match else None


def parse(files: Mapping[str, bytes]) -> Control:
    """All control files (path -> bytes) of a bag."""
    control = Control()
    if "bagit.txt" in files:
        _declaration(control, files["bagit.txt"])
    else:
        control.report("bag.missing_bagit_txt")
    for name in sorted(files):
        match = _MANIFEST_NAME.match(name)
        if match:
            control.manifests.append(_manifest(control, name, match, files[name]))
    info = "package-info.txt" if control.version <= (0, 95) and "bag-info.txt" not in files else "bag-info.txt"
    if info in files:
        text = _decoded(control, info, files[info])
        if text is not None:
            control.info, bad = manifest.parse_bag_info(text)
            for line in bad:
                control.report("bag.bag_info_malformed", info, line=line[:80])
    if "fetch.txt" in files:
        _fetch(control, files["fetch.txt"])
    return control


def _declaration(control: Control, data: bytes) -> None:
    if data.startswith(codecs.BOM_UTF8):
        control.report("bag.bagit_txt_bom", "bagit.txt")
        data = data[len(codecs.BOM_UTF8) :]
    try:
        written = [line for line in manifest.lines(data.decode("utf-8")) if line.strip()]
    except UnicodeDecodeError:
        control.report("bag.bagit_txt_malformed", "bagit.txt", detail="UTF-8")
        return
    found = [next((m for line in written if (m := pattern.match(line))), None) for pattern in _LOOSE]
    version, encoding = found
    if version is None:
        control.report("bag.bagit_txt_malformed", "bagit.txt", detail="BagIt-Version")
    else:
        control.version = (int(version[1]), int(version[2]))
        control.declared = f"{version[1]}.{version[2]}"
        if control.version not in VERSIONS:
            control.report("bag.unsupported_version", "bagit.txt", version=control.declared)
    if encoding is None:
        control.report("bag.bagit_txt_malformed", "bagit.txt", detail="Tag-File-Character-Encoding")
    else:
        _encoding(control, encoding[1])
    if version is None or encoding is None:
        return
    strict = len(written) == 2 and all(p.match(line) for p, line in zip(_STRICT, written, strict=True))
    if not strict:
        code = "bag.bagit_txt_malformed" if control.version >= (0, 97) else "bag.bagit_txt_spacing"
        control.report(code, "bagit.txt", detail=" / ".join(line[:60] for line in written))


def _encoding(control: Control, name: str) -> None:
    try:
        codec = codecs.lookup(name)
        "".encode(codec.name)  # refuses codecs that are no text encodings, such as hex
        control.encoding = codec.name
    except (LookupError, TypeError, ValueError):
        control.report("bag.unknown_encoding", "bagit.txt", encoding=name)


def _decoded(control: Control, path: str, data: bytes) -> str | None:
    if control.encoding == "utf-8" and data.startswith(codecs.BOM_UTF8):
        control.report("bag.tag_bom", path)
        data = data[len(codecs.BOM_UTF8) :]
    try:
        return data.decode(control.encoding)
    except UnicodeDecodeError:
        control.report("bag.tag_encoding", path, encoding=control.encoding)
        return None


def _manifest(control: Control, name: str, match: re.Match[str], data: bytes) -> ManifestFile:
    is_tag, algorithm = bool(match[1]), match[2].lower()
    if not re.fullmatch(r"[a-z0-9]+", match[2]) or not name.startswith(("manifest-", "tagmanifest-")):
        control.report("bag.manifest_name", name)
    text = _decoded(control, name, data)
    if text is None:
        return ManifestFile(name, algorithm, is_tag, [], readable=False)
    entries = []
    dotted = starred = False
    for number, line in enumerate(manifest.lines(text), 1):
        if line.isspace():
            continue
        entry = manifest.split_line(line)
        if entry is None:
            code = "bag.manifest_comment" if line.startswith("#") else "bag.manifest_line_malformed"
            control.report(code, name, line=number)
            continue
        digest, path = entry
        starred = starred or line.endswith("*" + path)
        while path.startswith("./"):
            path, dotted = path[2:], True
        entries.append((digest, path))
    if dotted:
        control.report("bag.dot_slash_path", name, manifest=name)
    if starred:
        control.report("bag.md5sum_asterisk", name, manifest=name)
    return ManifestFile(name, algorithm, is_tag, entries)


def _fetch(control: Control, data: bytes) -> None:
    text = _decoded(control, "fetch.txt", data)
    for number, line in enumerate(manifest.lines(text or ""), 1):
        if line.isspace():
            continue
        match = _FETCH.match(line)
        if match is None:
            control.report("bag.fetch_malformed", "fetch.txt", line=number)
        else:
            control.fetch.append(manifest.decode_path(match[3].rstrip().removeprefix("./")))
