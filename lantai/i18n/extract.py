"""Bring the Chinese catalogue up to date with the messages in templates and code.

python -m lantai.i18n.extract          rewrites lantai.po; new messages stand there without a translation
"""

from __future__ import annotations

import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from lantai.i18n import CATALOGUE

ROOT = Path(__file__).parent.parent
METHODS = [("**/templates/**.html", "jinja2"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"extensions": "jinja2.ext.i18n", "newstyle_gettext": "true", "silent": "false"}}
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


def template() -> Catalog:
    """Every message of the interface, with where it stands."""
    catalogue = Catalog(project="Lantai", charset="utf-8", fuzzy=False)
    found = extract_from_dir(str(ROOT), METHODS, OPTIONS, keywords=KEYWORDS, comment_tags=("Translators:",))
    for name, line, message, comments, context in sorted(found, key=lambda one: (one[0], one[1])):
        catalogue.add(
            message, None, [(f"lantai/{Path(name).as_posix()}", line)], auto_comments=comments, context=context
        )
    return catalogue


def present() -> Catalog:
    """The Chinese catalogue as it stands."""
    with CATALOGUE.open("rb") as file:
        return read_po(file, locale="zh_CN")


def untranslated(catalogue: Catalog) -> list[str]:
    """Messages that have no Chinese yet, or only for some of their numbers."""
    found = []
    for message in catalogue:
        given = (message.string,) if isinstance(message.string, str) else tuple(message.string or ("",))
        if message.id and not all(given):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def main() -> int:
    """Rewrite the catalogue; obsolete messages go, new ones come without a translation."""
    catalogue = present() if CATALOGUE.exists() else Catalog(locale="zh_CN", project="Lantai", fuzzy=False)
    catalogue.update(template(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with CATALOGUE.open("wb") as file:
        write_po(
            file, catalogue, width=0, omit_header=False, sort_by_file=True, include_lineno=False, ignore_obsolete=True
        )
    sys.stdout.write(f"{len(catalogue)} messages, {len(untranslated(catalogue))} without a translation\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
