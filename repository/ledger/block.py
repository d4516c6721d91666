"""A sealed block: one header line, then one line per entry, all canonical JSON, each ended by LF.

The header names the holding, stream, number and the digest of the whole block before it; it holds the leaf digest of
every entry and their Merkle root, and is signed (Ed25519 over the canonical header without ``signature``). So a
changed entry can be named, and no block can be taken out of the chain.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from repository import canonical
from repository.clock import stamp
from repository.ledger import merkle

FORMAT = "lantai-ledger-block/1"
MAX_ENTRIES = 1000


def sign(document: dict[str, Any], signer: Callable[[bytes], bytes]) -> dict[str, Any]:
    """``document`` with its ``signature`` (base64) over its canonical form."""
    return {**document, "signature": base64.b64encode(signer(canonical.dumps(document))).decode()}


def is_signed_by(document: dict[str, Any], public: bytes) -> bool:
    """Whether ``document["signature"]`` is that key's signature over the rest."""
    unsigned = {name: value for name, value in document.items() if name != "signature"}
    try:
        signature = base64.b64decode(document["signature"], validate=True)
        Ed25519PublicKey.from_public_bytes(public).verify(signature, canonical.dumps(unsigned))
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


def load_canonical(line: bytes) -> dict[str, Any] | None:
    """The object that ``line`` holds, or nothing when it is not one in exactly its canonical form."""
    try:
        value = json.loads(line)
        return value if isinstance(value, dict) and canonical.dumps(value) == line else None
    except (ValueError, TypeError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class Block:
    """A block's bytes with the digests that the catalogue keeps."""

    data: bytes
    sha256: str
    merkle_root: str
    entries: int


def build(
    *,
    holding: str,
    stream: str,
    number: int,
    previous: str | None,
    lines: Sequence[bytes],
    sealed_at: datetime,
    key_id: str,
    signer: Callable[[bytes], bytes],
) -> Block:
    """A signed block over entry lines (canonical JSON without line ends) in their order."""
    leaves = [merkle.leaf(line) for line in lines]
    root = merkle.root(leaves).hex()
    header = {
        "format": FORMAT,
        "holding": holding,
        "stream": stream,
        "number": number,
        "previous": previous,
        "entries": len(lines),
        "leaves": [one.hex() for one in leaves],
        "merkle_root": root,
        "sealed_at": stamp(sealed_at),
        "key_id": key_id,
    }
    data = b"".join(line + b"\n" for line in (canonical.dumps(sign(header, signer)), *lines))
    return Block(data, hashlib.sha256(data).hexdigest(), root, len(lines))


def split(data: bytes) -> tuple[bytes, list[bytes], bool]:
    """Header line, entry lines, and whether the last line ends as it must."""
    head, *lines = data.split(b"\n")
    ended = bool(lines) and lines[-1] == b""
    return head, lines[:-1] if ended else lines, ended
