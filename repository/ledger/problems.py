"""What the ledger's verifier can find, with its sentences."""

from __future__ import annotations

from dataclasses import dataclass

_SENTENCES: dict[str, tuple[str, str]] = {
    "ledger.entry_altered": (
        "{where}第 {entry} 条记录被改动（原摘要 {leaf}）。",
        "{at}entry {entry} was altered (its sealed digest is {leaf}).",
    ),
    "ledger.entry_removed": (
        "{where}第 {entry} 条记录被删除（原摘要 {leaf}）。",
        "{at}entry {entry} was removed (its sealed digest is {leaf}).",
    ),
    "ledger.entry_inserted": (
        "{where}第 {entry} 行是后来插入的记录。",
        "{at}line {entry} is an entry that was inserted later.",
    ),
    "ledger.entry_reordered": (
        "{where}从第 {entry} 条起记录次序被打乱。",
        "{at}entries were reordered, from entry {entry} on.",
    ),
    "ledger.line_end": (
        "{where}最后一行缺少换行，文件尾部被改动。",
        "{at}the last line has lost its line end; the file's tail was changed.",
    ),
    "ledger.entry_foreign": (
        "{where}第 {entry} 条记录不属于本流或格式不符。",
        "{at}entry {entry} is not an entry of this stream in format 1.",
    ),
    "ledger.header_malformed": (
        "{where}区块头不是规范的 JSON，已被改动。",
        "{at}the header is not canonical JSON; it was changed.",
    ),
    "ledger.header_inconsistent": (
        "{where}区块头的默克尔根或条数与摘要列表不符。",
        "{at}the header's Merkle root or count does not fit its leaf digests.",
    ),
    "ledger.bad_signature": (
        "{where}区块头的签名无效，区块头被改动或由他人伪造。",
        "{at}the header's signature is wrong: it was changed or forged.",
    ),
    "ledger.unknown_key": (
        "{where}签名密钥 {key_id} 不可信：既未提供，也没有可信密钥为其作保。",
        "{at}signed by key {key_id}, which was not given and which no trusted key vouches for.",
    ),
    "ledger.block_missing": ("{where}区块缺失。", "{at}the block is missing."),
    "ledger.block_duplicate": (
        "{where}该编号的区块出现多次（{key}）。",
        "{at}the block is there more than once ({key}).",
    ),
    "ledger.block_misplaced": (
        "{where}文件里是另一个区块（流 {found_stream} 第 {found} 块），区块次序被调换。",
        "{at}the file holds another block (stream {found_stream}, number {found}); blocks were reordered.",
    ),
    "ledger.chain_broken": (
        "{where}与前一区块的摘要不衔接，前一区块被整块替换。",
        "{at}it does not follow the block before it, which was replaced as a whole.",
    ),
    "ledger.other_holding": ("{where}属于另一个馆藏。", "{at}it belongs to another holding."),
    "ledger.file_unexpected": ("{key} 不是台账格式 1 的文件。", "{key} is no file of ledger format 1."),
    "ledger.file_unreadable": ("{key} 无法读取：{reason}。", "{key} cannot be read: {reason}."),
    "ledger.key_altered": (
        "公钥文件 {key} 被改动或无人作保。",
        "The key document {key} was changed, or no key vouches for it.",
    ),
    "ledger.checkpoint_malformed": ("检查点 {key} 被改动。", "The checkpoint {key} was changed."),
    "ledger.checkpoint_bad_signature": ("检查点 {key} 的签名无效。", "The signature of checkpoint {key} is wrong."),
    "ledger.checkpoint_ahead": (
        "{where}检查点 {key} 证明此区块曾经存在，台账尾部被截断。",
        "{at}checkpoint {key} proves that this block existed: the ledger was truncated.",
    ),
    "ledger.checkpoint_mismatch": (
        "{where}区块与检查点 {key} 记载的摘要不符，区块被整块替换。",
        "{at}the block is not the one that checkpoint {key} names; it was replaced as a whole.",
    ),
    "ledger.shard_altered": (
        "检查点分片 {key} 缺失或被改动。",
        "The checkpoint shard {key} is missing or was changed.",
    ),
    "ledger.tail_missing": (
        "{where}副本 {key} 曾确认到第 {last} 块，现在从此块起缺失，台账尾部被截断。",
        "{at}replica {key} confirmed blocks up to {last}, but from this one on they are gone: the ledger was truncated.",
    ),
    "ledger.catalogue_entry_altered": (
        "{where}第 {entry} 条在目录库中被改动，与已封存的内容不符。",
        "{at}entry {entry} was altered in the catalogue; it is not what was sealed.",
    ),
    "ledger.catalogue_entry_removed": (
        "{where}第 {entry} 条在目录库中被删除。",
        "{at}entry {entry} was removed from the catalogue.",
    ),
    "ledger.catalogue_entry_inserted": (
        "目录库中有 {count} 条台账记录既未封存也不在待封存之列，系另行插入。",
        "The catalogue holds {count} ledger entries that are neither sealed nor waiting: they were inserted.",
    ),
    "ledger.empty": ("{key} 中没有台账。", "There is no ledger in {key}."),
}
CODES = frozenset(_SENTENCES)


@dataclass(frozen=True, slots=True)
class Problem:
    """One fault. ``entry`` is the position in the block, from 1; ``entry_id`` its id where the line still tells it."""

    code: str
    stream: str | None
    block: int | None
    entry: int | None
    entry_id: str | None
    key: str | None
    zh: str
    en: str


def problem(
    code: str,
    *,
    stream: str | None = None,
    block: int | None = None,
    entry: int | None = None,
    entry_id: str | None = None,
    key: str | None = None,
    **params: object,
) -> Problem:
    """The fault ``code`` with its sentences filled in."""
    zh, en = _SENTENCES[code]
    words = {
        "where": f"流 {stream} 第 {block} 块：" if stream else "",
        "at": f"Stream {stream}, block {block}: " if stream else "",
        "entry": entry,
        "key": key,
        **params,
    }
    return Problem(code, stream, block, entry, entry_id, key, zh.format(**words), en.format(**words))
