"""A mail alone."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "来信.eml", mail())
