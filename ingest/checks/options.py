"""What the depositor chose, against the profile (DA/T 70 A4)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ingest.outcome import Finding
from metadata.errors import Invalid
from metadata.household import check_household_no
from metadata.profile import Profile


def run(options: Mapping[str, Any], profile: Profile) -> Iterable[Finding]:
    """Findings about household, programme and document type of the deposit."""
    number = options.get("household_no")
    if number is not None:
        try:
            check_household_no(str(number))
        except Invalid:
            yield Finding("option.bad_household_no")
    programme = options.get("programme")
    if (number is not None or programme is not None) and programme not in profile.programmes:
        yield Finding("option.unknown_programme", None, {"value": programme or "-"})
    document_type = options.get("document_type")
    if document_type is not None and document_type not in profile.document_types:
        yield Finding("option.unknown_document_type", None, {"value": document_type})
