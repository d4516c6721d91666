"""Every finding that taking in can make: code, severity, sentences, clause, what to do next.

Data only. A code, once released, keeps its meaning for ever; ``ingest.findings`` reads this table and
``docs/finding-codes.md`` is written from it. ``{...}`` are the parameters of the finding; ``{path}`` is always there.
"""

from __future__ import annotations

from ingest.outcome import Severity

ERROR, WARNING, NOTICE = Severity.ERROR, Severity.WARNING, Severity.NOTICE

_REPACK = (
    "请让移交单位用普通方式重新打包（或直接移交文件夹）后再交。",
    "Ask the depositor to pack it anew, or to hand over the folder itself.",
)
_RENAME = (
    "如需要，请在移交前改名；系统会原样记录现名。",
    "Rename before depositing if it matters; the present name is kept as it is.",
)
_LOOK = ("请打开文件核对后再决定接收。", "Open the file and look before accepting.")
_LIST = ("请改正移交清单后重新移交。", "Correct the deposit list and deposit again.")
_BAG = ("请让移交单位重新制作该信息包。", "Ask the depositor to make the bag anew.")

CATALOGUE: tuple[tuple[str, Severity, str, str, str, tuple[str, str]], ...] = (
    # code, severity, zh, en, clause, (what to do next zh, en)
    ("deposit.empty", ERROR, "移交内容里没有任何文件。", "The deposit holds no file.", "DA/T 70 I1", ("请检查所选路径。", "Check the paths that were chosen.")),
    ("deposit.link", ERROR, "“{path}”是符号链接，未接收：链接指向的内容不属于本次移交。", "“{path}” is a symbolic link and was not taken in: what it points at is not part of the deposit.", "DA/T 70 X3", ("请改为移交文件本身。", "Deposit the file itself.")),
    ("deposit.special_file", ERROR, "“{path}”不是普通文件（设备、管道或套接字），未接收。", "“{path}” is not an ordinary file (device, pipe or socket) and was not taken in.", "DA/T 70 X3", ("请从移交内容中移除。", "Remove it from the deposit.")),
    ("deposit.unreadable", ERROR, "“{path}”无法读取（{reason}），未接收。", "“{path}” could not be read ({reason}) and was not taken in.", "DA/T 70 I7", ("请检查权限或介质后重新移交。", "Check permissions or the medium and deposit again.")),
    ("deposit.empty_folder", NOTICE, "“{path}”是空文件夹；其名称已记录。", "“{path}” is an empty folder; its name is recorded.", "DA/T 70 A12", ("无需处理。", "Nothing to do.")),
    ("deposit.too_many_files", ERROR, "移交文件超过上限 {limit} 个。", "The deposit has more than {limit} files.", "", ("请分批移交。", "Deposit in several parts.")),
    ("deposit.file_too_large", ERROR, "“{path}”超过单个文件上限 {limit} 字节，未接收。", "“{path}” is larger than {limit} bytes and was not taken in.", "", ("请与管理员商定上限。", "Agree on the limit with the administrator.")),
    ("deposit.unfinished", WARNING, "“{path}”没有收全：分段上传中断后一直没有续传，未接收。", "“{path}” never arrived whole: its upload by parts broke off and nobody went on with it; it was not taken in.", "DA/T 70 I7", ("请核对是否缺少该文件；如缺少，请退回后重新移交。", "Look whether it is missing; if so, return the deposit and send it again.")),
    ("source.changed", ERROR, "“{path}”在移交途中内容或时间发生变化，未入库。", "“{path}” changed while it was being taken in; nothing was stored.", "DA/T 70 A1", ("请停止修改来源文件后重新移交。", "Stop changing the source and deposit again.")),
    ("source.missing", ERROR, "“{path}”在移交途中消失，未入库。", "“{path}” vanished while it was being taken in; nothing was stored.", "DA/T 70 I7", ("请恢复来源文件后重新移交。", "Bring the source back and deposit again.")),
    ("file.empty", WARNING, "“{path}”是空文件（0 字节）。", "“{path}” is empty (0 bytes).", "DA/T 70 I7", _LOOK),
    # containers
    ("container.damaged", ERROR, "压缩包“{path}”已损坏或不完整，无法打开。", "The container “{path}” is damaged or cut short and cannot be opened.", "DA/T 70 U1", _REPACK),
    ("container.unsafe_path", ERROR, "压缩包“{container}”内的“{path}”路径不安全（绝对路径、上级目录或盘符）。", "“{path}” in the container “{container}” has an unsafe path (absolute, parent folder or drive).", "RFC 8493 5.1", _REPACK),
    ("container.link", ERROR, "压缩包“{container}”内的“{path}”是链接，拒绝接收。", "“{path}” in the container “{container}” is a link and is refused.", "RFC 8493 5.1", _REPACK),
    ("container.special_file", ERROR, "压缩包“{container}”内的“{path}”不是普通文件，拒绝接收。", "“{path}” in the container “{container}” is not an ordinary file and is refused.", "DA/T 70 X3", _REPACK),
    ("container.encrypted", ERROR, "压缩包“{container}”内的“{path}”已加密，无法保存其内容。", "“{path}” in the container “{container}” is encrypted; its content cannot be preserved.", "DA/T 70 U7", ("请去除密码后重新移交。", "Deposit it without a password.")),
    ("container.duplicate_name", ERROR, "压缩包“{container}”内“{path}”出现多次，无法判断哪一个是真的。", "“{path}” stands more than once in the container “{container}”; which one is meant cannot be known.", "DA/T 70 A12", _REPACK),
    ("container.clashing_name", ERROR, "压缩包“{container}”内“{path}”与“{other}”仅大小写或字符形式不同，在常用系统上会互相覆盖。", "“{path}” and “{other}” in the container “{container}” differ only by case or Unicode form and would overwrite each other.", "DA/T 70 A12", _REPACK),
    ("container.bomb", ERROR, "压缩包“{path}”展开比例达 {ratio} 倍，超过上限 {limit}，疑为压缩炸弹，未展开。", "The container “{path}” expands {ratio}-fold, over the limit of {limit}; taken for a bomb and not opened.", "DA/T 70 X3", _REPACK),
    ("container.too_large", ERROR, "压缩包“{path}”展开后超过上限 {limit} 字节，未展开。", "The container “{path}” expands to more than {limit} bytes and was not opened.", "DA/T 70 X3", _REPACK),
    ("container.too_many_entries", ERROR, "压缩包“{path}”条目超过上限 {limit} 个，未展开。", "The container “{path}” has more than {limit} entries and was not opened.", "DA/T 70 X3", _REPACK),
    ("container.too_deep", ERROR, "压缩包“{path}”嵌套超过 {limit} 层，未展开。", "The container “{path}” lies more than {limit} containers deep and was not opened.", "DA/T 70 X3", _REPACK),
    ("container.overlap", ERROR, "压缩包“{path}”的条目互相重叠，疑为压缩炸弹，未展开。", "Entries of the container “{path}” overlap; taken for a bomb and not opened.", "DA/T 70 X3", _REPACK),
    ("container.unsupported", ERROR, "压缩包“{container}”内的“{path}”使用了不支持的压缩方法。", "“{path}” in the container “{container}” is packed by an unsupported method.", "DA/T 70 U7", _REPACK),
    ("container.refused_kind", ERROR, "“{path}”是 {kind} 压缩包，不在可接收的封装格式之列。", "“{path}” is a {kind} archive, which is not taken in.", "DA/T 70 U3", ("请解压后移交文件，或改用 ZIP。", "Deposit its files, or use ZIP.")),
    ("container.empty", WARNING, "压缩包“{path}”里没有文件。", "The container “{path}” holds no file.", "DA/T 70 I7", _LOOK),
    # names
    ("name.not_utf8", WARNING, "“{path}”的原名不是 UTF-8；原名字节已原样记录。", "The original name of “{path}” is not UTF-8; its bytes are recorded as they are.", "DA/T 70 A3", _RENAME),
    ("name.legacy_encoding", NOTICE, "“{path}”的原名按 {encoding} 解读；原名字节已原样记录。", "The original name of “{path}” was read as {encoding}; its bytes are recorded as they are.", "DA/T 70 A3", ("请核对名称是否通顺。", "Look whether the name reads well.")),
    ("name.special_character", WARNING, "“{path}”的名称含控制字符、双向控制符或替换符（{characters}）。", "The name of “{path}” holds control, bidirectional or replacement characters ({characters}).", "DA/T 70 A6", _RENAME),
    ("name.clash", WARNING, "“{path}”与“{other}”仅大小写或字符形式不同；包内使用互不冲突的安全名。", "“{path}” and “{other}” differ only by case or Unicode form; the bag uses safe names that do not clash.", "RFC 8493 5.2", _RENAME),
    ("name.same", NOTICE, "“{path}”这一名称在本次移交中出现多次。", "The name “{path}” stands more than once in this deposit.", "DA/T 70 A8", ("请核对是否重复移交。", "Look whether it was deposited twice.")),
    ("name.too_long", WARNING, "“{path}”的名称过长；包内使用截短的安全名，原名照录。", "The name of “{path}” is very long; the bag uses a shortened safe name and the original is recorded.", "RFC 8493 5.2", _RENAME),
    ("name.not_portable", NOTICE, "“{path}”的名称在某些系统上不可用；包内使用安全名，原名照录。", "The name of “{path}” cannot be used on some systems; the bag uses a safe form and the original is recorded.", "RFC 8493 5.2", ("无需处理。", "Nothing to do.")),
    # formats
    ("format.unidentified", WARNING, "“{path}”的格式无法按特征识别。", "The format of “{path}” could not be identified by signature.", "DA/T 70 A9", _LOOK),
    ("format.extension_mismatch", WARNING, "“{path}”的扩展名与内容不符：内容是 {format}（{puid}）。", "The extension of “{path}” does not fit its content, which is {format} ({puid}).", "DA/T 70 A9", _LOOK),
    ("format.disagreement", WARNING, "两种识别工具对“{path}”结论不一：{puid}（{puid_mime}）与 {mime}。", "The two identification tools disagree about “{path}”: {puid} ({puid_mime}) and {mime}.", "DA/T 70 A9", _LOOK),
    ("format.not_checked", WARNING, "“{path}”的格式识别没有完成（{reason}），不视为通过。", "Format identification of “{path}” could not be completed ({reason}); this is not a pass.", "DA/T 70 A9", ("请单独检查该文件；它可能已损坏或有意构造。", "Look at this file by itself; it may be damaged or crafted.")),
    # containers, further
    ("container.no_reader", ERROR, "“{path}”是 {kind} 压缩包，本机没有安装可靠的读取组件（libarchive），未展开。", "“{path}” is a {kind} archive and this machine has no trusted reader for it (libarchive); it was not opened.", "DA/T 70 U3", ("请解压后移交文件，或改用 ZIP；也可请管理员安装 libarchive。", "Deposit its files or use ZIP; or ask the administrator to install libarchive.")),
    ("container.mismatch", ERROR, "压缩包“{path}”的目录与内部条目不一致，不同软件会看到不同内容，未展开。", "The directory of the container “{path}” and its entries disagree, so programs would see different content; it was not opened.", "DA/T 70 A12", _REPACK),
    ("container.too_slow", ERROR, "压缩包“{path}”未能在 {limit} 秒内展开，已停止。", "The container “{path}” could not be opened within {limit} seconds and was left.", "DA/T 70 X3", _REPACK),
    ("mail.opened", NOTICE, "“{path}”是邮件，已保存原件并取出 {count} 个附件。", "“{path}” is a mail; it is kept as it is, and {count} attachments were taken out of it.", "DA/T 70 I8", ("请核对附件是否齐全。", "Look whether all attachments are there.")),
    ("mail.damaged", WARNING, "邮件“{path}”不完整，附件可能缺失。", "The mail “{path}” is damaged; attachments may be missing.", "DA/T 70 I8", _LOOK),
    # BagIt profiles
    ("bag_profile.unknown", WARNING, "信息包“{path}”所声明的 BagIt 配置“{profile}”在本系统中没有，未按其检查。", "The bag “{path}” names the BagIt profile “{profile}”, which is not known here; it was not checked against it.", "DA/T 70 A12", ("请向移交单位索取该配置，或由管理员登记后重新检查。", "Ask the depositor for that profile, or have the administrator add it and check again.")),
    ("bag_profile.violation", ERROR, "信息包“{path}”不符合 BagIt 配置“{profile}”：{reason_zh}", "The bag “{path}” does not meet the BagIt profile “{profile}”: {reason_en}", "DA/T 70 A12", _BAG),
    # virus
    ("virus.found", ERROR, "“{path}”含有恶意代码（{name}），拒绝接收。", "“{path}” holds malware ({name}) and is refused.", "DA/T 70 X2", ("请用杀毒软件检查来源计算机，清除后重新移交。不要打开该文件。", "Scan the computer it came from, clean it and deposit again. Do not open the file.")),
    ("virus.not_configured", NOTICE, "未配置病毒检查，本次移交没有做病毒检查，不视为通过。", "No virus scanner is configured; this deposit was not scanned, which is not a pass.", "DA/T 70 X1", ("请管理员在设置中配置 clamd。", "Ask the administrator to configure clamd.")),
    ("virus.not_checked", WARNING, "“{path}”没有完成病毒检查（{reason}），不视为通过。", "“{path}” was not scanned for viruses ({reason}); this is not a pass.", "DA/T 70 X2", ("请管理员检查病毒扫描服务后重新检查。", "Have the administrator look at the scanner, then check again.")),
    ("virus.unreachable", WARNING, "病毒扫描服务没有应答（{reason}），本次移交有 {files} 个文件没有做病毒检查，不视为通过。", "The virus scanner did not answer ({reason}); files of this deposit that were not scanned: {files}. That is not a pass.", "DA/T 70 X1", ("请管理员检查病毒扫描服务；恢复后可退回重交，以便检查。", "Have the administrator look at the scanner; once it is back the deposit can be returned and deposited again, to be scanned.")),
    ("virus.weak_database", WARNING, "病毒库过旧或仅供测试（版本 {database}，日期 {date}），检查结果不足为凭。", "The virus database is old or for tests only (version {database}, of {date}); its answers prove little.", "DA/T 70 X1", ("请管理员更新病毒库。", "Have the administrator update the virus database.")),
    # formats, further
    ("format.polyglot", WARNING, "“{path}”同时是 {format} 和 {other}，不同软件会看到不同内容。", "“{path}” is both {format} and {other}; programs would see different content.", "DA/T 70 A9", _LOOK),
    ("format.trailing_data", NOTICE, "“{path}”在正常结尾之后还有 {bytes} 字节。", "“{path}” goes on for {bytes} bytes after its proper end.", "DA/T 70 A9", _LOOK),
    # readability
    ("readability.damaged", ERROR, "“{path}”无法打开（{reason}），没有一页或一帧能读出。", "“{path}” cannot be opened ({reason}); not one page or frame can be read.", "DA/T 70 U4", ("请从原件重新导出或扫描后再交。", "Export or scan it anew from the original and deposit again.")),
    ("readability.partial", WARNING, "“{path}”只能读出一部分：{part} 起损坏（{reason}）。", "Only a part of “{path}” can be read: it is damaged from {part} on ({reason}).", "DA/T 70 I7", ("如有完好原件请重新移交；这是唯一原件时可由档案员接收。", "Deposit a whole copy if there is one; an archivist may accept the only copy.")),
    ("readability.malformed", WARNING, "“{path}”能打开，但不合格式规范（{reason}）。", "“{path}” opens but is not well formed ({reason}).", "DA/T 70 U4", _LOOK),
    ("readability.too_large", WARNING, "“{path}”尺寸过大（{size}），未逐页检查，不视为通过。", "“{path}” is too large ({size}) to be decoded here; it was not checked, which is not a pass.", "DA/T 70 U4", _LOOK),
    ("readability.too_many_pages", WARNING, "“{path}”有 {pages} 页，只检查了前 {limit} 页。", "“{path}” has {pages} pages; only the first {limit} were checked.", "DA/T 70 U4", _LOOK),
    ("readability.not_checked", WARNING, "“{path}”的可读性检查没有完成（{reason}），不视为通过。", "Whether “{path}” can be read was not found out ({reason}); this is not a pass.", "DA/T 70 U4", ("请单独检查该文件；它可能已损坏或有意构造。", "Look at this file by itself; it may be damaged or crafted.")),
    # encryption
    ("encryption.password", ERROR, "“{path}”设有打开密码，无法长期保存其内容。", "“{path}” needs a password to be opened; its content cannot be preserved.", "DA/T 70 U7", ("请去除密码后重新移交。", "Remove the password and deposit again.")),
    ("encryption.restricted", NOTICE, "“{path}”可以打开，但限制打印、复制或修改。", "“{path}” opens but restricts printing, copying or changing.", "DA/T 70 U7", ("如能取得不受限的版本，请改交该版本。", "Deposit an unrestricted copy if there is one.")),
    # active content
    ("active.macro", WARNING, "“{path}”含有宏。", "“{path}” holds macros.", "DA/T 70 X2", ("请确认来源；建议另存为不含宏的格式后移交。", "Make sure where it comes from; better save it without macros and deposit that.")),
    ("active.script", WARNING, "“{path}”含有脚本或自动动作。", "“{path}” holds scripts or automatic actions.", "DA/T 70 X2", _LOOK),
    ("active.attachment", NOTICE, "“{path}”内嵌 {count} 个附件文件。", "“{path}” has {count} files embedded in it.", "DA/T 70 I8", ("内嵌文件随原件保存；如需单独检索请另行移交。", "They are kept inside it; deposit them by themselves if they must be found.")),
    ("active.external", NOTICE, "“{path}”引用了外部资源，离线后可能不完整。", "“{path}” refers to things outside it and may be incomplete without them.", "DA/T 70 U7", _LOOK),
    ("xml.doctype", WARNING, "“{path}”含有 DTD 或实体声明，未解析。", "“{path}” declares a DTD or entities; they were not resolved.", "DA/T 70 U7", _LOOK),
    # signatures
    ("signature.listed", NOTICE, "“{path}”含 {count} 个电子签名或印章，已登记，尚未验证。", "“{path}” carries {count} electronic signatures or seals; they are listed, not verified.", "DA/T 70 A1", ("无需处理；验证结果以后补记。", "Nothing to do; verification is recorded later.")),
    # scans
    ("scan.low_resolution", WARNING, "“{path}”第 {page} 页分辨率 {dpi} dpi，低于 {limit} dpi。", "Page {page} of “{path}” has {dpi} dpi, below {limit} dpi.", "DA/T 31-2017", ("请按规定分辨率重新扫描。", "Scan it again at the resolution required.")),
    ("scan.blank", NOTICE, "“{path}”第 {page} 页是空白页。", "Page {page} of “{path}” is blank.", "DA/T 31-2017", ("请核对是否漏扫正面。", "Look whether the printed side was missed.")),
    ("scan.skewed", WARNING, "“{path}”第 {page} 页倾斜约 {degrees} 度，超过 {limit} 度。", "Page {page} of “{path}” is turned by about {degrees} degrees, more than {limit}.", "DA/T 31-2017", ("请摆正后重新扫描。", "Straighten it and scan again.")),
    ("scan.dark", WARNING, "“{path}”第 {page} 页几乎全黑。", "Page {page} of “{path}” is almost black.", "DA/T 31-2017", ("请重新扫描或拍摄。", "Scan or photograph it again.")),
    ("scan.cut_off", WARNING, "“{path}”第 {page} 页的内容可能在边缘被裁切。", "What stands on page {page} of “{path}” may be cut off at the edge.", "DA/T 31-2017", _LOOK),
    # damaged text
    ("text.replacement", WARNING, "“{path}”的文字含 {count} 个无法识别的替换字符（如“{sample}”），可能在转换中损坏。", "The text of “{path}” has {count} replacement characters (as in “{sample}”); a conversion may have damaged it.", "DA/T 70 A6", ("请从原系统重新导出；确无原件时可保留，以后以新版本更正。", "Export it anew from its system; without an original it may be kept and corrected as a new version later.")),
    ("text.question_marks", WARNING, "“{path}”的汉字之间有 {count} 处可疑的问号（如“{sample}”），可能丢失了字。", "The text of “{path}” has {count} suspicious question marks between Han characters (as in “{sample}”); characters may be lost.", "DA/T 70 A6", ("请从原系统重新导出；确无原件时可保留，以后以新版本更正。", "Export it anew from its system; without an original it may be kept and corrected as a new version later.")),
    ("text.double_converted", WARNING, "“{path}”的文字疑似经过两次转换（{count} 处，如“{sample}”）。", "The text of “{path}” seems to have been converted twice ({count} places, as in “{sample}”).", "DA/T 70 A6", ("请从原系统重新导出；确无原件时可保留，以后以新版本更正。", "Export it anew from its system; without an original it may be kept and corrected as a new version later.")),
    ("text.undecodable", WARNING, "“{path}”的文字编码无法识别。", "The character encoding of “{path}” could not be recognised.", "DA/T 70 U4", _LOOK),
    ("text.not_checked", NOTICE, "“{path}”的文字没有检查（{reason}）。", "The text of “{path}” was not checked ({reason}).", "DA/T 70 A6", ("无需处理；可读性另有检查。", "Nothing to do; readability is checked by itself.")),
    # personal data
    ("personal.found", NOTICE, "“{path}”含个人信息：身份证号 {id} 处，银行账号 {account} 处，电话 {phone} 处。", "“{path}” holds personal data: {id} ID numbers, {account} account numbers, {phone} telephone numbers.", "GB/T 35273", ("请核对公开级别是否合适。", "Look whether its access level fits.")),
    # what goes on without
    ("record.left_out", NOTICE, "“{path}”有必须改正的问题，未随本次入库；其余各件继续。", "“{path}” has faults that must be mended and was left out; the other records go on.", "DA/T 70", ("请改正后单独重新移交。", "Mend it and deposit it again by itself.")),
    # duplicates
    ("duplicate.in_submission", NOTICE, "“{path}”与本次移交中的“{other}”内容相同。", "“{path}” has the same content as “{other}” in this deposit.", "DA/T 70 A8", ("请核对是否重复。", "Look whether it is a duplicate.")),
    ("duplicate.in_archive", WARNING, "“{path}”的内容已在库中（记录 {record_id}）。", "The content of “{path}” is in the archive already (record {record_id}).", "DA/T 70 A8", ("如系重复移交，请退回；确需另存可接收。", "Return it if deposited twice; accept it if it belongs here too.")),
    ("duplicate.elsewhere", WARNING, "“{path}”的内容已在库中，属于移交人无权查看的记录 {record_id}。", "The content of “{path}” is in the archive already, in record {record_id}, which the depositor may not see.", "DA/T 70 A8", ("仅档案员可见：请核对是否误交他人材料。", "Shown to archivists only: look whether somebody else's paper was deposited by mistake.")),
    ("bag.empty", ERROR, "信息包“{path}”里没有载荷文件。", "The bag “{path}” has no payload file.", "DA/T 70 I11", _BAG),
    ("bag.tag_files_too_large", ERROR, "信息包“{path}”的标签文件超过上限 {limit} 字节。", "Tag files of the bag “{path}” exceed {limit} bytes.", "RFC 8493 2.2.4", _BAG),
    # what becomes a record
    ("record.split", NOTICE, "“{path}”含 {files} 个文件，超过每件 {limit} 个的上限，分为 {records} 件。", "“{path}” has {files} files, over the limit of {limit} a record, and becomes {records} records.", "", ("无需处理。", "Nothing to do.")),
    # deposit list
    ("list.malformed", ERROR, "移交清单 {path} 有误：{position}：{reason_zh}", "The deposit list {path} is wrong at {position}: {reason_en}", "DA/T 70 A11", _LIST),
    ("list.missing_file", ERROR, "移交清单 {position} 所列文件“{path}”不在移交内容中。", "“{path}”, listed at {position} of the deposit list, is not in the deposit.", "DA/T 70 A13", _LIST),
    ("list.file_twice", ERROR, "移交清单 {position} 的文件“{path}”已属于另一件。", "“{path}” at {position} of the deposit list belongs to another record already.", "DA/T 70 A10", _LIST),
    ("list.unlisted_file", WARNING, "“{path}”不在移交清单中，将单独成件。", "“{path}” is not in the deposit list and becomes a record of its own.", "DA/T 70 X3", ("请核对清单是否漏列。", "Look whether the list forgot it.")),
    ("list.unknown_document_type", ERROR, "移交清单 {position}：文件类型 {value} 不在制度目录中。", "Deposit list at {position}: document type {value} is not in the profile.", "DA/T 70 A4", _LIST),
    ("list.unknown_programme", ERROR, "移交清单 {position}：救助项目 {value} 不在制度目录中。", "Deposit list at {position}: programme {value} is not in the profile.", "DA/T 70 A4", _LIST),
    ("list.unknown_event", ERROR, "移交清单 {position}：事件 {value} 不在制度目录中。", "Deposit list at {position}: event {value} is not in the profile.", "DA/T 70 A4", _LIST),
    ("list.bad_household_no", ERROR, "移交清单 {position}：户号不合规（校验未通过）。", "Deposit list at {position}: the household number is not valid (check character).", "DA/T 70 A4", _LIST),
    ("list.unknown_household", ERROR, "移交清单 {position}：户号 {value} 既不在清单的案卷中，也不在库中。", "Deposit list at {position}: household {value} is neither among the list's case files nor in the archive.", "DA/T 70 A10", _LIST),
    ("list.bad_id_number", WARNING, "移交清单 {position}：身份证号校验未通过。", "Deposit list at {position}: the ID number's check character is wrong.", "GB 11643", ("请与证件核对。", "Compare with the card.")),
    ("list.bad_division", ERROR, "移交清单 {position}：行政区划代码 {value} 不合规。", "Deposit list at {position}: division code {value} is not valid.", "GB/T 2260", _LIST),
    ("list.unknown_organ", WARNING, "移交清单的立档单位 {value} 不在本系统中，按移交单位登记。", "Organ {value} of the deposit list is not known here; the depositing organ is used.", "DA/T 70 A4", ("如需要，请先建立该单位。", "Create the organ first if it is needed.")),
    ("list.missing_column", ERROR, "移交清单缺少必需的列：{column}。", "The deposit list lacks the column {column}.", "DA/T 70 A11", _LIST),
    ("list.unknown_column", NOTICE, "移交清单的列“{column}”不认识，已忽略。", "The column “{column}” of the deposit list is not known and was passed over.", "DA/T 70 A11", ("请核对列名；可下载模板对照。", "Check the heading; a template can be downloaded.")),
    ("list.bad_value", ERROR, "移交清单 {position}：{reason_zh}", "Deposit list at {position}: {reason_en}", "DA/T 70 A3", _LIST),
    ("list.several", ERROR, "移交内容里有多个移交清单（{path} 与 {other}），无法判断用哪一个。", "The deposit has more than one deposit list ({path} and {other}); which one is meant cannot be known.", "DA/T 70 A11", _LIST),
    ("list.bad_access_level", ERROR, "移交清单 {position}：开放级别 {value} 不合规。", "Deposit list at {position}: access level {value} is not valid.", "DA/T 70 A4", _LIST),
    ("option.bad_household_no", ERROR, "所给户号不合规（校验未通过）。", "The household number given is not valid (check character).", "DA/T 70 A4", ("请核对户号。", "Check the household number.")),
    ("option.unknown_programme", ERROR, "救助项目 {value} 不在制度目录中。", "Programme {value} is not in the profile.", "DA/T 70 A4", ("请改用目录中的项目代码。", "Use a code of the profile.")),
    ("option.unknown_document_type", ERROR, "文件类型 {value} 不在制度目录中。", "Document type {value} is not in the profile.", "DA/T 70 A4", ("请改用目录中的类型代码。", "Use a code of the profile.")),
)  # fmt: skip
"""Sorted by subject as a person meets them on the way in; findings about bags come from ``repository.bag.codes``."""

ARCHIVIST_ONLY = frozenset({"duplicate.elsewhere"})
"""Findings that say something about records the depositor may not see; shown only to who may accept."""

BAG_ADVICE = _BAG
"""What to do next about any finding of a deposited bag."""
