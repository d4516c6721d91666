"""Languages of the interface: Chinese first, English complete.

English is the source language (the msgid); ``zh_CN/LC_MESSAGES/lantai.po`` is read when the program starts, so that no
compiled file needs to be kept in step with it. ``python -m lantai.i18n.extract`` brings the file up to date.
"""

from __future__ import annotations

import gettext
import io
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LANGUAGES = ("zh", "en")
FOLDER = Path(__file__).parent
CATALOGUE = FOLDER / "zh_CN" / "LC_MESSAGES" / "lantai.po"


def N_(message: str) -> str:  # noqa: N802 - the name gettext's tools know
    """Mark ``message`` for translation without translating it here."""
    return message


@cache
def translations(language: str) -> gettext.NullTranslations:
    """The translations of ``language`` (``zh`` or ``en``); English gives every message back as it is."""
    if not language.startswith("zh"):
        return gettext.NullTranslations()
    with CATALOGUE.open("rb") as file:
        catalogue = read_po(file, locale="zh_CN")
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def chosen(asked: str | None, accepted: str | None) -> str:
    """The language to speak: what the person chose, else the browser's first known one, else Chinese."""
    if asked in LANGUAGES:
        return asked
    for part in (accepted or "").split(","):
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in LANGUAGES:
            return tag
    return LANGUAGES[0]
