"""A throw-away site with two local replicas, and deposits into it by the pipeline that every deposit takes."""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Sequence
from pathlib import Path

from access.accounts import SYSTEM
from ingest.context import ALL_CHECKS, Context
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from lantai.replica_settings import ReplicaSettings
from lantai.settings import load
from lantai.site import Site, initialise
from repository.archive import Archive
from repository.fixity import audit

DIGESTS = ("sha256", "sha512")


class BenchSite:
    """A new site in ``folder``; bags carry sha256 and sha512 manifests, as the other side's do."""

    def __init__(self, folder: Path, *, checks: bool = False, replicas: Sequence[ReplicaSettings] = ()) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        self.site: Site = initialise(
            load(home=folder, **({"replicas": list(replicas)} if replicas else {})), bureau="测试局", division="330000"
        )
        profile = dataclasses.replace(self.site.archive.profile, digest_algorithms=DIGESTS)
        self.archive: Archive = dataclasses.replace(self.site.archive, profile=profile)
        self.context = Context.open(self.archive, checks=ALL_CHECKS - {"virus"} if checks else frozenset())

    def deposit(self, paths: Sequence[Path], *, one_record: bool, in_place: bool) -> None:
        """Take ``paths`` in, up to accession."""
        options = {"one_record": one_record, "in_place": in_place, "accept": True}
        with self.archive.sessions.begin() as session:
            submission = open_submission(
                session,
                archive=self.archive,
                actor=SYSTEM,
                organ_id=None,
                title="bench",
                channel="bench",
                options=options,
            )
        receive_path(self.archive, submission.id, list(paths), in_place=in_place)
        state = advance(self.context, submission.id)
        if state != "done":
            raise RuntimeError(f"the deposit ended as {state}")

    def read_back(self, *, replicas: Sequence[str] | None = None, everything: bool = True) -> None:
        """Re-read in full, through the operating system's cache as the other side does."""
        results = audit(self.archive, actor=SYSTEM.ref, replicas=replicas, all=everything, cold=False, listing=False)
        if results.exit_code or not results.checked:
            raise RuntimeError(f"the audit ended with {results.exit_code} after {results.checked} objects")

    def close(self) -> None:
        """End the site and remove it."""
        self.context.close()
        self.site.close()
        shutil.rmtree(self.folder, ignore_errors=True)
