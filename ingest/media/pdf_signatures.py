"""Signatures of a PDF (ISO 32000-2, 12.8), listed and not verified."""

from __future__ import annotations

import ctypes
from typing import Any

import pypdfium2.raw as pdfium

_MOST = 100
_CONTENTS = 1 << 20


def listed(document: Any) -> list[dict[str, str]]:
    """Each with its kind (sub-filter), the time it claims and, where the certificate tells, who signed."""
    count = pdfium.FPDF_GetSignatureCount(document.raw)
    return [_one(pdfium.FPDF_GetSignatureObject(document.raw, number)) for number in range(min(max(count, 0), _MOST))]


def _one(signature: Any) -> dict[str, str]:
    told = {"kind": "pdf " + _text(pdfium.FPDFSignatureObj_GetSubFilter, signature)}
    if at := _text(pdfium.FPDFSignatureObj_GetTime, signature):
        told["at"] = at[:40]
    if signer := _signer(_bytes(pdfium.FPDFSignatureObj_GetContents, signature)):
        told["signer"] = signer[:200]
    return told


def _bytes(function: Any, signature: Any) -> bytes:
    length = function(signature, None, 0)
    if not 0 < length <= _CONTENTS:
        return b""
    buffer = ctypes.create_string_buffer(length)
    function(signature, ctypes.cast(buffer, ctypes.c_void_p) if function is _CONTENTS_OF else buffer, length)
    return bytes(buffer.raw)


_CONTENTS_OF = pdfium.FPDFSignatureObj_GetContents


def _text(function: Any, signature: Any) -> str:
    return _bytes(function, signature).rstrip(b"\x00").decode("ascii", "replace").strip()


def _signer(contents: bytes) -> str:
    """The common name in the first certificate of a CMS signature (RFC 5652); empty where there is none to read."""
    if not contents:
        return ""
    from cryptography.hazmat.primitives.serialization import pkcs7  # only where something is signed
    from cryptography.x509.oid import NameOID

    try:
        certificates = pkcs7.load_der_pkcs7_certificates(contents)
        names = certificates[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[0].value) if names else ""
    except Exception:  # noqa: BLE001 - hostile bytes: the signature is listed without a name
        return ""
