"""Settings of backups."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class BackupSettings(BaseModel):
    """When backups are made, and what protects the keys in them."""

    model_config = ConfigDict(extra="forbid")

    cron: str = Field("", description="when a worker makes a backup (cron, bureau's zone); empty: never by itself")
    passphrase: SecretStr | None = Field(None, description="seals keys and settings; better in a file of its own")
    passphrase_file: Path | None = Field(
        None, description="file whose first line is the passphrase; relative paths count from LANTAI_HOME"
    )
    warn_hours: float = Field(36.0, gt=0, le=24 * 366, description="a last backup older than this is said")
