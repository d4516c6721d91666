"""The one XML parser of the program, hardened, and how instants are written in XML.

Deposited XML is hostile until read: a document type declaration, an entity, a tree deeper or larger than libxml2's own
limits, or a reference to the network is refused, never resolved.
"""

from __future__ import annotations

from datetime import UTC, datetime

from lxml import etree

from metadata.errors import Invalid

_UNFOLDED = frozenset({etree.ErrorTypes.ERR_ENTITY_LOOP, etree.ErrorTypes.ERR_RESOURCE_LIMIT})
"""What libxml2 says of entities that unfold too far: the limits on depth and size share the second."""


def parser() -> etree.XMLParser:
    """A fresh hardened parser: no entities, no DTD, no network, libxml2's limits on depth and size in force."""
    return etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
    )


def parse(data: bytes) -> etree._Element:
    """The root element of the document in ``data``.

    Raises ``Invalid`` with ``xml.doctype`` for a document type declaration (and with it every entity) and
    ``xml.malformed`` for anything that is not well-formed or passes the limits.
    """
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        if (
            getattr(error, "code", None) in _UNFOLDED and "entity" in str(error).lower()
        ):  # stopped before the tree could be looked at
            raise _doctype() from error
        raise _malformed(error) from error
    except ValueError as error:  # an empty document, or text with an encoding declaration
        raise _malformed(error) from error
    refuse_doctype(root.getroottree())
    return root


def refuse_doctype(tree: etree._ElementTree) -> None:
    """Raise ``Invalid`` (``xml.doctype``) when the document of ``tree`` carries a document type declaration."""
    if tree.docinfo.internalDTD is not None:
        raise _doctype()


def _doctype() -> Invalid:
    return Invalid(
        "xml.doctype",
        zh="XML 文件带有文档类型声明（DTD），出于安全考虑不予读取；请去掉 <!DOCTYPE …> 后重新提交。",
        en="The XML file carries a document type declaration, which is refused for safety; remove <!DOCTYPE …>.",
    )


def instant(at: datetime) -> str:
    """``at`` as xs:dateTime in UTC with ``Z``; microseconds only when there are any. Naive times are refused."""
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_instant(text: str) -> datetime:
    """The instant that ``text`` (xs:dateTime with a zone) names; ``Invalid`` (``xml.instant``) for anything else."""
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid(
            "xml.instant",
            zh=f"时间“{text}”不是带时区的 ISO 8601 时间。",
            en=f"{text!r} is not an ISO 8601 time with a zone.",
            text=text,
        )
    return at.astimezone(UTC)


def _malformed(error: Exception) -> Invalid:
    line = getattr(error, "lineno", None)
    place_zh, place_en = (f"第 {line} 行：", f"line {line}: ") if line else ("", "")
    return Invalid(
        "xml.malformed",
        zh=f"XML 文件无法读取（{place_zh}{error}）；请用 XML 工具检查后重新提交。",
        en=f"The XML file cannot be read ({place_en}{error}); check it with an XML tool and submit it again.",
        line=line,
    )
