"""Writing ``lantai.toml``: whole for a new site, and a part more when a replica joins."""

from __future__ import annotations

import json
import os
import stat
import tomllib
from contextlib import suppress
from pathlib import Path

from lantai.replica_settings import ReplicaSettings
from lantai.settings import FILE_NAME, PREFIX, Settings
from metadata.errors import Invalid


def write_initial(settings: Settings, *, holding_id: str) -> Path:
    """Write ``lantai.toml`` for a new site, whole or not at all.

    A file that was there before, with choices made ahead of ``lantai init``, keeps every line and gains the holding id.
    """
    path = settings.home / FILE_NAME
    lines = [
        "# Settings of this Lantai site. Every key is described in docs/reference/settings.md.",
        f'holding_id = "{holding_id}"',
    ]
    if path.exists():
        lines.append(path.read_text(encoding="utf-8"))
    else:
        lines += _initial(settings)
    _replace(path, "\n".join(lines))
    return path


def append_replica(settings: Settings, replica: ReplicaSettings) -> None:
    """Add the description of a replica at the end of ``lantai.toml``, whole or not at all.

    ``Invalid`` (``settings.cannot_append``) when the replicas are described elsewhere, so that the file would not be read.
    """
    path = settings.home / FILE_NAME
    before = path.read_text(encoding="utf-8")
    text = before.rstrip("\n") + "\n\n" + "\n".join(_described(settings, replica))
    try:
        names = [one["name"] for one in tomllib.loads(text)["replicas"]]
    except (tomllib.TOMLDecodeError, KeyError, TypeError):
        names = []
    told = "replicas" in tomllib.loads(before)
    if not told or names[-1:] != [replica.name] or f"{PREFIX}REPLICAS" in os.environ:
        raise Invalid(
            "settings.cannot_append",
            zh=f"副本不是在 {path} 的 [[replicas]] 段落中说明的，程序不能代为添加副本 {replica.name}。请自行在原处加上，然后不带 --path 再运行。",
            en=f"The replicas are not described in [[replicas]] parts of {path}, so replica {replica.name} cannot be added there. Describe it where the others are, and run this again without --path.",
            replica=replica.name,
        )
    _replace(path, text)


def _replace(path: Path, text: str) -> None:
    """Write the file whole or not at all; it may hold passwords, so a new one is this user's alone and others stay as
    they were."""
    fresh = path.with_name(f".{FILE_NAME}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        if path.exists():
            before = path.stat()
            with suppress(PermissionError):  # only root gives a file away
                os.fchown(descriptor, before.st_uid, before.st_gid)
            os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    fresh.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _initial(settings: Settings) -> list[str]:
    lines = [
        f"zone = {_text(settings.zone)}",
        f"profile = {_text(settings.profile)}",
        f'language = "{settings.language}"',
        f"synthetic = {'true' if settings.synthetic else 'false'}",
        "",
    ]
    for replica in settings.replicas:
        if replica.name not in settings.replica_secrets:
            replica.keep_secret(settings.keys)
        lines += _described(settings, replica)
    return lines


def _described(settings: Settings, replica: ReplicaSettings) -> list[str]:
    return ["[[replicas]]", *(f"{name} = {_toml(value)}" for name, value in replica.written(settings.home)), ""]


def _toml(value: object) -> str:
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """A basic string of TOML; JSON's escapes are among TOML's."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
