"""A forwarded mail is one attachment."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "转发.eml", mail(("原件.eml", mail(("说明.txt", "说明".encode())))))
