"""The hardened XML parser."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from metadata import xml
from metadata.errors import Invalid

BOMB = b"""<!DOCTYPE a [<!ENTITY x "xxxxxxxxxx"><!ENTITY y "&x;&x;&x;&x;&x;&x;&x;&x;&x;&x;">]><a>&y;</a>"""


def test_plain_document() -> None:
    root = xml.parse('<?xml version="1.0" encoding="UTF-8"?><甲><乙>字</乙></甲>'.encode())
    assert root.tag == "甲"
    assert root[0].text == "字"


def test_external_entity_is_refused_and_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    document = f'<!DOCTYPE a [<!ENTITY x SYSTEM "{secret.as_uri()}">]><a>&x;</a>'.encode()
    with pytest.raises(Invalid) as caught:
        xml.parse(document)
    assert caught.value.code == "xml.doctype"
    assert "secret.txt" not in str(caught.value)


@pytest.mark.parametrize(
    "document", [BOMB, b'<!DOCTYPE a SYSTEM "http://example.invalid/a.dtd"><a/>', b"<!DOCTYPE a><a/>"]
)
def test_doctype_is_refused(document: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        xml.parse(document)
    assert caught.value.code == "xml.doctype"


@pytest.mark.parametrize("document", [b"", b"<a>", b"<a></b>", b"\x00", b"<a>&x;</a>", b"<a>" * 5000 + b"</a>" * 5000])
def test_malformed_is_refused(document: bytes) -> None:
    with pytest.raises(Invalid) as caught:
        xml.parse(document)
    assert caught.value.code == "xml.malformed"


def test_instants() -> None:
    at = datetime(2026, 1, 5, 1, 2, 3, tzinfo=UTC)
    assert xml.instant(at) == "2026-01-05T01:02:03Z"
    assert xml.parse_instant("2026-01-05T09:02:03+08:00") == at
    with pytest.raises(ValueError, match="time zone"):
        xml.instant(datetime(2026, 1, 5))
    for text in ("", "2026-01-05T01:02:03", "yesterday"):
        with pytest.raises(Invalid):
            xml.parse_instant(text)
