"""Every kind of tampering is caught and named."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metadata.errors import Invalid, NotFound
from repository.archive import Archive
from repository.clock import FixedClock
from repository.keys import Keys
from repository.ledger import block, checkpoints, export, seal
from repository.ledger.trust import read_public_key
from repository.ledger.verify import LedgerReport, verify_folder

Sealed = tuple[Path, bytes]


@pytest.fixture
def ledger(archive: Archive, act: Callable[[int], None], replica_folder: Path) -> Sealed:
    """Three blocks of four acts each on replica a, and the public key kept elsewhere."""
    for _ in range(3):
        act(4)
        seal.seal(archive)
    return replica_folder, archive.keys.public_bytes()


def _block(folder: Path, number: int, stream: str = "acts") -> Path:
    return next((folder / "ledger" / stream).rglob(f"{number:09d}.jsonl"))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _first(report: LedgerReport) -> tuple[str, str | None, int | None, int | None]:
    assert not report.ok
    one = report.problems[0]
    assert one.zh
    assert one.en
    return one.code, one.stream, one.block, one.entry


def _only(report: LedgerReport) -> tuple[str, str | None, int | None, int | None]:
    assert len(report.problems) == 1, report.problems
    return _first(report)


def test_an_altered_entry_is_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    lines = _lines(path)
    told = json.loads(lines[3])["id"]
    lines[3] = lines[3].replace(b'"organ.created"', b'"organ.creatfd"')
    path.write_bytes(b"".join(lines))
    report = verify_folder(folder, [key])
    assert _only(report) == ("ledger.entry_altered", "acts", 2, 3)
    assert report.problems[0].entry_id == told
    assert "第 3 条" in report.problems[0].zh


@pytest.mark.parametrize("entry", [1, 2, 4])
def test_a_removed_entry_is_named(ledger: Sealed, entry: int) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    lines = _lines(path)
    del lines[entry]
    path.write_bytes(b"".join(lines))
    assert _only(verify_folder(folder, [key])) == ("ledger.entry_removed", "acts", 2, entry)


@pytest.mark.parametrize("place", [1, 3, 5])
@pytest.mark.parametrize("copied", [False, True])
def test_an_inserted_entry_is_named(ledger: Sealed, place: int, *, copied: bool) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    lines = _lines(path)
    other = _lines(_block(folder, 3))[1]
    lines.insert(place, lines[2] if copied else other)
    path.write_bytes(b"".join(lines))
    code, stream, number, entry = _only(verify_folder(folder, [key]))
    assert (code, stream, number) == ("ledger.entry_inserted", "acts", 2)
    assert entry == place


def test_reordered_entries_are_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    lines = _lines(path)
    lines[2], lines[4] = lines[4], lines[2]
    path.write_bytes(b"".join(lines))
    assert _only(verify_folder(folder, [key])) == ("ledger.entry_reordered", "acts", 2, 2)


@pytest.mark.parametrize(
    ("tail", "code"),
    [(lambda data: data[:-1], "ledger.line_end"), (lambda data: data + b"\n", "ledger.entry_inserted")],
)
def test_a_touched_tail_is_named(ledger: Sealed, tail: Callable[[bytes], bytes], code: str) -> None:
    folder, key = ledger
    path = _block(folder, 1)
    path.write_bytes(tail(path.read_bytes()))
    assert _only(verify_folder(folder, [key]))[:3] == (code, "acts", 1)


def test_line_ends_of_another_system_are_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = _block(folder, 1)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert _only(verify_folder(folder, [key]))[0] == "ledger.header_malformed"


def test_an_altered_header_is_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    path.write_bytes(path.read_bytes().replace(b'"sealed_at":"2026', b'"sealed_at":"2025', 1))
    assert _only(verify_folder(folder, [key])) == ("ledger.bad_signature", "acts", 2, None)


@pytest.mark.parametrize("number", [1, 2])
def test_a_missing_block_is_named(ledger: Sealed, number: int) -> None:
    folder, key = ledger
    _block(folder, number).unlink()
    assert _only(verify_folder(folder, [key])) == ("ledger.block_missing", "acts", number, None)


def test_swapped_blocks_are_named(ledger: Sealed) -> None:
    folder, key = ledger
    two, three = _block(folder, 2), _block(folder, 3)
    two_bytes = two.read_bytes()
    two.write_bytes(three.read_bytes())
    three.write_bytes(two_bytes)
    report = verify_folder(folder, [key])
    assert [(one.code, one.block) for one in report.problems] == [
        ("ledger.block_misplaced", 2),
        ("ledger.block_misplaced", 3),
    ]


def test_a_block_of_the_other_stream_is_named(ledger: Sealed) -> None:
    folder, key = ledger
    shutil.copy(_block(folder, 2, "use"), _block(folder, 2, "acts"))
    assert _only(verify_folder(folder, [key])) == ("ledger.block_misplaced", "acts", 2, None)


def test_a_duplicate_block_is_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    copy = path.parent.parent / "12" / path.name
    copy.parent.mkdir()
    shutil.copy(path, copy)
    assert _only(verify_folder(folder, [key])) == ("ledger.block_duplicate", "acts", 2, None)


def test_a_block_signed_again_by_an_insider_breaks_the_chain(ledger: Sealed, archive: Archive) -> None:
    folder, key = ledger
    path = _block(folder, 2)
    head, lines, _ = block.split(path.read_bytes())
    header = json.loads(head)
    forged = block.build(
        holding=archive.holding_id,
        stream="acts",
        number=2,
        previous=header["previous"],
        lines=lines[1:],
        sealed_at=archive.clock.now(),
        key_id=archive.keys.ledger_key_id,
        signer=archive.keys.sign,
    )
    path.write_bytes(forged.data)
    assert _only(verify_folder(folder, [key])) == ("ledger.chain_broken", "acts", 3, None)


def test_a_whole_ledger_forged_with_another_key_fails_with_the_true_key(ledger: Sealed, tmp_path: Path) -> None:
    folder, _ = ledger
    stranger = Keys.create(tmp_path / "stranger")
    codes = {one.code for one in verify_folder(folder, [stranger.public_bytes()]).problems}
    assert codes == {"ledger.unknown_key"}


def test_without_a_key_the_folder_is_trusted_with_a_warning(ledger: Sealed) -> None:
    folder, _ = ledger
    report = verify_folder(folder)
    assert report.ok
    assert "--key" in report.warnings[0][0]
    assert verify_folder(folder / "ledger").ok


def test_an_altered_key_document_is_named(ledger: Sealed) -> None:
    folder, key = ledger
    path = next((folder / "ledger" / "keys").iterdir())
    path.write_bytes(path.read_bytes().replace(b"Ed25519", b"Ed25518"))
    assert _only(verify_folder(folder, [key]))[0] == "ledger.key_altered"


def test_a_truncated_ledger_is_found_by_a_checkpoint(
    ledger: Sealed, archive: Archive, act: Callable[[int], None]
) -> None:
    folder, key = ledger
    info = checkpoints.write_checkpoint(archive)
    assert verify_folder(folder, [key]).ok
    _block(folder, 3, "use").unlink()
    assert _only(verify_folder(folder, [key])) == ("ledger.checkpoint_ahead", "use", 3, None)
    shutil.rmtree(folder / "ledger" / "use")
    assert _only(verify_folder(folder, [key])) == ("ledger.checkpoint_ahead", "use", 1, None)
    assert info.number == 4


def test_a_last_block_signed_again_is_found_by_a_checkpoint(ledger: Sealed, archive: Archive) -> None:
    folder, key = ledger
    checkpoints.write_checkpoint(archive)
    path = _block(folder, 3, "use")
    head, lines, _ = block.split(path.read_bytes())
    forged = block.build(
        holding=archive.holding_id,
        stream="use",
        number=3,
        previous=json.loads(head)["previous"],
        lines=lines[:-1],
        sealed_at=archive.clock.now(),
        key_id=archive.keys.ledger_key_id,
        signer=archive.keys.sign,
    )
    path.write_bytes(forged.data)
    assert _only(verify_folder(folder, [key])) == ("ledger.checkpoint_mismatch", "use", 3, None)


def test_an_altered_checkpoint_or_shard_is_named(ledger: Sealed, archive: Archive) -> None:
    folder, key = ledger
    info = checkpoints.write_checkpoint(archive)
    shard = folder / info.key.replace("checkpoint.json", "other.jsonl")
    good = shard.read_bytes()
    shard.write_bytes(good.replace(b"ledger_key", b"ledger_kez"))
    assert _only(verify_folder(folder, [key]))[0] == "ledger.shard_altered"
    shard.unlink()
    assert _only(verify_folder(folder, [key]))[0] == "ledger.shard_altered"
    shard.write_bytes(good)
    path = folder / info.key
    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":2'))
    assert _only(verify_folder(folder, [key]))[0] == "ledger.checkpoint_bad_signature"
    path.write_bytes(b"{}")
    assert _only(verify_folder(folder, [key]))[0] == "ledger.checkpoint_malformed"


def test_a_new_key_is_trusted_through_the_old_one_and_vouches_for_the_chain(
    ledger: Sealed, archive: Archive, act: Callable[[int], None], clock: FixedClock
) -> None:
    folder, old = ledger
    clock.moment += timedelta(days=40)
    archive.keys.rotate_ledger_key(clock.now())
    act(1)
    seal.seal(archive)
    new = archive.keys.public_bytes()
    assert new != old
    assert verify_folder(folder, [old]).ok
    assert verify_folder(folder, [new]).ok
    assert verify_folder(folder).ok


def test_a_foreign_block_and_other_files_are_named(ledger: Sealed, tmp_path: Path) -> None:
    folder, key = ledger
    (folder / "ledger" / "acts" / "note.txt").write_text("hello")
    assert _only(verify_folder(folder, [key]))[0] == "ledger.file_unexpected"


def test_an_empty_folder_is_no_ledger(tmp_path: Path) -> None:
    assert _only(verify_folder(tmp_path))[0] == "ledger.empty"
    with pytest.raises(NotFound):
        verify_folder(tmp_path / "nowhere")


def test_an_exported_ledger_verifies_elsewhere(ledger: Sealed, archive: Archive, tmp_path: Path) -> None:
    folder, key = ledger
    checkpoints.write_checkpoint(archive)
    out = tmp_path / "out"
    files = export.export(archive, out)
    assert files == sum(1 for path in out.rglob("*") if path.is_file())
    assert verify_folder(out, [key]).ok
    assert verify_folder(out, [key]).heads == verify_folder(folder, [key]).heads


def test_keys_are_read_from_pem_json_and_hex(ledger: Sealed, archive: Archive) -> None:
    folder, key = ledger
    document = next((folder / "ledger" / "keys").iterdir()).read_bytes()
    assert read_public_key(archive.keys.public_pem()) == key
    assert read_public_key(document) == key
    assert read_public_key(key.hex().encode()) == key
    with pytest.raises(Invalid):
        read_public_key(b"nonsense")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_single_byte_can_change_unseen(
    data: st.DataObject, whole: tuple[list[tuple[Path, bytes]], Path, bytes]
) -> None:
    files, folder, key = whole
    path, content = data.draw(st.sampled_from(files))
    place = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["flip", "drop", "insert", "cut"]))
    byte = data.draw(st.integers(1, 255))
    changed = {
        "flip": content[:place] + bytes([content[place] ^ byte]) + content[place + 1 :],
        "drop": content[:place] + content[place + 1 :],
        "insert": content[:place] + bytes([byte]) + content[place:],
        "cut": content[:place],
    }[kind]
    try:
        path.write_bytes(changed)
        report = verify_folder(folder, [key])
        assert not report.ok
        if "/acts/" in str(path) or "/use/" in str(path):
            assert any(one.block == int(path.stem) for one in report.problems)
    finally:
        path.write_bytes(content)


@pytest.fixture
def whole(ledger: Sealed, archive: Archive) -> tuple[list[tuple[Path, bytes]], Path, bytes]:
    """Every file of a small ledger with a checkpoint, and its bytes."""
    checkpoints.write_checkpoint(archive)
    folder, key = ledger
    return [(path, path.read_bytes()) for path in sorted((folder / "ledger").rglob("*")) if path.is_file()], folder, key
