"""`make services` and `make services-stop`: the four servers for development.

They outlive this command; what runs stands in ``.services/state.json``, the settings of a site on them in
``.services/env``, to be read by a shell (``set -a; . .services/env``). A start makes everything empty; with ``KEEP=1`` it
takes up what the last one left.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.services.base import NotHere, Server
from tests.services.clamd import Clamd
from tests.services.elastic import Elastic
from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed

HOME = Path(__file__).resolve().parents[2] / ".services"
STATE, ENVIRONMENT = HOME / "state.json", HOME / "env"
_BUCKETS = ("lantai-a", "lantai-b")


def start() -> int:
    """Start all four; exit 1 when one cannot be had, with its reason (the others run)."""
    keep = os.environ.get("KEEP") == "1"
    before = _state() if STATE.exists() else {}
    _end(before)
    if not keep:
        _remove(before)
        before = {}
    HOME.mkdir(exist_ok=True)
    root = Path(before.get("folder") or tempfile.mkdtemp(prefix="lantai-services-"))
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o711)
    state: dict[str, Any] = {"folder": str(root), "servers": {}, "database": before.get("database")}
    lines: dict[str, str] = {}
    missing = 0
    for make in (_postgres, _seaweed, _elastic, _clamd):
        name = make.__name__.removeprefix("_")
        try:
            server, settings, memory = make(root / name, before)
        except NotHere as error:
            print(f"{name}: left out: {error}")
            missing = 1
            continue
        state["servers"][name] = {"pid": server.pid, **memory}
        state["database"] = memory.get("database", state["database"])
        lines |= settings
        print(f"{name}: runs (process {server.pid})")
        STATE.write_text(json.dumps(state), encoding="utf-8")
    text = "".join(f"{key}={shlex.quote(value)}\n" for key, value in lines.items())
    ENVIRONMENT.write_text(text, encoding="utf-8")
    ENVIRONMENT.chmod(0o600)
    print(f"Settings of a site on them: {ENVIRONMENT} (set -a; . {os.path.relpath(ENVIRONMENT)}; set +a)")
    return missing


def _remembered(before: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = before.get("servers", {}).get(name, {})
    return found


def _postgres(folder: Path, before: dict[str, Any]) -> tuple[Server, dict[str, str], dict[str, Any]]:
    server = Postgres(folder)
    server.port = _remembered(before, "postgres").get("port", 0)
    server.start()
    name = before.get("database")
    database = server.database(name) if name else server.create_database()
    settings = {"LANTAI_DATABASE_URL": database.program_url, "LANTAI_DATABASE_OWNER_URL": database.owner_url}
    return server, settings, {"port": server.port, "database": database.name}


def _seaweed(folder: Path, before: dict[str, Any]) -> tuple[Server, dict[str, str], dict[str, Any]]:
    server = Seaweed(folder)
    server.use_ports(_remembered(before, "seaweed").get("ports", []))
    server.start()
    there = {one["Name"] for one in server.client().list_buckets()["Buckets"]}
    for bucket in _BUCKETS:
        if bucket not in there:
            server.make_bucket(bucket)
    replicas = [
        {
            "name": name,
            "kind": "s3",
            "endpoint": server.endpoint,
            "bucket": bucket,
            "region": "us-east-1",
            "access_key": who.access_key,
            "secret_key": who.secret_key,
        }
        for name, bucket, who in zip("ab", _BUCKETS, (server.writer, server.other_writer), strict=True)
    ]
    return server, {"LANTAI_REPLICAS": json.dumps(replicas)}, {"ports": server.ports}


def _elastic(folder: Path, before: dict[str, Any]) -> tuple[Server, dict[str, str], dict[str, Any]]:
    server = Elastic(folder)
    server.port = _remembered(before, "elastic").get("port", 0)
    server.start()
    settings = {
        "LANTAI_SEARCH__ENGINE": "elasticsearch",
        "LANTAI_SEARCH__URLS": json.dumps([server.url]),
        "LANTAI_SEARCH__REPLICAS": "0",
    }
    return server, settings, {"port": server.port}


def _clamd(folder: Path, before: dict[str, Any]) -> tuple[Server, dict[str, str], dict[str, Any]]:
    server = Clamd(folder)
    server.port = _remembered(before, "clamd").get("port", 0)
    server.start()
    return server, {"LANTAI_VIRUS__ADDRESS": server.address}, {"port": server.port}


def stop() -> int:
    """End them; their data stay for ``KEEP=1 make services``."""
    if not STATE.exists():
        print("No services run.")
        return 0
    _end(_state())
    with suppress(FileNotFoundError):
        ENVIRONMENT.unlink()
    print("The services have ended. KEEP=1 make services takes up their data; make services begins anew.")
    return 0


def _state() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        found = json.loads(STATE.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


_CLASSES: dict[str, type[Postgres] | type[Seaweed] | type[Elastic] | type[Clamd]] = {
    "postgres": Postgres,
    "seaweed": Seaweed,
    "elastic": Elastic,
    "clamd": Clamd,
}


def _end(state: dict[str, Any]) -> None:
    """End the processes of ``state`` that are still what they were."""
    for name, known in state.get("servers", {}).items():
        folder = Path(state["folder"]) / name
        pid = known.get("pid")
        if not isinstance(pid, int) or not _is_ours(pid, folder):
            continue
        server = _CLASSES[name](folder)
        server.pid = pid
        server.stop()


def _is_ours(pid: int, folder: Path) -> bool:
    """Whether the process still is the server of ``folder``: numbers of processes are used again."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes() + Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
    return os.fsencode(folder) in command


def _remove(state: dict[str, Any]) -> None:
    folder = state.get("folder")
    if folder and Path(folder).name.startswith("lantai-services-"):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    raise SystemExit({"start": start, "stop": stop}[sys.argv[1]]())
