"""A seal is listed, not verified."""

from __future__ import annotations

from pathlib import Path

from tests.corpus.makers.names import one
from tests.corpus.makers.papers import ofd


def make(folder: Path) -> Path:
    space = 'xmlns:ofd="http://www.ofdspec.org/2016"'
    seal = (
        f'<ofd:Signatures {space}><ofd:Signature ID="1" Type="Seal" BaseLoc="Sign_0/Signature.xml"/></ofd:Signatures>'
    )
    signature = (
        f'<ofd:Signature {space}><ofd:SignedInfo><ofd:Provider ProviderName="测试"/></ofd:SignedInfo></ofd:Signature>'
    )
    more = {"Doc_0/Signs/Signatures.xml": seal.encode(), "Doc_0/Signs/Sign_0/Signature.xml": signature.encode()}
    return one(folder, "电子凭证.ofd", ofd(more=more))
