"""PREMIS 3 documents: written as a stream, read back, valid."""

from __future__ import annotations

import base64
import io
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lxml import etree

from metadata import premis
from metadata.errors import Invalid
from metadata.formats import OFD_PUID, Format
from metadata.premis import Agent, Event, PremisFile

SCHEMAS = Path(__file__).parents[2] / "fixtures" / "schemas"
RECORD = "3f0c2c1e-0000-4000-8000-000000000001"
AT = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
AGENTS = (
    Agent("lantai", "Lantai", "software", "0.1.0"),
    Agent("organ:990101", "青禾县民政局 <档案室>", "organization"),
)
EVENTS = (
    Event("e1", "ingestion start", AT),
    Event(
        "e2",
        "format identification",
        AT,
        "siegfried & libmagic",
        "warning",
        "扩展名 .jpg 与内容不符",
        (("lantai", "executing program"), ("organ:990101", "implementer")),
        ("f1", RECORD),
    ),
)


def files() -> tuple[PremisFile, ...]:
    digests = {"sha512": "ab" * 64, "sm3": "cd" * 32}
    return (
        PremisFile(
            "f1", "data/scan_001.jpg", "扫描 & <001>.jpg", 4321, digests, Format("fmt/43", "JPEG", "1.01", "image/jpeg")
        ),
        PremisFile("f2", "data/b.ofd", "b.ofd", 1, digests, Format(OFD_PUID, "OFD", "", "application/ofd", "own", "!")),
        PremisFile("f3", "data/c", "\r\x01", 0, digests, None, base64.b64encode(b"\xd6\xd0").decode()),
    )


def document() -> bytes:
    return premis.to_bytes(iter(files()), EVENTS, AGENTS, record_id=RECORD, title="入户调查照片")


def test_read_back() -> None:
    read = premis.read(document())
    assert read.files[:2] == files()[:2]
    assert read.files[2].original_name == "\r\ufffd"
    assert read.files[2].original_name_base64 == files()[2].original_name_base64
    assert read.files[2].format is None
    assert read.events == EVENTS
    assert read.agents == AGENTS
    assert read.representation == premis.Representation(RECORD, "入户调查照片", ("f1", "f2", "f3"))
    assert premis.read(io.BytesIO(document())) == read


def test_equal_input_gives_equal_bytes() -> None:
    turned = [
        PremisFile(
            f.id, f.path, f.original_name, f.size, dict(reversed(f.digests.items())), f.format, f.original_name_base64
        )
        for f in files()
    ]
    assert premis.to_bytes(turned, EVENTS, AGENTS, record_id=RECORD, title="入户调查照片") == document()


def test_sm3_carries_its_name() -> None:
    assert "<messageDigestAlgorithm>sm3</messageDigestAlgorithm>" in document().decode()


def test_valid_against_what_we_write() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "premis-3-written.xsd"))
    schema.assertValid(etree.fromstring(document()))


def test_valid_against_the_published_schema() -> None:
    published = SCHEMAS / "premis-v3-0.xsd"
    if not published.exists():
        pytest.skip(
            "skipped: schema not found (put the Library of Congress's premis-v3-0.xsd into tests/fixtures/schemas)"
        )
    etree.XMLSchema(etree.parse(published)).assertValid(etree.fromstring(document()))


def test_the_schema_sees_faults() -> None:
    schema = etree.XMLSchema(etree.parse(SCHEMAS / "premis-3-written.xsd"))
    assert not schema.validate(etree.fromstring(document().replace(b"<size>4321</size>", b"<size>many</size>")))
    assert not schema.validate(etree.fromstring(document().replace(b"eventIdentifierValue", b"eventName")))


def test_ten_thousand_files_need_no_more_memory() -> None:
    class Counter(io.RawIOBase):
        written = 0

        def write(self, data: object) -> int:
            self.written += len(data)  # type: ignore[arg-type]  # io's own signature is wider
            return len(data)  # type: ignore[arg-type]

    def many() -> Iterator[PremisFile]:
        for number in range(10_000):
            yield PremisFile(f"f{number}", f"data/{number}", f"{number}", number, {"sha512": "a" * 128})

    out = Counter()
    tracemalloc.start()
    premis.write(many(), EVENTS, AGENTS, record_id=RECORD, title="t", out=out)  # type: ignore[arg-type] # a raw stream will do
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.written > 5_000_000
    assert peak < 1_000_000


def test_unknown_words_are_not_written() -> None:
    for event in (Event("e", "burning", AT), Event("e", "ingestion", AT, "", "maybe")):  # type: ignore[arg-type]  # that is tested
        with pytest.raises(ValueError, match="not a"):
            premis.to_bytes(files(), [event], AGENTS, record_id=RECORD, title="t")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"<premis/>", "premis.not_premis"),
        (b"<a", "xml.malformed"),
        (b"<!DOCTYPE a><a/>", "xml.doctype"),
        (document().replace(b"<eventIdentifierValue>e1</eventIdentifierValue>", b""), "premis.incomplete"),
        (document().replace(b"2026-01-05T01:00:00Z", b"then"), "xml.instant"),
    ],
)
def test_refused(data: bytes, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        premis.read(data)
    assert caught.value.code == code


def test_event_types_are_the_vocabulary_s() -> None:
    assert len(premis.EVENT_TYPES) == len(set(premis.EVENT_TYPES)) == 45
    assert {"ingestion", "virus check", "message digest calculation"} <= set(premis.EVENT_TYPES)
