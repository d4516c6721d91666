"""From received files to the frozen plan of one record's bag: safe names, description, PREMIS, record.json, findings."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from ingest import findings
from ingest.files import File, within
from metadata import premis
from metadata.description import Description
from metadata.formats import Format
from metadata.identifiers import new_id
from metadata.profile import Profile
from metadata.rights import AccessLevel
from repository import canonical
from repository.bag.plan import BagPlan, PayloadFile, plan_bag, safe_payload_paths
from repository.bag.record_json import CaseFileFact, FileFact, OrganFact, RecordJson, SubmissionFact
from repository.clock import local_date, stamp
from repository.records import file_ids

FINDINGS_FORMAT = "lantai-findings/1"
DEPOSIT_TAGS = "metadata/deposit/"
SOFTWARE = "lantai"
DESCRIBED = frozenset({"title", "document_type", "programme", "date", "page_count", "access_level", "note"})
"""What a person may say of a record before it is packed; ``None`` says that there is none."""
SCANNER = "clamav"


@cache
def software_version() -> str:
    """Version of this program, as PREMIS and bag-info name it."""
    try:
        return version("lantai")
    except PackageNotFoundError:
        return "0"


@dataclass(frozen=True)
class Deposit:
    """What all records of a submission share while they are packed."""

    submission_id: str
    deposited_at: datetime
    packed_at: datetime
    zone: str
    actor_id: str
    channel: str
    organ_id: str
    organ_code: str
    organ_name: str
    division_code: str
    profile: Profile
    options: Mapping[str, Any]
    tools: Mapping[str, str]
    findings: Mapping[str | None, Sequence[Any]] = field(default_factory=dict)
    empty_folders: Sequence[str] = ()


@dataclass(frozen=True)
class Packed:
    """A record's plan with the description that the catalogue will hold."""

    plan: BagPlan
    description: Description
    case_file_ids: tuple[str, ...]
    division_code: str
    category: str


@dataclass
class Subject:
    """One record to be packed. ``cases``: (household number, programme, case file id, division).

    ``given``: what a person said about it (``ingest.suggest.given``), which prevails over list and options.
    """

    record_id: str
    spec: Mapping[str, Any]
    files: Sequence[File]
    cases: Sequence[tuple[str, str, str, str]] = ()
    tags: Mapping[str, bytes] = field(default_factory=dict)
    given: Mapping[str, Any] = field(default_factory=dict)


def describe(deposit: Deposit, subject: Subject) -> Description:
    """The description of the record: what a person said of it, else the list, else what the depositor chose for all."""
    said = {name: value for name, value in subject.given.items() if name in DESCRIBED}
    listed: dict[str, Any] = {**subject.spec.get("listed", {}), **said}
    if "date" in said and "year" not in said:
        listed.pop("year", None)
    listed.pop("household_nos", None)
    title = "".join(
        one if one.isprintable() and one != "\ufffd" else "_" for one in said.get("title") or subject.spec["title"]
    ).strip()
    values: dict[str, Any] = {
        "document_type": deposit.options.get("document_type"),
        "programme": deposit.options.get("programme"),
        **listed,
        "title": (title or subject.record_id)[:500],
        "division_code": listed.get("division_code") or next((one[3] for one in subject.cases), None)
        or deposit.division_code,
        "access_level": listed.get("access_level") or AccessLevel.INTERNAL,
        "year": listed.get("year") or (None if listed.get("date") else local_date(deposit.packed_at, deposit.zone).year),
    }  # fmt: skip
    return Description.model_validate({name: value for name, value in values.items() if value is not None})


def pack(deposit: Deposit, subject: Subject) -> Packed:
    """Make the plan of the record's bag."""
    description = describe(deposit, subject)
    kind = deposit.profile.document_types.get(description.document_type or "")
    category = kind.category if kind else "ZY"
    ids = file_ids(subject.record_id, 1, len(subject.files))
    payload = _payload(subject)
    division = description.division_code or deposit.division_code
    tags = {
        "metadata/premis.xml": _premis(deposit, subject, description.title, ids, payload),
        "metadata/record.json": _record_json(deposit, subject, description, category, division, payload),
        "metadata/findings.json": _findings(deposit, subject),
        **_deposit_tags(subject.tags),
    }
    plan = plan_bag(
        subject.record_id,
        1,
        payload=payload,
        tags=tags,
        info=[
            ("Source-Organization", deposit.organ_name),
            ("External-Identifier", subject.record_id),
            ("External-Description", description.title),
            ("Internal-Sender-Identifier", deposit.submission_id),
            ("Bag-Software-Agent", f"{SOFTWARE} {software_version()}"),
        ],
        algorithms=deposit.profile.digest_algorithms,
        bagging_date=local_date(deposit.packed_at, deposit.zone),
    )
    return Packed(plan, description, tuple(one[2] for one in subject.cases), division, category)


def _payload(subject: Subject) -> list[PayloadFile]:
    """Payload with safe paths: below the deposit's own folders, or below the record's folder for a file or pages."""
    root = subject.spec.get("root")
    if root is not None:
        cut = len(f"{root}/data/" if root else "data/")
        inner = [one.path[cut:] for one in subject.files]
    elif subject.spec["kind"] in {"file", "pages"}:
        inner = [one.path.rpartition("/")[2] for one in subject.files]
    else:
        inner = [one.path for one in subject.files]
    return [
        PayloadFile(safe, one.path, one.path_bytes, one.source, one.size, one.crc32, one.digests, one.chunk_sha256)
        for one, safe in zip(subject.files, safe_payload_paths(inner), strict=True)
    ]


def _deposit_tags(tags: Mapping[str, bytes]) -> dict[str, bytes]:
    safe = safe_payload_paths([DEPOSIT_TAGS + path for path in tags])
    return {path.removeprefix("data/"): data for path, data in zip(safe, tags.values(), strict=True)}


def _record_json(
    deposit: Deposit,
    subject: Subject,
    description: Description,
    category: str,
    division: str,
    payload: Sequence[PayloadFile],
) -> bytes:
    tools = _identifying(deposit)
    facts = [
        FileFact.model_construct(
            path=packed.path,
            original_name=one.path,
            original_name_base64=one.path_bytes,
            size=one.size,
            crc32=one.crc32,
            digests=one.digests,
            puid=one.puid,
            format=one.format_name,
            format_version=one.format_version,
            mime=one.mime or None,
            identified_by=tools if one.mime else {},
            chunk_sha256=(
                base64.b64encode(bytes.fromhex(one.chunk_sha256)).decode() if one.chunk_sha256 is not None else None
            ),
        )
        for one, packed in zip(subject.files, payload, strict=True)
    ]
    return RecordJson(
        record_id=subject.record_id,
        title=description.title,
        document_type=description.document_type,
        category=category,
        programme=description.programme,
        year=description.year,
        date=description.date.isoformat() if description.date else None,
        organ=OrganFact(id=deposit.organ_id, code=deposit.organ_code),
        division_code=division,
        access_level=description.access_level.value,
        access_marks=description.access_marks,
        household_nos=[one[0] for one in subject.cases],
        case_files=[CaseFileFact(id=one[2], household_no=one[0], programme=one[1]) for one in subject.cases],
        submission=SubmissionFact(
            id=deposit.submission_id,
            deposited_at=stamp(deposit.deposited_at),
            actor=deposit.actor_id,
            channel=deposit.channel,
        ),
        profile=deposit.profile.label,
        description=description.model_dump(mode="json"),
        files=facts,
        empty_folders=_empty_folders(deposit, subject),
    ).to_bytes()


def _empty_folders(deposit: Deposit, subject: Subject) -> list[str]:
    """Empty folders inside the record's own folder; all of them when the record is the whole deposit."""
    if subject.spec["kind"] == "whole":
        return list(deposit.empty_folders)
    root = subject.spec.get("root")
    return [one for one in deposit.empty_folders if root is not None and within(one, root)]


def _findings(deposit: Deposit, subject: Subject) -> bytes:
    told = list(deposit.findings.get(None, ()))
    if deposit.findings.keys() - {None}:
        for one in subject.files:
            told += deposit.findings.get(one.path, ())
    rows = [
        {
            "code": one.code,
            "severity": one.severity,
            "outcome": one.outcome,
            "path": one.path,
            "params": {name: _stored(value) for name, value in (one.params or {}).items()},
            "zh": findings.sentence(one, "zh"),
            "en": findings.sentence(one, "en"),
        }
        for one in told
    ]
    body = {"format": FINDINGS_FORMAT, "submission_id": deposit.submission_id, "findings": rows}
    return canonical.dumps(body) + b"\n"


def _stored(value: Any) -> Any:
    """A measured value (degrees, seconds) as text: what is stored holds no floating-point numbers."""
    return f"{value:g}" if isinstance(value, float) else value


def _identifying(deposit: Deposit) -> dict[str, str]:
    """The tools that identified formats."""
    return {name: told for name, told in deposit.tools.items() if name != SCANNER}


def _scan(deposit: Deposit, codes: set[str]) -> tuple[str, datetime, str, str, tuple[tuple[str, str], ...]]:
    missed = sorted(code for code in codes if code.startswith("virus."))
    detail = ", ".join(missed) or "no malware found"
    return (
        "virus check",
        deposit.packed_at,
        detail,
        "warning" if missed else "success",
        ((SCANNER, "executing program"),),
    )


def _premis(
    deposit: Deposit, subject: Subject, title: str, ids: Sequence[str], payload: Sequence[PayloadFile]
) -> bytes:
    formats: dict[tuple[str | None, str | None, str | None, str | None], Format] = {}
    objects = []
    for one, packed, object_id in zip(subject.files, payload, ids, strict=True):
        key = (one.puid, one.format_name, one.format_version, one.mime)
        kind = formats.get(key)
        if kind is None:
            kind = formats[key] = Format(one.puid, one.format_name or "", one.format_version or "", one.mime or "")
        objects.append(
            premis.PremisFile(object_id, packed.path, one.path, one.size, dict(one.digests), kind, one.path_bytes)
        )
    return premis.to_bytes(
        objects, _events(deposit, subject), _agents(deposit), record_id=subject.record_id, title=title
    )


def _agents(deposit: Deposit) -> list[premis.Agent]:
    agents = [
        premis.Agent(deposit.actor_id, deposit.actor_id, "person"),
        premis.Agent(deposit.organ_id, deposit.organ_name, "organization"),
        premis.Agent(SOFTWARE, "Lantai", "software", software_version()),
    ]
    return agents + [premis.Agent(name, name, "software", told) for name, told in sorted(deposit.tools.items())]


def _events(deposit: Deposit, subject: Subject) -> list[premis.Event]:
    """What was done up to the packing; what follows stands in the ledger."""
    about = (subject.record_id,)
    depositor = ((deposit.actor_id, "implementer"), (deposit.organ_id, "authorizer"))
    program = ((SOFTWARE, "executing program"),)
    told = [one for path in (None, *(one.path for one in subject.files)) for one in deposit.findings.get(path, ())]
    worst: premis.Outcome = "warning" if any(one.severity != "notice" for one in told) else "success"
    events = [
        ("capture", deposit.deposited_at, f"channel: {deposit.channel}", "success", depositor),
        (
            "message digest calculation",
            deposit.deposited_at,
            ", ".join(sorted({name for one in subject.files[:1] for name in one.digests})),
            "success",
            program,
        ),
    ]
    if identifying := _identifying(deposit):
        tools = tuple((name, "executing program") for name in sorted(identifying))
        unknown = sum(1 for one in subject.files if one.puid is None)
        outcome = "warning" if unknown else "success"
        events.append(("format identification", deposit.packed_at, f"unidentified: {unknown}", outcome, tools))
    if SCANNER in deposit.tools:
        events.append(_scan(deposit, {one.code for one in told}))
    codes = ", ".join(sorted({one.code for one in told}))
    events += [
        ("validation", deposit.packed_at, codes or "no findings", worst, program),
        ("ingestion", deposit.packed_at, f"submission {deposit.submission_id}", "success", program),
        ("information package creation", deposit.packed_at, "storage format 1, version 1", "success", program),
    ]
    return [
        premis.Event(new_id(), kind, at, detail, outcome, "", agents, about)  # type: ignore[arg-type]  # literals of this list
        for kind, at, detail, outcome, agents in events
    ]
