"""Containers: what is read from good ones, and what keeps hostile ones shut."""

from __future__ import annotations

import base64
import bz2
import gzip
import io
import lzma
import os
import random
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard

from ingest.containers import DAMAGED, Apart, Clock, Damaged, Listing, extract, kind_of, listing
from ingest.containers.naming import decide, named
from ingest.limits import IngestLimits
from ingest.outcome import Finding
from ingest.pool import CheckPool
from tests.corpus.makers.archives import rar4, rar5, write_7z, write_tar, write_zip, zip_entry

Read = Callable[..., "dict[str, bytes] | str"]
LIMITS = IngestLimits()


@pytest.fixture(scope="module")
def pool() -> Iterator[CheckPool]:
    made = CheckPool(1, memory_bytes=0, seconds=60, batch=1)
    yield made
    made.close()


@pytest.fixture
def read(tmp_path: Path, pool: CheckPool) -> Read:
    """Names and bytes of a container's files, or the code of the finding that keeps it shut."""

    def run(path: Path, limits: IngestLimits = LIMITS) -> dict[str, bytes] | str:
        helper = Apart(tmp_path / "apart", lambda: pool)
        clock = Clock(limits, path.stat().st_size)
        with clock.running():
            return unpacked(path, limits, helper, clock)

    def unpacked(path: Path, limits: IngestLimits, helper: Apart, clock: Clock) -> dict[str, bytes] | str:
        listed = listing(path, path.name, limits, helper, clock)
        if isinstance(listed, Finding):
            return listed.code
        found = {}
        try:
            for one in extract(path, listed, limits, helper):
                if one.lying is not None:
                    found[one.member.name.text] = one.lying.read_bytes()
                    continue
                assert one.start is not None
                source, out, buffer = one.start(), b"", memoryview(bytearray(1000))
                while got := source.readinto(buffer):
                    out += bytes(buffer[:got])
                found[one.member.name.text] = out
        except (Damaged, *DAMAGED) as error:
            return getattr(error, "code", "container.damaged")
        finally:
            listed.close()
        return found

    return run


def names_of(path: Path, tmp_path: Path) -> list[tuple[str, str | None, str]]:
    listed = listing(path, path.name, LIMITS, Apart(tmp_path, lambda: pytest.fail("no process is needed")))
    assert isinstance(listed, Listing)
    return [(one.name.text, one.name.raw, one.name.encoding) for one in listed.members]


# -- names ---------------------------------------------------------------------------------------------------------

HARD = [
    ("UTF-8", ["申请书.txt", "a.txt"]),
    ("UTF-8", ["café.pdf"]),
    ("UTF-8", ["письмо.doc"]),
    ("GB18030", ["申请书.txt", "家庭经济状况核对报告.pdf"]),
    ("GB18030", ["张伟/身份证（正面）.jpg"]),
    ("GB18030", ["联通.txt"]),
    ("GB18030", ["李㛃.txt", "低保申请表.doc"]),
    ("Big5", ["申請書.txt", "戶口名簿影本.pdf"]),
    ("Big5", ["低收入戶.pdf"]),
    ("Shift-JIS", ["申請書.txt", "レポート.doc"]),
    ("Shift-JIS", ["写真のコピー.jpg"]),
    ("CP437", ["café.txt", "Müller.doc"]),
]


@pytest.mark.parametrize(("encoding", "texts"), HARD)
def test_one_encoding_is_chosen_for_all_names(encoding: str, texts: list[str]) -> None:
    codec = {"Shift-JIS": "cp932", "Big5": "cp950"}.get(encoding, encoding)
    raw = [text.encode(codec) for text in texts]
    assert decide(raw) == encoding
    assert [named(one, encoding).text for one in raw] == texts


def test_bytes_that_are_no_name_are_kept_unread() -> None:
    assert decide([b"\xff\xfe\x80\x81.txt"]) is None
    assert named(b"\xff\xfe\x80.txt", None).raw == base64.b64encode(b"\xff\xfe\x80.txt").decode()


def test_names_of_a_zip_keep_their_bytes(tmp_path: Path) -> None:
    raw = ["申请书.txt".encode("gbk"), "户口簿.txt".encode("gbk")]
    path = write_zip(tmp_path / "t.zip", *(zip_entry(one, b"x") for one in raw))
    assert names_of(path, tmp_path) == [(one.decode("gbk"), base64.b64encode(one).decode(), "GB18030") for one in raw]


def test_the_unicode_path_field_is_taken_when_it_is_about_the_name(tmp_path: Path) -> None:
    raw = "申请.txt".encode("gbk")

    def field(crc: int, told: str) -> bytes:
        body = b"\x01" + struct.pack("<I", crc) + told.encode()
        return struct.pack("<HH", 0x7075, len(body)) + body

    fits = write_zip(tmp_path / "a.zip", zip_entry(raw, b"x", extra=field(zlib.crc32(raw), "申請.txt")))
    stale = write_zip(tmp_path / "b.zip", zip_entry(raw, b"x", extra=field(1, "申請.txt")))
    assert names_of(fits, tmp_path)[0][:2] == ("申請.txt", base64.b64encode(raw).decode())
    assert names_of(stale, tmp_path)[0][0] == "申请.txt"


def test_a_unicode_path_for_another_file_is_a_lie(tmp_path: Path, read: Read) -> None:
    body = b"\x01" + struct.pack("<I", zlib.crc32(b"a.txt")) + b"b.exe"
    extra = struct.pack("<HH", 0x7075, len(body)) + body
    assert read(write_zip(tmp_path / "t.zip", zip_entry(b"a.txt", b"x", extra=extra))) == "container.mismatch"


# -- zip -----------------------------------------------------------------------------------------------------------

CONTENT = {"甲.txt": b"one", "b/c.bin": os.urandom(300_000), "empty": b""}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_zip_is_read(method: int, tmp_path: Path, read: Read) -> None:
    content = CONTENT | {"long.txt": b"0123456789" * 400_000}
    with zipfile.ZipFile(tmp_path / "t.zip", "w", method) as out:
        for name, data in content.items():
            out.writestr(name, data)
    assert read(tmp_path / "t.zip") == content


@pytest.mark.parametrize(("method", "pack"), [(93, zstandard.compress), (95, lzma.compress)], ids=["zstd", "xz"])
def test_newer_methods_are_read(method: int, pack: Callable[[bytes], bytes], tmp_path: Path, read: Read) -> None:
    data = b"0123456789" * 100_000
    path = write_zip(tmp_path / "t.zip", zip_entry(b"a.txt", data, method=method, packed=pack(data)))
    assert read(path) == {"a.txt": data}


def test_a_zip_written_to_a_pipe_is_read(tmp_path: Path, read: Read) -> None:
    class Pipe(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:  # type: ignore[override]
            return kept.write(data)

    kept = io.BytesIO()
    with zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as out:  # type: ignore[arg-type]
        out.writestr("a.txt", b"a" * 1000)
        with out.open("b.txt", "w", force_zip64=True) as entry:
            entry.write(b"b" * 1000)
    (tmp_path / "t.zip").write_bytes(kept.getvalue())
    assert read(tmp_path / "t.zip") == {"a.txt": b"a" * 1000, "b.txt": b"b" * 1000}


def test_a_zip64_is_read(tmp_path: Path, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as out, out.open("a.txt", "w", force_zip64=True) as entry:
        entry.write(b"a" * 1000)
    assert read(tmp_path / "t.zip") == {"a.txt": b"a" * 1000}
    entry_bytes, front, rest = zip_entry(b"a.txt", b"abc")
    directory = front + struct.pack("<I", 0) + rest
    end64 = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(directory), len(entry_bytes))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(entry_bytes) + len(directory), 1)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    (tmp_path / "u.zip").write_bytes(entry_bytes + directory + end64 + locator + end)
    assert read(tmp_path / "u.zip") == {"a.txt": b"abc"}


def test_what_follows_a_zip_is_told(tmp_path: Path, read: Read) -> None:
    path = write_zip(tmp_path / "t.zip", zip_entry(b"a.txt", b"abc"), after=b"rubbish")
    assert read(path) == {"a.txt": b"abc"}
    listed = listing(path, "t.zip", LIMITS, Apart(tmp_path, lambda: pytest.fail("no process is needed")))
    assert isinstance(listed, Listing)
    assert [(one.code, dict(one.params)) for one in listed.found] == [("format.trailing_data", {"bytes": 7})]


def test_a_zip_that_two_programs_would_read_differently_stays_shut(tmp_path: Path, read: Read) -> None:
    hidden = zip_entry(b"hidden.exe", b"evil")[0]
    one = zip_entry(b"a.txt", b"abc")
    assert read(write_zip(tmp_path / "1.zip", zip_entry(b"a.txt", b"abc", local_name=b"b.txt"))) == "container.mismatch"
    assert read(write_zip(tmp_path / "2.zip", zip_entry(b"a.txt", b"abc", local_size=9))) == "container.mismatch"
    assert read(write_zip(tmp_path / "3.zip", one, before=hidden)) == "container.mismatch"
    assert read(write_zip(tmp_path / "4.zip", zip_entry(b"a/", b"abc"))) == "container.mismatch"
    wrong = zip_entry(b"a.txt", b"abc", flags=8, descriptor=b"PK\x07\x08" + bytes(12))
    assert read(write_zip(tmp_path / "5.zip", wrong)) == "container.mismatch"
    whole = write_zip(tmp_path / "6.zip", one).read_bytes()
    inner = write_zip(tmp_path / "7.zip", zip_entry(b"other.txt", b"xyz")).read_bytes()
    at = whole.rfind(b"PK\x05\x06")
    commented = whole[: at + 20] + struct.pack("<H", len(inner)) + inner
    (tmp_path / "8.zip").write_bytes(commented)
    assert read(tmp_path / "8.zip") == "container.mismatch"
    (tmp_path / "9.zip").write_bytes(inner + whole)
    assert read(tmp_path / "9.zip") == "container.mismatch"


def test_entries_that_share_bytes_are_told(tmp_path: Path, read: Read) -> None:
    from ingest.checks import container

    local, front, rest = zip_entry(b"a.txt", b"abc")
    directory = 2 * (front + struct.pack("<I", 0) + rest)
    end = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(local), 0)
    (tmp_path / "t.zip").write_bytes(local + directory + end)
    listed = listing(tmp_path / "t.zip", "t.zip", LIMITS, Apart(tmp_path, lambda: pytest.fail("no process is needed")))
    assert isinstance(listed, Listing)
    assert "container.overlap" in {one.code for one in container.run("t.zip", 100, listed.members, LIMITS)}


def test_a_directory_that_says_less_than_it_holds_is_bounded(tmp_path: Path, read: Read) -> None:
    path = write_zip(tmp_path / "t.zip", *(zip_entry(b"%d.txt" % number, b"x") for number in range(100)))
    data = bytearray(path.read_bytes())
    struct.pack_into("<HH", data, len(data) - 14, 1, 1)
    path.write_bytes(bytes(data))
    assert read(path, IngestLimits(container_entries=50)) == "container.too_many_entries"
    assert read(path) == "container.mismatch"


def test_a_member_that_gives_more_than_it_says_is_damaged(tmp_path: Path, read: Read) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(bytes(50 << 20)) + packer.flush()
    local, front, rest = zip_entry(b"a.txt", b"abc", method=8, packed=packed)
    assert read(write_zip(tmp_path / "t.zip", (local, front, rest))) == "container.damaged"


def test_an_lzma_window_of_gigabytes_is_not_made(tmp_path: Path, read: Read) -> None:
    packed = b"\x09\x14\x05\x00" + b"\x5d" + struct.pack("<I", 0xFFFFFFFF) + bytes(100)
    path = write_zip(tmp_path / "t.zip", zip_entry(b"a.txt", b"abc", method=14, packed=packed))
    assert read(path) == "container.damaged"


@pytest.mark.parametrize("cut", [1, 20, 60, 500])
def test_a_zip_cut_short_is_damaged(cut: int, tmp_path: Path, read: Read) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.txt", os.urandom(1000))
    (tmp_path / "t.zip").write_bytes((tmp_path / "t.zip").read_bytes()[:-cut])
    assert read(tmp_path / "t.zip") == "container.damaged"


# -- tar -----------------------------------------------------------------------------------------------------------

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
    ".tar.zst": zstandard.compress,
}
MEMBERS = [
    ("甲/" + "很长的名字" * 30 + ".txt", b"one"),
    ("b.bin", os.urandom(700_000)),
    ("empty", b""),
    ("z", b"z" * 512),
]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_tar_is_read(suffix: str, form: int, tmp_path: Path, read: Read) -> None:
    plain = write_tar(tmp_path / "t", MEMBERS, format=form).read_bytes()
    (tmp_path / f"t{suffix}").write_bytes(PACKERS[suffix](plain))
    assert read(tmp_path / f"t{suffix}") == dict(MEMBERS)


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_tar_cut_short_is_damaged(suffix: str, tmp_path: Path, read: Read) -> None:
    plain = write_tar(tmp_path / "t", MEMBERS).read_bytes()
    packed = PACKERS[suffix](plain)
    (tmp_path / f"t{suffix}").write_bytes(packed[: len(packed) // 2])
    assert read(tmp_path / f"t{suffix}") == "container.damaged"


def test_a_tar_that_ends_between_two_members_is_damaged(tmp_path: Path, read: Read) -> None:
    plain = write_tar(tmp_path / "t", [("a", b"a" * 512), ("b", b"b" * 512)]).read_bytes()
    (tmp_path / "t.tar").write_bytes(plain[:1024])
    assert read(tmp_path / "t.tar") == "container.damaged"
    broken = bytearray(plain)
    broken[1024 + 150] ^= 0xFF
    (tmp_path / "u.tar").write_bytes(bytes(broken))
    assert read(tmp_path / "u.tar") == "container.damaged"


def test_a_wrong_checksum_behind_the_tar_is_damage(tmp_path: Path, read: Read) -> None:
    packed = bytearray(gzip.compress(write_tar(tmp_path / "t", MEMBERS).read_bytes()))
    packed[-6] ^= 1
    (tmp_path / "t.tar.gz").write_bytes(bytes(packed))
    assert read(tmp_path / "t.tar.gz") == "container.damaged"


def test_a_tar_with_names_in_gbk_is_read(tmp_path: Path, read: Read) -> None:
    write_tar(
        tmp_path / "t.tar", [("申请书.txt", b"1"), ("户口簿.txt", b"2")], encoding="gbk", format=tarfile.GNU_FORMAT
    )
    assert read(tmp_path / "t.tar") == {"申请书.txt": b"1", "户口簿.txt": b"2"}


def test_an_old_tar_without_magic_is_read(tmp_path: Path, read: Read) -> None:
    data = bytearray(write_tar(tmp_path / "t.tar", [("a.txt", b"a")], format=tarfile.USTAR_FORMAT).read_bytes())
    data[257:265] = bytes(8)
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\x00 " % sum(data[:512])
    (tmp_path / "t.tar").write_bytes(bytes(data))
    assert read(tmp_path / "t.tar") == {"a.txt": b"a"}


def _header(name: str, kind: bytes, size: int) -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, size
    return entry.tobuf(tarfile.GNU_FORMAT)


def test_hostile_headers_of_tar_are_damage(tmp_path: Path, read: Read) -> None:
    huge = _header("x", tarfile.XHDTYPE, 8 << 30)
    (tmp_path / "1.tar.gz").write_bytes(gzip.compress(huge + bytes(64 << 20)))
    assert read(tmp_path / "1.tar.gz") == "container.damaged"
    digits = b"1" * 500_000
    (tmp_path / "2.tar").write_bytes(_header("x", tarfile.XHDTYPE, len(digits)) + digits + bytes(10240))
    assert read(tmp_path / "2.tar") == "container.damaged"
    chain = (_header("x", tarfile.GNUTYPE_LONGNAME, 2) + b"a\x00".ljust(512, b"\x00")) * 3_000
    (tmp_path / "3.tar").write_bytes(chain + bytes(10240))
    assert read(tmp_path / "3.tar") == "container.damaged"
    back = bytearray(_header("x", tarfile.REGTYPE, 0))
    back[124:136] = b"\xff" * 10 + b"\xfc\x00"
    back[148:156] = b" " * 8
    back[148:156] = b"%06o\x00 " % sum(back)
    (tmp_path / "4.tar").write_bytes(bytes(back) + bytes(10240))
    assert read(tmp_path / "4.tar") == "container.damaged"


def test_a_compressed_tar_is_bounded_while_it_is_read(tmp_path: Path, read: Read) -> None:
    write_tar(tmp_path / "t.tar.gz", [("zeros", bytes(8 << 20))], "w:gz")
    assert read(tmp_path / "t.tar.gz", IngestLimits(container_ratio_from=1 << 20)) == "container.bomb"
    assert read(tmp_path / "t.tar.gz", IngestLimits(container_bytes=1 << 20)) == "container.too_large"
    assert read(tmp_path / "t.tar.gz", IngestLimits(container_seconds=1e-9)) == "container.too_slow"
    padded = gzip.compress(write_tar(tmp_path / "p", [("a", b"a")]).read_bytes() + bytes(8 << 20))
    (tmp_path / "p.tar.gz").write_bytes(padded)
    assert read(tmp_path / "p.tar.gz", IngestLimits(container_ratio_from=1 << 20)) == "container.bomb"


# -- 7z and rar ----------------------------------------------------------------------------------------------------


def test_a_7z_is_read(tmp_path: Path, read: Read) -> None:
    content = {"甲/申请书.txt": "申请".encode(), "b.bin": os.urandom(200_000), "c.txt": b"c"}
    assert read(write_7z(tmp_path / "t.7z", content)) == content


def test_a_damaged_7z_is_damaged(tmp_path: Path, read: Read) -> None:
    data = write_7z(tmp_path / "t.7z", {"a.bin": random.Random(1).randbytes(50_000)}).read_bytes()
    (tmp_path / "cut.7z").write_bytes(data[: len(data) // 2])
    assert read(tmp_path / "cut.7z") == "container.damaged"
    for number, packing in enumerate(("lzma1", "store")):
        write_7z(tmp_path / "t.7z", {"a.bin": b"0123456789" * 5_000}, f"compression={packing}")
        changed = bytearray((tmp_path / "t.7z").read_bytes())
        changed[40] ^= 0x55
        (tmp_path / f"{number}.7z").write_bytes(bytes(changed))
        assert read(tmp_path / f"{number}.7z") == "container.damaged"


def test_rars_of_both_generations_are_read(tmp_path: Path, read: Read) -> None:
    (tmp_path / "4.rar").write_bytes(rar4({b"a.txt": b"one", "申请书.txt".encode("gbk"): b"two"}))
    assert read(tmp_path / "4.rar") == {"a.txt": b"one", "申请书.txt": b"two"}
    (tmp_path / "5.rar").write_bytes(rar5({"a.txt": b"one", "申请书.txt": b"two"}))
    assert read(tmp_path / "5.rar") == {"a.txt": b"one", "申请书.txt": b"two"}


def test_rars_that_are_no_whole_readable_archive_stay_shut(tmp_path: Path, read: Read) -> None:
    cases = {
        rar4({b"a.txt": b"one"}, archive_flags=0x80): "container.encrypted",
        rar4({b"a.txt": b"one"}, archive_flags=0x1): "container.unsupported",
        rar5({"a.txt": b"one"}, archive_flags=0x1): "container.unsupported",
        b"Rar!\x1a\x07\x01\x00" + bytes(4) + b"\x21\x04\x00\x00\x00\x0f" + bytes(40): "container.encrypted",
        rar4({b"a.txt": b"one"}, crc=1): "container.damaged",
        rar5({"a.txt": b"one"}, crc=1): "container.damaged",
        rar4({b"a.txt": b"one" * 100})[:150]: "container.damaged",
        b"Rar!\x1a\x07\x01\x00" + bytes(100): "container.damaged",
    }
    for number, (data, code) in enumerate(cases.items()):
        (tmp_path / f"{number}.rar").write_bytes(data)
        assert read(tmp_path / f"{number}.rar") == code, number


def test_an_encrypted_member_of_a_rar_is_told(tmp_path: Path, pool: CheckPool) -> None:
    (tmp_path / "t.rar").write_bytes(rar4({b"a.txt": b"0123456789abcdef"}, file_flags=0x4))
    listed = listing(tmp_path / "t.rar", "t.rar", LIMITS, Apart(tmp_path, lambda: pool))
    assert isinstance(listed, Finding) or listed.members[0].encrypted
    assert not isinstance(listed, Finding) or listed.code == "container.encrypted"
    if isinstance(listed, Listing):
        listed.close()


def test_without_the_library_a_7z_stays_shut_with_words(
    tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIBARCHIVE", str(tmp_path / "none.so"))
    assert read(write_7z(tmp_path / "t.7z", {"a.txt": b"a"})) == "container.no_reader"


def test_limits_hold_for_7z(tmp_path: Path, read: Read) -> None:
    path = write_7z(tmp_path / "t.7z", {f"{number}.txt": b"x" for number in range(20)})
    assert read(path, IngestLimits(container_entries=10)) == "container.too_many_entries"
    assert read(path, IngestLimits(container_seconds=1e-9)) == "container.too_slow"


# -- what is a container -------------------------------------------------------------------------------------------


def test_what_is_a_container() -> None:
    assert kind_of("a.zip", b"PK\x03\x04") == "zip"
    assert kind_of("a.docx", b"PK\x03\x04") is None
    assert kind_of("a.jpg", b"Rar!\x1a\x07\x00") == "rar"
    assert kind_of("a.7z", b"7z\xbc\xaf\x27\x1c") == "7z"
    assert kind_of("a.tar", b"no tar") is None
    assert kind_of("a.tar", bytes(512)) == "tar"
    assert kind_of("a.gz", b"\x1f\x8b") is None
    assert kind_of("a.eml", b"From: a@b\r\nTo: c@d\r\n") == "mail"
    assert kind_of("a.eml", b"no mail\n") is None
    assert kind_of("a.txt", b"From: a@b\r\n") is None


def test_damage_anywhere_ends_in_a_finding(tmp_path: Path, read: Read) -> None:
    """Seeded: every mutated container is read to its end or refused; none raises anything else."""
    chance = random.Random(20260105)
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as out:
        for number in range(5):
            out.writestr(f"申请{number}.txt", chance.randbytes(200))
    good = {
        ".zip": (tmp_path / "t.zip").read_bytes(),
        ".tar": write_tar(tmp_path / "t", MEMBERS[::2]).read_bytes(),
        ".tar.gz": gzip.compress(write_tar(tmp_path / "t", MEMBERS[::2]).read_bytes()),
        ".tar.zst": zstandard.compress(write_tar(tmp_path / "t", MEMBERS[::2]).read_bytes()),
    }
    for suffix, data in good.items():
        for _ in range(60):
            changed = bytearray(data)
            for _ in range(chance.randint(1, 6)):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            (tmp_path / f"m{suffix}").write_bytes(bytes(changed[: chance.randint(len(changed) // 2, len(changed))]))
            assert read(tmp_path / f"m{suffix}") is not None
