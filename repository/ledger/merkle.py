"""Merkle tree hashes as in RFC 6962 section 2.1: SHA-256, leaves prefixed 0x00, nodes 0x01.

The prefixes keep a node from being passed off as an entry. The empty tree's root is the SHA-256 of nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def leaf(entry: bytes) -> bytes:
    """The leaf digest of one entry's line (without its line end)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """The tree's root over leaf digests in their order."""
    if not leaves:
        return hashlib.sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1  # the largest power of two below the number of leaves
    return hashlib.sha256(b"\x01" + root(leaves[:split]) + root(leaves[split:])).digest()
