"""Limits on what a deposit may be; each is a setting of the site and, when passed, a finding."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_MIB = 1 << 20


class IngestLimits(BaseModel):
    """Numbers that a site may change in ``lantai.toml`` under ``[limits]``.

    ``container_ratio`` is only looked at beyond ``container_ratio_from`` unpacked bytes: a white page packs a
    thousandfold and harms nobody.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    files_per_record: int = Field(10_000, ge=1, le=10_000, description="files in one record; more are split")
    files_per_submission: int = Field(1_000_000, ge=1, description="files in one submission")
    file_bytes: int = Field(5 << 40, ge=1, description="bytes of one file (5 TiB)")
    container_entries: int = Field(100_000, ge=1, description="entries in one container")
    container_bytes: int = Field(1 << 40, ge=1, description="unpacked bytes of one container")
    container_ratio: int = Field(200, ge=1, description="unpacked to packed bytes of one container")
    container_ratio_from: int = Field(
        64 * _MIB, ge=0, description="unpacked bytes below which the ratio is not looked at"
    )
    container_depth: int = Field(3, ge=1, le=8, description="containers inside containers")
    directory_bytes: int = Field(256 * _MIB, ge=_MIB, description="bytes of a container's directory")
    tag_bytes: int = Field(32 * _MIB, ge=_MIB, description="tag files of a deposited bag, bytes in all")
    list_bytes: int = Field(64 * _MIB, ge=_MIB, description="bytes of a deposit list")
    list_rows: int = Field(100_000, ge=100, le=1_000_000, description="rows of a deposit list kept as a spreadsheet")
    name_bytes: int = Field(255, ge=32, description="bytes of one part of a name")
    path_bytes: int = Field(4096, ge=255, description="bytes of a whole path")
    check_files: int = Field(64, ge=1, le=1024, description="files in one batch of a check")
    check_seconds: float = Field(60.0, gt=0, description="time for one batch of a check before it is halved")
    check_memory: int = Field(
        4096 * _MIB,
        ge=3072 * _MIB,
        description="address space of a checking process, bytes; its libraries reserve 2.5 GiB of it, so it is at least 3 GiB",
    )
    batch_seconds: float = Field(2.0, gt=0, description="work of one step before it is recorded")
    batch_records: int = Field(500, ge=1, le=10_000, description="records in one batch of a step")
    batch_bytes: int = Field(512 * _MIB, ge=1, description="bytes stored before the batch is recorded")
    container_seconds: float = Field(
        600.0, gt=0, description="time for opening one container, or each 4 GiB of a larger one"
    )
    pages_decoded: int = Field(
        2_000, ge=1, description="pages or frames of one file that are decoded; more are counted"
    )
    image_pixels: int = Field(400_000_000, ge=1_000_000, description="pixels of one image that are decoded")
    text_characters: int = Field(2_000_000, ge=1_000, description="characters of one file whose text is checked")
    scan_dpi: int = Field(200, ge=50, le=1200, description="lowest resolution of a scan (DA/T 31-2017)")
    scan_skew_degrees: float = Field(3.0, gt=0, le=45, description="greatest skew of a scan (DA/T 31-2017)")
    scan_tolerance_dpi: int = Field(2, ge=0, le=50, description="how far below the lowest resolution still passes")
    virus_bytes: int = Field(
        100 * _MIB, ge=1, description="largest file sent to the virus scanner, its StreamMaxLength"
    )
    attempts: int = Field(3, ge=1, description="failed attempts of a step before the submission is set aside")
    starts: int = Field(50, ge=3, description="interrupted starts of a batch before the submission is set aside")


class VirusScanner(BaseModel):
    """Where clamd listens; without an address nothing is scanned, and every deposit says so."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str = Field("", description="`unix:/path/to/socket` or `host:port` of clamd; empty: none")
    seconds: float = Field(60.0, gt=0, description="time for one file")
    when_away: Literal["tell", "wait"] = Field(
        "tell",
        description="while clamd does not answer: `tell` takes deposits in and says of each that it was not checked; `wait` lets them wait",
    )
    oldest_days: int = Field(14, ge=1, description="an older database is told as a weak one, as is one without a day")
