"""Validation against bagit-python's bags, broken bags of each kind, and flipped bytes."""

from __future__ import annotations

import hashlib
import io
import logging
import os
import random
import shutil
import subprocess
import sys
import tarfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path

import bagit
import pytest

from metadata.errors import Invalid, NotFound
from repository.bag.codes import CODES
from repository.bag.verify import validate, verify_object
from repository.storage.local import LocalStore

NAMES = [
    "申请书.txt",
    "50%25.txt",
    "100%.txt",
    "a%0Ab.txt",
    "line\nbreak.txt",
    "carriage\rreturn.txt",
    " spaces .txt",
    "e\u0301.txt",
    "u\u2028l.txt",
    "x\u0085y.txt",
    "*star.txt",
    "#hash.txt",
    "sub/深/层.bin",
    "𠮷.txt",
    "back\\slash.txt",
    ".hidden",
    "empty",
]
ALGORITHM_SETS = [
    ["md5"],
    ["sha1"],
    ["sha256"],
    ["sha512"],
    ["sha256", "sha512"],
    ["md5", "sha1", "sha224", "sha256", "sha384", "sha512"],
    ["sha3_256", "blake2b", "blake2s"],
]


@pytest.fixture(autouse=True)
def quiet() -> None:
    logging.getLogger("bagit").setLevel(logging.CRITICAL)


def codes(report: object) -> list[str]:
    return sorted({one.code for one in report.errors})  # type: ignore[attr-defined]


def warned(report: object) -> list[str]:
    return sorted({one.code for one in report.warnings})  # type: ignore[attr-defined]


def make(folder: Path, algorithms: list[str] | None = None, names: list[str] | None = None, processes: int = 1) -> Path:
    for name in names or NAMES:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode() * 9 if name != "empty" else b"")
    bagit.make_bag(str(folder), {"Contact-Name": "张三"}, checksums=algorithms or ["sha256"], processes=processes)
    return folder


@pytest.fixture
def bag(tmp_path: Path) -> Path:
    """A small bag of version 0.97 with sha256 manifests."""
    return make(tmp_path / "bag", names=["one.txt", "two.txt", "sub/three.txt"])


def bag_1_0(tmp_path: Path) -> Path:
    bag = make(tmp_path / "bag10", names=["one.txt", "two.txt"])
    (bag / "bagit.txt").write_text("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n")
    reseal(bag)
    return bag


def reseal(bag: Path, algorithm: str = "sha256") -> None:
    """Make the tag manifest right again after tag files were changed."""
    lines = []
    for path in sorted(bag.rglob("*")):
        name = path.relative_to(bag).as_posix()
        if path.is_file() and not name.startswith(("data/", "tagmanifest-")):
            lines.append(f"{hashlib.new(algorithm, path.read_bytes()).hexdigest()}  {name}\n")
    (bag / f"tagmanifest-{algorithm}.txt").write_text("".join(lines))


@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("algorithms", ALGORITHM_SETS, ids="+".join)
def test_what_bagit_python_makes_is_valid(tmp_path: Path, algorithms: list[str], processes: int) -> None:
    report = validate(make(tmp_path / "bag", algorithms, processes=processes))
    assert codes(report) == []
    assert report.valid
    assert report.files == len(NAMES)
    assert set(report.algorithms) == set(algorithms)
    assert "bag.algorithm_not_checked" not in warned(report)


def test_empty_payload(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    bagit.make_bag(str(tmp_path / "bag"))
    (tmp_path / "bag" / "manifest-sha256.txt").touch()
    reseal(tmp_path / "bag")
    report = validate(tmp_path / "bag")
    assert "bag.missing_data" not in codes(report)


@pytest.mark.parametrize("form", ["zip", "tar", "gztar", "bztar"])
def test_serialised_bags(tmp_path: Path, form: str) -> None:
    make(tmp_path / "in" / "bag")
    archive = shutil.make_archive(str(tmp_path / "bag"), form, tmp_path / "in", "bag")
    report = validate(archive)
    assert codes(report) == []
    assert report.files == len(NAMES)
    (tmp_path / "in" / "bag" / "data" / "申请书.txt").write_bytes(b"changed")
    archive = shutil.make_archive(str(tmp_path / "bag"), form, tmp_path / "in", "bag")
    assert codes(validate(archive)) == ["bag.payload_digest_mismatch", "bag.payload_oxum_mismatch"]


class OldWindows(zipfile.ZipInfo):
    """A member as Chinese Windows writes it: its name in GB18030, without the flag for UTF-8."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - zipfile's own hook
        return self.filename.encode("gb18030"), self.flag_bits & ~0x800


def test_names_in_gb18030_in_a_zip(tmp_path: Path, bag: Path) -> None:
    (bag / "data" / "one.txt").rename(bag / "data" / "申请.txt")
    manifest = bag / "manifest-sha256.txt"
    manifest.write_text(manifest.read_text().replace("one.txt", "申请.txt"))
    reseal(bag)
    path = tmp_path / "windows.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in bag.rglob("*"):
            if one.is_file():
                archive.writestr(OldWindows("bag/" + one.relative_to(bag).as_posix()), one.read_bytes())
    assert codes(validate(path)) == []


# -- broken bags, one fault each -------------------------------------------------------------------------------------

Breaking = Callable[[Path], object]


def append(name: str, text: str) -> Breaking:
    return lambda bag: (bag / name).write_text((bag / name).read_text() + text)


def write(name: str, data: bytes) -> Breaking:
    def breaking(bag: Path) -> None:
        (bag / name).parent.mkdir(exist_ok=True)
        (bag / name).write_bytes(data)

    return breaking


def remove(name: str) -> Breaking:
    return lambda bag: (bag / name).unlink()


def drop_line(name: str, word: str) -> Breaking:
    return lambda bag: (bag / name).write_text(
        "".join(line for line in (bag / name).read_text().splitlines(keepends=True) if word not in line)
    )


def both(*steps: Breaking) -> Breaking:
    return lambda bag: [step(bag) for step in steps]


HASH = hashlib.sha256(b"one.txt" * 9).hexdigest()
ZERO = "0" * 64

BROKEN: dict[str, tuple[Breaking, str]] = {
    "no bagit.txt": (remove("bagit.txt"), "bag.missing_bagit_txt"),
    "byte-order mark": (
        write("bagit.txt", b"\xef\xbb\xbfBagIt-Version: 0.97\nTag-File-Character-Encoding: UTF-8\n"),
        "bag.bagit_txt_bom",
    ),
    "spacing": (
        write("bagit.txt", b"BagIt-Version : 0.97\nTag-File-Character-Encoding: UTF-8\n"),
        "bag.bagit_txt_malformed",
    ),
    "no encoding": (write("bagit.txt", b"BagIt-Version: 0.97\n"), "bag.bagit_txt_malformed"),
    "version number": (
        write("bagit.txt", b"BagIt-Version: .97\nTag-File-Character-Encoding: UTF-8\n"),
        "bag.bagit_txt_malformed",
    ),
    "version": (
        write("bagit.txt", b"BagIt-Version: 2.0\nTag-File-Character-Encoding: UTF-8\n"),
        "bag.unsupported_version",
    ),
    "encoding": (
        write("bagit.txt", b"BagIt-Version: 0.97\nTag-File-Character-Encoding: WTF-8\n"),
        "bag.unknown_encoding",
    ),
    "binary bagit.txt": (write("bagit.txt", b"\xff\xff\xff"), "bag.bagit_txt_malformed"),
    "no manifest": (both(remove("manifest-sha256.txt")), "bag.missing_manifest"),
    "no data": (lambda bag: shutil.rmtree(bag / "data"), "bag.missing_data"),
    "changed payload": (write("data/one.txt", b"One.txt" * 9), "bag.payload_digest_mismatch"),
    "missing payload": (remove("data/one.txt"), "bag.payload_missing"),
    "extra payload": (write("data/extra", b""), "bag.payload_not_listed"),
    "changed tag file": (append("bag-info.txt", "x: y\n"), "bag.tag_digest_mismatch"),
    "missing tag file": (remove("bag-info.txt"), "bag.tag_missing"),
    "line": (append("manifest-sha256.txt", "not a line\n"), "bag.manifest_line_malformed"),
    "two digests": (append("manifest-sha256.txt", f"{ZERO}  data/one.txt\n"), "bag.conflicting_entries"),
    "tag file in manifest": (append("manifest-sha256.txt", f"{ZERO}  bag-info.txt\n"), "bag.manifest_lists_tag_file"),
    "dots": (append("manifest-sha256.txt", f"{ZERO}  data/../../etc/passwd\n"), "bag.unsafe_path"),
    "absolute": (append("manifest-sha256.txt", f"{ZERO}  /etc/passwd\n"), "bag.unsafe_path"),
    "home": (append("manifest-sha256.txt", f"{ZERO}  ~root/x\n"), "bag.unsafe_path"),
    "drive": (append("manifest-sha256.txt", f"{ZERO}  C:\\Windows\\x\n"), "bag.unsafe_path"),
    "unc": (append("manifest-sha256.txt", f"{ZERO}  \\\\?\\C:\\x\n"), "bag.unsafe_path"),
    "payload in tag manifest": (
        append("tagmanifest-sha256.txt", f"{HASH}  data/one.txt\n"),
        "bag.tagmanifest_lists_payload",
    ),
    "encoding of a manifest": (write("manifest-sha256.txt", b"\xff\xfe\xfd  data/x\n"), "bag.tag_encoding"),
    "bag-info": (write("bag-info.txt", b"no colon here\n"), "bag.bag_info_malformed"),
    "oxum": (write("bag-info.txt", b"Payload-Oxum: 1.1\n"), "bag.payload_oxum_mismatch"),
    "oxum form": (write("bag-info.txt", b"payload-oxum: many\n"), "bag.payload_oxum_malformed"),
    "fetch": (
        both(
            remove("data/one.txt"),
            write("fetch.txt", b"https://example.org/one 63 data/one.txt\n"),
        ),
        "bag.fetch_unresolved",
    ),
    "fetch line": (write("fetch.txt", b"https://example.org/one\n"), "bag.fetch_malformed"),
    "fetch unsafe": (write("fetch.txt", b"https://example.org/one - data/../../x\n"), "bag.unsafe_path"),
    "fetch unlisted": (write("fetch.txt", b"https://example.org/one - data/new\n"), "bag.fetch_not_in_manifest"),
    "only an unknown algorithm": (
        lambda bag: (bag / "manifest-sha256.txt").rename(bag / "manifest-whirlpool9.txt"),
        "bag.no_checkable_manifest",
    ),
    "link out": (lambda bag: (bag / "data" / "link").symlink_to("/etc/passwd"), "bag.link_outside"),
    "dangling link": (lambda bag: (bag / "data" / "link").symlink_to("nowhere"), "bag.special_file"),
    "pipe": (lambda bag: os.mkfifo(bag / "data" / "pipe"), "bag.special_file"),
}


@pytest.mark.parametrize("fault", sorted(BROKEN))
def test_broken_bags(bag: Path, fault: str) -> None:
    breaking, code = BROKEN[fault]
    breaking(bag)
    if code not in {"bag.tag_digest_mismatch", "bag.tagmanifest_lists_payload", "bag.tag_missing"}:
        reseal(bag)
    report = validate(bag)
    assert not report.valid
    assert code in codes(report)
    for one in [*report.errors, *report.warnings]:
        assert one.zh
        assert one.en
        assert one.code in CODES


FAULTS_OF_1_0: dict[str, tuple[Breaking, str]] = {
    "duplicate": (append("manifest-sha256.txt", f"{HASH}  data/one.txt\n"), "bag.duplicate_entry"),
    "third line": (append("bagit.txt", "More: x\n"), "bag.bagit_txt_malformed"),
    "oxum twice": (append("bag-info.txt", "Payload-Oxum: 126.2\n"), "bag.payload_oxum_repeated"),
    "second manifest incomplete": (
        write("manifest-sha512.txt", f"{hashlib.sha512(b'one.txt' * 9).hexdigest()}  data/one.txt\n".encode()),
        "bag.payload_not_in_every_manifest",
    ),
}


@pytest.mark.parametrize("fault", sorted(FAULTS_OF_1_0))
def test_stricter_rules_of_1_0(tmp_path: Path, bag: Path, fault: str) -> None:
    breaking, code = FAULTS_OF_1_0[fault]
    strict = bag_1_0(tmp_path)
    assert validate(strict).valid
    breaking(strict)
    reseal(strict)
    assert codes(validate(strict)) == [code]
    if code not in {"bag.bagit_txt_malformed", "bag.payload_oxum_repeated"}:
        breaking(bag)
        reseal(bag)
        assert validate(bag).valid  # 0.97 lets it pass


def test_tag_manifests_of_1_0_list_every_manifest(tmp_path: Path) -> None:
    strict = bag_1_0(tmp_path)
    drop_line("tagmanifest-sha256.txt", " manifest-sha256.txt")(strict)
    assert codes(validate(strict)) == ["bag.tagmanifest_incomplete"]
    reseal(strict)
    digest = hashlib.sha256((strict / "tagmanifest-sha256.txt").read_bytes()).hexdigest()
    append("tagmanifest-sha256.txt", f"{digest}  tagmanifest-sha512.txt\n")(strict)
    assert codes(validate(strict)) == ["bag.tagmanifest_lists_tagmanifest"]


WARNED: dict[str, tuple[Breaking, str]] = {
    "dot slash": (
        lambda bag: (bag / "manifest-sha256.txt").write_text(
            (bag / "manifest-sha256.txt").read_text().replace("data/", "./data/")
        ),
        "bag.dot_slash_path",
    ),
    "md5sum": (
        lambda bag: (bag / "manifest-sha256.txt").write_text(
            (bag / "manifest-sha256.txt").read_text().replace("  data/", " *data/")
        ),
        "bag.md5sum_asterisk",
    ),
    "comment": (append("manifest-sha256.txt", "# made by hand\n"), "bag.manifest_comment"),
    "twice": (append("manifest-sha256.txt", f"{HASH}  data/one.txt\n"), "bag.repeated_entry"),
    "unknown algorithm": (write("manifest-whirlpool9.txt", b"00  data/one.txt\n"), "bag.algorithm_not_checked"),
    "manifest with mark": (
        lambda bag: (bag / "manifest-sha256.txt").write_bytes(
            b"\xef\xbb\xbf" + (bag / "manifest-sha256.txt").read_bytes()
        ),
        "bag.tag_bom",
    ),
    "link inside": (
        both(
            lambda bag: (bag / "data" / "link").symlink_to("one.txt"),
            append("manifest-sha256.txt", f"{HASH}  data/link\n"),
            drop_line("bag-info.txt", "Oxum"),
        ),
        "bag.link_inside",
    ),
    "system file": (
        both(
            write("data/Thumbs.db", b""),
            append("manifest-sha256.txt", f"{hashlib.sha256().hexdigest()}  data/Thumbs.db\n"),
            drop_line("bag-info.txt", "Oxum"),
        ),
        "bag.system_file",
    ),
    "case only": (
        both(
            write("data/ONE.TXT", b""),
            append("manifest-sha256.txt", f"{hashlib.sha256().hexdigest()}  data/ONE.TXT\n"),
            drop_line("bag-info.txt", "Oxum"),
        ),
        "bag.case_only_difference",
    ),
    "decomposed": (
        both(
            write(f"data/{unicodedata.normalize('NFD', 'é')}", b""),
            append("manifest-sha256.txt", f"{hashlib.sha256().hexdigest()}  data/é\n"),
            drop_line("bag-info.txt", "Oxum"),
        ),
        "bag.name_normalised",
    ),
    "backslashes": (
        lambda bag: (bag / "manifest-sha256.txt").write_text(
            (bag / "manifest-sha256.txt").read_text().replace("sub/", "sub\\")
        ),
        "bag.backslash_path",
    ),
    "fetch that is resolved": (
        write("fetch.txt", b"https://example.org/one 63 data/one.txt\n"),
        "bag.fetch_resolved",
    ),
    "capital digests": (
        lambda bag: (bag / "manifest-sha256.txt").write_text(
            "".join(
                line[:64].upper() + line[64:]
                for line in (bag / "manifest-sha256.txt").read_text().splitlines(keepends=True)
            )
        ),
        "",
    ),
    "CRLF": (
        lambda bag: (bag / "manifest-sha256.txt").write_bytes(
            (bag / "manifest-sha256.txt").read_bytes().replace(b"\n", b"\r\n")
        ),
        "",
    ),
    "tag file unlisted": (write("notes.txt", b"x"), "bag.tag_not_listed"),
}


@pytest.mark.parametrize("what", sorted(WARNED))
def test_bags_with_warnings_are_valid(bag: Path, what: str) -> None:
    breaking, code = WARNED[what]
    breaking(bag)
    if code != "bag.tag_not_listed":
        reseal(bag)
    report = validate(bag)
    assert codes(report) == []
    assert warned(report) == ([code] if code else [])


@pytest.mark.parametrize("version", ["0.93", "0.94", "0.95", "0.96", "0.97", "1.0"])
@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16", "ISO-8859-1"])
def test_versions_and_encodings(tmp_path: Path, version: str, encoding: str) -> None:
    bag = tmp_path / "bag"
    write("data/caf\u00e9.txt", b"x")(tmp_path)
    bag.mkdir()
    shutil.move(tmp_path / "data", bag / "data")
    (bag / "bagit.txt").write_text(f"BagIt-Version: {version}\nTag-File-Character-Encoding: {encoding}\n")
    info = "package-info.txt" if version < "0.96" else "bag-info.txt"
    (bag / info).write_bytes("Contact-Name: Café\nPayload-Oxum: 1.1\n  \n".encode(encoding))
    (bag / "manifest-md5.txt").write_bytes(f"{hashlib.md5(b'x').hexdigest()}  data/caf\u00e9.txt\n".encode(encoding))
    report = validate(bag)
    assert codes(report) == []
    assert report.version == version
    assert ("Contact-Name", "Café") in report.info
    if version >= "0.96":
        (bag / info).write_bytes("Payload-Oxum: 2.1\n".encode(encoding))
        assert codes(validate(bag)) == ["bag.payload_oxum_mismatch"]


# -- containers ------------------------------------------------------------------------------------------------------


def zipped(tmp_path: Path, members: dict[str, bytes], *, compression: int = zipfile.ZIP_STORED) -> Path:
    path = tmp_path / "made.zip"
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)
    return path


def members(bag: Path) -> dict[str, bytes]:
    return {"bag/" + p.relative_to(bag).as_posix(): p.read_bytes() for p in sorted(bag.rglob("*")) if p.is_file()}


def test_hostile_zips(tmp_path: Path, bag: Path) -> None:
    good = members(bag)
    assert validate(zipped(tmp_path, good)).valid
    for name in ("../evil", "bag/../../evil", "/evil", "C:/evil", "bag\\..\\..\\evil"):
        assert codes(validate(zipped(tmp_path, {**good, name: b"x"}))) == ["bag.unsafe_member"], name
    assert codes(validate(zipped(tmp_path, {**good, "other/bagit.txt": b"x"}))) == ["bag.several_bags"]
    assert warned(validate(zipped(tmp_path, {**good, "__MACOSX/x": b"x"}))) == ["bag.outside_base"]
    bare = {name.removeprefix("bag/"): data for name, data in good.items()}
    assert warned(validate(zipped(tmp_path, bare))) == ["bag.no_top_folder"]
    link = zipfile.ZipInfo("bag/data/link")
    link.external_attr = 0o120777 << 16
    path = zipped(tmp_path, good)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    assert codes(validate(path)) == ["bag.link_outside"]


def test_damaged_zips(tmp_path: Path, bag: Path) -> None:
    path = zipped(tmp_path, members(bag))
    data = path.read_bytes()
    at = data.index(b"one.txtone.txt")
    path.write_bytes(data[:at] + b"0" + data[at + 1 :])
    assert codes(validate(path)) == ["bag.unreadable_file"]
    path.write_bytes(data[: len(data) // 2])
    assert "bag.container_damaged" in codes(validate(path))
    path.write_bytes(b"PK\x03\x04 and no more")
    assert "bag.container_damaged" in codes(validate(path))


def test_encrypted_zip(tmp_path: Path, bag: Path) -> None:
    if shutil.which("zip") is None:
        pytest.skip("needs the program zip")
    subprocess.run(["zip", "-q", "-r", "-P", "secret", str(tmp_path / "e.zip"), "bag"], cwd=bag.parent, check=True)
    assert "bag.encrypted" in codes(validate(tmp_path / "e.zip"))


def test_hostile_tars(tmp_path: Path, bag: Path) -> None:
    def tarred(*extra: tarfile.TarInfo, cut: int | None = None) -> Path:
        path = tmp_path / "made.tar.gz"
        with tarfile.open(path, "w:gz") as archive:
            archive.add(bag, "bag")
            for one in extra:
                archive.addfile(one, io.BytesIO(b"x" * one.size))
        if cut:
            path.write_bytes(path.read_bytes()[:cut])
        return path

    def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname, info.size = kind, target, 1 if kind == tarfile.REGTYPE else 0
        return info

    assert validate(tarred()).valid
    assert codes(validate(tarred(member("../evil")))) == ["bag.unsafe_member"]
    assert codes(validate(tarred(member("/evil")))) == ["bag.unsafe_member"]
    assert "bag.link_outside" in codes(validate(tarred(member("bag/data/l", tarfile.SYMTYPE, "/etc/passwd"))))
    assert "bag.link_outside" in codes(validate(tarred(member("bag/data/l", tarfile.SYMTYPE, "../../../x"))))
    assert "bag.special_file" in codes(validate(tarred(member("bag/data/l", tarfile.CHRTYPE))))
    assert codes(validate(tarred(member("bag/data/one.txt")))) == ["bag.duplicate_member"]
    assert "bag.container_damaged" in codes(validate(tarred(cut=300)))


def test_hard_links_in_a_tar_are_files(tmp_path: Path, bag: Path) -> None:
    os.link(bag / "data/one.txt", bag / "data/same.txt")
    append("manifest-sha256.txt", f"{HASH}  data/same.txt\n")(bag)
    drop_line("bag-info.txt", "Oxum")(bag)
    reseal(bag)
    assert validate(bag).valid
    assert codes(validate(shutil.make_archive(str(tmp_path / "x"), "tar", bag.parent, "bag"))) == []


def test_what_is_no_bag_at_all(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        validate(tmp_path / "nowhere")
    (tmp_path / "plain.txt").write_text("plain")
    with pytest.raises(Invalid) as error:
        validate(tmp_path / "plain.txt")
    assert error.value.code == "bag.not_a_container"
    (tmp_path / "empty").mkdir()
    assert codes(validate(tmp_path / "empty")) == ["bag.missing_bagit_txt", "bag.missing_data", "bag.missing_manifest"]


# -- our own objects -------------------------------------------------------------------------------------------------


def test_our_objects_are_valid_however_they_are_read(packed: bytes, packed_file: Path, tmp_path: Path) -> None:
    store = LocalStore("a", tmp_path / "store")
    store.prepare()
    store.create("k.zip", [packed])
    for report in (
        verify_object([packed]),
        verify_object(packed[n : n + 1000] for n in range(0, len(packed), 1000)),
        validate(packed_file),
        validate((store, "k.zip")),
    ):
        assert (report.errors, report.warnings) == ([], [])
        assert report.valid
        assert report.algorithms == ("sha256", "sha512", "sm3")
        assert report.as_dict()["files"] == 5


def test_no_flipped_byte_of_an_object_stays_unseen(packed: bytes) -> None:
    rng = random.Random(1)
    for position in [*range(60), *rng.sample(range(len(packed)), 150), *range(len(packed) - 60, len(packed))]:
        bad = bytearray(packed)
        bad[position] ^= 1 << rng.randrange(8)
        assert not verify_object([bytes(bad)]).valid, position


def test_a_flipped_byte_names_its_file(packed: bytes, plan: object) -> None:
    one = next(one for one in plan.payload if one.path == "data/scans/0002.jpg")  # type: ignore[attr-defined]
    bad = bytearray(packed)
    bad[one.offset + 1_000_000] ^= 1
    report = verify_object([bytes(bad)])
    mismatches = [(f.path, f.params["algorithm"]) for f in report.errors if f.code == "bag.payload_digest_mismatch"]
    assert mismatches == [(one.path, name) for name in ("sha256", "sha512", "sm3")]
    assert {f.path for f in report.errors} == {one.path}


@pytest.mark.parametrize("cut", [0, 1, 30, 1000, -1, -22, -300])
def test_cut_and_lengthened_objects(packed: bytes, cut: int) -> None:
    assert codes(verify_object([packed[:cut] if cut else b""]))[0] == "bag.container_damaged"
    assert codes(verify_object([packed, b"x"])) == ["bag.container_damaged"]


def test_a_wrong_sm3_manifest_is_seen(tmp_path: Path, packed_file: Path) -> None:
    """bagit-python passes it: it knows no sm3."""
    folder = unzipped(packed_file, tmp_path / "out")
    manifest = folder / "manifest-sm3.txt"
    text = manifest.read_text()
    manifest.write_text(("1" if text[0] == "0" else "0") + text[1:])
    for algorithm in ("sha256", "sha512"):
        reseal(folder, algorithm)
    (folder / "tagmanifest-sm3.txt").unlink()
    assert bagit.Bag(str(folder)).is_valid()
    assert codes(validate(folder)) == ["bag.payload_digest_mismatch"]


def unzipped(path: Path, out: Path) -> Path:
    out.mkdir()
    subprocess.run(["unzip", "-q", str(path), "-d", str(out)], check=True, env={**os.environ, "LC_ALL": "C.UTF-8"})
    (folder,) = out.iterdir()
    return folder


@pytest.mark.skipif(shutil.which("unzip") is None, reason="needs the program unzip")
def test_unzipped_it_passes_bagit_python(tmp_path: Path, packed_file: Path) -> None:
    folder = unzipped(packed_file, tmp_path / "out")
    run = subprocess.run(
        [sys.executable, "-m", "bagit", "--validate", str(folder)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert validate(folder).valid
