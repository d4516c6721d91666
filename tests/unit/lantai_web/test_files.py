"""Bytes: ranges, damaged copies, use register; and the reading of ranges as a rule."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from urllib.parse import unquote

import pytest

from access.accounts import console_actor
from lantai.site import Site
from lantai.web.content import CHUNK, FileBytes, Range, asked_range
from lantai.web.pages.files import disposition
from metadata.errors import Unavailable
from repository.fixity import audit, repair
from repository.tables import RecordVersion, StoredFile
from tests.unit.lantai_web.conftest import Browser, Papers

Visit = Callable[..., Browser]


def _file(browser: Browser, papers: Papers, name: str) -> str:
    return str(browser.api("GET", f"/records/{papers.record_ids[name]}/files").json()["items"][0]["id"])


def test_sound_is_answered_in_ranges(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    path = f"/files/{_file(browser, papers, '录音.wav')}/content"
    whole = browser.http.get(path)
    assert whole.status_code == 200
    assert whole.content == papers.wav
    assert whole.headers["accept-ranges"] == "bytes"
    part = browser.http.get(path, headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == papers.wav[100:200]
    assert part.headers["content-range"] == f"bytes 100-199/{len(papers.wav)}"
    tail = browser.http.get(path, headers={"Range": "bytes=-10"})
    assert tail.content == papers.wav[-10:]
    tag = whole.headers["etag"]
    same = browser.http.get(path, headers={"Range": "bytes=100-199", "If-Range": tag})
    assert (same.status_code, same.content) == (206, papers.wav[100:200])
    other = browser.http.get(path, headers={"Range": "bytes=100-199", "If-Range": '"another"'})
    assert (other.status_code, other.content) == (200, papers.wav)
    none = browser.http.get(path, headers={"Range": f"bytes={len(papers.wav)}-"})
    assert none.status_code == 416
    head = browser.http.head(path)
    assert head.headers["content-length"] == str(len(papers.wav))
    assert head.content == b""


def test_many_parts_of_one_film_are_one_look(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    record = papers.record_ids["录音.wav"]
    file_id = _file(browser, papers, "录音.wav")

    def looks() -> int:
        entries = browser.api("GET", f"/use-register?record={record}&limit=500").json()["items"]
        return sum(one["act"] == "file.viewed" and one["file_id"] == file_id for one in entries)

    browser.http.get(f"/files/{file_id}/content")
    before = looks()
    for start in (0, 1000, 2000):
        browser.http.get(f"/files/{file_id}/content", headers={"Range": f"bytes={start}-{start + 99}"})
    assert looks() == before
    browser.http.get(f"/files/{file_id}/content")
    assert looks() == before + 1


def test_a_scan_is_shown_page_by_page(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    file_id = _file(browser, papers, "扫描.tif")
    assert "共 2 页" in browser.get(f"/records/{papers.record_ids['扫描.tif']}").text
    for leaf in (1, 2):
        answer = browser.http.get(f"/files/{file_id}/pages/{leaf}.webp")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
    assert browser.http.get(f"/files/{file_id}/pages/3.webp").status_code == 404


def test_downloads_and_packages_are_whole_and_registered(visit: Visit, papers: Papers) -> None:
    browser = visit("archivist")
    record = papers.record_ids["录音.wav"]
    found = browser.api("GET", f"/records/{record}/files").json()["items"][0]
    data = browser.http.get(f"/files/{found['id']}/download").content
    assert hashlib.sha512(data).hexdigest() == found["digests"]["sha512"]
    version = browser.api("GET", f"/records/{record}").json()["versions"][0]
    package = browser.http.get(f"/records/{record}/versions/1/package")
    assert hashlib.sha256(package.content).hexdigest() == version["object_sha256"]
    acts = [one["act"] for one in browser.api("GET", f"/use-register?record={record}").json()["items"]]
    assert {"file.downloaded", "record.exported"} <= set(acts)
    clerk = visit("clerk")
    assert clerk.get(f"/records/{record}").status_code == 200
    assert clerk.get(f"/files/{found['id']}/download").status_code == 403


def _bytes(site: Site, name: str) -> FileBytes:
    with site.archive.reading() as session:
        row = session.query(StoredFile).filter(StoredFile.original_name.endswith(name)).one()
        version = session.get_one(RecordVersion, (row.record_id, row.version))
        return FileBytes(site.archive, version.object_key, row.offset, row.size, dict(row.digests), row.chunk_sha256)


def _damaged(site: Site, names: tuple[str, ...], content: FileBytes) -> dict[str, bytes]:
    kept = {}
    for name in names:
        path = site.archive.replicas.store(name).root / content.key  # type: ignore[attr-defined]
        kept[name] = path.read_bytes()
        path.chmod(0o640)
        changed = bytearray(kept[name])
        changed[content.offset + 5] ^= 1
        path.write_bytes(changed)
    return kept


def test_a_damaged_copy_is_never_shown(site: Site, papers: Papers) -> None:
    content = _bytes(site, "录音.wav")
    kept = _damaged(site, ("a",), content)
    assert content.whole() == papers.wav
    kept |= _damaged(site, ("b",), content)
    with pytest.raises(Unavailable):
        content.range(0, 10)
    for name, data in kept.items():
        (site.archive.replicas.store(name).root / content.key).write_bytes(data)  # type: ignore[attr-defined]
    assert content.whole() == papers.wav


class _Store:
    """Bytes under one key, as a store gives them."""

    name = "memory"

    def __init__(self, data: bytes) -> None:
        self.data = data

    def head(self, key: str) -> None:
        """It is there."""

    def read_range(self, key: str, offset: int, length: int) -> list[bytes]:
        """A part."""
        return [self.data[offset : offset + length]]


class _Archive:
    """An archive of one store, for files larger than a test should keep on disk."""

    def __init__(self, data: bytes) -> None:
        self.replicas = type("Replicas", (), {"stores": (_Store(data),)})()


def test_large_files_are_compared_chunk_by_chunk() -> None:
    data = bytes(CHUNK) + b"x" * 1000
    chunks = hashlib.sha256(data[:CHUNK]).digest() + hashlib.sha256(data[CHUNK:]).digest()
    good = FileBytes(_Archive(b"head" + data), "k", 4, len(data), {}, chunks)  # type: ignore[arg-type]
    assert b"".join(good.range(CHUNK - 5, CHUNK + 5)) == data[CHUNK - 5 : CHUNK + 5]
    bad = FileBytes(_Archive(b"head" + data[:-1] + b"y"), "k", 4, len(data), {}, chunks)  # type: ignore[arg-type]
    assert b"".join(bad.range(0, 10)) == data[:10]
    with pytest.raises(Unavailable):
        bad.range(CHUNK, CHUNK + 10)
    unknown = FileBytes(
        _Archive(b"head" + data[:-1] + b"y"), "k", 4, len(data), {"sha256": hashlib.sha256(data).hexdigest()}, None
    )  # type: ignore[arg-type]
    with pytest.raises(Unavailable):
        unknown.whole()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-", Range(0, 100)),
        ("bytes=10-19", Range(10, 20)),
        ("bytes=90-500", Range(90, 100)),
        ("bytes=-20", Range(80, 100)),
        ("bytes=-500", Range(0, 100)),
        ("bytes=0-1,5-6", None),
        ("bytes=9-3", None),
        ("items=0-1", None),
        ("bytes=a-b", None),
        ("bytes=-", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header: str | None, expected: Range | None) -> None:
    assert asked_range(header, 100) == expected


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=200-300", "bytes=-0"])
def test_ranges_beyond_the_end_do_not_exist(header: str) -> None:
    with pytest.raises(ValueError):
        asked_range(header, 100)


def test_damage_found_by_an_audit_stands_on_the_preservation_page(visit: Visit, papers: Papers, site: Site) -> None:
    content = _bytes(site, "怪.bin")
    kept = _damaged(site, ("b",), content)
    with site.archive.reading() as session:
        actor = console_actor(session, site.archive.profile, "test")
    audit(site.archive, actor=actor.ref, keys=[content.key])
    officer = visit("officer")
    page = officer.get("/preservation").text
    assert "1 个出现故障" in page
    incident = re.search(r"/preservation/incidents/[0-9a-f-]+", page)
    assert incident is not None
    told = officer.get(incident.group(0)).text
    assert "副本 b" in told
    assert "差异字节数" in told
    assert papers.record_ids["怪.bin"] not in re.findall(
        r'href="/records/([^"]+)"', told
    )  # the officer reads no record
    record = visit("archivist").get(f"/records/{papers.record_ids['怪.bin']}").text
    assert "这里显示的是完好的副本" in record
    repair(site.archive, actor=actor.ref)
    assert "用副本 a 重写" in officer.get(incident.group(0)).text
    assert (site.archive.replicas.store("b").root / content.key).read_bytes() == kept["b"]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("申请\u202efdp.exe", "申请_fdp.exe"),
        ("\u2066a\u2069\u200e\u200f.txt", "_a___.txt"),
        ("坏\udcff.txt", "坏?.txt"),
        ("a/b\\李.txt", "李.txt"),
    ],
)
def test_the_name_of_a_download_neither_deceives_nor_breaks(name: str, told: str) -> None:
    header = disposition("attachment", name)
    header.encode("latin-1")
    assert unquote(header.partition("filename*=UTF-8''")[2]) == told
