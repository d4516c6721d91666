"""Where the replicas of a site lie: no place may be named twice, or one place would pass for two copies."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from urllib.parse import urlsplit

from lantai.replica_settings import ReplicaSettings
from metadata.errors import Conflict


def refuse_one_place_twice(replicas: Sequence[ReplicaSettings]) -> None:
    """``Conflict`` (``replica.same_place``) when two replicas lie in one folder or bucket, or one inside the other."""
    for first, second in combinations(replicas, 2):
        if _overlap(first, second):
            raise Conflict(
                "replica.same_place",
                zh=f"设置中副本 {first.name} 和 {second.name} 是同一个位置（或一个在另一个之内），没有写入任何内容。请为每个副本指定各自的位置。",
                en=f"In the settings replicas {first.name} and {second.name} are one place, or one lies inside the other; nothing was written. Give each replica a place of its own.",
                first=first.name,
                second=second.name,
            )


def _overlap(first: ReplicaSettings, second: ReplicaSettings) -> bool:
    if first.kind != second.kind:
        return False
    if first.path is not None and second.path is not None:
        here, there = Path(first.path).resolve(), Path(second.path).resolve()
        return here.is_relative_to(there) or there.is_relative_to(here)
    if (_service(first), first.bucket) != (_service(second), second.bucket):
        return False
    here_key, there_key = first.prefix.strip("/"), second.prefix.strip("/")
    return (
        not here_key
        or not there_key
        or f"{here_key}/".startswith(f"{there_key}/")
        or f"{there_key}/".startswith(f"{here_key}/")
    )


def _service(replica: ReplicaSettings) -> str:
    return urlsplit(replica.endpoint).netloc.lower()
