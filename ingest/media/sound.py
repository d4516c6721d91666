"""Sound and video: the container opened by MediaInfo, its streams and length, and whether it was cut short."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable
from typing import Any

from pymediainfo import MediaInfo

from ingest.media.medium import Medium, Page, Subject

_STREAMS = frozenset({"Audio", "Video"})


def look(subject: Subject, medium: Medium) -> Iterable[Page]:
    """No page comes of it; length and size of the picture do."""
    with open(subject.path, "rb") as opened:
        head = opened.read(12)
    told = MediaInfo.parse(subject.path, output="JSON", parse_speed=0.5)
    media = json.loads(told or "{}").get("media") or {}
    tracks: list[dict[str, Any]] = media.get("track") or []
    streams = [one for one in tracks if one.get("@type") in _STREAMS]
    if not streams:
        medium.damaged("no stream")
        return ()
    general = next((one for one in tracks if one.get("@type") == "General"), {})
    medium.seconds = _number(general.get("Duration")) or max(_number(one.get("Duration")) for one in streams) or None
    picture = next((one for one in streams if one["@type"] == "Video"), None)
    if picture is not None:
        medium.width, medium.height = int(_number(picture.get("Width"))), int(_number(picture.get("Height")))
    if _cut_short(head, subject.size, general):
        medium.partial("end", "cut short")
    elif medium.seconds is None:
        medium.damaged("no length")
    return ()


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _cut_short(head: bytes, size: int, general: dict[str, Any]) -> bool:
    """By MediaInfo's own word, or because a RIFF file (WAV, AVI) is shorter than its header says."""
    if head[:4] == b"RIFF" and len(head) >= 8:
        told = struct.unpack_from("<I", head, 4)[0]
        if told != 0xFFFFFFFF and told + 8 > size + 1:
            return True
    extra = general.get("extra") or {}
    return "Yes" in {general.get("IsTruncated"), extra.get("IsTruncated")}
