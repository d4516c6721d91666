"""Limits on what a deposit may be; each is a setting of the site and, when passed, a finding."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class IngestLimits(BaseModel):
    """Numbers that a site may change in ``lantai.toml`` under ``[limits]``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    files_per_record: int = Field(10_000, ge=1, le=10_000, description="files in one record; more are split")
    files_per_submission: int = Field(1_000_000, ge=1, description="files in one submission")
    file_bytes: int = Field(5 << 40, ge=1, description="bytes of one file (5 TiB)")
    container_entries: int = Field(100_000, ge=1, description="entries in one container")
    container_bytes: int = Field(1 << 40, ge=1, description="unpacked bytes of one container")
    container_ratio: int = Field(200, ge=1, description="unpacked to packed bytes of one container entry")
    container_depth: int = Field(2, ge=0, le=8, description="containers inside containers")
    name_bytes: int = Field(255, ge=32, description="bytes of one part of a name")
    path_bytes: int = Field(4096, ge=255, description="bytes of a whole path")
    check_seconds: int = Field(60, ge=1, description="time for one batch of a check before it is halved")
    check_memory: int = Field(2 << 30, ge=64 << 20, description="address space of a checking process, bytes")
    batch_seconds: float = Field(3.0, gt=0, description="work of one step before it is recorded")
