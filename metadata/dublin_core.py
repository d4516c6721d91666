"""Dublin Core, the fifteen elements (ISO 15836-1); for dissemination packages and exchange, never as the only description.

Names of persons have no place here: a Dublin Core record travels further than the record it describes.
"""

from __future__ import annotations

NAMESPACE = "http://purl.org/dc/elements/1.1/"

ELEMENTS = (
    "contributor",
    "coverage",
    "creator",
    "date",
    "description",
    "format",
    "identifier",
    "language",
    "publisher",
    "relation",
    "rights",
    "source",
    "subject",
    "title",
    "type",
)

FIELDS: dict[str, str] = {
    "title": "title",
    "author": "creator",
    "date": "date",
    "document_type": "type",
    "document_number": "identifier",
    "language": "language",
    "division_code": "coverage",
    "programme": "subject",
    "access_level": "rights",
    "note": "description",
}
"""Field of a description -> element."""
