"""Archival codes (档号): one spelling, and templates that are filled in and read back (DA/T 13-2022, DA/T 22-2015).

Codes of different rank are separated by ``-``, codes of the same rank by ``·`` (U+00B7). Keyboards and old catalogues
hold many look-alikes of both. A template is a Python format string such as
``{fonds}-ZY·{programme}·{year}·{retention}-{file:05d}``; fields with a width and ``d`` are numbers. Several templates
are in use at once, since both standards are on the shelves. A code, once given, is never changed or given again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from string import Formatter

from metadata.errors import Invalid

DOT = "·"
_DOTS = "・•‧．.∙⋅･"
_DASHES = "—－–‐‑‒―−﹣"
_LOOK_ALIKES = str.maketrans(
    {chr(code): chr(code - 0xFEE0) for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))}
    | dict.fromkeys(_DOTS, DOT)
    | dict.fromkeys(_DASHES, "-")
)
_WIDTH = re.compile(r"0([0-9]+)d\Z")
# What a field holds when it is text; everything else is letters and digits (Han for units such as 办公室).
_FIELD_PATTERNS = {"year": "[0-9]{4}", "division12": "[0-9]{12}", "check": "[0-9X]", "retention": "Y|D[0-9]+"}
_ANY_FIELD = r"[^\W_]+"


def normalise(text: str) -> str:
    """``text`` in the one spelling: ``·`` and ``-`` for all look-alikes, ASCII letters and digits, no white space."""
    return re.sub(r"\s+", "", text.translate(_LOOK_ALIKES))


def render(template: str, **parts: str | int) -> str:
    """The code that ``template`` gives for ``parts``.

    Raises ``Invalid``: ``code.part_missing`` when the template names a part that is not given, ``code.part_wrong`` when
    a part would not be read back as it was (a number too wide, a separator inside a part).
    """
    for name, _width in _fields(template):
        if name not in parts:
            raise Invalid(
                "code.part_missing",
                zh=f"生成档号缺少“{name}”；模板为 {template}。",
                en=f"The archival code needs {name!r}; the template is {template}.",
                part=name,
                template=template,
            )
    code = normalise(_formatted(template, parts))
    read = _read(template, code)
    for name, width in _fields(template):
        given = int(parts[name]) if width else normalise(str(parts[name]))
        if read is None or read[name] != given:
            raise Invalid(
                "code.part_wrong",
                zh=f"“{name}”的值 {parts[name]} 不能用于档号模板 {template}；请检查位数和字符。",
                en=f"The value {parts[name]} of {name!r} does not fit the template {template}; check width and characters.",
                part=name,
                template=template,
            )
    return code


def parse(template: str, text: str) -> dict[str, str | int]:
    """The parts of the code ``text`` as ``template`` names them, numbers as ``int``.

    ``text`` is normalised first. Raises ``Invalid`` (``code.malformed``) when it does not have the template's form.
    """
    parts = _read(template, normalise(text))
    if parts is None:
        raise Invalid(
            "code.malformed",
            zh=f"档号“{text}”不符合模板 {template}。",
            en=f"Archival code {text!r} does not have the form {template}.",
            archival_code=text,
            template=template,
        )
    return parts


def for_file_name(code: str) -> str:
    """``code`` as it may stand in a file name on every system: ``·`` becomes ``.``; never a storage key."""
    return normalise(code).replace(DOT, ".")


def _formatted(template: str, parts: dict[str, str | int]) -> str:
    numbers = {name for name, width in _fields(template) if width}
    try:
        return template.format(**{name: int(value) if name in numbers else value for name, value in parts.items()})
    except ValueError as error:
        raise Invalid(
            "code.part_wrong",
            zh=f"档号的数字部分不是数字；模板为 {template}。",
            en=f"A numeric part of the archival code is not a number; the template is {template}.",
            template=template,
        ) from error


def _fields(template: str) -> Iterator[tuple[str, int]]:
    """Names in ``template``, each with its width when it is a number, else 0."""
    for _literal, name, width, _conversion in Formatter().parse(template):
        if name is not None:
            match = _WIDTH.match(width or "")
            yield name, int(match.group(1)) if match else 0


@lru_cache(maxsize=64)
def _pattern(template: str) -> re.Pattern[str]:
    parts = []
    for literal, name, width, _conversion in Formatter().parse(template):
        parts.append(re.escape(normalise(literal)))
        if name is not None:
            match = _WIDTH.match(width or "")
            parts.append(
                f"(?P<{name}>{f'[0-9]{{{match.group(1)}}}' if match else _FIELD_PATTERNS.get(name, _ANY_FIELD)})"
            )
    return re.compile("".join(parts) + r"\Z")


def _read(template: str, code: str) -> dict[str, str | int] | None:
    match = _pattern(template).match(code)
    if match is None:
        return None
    numbers = {name for name, width in _fields(template) if width}
    return {name: int(value) if name in numbers else value for name, value in match.groupdict().items()}
