"""Entities that would unfold to gigabytes."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one


def make(folder: Path) -> Path:
    levels = "".join(f'<!ENTITY x{n} "{f"&x{n - 1};" * 10}">' for n in range(1, 10))
    return one(folder, "数据.xml", f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x0 "ha">{levels}]><a>&x9;</a>')
