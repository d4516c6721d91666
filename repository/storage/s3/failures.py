"""What went wrong in object storage, said as one sentence that names the store and what to do; never a secret.

obstore and boto3 report alike: by an S3 error code where the store answered, by a class of their own where it did not.
Text of either is searched for known codes only and never shown as it is: it may hold addresses with signatures.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import botocore.exceptions
import obstore.exceptions

from metadata.errors import Invalid, LantaiError, Unavailable
from repository.storage import failures, faults

BAD_DIGEST = "store.bad_digest"

_SENTENCES = {
    "store.credentials": (
        "存储“{store}”不接受所用的访问密钥（{why}），{key} 没有处理。请检查该副本的 access_key 和密钥是否正确、是否过期。",
        "Store {store} does not accept the access key ({why}); {key} was left alone. Check the replica's access_key and secret, and whether they have expired.",
    ),
    "store.denied": (
        "访问密钥在存储“{store}”中没有处理 {key} 的权限。请让管理员给予读、写、列出的权限后重试。",
        "The access key may not do this with {key} in store {store}. Have read, write and list rights granted and try again.",
    ),
    "store.no_bucket": (
        "存储“{store}”的存储桶不存在，没有写入任何内容。请检查 bucket 设置，或先由管理员建立存储桶。",
        "The bucket of store {store} does not exist; nothing was written. Check the setting `bucket`, or have the bucket made first.",
    ),
    "store.clock_skew": (
        "存储“{store}”拒绝了请求：本机时钟与它相差太多。请校准两边的时钟（NTP）后重试。",
        "Store {store} refuses requests because this machine's clock differs too much from its own. Set both clocks (NTP) and try again.",
    ),
    "store.full": (
        "存储“{store}”已满或超出配额，{key} 没有写入，已有内容未受影响。请腾出空间后重试。",
        "Store {store} is full or over its quota; {key} was not written and nothing else was touched. Make room and try again.",
    ),
    "store.down": (
        "存储“{store}”没有响应（{why}），{key} 没有处理。请检查服务和网络；恢复后会自动继续。",
        "Store {store} does not answer ({why}); {key} was left alone. Check the service and the network; work goes on by itself when it is back.",
    ),
    "store.tls": (
        "存储“{store}”的证书不受信任，{key} 没有处理。请检查该副本的 endpoint 和 ca_file（签发其证书的 CA）。",
        "The certificate of store {store} is not trusted; {key} was left alone. Check the replica's endpoint and ca_file (the CA that issued it).",
    ),
    BAD_DIGEST: (
        "{key} 在传往存储“{store}”的途中发生了变化，存储已拒收，没有保存任何内容。请检查网络后重试。",
        "{key} changed on its way to store {store}, which refused it; nothing was kept. Check the network and try again.",
    ),
    "store.busy": (
        "存储“{store}”正忙（{why}），{key} 没有处理。请稍后重试。",
        "Store {store} is busy ({why}); {key} was left alone. Try again later.",
    ),
    "store.locked": (
        "存储“{store}”中的 {key} 受对象锁保护，没有删除。",
        "{key} in store {store} is under Object Lock and was not removed.",
    ),
    "store.failed_inside": (
        "存储“{store}”处理 {key} 时内部出错，可能已满。请查看该服务的日志和剩余空间；恢复后会自动继续。",
        "Store {store} failed inside on {key}; it may be full. Look at the service's log and its free space; work goes on by itself when it is back.",
    ),
    "store.io_error": (
        "存储“{store}”处理 {key} 出错（{why}）。请查看该服务的日志，然后运行完整性检查。",
        "Store {store} failed on {key} ({why}). Look at the service's log, then run a fixity audit.",
    ),
}
_CODES = {
    "InvalidAccessKeyId": "store.credentials",
    "SignatureDoesNotMatch": "store.credentials",
    "ExpiredToken": "store.credentials",
    "InvalidToken": "store.credentials",
    "TokenRefreshRequired": "store.credentials",
    "RequestTimeTooSkewed": "store.clock_skew",
    "RequestExpired": "store.clock_skew",
    "NoSuchBucket": "store.no_bucket",
    "QuotaExceeded": "store.full",
    "XMinioStorageFull": "store.full",
    "InsufficientStorage": "store.full",
    "EntityTooLarge": "store.io_error",
    "BadDigest": BAD_DIGEST,
    "XAmzContentChecksumMismatch": BAD_DIGEST,
    "XAmzContentSHA256Mismatch": BAD_DIGEST,
    "InvalidDigest": BAD_DIGEST,
    "SlowDown": "store.busy",
    "ServiceUnavailable": "store.busy",
    "TooManyRequests": "store.busy",
    "AccessDenied": "store.denied",
    "AllAccessDisabled": "store.denied",
    "InternalError": "store.failed_inside",
}
_KNOWN = re.compile("|".join(sorted(_CODES, key=len, reverse=True)))
_FULL = re.compile(r"no space left|no free volumes|no writable volumes|insufficient storage|quota", re.IGNORECASE)
_UNTRUSTED = re.compile(r"certificate|UnknownIssuer", re.IGNORECASE)
_AWAY = re.compile(
    r"error sending request|connect|timed? ?out|timeout|dns|connection (refused|reset|closed)|operation timed",
    re.IGNORECASE,
)
_NO_ANSWER = (
    botocore.exceptions.HTTPClientError,
    botocore.exceptions.ConnectionError,
    botocore.exceptions.IncompleteReadError,
    OSError,
)
LOST = frozenset({"store.io_error", "store.failed_inside"})
"""What a service says that answers and cannot give the bytes of one object, such as one whose volume is gone."""
MISSING = frozenset({"NoSuchKey", "404", "NoSuchVersion"})
TAKEN = frozenset({"PreconditionFailed", "412", "ConditionalRequestConflict", "409"})


def said(code: str, store: str, key: str, why: str = "") -> Unavailable:
    """The sentence of one code; counted as a fault of the store."""
    faults.met(store, code)
    zh, en = _SENTENCES[code]
    values = {"store": store, "key": key or ".", "why": why or code.partition(".")[2]}
    return Unavailable(code, zh=zh.format(**values), en=en.format(**values), store=store, key=key)


def code_of(error: botocore.exceptions.ClientError) -> str:
    """The S3 error code, or the status where the answer had no body."""
    return str(error.response.get("Error", {}).get("Code", ""))


def is_over(error: LantaiError) -> bool:
    """Whether an upload in parts is no longer there: it was finished before, and the answer was lost."""
    cause = error.__cause__
    return isinstance(cause, botocore.exceptions.ClientError) and code_of(cause) in {"NoSuchUpload", *MISSING}


def of_boto(error: BaseException, store: str, key: str) -> LantaiError:
    """The sentence for what boto3 raised."""
    if isinstance(error, botocore.exceptions.ClientError):
        code = code_of(error)
        if code in MISSING:
            return failures.not_found(store, key)
        if code in TAKEN:
            return failures.other_bytes(store, key)
        if code == "403":
            return said("store.denied", store, key)
        message = str(error.response.get("Error", {}).get("Message", ""))
        return _of_text(f"{code} {message}", store, key, why=code)
    if isinstance(error, botocore.exceptions.SSLError) and _UNTRUSTED.search(str(error)):
        return said("store.tls", store, key)
    if isinstance(error, _NO_ANSWER):
        return said("store.down", store, key, type(error).__name__)
    return said("store.io_error", store, key, type(error).__name__)


def of_obstore(error: BaseException, store: str, key: str) -> LantaiError:
    """The sentence for what obstore raised, a Rust panic included."""
    if isinstance(error, FileNotFoundError):
        return _of_text(str(error), store, key) if "NoSuchBucket" in str(error) else failures.not_found(store, key)
    if isinstance(error, obstore.exceptions.AlreadyExistsError | obstore.exceptions.PreconditionError):
        return failures.other_bytes(store, key)
    if isinstance(error, obstore.exceptions.PermissionDeniedError):
        known = _KNOWN.search(str(error))
        return said(_CODES[known[0]] if known else "store.denied", store, key, known[0] if known else "")
    return _of_text(str(error), store, key)


def _of_text(text: str, store: str, key: str, why: str = "") -> LantaiError:
    if _FULL.search(text):
        return said("store.full", store, key)
    known = _KNOWN.search(text)
    if known is not None:
        return said(_CODES[known[0]], store, key, known[0])
    if _UNTRUSTED.search(text):
        return said("store.tls", store, key)
    if _AWAY.search(text):
        return said("store.down", store, key, "timeout" if re.search(r"time", text, re.IGNORECASE) else "connection")
    return said("store.io_error", store, key, why or "unexpected answer")


def unsuitable(store: str, *, zh: str, en: str, code: str) -> Invalid:
    """The bucket is not what the settings ask for; the site does not start with it."""
    return Invalid(code, zh=f"存储“{store}”：{zh}", en=f"Store {store}: {en}", store=store)


@contextmanager
def boto(store: str, key: str) -> Iterator[None]:
    """Turn what boto3 raises about ``key`` into a sentence."""
    try:
        yield
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError, OSError) as error:
        raise of_boto(error, store, key) from error


@contextmanager
def rust(store: str, key: str) -> Iterator[None]:
    """Turn what obstore raises about ``key`` into a sentence; a panic of its Rust code is no ``Exception``."""
    try:
        yield
    except LantaiError:
        raise
    except (obstore.exceptions.BaseError, OSError, ValueError) as error:
        raise of_obstore(error, store, key) from error
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise said("store.io_error", store, key, "panic") from error
