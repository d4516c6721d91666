"""A mail that breaks off in its attachment."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one
from tests.corpus.makers.pictures import cut


def make(folder: Path) -> Path:
    return one(folder, "材料.eml", cut(mail(("a.bin", b"x" * 5_000)), 0.5))
