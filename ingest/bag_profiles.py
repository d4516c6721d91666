"""BagIt profiles (BagIt Profiles Specification 1.4): what a site demands of deposited bags beside RFC 8493.

A site puts profiles as JSON files into one folder. What a profile says about people (contact, organisation) is passed over.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

log = logging.getLogger(__name__)


class About(BaseModel):
    """``BagIt-Profile-Info``: which profile this is."""

    identifier: str = Field(alias="BagIt-Profile-Identifier", min_length=1)


class InfoField(BaseModel):
    """What is demanded of one field of ``bag-info.txt``."""

    required: bool = False
    values: list[str] = []
    repeatable: bool = True


class BagProfile(BaseModel):
    """One profile; names and defaults are the specification's. Lists that are None demand nothing."""

    model_config = ConfigDict(frozen=True)

    about: About = Field(alias="BagIt-Profile-Info")
    info: dict[str, InfoField] = Field({}, alias="Bag-Info")
    manifests_required: list[str] = Field([], alias="Manifests-Required")
    manifests_allowed: list[str] | None = Field(None, alias="Manifests-Allowed")
    tag_manifests_required: list[str] = Field([], alias="Tag-Manifests-Required")
    tag_manifests_allowed: list[str] | None = Field(None, alias="Tag-Manifests-Allowed")
    tag_files_required: list[str] = Field([], alias="Tag-Files-Required")
    tag_files_allowed: list[str] | None = Field(None, alias="Tag-Files-Allowed")
    payload_files_required: list[str] = Field([], alias="Payload-Files-Required")
    payload_files_allowed: list[str] | None = Field(None, alias="Payload-Files-Allowed")
    fetch_allowed: bool = Field(True, alias="Allow-Fetch.txt")
    fetch_required: bool = Field(False, alias="Fetch.txt-Required")
    data_empty: bool = Field(False, alias="Data-Empty")
    serialization: Literal["forbidden", "required", "optional"] = Field("optional", alias="Serialization")
    accept_serialization: list[str] | None = Field(None, alias="Accept-Serialization")
    accept_version: list[str] | None = Field(None, alias="Accept-BagIt-Version")


def load(folder: Path | None) -> Mapping[str, BagProfile]:
    """Every profile in ``folder`` by its identifier.

    A file that is no profile is logged and left out: a bag that names it is then told as not checked.
    """
    found: dict[str, BagProfile] = {}
    if folder is None or not folder.is_dir():
        return found
    for path in sorted(folder.glob("*.json")):
        try:
            profile = BagProfile.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            log.warning("%s is no BagIt profile: %s", path.name, type(error).__name__)
            continue
        found[profile.about.identifier.strip()] = profile
    return found
