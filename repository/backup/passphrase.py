"""Keys and settings sealed with a passphrase: scrypt (RFC 7914) makes the key, AES-256-GCM (NIST SP 800-38D) seals.

The sealed bytes are bound to the rest of the backup: whoever changes a table and makes the bag's manifests anew cannot
make the seal fit. A passphrase is never an argument of a command: it comes from a prompt, a file, or the environment.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from metadata.errors import Forbidden, Invalid
from repository import canonical

FORMAT = "lantai-sealed/1"
SHORTEST = 12
_LOG_N, _R, _P = 17, 8, 1  # 128 MiB and about half a second
_HARDEST = 20


def checked(passphrase: str) -> str:
    """``passphrase`` in one form (NFC, no line end); ``Invalid`` when it is too short to protect keys."""
    made = unicodedata.normalize("NFC", passphrase.rstrip("\r\n"))
    if len(made) < SHORTEST:
        raise Invalid(
            "backup.passphrase_short",
            zh=f"备份口令至少 {SHORTEST} 个字符。没有备份口令就无法恢复密钥，请另行妥善保管。",
            en=f"A backup's passphrase has at least {SHORTEST} characters. Without it the keys cannot be restored: keep it apart.",
            shortest=SHORTEST,
        )
    return made


def seal(plain: bytes, passphrase: str, *, bound_to: bytes) -> bytes:
    """``plain`` sealed as a JSON document; it opens only together with the same ``bound_to``."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    key, check = _keys(checked(passphrase), salt, _LOG_N, _R, _P)
    document = {
        "format": FORMAT,
        "kdf": {"name": "scrypt", "log_n": _LOG_N, "r": _R, "p": _P, "salt": _b64(salt)},
        "check": _b64(check),
        "cipher": "AES-256-GCM",
        "nonce": _b64(nonce),
        "sealed": _b64(AESGCM(key).encrypt(nonce, plain, bound_to)),
    }
    return canonical.dumps(document) + b"\n"


def unseal(sealed: bytes, passphrase: str, *, bound_to: bytes) -> bytes:
    """What ``seal`` sealed.

    ``Forbidden`` (``backup.wrong_passphrase``); ``Invalid`` when the document is none, or when the rest of the backup is
    not what it was sealed with (``backup.altered``).
    """
    try:
        document: dict[str, Any] = json.loads(sealed)
        kdf = document["kdf"]
        if document["format"] != FORMAT or kdf["name"] != "scrypt":
            raise _malformed()
        cost = int(kdf["log_n"]), int(kdf["r"]), int(kdf["p"])
        if not (10 <= cost[0] <= _HARDEST and cost[1:] == (_R, _P)):
            raise _malformed()
        salt, nonce = base64.b64decode(kdf["salt"]), base64.b64decode(document["nonce"])
        known, body = base64.b64decode(document["check"]), base64.b64decode(document["sealed"])
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed() from error
    key, check = _keys(unicodedata.normalize("NFC", passphrase.rstrip("\r\n")), salt, *cost)
    if not hmac.compare_digest(check, known):
        raise Forbidden(
            "backup.wrong_passphrase",
            zh="备份口令不正确，没有恢复任何内容。请使用制作这份备份时的口令。",
            en="The passphrase is wrong; nothing was restored. Use the one that the backup was made with.",
        )
    try:
        return AESGCM(key).decrypt(nonce, body, bound_to)
    except (InvalidTag, ValueError) as error:
        raise Invalid(
            "backup.altered",
            zh="备份的内容与封存密钥时不一致：有人改动过它。没有恢复任何内容，请改用另一份备份。",
            en="The backup is not what its keys were sealed with: somebody changed it. Nothing was restored; use another backup.",
        ) from error


def _keys(passphrase: str, salt: bytes, log_n: int, r: int, p: int) -> tuple[bytes, bytes]:
    made = Scrypt(salt=salt, length=64, n=1 << log_n, r=r, p=p).derive(passphrase.encode())
    return made[:32], made[32:48]


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _malformed() -> Invalid:
    return Invalid(
        "backup.secrets_malformed",
        zh="备份中的密钥部分（metadata/secrets.json）无法读取，没有恢复任何内容。请改用另一份备份。",
        en="The keys in the backup (metadata/secrets.json) cannot be read; nothing was restored. Use another backup.",
    )
