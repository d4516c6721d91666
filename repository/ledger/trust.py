"""Which public keys may sign blocks and checkpoints: what the auditor brought, and what those keys vouch for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from metadata.errors import Invalid
from repository.keys import KEY_FORMAT, key_id_of
from repository.ledger.block import is_signed_by, load_canonical


def read_public_key(data: bytes) -> bytes:
    """The 32 public bytes in a PEM file, a ``ledger/keys/<id>.json`` document, or plain hex or base64."""
    text = data.strip()
    try:
        if text.startswith(b"-----BEGIN"):
            key = load_pem_public_key(text)
            if isinstance(key, Ed25519PublicKey):
                return key.public_bytes(Encoding.Raw, PublicFormat.Raw)
        elif text.startswith(b"{"):
            document = load_canonical(text)
            if document is not None and document.get("format") == KEY_FORMAT:
                return base64.b64decode(document["public_key"], validate=True)
        else:
            raw = bytes.fromhex(text.decode()) if len(text) == 64 else base64.b64decode(text, validate=True)
            if len(raw) == 32:
                return raw
    except (ValueError, KeyError, TypeError, binascii.Error):
        pass
    raise Invalid(
        "ledger.not_a_key",
        zh="所给文件不是 Ed25519 公钥。应为 PEM 文件，或 ledger/keys/ 下的 JSON 文件。",
        en="Not an Ed25519 public key; a PEM file or a JSON file from ledger/keys/ is expected.",
    )


@dataclass(frozen=True)
class Trust:
    """``trusted``: keys an auditor may rely on. ``documented``: keys that only the folder itself names."""

    trusted: Mapping[str, bytes]
    documented: Mapping[str, bytes]
    altered: tuple[str, ...]
    on_first_use: bool

    def find(self, key_id: object) -> tuple[bytes | None, bool]:
        """The public key with this id, and whether it is trusted."""
        name = str(key_id)
        if name in self.trusted:
            return self.trusted[name], True
        return self.documented.get(name), False


def _public_of(document: dict[str, Any] | None, key_id: str) -> bytes | None:
    try:
        if document is None or document["format"] != KEY_FORMAT or document["key_id"] != key_id:
            return None
        public = base64.b64decode(document["public_key"], validate=True)
    except (KeyError, ValueError, TypeError):
        return None
    return public if key_id_of(public) == key_id else None


def weigh(documents: Mapping[str, bytes], given: Iterable[bytes] | None) -> Trust:
    """Sort out the keys. ``documents``: key id -> bytes of its file; ``given``: public keys from outside the folder.

    Without given keys every sound document is trusted on first use; with them, a documented key is trusted when a
    trusted key signed its document. A document that is not sound is listed in ``altered``.
    """
    sound: dict[str, tuple[bytes, dict[str, Any]]] = {}
    altered = []
    for key_id, data in sorted(documents.items()):
        document = load_canonical(data.removesuffix(b"\n")) if data.endswith(b"\n") else None
        public = _public_of(document, key_id)
        if document is None or public is None:
            altered.append(key_id)
        else:
            sound[key_id] = (public, document)
    given = list(given) if given is not None else None
    roots = {key_id_of(one): one for one in given or []}
    known = {**{key_id: public for key_id, (public, _) in sound.items()}, **roots}
    for key_id, (_, document) in list(sound.items()):
        signer = known.get(str(document.get("signed_by")))
        if signer is None or not is_signed_by(document, signer):
            altered.append(key_id)
            del sound[key_id]
    documented = {key_id: public for key_id, (public, _) in sound.items()}
    if given is None:
        return Trust(documented, documented, tuple(sorted(altered)), on_first_use=True)
    trusted = dict(roots)
    grew = True
    while grew:
        grew = False
        for key_id, (public, document) in sound.items():
            if key_id not in trusted and document["signed_by"] in trusted:
                trusted[key_id] = public
                grew = True
    return Trust(trusted, documented, tuple(sorted(altered)), on_first_use=False)
