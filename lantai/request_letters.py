"""A letter of a request as it comes in: its kind, its size, and whether it holds malware."""

from __future__ import annotations

import io

from access.letters import Letter, checked
from ingest.clamd import Clamd, ScanFailed
from lantai.settings import Settings
from metadata.errors import Invalid, Unavailable


def taken_in(settings: Settings, name: str, data: bytes) -> Letter:
    """The letter, when it may be kept: a PDF, JPEG or PNG of at most 5 MB without malware.

    ``Invalid`` (``letter.*``) when it may not; ``Unavailable`` (``letter.not_scanned``) when a scanner is configured and
    gave no answer: unlike a deposit, a letter waits in no quarantine.
    """
    letter = checked(name, data)
    if not settings.virus.address:
        return letter
    try:
        found = Clamd(settings.virus.address, settings.virus.seconds).scan(io.BytesIO(data))
    except ScanFailed as error:
        raise Unavailable(
            "letter.not_scanned",
            zh="病毒扫描服务没有应答，公函没有接收，申请没有提交。请稍后再试，或联系系统管理员。",
            en="The virus scanner did not answer; the letter was not taken in and nothing was filed. Try again later.",
            reason=error.reason,
        ) from error
    if found is not None:
        raise Invalid(
            "letter.malware",
            zh="公函文件含有恶意代码，已拒绝。请用杀毒软件检查来源计算机，另行扫描公函后重试。",
            en="The letter's file holds malware and was refused. Clean the computer it came from, scan the letter anew and try again.",
        )
    return letter
