"""Reasons that findings name, in words: parameters hold stable short codes, people read these.

A reason that is not here is shown as it is: the name of an inner part of a file, of an error of the operating system.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NAMED = ("reason", "part", "database", "date")
"""Parameters whose values are looked up here."""

WORDS: Mapping[str, tuple[str, str]] = {
    "-": ("不明", "unknown"),
    "EACCES": ("没有读取权限", "no permission to read"),
    "EIO": ("介质读取出错", "the medium gave a read error"),
    "ENOENT": ("文件已不在原处", "the file is no longer there"),
    "EPERM": ("没有读取权限", "no permission to read"),
    "RTF": ("RTF 的文字读不出", "the text of the RTF cannot be read"),
    "away": ("扫描服务没有应答", "the scanner did not answer"),
    "checksum": ("校验值不符", "a checksum does not match"),
    "cut short": ("文件不完整，后部缺失", "it is cut short"),
    "decoding": ("内容无法解码", "its content cannot be decoded"),
    "encrypted": ("内容已加密", "its content is encrypted"),
    "end": ("结尾", "its end"),
    "gone": ("检查期间文件不在了", "it went away during the check"),
    "header": ("开头的文件标识不对", "its beginning is not that of such a file"),
    "killed": ("检查程序异常中止", "the check broke off"),
    "legacy format": ("旧格式，本系统不读其文字", "an old format whose text is not read here"),
    "limits": ("超出扫描服务的限度", "beyond the scanner's limits"),
    "memory": ("需要的内存超出限度", "it needs more memory than is allowed"),
    "no document": ("包内没有正文", "there is no document inside"),
    "no length": ("没有时长信息", "it has no length"),
    "no page": ("一页也没有", "it has no page"),
    "no reader": ("没有可读这种格式的程序", "there is no reader for this format"),
    "no stream": ("没有声音或图像", "it has neither sound nor picture"),
    "package": ("包装结构损坏", "its package is damaged"),
    "packing": ("用了不支持的压缩方法", "it is packed by an unsupported method"),
    "page": ("有页面无法读出", "a page cannot be read"),
    "page missing": ("缺少页面", "a page is missing"),
    "refused": ("扫描服务拒绝", "the scanner refused it"),
    "size": ("尺寸或大小与记载不符", "its size is not what it says"),
    "structure": ("内部结构损坏", "its structure is damaged"),
    "time": ("超出时间限度", "it took too long"),
    "too_large": ("文件太大", "it is too large"),
    "unreachable": ("连接不上", "no connection"),
    "unreadable": ("读不出文件", "the file could not be read"),
}


def in_words(name: str, value: Any, *, english: bool) -> Any:
    """``value`` of the parameter ``name`` as a person reads it."""
    if name not in NAMED or not isinstance(value, str):
        return value
    if value in WORDS:
        return WORDS[value][1 if english else 0]
    if value.endswith("Error"):  # of the library that reads the format
        return f"its reader failed: {value}" if english else f"读取程序出错：{value}"
    return value
