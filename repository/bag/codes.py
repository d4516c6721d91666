"""What a bag can be reproached with: code, severity, sentence, clause (RFC 8493; B-numbers as in docs/finding-codes.md)."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class BagCode:
    """One kind of finding. ``error``: the bag is not valid; otherwise a warning. Templates take the finding's values."""

    error: bool
    clause: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class BagFinding:
    """One finding about one path of a bag (or the bag itself); ``params`` fill the sentence."""

    code: str
    path: str | None = None
    params: dict[str, object] = field(default_factory=dict)

    @property
    def is_error(self) -> bool:
        """Whether the finding makes the bag invalid."""
        return CODES[self.code].error

    @property
    def zh(self) -> str:
        """The sentence in Chinese."""
        return self.sentence("zh")

    @property
    def en(self) -> str:
        """The sentence in English."""
        return self.sentence("en")

    def as_dict(self) -> dict[str, object]:
        """For JSON: code, path, both sentences, clause of RFC 8493."""
        return {
            "code": self.code,
            "path": self.path,
            "zh": self.zh,
            "en": self.en,
            "clause": CODES[self.code].clause,
        }

    def sentence(self, language: str = "zh") -> str:
        """The finding as a sentence in ``zh`` or ``en``."""
        code = CODES[self.code]
        template = code.en if language.startswith("en") else code.zh
        return template.format(path=self.path, **self.params)


def _error(clause: str, zh: str, en: str) -> BagCode:
    return BagCode(True, clause, zh, en)


def _warning(clause: str, zh: str, en: str) -> BagCode:
    return BagCode(False, clause, zh, en)


CODES: dict[str, BagCode] = {
    # the container
    "bag.container_damaged": _error("4", "容器损坏：{detail}", "The container is damaged: {detail}"),
    "bag.unsafe_member": _error("5.1", "容器内路径不安全：{path}", "Unsafe path in the container: {path}"),
    "bag.duplicate_member": _error("4", "容器内路径重复：{path}", "The container holds {path} twice"),
    "bag.encrypted": _error("4", "容器内文件已加密：{path}", "Encrypted in the container: {path}"),
    "bag.several_bags": _error("4", "容器内有多个档案包：{found}", "The container holds several bags: {found}"),
    "bag.no_top_folder": _warning("4", "容器内没有顶层文件夹", "The container has no single top folder"),
    "bag.outside_base": _warning("4", "包文件夹之外的文件：{path}", "Outside the bag's folder: {path}"),
    "bag.link_outside": _error("5.1", "链接指向包外：{path}", "A link leads out of the bag: {path}"),
    "bag.link_inside": _warning("5.1", "{path} 是指向包内的链接", "{path} is a link inside the bag"),
    "bag.special_file": _error("2", "{path} 不是普通文件", "{path} is no regular file"),
    "bag.unreadable_file": _error("3", "无法读取 {path}：{detail}", "{path} cannot be read: {detail}"),
    # bagit.txt
    "bag.missing_bagit_txt": _error("2.1.1 (B01)", "缺少 bagit.txt", "bagit.txt is missing"),
    "bag.bagit_txt_bom": _error("2.1.1 (B02)", "bagit.txt 带有 BOM", "bagit.txt begins with a byte-order mark"),
    "bag.bagit_txt_malformed": _error(
        "2.1.1 (B02)", "bagit.txt 格式不对：{detail}", "bagit.txt is malformed: {detail}"
    ),
    "bag.bagit_txt_spacing": _warning(
        "2.1.1 (B02)", "bagit.txt 书写不规范：{detail}", "bagit.txt is written loosely: {detail}"
    ),
    "bag.unsupported_version": _error(
        "2.1.1 (B02)", "不支持的 BagIt 版本 {version}", "BagIt version {version} is not supported (0.93 to 1.0 are)"
    ),
    "bag.unknown_encoding": _error(
        "2.1.1 (B13)", "不认识的标签文件编码 {encoding}", "Unknown tag file encoding {encoding}"
    ),
    "bag.tag_encoding": _error(
        "2.1.1 (B13)", "{path} 不是 {encoding} 编码", "{path} is not encoded in {encoding}"
    ),
    "bag.tag_bom": _warning("2.1.1 (B13)", "{path} 带有 BOM", "{path} begins with a byte-order mark"),
    "bag.tag_too_large": _error("2", "{path} 过大（{size} 字节）", "{path} is too large to be read ({size} bytes)"),
    # payload
    "bag.missing_data": _error("2.1.2 (B01)", "缺少 data/ 文件夹", "The folder data/ is missing"),
    "bag.missing_manifest": _error("2.1.3 (B01)", "没有 payload manifest", "There is no payload manifest"),
    "bag.no_checkable_manifest": _error(
        "2.4 (B14)", "没有一个清单的摘要算法可以核验", "No payload manifest has an algorithm that can be computed here"
    ),
    "bag.manifest_name": _warning(
        "2.1.3 (B03)", "清单文件名应为小写字母和数字：{path}", "A manifest's name should be lower-case letters and digits: {path}"
    ),
    "bag.manifest_line_malformed": _error(
        "2.1.3 (B05)", "{path} 第 {line} 行格式不对", "{path}, line {line}: not a manifest line"
    ),
    "bag.manifest_comment": _warning(
        "2.1.3 (B05)", "{path} 第 {line} 行是注释", "{path}, line {line} is a comment, which BagIt does not know"
    ),
    "bag.manifest_lists_tag_file": _error(
        "2.1.3 (B06)", "{manifest} 列出了 data/ 之外的 {path}", "{manifest} lists {path}, which is not below data/"
    ),
    "bag.unsafe_path": _error("5.1 (B17)", "{manifest} 中的路径不安全：{path}", "Unsafe path in {manifest}: {path}"),
    "bag.duplicate_entry": _error("2.1.3 (B04)", "{manifest} 重复列出 {path}", "{manifest} lists {path} twice"),
    "bag.repeated_entry": _warning(
        "2.1.3 (B04)", "{manifest} 以相同摘要重复列出 {path}", "{manifest} lists {path} twice with the same digest"
    ),
    "bag.conflicting_entries": _error(
        "2.1.3 (B04)", "{manifest} 以不同摘要重复列出 {path}", "{manifest} lists {path} twice with different digests"
    ),
    "bag.payload_missing": _error("3 (B16)", "清单所列文件不存在：{path}", "Listed but missing: {path}"),
    "bag.payload_not_listed": _error("3 (B16)", "文件没有列入任何清单：{path}", "In no payload manifest: {path}"),
    "bag.payload_not_in_every_manifest": _error(
        "2.1.3 (B04)", "{path} 没有列入 {manifest}", "{path} is not listed in {manifest}"
    ),
    "bag.payload_digest_mismatch": _error(
        "3 (B16)", "{path} 的 {algorithm} 摘要不符", "{path} does not have the {algorithm} digest of its manifest"
    ),
    "bag.algorithm_not_checked": _warning(
        "2.4 (B15)", "{path} 的算法此处不能计算，未核验", "Not checked: the algorithm of {path} is unknown here"
    ),
    # tag files
    "bag.tag_missing": _error(
        "2.2.1 (B09)", "{manifest} 所列标签文件不存在：{path}", "{manifest} lists {path}, which is missing"
    ),
    "bag.tag_digest_mismatch": _error(
        "2.2.1 (B09)", "{path} 的 {algorithm} 摘要不符", "{path} does not have the {algorithm} digest of its tag manifest"
    ),
    "bag.tagmanifest_lists_payload": _error(
        "2.2.1 (B08)", "{manifest} 列出了 data/ 内的 {path}", "{manifest} lists the payload file {path}"
    ),
    "bag.tagmanifest_lists_tagmanifest": _error(
        "2.2.1 (B08)", "{manifest} 列出了 tag manifest {path}", "{manifest} lists the tag manifest {path}"
    ),
    "bag.tagmanifest_incomplete": _error(
        "2.2.1 (B08)", "{manifest} 没有列出 {path}", "{manifest} does not list {path}, as it must"
    ),
    "bag.tag_not_listed": _warning("2.2.1 (B08)", "{path} 不在任何 tag manifest 中", "In no tag manifest: {path}"),
    "bag.bag_info_malformed": _error(
        "2.2.2 (B10)", "{path} 中有无法识别的行：{line}", "{path} holds a line that is no label and value: {line}"
    ),
    "bag.payload_oxum_malformed": _error(
        "2.2.2 (B11)", "Payload-Oxum 格式不对：{value}", "Payload-Oxum is malformed: {value}"
    ),
    "bag.payload_oxum_repeated": _error("2.2.2 (B11)", "Payload-Oxum 重复出现", "Payload-Oxum stands more than once"),
    "bag.payload_oxum_mismatch": _error(
        "2.2.2 (B11)", "Payload-Oxum 为 {value}，实际为 {found}", "Payload-Oxum says {value}, the payload is {found}"
    ),
    # fetch.txt
    "bag.fetch_malformed": _error("2.2.3 (B12)", "fetch.txt 第 {line} 行格式不对", "fetch.txt, line {line} is malformed"),
    "bag.fetch_unresolved": _error(
        "2.2.3 (B12)", "fetch.txt 所列文件不在包内：{path}（不联网下载）", "Named in fetch.txt but not in the bag: {path} (nothing is fetched)"
    ),
    "bag.fetch_not_in_manifest": _error(
        "2.2.3 (B12)", "fetch.txt 中的 {path} 没有列入清单", "{path} stands in fetch.txt but not in every payload manifest"
    ),
    "bag.fetch_resolved": _warning(
        "2.2.3 (B12)", "fetch.txt 所列文件都已在包内", "There is a fetch.txt; all its files are in the bag"
    ),
    # names
    "bag.dot_slash_path": _warning("2.1.3 (B05)", "{manifest} 的路径带有“./”", "{manifest} writes paths with “./”"),
    "bag.md5sum_asterisk": _warning(
        "2.1.3 (B05)", "{manifest} 由 md5sum 类工具生成（路径前有 *）", "{manifest} comes from md5sum: an asterisk stands before paths"
    ),
    "bag.backslash_path": _warning(
        "2.1.3 (B05)", "{manifest} 用反斜杠写路径：{path}", "{manifest} writes {path} with backslashes"
    ),
    "bag.percent_not_encoded": _warning(
        "2.1.3 (B07)", "{manifest} 中的“%”没有按 RFC 8493 编码", "{manifest} does not encode “%” as RFC 8493 asks"
    ),
    "bag.name_normalised": _warning(
        "5.2 (B18)", "{manifest} 与文件系统的 Unicode 规范化形式不同：{path}", "{manifest} and the bag write {path} in different Unicode forms"
    ),
    "bag.case_only_difference": _warning(
        "5.2 (B18)", "{path} 与 {other} 仅大小写或规范化形式不同", "{path} and {other} differ only in case or Unicode form"
    ),
    "bag.system_file": _warning("5.2", "系统自动生成的文件：{path}", "A file that the system made: {path}"),
}  # fmt: skip
