"""What the API says and takes of organs, accounts, roles, sessions and the log."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from lantai.api.models import Answer


class Given(BaseModel):
    """Root of what is given: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Organ(Answer):
    """An organ; ``revision`` is what a change names as ``seen``."""

    code: str = Field(examples=["ts-qingshi"])
    name_zh: str = Field(examples=["青石镇人民政府"])
    name_en: str = Field(examples=["Qingshi"])
    level: str = Field(examples=["TS"])
    division: str = Field(examples=["990101001"])
    superior: str = Field(description="code of the organ above; empty at the top", examples=["bureau"])
    accounts: int = Field(description="open accounts")
    closed_at: datetime | None
    revision: int


class NewOrgan(Given):
    """An organ to be entered."""

    code: str = Field(max_length=40, examples=["ts-qingshi"])
    name_zh: str = Field(max_length=400, examples=["青石镇人民政府"])
    name_en: str = Field("", max_length=400, examples=["Qingshi"])
    level: str = Field(max_length=8, examples=["TS"])
    division: str = Field("", max_length=20, examples=["990101001"])
    superior: str = Field("", max_length=40, examples=["bureau"])


class ChangedOrgan(Given):
    """An organ as it shall be; ``seen``: the revision that the change is made on, so that no other change is lost."""

    name_zh: str = Field(max_length=400, examples=["青石镇人民政府"])
    name_en: str = Field("", max_length=400)
    level: str = Field(max_length=8, examples=["TS"])
    division: str = Field("", max_length=20, examples=["990101001"])
    superior: str = Field("", max_length=40, examples=["bureau"])
    seen: int | None = Field(None, ge=0, le=2**31, examples=[1])


class Held(Answer):
    """A role that somebody holds, held or will hold; ``state``: in_force, coming, ended."""

    role: str = Field(examples=["archivist"])
    organ: str = Field(examples=["bureau"])
    starts_on: date | None
    ends_on: date | None = Field(description="the role ends before this day")
    state: str = Field(examples=["in_force"])


class Holder(Held):
    """A role in force, with whom it is held by."""

    username: str = Field(examples=["demo-archivist"])
    name: str


class Account(Answer):
    """An account; ``state``: open, closed, half_waits (the second half of its one-time password)."""

    id: str
    username: str = Field(examples=["demo-archivist"])
    name: str
    organ: str = Field(description="code of the organ", validation_alias="organ_code", examples=["bureau"])
    state: str = Field(examples=["open"])
    active: bool
    last_seen_at: datetime | None
    created_at: datetime
    revision: int
    held: list[Held]


class NewAccount(Given):
    """An account to be opened; it holds no role yet."""

    username: str = Field(max_length=100, examples=["wang.xiuying"])
    name: str = Field(max_length=200, examples=["王秀英"])
    organ: str = Field(max_length=40, examples=["bureau"])


class ChangedAccount(Given):
    """Another name or organ of a person; what is not given stays."""

    name: str | None = Field(None, max_length=200, examples=["王秀英"])
    organ: str | None = Field(None, max_length=40, examples=["bureau"])
    seen: int | None = Field(None, ge=0, le=2**31, examples=[1])


class PasswordHalf(Answer):
    """One half of a one-time password, told this once: type first half, hyphen, second half."""

    username: str
    part: int = Field(description="1: from the system administrator, 2: from the security administrator", examples=[1])
    half: str = Field(validation_alias="text", examples=["abcd-efgh"])


class NewRole(Given):
    """A role to be granted, from today unless said otherwise, until before ``ends_on``."""

    role: str = Field(max_length=50, examples=["archivist"])
    organ: str = Field(max_length=40, examples=["bureau"])
    starts_on: date | None = None
    ends_on: date | None = Field(None, examples=["2027-01-01"])


class EndedRole(Given):
    """A role to be ended at once."""

    role: str = Field(max_length=50, examples=["archivist"])
    organ: str = Field(max_length=40, examples=["bureau"])


class RoleRule(Answer):
    """What a role permits: permission -> ``yes``, ``own`` (of its organ only), ``on_grant``; with the rule's citation."""

    code: str = Field(examples=["archivist"])
    name: str
    levels: str
    numbers: str = Field(description="none, masked, own, full", examples=["full"])
    access_level: str = Field(examples=["restricted"])
    permits: dict[str, str] = Field(examples=[{"record.read": "yes"}])
    basis: str
    status: str


class LoginSession(Answer):
    """A signed-in browser; ``here``: the one that asks."""

    id: str
    username: str
    device: str = Field(examples=["Chrome · Windows"])
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    here: bool


class LogEntry(Answer):
    """One act of the ledger: ids, codes and counts."""

    seq: int
    id: str
    at: datetime
    act: str = Field(examples=["role.granted"])
    who: str = Field(description="user name, else the id as the ledger holds it", examples=["demo-sec"])
    organ: str = Field(examples=["bureau"])
    facts: dict[str, Any] = Field(examples=[{"role": "archivist"}])


class Rules(Answer):
    """The profile in force."""

    label: str = Field(examples=["social_assistance/2026.3"])
    digest: str
    versions: list[str] = Field(description="versions used here, newest first")
    rules: dict[str, int] = Field(description="retention rules by how far they were checked")
