"""YAML read strictly, with the place of every key.

A profile is law for the program, so nothing is guessed: a key given twice, an anchor, a tag, text that is not UTF-8 are
refused. Plain scalars become ``true``/``false``, ``null`` or an integer; everything else stays text (``2026.1`` is a
version, ``NO`` a code, ``2026-01-01`` a date that the model parses).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from metadata.errors import Invalid

Path = tuple[str | int, ...]
_INTEGER = re.compile(r"^[-+]?(0|[1-9][0-9]*)$")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same grammar in C where it was built: a profile is read by every command."""
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}


@dataclass(frozen=True)
class Place:
    """Line and column, counted from 1."""

    line: int
    column: int


def dotted(path: Path) -> str:
    """``("rules", 3, "years")`` as a person reads it: ``rules[3].years``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


@dataclass(frozen=True)
class Document:
    """The plain values of one YAML file and where each stands."""

    file: str
    values: Any
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where ``path`` stands, or the nearest thing around it."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))

    def fault(self, path: Path, *, zh: str, en: str, more: int = 0) -> Invalid:
        """The error that names file, line, column and key; ``more`` further faults are only counted."""
        place, key = self.place(path), dotted(path)
        rest_zh = f"（另有 {more} 处错误）" if more else ""
        rest_en = f" ({more} more)" if more else ""
        return Invalid(
            "profile.invalid",
            zh=f"规则文件 {self.file} 第 {place.line} 行第 {place.column} 列，键 {key or '（根）'}：{zh}{rest_zh}。请改正后重试。",
            en=f"{self.file}, line {place.line}, column {place.column}, key {key or '(root)'}: {en}{rest_en}. Correct it and try again.",
            file=self.file,
            line=place.line,
            column=place.column,
            key=key,
        )


class _Builder:
    def __init__(self, file: str) -> None:
        self.file = file
        self.places: dict[Path, Place] = {}

    def refuse(self, node: yaml.Node, path: Path, zh: str, en: str) -> NoReturn:
        self.places[path] = self.mark(node)
        raise Document(self.file, None, self.places).fault(path, zh=zh, en=en)

    @staticmethod
    def mark(node: yaml.Node) -> Place:
        return Place(node.start_mark.line + 1, node.start_mark.column + 1)

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.places.setdefault(path, self.mark(node))
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(one, (*path, position)) for position, one in enumerate(node.value)]
        return self.scalar(node)

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self.refuse(key_node, path, "键必须是文字", "a key must be text")
            key = str(key_node.value)
            if key in made:
                self.refuse(key_node, (*path, key), "同一个键写了两次", "the key stands twice")
            self.places[(*path, key)] = self.mark(key_node)
            made[key] = self.build(value_node, (*path, key))
        return made

    @staticmethod
    def scalar(node: yaml.Node) -> Any:
        text = str(node.value)
        if getattr(node, "style", None):  # quoted or block: text as it stands
            return text
        if text in _WORDS:
            return _WORDS[text]
        return int(text) if _INTEGER.match(text) else text


def _at(event: yaml.Event, file: str) -> Document:
    mark = event.start_mark
    return Document(file, None, {(): Place(mark.line + 1, mark.column + 1)} if mark else {})


def read(file: str, data: bytes) -> Document:
    """The document in ``data``; ``Invalid`` (``profile.invalid``) names the place of whatever cannot be read."""
    builder = _Builder(file)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Document(file, None, {(): Place(line, 1)}).fault(
            (), zh="不是 UTF-8 编码", en="the file is not UTF-8"
        ) from error
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise _at(event, file).fault((), zh="不接受锚点与别名", en="anchors and aliases are not accepted")
            if getattr(event, "tag", None):
                raise _at(event, file).fault((), zh="不接受类型标签", en="tags are not accepted")
        root = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        builder.places[()] = Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
        raise Document(file, None, builder.places).fault(
            (), zh=f"YAML 语法错误（{error.problem}）", en=f"YAML syntax error ({error.problem})"
        ) from error
    except yaml.YAMLError as error:
        raise Document(file, None, {}).fault(
            (), zh="YAML 含有不允许的字符", en="YAML with forbidden characters"
        ) from error
    if not isinstance(root, yaml.MappingNode):
        raise Document(file, None, {}).fault((), zh="文件应是一个键值表", en="the file must be a mapping")
    return Document(file, builder.build(root, ()), builder.places)
