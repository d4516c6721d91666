"""The two clients of one bucket: obstore in front (small objects, reading), boto3 behind (parts, versions, locks).

Each comes in two forms: *quick*, which gives up within seconds, and *bulk*, which may take as long as a part needs.
Every value comes from ``S3Options``.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import boto3
import obstore.store
from botocore.config import Config

from repository.storage.s3.options import S3Options

CONNECT_SECONDS = 2.0
SMALL = 1 << 20
_MOVING_SECONDS = 7 * 86_400.0
"""For the body of an answer as a whole: one that moves is never cut short, however large it is or slow its reader."""
_POOL = 32
"""Connections kept: an audit reads eight objects side by side, large ones over two each."""
_KEPT = 8
_Client = TypeVar("_Client")


_MAKING = threading.Lock()


@cache
def _session() -> boto3.session.Session:
    """One for the process: it keeps S3's description, which takes a fifth of a second to read."""
    return boto3.session.Session()


class Clients:
    """The clients of one bucket, made when they are first asked for; safe to share between threads."""

    def __init__(self, options: S3Options) -> None:
        self.options = options
        self._lock = threading.Lock()
        self._made: dict[str, Any] = {}

    @property
    def reading(self) -> obstore.store.S3Store:
        """obstore for reads: a stream that stands still gives up, one that moves may take its time."""
        return self._once("reading", lambda: self._obstore(_MOVING_SECONDS, {}, still=self.options.quick))

    def writing(self, size: int) -> obstore.store.S3Store:
        """obstore for one PUT of ``size`` bytes, with the lock and the encryption that new objects get."""
        seconds = self.options.quick if size <= SMALL else self.options.bulk
        today = datetime.now(UTC).date().isoformat() if self.options.lock and self.options.lock_days else ""
        return self._once(f"writing {seconds} {today}", lambda: self._obstore(seconds, self._headers()))

    @property
    def control(self) -> Any:
        """boto3 for small requests; gives up within seconds."""
        return self._once("control", lambda: self._boto(self.options.quick))

    @property
    def parts(self) -> Any:
        """boto3 for parts of large objects."""
        return self._once("parts", lambda: self._boto(self.options.bulk))

    def lock_until(self) -> datetime | None:
        """Until when a version written now is locked, where the store sets it itself."""
        if not (self.options.lock and self.options.lock_days):
            return None
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight + timedelta(days=self.options.lock_days + 1)

    def _once(self, name: str, make: Callable[[], _Client]) -> _Client:
        with self._lock:
            if name not in self._made:
                if len(self._made) > _KEPT:  # those of earlier days carry an earlier date of locking
                    self._made.clear()
                self._made[name] = make()
            made: _Client = self._made[name]
            return made

    def _headers(self) -> dict[str, str]:
        until = self.lock_until()
        if until is None:
            return {}
        return {
            "x-amz-object-lock-mode": self.options.lock.upper(),
            "x-amz-object-lock-retain-until-date": until.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _obstore(self, seconds: float, headers: dict[str, str], *, still: float = 0) -> obstore.store.S3Store:
        own = self.options
        client: dict[str, Any] = {
            "allow_http": own.endpoint.startswith("http://"),
            "connect_timeout": timedelta(seconds=CONNECT_SECONDS),
            "timeout": timedelta(seconds=seconds),
        }
        if still:
            client["read_timeout"] = timedelta(seconds=still)
        if own.ca_file:
            client["root_certificate"] = Path(own.ca_file).read_bytes()
        if headers:
            client["default_headers"] = headers
        more: dict[str, Any] = {}
        if own.sse:
            more["server_side_encryption"] = own.sse
        if own.sse_key:
            more["sse_kms_key_id"] = own.sse_key
        return obstore.store.S3Store(
            own.bucket,
            endpoint=own.endpoint if not own.virtual_host else own.endpoint.replace("://", f"://{own.bucket}.", 1),
            region=own.region,
            virtual_hosted_style_request=own.virtual_host,
            access_key_id=own.access_key,
            secret_access_key=own.secret_key,
            checksum_algorithm="SHA256",
            client_options=client,  # type: ignore[arg-type]  # its options are typed more narrowly than it takes
            retry_config={
                "max_retries": 3,
                "retry_timeout": timedelta(seconds=4),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=1),
                    "base": 2,
                },
            },
            **more,
        )

    def _boto(self, seconds: float) -> Any:
        own = self.options
        with _MAKING:
            return self._made_by_boto(own, seconds)

    @staticmethod
    def _made_by_boto(own: S3Options, seconds: float) -> Any:
        return _session().client(
            "s3",
            endpoint_url=own.endpoint,
            region_name=own.region,
            aws_access_key_id=own.access_key,
            aws_secret_access_key=own.secret_key,
            verify=own.ca_file or None,
            config=Config(
                connect_timeout=max(CONNECT_SECONDS, seconds / 6),  # also how long a body may stand still on its way
                read_timeout=seconds,
                retries={"total_max_attempts": 3, "mode": "standard"},
                max_pool_connections=_POOL,
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={
                    "addressing_style": "virtual" if own.virtual_host else "path",
                    "payload_signing_enabled": False,  # the SHA-256 of every body goes along, signed, and is checked
                },
            ),
        )
