"""PREMIS 3.0: what the parts of a record are (objects), what was done to them (events), by whom (agents).

Written as a stream, one object, event or agent a line, so that ten thousand files cost no more memory than one, and
always in the same bytes for equal input. The lines are made from templates: for records of many small files lxml's
incremental writer cost more (90 µs a file) than digesting and storing the file itself; these cost a tenth, and the tests
read every form back. The order of the schema is objects, events, agents; an object's category stands in ``xsi:type``.
A digest names its algorithm in BagIt's spelling (``sha256``, ``sha512``, ``sm3``).
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import chain
from typing import BinaryIO, Literal, get_args

from lxml import etree

from metadata import xml
from metadata.errors import Invalid
from metadata.formats import OFD_PUID, Format

NAMESPACE = "http://www.loc.gov/premis/v3"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMA_LOCATION = f"{NAMESPACE} http://www.loc.gov/standards/premis/v3/premis-v3-0.xsd"
_TYPE = f"{{{_XSI}}}type"
_VOCABULARY = "http://id.loc.gov/vocabulary/preservation/eventType"
_HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    f'<premis xmlns="{NAMESPACE}" xmlns:xsi="{_XSI}" xsi:schemaLocation="{_SCHEMA_LOCATION}" version="3.0">'
)
_NAME_BYTES = "original name, base64 of its bytes"
_UNKNOWN = Format(None)
_PLAIN = re.compile(r"[0-9A-Za-z_./ :+-]*\Z")
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
UUID_TYPE = "UUID"
LOCAL_TYPE = "local"

Outcome = Literal["success", "fail", "warning"]
AgentType = Literal["person", "organization", "software", "hardware"]

_EVENT_TYPES = (
    "accession, appraisal, capture, compression, creation, deaccession, decompression, decryption, deletion, "
    "digital signature generation, digital signature validation, dissemination, encryption, exporting, "
    "extraction, filename change, fixity check, format identification, imaging, information package creation, "
    "information package merging, information package splitting, ingestion, ingestion end, ingestion start, "
    "message digest calculation, metadata extraction, metadata modification, migration, modification, "
    "normalization, packing, policy assignment, quality review, quarantine, recovery, redaction, refreshment, "
    "rendering, replication, transfer, unpacking, unquarantine, validation, virus check"
)
EVENT_TYPES = tuple(_EVENT_TYPES.split(", "))
"""Labels of the vocabulary eventType at id.loc.gov that this program writes."""


@dataclass(frozen=True, slots=True)
class Agent:
    """A person, organisation or piece of software that had a part in an event; persons by account id, not by name."""

    id: str
    name: str
    type: AgentType
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """One thing done: ``agents`` are pairs of agent id and role, ``objects`` ids of files or of the record."""

    id: str
    type: str
    at: datetime
    detail: str = ""
    outcome: Outcome = "success"
    outcome_note: str = ""
    agents: tuple[tuple[str, str], ...] = ()
    objects: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PremisFile:
    """A payload file: ``path`` is where it lies in the bag, ``original_name`` how the depositor had named it.

    ``original_name_base64`` is given when the original name was not UTF-8: its bytes, kept exactly.
    """

    id: str
    path: str
    original_name: str
    size: int
    digests: dict[str, str] = field(hash=False)
    format: Format | None = None
    original_name_base64: str | None = None


@dataclass(frozen=True, slots=True)
class Representation:
    """The record as a whole: the set of its files, in order."""

    id: str
    title: str
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PremisDocument:
    """A PREMIS document as read back."""

    representation: Representation | None
    files: tuple[PremisFile, ...]
    events: tuple[Event, ...]
    agents: tuple[Agent, ...]


def write(
    files: Iterable[PremisFile],
    events: Iterable[Event],
    agents: Iterable[Agent],
    *,
    record_id: str,
    title: str,
    out: BinaryIO,
) -> None:
    """Write the document of one record to ``out``; ``files`` is consumed once, nothing of it is kept.

    The record is the representation; each file points at it (structural, is included in), so that the representation
    need not list its files before they are known.
    """
    related = (
        "<relationship><relationshipType>structural</relationshipType>"
        "<relationshipSubType>is included in</relationshipSubType>"
        f"{_pair('relatedObjectIdentifier', record_id)}</relationship>"
    )
    lines = chain(
        (_HEAD, _representation(record_id, title)),
        (_file(file, related) for file in files),
        (_event(event) for event in events),
        (_agent(agent) for agent in agents),
        ("</premis>",),
    )
    out.writelines(f"{line}\n".encode() for line in lines)


def read(source: bytes | BinaryIO) -> PremisDocument:
    """Read a PREMIS 3 document, ours or another program's, as far as it has what the classes here hold.

    Raises ``Invalid``: ``xml.malformed`` and ``xml.doctype`` from the hardened parser, ``premis.not_premis`` when the
    root is something else, ``premis.incomplete`` when an identifier or time that the schema demands is missing.
    """
    root = xml.parse(source if isinstance(source, bytes) else source.read())
    if root.tag != _name("premis"):
        raise Invalid(
            "premis.not_premis",
            zh="这个文件不是 PREMIS 3 文档（根元素应为 premis，命名空间 http://www.loc.gov/premis/v3）。",
            en="Not a PREMIS 3 document; its root must be premis in the namespace http://www.loc.gov/premis/v3.",
        )
    representation: Representation | None = None
    files: list[PremisFile] = []
    for element in root.iterfind(_name("object")):
        category = (element.get(_TYPE) or "").rpartition(":")[2]
        if category == "file":
            files.append(_read_file(element))
        elif category == "representation" and representation is None:
            title = _text(element, "originalName")
            representation = Representation(_identifier(element, "objectIdentifier"), title)
    if representation is not None:
        representation = Representation(representation.id, representation.title, tuple(file.id for file in files))
    events = tuple(_read_event(element) for element in root.iterfind(_name("event")))
    agents = tuple(_read_agent(element) for element in root.iterfind(_name("agent")))
    return PremisDocument(representation, tuple(files), events, agents)


def to_bytes(
    files: Iterable[PremisFile], events: Iterable[Event], agents: Iterable[Agent], *, record_id: str, title: str
) -> bytes:
    """``write`` into bytes."""
    out = io.BytesIO()
    write(files, events, agents, record_id=record_id, title=title, out=out)
    return out.getvalue()


def _name(local: str) -> str:
    return f"{{{NAMESPACE}}}{local}"


def _t(text: str) -> str:
    """``text`` as XML content; a character that XML 1.0 cannot hold becomes U+FFFD."""
    if _PLAIN.match(text):
        return text
    text = _UNWRITABLE.sub("\ufffd", text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#13;")


def _pair(local: str, value: str, kind: str = UUID_TYPE, role: str = "") -> str:
    """An identifier; in the schema its parts repeat the name of the whole (the role does so without ``Identifier``)."""
    of = local.removesuffix("Identifier")
    tail = f"<{of}Role>{_t(role)}</{of}Role>" if role else ""
    return f"<{local}><{local}Type>{kind}</{local}Type><{local}Value>{_t(value)}</{local}Value>{tail}</{local}>"


def _representation(record_id: str, title: str) -> str:
    identifier = _pair("objectIdentifier", record_id)
    return f'<object xsi:type="representation">{identifier}<originalName>{_t(title)}</originalName></object>'


def _file(file: PremisFile, related: str) -> str:
    fixity = "".join(
        f"<fixity><messageDigestAlgorithm>{_t(algorithm)}</messageDigestAlgorithm>"
        f"<messageDigest>{_t(file.digests[algorithm])}</messageDigest></fixity>"
        for algorithm in sorted(file.digests)
    )
    name_bytes = (
        f"<significantProperties><significantPropertiesType>{_NAME_BYTES}</significantPropertiesType>"
        f"<significantPropertiesValue>{_t(file.original_name_base64)}</significantPropertiesValue></significantProperties>"
        if file.original_name_base64 is not None
        else ""
    )
    return (
        f'<object xsi:type="file">{_pair("objectIdentifier", file.id)}{name_bytes}'
        f"<objectCharacteristics><compositionLevel>0</compositionLevel>{fixity}<size>{file.size}</size>"
        f"{_format(file.format or _UNKNOWN)}</objectCharacteristics>"
        f"<originalName>{_t(file.original_name)}</originalName><storage><contentLocation>"
        f"<contentLocationType>path in the bag</contentLocationType>"
        f"<contentLocationValue>{_t(file.path)}</contentLocationValue></contentLocation></storage>{related}</object>"
    )


@lru_cache(maxsize=256)
def _format(found: Format) -> str:
    version = f"<formatVersion>{_t(found.version)}</formatVersion>" if found.version else ""
    registry = (
        f"<formatRegistry><formatRegistryName>{'Lantai' if found.puid == OFD_PUID else 'PRONOM'}</formatRegistryName>"
        f"<formatRegistryKey>{_t(found.puid)}</formatRegistryKey></formatRegistry>"
        if found.puid
        else ""
    )
    notes = "".join(
        f"<formatNote>{label}: {_t(text)}</formatNote>"
        for label, text in (("mime", found.mime), ("basis", found.basis), ("warning", found.warning))
        if text
    )
    return (
        f"<format><formatDesignation><formatName>{_t(found.name) or 'unknown'}</formatName>{version}"
        f"</formatDesignation>{registry}{notes}</format>"
    )


def _event(event: Event) -> str:
    if event.type not in EVENT_TYPES:
        raise ValueError(f"{event.type!r} is not a label of the vocabulary eventType")
    if event.outcome not in get_args(Outcome):
        raise ValueError(f"{event.outcome!r} is not an outcome")
    detail = (
        f"<eventDetailInformation><eventDetail>{_t(event.detail)}</eventDetail></eventDetailInformation>"
        if event.detail
        else ""
    )
    note = (
        f"<eventOutcomeDetail><eventOutcomeDetailNote>{_t(event.outcome_note)}</eventOutcomeDetailNote>"
        "</eventOutcomeDetail>"
        if event.outcome_note
        else ""
    )
    agents = "".join(_pair("linkingAgentIdentifier", agent_id, LOCAL_TYPE, role) for agent_id, role in event.agents)
    objects = "".join(_pair("linkingObjectIdentifier", object_id) for object_id in event.objects)
    return (
        f"<event>{_pair('eventIdentifier', event.id)}"
        f'<eventType authority="eventType" authorityURI="{_VOCABULARY}">{_t(event.type)}</eventType>'
        f"<eventDateTime>{xml.instant(event.at)}</eventDateTime>{detail}"
        f"<eventOutcomeInformation><eventOutcome>{event.outcome}</eventOutcome>{note}</eventOutcomeInformation>"
        f"{agents}{objects}</event>"
    )


def _agent(agent: Agent) -> str:
    version = f"<agentVersion>{_t(agent.version)}</agentVersion>" if agent.version else ""
    return (
        f"<agent>{_pair('agentIdentifier', agent.id, LOCAL_TYPE)}<agentName>{_t(agent.name)}</agentName>"
        f"<agentType>{_t(agent.type)}</agentType>{version}</agent>"
    )


def _text(element: etree._Element, path: str) -> str:
    found = element.find("/".join(_name(part) for part in path.split("/")))
    return "" if found is None else (found.text or "")


def _identifier(element: etree._Element, local: str) -> str:
    value = _text(element, f"{local}/{local}Value")
    if not value:
        raise Invalid(
            "premis.incomplete",
            zh=f"PREMIS 文档第 {element.sourceline} 行的元素缺少 {local}。",
            en=f"The element at line {element.sourceline} of the PREMIS document lacks its {local}.",
            line=element.sourceline,
        )
    return value


def _read_file(element: etree._Element) -> PremisFile:
    characteristics = element.find(_name("objectCharacteristics"))
    if characteristics is None:
        characteristics = etree.Element("none")
    digests = {
        _text(fixity, "messageDigestAlgorithm"): _text(fixity, "messageDigest")
        for fixity in characteristics.iterfind(_name("fixity"))
    }
    size = _text(characteristics, "size")
    base64 = _text(element, "significantProperties/significantPropertiesValue")
    return PremisFile(
        id=_identifier(element, "objectIdentifier"),
        path=_text(element, "storage/contentLocation/contentLocationValue"),
        original_name=_text(element, "originalName"),
        size=int(size) if size.isascii() and size.isdigit() else 0,
        digests=digests,
        format=_read_format(characteristics.find(_name("format"))),
        original_name_base64=base64 or None,
    )


def _read_format(element: etree._Element | None) -> Format | None:
    if element is None:
        return None
    notes = dict.fromkeys(("mime", "basis", "warning"), "")
    for note in element.iterfind(_name("formatNote")):
        label, _, text = (note.text or "").partition(": ")
        if label in notes:
            notes[label] = text
    name = _text(element, "formatDesignation/formatName")
    puid = _text(element, "formatRegistry/formatRegistryKey") or None
    if puid is None and name in {"", "unknown"} and not any(notes.values()):
        return None
    version = _text(element, "formatDesignation/formatVersion")
    return Format(puid, "" if name == "unknown" else name, version, **notes)


def _read_event(element: etree._Element) -> Event:
    outcome = _text(element, "eventOutcomeInformation/eventOutcome")
    return Event(
        id=_identifier(element, "eventIdentifier"),
        type=_text(element, "eventType"),
        at=xml.parse_instant(_text(element, "eventDateTime")),
        detail=_text(element, "eventDetailInformation/eventDetail"),
        outcome=outcome if outcome in get_args(Outcome) else "warning",  # type: ignore[arg-type] # narrowed by get_args
        outcome_note=_text(element, "eventOutcomeInformation/eventOutcomeDetail/eventOutcomeDetailNote"),
        agents=tuple(
            (_text(link, "linkingAgentIdentifierValue"), _text(link, "linkingAgentRole"))
            for link in element.iterfind(_name("linkingAgentIdentifier"))
        ),
        objects=tuple(
            _text(link, "linkingObjectIdentifierValue") for link in element.iterfind(_name("linkingObjectIdentifier"))
        ),
    )


def _read_agent(element: etree._Element) -> Agent:
    kind = _text(element, "agentType")
    return Agent(
        id=_identifier(element, "agentIdentifier"),
        name=_text(element, "agentName"),
        type=kind if kind in get_args(AgentType) else "software",  # type: ignore[arg-type] # narrowed by get_args
        version=_text(element, "agentVersion") or None,
    )
