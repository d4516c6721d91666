"""The state of the archive as one dictionary."""

from __future__ import annotations

import json

from repository.archive import Archive
from repository.fixity import audit
from repository.status import status

from .conftest import OFFICER, StoreRecord, files_of, flip, folder_of


def test_it_counts_and_names(archive: Archive, store_record: StoreRecord) -> None:
    key = store_record(files_of(3, 1000))
    store_record(files_of(2, 1000))
    flip(folder_of(archive, "b") / key, 5)
    audit(archive, actor=OFFICER)
    found = status(archive)
    json.dumps(found)
    assert [found[name] for name in ("records", "versions", "files", "bytes")] == [2, 2, 5, 5000]
    assert found["incidents"]["open"] == 1
    assert found["incidents"]["list"][0]["key"] == key
    assert found["strays"] == 0
    assert found["index_lag"] == 0
    assert found["ledger"]["acts"]["block"] is None
    assert found["ledger"]["acts"]["pending"] == 5  # two runs; the incident, its alarm, the alarm's state
    a, b = found["replicas"]
    assert (a["name"], a["objects"], a["pending"], a["damaged"], a["reachable"]) == ("a", 5, 1, 0, True)
    assert (b["damaged"], b["last_audit"]["outcomes"]) == (1, {"damaged": 1, "intact": 3})


def test_two_folders_on_one_device_are_one_failure_domain(archive: Archive) -> None:
    domains = status(archive)["failure_domains"]
    assert domains["count"] == 1
    assert domains["shared"] == [["a", "b"]]
    assert "one device" in domains["en"]


def test_a_replica_that_is_away_is_said(archive: Archive) -> None:
    root = folder_of(archive, "b")
    root.rename(root.with_name("elsewhere"))
    found = status(archive)
    assert [one["reachable"] for one in found["replicas"]] == [True, False]
    assert found["failure_domains"]["shared"] == []
