"""What a person ticked in a list: fields ``id.<identifier>`` of a form, or ``ids`` joined by commas to take an act back."""

from __future__ import annotations

from lantai.web.visit import Posted
from metadata.identifiers import is_id

FIELD = "id."


def chosen(form: Posted) -> list[str]:
    """Identifiers chosen, each once, in the order of the list; what is no identifier is left out."""
    ticked = [name.removeprefix(FIELD) for name in form.fields if name.startswith(FIELD)]
    joined = form.text("ids").split(",")
    return list(dict.fromkeys(one for one in (*ticked, *joined) if is_id(one)))


def row_version(form: Posted) -> int | None:
    """The state that the person saw, as a form carries it; none when it carries none."""
    text = form.text("row_version")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else None
