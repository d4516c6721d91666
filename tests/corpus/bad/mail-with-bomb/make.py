"""A bomb in a mail."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.archives import inside
from tests.corpus.makers.mail import mail
from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    return one(folder, "材料.eml", mail(("t.zip", inside(("zeros.bin", bytes(8 << 20))))))
