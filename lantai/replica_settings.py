"""Settings of one replica: a folder, or a bucket of object storage."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

_SECRETS = frozenset({"secret_key"})


class ReplicaSettings(BaseModel):
    """One store that keeps a full copy."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$", description="short name, as in `rebuild --from NAME`")
    kind: Literal["local", "s3"] = Field("local", description="kind of store: a folder, or a bucket of object storage")
    required: bool = Field(True, description="must confirm before a version is registered")
    domain: str = Field(
        "", max_length=100, description="what fails together; empty: the folder's device, or the endpoint"
    )
    path: Path | None = Field(None, description="folder of a local store; relative paths count from LANTAI_HOME")
    endpoint: str = Field("", description="s3: address of the service, `https://host:port`")
    bucket: str = Field("", description="s3: the bucket, which must exist; 3 to 63 characters")
    prefix: str = Field("", description="s3: begin of every key, for a bucket that is shared")
    region: str = Field("us-east-1", description="s3: region in signatures")
    access_key: str = Field("", description="s3: access key id")
    secret_key: SecretStr = Field(SecretStr(""), description="s3: secret access key; never shown")
    secret_file: Path | None = Field(
        None, description="s3: file that holds the secret access key, instead of `secret_key`"
    )
    ca_file: Path | None = Field(None, description="s3: certificate (PEM) of the site's own authority")
    virtual_host: bool = Field(False, description="s3: name the bucket in the host, not in the path")
    versioned: bool = Field(True, description="s3: the bucket must keep versions; false: it need not")
    lock: Literal["", "governance", "compliance"] = Field(
        "", description="s3: Object Lock of every version; compliance also keeps lawful destruction from happening"
    )
    lock_days: int = Field(
        0,
        ge=0,
        le=36_500,
        description="s3: days that a version is locked from its writing; 0: as the bucket's default says",
    )
    sse: Literal["", "AES256", "aws:kms"] = Field("", description="s3: encryption by the service at rest")
    sse_key: str = Field("", description="s3: id of the KMS key, with `aws:kms`")
    conditional_multipart: bool = Field(
        True, description="s3: the service refuses to finish an upload in parts over an existing key; false: it cannot"
    )
    quick_seconds: float = Field(5.0, gt=0, le=60, description="s3: how long a small request may take")
    bulk_seconds: float = Field(60.0, gt=0, le=3600, description="s3: how long 64 MiB, or one part, may take")

    @model_validator(mode="after")
    def _whole(self) -> ReplicaSettings:
        if self.kind == "local":
            if self.path is None:
                raise ValueError("a local replica needs `path`")
            if self.endpoint or self.bucket:
                raise ValueError("`endpoint` and `bucket` belong to a replica of kind s3")
            return self
        if self.path is not None:
            raise ValueError("`path` belongs to a replica of kind local")
        if not self.endpoint.startswith(("http://", "https://")) or "@" in self.endpoint:
            raise ValueError("a replica of kind s3 needs `endpoint`, an address that begins with https:// or http://")
        if not 3 <= len(self.bucket) <= 63:
            raise ValueError("a replica of kind s3 needs `bucket`, a name of 3 to 63 characters")
        if self.secret_file is not None and self.secret_key.get_secret_value():
            raise ValueError("`secret_key` and `secret_file` exclude each other")
        if self.lock_days and not self.lock:
            raise ValueError("`lock_days` needs `lock`")
        return self

    @property
    def location(self) -> str:
        """Where the store is, for people."""
        if self.kind == "local":
            return str(self.path)
        return "/".join(part.strip("/") for part in (self.endpoint, self.bucket, self.prefix) if part.strip("/"))

    def below(self, home: Path) -> None:
        """Let relative paths count from ``home``."""
        self.path = home / self.path if self.path is not None else None
        self.secret_file = home / self.secret_file if self.secret_file is not None else None
        self.ca_file = home / self.ca_file if self.ca_file is not None else None

    def written(self, home: Path) -> Iterator[tuple[str, str | int | float | bool]]:
        """Name and value of every setting that ``lantai.toml`` should hold; paths below ``home`` are relative.

        The secret itself is never among them.
        """
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if name in _SECRETS or (value == field.default and name not in {"kind", "required"}):
                continue
            if isinstance(value, Path):
                yield name, str(value.relative_to(home) if value.is_relative_to(home) else value)
            else:
                yield name, value

    def keep_secret(self, folder: Path) -> None:
        """Move a secret that was given with the settings into a file of its own, which only this user may read."""
        if not self.secret_key.get_secret_value():
            return
        self.secret_file = folder / f"replica-{self.name}.secret"
        descriptor = os.open(self.secret_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, self.secret_key.get_secret_value().encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
