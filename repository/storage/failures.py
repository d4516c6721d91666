"""What went wrong in a folder, said as one sentence that names the store and what to do."""

from __future__ import annotations

import errno
from collections.abc import Sequence

from metadata.errors import Conflict, LantaiError, NotFound, Unavailable
from repository.storage import faults

_SENTENCES = {
    "store.full": (
        "存储“{store}”已满或超出配额，{key} 没有写入，已有内容未受影响。请腾出空间后重试。",
        "Store {store} is full or over its quota; {key} was not written and nothing else was touched. Make room and try again.",
    ),
    "store.read_only": (
        "存储“{store}”是只读的，{key} 没有写入。请以可写方式挂载后重试。",
        "Store {store} is read-only; {key} was not written. Mount it writable and try again.",
    ),
    "store.denied": (
        "没有访问存储“{store}”中 {key} 的权限。请检查该文件夹的属主和权限后重试。",
        "No permission for {key} in store {store}. Check owner and mode of its folders and try again.",
    ),
    "store.no_hard_links": (
        "存储“{store}”所在的文件系统不支持硬链接，不能安全写入。请换用 ext4、XFS、ZFS 等文件系统。",
        "The file system of store {store} has no hard links, so it cannot be written safely. Use ext4, XFS, ZFS or the like.",
    ),
    "store.io_error": (
        "存储“{store}”读写 {key} 出错（{why}）。请检查磁盘，然后运行完整性检查。",
        "Store {store} failed on {key}: {why}. Check the disk, then run a fixity audit.",
    ),
}
_CODES = {
    errno.ENOSPC: "store.full",
    errno.EDQUOT: "store.full",
    errno.EFBIG: "store.full",
    errno.EROFS: "store.read_only",
    errno.EACCES: "store.denied",
    errno.EPERM: "store.denied",
    errno.ENOTSUP: "store.no_hard_links",
    errno.ENOSYS: "store.no_hard_links",
    errno.EMLINK: "store.no_hard_links",
}


def not_found(store: str, key: str) -> NotFound:
    """No object under ``key``."""
    return NotFound(
        "store.not_found",
        zh=f"存储“{store}”中没有对象 {key}。",
        en=f"Store {store} holds no object {key}.",
        store=store,
        key=key,
    )


OTHER_BYTES = "store.conflict"
"""The code of a key that holds other bytes."""


def other_bytes(store: str, key: str) -> Conflict:
    """``key`` exists with other bytes."""
    faults.met(store, OTHER_BYTES)
    return Conflict(
        OTHER_BYTES,
        zh=f"存储“{store}”中的 {key} 已存在且内容不同；没有覆盖任何内容。请先查明原因，再继续写入。",
        en=f"Store {store} already holds {key} with other bytes; nothing was overwritten. Find out why before writing on.",
        store=store,
        key=key,
    )


def not_as_expected(store: str, key: str, expected: str, found: str) -> Conflict:
    """The bytes handed over are not those that were announced."""
    return Conflict(
        "store.not_as_expected",
        zh=f"写入存储“{store}”的 {key} 与预期摘要不符；没有保存任何内容。请重新提交原始文件。",
        en=f"The bytes for {key} do not have the digest that was announced; store {store} kept nothing. Hand in the original again.",
        store=store,
        key=key,
        expected=expected,
        found=found,
    )


def key_taken_by_folder(store: str, key: str) -> Conflict:
    """A part of the key is a file, or the key is a folder: no key may be the beginning of another."""
    return Conflict(
        "store.key_is_folder",
        zh=f"存储“{store}”中 {key} 的路径上已有同名的文件或文件夹；没有写入任何内容。",
        en=f"In store {store} a file or folder already stands in the way of {key}; nothing was written.",
        store=store,
        key=key,
    )


def link_in_the_way(store: str, key: str) -> Unavailable:
    """A symbolic link stands where the store keeps folders and files; it is never followed."""
    faults.met(store, "store.link")
    return Unavailable(
        "store.link",
        zh=f"存储“{store}”中 {key} 的路径上有符号链接或特殊文件，已拒绝访问。请删除该链接并运行完整性检查。",
        en=f"In store {store} a symbolic link or special file stands in the way of {key}; it was not followed. Remove it and run a fixity audit.",
        store=store,
        key=key,
    )


def root_missing(store: str, root: str) -> Unavailable:
    """The store's folder is not there: a disk that is not mounted must not be filled in by an empty folder."""
    faults.met(store, "store.root_missing")
    return Unavailable(
        "store.root_missing",
        zh=f"存储“{store}”的文件夹 {root} 不存在。请检查磁盘是否已挂载；新存储请先初始化。",
        en=f"The folder {root} of store {store} is not there. Is its disk mounted? A new store must be initialised first.",
        store=store,
        root=root,
    )


def root_changed(store: str, root: str) -> Unavailable:
    """Another folder lies at the store's place than when it was opened."""
    faults.met(store, "store.root_changed")
    return Unavailable(
        "store.root_changed",
        zh=f"存储“{store}”的位置 {root} 现在是另一个文件夹（磁盘可能被卸载或更换）；没有写入任何内容。请恢复磁盘后重新启动。",
        en=f"Another folder lies at {root} than when store {store} was opened (disk unmounted or exchanged?); nothing was written. Bring the disk back and restart.",
        store=store,
        root=root,
    )


def of_os_error(error: OSError, store: str, key: str) -> LantaiError:
    """The sentence for an ``OSError`` of the store's file system."""
    number = error.errno
    if number == errno.ENOENT:
        return not_found(store, key)
    if number in {errno.ENOTDIR, errno.EISDIR}:
        return key_taken_by_folder(store, key)
    if number == errno.ELOOP:
        return link_in_the_way(store, key)
    code = _CODES.get(number or 0, "store.io_error")
    zh, en = _SENTENCES[code]
    faults.met(store, code)
    values = {"store": store, "key": key, "why": error.strerror or str(number)}
    return Unavailable(code, zh=zh.format(**values), en=en.format(**values), store=store, key=key)


def not_described(names: Sequence[str]) -> Unavailable:
    """Replicas in use are missing in the settings, and without them too few can confirm."""
    return Unavailable(
        "replicas.not_described",
        zh=f"本进程的设置中没有使用中的副本 {'、'.join(names)}，能确认写入的副本不足，没有登记任何内容。请在 lantai.toml 或环境变量中写明它们并重新启动，或先用 lantai replica retire 停用。",
        en=f"The settings of this process lack {', '.join(names)}, which are in use, so too few replicas can confirm; nothing was registered. Describe them in lantai.toml or the environment and restart, or retire them with `lantai replica retire`.",
        replicas=", ".join(names),
    )


def left_meanwhile(key: str) -> Unavailable:
    """A replica left or joined while an object was written, and too few of those in use have it."""
    return Unavailable(
        "replicas.left_meanwhile",
        zh=f"写入 {key} 期间有副本停用或启用，使用中的副本里确认的不足，没有登记；会自动再次写入。",
        en=f"A replica left or joined while {key} was written, and too few of those in use have confirmed it; nothing was registered. It is written again by itself.",
        key=key,
    )
