"""Destruction in object storage: every version and every delete marker of a key, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import botocore.exceptions

from metadata.errors import LantaiError
from repository.storage.s3 import failures
from repository.storage.s3.store import S3Store


class S3Destroyer:
    """Destruction in one bucket. Its credentials must be allowed to remove versions.

    A version under a governance lock is removed where the credentials may pass over it; one under a compliance lock
    cannot be removed by anybody before its day, which is ``Unavailable`` (``store.locked``).
    """

    def __init__(self, store: S3Store) -> None:
        self._store = store

    def list_versions(self, key: str) -> list[str]:
        """Ids of all versions and delete markers of ``key``, newest first as the store lists them."""
        return [one["VersionId"] for one in self._versions(key)]

    def delete_version(self, key: str, version_id: str) -> None:
        """Remove one version; one that is gone already is a success."""
        asked = {"Bucket": self._store.options.bucket, "Key": self._store.full_key(key), "VersionId": version_id}
        client = self._store.clients.control
        try:
            client.delete_object(**asked, **({"BypassGovernanceRetention": True} if self._store.options.lock else {}))
        except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
            found = failures.of_boto(error, self._store.name, key)
            if found.code == "store.not_found":
                return
            if found.code == "store.denied" and self._store.options.lock:
                raise failures.said("store.locked", self._store.name, key) from error
            raise found from error

    def absent(self, key: str) -> bool:
        """Whether no version and no delete marker is left; ``Unavailable`` when the store cannot say so."""
        if next(self._versions(key), None) is not None:
            return False
        try:
            self._store.head(key)
        except LantaiError as error:
            if error.code == "store.not_found":
                return True
            raise
        return False

    def _versions(self, key: str) -> Iterator[dict[str, Any]]:
        full = self._store.full_key(key)
        client, bucket = self._store.clients.control, self._store.options.bucket
        marker: dict[str, str] = {}
        while True:
            with failures.boto(self._store.name, key):
                answer = client.list_object_versions(Bucket=bucket, Prefix=full, **marker)
            for one in [*answer.get("Versions", ()), *answer.get("DeleteMarkers", ())]:
                if one["Key"] == full:
                    yield one
            if not answer.get("IsTruncated"):
                return
            marker = {"KeyMarker": answer["NextKeyMarker"], "VersionIdMarker": answer.get("NextVersionIdMarker", "")}
