"""The site's secrets: made once, kept private, rotated without losing what older keys did."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from metadata.errors import Conflict, Invalid, NotFound
from repository.clock import FixedClock
from repository.keys import FILE, Keys, key_id_of


@pytest.fixture
def keys(tmp_path: Path, clock: FixedClock) -> Keys:
    """New keys."""
    return Keys.create(tmp_path / "keys", now=clock.now())


def test_only_the_owner_can_read_them(keys: Keys, tmp_path: Path) -> None:
    path = tmp_path / "keys" / FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(Invalid, match="chmod 600"):
        Keys.open(tmp_path / "keys")


def test_they_are_never_overwritten(keys: Keys, tmp_path: Path) -> None:
    with pytest.raises(Conflict):
        Keys.create(tmp_path / "keys")
    assert Keys.open(tmp_path / "keys").ledger_key_id == keys.ledger_key_id == key_id_of(keys.public_bytes())
    with pytest.raises(NotFound):
        Keys.open(tmp_path / "elsewhere")


@pytest.mark.parametrize("content", [b"", b"{}", b"{", b'{"ledger": [], "seal": [], "blind": ""}'])
def test_a_damaged_file_is_said_to_be(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    (tmp_path / FILE).chmod(0o600)
    with pytest.raises(Invalid, match="damaged"):
        Keys.open(tmp_path)


def test_sealed_numbers_open_after_rotation_and_not_with_other_keys(keys: Keys, tmp_path: Path) -> None:
    sealed = keys.seal("11010519491231002X")
    assert b"11010519491231002X" not in sealed
    assert sealed != keys.seal("11010519491231002X")
    keys.rotate_seal_key()
    again = Keys.open(tmp_path / "keys")
    assert again.unseal(sealed) == again.unseal(again.seal("11010519491231002X")) == "11010519491231002X"
    for wrong in (sealed[:-1] + bytes([sealed[-1] ^ 1]), b"\x02" + sealed[1:], b"", sealed[:7]):
        with pytest.raises(Invalid, match="cannot be opened"):
            again.unseal(wrong)
    with pytest.raises(Invalid):
        Keys.create(tmp_path / "other").unseal(sealed)


def test_blind_digests_keep_their_purpose(keys: Keys, tmp_path: Path) -> None:
    assert keys.blind("123", "id") == Keys.open(tmp_path / "keys").blind("123", "id")
    assert len({keys.blind("123", "id"), keys.blind("123", "last4"), keys.blind("124", "id")}) == 3


def test_they_show_and_pass_on_nothing(keys: Keys) -> None:
    assert keys.ledger_key_id in repr(keys)
    with pytest.raises(TypeError):
        pickle.dumps(keys)


def test_key_documents_are_always_the_same_bytes(keys: Keys, tmp_path: Path, clock: FixedClock) -> None:
    first = keys.key_documents("h")
    keys.rotate_ledger_key(clock.now())
    both = Keys.open(tmp_path / "keys").key_documents("h")
    assert both[:1] == first
    assert [key_id for key_id, _ in both] == [first[0][0], keys.ledger_key_id]
