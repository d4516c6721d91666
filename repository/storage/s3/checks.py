"""Proving that a bucket is what the settings say, before anything is kept in it.

A PUT that announces a wrong SHA-256 must be refused, and so must a second create of one key: a store that takes either
cannot keep records. The first also proves that the credentials may write.
"""

from __future__ import annotations

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from metadata.errors import Conflict, Invalid, LantaiError, Unavailable
from repository.storage.s3 import failures

if TYPE_CHECKING:
    from repository.storage.s3.store import S3Store

RESERVED = ".check"
ABORT_AFTER = timedelta(days=1)


def answers(store: S3Store) -> None:
    """One small request, so that a store that is away, or refuses the credentials, says so."""
    with failures.boto(store.name, ""):
        store.clients.control.list_objects_v2(
            Bucket=store.options.bucket, Prefix=f"{store.options.folder}holding/", MaxKeys=1
        )


def prove(store: S3Store) -> int:
    """The whole proof (``S3Store.check``); returns how many broken uploads were aborted."""
    answers(store)
    _bucket_as_asked(store)
    _refuses_a_wrong_digest(store)
    _creates_only_once(store)
    return abort_leftovers(store)


def _bucket_as_asked(store: S3Store) -> None:
    options, control = store.options, store.clients.control
    if options.versioned or options.lock or not options.conditional_multipart:
        with failures.boto(store.name, ""):
            state = control.get_bucket_versioning(Bucket=options.bucket).get("Status", "")
        if state != "Enabled":
            raise failures.unsuitable(
                store.name,
                code="store.not_versioned",
                zh=f"存储桶 {options.bucket} 没有启用版本控制，已拒绝使用。请先启用版本控制，或在设置中写 versioned = false（不用对象锁时）。",
                en=f"bucket {options.bucket} keeps no versions and was refused. Switch versioning on, or set `versioned = false` where no lock is asked for.",
            )
    if options.lock and not _lock_is_on(store):
        raise _without_lock(store)


def _without_lock(store: S3Store) -> Invalid:
    return failures.unsuitable(
        store.name,
        code="store.no_object_lock",
        zh=f"存储桶 {store.options.bucket} 没有对象锁（{store.options.lock}），已拒绝使用。请换用有此锁的存储桶（lock_days = 0 时要有默认保留期），或在设置中去掉 lock。",
        en=f"bucket {store.options.bucket} gives no {store.options.lock} lock and was refused. Use a bucket that does (with a default retention where `lock_days = 0`), or take `lock` out of the settings.",
    )


def _lock_is_on(store: S3Store) -> bool:
    """Whether the bucket has Object Lock; credentials that may not ask find out by writing (``_is_locked``)."""
    try:
        with failures.boto(store.name, ""):
            answer = store.clients.control.get_object_lock_configuration(Bucket=store.options.bucket)
    except Unavailable as error:
        return error.code == "store.denied"
    except LantaiError:
        return False
    found: dict[str, Any] = answer.get("ObjectLockConfiguration", {})
    return found.get("ObjectLockEnabled") == "Enabled"


def _refuses_a_wrong_digest(store: S3Store) -> None:
    wrong = base64.b64encode(hashlib.sha256(b"other bytes").digest()).decode()
    key = f"{store.options.folder}{RESERVED}/wrong-digest"
    try:
        with failures.boto(store.name, key):
            store.clients.control.put_object(Bucket=store.options.bucket, Key=key, Body=b"check", ChecksumSHA256=wrong)
    except Unavailable as error:
        if error.code == failures.BAD_DIGEST:
            return
        raise
    raise failures.unsuitable(
        store.name,
        code="store.no_checksums",
        zh="服务不核对上传内容的 SHA-256，已拒绝使用。请换用支持 x-amz-checksum-sha256 的对象存储。",
        en="the service does not compare the SHA-256 of what it is sent and was refused. Use object storage that honours x-amz-checksum-sha256.",
    )


def _creates_only_once(store: S3Store) -> None:
    """The check object exists already (from an earlier start, or made now), so that a further create must be refused."""
    key = _check_key(store)
    for _ in range(2):
        try:
            with failures.rust(store.name, key):
                store.clients.writing(5).put(key, b"check", mode="create", use_multipart=False)
        except Conflict:
            return _is_locked(store, key)
    raise failures.unsuitable(
        store.name,
        code="store.no_conditional_create",
        zh="服务不支持条件写入（If-None-Match），已有对象可能被覆盖，已拒绝使用。请换用支持它的对象存储。",
        en="the service does not honour If-None-Match, so objects could be overwritten; it was refused. Use object storage that does.",
    )


def _check_key(store: S3Store) -> str:
    """One for each way of locking: what was written before a lock was asked for has none."""
    lock = f"-{store.options.lock}" if store.options.lock else ""
    return f"{store.options.folder}{RESERVED}/once{lock}"


def _is_locked(store: S3Store, key: str) -> None:
    """Whether what is written really gets the lock, also where the credentials may not ask for the bucket's."""
    options = store.options
    if not options.lock:
        return
    with failures.boto(store.name, key):
        there = store.clients.control.head_object(Bucket=options.bucket, Key=key)
    if str(there.get("ObjectLockMode", "")).lower() != options.lock:
        raise _without_lock(store)


def versions(store: S3Store, key: str) -> frozenset[str]:
    """The versions of ``key`` that there are, also below a delete marker; none where nobody needs to know."""
    if store.options.conditional_multipart:
        return frozenset()
    full = store.full_key(key)
    with failures.boto(store.name, key):
        found = store.clients.control.list_object_versions(Bucket=store.options.bucket, Prefix=full)
    return frozenset(str(one["VersionId"]) for one in found.get("Versions", ()) if one["Key"] == full)


def only_version(store: S3Store, key: str, before: frozenset[str]) -> None:
    """Where uploads in parts cannot be conditional: ``Conflict`` when somebody else made a version at the same time.

    ``before``: the versions that there were, such as a damaged one that was set aside.
    """
    made = versions(store, key) - before
    if len(made) > 1:
        raise Conflict(
            "store.extra_version",
            zh=f"存储“{store.name}”中 {key} 同时写入了 {len(made)} 个版本，各版本都还在。请查明写入者，再运行完整性检查。",
            en=f"{len(made)} versions of {key} were written to store {store.name} at once; all are kept. Find out who wrote them, then run a fixity audit.",
            store=store.name,
            key=key,
        )


def abort_leftovers(store: S3Store, *, older_than: timedelta = ABORT_AFTER) -> int:
    """Abort uploads in parts that nobody has added to for longer than ``older_than``; how many.

    One of a very large object may take days: what counts is its last part, not when it was begun.
    """
    client, bucket = store.clients.control, store.options.bucket
    before = datetime.now(UTC) - older_than
    marker: dict[str, str] = {}
    aborted = 0
    while True:
        with failures.boto(store.name, ""):
            answer = client.list_multipart_uploads(Bucket=bucket, Prefix=store.options.folder, **marker)
        for one in answer.get("Uploads", ()):
            if one["Initiated"] < before:
                named = {"Bucket": bucket, "Key": one["Key"], "UploadId": one["UploadId"]}
                aborted += _abort(store, named, unless_since=before)
        if not answer.get("IsTruncated"):
            return aborted
        marker = {"KeyMarker": answer["NextKeyMarker"], "UploadIdMarker": answer["NextUploadIdMarker"]}


def _abort(store: S3Store, named: dict[str, str], *, unless_since: datetime) -> int:
    """Abort one upload, unless a part of it came since; 1 when it was. One that has ended meanwhile is left."""
    client = store.clients.control
    marker: dict[str, int] = {}
    try:
        while True:
            with failures.boto(store.name, named["Key"]):
                answer = client.list_parts(**named, **marker)
            if any(part["LastModified"] >= unless_since for part in answer.get("Parts", ())):
                return 0
            if not answer.get("IsTruncated"):
                break
            marker = {"PartNumberMarker": answer["NextPartNumberMarker"]}
        with failures.boto(store.name, named["Key"]):
            client.abort_multipart_upload(**named)
    except LantaiError as error:
        if failures.is_over(error):
            return 0
        raise
    return 1
