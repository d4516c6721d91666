"""A sound recording and a short video, both made of nothing but arithmetic.

The video is Motion JPEG in AVI: its frames are plain JPEG pictures behind a header of a few hundred bytes, so it needs no
encoder, while every player and identification tool knows it. AVI is also what the older cameras of such offices made.
"""

from __future__ import annotations

import array
import io
import math
import struct
import sys
import wave
from random import Random

from lantai.sample.county import SYNTHETIC
from lantai.sample.pictures import scene

_RATE = 8000
_FRAMES_A_SECOND = 8


def sound(rng: Random, seconds: int = 3) -> bytes:
    """A WAV (PCM, 16 bit, mono, 8 kHz) of a few tones, with a comment that it is synthetic."""
    samples = array.array("h")
    for _ in range(seconds * 2):
        step = 2 * math.pi * rng.randrange(200, 600) / _RATE
        samples.extend(round(9000 * math.sin(step * number)) for number in range(_RATE // 2))
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as recording:
        recording.setnchannels(1)
        recording.setsampwidth(2)
        recording.setframerate(_RATE)
        recording.writeframes(samples.tobytes())
    data = out.getvalue() + _list(b"INFO", _chunk(b"ICMT", SYNTHETIC.encode() + b"\0"))
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def video(rng: Random, what: str, frames: int = 16) -> bytes:
    """An AVI of ``frames`` pictures, eight a second, in which somebody walks past a house."""
    size = (320, 240)
    base = scene(rng, size, f"{SYNTHETIC} {what}")
    pictures = []
    for number in range(frames):
        picture = base.copy()
        x = number * size[0] // frames
        picture.paste((60, 60, 90), (x, 165, x + 12, 205))
        out = io.BytesIO()
        picture.save(out, "JPEG", quality=60)
        pictures.append(out.getvalue())
    return _avi(pictures, *size)


def _avi(pictures: list[bytes], width: int, height: int) -> bytes:
    largest = max(len(picture) for picture in pictures)
    header = struct.pack(
        "<14I",
        1_000_000 // _FRAMES_A_SECOND,
        largest * _FRAMES_A_SECOND,
        0,
        0x10,
        len(pictures),
        0,
        1,
        largest,
        width,
        height,
        0,
        0,
        0,
        0,
    )
    stream = struct.pack(
        "<4s4sIHHIIIIIIII4H",
        b"vids",
        b"MJPG",
        0,
        0,
        0,
        0,
        1,
        _FRAMES_A_SECOND,
        0,
        len(pictures),
        largest,
        0xFFFFFFFF,
        0,
        0,
        0,
        width,
        height,
    )
    form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, b"MJPG", width * height * 3, 0, 0, 0, 0)
    movie, index, offset = b"", b"", 4
    for picture in pictures:
        chunk = _chunk(b"00dc", picture)
        index += struct.pack("<4sIII", b"00dc", 0x10, offset, len(picture))
        movie += chunk
        offset += len(chunk)
    headers = _list(b"hdrl", _chunk(b"avih", header) + _list(b"strl", _chunk(b"strh", stream) + _chunk(b"strf", form)))
    comment = _list(b"INFO", _chunk(b"ICMT", SYNTHETIC.encode() + b"\0"))
    return _chunk(b"RIFF", b"AVI " + headers + comment + _list(b"movi", movie) + _chunk(b"idx1", index))


def _chunk(name: bytes, data: bytes) -> bytes:
    """A RIFF chunk, filled up to an even length."""
    return name + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2)


def _list(kind: bytes, data: bytes) -> bytes:
    return _chunk(b"LIST", kind + data)
