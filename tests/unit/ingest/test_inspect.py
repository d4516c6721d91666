"""Looking into files: pictures, sound, text; what is measured, what is hidden, what a process survives."""

from __future__ import annotations

import io
import json
import os
import random
import struct
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from random import Random

import pytest
from PIL import Image

from ingest.findings import KINDS
from ingest.identify import identify
from ingest.inspect import FIRST_TEXT, FUNCTION, Inspection, Look, inspect
from ingest.limits import IngestLimits
from ingest.media.medium import Bounds
from ingest.pool import CheckPool
from lantai.sample import recordings
from metadata.household import household_no
from tests.corpus.makers.papers import page
from tests.corpus.makers.pictures import FORMS, flat_png, noise, picture, saved
from tests.corpus.makers.recordings import compound, mp4

ALL = frozenset({"format", "readability", "quality", "text"})
ID = "110101199003078515"
Looked = Callable[..., Inspection]


@pytest.fixture
def looked(tmp_path: Path) -> Looked:
    """Write a file and look into it."""

    def run(name: str, data: bytes, **limits: object) -> Inspection:
        path = tmp_path / name
        path.write_bytes(data)
        bounds = Bounds.of(IngestLimits.model_validate(limits))
        (answer,) = inspect([Look(os.fsencode(path), name, len(data), bounds, ALL)])
        assert isinstance(answer, Inspection)
        assert {one.code for one in answer.findings} <= set(KINDS)
        return answer

    return run


def codes(answer: Inspection) -> list[str]:
    return [one.code for one in answer.findings]


PICTURES = {f"p{ending}": partial(picture, ending) for ending in FORMS if ending != ".avif"}


@pytest.mark.parametrize("name", PICTURES)
def test_whole_pictures_give_no_finding_and_their_size(looked: Looked, name: str) -> None:
    answer = looked(name, PICTURES[name]())
    assert codes(answer) == []
    assert (answer.technical["width"], answer.technical["height"]) == (400, 300)
    assert answer.technical["opened"] == "images"


@pytest.mark.parametrize("share", [0.4, 0.9])
@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_cut_short_is_one_finding_of_readability(looked: Looked, name: str, share: float) -> None:
    data = PICTURES[name]()
    found = codes(looked(name, data[: int(len(data) * share)]))
    readable = [one for one in found if one.startswith("readability.")]
    assert len(readable) == 1, found
    assert readable[0] in {"readability.partial", "readability.damaged"}
    assert not [one for one in found if one.startswith(("scan.", "text."))]


def test_how_much_of_a_cut_picture_is_left_is_told(looked: Looked) -> None:
    data = PICTURES["p.jpg"]()
    (finding,) = looked("p.jpg", data[: len(data) // 2]).findings
    share = int(str(finding.params["part"]).removesuffix(" %"))
    assert finding.code == "readability.partial"
    assert 30 <= share <= 65
    head_only = codes(looked("q.jpg", data[:700]))
    assert head_only == ["readability.damaged"]


def test_bytes_that_are_no_picture_under_its_name(looked: Looked) -> None:
    found = codes(looked("photo.jpg", Random(1).randbytes(5000)))
    assert found == ["readability.damaged"]


def test_a_checksum_inside_png(looked: Looked) -> None:
    data = bytearray(PICTURES["p.png"]())
    data[len(data) // 2] ^= 0xFF
    assert "readability.damaged" in codes(looked("p.png", bytes(data)))


def test_frames_of_a_tiff(looked: Looked) -> None:
    frames = [noise((60, 50)) for _ in range(5)]
    data = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    whole = looked("many.tif", data)
    assert (codes(whole), whole.technical["pages"]) == ([], 5)
    few = looked("few.tif", data, pages_decoded=3)
    assert codes(few) == ["readability.too_many_pages"]
    assert few.findings[0].params == {"pages": 5, "limit": 3}
    assert few.findings[0].outcome == "not_checked"
    assert few.technical["pages"] == 5
    (cut,) = looked("cut.tif", data[: len(data) * 3 // 5]).findings
    assert cut.code in {"readability.partial", "readability.damaged"}


def test_ten_thousand_frames(looked: Looked) -> None:
    frame = b"".join(
        struct.pack("<HHII", tag, 4, 1, value)
        for tag, value in ((256, 8), (257, 8), (258, 8), (259, 1), (262, 1), (273, 8), (278, 8), (279, 64))
    )
    size = 2 + len(frame) + 4
    start = 8 + 64
    directories = b"".join(
        struct.pack("<H", 8) + frame + struct.pack("<I", start + (n + 1) * size if n < 9_999 else 0)
        for n in range(10_000)
    )
    data = b"II*\0" + struct.pack("<I", start) + bytes([200] * 64) + directories
    answer = looked("frames.tif", data, pages_decoded=200)
    assert codes(answer) == ["readability.too_many_pages"]
    assert answer.technical["pages"] == 10_000


def test_sixty_thousand_pixels_square_are_not_decoded(looked: Looked) -> None:
    (finding,) = looked("huge.png", flat_png(60_000, 60_000)).findings
    assert finding.code == "readability.too_large"
    assert finding.outcome == "not_checked"


def test_heic_that_is_only_a_header(looked: Looked) -> None:
    assert codes(looked("x.heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100))) == ["readability.damaged"]


def test_a_photograph_is_told_by_its_exif(looked: Looked) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    assert looked("a.jpg", saved(noise(), "JPEG", exif=exif)).technical["camera"] is True
    assert looked("b.jpg", saved(noise(), "JPEG")).technical["camera"] is False


# --- one file that is two things, and more than itself -----------------------------------------------------------------


def packed() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        made.writestr("a.txt", "x" * 100)
    return out.getvalue()


def test_polyglots(looked: Looked) -> None:
    assert "format.polyglot" in codes(looked("a.jpg", PICTURES["p.jpg"]() + packed()))
    gif = bytearray(PICTURES["p.gif"]())
    assert codes(looked("a.gif", bytes(gif[:-1]) + b"!\xfe\x13<script>alert(1)</s\0;")) == []  # far behind the head
    small = saved(Image.new("P", (4, 4)), "GIF", comment=b"<html><script>x</script>")
    assert "format.polyglot" in codes(looked("b.gif", small))


def test_bytes_after_the_end(looked: Looked) -> None:
    for name in ("p.jpg", "p.png"):
        data = PICTURES[name]()
        found = {one.code: one.params for one in looked(name, data + b"hidden " * 20).findings}
        assert found["format.trailing_data"] == {"bytes": 140}
        assert codes(looked(name, data + b"\r\n\0\0")) == []
    sound = recordings.sound(Random(1))
    assert codes(looked("s.wav", sound + bytes(100))) == ["format.trailing_data"]


def test_a_jpeg_in_a_jpeg_is_not_taken_for_its_end(looked: Looked) -> None:
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    thumbnail = saved(Image.new("L", (60, 40), 90), "JPEG")
    data = saved(noise(), "JPEG", comment=thumbnail[:600])
    assert codes(looked("a.jpg", data + b"x" * 50)) == ["format.trailing_data"]


def test_names_that_lie(looked: Looked) -> None:
    assert "format.extension_mismatch" in codes(looked("p.jpg", PICTURES["p.png"]()))
    assert codes(looked("p", PICTURES["p.png"]())) == []


# --- sound and video -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["s.wav", "v.avi", "s.mp4"])
def test_sound_and_video(looked: Looked, name: str) -> None:
    data = {"s.wav": recordings.sound, "v.avi": lambda r: recordings.video(r, "入户"), "s.mp4": lambda _: mp4()}[name](
        Random(3)
    )
    whole = looked(name, data)
    assert codes(whole) == []
    assert 1.5 <= whole.technical["seconds"] <= 3.5
    (finding,) = [one for one in looked(name, data[: len(data) * 2 // 3]).findings if "format" not in one.code]
    assert finding.code in {"readability.partial", "readability.damaged"}


def test_video_has_a_size(looked: Looked) -> None:
    technical = looked("v.avi", recordings.video(Random(3), "入户")).technical
    assert (technical["width"], technical["height"]) == (320, 240)


def test_mp4_without_its_table(looked: Looked) -> None:
    assert "readability.damaged" in codes(looked("s.mp4", mp4(table=False)))


# --- text ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_in_its_encodings(looked: Looked, encoding: str) -> None:
    answer = looked("a.txt", ("申请人家庭情况说明，请予以审核。\n" * 20).encode(encoding))
    assert [one for one in codes(answer) if one != "format.disagreement"] == []
    assert "申请人" in answer.technical["first_text"]


def test_text_that_no_encoding_fits(looked: Looked) -> None:
    data = Random(5).randbytes(4000)
    assert "text.undecodable" in codes(looked("a.txt", data))


def test_numbers_are_counted_hidden_and_handed_on(looked: Looked) -> None:
    household = household_no("990101101201", 7)
    text = f"申请书 身份证号 {ID}，户号 {household}，电话 13800138000。" + "说明。" * 400
    answer = looked("a.txt", text.encode())
    (finding,) = answer.findings
    assert (finding.code, finding.params["id"], finding.params["phone"]) == ("personal.found", 1, 1)
    assert answer.id_numbers == (ID,)
    assert answer.technical["household_nos"] == [household]
    first = answer.technical["first_text"]
    assert len(first) <= FIRST_TEXT
    assert household in first
    assert ID not in json.dumps(answer.technical)
    assert "13800138000" not in first
    assert str(ID) not in repr(answer.findings)


def test_a_number_on_the_edge_of_what_is_kept_is_hidden_too(looked: Looked) -> None:
    text = "。" * (FIRST_TEXT - 10) + ID + "。"
    first = looked("a.txt", text.encode()).technical["first_text"]
    assert ID[:6] not in first


def test_damaged_text_is_told(looked: Looked) -> None:
    assert codes(looked("a.txt", "姓名\ufffd\ufffd，住址\ufffd村".encode())) == ["text.replacement"]


def test_only_so_much_text_is_checked(looked: Looked) -> None:
    answer = looked("a.txt", ("无" * 3000 + ID).encode(), text_characters=1000)
    assert codes(answer) == []
    assert answer.technical["text_chars"] == 1000


def test_xml(looked: Looked) -> None:
    head = b'<?xml version="1.0"?>'
    assert codes(looked("a.xml", head + b"<a><b>1</b></a>")) == []
    assert codes(looked("b.xml", head + b"<a><b></a>")) == ["readability.malformed"]
    bomb = head + b'<!DOCTYPE a [<!ENTITY x "xxxx"><!ENTITY y "&x;&x;">]><a>&y;</a>'
    assert codes(looked("c.xml", bomb)) == ["xml.doctype"]
    outside = head + b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><a>&x;</a>'
    answer = looked("d.xml", outside)
    assert codes(answer) == ["xml.doctype"]
    assert "first_text" not in answer.technical
    assert codes(looked("e.xml", head + b"<a>" * 50_000)) == ["readability.malformed"]
    script = b'<svg xmlns="http://www.w3.org/2000/svg"><script>x()</script></svg>'
    assert "active.script" in codes(looked("f.svg", head + script))


def test_html(looked: Looked) -> None:
    page = "<!DOCTYPE html><html><head><meta charset=gbk><title>公示</title></head><body><p>张三</p></body></html>"
    answer = looked("a.html", page.encode("gbk"))
    assert codes(answer) == []
    assert answer.technical["first_text"] == "公示\n张三"
    found = codes(looked("b.html", page.replace("<p>", "<script>x()</script><img src='http://x/y.png'><p>").encode()))
    assert {"active.script", "active.external"} <= set(found)


def test_json(looked: Looked) -> None:
    assert codes(looked("a.json", b'{"a": [1, 2, 3]}')) == []
    assert "readability.malformed" in codes(looked("b.json", b'{"a": [1, 2, 3}'))
    assert "readability.malformed" in codes(looked("c.json", b'{"a": ' + b"[" * 100_000))


def test_rtf(looked: Looked) -> None:
    whole = b"{\\rtf1\\ansi\\ansicpg936{\\fonttbl{\\f0 SimSun;}}\\f0 Hello world, this is a note.\\par}"
    assert codes(looked("a.rtf", whole)) == []
    assert "readability.partial" in codes(looked("b.rtf", whole[:-6]))


def test_zip_that_is_kept(looked: Looked) -> None:
    assert codes(looked("a.zip", packed())) == []
    broken = bytearray(packed())
    broken[40] ^= 0xFF
    assert codes(looked("b.zip", bytes(broken))) == ["readability.partial"]


def test_compound_files(looked: Looked) -> None:
    plain = compound({"WordDocument": b"\xec\xa5\xc1\0" + bytes(4092), "1Table": b""})
    assert "readability.damaged" not in codes(looked("a.doc", plain))
    assert "readability.damaged" in codes(looked("b.doc", plain[: len(plain) // 2]))
    locked = compound({"EncryptedPackage": b"x", "EncryptionInfo": b"y"})
    assert "encryption.password" in codes(looked("c.docx", locked))
    word = compound({"WordDocument": b"\xec\xa5\xc1\0" + bytes(6) + b"\0\x01" + bytes(4084)})
    directory_first = bytearray(word)
    assert "encryption.password" not in codes(looked("d.doc", bytes(directory_first)))
    macro = compound({"WordDocument": b"\xec\xa5\xc1\0", "_VBA_PROJECT": b"z"})
    assert "active.macro" in codes(looked("e.doc", macro))
    signed = compound({"WordDocument": b"\xec\xa5\xc1\0", "_signatures": b"z"})
    answer = looked("f.doc", signed)
    assert "signature.listed" in codes(answer)
    assert answer.technical["signatures"] == [{"kind": "cfb"}]


# --- processes -------------------------------------------------------------------------------------------------------


def test_names_that_are_no_text_and_files_that_are_gone(tmp_path: Path) -> None:
    folder = os.fsencode(tmp_path)
    odd, gone = folder + b"/\xb5\xb5.png", folder + b"/gone.png"
    with open(odd, "wb") as out:
        out.write(PICTURES["p.png"]())
    with open(odd.replace(b"png", b"pdf"), "wb") as out:
        out.write(b"%PDF-1.4 broken")
    bounds = Bounds.of(IngestLimits())
    looks = [Look(one, "x", 10, bounds, ALL) for one in (odd, odd.replace(b"png", b"pdf"), gone)]
    first, second, third = inspect(looks)
    assert isinstance(first, Inspection)
    assert first.technical["width"] == 400
    assert isinstance(second, Inspection)
    assert "readability.damaged" in codes(second)
    assert not isinstance(third, Inspection)


def test_only_what_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "p.jpg"
    path.write_bytes(PICTURES["p.jpg"]()[:900])
    bounds = Bounds.of(IngestLimits())
    asked = [frozenset[str](), frozenset({"format"}), frozenset({"format", "readability"})]
    answers = inspect([Look(os.fsencode(path), "p.jpg", 900, bounds, one) for one in asked])
    found = [codes(one) for one in answers if isinstance(one, Inspection)]
    assert found == [[], ["format.unidentified"], ["readability.damaged"]]
    assert all(isinstance(one, Inspection) and one.identified.mime == "image/jpeg" for one in answers)


def test_damaged_files_are_all_accounted_for(tmp_path: Path) -> None:
    """Damage at random: every file is answered, by a process that lives on, with findings of the catalogue."""
    source = random.Random(11)
    originals = [make() for make in PICTURES.values()] + [mp4(), recordings.sound(Random(2)), packed()]
    names = [*PICTURES, "a.mp4", "a.wav", "a.zip"]
    looks = []
    bounds = Bounds.of(IngestLimits())
    for number in range(150):
        which = source.randrange(len(originals))
        data = bytearray(originals[which])
        for _ in range(source.randrange(1, 30)):
            data[source.randrange(len(data))] = source.randrange(256)
        path = tmp_path / f"{number}-{names[which]}"
        path.write_bytes(data)
        looks.append(Look(os.fsencode(path), path.name, len(data), bounds, ALL))
    pool = CheckPool(1, memory_bytes=4 << 30, seconds=60, batch=64)
    try:
        answers = [answer for _, answer in pool.map(FUNCTION, looks, [one.size for one in looks])]
    finally:
        pool.close()
    assert len(answers) == 150
    assert all(isinstance(one, Inspection) for one in answers)


def test_the_bench_compares_with_the_same_libraries(tmp_path: Path) -> None:
    from bench.looking import decode_and_identify

    path = tmp_path / "p.png"
    path.write_bytes(saved(page((200, 300)), "PNG"))
    bounds = Bounds.of(IngestLimits())
    decode_and_identify([Look(os.fsencode(path), "p.png", path.stat().st_size, bounds, ALL)])
    assert identify([os.fsencode(path)])
