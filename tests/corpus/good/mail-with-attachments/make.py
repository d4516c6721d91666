"""A mail is kept and its attachments are taken out."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one
from tests.corpus.makers.papers import plain_pdf


def make(folder: Path) -> Path:
    return one(folder, "材料.eml", mail(("申请书.pdf", plain_pdf()), ("说明.txt", "说明".encode())))
