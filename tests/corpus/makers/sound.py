"""Sound and video, silent and short, written by hand."""

from __future__ import annotations

from functools import cache
from random import Random

from lantai.sample import recordings


@cache
def wav() -> bytes:
    """Three seconds of WAV."""
    return recordings.sound(Random(3))


@cache
def avi() -> bytes:
    """Two seconds of AVI."""
    return recordings.video(Random(3), "入户")


def mp3(frames: int = 80) -> bytes:
    """Silence in MPEG-1 layer III: 128 kbit/s, 44.1 kHz, 417 bytes and 26 ms a frame."""
    return (b"\xff\xfb\x90\x00" + bytes(413)) * frames


def flac(blocks: int = 20) -> bytes:
    """Silence in FLAC: blocks of 4,096 samples of one channel, 16 bits at 44.1 kHz, each a constant."""
    samples = blocks * 4096
    told = (44_100 << 44) | (0 << 41) | (15 << 36) | samples
    info = (4096).to_bytes(2, "big") * 2 + bytes(6) + told.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3, "big") + info + b"".join(_block(number) for number in range(blocks))


def _block(number: int) -> bytes:
    head = b"\xff\xf8\xc9\x08" + bytes([number])
    frame = head + bytes([_crc(head, 0x07, 8)]) + b"\x00\x00\x00"
    return frame + _crc(frame, 0x8005, 16).to_bytes(2, "big")


def _crc(data: bytes, polynomial: int, width: int) -> int:
    top, rest = 1 << (width - 1), 0
    for byte in data:
        rest ^= byte << (width - 8)
        for _ in range(8):
            rest = (rest << 1) ^ polynomial if rest & top else rest << 1
        rest &= (1 << width) - 1
    return rest
