"""Where a backup goes: what is named on the command line is never guessed at."""

from __future__ import annotations

from pathlib import Path

import pytest

from lantai.backups import store_for
from lantai.replica_settings import ReplicaSettings
from lantai.settings import load
from metadata.errors import NotFound


def test_a_mistyped_store_is_no_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(home=tmp_path / "home", backups=[ReplicaSettings(name="vault", path=tmp_path / "vault")])
    assert store_for(settings, "vault").name == store_for(settings, None).name == "vault"
    with pytest.raises(NotFound) as error:
        store_for(settings, "vualt")
    assert error.value.code == "backup.unknown_store"
    assert "vault" in error.value.en
    assert store_for(settings, "./vualt").location.endswith("vualt")
    (tmp_path / "disk").mkdir()
    assert store_for(settings, "disk").location.endswith("disk")
    settings.backups = []
    assert store_for(settings, "anywhere").location.endswith("anywhere"), (
        "nothing can be mistyped where nothing is named"
    )
