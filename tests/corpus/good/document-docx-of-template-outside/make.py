"""A template on another machine is told; the document is whole."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.documents import repacked, word
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    related = (
        b'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="r1" '
    )
    related += (
        b'Type="http://x/attachedTemplate" Target="http://example.org/x.dotm" TargetMode="External"/></Relationships>'
    )
    return one(
        folder, "申请书.docx", repacked(word(), lambda parts: parts.update({"word/_rels/settings.xml.rels": related}))
    )
