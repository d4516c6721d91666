"""The commands of the images outside a container, with the settings of `compose.yaml` led to real servers of this machine.

The index stays embedded here: Elasticsearch has its own tests.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.services.postgres import Postgres
from tests.services.seaweed import Seaweed

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
LANTAI = Path(sys.executable).with_name("lantai")

pytestmark = pytest.mark.slow


def _environment(folder: Path, postgres: Postgres, seaweed: Seaweed, port: int) -> dict[str, str]:
    """What a container of ours sees, with places of this machine; secrets are files here too."""
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    told = {name: value for name, value in services["web"]["environment"].items() if "SEARCH" not in name}
    database = postgres.create_database()
    secrets = folder / "secrets"
    secrets.mkdir()
    (secrets / "lantai_database_url").write_text(database.program_url, encoding="utf-8")
    (secrets / "lantai_database_owner_url").write_text(database.owner_url, encoding="utf-8")
    word = seaweed.writer.secret_key
    (secrets / "lantai_replica_secrets").write_text(json.dumps({"a": word, "b": word}), encoding="utf-8")
    (secrets / "lantai_backup").write_text('{"passphrase": "correct horse battery"}', encoding="utf-8")
    who = {"access_key": seaweed.admin.access_key, "secret_key": seaweed.admin.secret_key}
    replicas = json.loads(told["LANTAI_REPLICAS"])
    admins = {f"deploy-{one['name']}-{port}": who for one in replicas}
    (secrets / "s3_admins").write_text(json.dumps(admins), encoding="utf-8")
    for one in replicas:
        one |= {"endpoint": seaweed.endpoint, "bucket": f"deploy-{one['name']}-{port}"}
        one["access_key"] = seaweed.writer.access_key
    (folder / "tmp").mkdir()
    return {
        **{name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ},
        **told,
        "LANTAI_HOME": str(folder / "home"),
        "LANTAI_SECRETS_DIR": str(secrets),
        "LANTAI_HOST": "127.0.0.1",
        "LANTAI_PORT": str(port),
        "LANTAI_HOSTS": '["127.0.0.1"]',
        "LANTAI_REPLICAS": json.dumps(replicas),
        "LANTAI_VIRUS__ADDRESS": "",
        "LANTAI_BACKUPS": json.dumps([{"name": "backups", "path": str(folder / "backups")}]),
        "S3_ADMINS_FILE": str(secrets / "s3_admins"),
        "HOME": "/nonexistent",
        "TMPDIR": str(folder / "tmp"),
    }


def test_buckets_and_a_site_are_made_once_and_checks_say_that_nothing_runs(
    tmp_path: Path, postgres: Postgres, seaweed: Seaweed
) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = _environment(tmp_path, postgres, seaweed, port)
    read_only = tmp_path / "root"
    read_only.mkdir(mode=0o555)

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(LANTAI), *arguments], env=env, cwd=read_only, capture_output=True, text=True, timeout=200, check=False
        )

    buckets = [f"{seaweed.endpoint}=deploy-{name}-{port}" for name in "ab"]
    for _ in range(2):
        subprocess.run([sys.executable, str(DEPLOY / "make_buckets.py"), *buckets], env=env, check=True, timeout=120)
    first = run("init", "--yes", "--if-needed")
    assert first.returncode == 0, first.stderr
    again = run("init", "--yes", "--if-needed")
    assert again.returncode == 0, again.stderr
    for path in (tmp_path / "home").rglob("*.toml"):
        assert seaweed.writer.secret_key not in path.read_text(encoding="utf-8")
    (tmp_path / "secrets" / "lantai_database_owner_url").unlink()  # web and workers are not given it
    assert run("health").returncode == run("health", "--worker").returncode == 1
    assert sorted(one.name for one in tmp_path.iterdir()) == ["home", "root", "secrets", "tmp"]
    assert list(read_only.iterdir()) == []
