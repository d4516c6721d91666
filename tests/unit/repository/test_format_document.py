"""A reader written from STORAGE-FORMAT-1.md alone: the document must be enough, and must be true.

Everything in ``_Reader`` follows the document's sections and uses the standard library and ``cryptography`` only; none
of the program's own readers takes part. It reads a replica that the program wrote.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import zlib
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from access.actors import console_actor
from ingest.context import Context
from ingest.pipeline import advance
from ingest.submissions import open_submission, receive_path
from lantai.settings import load
from lantai.site import Site, initialise
from metadata.household import household_no
from repository import cases, revisions
from repository.fixity.incidents import open_incident
from repository.fixity.outcome import Outcome
from repository.ledger.checkpoints import write_checkpoint
from repository.ledger.seal import seal
from repository.pending import write_pending_objects
from repository.tables import Record

DIVISION = "990101001001"


def _canonical(value: Any) -> bytes:
    """Section 2, without the LF."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


class _Reader:
    """Sections 1 to 7 of the document, as somebody would write them who has nothing else."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.keys = sorted(
            path.relative_to(root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and not path.relative_to(root).as_posix().startswith(".tmp/")
        )

    def read(self, key: str) -> bytes:
        return (self.root / key).read_bytes()

    def canonical_object(self, key: str) -> dict[str, Any]:
        data = self.read(key)
        value: dict[str, Any] = json.loads(data)
        assert data == _canonical(value) + b"\n", key
        assert "format" in value
        return value

    def marker(self) -> dict[str, Any]:
        """Section 3."""
        value = self.canonical_object(max(key for key in self.keys if key.startswith("holding/")))
        assert value["format"] == "lantai-holding/1"
        claimed = value.pop("sha256")
        assert hashlib.sha256(_canonical(value)).hexdigest() == claimed
        return value

    def members(self, key: str) -> Iterator[tuple[str, bytes]]:
        """Section 4.1: walk the local headers, then prove that directory and end follow from the members alone."""
        data, at, directory, count = self.read(key), 0, b"", 0
        while data[at : at + 4] == b"PK\x03\x04":
            needed, flags, method, time, day, crc, packed, size, name_length, extra = struct.unpack(
                "<5H3I2H", data[at + 4 : at + 30]
            )
            assert (needed, flags, method, time, day, extra) == (20, 0x0800, 0, 0, 0x21, 0)
            assert packed == size
            name = data[at + 30 : at + 30 + name_length]
            start = at + 30 + name_length
            content = data[start : start + size]
            assert zlib.crc32(content) == crc
            directory += struct.pack(
                "<4s6H3I5H2I", b"PK\x01\x02", 3 * 256 + 20, 20, 0x0800, 0, 0, 0x21, crc, size, size,
                name_length, 0, 0, 0, 0, 0o100644 << 16, at,
            ) + name  # fmt: skip
            yield name.decode(), content
            at, count = start + size, count + 1
        end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
        assert data[at:] == directory + end, key

    def bag(self, key: str) -> dict[str, Any]:
        """Section 4.2 and 4.3: order, manifests, record.json; gives record.json."""
        _, aa, bb, record_id, version = key.split("/")
        assert record_id.startswith(aa + bb)
        number = int(version[1:-4])
        top = f"{record_id}-v{number:05d}/"
        found = list(self.members(key))
        assert all(name.startswith(top) for name, _ in found)
        content = {name.removeprefix(top): data for name, data in found}
        assert len(content) == len(found)
        order = list(content)
        algorithms = [name[9:-4] for name in order if name.startswith("manifest-")]
        assert algorithms
        assert order[: 2 + 2 * len(algorithms)] == [
            "bagit.txt",
            "bag-info.txt",
            *(f"manifest-{one}.txt" for one in algorithms),
            *(f"tagmanifest-{one}.txt" for one in algorithms),
        ]
        assert content["bagit.txt"] == b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
        payload = {name for name in order if name.startswith("data/")}
        tags = {name for name in order if name not in payload and not name.startswith("tagmanifest-")}
        for algorithm in algorithms:
            self._manifest(content, f"manifest-{algorithm}.txt", algorithm, payload)
            self._manifest(content, f"tagmanifest-{algorithm}.txt", algorithm, tags)
        facts: dict[str, Any] = json.loads(content["metadata/record.json"])
        assert content["metadata/record.json"] == _canonical(facts) + b"\n"
        assert (facts["format"], facts["record_id"], facts["version"]) == ("lantai-record/1", record_id, number)
        findings = json.loads(content["metadata/findings.json"])
        assert findings["format"] == "lantai-findings/1"
        assert [one["path"] for one in facts["files"]] == [name for name in order if name in payload]
        for one in facts["files"]:
            data = content[one["path"]]
            assert (one["size"], one["crc32"]) == (len(data), zlib.crc32(data))
            assert one["digests"]["sha512"] == hashlib.sha512(data).hexdigest()
            if len(data) > 16 << 20:
                chunks = (data[at : at + (16 << 20)] for at in range(0, len(data), 16 << 20))
                joined = b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)
                assert one["chunk_sha256"] == base64.b64encode(joined).decode()
        return facts

    @staticmethod
    def _manifest(content: dict[str, bytes], name: str, algorithm: str, wanted: set[str]) -> None:
        listed = {}
        for line in content[name].decode().splitlines():
            digest, path = line.split(None, 1)
            listed[path] = digest
        assert set(listed) == wanted
        try:
            hashlib.new(algorithm)
        except ValueError:
            return  # sm3 where OpenSSL lacks it: not checked
        for path, digest in listed.items():
            assert hashlib.new(algorithm, content[path]).hexdigest() == digest

    def public_keys(self, holding: str) -> dict[str, Ed25519PublicKey]:
        """Section 6.3."""
        documents = {
            value["key_id"]: value
            for key in self.keys
            if key.startswith("ledger/keys/")
            for value in [self.canonical_object(key)]
        }
        keys = {}
        for key_id, value in documents.items():
            raw = base64.b64decode(value["public_key"])
            assert (value["format"], value["holding"]) == ("lantai-ledger-key/1", holding)
            assert value["algorithm"] == "Ed25519"
            assert hashlib.sha256(raw).hexdigest()[:16] == key_id
            keys[key_id] = Ed25519PublicKey.from_public_bytes(raw)
        for value in documents.values():
            self.signed(value, keys[value["signed_by"]])
        return keys

    @staticmethod
    def signed(document: dict[str, Any], key: Ed25519PublicKey) -> None:
        """The signature over the canonical document without ``signature``, without LF."""
        rest = {name: value for name, value in document.items() if name != "signature"}
        key.verify(base64.b64decode(document["signature"]), _canonical(rest))

    def root_of(self, leaves: list[bytes]) -> bytes:
        """RFC 6962 section 2.1."""
        if len(leaves) == 1:
            return leaves[0]
        split = 1
        while split * 2 < len(leaves):
            split *= 2
        return hashlib.sha256(b"\x01" + self.root_of(leaves[:split]) + self.root_of(leaves[split:])).digest()

    def ledger(self, holding: str) -> tuple[dict[str, tuple[int, str]], list[dict[str, Any]]]:
        """Sections 6.1 and 6.2: heads (number, digest) by stream, and all entries."""
        keys = self.public_keys(holding)
        heads: dict[str, tuple[int, str]] = {}
        entries: list[dict[str, Any]] = []
        for stream in ("acts", "use"):
            blocks = [key for key in self.keys if key.startswith(f"ledger/{stream}/")]
            previous = None
            for number, key in enumerate(sorted(blocks, key=lambda one: int(one[-15:-6])), start=1):
                data = self.read(key)
                head, *lines = data.removesuffix(b"\n").split(b"\n")
                header = json.loads(head)
                assert head == _canonical(header)
                assert header["format"] == "lantai-ledger-block/1"
                assert (header["holding"], header["stream"], header["number"]) == (holding, stream, number)
                assert key == f"ledger/{stream}/{header['sealed_at'][:4]}/{header['sealed_at'][5:7]}/{number:09d}.jsonl"
                assert header["previous"] == previous
                self.signed(header, keys[header["key_id"]])
                leaves = [hashlib.sha256(b"\x00" + line).digest() for line in lines]
                assert [leaf.hex() for leaf in leaves] == header["leaves"]
                assert header["entries"] == len(lines)
                assert self.root_of(leaves).hex() == header["merkle_root"]
                for line in lines:
                    entry = json.loads(line)
                    assert line == _canonical(entry)
                    assert (entry["format"], entry["stream"]) == ("lantai-ledger-entry/1", stream)
                    assert set(entry["actor"]) == {"id", "kind", "organ"}
                    entries.append(entry)
                previous = hashlib.sha256(data).hexdigest()
                heads[stream] = (number, previous)
        return heads, entries

    def checkpoint(self, holding: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """Section 6.4: the newest, its objects by key and its records by id."""
        newest = max(key for key in self.keys if key.endswith("/checkpoint.json"))
        document = self.canonical_object(newest)
        assert document["format"] == "lantai-checkpoint/1"
        assert document["holding"] == holding
        assert f"/{document['number']:09d}/" in newest
        self.signed(document, self.public_keys(holding)[document["key_id"]])
        objects: dict[str, Any] = {}
        records: dict[str, Any] = {}
        for name, shard in document["shards"].items():
            data = self.read(shard["path"])
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (shard["sha256"], shard["size"])
            head, *lines = data.splitlines()
            assert json.loads(head) == {"format": "lantai-checkpoint-shard/1", "holding": holding, "shard": name}
            rows = [json.loads(line) for line in lines]
            assert sum("key" in row for row in rows) == shard["objects"]
            for row in rows:
                if "key" in row:
                    below = row["key"].split("/")
                    spread = below[0] in {"r", "c", "tombstones"}
                    assert name == (below[1] if spread else "other")
                    objects[row["key"]] = row
                else:
                    records[row["record_id"]] = row
        assert document["objects"] == len(objects)
        return document, objects, records


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A holding with two records (one of them large), a case file, a revised description, an incident, looks."""
    folder = tmp_path_factory.mktemp("format")
    made = initialise(load(home=folder / "home"), bureau="测试局", division="990101")
    archive = made.archive
    (folder / "in").mkdir()
    (folder / "in" / "申请书 100%.txt").write_text("申请低保。", encoding="utf-8")
    (folder / "in" / "large.bin").write_bytes(bytes(range(256)) * 4 * 1024 * 17)
    with archive.reading() as session:
        actor = console_actor(session, archive.profile, "tester")
    with archive.sessions.begin() as session:
        submission = open_submission(
            session,
            archive=archive,
            actor=actor,
            organ_id=None,
            title="一批",
            channel="console",
            options={"accept": True},
        )
    receive_path(archive, submission.id, [folder / "in"])
    context = Context.open(archive, made.settings.limits, checks=frozenset())
    assert advance(context, submission.id) == "done"
    context.close()
    with archive.sessions.begin() as session:
        record = session.query(Record).order_by(Record.seq).first()
        assert record is not None
        revisions.revise_description(
            session,
            archive=archive,
            actor=actor.ref,
            record=record,
            description={**record.description, "title": "改正的题名"},
        )
        household = cases.household(
            session,
            archive=archive,
            household_no=household_no(DIVISION, 1),
            division_code=DIVISION,
            applicant_name="合成人",
            applicant_id="11010519491231002X",
        )
        case, _ = cases.case_file(
            session,
            archive=archive,
            household=household,
            programme="DB",
            organ_id=record.organ_id,
            members=[cases.Member("合成人", "11010519491231002X", "本人")],
            events=[{"event": "applied", "on": date(2026, 1, 5).isoformat(), "note": ""}],
        )
        cases.add_records(
            session, archive=archive, links={case.id: [cases.Filed(record.id, record.document_type, record.dated)]}
        )
        revisions.revise_case(session, archive=archive, actor=actor.ref, case=case, state=case.state)
        open_incident(
            session,
            at=archive.clock.now(),
            actor=actor.ref,
            replica="b",
            key="r/x",
            fault=Outcome.DAMAGED,
            record_id=None,
            detail={"sha256": "0" * 64, "members": ["data/合成人.txt"]},
        )
    seal(archive)
    write_checkpoint(archive)
    while write_pending_objects(archive):
        pass
    yield made
    made.close()


@pytest.fixture
def reader(site: Site) -> _Reader:
    return _Reader(site.settings.home / "replicas" / "b")


def test_the_marker_says_where_one_is(site: Site, reader: _Reader) -> None:
    marker = reader.marker()
    assert set(marker) == {"created_at", "format", "holding", "number", "replica", "storage_format", "zone"}
    assert (marker["holding"], marker["replica"], marker["storage_format"]) == (site.settings.holding_id, "b", 1)


def test_bags_are_read_by_the_document_alone(reader: _Reader) -> None:
    bags = [key for key in reader.keys if key.startswith("r/") and key.endswith(".zip")]
    facts = [reader.bag(key) for key in bags]
    names = {file["original_name"] for one in facts for file in one["files"]}
    assert len(facts) == 2
    assert any("100%" in name for name in names)
    paths = {file["path"] for one in facts for file in one["files"]}
    assert any("100\uff05" in path for path in paths)
    for one in facts:
        assert set(one) <= {
            "format", "record_id", "version", "title", "document_type", "category", "programme", "year", "date", "organ",
            "division_code", "access_level", "access_marks", "household_nos", "case_files", "submission", "profile",
            "description", "files", "empty_folders",
        }  # fmt: skip
        assert set(one["organ"]) == {"id", "code"}
        assert set(one["submission"]) == {"id", "deposited_at", "actor", "channel"}


def test_the_ledger_is_verified_by_the_document_alone(site: Site, reader: _Reader) -> None:
    heads, entries = reader.ledger(str(site.settings.holding_id))
    assert heads["acts"][0] >= 2
    accessioned = {one["record_id"]: one for one in entries if one["act"] == "record.accessioned"}
    for one in accessioned.values():
        key = f"r/{one['record_id'][:2]}/{one['record_id'][2:4]}/{one['record_id']}/v{one['version']:05d}.zip"
        data = reader.read(key)
        assert (one["object_sha256"], one["object_size"]) == (hashlib.sha256(data).hexdigest(), len(data))
        assert {"files", "case_file_ids"} <= set(one)
    (incident,) = [one for one in entries if one["act"] == "incident.opened"]
    assert incident["found"] == {"sha256": "0" * 64, "members_damaged": 1}
    text = json.dumps(entries, ensure_ascii=False)
    assert "合成人" not in text
    assert "11010519491231002X" not in text


def test_revisions_are_whole_states_that_the_ledger_names(site: Site, reader: _Reader) -> None:
    _, entries = reader.ledger(str(site.settings.holding_id))
    named = 0
    for entry in entries:
        if entry["act"] == "description.revised":
            owner, folder, wanted = entry["record_id"], "r", "lantai-description/1"
        elif entry["act"] == "case_file.revised":
            owner, folder, wanted = entry["case_file_id"], "c", "lantai-case-file/1"
        elif entry["act"] == "entity.revised":
            owner, folder, wanted = entry["entity_id"], f"e/{entry['kind']}", "lantai-entity/1"
        else:
            continue
        spread = f"{owner[:2]}/" if folder.startswith("e/") else f"{owner[:2]}/{owner[2:4]}/"
        key = f"{folder}/{spread}{owner}/d{entry['revision']:05d}.json"
        state = reader.canonical_object(key)
        assert hashlib.sha256(reader.read(key)).hexdigest() == entry["sha256"]
        assert (state["format"], state["revision"]) == (wanted, entry["revision"])
        assert set(state["actor"]) == {"id", "kind", "organ"}
        named += 1
        if wanted == "lantai-description/1":
            assert state["description"]["title"] == "改正的题名"
    assert named >= 4


def test_a_sealed_number_opens_as_the_document_says(site: Site, reader: _Reader) -> None:
    (key,) = [key for key in reader.keys if key.startswith("c/") and key.endswith("d00001.json")]
    state = reader.canonical_object(key)
    secrets = json.loads((site.settings.keys / "keys.json").read_bytes())
    by_id = {bytes.fromhex(one["id"]): base64.b64decode(one["key"]) for one in secrets["seal"]}
    for text in (state["household"]["applicant_id_sealed"], state["state"]["members"][0]["id_sealed"]):
        sealed = base64.b64decode(text)
        assert sealed[:1] == b"\x01"
        cipher = AESGCM(by_id[sealed[1:5]])
        assert cipher.decrypt(sealed[5:17], sealed[17:], sealed[:5]) == b"11010519491231002X"
    assert b"11010519491231002X" not in reader.read(key)
    assert state["records"]
    assert set(state["state"]) == {"members", "events", "facts"}


def test_the_checkpoint_names_everything_that_it_should(site: Site, reader: _Reader) -> None:
    holding = str(site.settings.holding_id)
    heads, _ = reader.ledger(holding)
    document, objects, records = reader.checkpoint(holding)
    assert {stream: (one["number"], one["sha256"]) for stream, one in document["ledger"].items()} == heads
    for key, row in objects.items():
        data = reader.read(key)
        assert (row["sha256"], row["size"]) == (hashlib.sha256(data).hexdigest(), len(data))
    left_out = ("ledger/acts/", "ledger/use/", "ledger/checkpoints/", "holding/", "evidence/")
    assert set(objects) == {key for key in reader.keys if not key.startswith(left_out)}
    assert document["records"] == len(records) == 2
    for row in records.values():
        assert set(row) == {"record_id", "state", "head_version", "head_sha256", "description_revision"}


def test_a_flipped_byte_is_found_by_the_document_alone(site: Site, reader: _Reader) -> None:
    bag = next(key for key in reader.keys if key.endswith("v00001.zip"))
    data = bytearray(reader.read(bag))
    data[len(data) // 2] ^= 1
    (site.settings.home / "replicas" / "b" / bag).write_bytes(data)
    with pytest.raises(AssertionError):
        reader.bag(bag)
