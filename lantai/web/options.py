"""Choices of forms out of the profile: programmes, document types grouped by stage."""

from __future__ import annotations

from lantai.web import labels
from lantai.web.visit import Visit

Options = list[tuple[str, list[tuple[str, str]]]]


def programmes(visit: Visit) -> Options:
    """Programmes by their name."""
    profile = visit.site.archive.profile
    return [("", [(one.code, labels.term(visit.language, one)) for one in profile.programmes.values()])]


def document_types(visit: Visit) -> Options:
    """Document types of the catalogue, grouped by the stage of the procedure."""
    profile = visit.site.archive.profile
    made: Options = []
    for stage in profile.stages.values():
        entries = [
            (one.code, f"{one.code} {labels.term(visit.language, one)}")
            for one in profile.document_types.values()
            if one.stage == stage.code
        ]
        if entries:
            made.append((labels.term(visit.language, stage), entries))
    return made
