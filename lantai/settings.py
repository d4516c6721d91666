"""Settings of a site: ``lantai.toml`` in ``LANTAI_HOME``, overridden by ``LANTAI_*`` in the environment.

Read once by ``load`` and passed in; no module reads the environment by itself. Nested settings are named with two
underscores in the environment (``LANTAI_LIMITS__MAX_FILES=5000``).
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from access.passwords import PasswordRules
from ingest.limits import IngestLimits, VirusScanner
from lantai.backup_settings import BackupSettings
from lantai.replica_settings import ReplicaSettings
from metadata.errors import Invalid
from repository.db import DatabasePool

DEFAULT_HOME = "lantai-home"
FILE_NAME = "lantai.toml"
_SHORTEST_TOKEN = 20
PREFIX = "LANTAI_"
_NAMED = re.compile(r'field "([a-z_]+)"')
"""Where the library names the setting whose JSON it cannot read; its words repeat nothing of the value."""


class WatchedFolder(BaseModel):
    """A folder that an organ's scanner or system writes into; what rests there becomes deposits."""

    model_config = ConfigDict(extra="forbid")

    path: Path = Field(description="folder to watch; relative paths count from LANTAI_HOME")
    organ: str = Field(description="code of the organ that deposits")
    programme: str = Field("", description="programme of everything put there; empty: as the papers say")
    quiet_seconds: float = Field(
        30.0, ge=1, le=86_400, description="how long a file must stand still before it is taken"
    )


class PasswordSettings(BaseModel):
    """What the site asks of passwords."""

    model_config = ConfigDict(extra="forbid")

    shortest: int = Field(10, ge=8, le=64, description="characters that a password has at least")
    remembered: int = Field(5, ge=0, le=20, description="passwords of a person that may not come back")
    days: int = Field(0, ge=0, le=3650, description="days until a password must be changed; 0: never by age")


class RateSettings(BaseModel):
    """How often one browser, program or address may ask; 0: as often as it likes."""

    model_config = ConfigDict(extra="forbid")

    searches_per_minute: int = Field(240, ge=0, description="searches of one session or token in a minute")
    failed_sign_ins_per_minute: int = Field(
        60,
        ge=0,
        description="wrong passwords from one address in a minute, known browsers not counted; and as many wrong tokens for `/metrics`",
    )


class SearchSettings(BaseModel):
    """Which engine holds the search index, and how to reach it."""

    model_config = ConfigDict(extra="forbid")

    engine: Literal["embedded", "elasticsearch"] = Field(
        "embedded", description="embedded: a folder of this machine; elasticsearch: a cluster"
    )
    urls: list[str] = Field(default_factory=list, description="nodes of the cluster, as https://host:9200")
    index: str = Field(
        "lantai",
        pattern=r"^[a-z0-9][a-z0-9-]{0,60}$",
        description="alias of the index in use, and beginning of the names of its generations; one site, one name",
    )
    ca_file: Path | None = Field(None, description="certificates (PEM) that the nodes' own must come from")
    verify: bool = Field(True, description="check the nodes' certificates; off only where nobody else is on the wire")
    user: str = Field("", description="user name; empty: none")
    password: SecretStr = Field(SecretStr(""), description="password of `user`")
    api_key: SecretStr = Field(SecretStr(""), description="encoded API key, instead of user and password")
    shards: int = Field(1, ge=1, le=64, description="primary shards of an index made from now on")
    replicas: int = Field(1, ge=0, le=8, description="further copies of each shard; 0 where there is one node")
    refresh: Literal["now", "wait"] = Field(
        "now", description="after a commit show it at once, or wait for the index's own interval (a second)"
    )
    seconds: float = Field(10.0, gt=0, le=300, description="how long the cluster may take to answer a search")

    @model_validator(mode="after")
    def _reachable(self) -> SearchSettings:
        if self.engine == "elasticsearch" and not self.urls:
            raise ValueError("search.urls names no node of the cluster")
        for url in self.urls:
            if not re.fullmatch(r"https?://[^\s/@:]+:\d{1,5}/?", url):
                raise ValueError("each of search.urls is written http(s)://host:port; names and passwords stand apart")
        if self.user and self.api_key.get_secret_value():
            raise ValueError("give search.user with its password, or search.api_key, not both")
        return self


class MetricsSettings(BaseModel):
    """Who may read the figures at ``/metrics``, and where a worker shows its own."""

    model_config = ConfigDict(extra="forbid")

    access: Literal["off", "loopback", "token"] = Field(
        "off",
        description="who may read `/metrics`: nobody; programs on this machine that come by no proxy; whoever brings `token`",
    )
    token: SecretStr = Field(SecretStr(""), description="sent as `Authorization: Bearer …`; at least 20 characters")
    worker_host: str = Field("127.0.0.1", description="address at which a worker shows its own figures")
    worker_port: int = Field(
        0, ge=0, le=65535, description="port of the same; 0: nowhere; taken already: that worker shows none"
    )

    @model_validator(mode="after")
    def _token_given(self) -> MetricsSettings:
        if self.access == "token" and len(self.token.get_secret_value()) < _SHORTEST_TOKEN:
            raise ValueError(f"access by token needs a token of at least {_SHORTEST_TOKEN} characters")
        return self


class QueueLimits(BaseModel):
    """How many jobs of each queue all workers together run at once; 0: as many as the workers take."""

    model_config = ConfigDict(extra="forbid")

    ingest: int = Field(0, ge=0, le=1024, description="deposits")
    follow_up: int = Field(0, ge=0, le=1024, description="text and index of what is new")
    care: int = Field(0, ge=0, le=1024, description="what the clock begins every minute")
    audit: int = Field(0, ge=0, le=1024, description="re-reading and repair")
    texts: int = Field(0, ge=0, le=1024, description="text that is still to be read")
    images: int = Field(0, ge=0, le=1024, description="pictures of pages")
    ocr: int = Field(0, ge=0, le=1024, description="reading of scans")
    watch: int = Field(1, ge=0, le=1024, description="watched folders")
    index: int = Field(1, ge=0, le=1024, description="making the index anew")
    replicas: int = Field(1, ge=0, le=1024, description="filling and comparing replicas")
    backup: int = Field(1, ge=0, le=1024, description="backups that the clock begins")


class QueueSettings(BaseModel):
    """How many jobs of each queue one worker runs at once; ``together`` limits all workers. The last worker to start
    sets them for all."""

    model_config = ConfigDict(extra="forbid")

    ingest: int = Field(2, ge=1, le=64, description="deposits that one worker examines and stores at once")
    follow_up: int = Field(1, ge=1, le=64, description="text and index of what is new, in one worker")
    care: int = Field(1, ge=1, le=64, description="what the clock begins every minute, in one worker")
    audit: int = Field(1, ge=1, le=64, description="re-reading and repair, in one worker")
    texts: int = Field(1, ge=1, le=64, description="text that is still to be read, in one worker")
    images: int = Field(1, ge=1, le=64, description="pictures of pages, in one worker")
    ocr: int = Field(1, ge=1, le=64, description="reading of scans, in one worker")
    watch: int = Field(1, ge=1, le=64, description="watched folders, in one worker")
    index: int = Field(1, ge=1, le=64, description="making the index anew, in one worker")
    replicas: int = Field(1, ge=1, le=64, description="filling and comparing replicas, in one worker")
    backup: int = Field(1, ge=1, le=64, description="backups that the clock begins, in one worker")
    together: QueueLimits = Field(default_factory=QueueLimits, description="limits for all workers together")

    def of(self, queue: str) -> tuple[int, int]:
        """Jobs of ``queue`` in one worker, and in all together (0: no limit); the first never exceeds the second."""
        here, together = int(getattr(self, queue)), int(getattr(self.together, queue))
        return (min(here, together) if together else here), together


class Settings(BaseSettings):
    """Everything a site may decide. Relative paths count from ``home``."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid")

    home: Path = Field(Path(DEFAULT_HOME), description="folder of everything the site owns")
    holding_id: str | None = Field(None, description="UUID of the holding; written by `lantai init`")
    site_name: str = Field("兰台", description="name shown on every page")
    synthetic: bool = Field(False, description="the holding is sample data; every page says so")
    zone: str = Field("Asia/Shanghai", description="IANA zone in which days are counted and shown")
    profile: str = Field("social_assistance", description="built-in profile name, or a folder with one")
    language: Literal["zh", "en"] = Field("zh", description="first language of pages and commands")
    database_url: str = Field(
        "",
        repr=False,
        description="SQLAlchemy URL; empty: SQLite at lantai.db below home. PostgreSQL: `postgresql://ROLE:PASSWORD@HOST/NAME`, with the role that the program works under",
    )
    database_owner_url: str = Field(
        "",
        repr=False,
        description="the same database with the role that owns its tables, for `lantai init`, upgrades and rebuilds; empty: as `database_url`",
    )
    database_pool: DatabasePool = Field(
        default_factory=DatabasePool, description="connections of each process to PostgreSQL"
    )
    replicas: list[ReplicaSettings] = Field(
        default_factory=lambda: [
            ReplicaSettings(name="a", kind="local", path=Path("replicas/a"), required=True),
            ReplicaSettings(name="b", kind="local", path=Path("replicas/b"), required=True),
        ],
        description="the stores; two by default",
    )
    replica_secrets: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="secret access keys of s3 replicas by name, as in LANTAI_REPLICA_SECRETS__B",
    )
    confirmations: int = Field(
        0,
        ge=0,
        le=16,
        description="replicas that must confirm before a version is registered, no more than are required; 0: every required one",
    )
    backups: list[ReplicaSettings] = Field(
        default_factory=list, description="stores that backups go to; never a replica, nor a folder inside one"
    )
    backup: BackupSettings = Field(default_factory=BackupSettings, description="when, how many, under what passphrase")
    index_folder: Path = Field(Path("index"), description="folder of the embedded index")
    search: SearchSettings = Field(default_factory=SearchSettings, description="the search index")
    quarantine: Path = Field(Path("quarantine"), description="deposits until their first audit has passed")
    derivatives: Path = Field(Path("derivatives"), description="text and images that can be made again")
    keys: Path = Field(Path("keys"), description="ledger, sealing and blinding keys; back this folder up apart")
    host: str = Field("127.0.0.1", description="address that `lantai serve` listens on")
    port: int = Field(8000, ge=1, le=65535, description="port that `lantai serve` listens on")
    session_hours: int = Field(10, ge=1, le=72, description="hours until a signed-in browser must sign in again")
    secure_cookies: bool = Field(
        False, description="cookies and browsers stay on HTTPS (`__Host-` names, HSTS); switch on behind TLS"
    )
    hosts: list[str] = Field(
        default_factory=list,
        description="names in the Host header that are answered, `*.` before one for all below it; empty: this machine's own where `host` is a loopback address, else any",
    )
    proxies: list[str] = Field(
        default_factory=list,
        description="addresses of reverse proxies whose X-Forwarded-For and -Proto are believed; empty: nobody's",
    )
    log_format: Literal["text", "json"] = Field(
        "text", description="lines of the log: for people, or JSON for programs"
    )
    metrics: MetricsSettings = Field(default_factory=MetricsSettings, description="figures for Prometheus")
    password: PasswordSettings = Field(default_factory=PasswordSettings, description="what is asked of passwords")
    rates: RateSettings = Field(default_factory=RateSettings, description="how often one may ask")
    queues: QueueSettings = Field(default_factory=QueueSettings, description="jobs of a kind that run at once")
    check_processes: int = Field(0, ge=0, le=64, description="processes for checks; 0: one per core")
    busy_seconds: float = Field(30.0, gt=0, le=300, description="how long to wait for a lock in the database")
    audit_days: int = Field(90, ge=1, le=3650, description="every object is re-read at least this often")
    worker_ttl_seconds: float = Field(15.0, ge=1, le=300, description="a worker silent this long is taken over")
    worker_grace_seconds: float = Field(
        45.0, ge=1, le=3600, description="how long a worker told to end may go on with the steps in hand"
    )
    virus: VirusScanner = Field(default_factory=VirusScanner, description="virus scanner")
    ocr: Literal["auto", "on", "off"] = Field("auto", description="read scans: auto reads when `make ocr` was run")
    office_converter: str = Field("auto", description="LibreOffice's `soffice` for old office files; auto: from PATH")
    bag_profiles: Path = Field(Path("bag-profiles"), description="folder of BagIt profiles (JSON) deposits are held to")
    watched: list[WatchedFolder] = Field(default_factory=list, description="folders that become deposits")
    upload_hours: int = Field(72, ge=1, le=24 * 90, description="hours until an unfinished upload by parts is dropped")
    limits: IngestLimits = Field(default_factory=IngestLimits, description="limits on what a deposit may be")

    @property
    def password_rules(self) -> PasswordRules:
        """What is asked of passwords, as ``access`` takes it."""
        asked = self.password
        return PasswordRules(shortest=asked.shortest, remembered=asked.remembered, days=asked.days)

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        """The URL with the one driver of PostgreSQL that comes with the program; an error repeats nothing of it."""
        try:
            url = make_url(value) if value else None
        except (ArgumentError, ValueError):  # what is no port may be the end of a password with an @
            raise ValueError("no SQLAlchemy URL, such as postgresql://ROLE:PASSWORD@HOST/NAME") from None
        if url is None or url.get_backend_name() == "sqlite":
            return value
        if url.get_backend_name() != "postgresql" or not url.database:
            raise ValueError("neither SQLite nor a database of PostgreSQL")
        return url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo

        ZoneInfo(value)
        return value

    @model_validator(mode="after")
    def _absolute(self) -> Settings:
        home = Path(os.path.abspath(self.home))  # noqa: PTH100  keep symbolic links as the site named them
        self.home = home
        for name in ("index_folder", "quarantine", "derivatives", "keys", "bag_profiles"):
            setattr(self, name, home / getattr(self, name))
        if self.search.ca_file is not None:
            self.search.ca_file = home / self.search.ca_file
        for replica in self.replicas:
            replica.below(home)
            if replica.name in self.replica_secrets:
                replica.secret_key = self.replica_secrets[replica.name]
        for store in self.backups:
            store.below(home)
            if store.name in self.replica_secrets:
                store.secret_key = self.replica_secrets[store.name]
        if self.backup.passphrase_file is not None:
            self.backup.passphrase_file = home / self.backup.passphrase_file
        for watched in self.watched:
            watched.path = home / watched.path
        if not self.database_url:
            self.database_url = f"sqlite:///{home / 'lantai.db'}"
        self.database_owner_url = self.database_owner_url or self.database_url
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then files of secrets, then ``lantai.toml``.

        ``LANTAI_SECRETS_DIR`` names a folder with one file for each setting, named as its variable in lower case
        (``lantai_database_url``); what a file says of a group (``lantai_search``, JSON) joins what the environment says.
        """
        del dotenv_settings, file_secret_settings
        given = init_settings()
        home = Path(given.get("home") or os.environ.get("LANTAI_HOME") or DEFAULT_HOME)
        file = TomlConfigSettingsSource(settings_cls, toml_file=home / FILE_NAME)
        folder = os.environ.get("LANTAI_SECRETS_DIR")
        if not folder:
            return init_settings, env_settings, file
        return init_settings, env_settings, SecretsSettingsSource(settings_cls, secrets_dir=folder), file


def load(**given: Any) -> Settings:
    """The settings of the site at ``LANTAI_HOME``; ``Invalid`` names the file or variable and the key at fault."""
    try:
        return _with_enough_replicas(Settings(**given))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or "lantai.toml"
        raise Invalid(
            "settings.invalid",
            zh=f"设置有误：{key}：{first['msg']}。请检查 lantai.toml 或环境变量 LANTAI_{key.upper().replace('.', '__')}。",
            en=f"Wrong setting {key}: {first['msg']}. Check lantai.toml or LANTAI_{key.upper().replace('.', '__')}.",
            key=key,
        ) from error
    except SettingsError as error:
        named = _NAMED.search(str(error))
        key = named[1] if named else "?"
        raise Invalid(
            "settings.no_json",
            zh=f"设置 {key} 不是有效的 JSON，没有做任何操作。请检查环境变量 LANTAI_{key.upper()} 或同名的密钥文件。",
            en=f"The setting {key} is not valid JSON; nothing was done. Check LANTAI_{key.upper()} in the environment, or the file of secrets of that name.",
            key=key,
        ) from None
    except tomllib.TOMLDecodeError as error:
        raise Invalid(
            "settings.unreadable",
            zh=f"lantai.toml 不是有效的 TOML：{error}。",
            en=f"lantai.toml is not valid TOML: {error}.",
        ) from error


def _with_enough_replicas(settings: Settings) -> Settings:
    """The settings, unless they ask for more confirmations than they name required replicas, or name none at all.

    What became of a replica since, retired or still being filled, does not count here: a site that runs goes on.
    """
    required = sum(one.required for one in settings.replicas)
    if settings.replicas and not required:
        raise Invalid(
            "settings.no_required_replica",
            zh="设置中的副本都是可选的（required = false），没有副本须确认写入，没有做任何操作。请至少让一个副本为必需（required = true）。",
            en="Every replica in the settings is optional (required = false), so nothing would have to confirm a write; nothing was done. Make at least one of them required (required = true).",
            key="replicas",
        )
    if settings.confirmations > required:
        raise Invalid(
            "settings.confirmations",
            zh=f"设置 confirmations = {settings.confirmations}，而设置中只有 {required} 个必需的副本（required = true），没有做任何操作。请减小 confirmations，或增加必需的副本。",
            en=f"The setting confirmations = {settings.confirmations} asks for more than the {required} required replicas (required = true) in the settings; nothing was done. Lower confirmations, or name more required replicas.",
            key="confirmations",
        )
    return settings
