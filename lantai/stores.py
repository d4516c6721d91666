"""Opening the store that a replica's settings describe."""

from __future__ import annotations

from lantai.replica_settings import ReplicaSettings
from metadata.errors import Invalid
from repository.storage.base import Store
from repository.storage.local import LocalStore


def open_store(replica: ReplicaSettings) -> Store:
    """The store, not yet asked anything. ``Invalid`` (``settings.secret_file``) when its secret cannot be read."""
    if replica.kind == "local":
        assert replica.path is not None
        return LocalStore(replica.name, replica.path, domain=replica.domain)
    # boto3 and obstore take a third of a second to load; a site of folders does without
    from repository.storage.s3.options import S3Options
    from repository.storage.s3.store import S3Store

    return S3Store(
        replica.name,
        S3Options(
            endpoint=replica.endpoint,
            bucket=replica.bucket,
            access_key=replica.access_key,
            secret_key=_secret(replica),
            prefix=replica.prefix,
            region=replica.region,
            ca_file=str(replica.ca_file or ""),
            domain=replica.domain,
            versioned=replica.versioned,
            lock=replica.lock,
            lock_days=replica.lock_days,
            sse=replica.sse,
            sse_key=replica.sse_key,
            conditional_multipart=replica.conditional_multipart,
            virtual_host=replica.virtual_host,
            quick=replica.quick_seconds,
            bulk=replica.bulk_seconds,
        ),
    )


def _secret(replica: ReplicaSettings) -> str:
    if replica.secret_file is None:
        return replica.secret_key.get_secret_value()
    try:
        return replica.secret_file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        raise Invalid(
            "settings.secret_file",
            zh=f"无法读取副本“{replica.name}”的密钥文件 {replica.secret_file}。请检查路径和权限。",
            en=f"The secret file {replica.secret_file} of replica {replica.name} cannot be read. Check its path and mode.",
            replica=replica.name,
        ) from error
