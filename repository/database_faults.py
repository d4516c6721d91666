"""What a database that cannot take an act is saying, as one sentence for a person; no password, no statement in it.

PostgreSQL gives every error of a statement a code (appendix A of its manual). A connection that it refuses comes with
the text of the server only, in the language of the server: the English and the Chinese ones are known here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError, OperationalError

from metadata.errors import Unavailable


@dataclass(frozen=True, slots=True)
class _Fault:
    """One thing that is wrong: the codes of PostgreSQL, the words of a refused connection, and what is said of it."""

    code: str
    states: tuple[str, ...]
    words: str
    zh: str
    en: str

    def told_by(self, state: str | None, text: str) -> bool:
        """Whether the error is of this kind."""
        return state in self.states if state else bool(self.words and re.search(self.words, text))


_FAULTS = (
    _Fault(
        "database.locked",
        ("55P03",),
        r"database (table )?is locked",
        "数据库正被另一个进程占用，本次操作没有写入任何内容。请稍后重试；若一直如此，请检查是否有备份或其他程序打开了数据库。",
        "Another process holds the database; nothing was written. Try again soon, or look for a backup or program that keeps it open.",
    ),
    _Fault(
        "database.collided",
        ("40001", "40P01"),
        "",
        "另一项操作同时在更改同样的内容，本次操作没有写入任何内容。请重试。",
        "Another act changed the same things at this moment; nothing was written. Try again.",
    ),
    _Fault(
        "database.too_slow",
        ("57014", "25P03"),
        "",
        "数据库在规定的时间内没有完成这一步，已中止，没有写入任何内容。请缩小范围后重试；若一直如此，请检查数据库服务器的负荷（设置 database_pool.statement_seconds）。",
        "The database did not finish this in the time it is given; it was stopped and nothing was written. Ask for less, or look at the load of the server (setting database_pool.statement_seconds).",
    ),
    _Fault(
        "database.password",
        ("28P01",),
        r"password authentication failed|no password supplied|认证失败|没有提供口令",
        "数据库不接受所设的帐号或口令，没有读写任何内容。请检查设置 database_url 中的帐号和口令（或 PGPASSFILE）。",
        "The database refuses the role or its password; nothing was read or written. Check role and password in the setting database_url (or PGPASSFILE).",
    ),
    _Fault(
        "database.role_missing",
        ("28000",),
        r"role \"[^\"]*\" does not exist|is not permitted to log in|no pg_hba\.conf entry|角色 *\"[^\"]*\" *不存在|没有用于.*pg_hba",
        "数据库服务器上没有所设的帐号，或不允许它从这台机器登录，没有读写任何内容。请由数据库管理员建立帐号（docs/howto/postgresql.md）并检查 pg_hba.conf。",
        "The server has no such role, or does not let it in from this machine; nothing was read or written. Have it created (docs/howto/postgresql.md) and pg_hba.conf checked.",
    ),
    _Fault(
        "database.missing",
        ("3D000",),
        r"database \"[^\"]*\" does not exist|数据库 *\"[^\"]*\" *不存在",
        "数据库服务器上没有设置 database_url 所指的数据库，没有读写任何内容。请先建立数据库（docs/howto/postgresql.md），或改正设置。",
        "The server has no database of the name in the setting database_url; nothing was read or written. Create it (docs/howto/postgresql.md) or correct the setting.",
    ),
    _Fault(
        "database.too_many_connections",
        ("53300",),
        r"too many (clients|connections)|remaining connection slots|QueuePool limit|太多的客户|连接数量",
        "数据库连接已用完，本次操作没有写入任何内容。请稍后重试；若常常如此，请调整设置 database_pool 或服务器的 max_connections。",
        "All connections to the database are in use; nothing was written. Try again soon; if it happens often, change the setting database_pool or the server's max_connections.",
    ),
    _Fault(
        "database.read_only",
        ("25006",),
        r"attempt to write a readonly database",
        "数据库现在是只读的（可能是备用服务器，或正在维护），本次操作没有写入任何内容。请通知系统管理员。",
        "The database is read-only now (a standby server, or maintenance); nothing was written. Tell the system administrator.",
    ),
    _Fault(
        "database.forbidden",
        ("42501",),
        "",
        "设置 database_url 中的帐号没有本操作所需的数据库权限，没有写入任何内容。请由数据库的所有者运行 lantai database upgrade（设置 database_owner_url）。",
        "The role in the setting database_url lacks a right for this; nothing was written. Let the owner of the database run `lantai database upgrade` (setting database_owner_url).",
    ),
    _Fault(
        "database.disk_full",
        ("53100",),
        r"database or disk is full|No space left on device|设备上没有空间",
        "数据库所在的磁盘已满，本次操作没有写入任何内容。请腾出空间后重试。",
        "The disk of the database is full; nothing was written. Make room and try again.",
    ),
    _Fault(
        "database.starting",
        ("57P01", "57P02", "57P03"),
        r"the database system is (starting up|shutting down|in recovery|not yet accepting)|terminating connection|数据库系统(启动|正在启动|关闭|正在关闭)",
        "数据库服务器正在启动或停止，本次操作没有写入任何内容。请过几秒钟重试。",
        "The database server is starting or stopping; nothing was written. Try again in some seconds.",
    ),
    _Fault(
        "database.file_gone",
        (),
        r"database file: there is none in its place",
        "数据库文件（lantai.db）不在原处，本次操作没有写入任何内容。请检查数据目录所在的磁盘是否已挂载、文件是否被移走；放回后自动继续。",
        "The database file (lantai.db) is not where it was; nothing was written. See whether the disk of the site's folder is mounted and whether the file was moved; work goes on by itself when it is back.",
    ),
    _Fault(
        "database.file_replaced",
        (),
        r"database file: (another one lies in its place|it was exchanged)",
        "数据库文件（lantai.db）已被换成另一个文件，本进程不再读写，本次操作没有写入任何内容。若是有意更换（例如恢复备份），请重启兰台的全部进程；否则请把原来的文件放回。",
        "Another file lies in the place of the database (lantai.db): this process neither reads nor writes it, and nothing was written. If it was put there on purpose (a restored backup), start all processes of Lantai anew; else put the former file back.",
    ),
    _Fault(
        "database.file_closed",
        (),
        r"unable to open database file",
        "无法打开数据库文件（lantai.db），本次操作没有写入任何内容。请检查文件和目录的权限、磁盘空间和进程可打开的文件数。",
        "The database file (lantai.db) cannot be opened; nothing was written. Check the permissions of the file and its folder, the room on the disk, and how many files a process may open.",
    ),
    _Fault(
        "database.unknown_host",
        (),
        r"could not translate host name|failed to resolve host|Name or service not known|getaddrinfo",
        "找不到设置 database_url 中的数据库主机名，没有读写任何内容。请检查主机名和域名解析。",
        "The host in the setting database_url is not known; nothing was read or written. Check its name and the name service.",
    ),
    _Fault(
        "database.down",
        ("08000", "08001", "08003", "08004", "08006"),
        r"Connection refused|connection timeout|timeout expired|No route to host|Network is unreachable|No such file or directory|server closed the connection|connection is (lost|bad|closed)|could not receive data|connection failed|connection to server",
        "连不上数据库服务器，或连接中断，本次操作没有写入任何内容。请检查服务器是否在运行、地址和端口是否正确，稍后重试。",
        "The database server cannot be reached, or the connection broke; nothing was written. See whether it runs and whether address and port are right, and try again.",
    ),
)
_OTHER = _Fault(
    "database.unavailable",
    (),
    "",
    "数据库现在无法访问，本次操作没有写入任何内容。请稍后重试或通知系统管理员。",
    "The database does not answer now; nothing was written. Try again later or tell the system administrator.",
)


def is_locked(error: OperationalError) -> bool:
    """Whether the database said that another process holds what was asked for."""
    return _fault(error).code == "database.locked"


def is_collision(error: IntegrityError) -> bool:
    """Whether a row is there already, or one that it points at has gone: another transaction was first."""
    state = getattr(error.orig, "sqlstate", None)
    return state in {"23505", "23503"} or str(error.orig).startswith(("UNIQUE constraint", "FOREIGN KEY constraint"))


def unavailable(error: OperationalError) -> Unavailable:
    """The sentence for a person whose act the database could not take."""
    fault = _fault(error)
    return Unavailable(fault.code, zh=fault.zh, en=fault.en)


def _fault(error: OperationalError) -> _Fault:
    state = getattr(error.orig, "sqlstate", None)
    text = str(error.orig)
    return next((one for one in _FAULTS if one.told_by(state, text)), _OTHER)
