"""A file inside a PDF is told."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf, stream


def make(folder: Path) -> Path:
    names = b"/Names<</EmbeddedFiles<</Names[(a) 6 0 R]>>>>"
    extra = [b"<</Type/Filespec/F(a.txt)/EF<</F 7 0 R>>>>", stream(b"hello")]
    return one(folder, "通知.pdf", plain_pdf(catalogue=names, extra=extra))
