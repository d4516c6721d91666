"""The site's secrets: ledger signing keys, the keys that seal personal numbers, the key of blind indexes.

They live in one file, ``keys.json`` (mode 0600), outside the database and outside every replica: whoever holds a
replica cannot forge the ledger, and a stolen database gives no ID number away. Back it up apart from both.
Ed25519 (RFC 8032) signs, AES-256-GCM (NIST SP 800-38D) seals, HMAC-SHA256 (RFC 2104) blinds.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from metadata.errors import Conflict, Invalid, NotFound
from repository import canonical
from repository.clock import stamp

FILE = "keys.json"
FORMAT = "lantai-keys/1"
KEY_FORMAT = "lantai-ledger-key/1"
_SEAL_VERSION = b"\x01"
_SEAL_ID = 4
_NONCE = 12


def key_id_of(public: bytes) -> str:
    """A ledger key's id: the first 16 hex digits of the SHA-256 of its 32 public bytes."""
    return hashlib.sha256(public).hexdigest()[:16]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _write(path: Path, document: dict[str, Any]) -> None:
    """Replace ``path`` atomically; readable by its owner only from the first byte on."""
    fresh = path.with_suffix(".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as out:
        out.write(json.dumps(document, indent=2).encode())
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Keys:
    """The opened key file. Never printed, never logged, never pickled."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        self._path = path
        self._load(document)

    def _load(self, document: dict[str, Any]) -> None:
        self._document = document
        self._ledger = [
            (str(one["id"]), Ed25519PrivateKey.from_private_bytes(base64.b64decode(one["private"])))
            for one in document["ledger"]
        ]
        self._seal = {bytes.fromhex(one["id"]): AESGCM(base64.b64decode(one["key"])) for one in document["seal"]}
        self._seal_id = bytes.fromhex(document["seal"][-1]["id"])
        self._blind = base64.b64decode(document["blind"])

    def __repr__(self) -> str:
        return f"Keys(ledger_key_id={self.ledger_key_id!r})"

    def __reduce__(self) -> str:
        raise TypeError("keys are not passed on")

    @staticmethod
    def exist(folder: Path) -> bool:
        """Whether ``folder`` holds a key file."""
        return (folder / FILE).exists()

    @classmethod
    def create(cls, folder: Path, *, now: datetime | None = None) -> Keys:
        """New keys in ``folder``; ``Conflict`` when there are keys already (they are never overwritten)."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / FILE
        if path.exists():
            raise _exist(path)
        _write(
            path,
            {
                "format": FORMAT,
                "ledger": [_new_ledger_key(now or datetime.now(UTC), signed_by=None)],
                "seal": [_new_seal_key()],
                "blind": _b64(secrets.token_bytes(32)),
            },
        )
        return cls.open(folder)

    @classmethod
    def open(cls, folder: Path) -> Keys:
        """The keys in ``folder``; ``NotFound`` without them, ``Invalid`` when others can read the file."""
        path = folder / FILE
        try:
            mode = path.stat().st_mode
            document = json.loads(path.read_bytes())
        except FileNotFoundError as error:
            raise NotFound(
                "keys.missing",
                zh=f"找不到密钥文件 {path}。请从密钥备份恢复；没有密钥无法封存台账，也读不出已加密的证件号码。",
                en=f"No key file at {path}. Restore it from its backup: without it the ledger cannot be sealed and sealed numbers cannot be read.",
                path=str(path),
            ) from error
        except ValueError as error:
            raise _malformed(path) from error
        if os.name == "posix" and mode & 0o077:
            raise Invalid(
                "keys.exposed",
                zh=f"密钥文件 {path} 可被其他用户读取。请执行 chmod 600 后重试。",
                en=f"Other users can read the key file {path}. Run chmod 600 on it and try again.",
                path=str(path),
            )
        try:
            return cls(path, document)
        except (KeyError, ValueError, TypeError, IndexError) as error:
            raise _malformed(path) from error

    @staticmethod
    def copy(folder: Path) -> bytes:
        """The whole key file, to be sealed into a backup and for nothing else; errors as ``open``."""
        Keys.open(folder)
        return (folder / FILE).read_bytes()

    @classmethod
    def put_back(cls, folder: Path, data: bytes) -> Keys:
        """Write what ``copy`` gave; ``Conflict`` (``keys.exist``) when other keys lie there."""
        path = folder / FILE
        document = json.loads(data)
        if path.exists():
            if json.loads(path.read_bytes()) != document:
                raise _exist(path)
            return cls.open(folder)
        cls(path, document)  # what cannot be opened is not written
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write(path, document)
        return cls.open(folder)

    # --- the ledger -------------------------------------------------------------------------------------------------

    @property
    def ledger_key_id(self) -> str:
        """Id of the key that signs from now on."""
        return self._ledger[-1][0]

    def sign(self, data: bytes) -> bytes:
        """Ed25519 signature of ``data`` by the newest ledger key."""
        return self._ledger[-1][1].sign(data)

    def public_bytes(self) -> bytes:
        """The 32 public bytes of the newest ledger key."""
        return self._ledger[-1][1].public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    def public_pem(self) -> bytes:
        """The newest ledger key's public half as PEM, to be kept by an auditor."""
        return self._ledger[-1][1].public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def key_documents(self, holding_id: str) -> list[tuple[str, bytes]]:
        """``(key id, bytes of ledger/keys/<key id>.json)`` of every ledger key, oldest first; always the same bytes.

        The first key signs its own document, each later one is signed by the key before it.
        """
        documents = []
        signer = self._ledger[0][1]
        signer_id = self._ledger[0][0]
        for (key_id, private), stored in zip(self._ledger, self._document["ledger"], strict=True):
            public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
            document = {
                "format": KEY_FORMAT,
                "holding": holding_id,
                "key_id": key_id,
                "algorithm": "Ed25519",
                "public_key": _b64(public),
                "created_at": stored["created_at"],
                "signed_by": signer_id,
            }
            document["signature"] = _b64(signer.sign(canonical.dumps(document)))
            documents.append((key_id, canonical.dumps(document) + b"\n"))
            signer, signer_id = private, key_id
        return documents

    def rotate_ledger_key(self, now: datetime) -> str:
        """Make a new signing key, vouched for by the present one; returns its id. Old keys stay to vouch."""
        document = dict(self._document)
        document["ledger"] = [*document["ledger"], _new_ledger_key(now, signed_by=self.ledger_key_id)]
        _write(self._path, document)
        self._load(document)
        return self.ledger_key_id

    # --- personal numbers -------------------------------------------------------------------------------------------

    def rotate_seal_key(self) -> None:
        """Seal with a new key from now on; what older keys sealed stays readable."""
        document = dict(self._document)
        document["seal"] = [*document["seal"], _new_seal_key()]
        _write(self._path, document)
        self._load(document)

    def seal(self, plain: str) -> bytes:
        """``plain`` encrypted: version byte, key id (4), nonce (12), AES-256-GCM cipher text with tag."""
        head = _SEAL_VERSION + self._seal_id
        nonce = secrets.token_bytes(_NONCE)
        return head + nonce + self._seal[self._seal_id].encrypt(nonce, plain.encode(), head)

    def unseal(self, sealed: bytes) -> str:
        """What ``seal`` encrypted; ``Invalid`` when it was changed or sealed by a key that is not here."""
        head, rest = sealed[: 1 + _SEAL_ID], sealed[1 + _SEAL_ID :]
        cipher = self._seal.get(head[1:]) if head[:1] == _SEAL_VERSION else None
        if cipher is None:
            raise _cannot_unseal()
        try:
            return cipher.decrypt(rest[:_NONCE], rest[_NONCE:], head).decode()
        except (InvalidTag, ValueError) as error:
            raise _cannot_unseal() from error

    def blind(self, text: str, purpose: str) -> str:
        """HMAC-SHA256 (hex) of ``text`` for exact lookup; equal only within one ``purpose``."""
        message = f"{purpose}\x00{unicodedata.normalize('NFC', text)}".encode()
        return hmac.new(self._blind, message, hashlib.sha256).hexdigest()


def _exist(path: Path) -> Conflict:
    return Conflict(
        "keys.exist",
        zh=f"{path} 已存在，密钥不会被覆盖。若要更换签名密钥，请使用密钥轮换。",
        en=f"{path} exists and keys are never overwritten. Rotate the key to change it.",
        path=str(path),
    )


def _new_ledger_key(now: datetime, *, signed_by: str | None) -> dict[str, Any]:
    private = Ed25519PrivateKey.generate()
    key_id = key_id_of(private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
    raw = private.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return {"id": key_id, "created_at": stamp(now), "signed_by": signed_by or key_id, "private": _b64(raw)}


def _new_seal_key() -> dict[str, str]:
    return {"id": secrets.token_hex(_SEAL_ID), "key": _b64(secrets.token_bytes(32))}


def _cannot_unseal() -> Invalid:
    return Invalid(
        "keys.cannot_unseal",
        zh="加密的号码无法解开：内容已被改动，或由另一把密钥加密。请检查是否恢复了正确的密钥备份。",
        en="A sealed number cannot be opened: it was changed, or another key sealed it. Check which key backup was restored.",
    )


def _malformed(path: Path) -> Invalid:
    return Invalid(
        "keys.malformed",
        zh=f"密钥文件 {path} 已损坏。请从密钥备份恢复。",
        en=f"The key file {path} is damaged. Restore it from its backup.",
        path=str(path),
    )
