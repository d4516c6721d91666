"""What can go wrong between us and a cluster, as one line for people. No address with a name in it, no text of an entry.

The server's own reasons are never passed on: they may quote what was to be indexed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from elastic_transport import ConnectionError as NoConnection
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError, UnsupportedProductError

from metadata.errors import Unavailable

BLOCKED = "cluster_block_exception"


@contextmanager
def told() -> Iterator[None]:
    """Whatever the client raises inside comes out as ``Unavailable``."""
    try:
        yield
    except (ApiError, TransportError) as error:
        raise fault(error) from error


def kind_of(error: object) -> str:
    """The server's word for what it says no to, as ``index_not_found_exception``; empty when there is none."""
    body: Any = getattr(error, "body", None)
    found = body.get("error") if isinstance(body, dict) else None
    return str(found.get("type", "")) if isinstance(found, dict) else str(found or "")


def fault(error: Exception) -> Unavailable:
    """An error of the client as the kind that everybody understands."""
    if isinstance(error, UnsupportedProductError):  # before its own base class
        return other_version()
    if isinstance(error, ApiError):
        return refusal(error.status_code, kind_of(error))
    if isinstance(error, TlsError):
        return _tls()
    if isinstance(error, ConnectionTimeout):
        return slow()
    return unreachable() if isinstance(error, NoConnection) else failed(type(error).__name__)


def refusal(status: int, kind: str) -> Unavailable:
    """What an answer of the server means: its HTTP status and its word."""
    if kind == BLOCKED:
        return blocked()
    if kind in {"index_not_found_exception", "alias_not_found_exception"}:
        return missing()
    if kind == "media_type_header_exception" or (status in {400, 406} and "media" in kind):
        return other_version()
    if status == 401:
        return _login()
    if status == 403:
        return _rights()
    if status == 429 or kind == "circuit_breaking_exception":
        return busy()
    if status in {502, 503, 504}:
        return incomplete()
    return failed(kind or str(status))


def unreachable() -> Unavailable:
    """No connection."""
    return Unavailable(
        "index.unreachable",
        zh="检索服务（Elasticsearch）没有应答。请检查服务是否运行、search.urls 是否正确。",
        en="The search service (Elasticsearch) does not answer. See whether it runs and search.urls names it.",
    )


def slow() -> Unavailable:
    """No answer in time."""
    return Unavailable(
        "index.slow",
        zh="检索服务（Elasticsearch）未在规定时间内（search.seconds）应答。请稍后重试。",
        en="The search service (Elasticsearch) did not answer in time (search.seconds). Try again later.",
    )


def _tls() -> Unavailable:
    return Unavailable(
        "index.tls",
        zh="检索服务（Elasticsearch）的证书未通过验证，没有连接。请检查 search.ca_file 是否为签发该证书的 CA，以及 search.urls 中的主机名。",
        en="The certificate of the search service (Elasticsearch) was not accepted; nothing was sent. See whether search.ca_file holds the CA that issued it, and the host names in search.urls.",
    )


def _login() -> Unavailable:
    return Unavailable(
        "index.login",
        zh="检索服务（Elasticsearch）不接受所给的用户名、密码或 API 密钥。请检查 search.user、search.password 或 search.api_key。",
        en="The search service (Elasticsearch) does not accept the user name, password or API key. Check search.user, search.password or search.api_key.",
    )


def _rights() -> Unavailable:
    return Unavailable(
        "index.rights",
        zh="检索服务（Elasticsearch）的账户权限不足。所需权限见 docs/howto/elasticsearch.md。",
        en="The account at the search service (Elasticsearch) lacks a right. Those that are needed stand in docs/howto/elasticsearch.md.",
    )


def blocked() -> Unavailable:
    """The index may be read but not written: the disk's last mark, or an operator's block."""
    return Unavailable(
        "index.blocked",
        zh="检索索引当前只读（通常是 Elasticsearch 所在磁盘已满）。检索仍可用，新内容暂不能检索到。请腾出磁盘空间；之后会自动跟上。",
        en="The search index is read-only now, mostly because the disk of Elasticsearch is full. Searching goes on without what is new. Free some disk; the rest follows by itself.",
    )


def missing() -> Unavailable:
    """There is no index under that name."""
    return Unavailable(
        "index.missing",
        zh="检索索引不存在。请运行 lantai index rebuild 重建（工作进程也会自动重建）；目录数据不受影响。",
        en="There is no search index. Run 'lantai index rebuild', or let a worker do so; the catalogue is not affected.",
    )


def busy() -> Unavailable:
    """The server has too much to do."""
    return Unavailable(
        "index.busy",
        zh="检索服务（Elasticsearch）负荷过重，拒绝了请求。请稍后重试。",
        en="The search service (Elasticsearch) has too much to do and refused the request. Try again later.",
    )


def incomplete() -> Unavailable:
    """A part of the index is not there: an answer would leave hits out."""
    return Unavailable(
        "index.incomplete",
        zh="检索索引的一部分当前不可用（集群状态为 red），为避免漏检没有给出结果。请检查集群的节点。",
        en="A part of the search index is not available (the cluster is red); no result is given, as it would leave hits out. See to the nodes of the cluster.",
    )


def other_version() -> Unavailable:
    """The server is of another major version, or no Elasticsearch."""
    return Unavailable(
        "index.other_version",
        zh='检索服务不是 Elasticsearch 9.x。本程序需要 9.x 版服务器；请升级服务器，或在设置中换回内置引擎（search.engine = "embedded"）。',
        en='The search service is not Elasticsearch 9.x, which this program needs. Upgrade it, or go back to the embedded engine (search.engine = "embedded").',
    )


def writer_busy() -> Unavailable:
    """Somebody with a higher version has written."""
    return Unavailable(
        "index.writer_busy",
        zh="另一个进程正在写检索索引。较旧的内容没有覆盖较新的；稍后会自动重试。",
        en="Another process is writing the search index. Nothing older replaced what is newer; it will be tried again.",
    )


def other_holding() -> Unavailable:
    """The name belongs to another site's index."""
    return Unavailable(
        "index.other_holding",
        zh="集群中这个名称的索引属于另一个馆藏，没有使用。请在 search.index 中为本站点另取名称。",
        en="The index of this name on the cluster belongs to another holding and was not used. Give this site another name in search.index.",
    )


def failed(kind: str) -> Unavailable:
    """Anything else; ``kind`` is the server's or client's word for it."""
    return Unavailable(
        "index.failed",
        zh=f"检索服务（Elasticsearch）未能完成请求（{kind}）。请查看其日志。",
        en=f"The search service (Elasticsearch) could not do what was asked ({kind}). See its log.",
        kind=kind,
    )
