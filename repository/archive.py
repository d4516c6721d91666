"""The opened archive: what every part of the program is handed instead of reaching for globals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from repository.clock import Clock
from repository.db import Sessions

if TYPE_CHECKING:
    from metadata.profile import Profile
    from repository.keys import Keys
    from repository.storage.replicas import Replicas


@dataclass(frozen=True)
class Archive:
    """A holding with its database, replicas, keys and profile. Built once by ``lantai.site`` and passed in.

    ``sessions`` begin write transactions, ``reading`` read-only ones. ``quarantine`` holds deposits until their first
    audit has passed; ``derivatives`` holds what can be made again (text, thumbnails).
    """

    holding_id: str
    zone: str
    sessions: Sessions
    reading: Sessions
    replicas: Replicas
    keys: Keys
    clock: Clock
    profile: Profile
    quarantine: Path
    derivatives: Path
