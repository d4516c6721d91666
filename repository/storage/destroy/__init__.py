"""The port of destruction, apart from the storage port so that only disposal can reach it.

Destruction takes every version of an object that a store may keep (versioned buckets keep old ones), one by one, and
then proves that the key is gone. Nothing but ``retention.disposal`` may import this package (import-linter holds it).
"""

from __future__ import annotations

from typing import Protocol


class Destroyer(Protocol):
    """Removes objects from one store for good."""

    def list_versions(self, key: str) -> list[str]:
        """Ids of every version of ``key`` that the store still holds, delete markers included; empty when none."""

    def delete_version(self, key: str, version_id: str) -> None:
        """Remove one version, durably; a version that is gone already is a success, so a retry is harmless."""

    def absent(self, key: str) -> bool:
        """Whether no version of ``key`` is left; ``Unavailable`` when the store cannot say so."""
