"""What has to be known to use one bucket as a store. Nothing here reads the environment or a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class S3Options:
    """One bucket, or the part of it below ``prefix``, with the credentials to use it.

    ``ca_file``: certificates (PEM) of the site's own authority, if any. ``lock``: Object Lock that every new version
    gets, for ``lock_days`` days from its writing; 0 days leaves the days to the bucket's own default. ``versioned``: the
    bucket must keep versions. ``conditional_multipart``: the store refuses to finish an upload over an existing key.
    ``quick`` and ``bulk`` are seconds: the longest that a small request, and one part of a large object, may take.
    """

    endpoint: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = ""
    region: str = "us-east-1"
    ca_file: str = ""
    domain: str = ""
    versioned: bool = True
    lock: Literal["", "governance", "compliance"] = ""
    lock_days: int = 0
    sse: Literal["", "AES256", "aws:kms"] = ""
    sse_key: str = ""
    conditional_multipart: bool = True
    virtual_host: bool = False
    quick: float = 5.0
    bulk: float = 60.0

    @property
    def location(self) -> str:
        """Where the store is, for people; it holds no secret."""
        return f"{self.endpoint.rstrip('/')}/{self.bucket}/{self.folder}".rstrip("/")

    @property
    def folder(self) -> str:
        """What stands before every key in the bucket: empty, or ending in a slash."""
        return f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""

    @property
    def failure_domain(self) -> str:
        """What fails together: as the site says, else all that one endpoint serves."""
        return self.domain or f"s3:{urlsplit(self.endpoint).netloc or self.endpoint}"
