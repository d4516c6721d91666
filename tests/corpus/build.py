"""The corpus of deposits: good, odd and bad ones, made by code so that nothing hostile lies in the repository.

Each case is a function that writes one deposit into a folder and gives its path, with the finding codes that taking it
in must yield. ``bad`` ones are refused with nothing stored, ``warn`` ones are taken in with a warning, ``good`` ones
without. A bug becomes one more case here.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import bagit

Make = Callable[[Path], Path]


@dataclass(frozen=True)
class Case:
    """One deposit and what must be said about it; ``options`` of the submission, ``limits`` of the site."""

    name: str
    kind: str
    make: Make
    codes: frozenset[str]
    options: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
    records: int | None = None


CASES: list[Case] = []


def case(
    kind: str, *codes: str, records: int | None = None, limits: dict[str, int] | None = None, **options: Any
) -> Callable[[Make], Make]:
    """Enter a function as a case under its own name."""

    def enter(make: Make) -> Make:
        name = make.__name__.strip("_").replace("_", "-")
        CASES.append(Case(name, kind, make, frozenset(codes), options, limits or {}, records))
        return make

    return enter


# -- containers ----------------------------------------------------------------------------------------------------


def _zip(path: Path, members: list[tuple[str | zipfile.ZipInfo, bytes]], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as out:
        for name, data in members:
            out.writestr(name, data)
    return path


def _raw_zip(path: Path, members: list[tuple[bytes, bytes]], *, flags: int = 0, method: int = 0) -> Path:
    """A ZIP of stored members with exactly these name bytes, as Python's writer would not make it."""
    out = io.BytesIO()
    directory = b""
    for name, data in members:
        crc, at = zlib.crc32(data), out.tell()
        common = struct.pack("<HHHHHIIIHH", 20, flags, method, 0, 0x21, crc, len(data), len(data), len(name), 0)
        out.write(b"PK\x03\x04" + common + name + data)
        directory += b"PK\x01\x02" + struct.pack("<H", 20) + common + struct.pack("<HHHII", 0, 0, 0, 0, at) + name
    at = out.tell()
    out.write(directory)
    out.write(b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), at, 0))
    path.write_bytes(out.getvalue())
    return path


@case("bad", "container.unsafe_path")
def zip_traversal(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"../../etc/cron.d/x", b"evil")])


@case("bad", "container.unsafe_path")
def zip_absolute(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"/etc/passwd", b"evil")])


@case("bad", "container.unsafe_path")
def zip_drive(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"C:\\Windows\\x.dll", b"evil")])


@case("bad", "container.unsafe_path")
def zip_nul_in_name(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"a.txt\x00.exe", b"evil")])


@case("bad", "container.link")
def zip_symlink(folder: Path) -> Path:
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    return _zip(folder / "t.zip", [(link, b"/etc/passwd"), ("a.txt", b"a")])


@case("bad", "container.special_file")
def zip_device(folder: Path) -> Path:
    device = zipfile.ZipInfo("dev")
    device.create_system, device.external_attr = 3, 0o020666 << 16
    return _zip(folder / "t.zip", [(device, b""), ("a.txt", b"a")])


@case("bad", "container.encrypted")
def zip_encrypted(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"secret.txt", b"0123456789abcdef")], flags=1)


@case("bad", "container.unsupported")
def zip_unsupported_method(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"a.txt", b"0123456789abcdef")], method=97)


@case("bad", "container.duplicate_name")
def zip_duplicate_name(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [(b"a.txt", b"one"), (b"a.txt", b"two")])


@case("bad", "container.clashing_name")
def zip_case_clash(folder: Path) -> Path:
    return _zip(folder / "t.zip", [("A.txt", b"one"), ("a.TXT", b"two")])


@case("bad", "container.clashing_name")
def zip_nfc_clash(folder: Path) -> Path:
    return _zip(folder / "t.zip", [("caf\u00e9.txt", b"one"), ("cafe\u0301.txt", b"two")])


@case("bad", "container.bomb", limits={"container_ratio_from": 1 << 20})
def zip_bomb(folder: Path) -> Path:
    return _zip(folder / "t.zip", [("zeros.bin", bytes(8 << 20))], zipfile.ZIP_DEFLATED)


@case("bad", "container.too_large", limits={"container_bytes": 1 << 20})
def zip_too_large(folder: Path) -> Path:
    return _zip(folder / "t.zip", [("big.bin", os.urandom(2 << 20))])


@case("bad", "container.too_many_entries", limits={"container_entries": 50})
def zip_too_many_entries(folder: Path) -> Path:
    return _zip(folder / "t.zip", [(f"{number}.txt", b"x") for number in range(60)])


@case("bad", "container.too_deep", limits={"container_depth": 2})
def zip_too_deep(folder: Path) -> Path:
    data = b"core"
    for number in range(4):
        inner = io.BytesIO()
        with zipfile.ZipFile(inner, "w") as out:
            out.writestr("core.txt" if number == 0 else f"level{number}.zip", data)
        data = inner.getvalue()
    (folder / "t.zip").write_bytes(data)
    return folder / "t.zip"


@case("bad", "container.overlap")
def zip_overlapping_entries(folder: Path) -> Path:
    path = _zip(folder / "t.zip", [("a.txt", b"x" * 1000), ("b.txt", b"y" * 1000)])
    data = bytearray(path.read_bytes())
    second = data.rfind(b"PK\x01\x02")
    struct.pack_into("<I", data, second + 42, 10)
    path.write_bytes(bytes(data))
    return path


@case("bad", "container.damaged")
def zip_cut_short(folder: Path) -> Path:
    path = _zip(folder / "t.zip", [("a.txt", b"x" * 5000)])
    path.write_bytes(path.read_bytes()[:2000])
    return path


@case("bad", "container.damaged")
def zip_wrong_crc(folder: Path) -> Path:
    path = _zip(folder / "t.zip", [("a.txt", b"x" * 5000)])
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(bytes(data))
    return path


@case("bad", "container.damaged")
def zip_lies_about_size(folder: Path) -> Path:
    path = _zip(folder / "t.zip", [("a.txt", b"x" * 5000)], zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    struct.pack_into("<I", data, data.rfind(b"PK\x01\x02") + 24, 10)
    path.write_bytes(bytes(data))
    return path


@case("bad", "container.link")
def tar_hard_link(folder: Path) -> Path:
    with tarfile.open(folder / "t.tar", "w") as out:
        first = tarfile.TarInfo("a.txt")
        first.size = 1
        out.addfile(first, io.BytesIO(b"a"))
        link = tarfile.TarInfo("b.txt")
        link.type, link.linkname = tarfile.LNKTYPE, "/etc/passwd"
        out.addfile(link)
    return folder / "t.tar"


@case("bad", "container.unsafe_path")
def tar_traversal(folder: Path) -> Path:
    with tarfile.open(folder / "t.tar.gz", "w:gz") as out:
        entry = tarfile.TarInfo("../x")
        entry.size = 1
        out.addfile(entry, io.BytesIO(b"a"))
    return folder / "t.tar.gz"


@case("bad", "container.refused_kind")
def rar_archive(folder: Path) -> Path:
    (folder / "t.rar").write_bytes(b"Rar!\x1a\x07\x01\x00" + bytes(100))
    return folder / "t.rar"


@case("good", "name.legacy_encoding", records=1)
def zip_with_gbk_names(folder: Path) -> Path:
    return _raw_zip(folder / "t.zip", [("申请书.txt".encode("gb18030"), "申请".encode())])


@case("good", "deposit.empty_folder", records=2)
def zip_inside_zip(folder: Path) -> Path:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as out:
        out.writestr("内.txt", "内")
        out.writestr("空/", b"")
    return _zip(folder / "t.zip", [("外.txt", "外".encode()), ("附件.zip", inner.getvalue())])


# -- folders -------------------------------------------------------------------------------------------------------


@case("bad", "deposit.link")
def folder_with_symlink(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    (folder / "in" / "b.txt").symlink_to("/etc/hostname")
    return folder / "in"


@case("bad", "deposit.special_file")
def folder_with_pipe(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    os.mkfifo(folder / "in" / "pipe")
    return folder / "in"


@case("bad", "deposit.empty")
def folder_without_files(folder: Path) -> Path:
    (folder / "in" / "deep").mkdir(parents=True)
    return folder / "in"


@case("warn", "file.empty", records=2)
def folder_with_empty_file(folder: Path) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "a.txt").write_text("a")
    (folder / "in" / "b.txt").write_bytes(b"")
    return folder / "in"


@case("warn", "name.not_utf8", "name.special_character", "name.clash", records=1, one_record=True)
def folder_with_odd_names(folder: Path) -> Path:
    (folder / "in").mkdir()
    for name in (b"\xff\xfe\x80.txt", "换\n行.txt".encode(), "\u202egnp.txt".encode(), b"A.txt", b"a.txt", b"CON.txt"):
        Path(os.fsdecode(os.fsencode(folder / "in") + b"/" + name)).write_bytes(name)
    return folder / "in"


@case("good", "duplicate.in_submission", records=2)
def folder_with_duplicates(folder: Path) -> Path:
    (folder / "in").mkdir()
    for name in ("甲.txt", "乙.txt"):
        (folder / "in" / name).write_text("同一内容")
    return folder / "in"


@case("good", "record.split", records=3, one_record=True, limits={"files_per_record": 4})
def folder_of_many_files(folder: Path) -> Path:
    (folder / "in").mkdir()
    for number in range(10):
        (folder / "in" / f"{number}.txt").write_text(str(number))
    return folder / "in"


# -- deposit lists -------------------------------------------------------------------------------------------------


def _listed(folder: Path, **changes: Any) -> Path:
    root = folder / "in"
    root.mkdir()
    (root / "a.txt").write_text("甲")
    (root / "b.txt").write_text("乙")
    told: dict[str, Any] = {
        "format": "lantai-deposit-list/1",
        "case_files": [],
        "records": [{"title": "申请", "files": ["b.txt", "a.txt"]}],
    }
    (root / "deposit-list.json").write_text(json.dumps(told | changes, ensure_ascii=False), encoding="utf-8")
    return root


@case("good", records=1)
def list_orders_files(folder: Path) -> Path:
    return _listed(folder)


@case("bad", "list.malformed")
def list_is_no_json(folder: Path) -> Path:
    root = _listed(folder)
    (root / "deposit-list.json").write_text('{"format": ')
    return root


@case("bad", "list.malformed")
def list_has_unknown_keys(folder: Path) -> Path:
    return _listed(folder, surprise=1)


@case("bad", "list.missing_file", "list.unlisted_file")
def list_names_missing_file(folder: Path) -> Path:
    return _listed(folder, records=[{"title": "申请", "files": ["c.txt", "a.txt"]}])


@case("bad", "list.file_twice")
def list_names_file_twice(folder: Path) -> Path:
    twice = [{"title": "一", "files": ["a.txt", "b.txt"]}, {"title": "二", "files": ["a.txt"]}]
    return _listed(folder, records=twice)


@case("bad", "list.unknown_document_type", "list.unknown_household", "list.bad_access_level", "list.bad_division")
def list_with_unknown_codes(folder: Path) -> Path:
    record = {
        "title": "申请", "files": ["a.txt", "b.txt"], "document_type": "ZZ99", "programme": "DB",
        "household_nos": ["9901010010010000019"], "access_level": "secret", "division_code": "12345",
    }  # fmt: skip
    from metadata.household import household_no

    record["household_nos"] = [household_no("990101001001", 7)]
    return _listed(folder, records=[record])


@case("bad", "list.bad_household_no", "list.unknown_programme", "list.unknown_event", "list.bad_id_number")
def list_with_bad_case_file(folder: Path) -> Path:
    entry = {
        "household_no": "9901010010010000010", "division_code": "990101001001", "programme": "ZZ",
        "applicant": {"name": "张三", "id_number": "990101199001010010"},
        "events": [{"event": "nonsense", "on": "2026-01-01"}],
    }  # fmt: skip
    return _listed(folder, case_files=[entry])


# -- bags (RFC 8493) -----------------------------------------------------------------------------------------------


def _bag(folder: Path, algorithms: list[str] | None = None) -> Path:
    root = folder / "bag"
    root.mkdir()
    (root / "a.txt").write_text("甲")
    (root / "子").mkdir()
    (root / "子" / "b.txt").write_text("乙")
    bagit.make_bag(str(root), {"Source-Organization": "测试"}, checksums=algorithms or ["sha256", "sha512"])
    return root


def _retag(root: Path) -> None:
    """Make the tag manifests right again, so that only the fault under test remains."""
    for manifest in root.glob("tagmanifest-*.txt"):
        algorithm = manifest.stem.partition("-")[2]
        lines = [
            f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()} {path.name}\n"
            for path in sorted(root.glob("*.txt"))
            if not path.name.startswith("tagmanifest-")
        ]
        manifest.write_text("".join(lines))


def _edited(root: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    (root / name).write_bytes(change((root / name).read_bytes()))
    _retag(root)
    return root


@case("good", records=1)
def bag_in_folder(folder: Path) -> Path:
    return _bag(folder)


@case("good", records=1)
def bag_in_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "bag"), "zip", _bag(folder).parent, "bag"))


@case("good", records=1)
def bag_in_tar_gz(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "bag"), "gztar", _bag(folder).parent, "bag"))


@case("good", records=1)
def bag_with_md5_only(folder: Path) -> Path:
    return _bag(folder, ["md5"])


@case("bad", "bag.payload_digest_mismatch")
def bag_changed_payload(folder: Path) -> Path:
    root = _bag(folder)
    (root / "data" / "a.txt").write_text("丙")
    return root


@case("bad", "bag.payload_missing")
def bag_missing_payload(folder: Path) -> Path:
    root = _bag(folder)
    (root / "data" / "a.txt").unlink()
    return root


@case("bad", "bag.payload_not_listed")
def bag_unlisted_payload(folder: Path) -> Path:
    root = _bag(folder)
    (root / "data" / "extra.txt").write_text("多")
    return root


@case("bad", "bag.tag_digest_mismatch")
def bag_changed_tag(folder: Path) -> Path:
    root = _bag(folder)
    with (root / "bag-info.txt").open("a") as out:
        out.write("Contact-Name: somebody\n")
    return root


@case("bad", "bag.missing_manifest")
def bag_without_manifest(folder: Path) -> Path:
    root = _bag(folder, ["sha256"])
    (root / "manifest-sha256.txt").unlink()
    _retag(root)
    return root


@case("bad", "bag.missing_data", "deposit.empty")
def bag_without_data(folder: Path) -> Path:
    root = _bag(folder)
    shutil.rmtree(root / "data")
    return root


@case("bad", "bag.bagit_txt_malformed")
def bag_with_one_line_declaration(folder: Path) -> Path:
    return _edited(_bag(folder), "bagit.txt", lambda _: b"BagIt-Version: 1.0\n")


@case("bad", "bag.unsupported_version")
def bag_of_the_future(folder: Path) -> Path:
    return _edited(_bag(folder), "bagit.txt", lambda data: data.replace(b"0.97", b"9.0").replace(b"1.0", b"9.0"))


@case("bad", "bag.bagit_txt_bom")
def bag_with_byte_order_mark(folder: Path) -> Path:
    return _edited(_bag(folder), "bagit.txt", lambda data: b"\xef\xbb\xbf" + data)


@case("bad", "bag.manifest_line_malformed")
def bag_with_broken_manifest_line(folder: Path) -> Path:
    return _edited(_bag(folder), "manifest-sha256.txt", lambda data: data + b"this is no line\n")


@case("bad", "bag.unsafe_path")
def bag_with_traversal(folder: Path) -> Path:
    line = hashlib.sha256(b"x").hexdigest().encode() + b"  data/../../etc/passwd\n"
    return _edited(_bag(folder), "manifest-sha256.txt", lambda data: data + line)


@case("bad", "bag.payload_oxum_mismatch")
def bag_with_wrong_oxum(folder: Path) -> Path:
    root = _bag(folder)
    return _edited(root, "bag-info.txt", lambda data: data.replace(b"Payload-Oxum: 6.2", b"Payload-Oxum: 7.2"))


@case("bad", "bag.fetch_unresolved")
def bag_with_fetch(folder: Path) -> Path:
    root = _bag(folder)
    (root / "fetch.txt").write_text("https://example.org/c.txt 3 data/c.txt\n")
    for manifest in root.glob("manifest-*.txt"):
        digest = hashlib.new(manifest.stem.partition("-")[2], b"abc").hexdigest()
        manifest.write_text(manifest.read_text() + f"{digest}  data/c.txt\n")
    _retag(root)
    return root


@case("bad", "bag.payload_not_in_every_manifest")
def bag_with_unequal_manifests(folder: Path) -> Path:
    def first_only(data: bytes) -> bytes:
        return b"".join(line for line in data.splitlines(keepends=True) if b"a.txt" not in line)

    root = _bag(folder)
    declaration = (root / "bagit.txt").read_bytes().replace(b"0.97", b"1.0")
    (root / "bagit.txt").write_bytes(declaration)
    return _edited(root, "manifest-sha512.txt", first_only)


@case("bad", "bag.tag_missing")
def bag_with_missing_tag(folder: Path) -> Path:
    root = _bag(folder)
    (root / "bag-info.txt").unlink()
    return root


@case("bad", "bag.empty", "deposit.empty")
def bag_without_payload(folder: Path) -> Path:
    root = folder / "bag"
    root.mkdir()
    bagit.make_bag(str(root), checksums=["sha256"])
    return root


@case("good", records=1)
def bag_with_zip_in_payload(folder: Path) -> Path:
    root = folder / "bag"
    root.mkdir()
    _raw_zip(root / "附件.zip", [(b"../../evil", b"stays shut")])
    bagit.make_bag(str(root), checksums=["sha256"])
    return root


@case("good", records=1)
def list_names_zip_as_document(folder: Path) -> Path:
    root = _listed(folder, records=[{"title": "附件", "files": ["c.zip", "a.txt", "b.txt"]}])
    _zip(root / "c.zip", [("x.txt", b"x")])
    return root


@case("good", records=1)
def list_inside_zip(folder: Path) -> Path:
    return Path(shutil.make_archive(str(folder / "in"), "zip", _listed(folder)))
