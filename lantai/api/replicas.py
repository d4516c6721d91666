"""Replicas for programs: how each stands, and adding, filling, comparing, retiring."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from lantai.api.models import PROBLEMS, Answer, Begun
from lantai.part import ApiPart
from lantai.web import views_replicas
from lantai.web.pages import replicas as page
from lantai.web.visit import ApiVisit
from metadata.rights import Permission

router = ApiPart(prefix="/replicas", tags=["preservation"], responses=PROBLEMS)


class Trouble(BaseModel):
    """Why the filling of a replica waits."""

    code: str
    zh: str
    en: str


class ReplicaFilling(Answer):
    """How far a replica that joins has come."""

    phase: str = Field(description="listing, copying or verifying", examples=["copying"])
    objects: int
    bytes: int
    copied_objects: int
    copied_bytes: int
    verified_objects: int
    verified_bytes: int
    trouble: Trouble | None
    started_at: datetime
    updated_at: datetime


class ReplicaState(Answer):
    """One replica; ``domain`` is what fails together with it."""

    name: str
    kind: str
    location: str
    required: bool
    state: str = Field(description="active, filling or retired", examples=["active"])
    reachable: bool
    domain: str
    added_at: datetime
    objects: int
    pending: int
    never_checked: int
    damaged: int
    oldest_check: datetime | None
    last_audit: datetime | None
    inventoried_at: datetime | None
    filling: ReplicaFilling | None


class ReplicaComparison(Answer):
    """How a comparison ended; ``keys``: the first that differ, each with how."""

    first: str
    second: str
    deep: bool
    same: int
    differing: int
    at: datetime
    who: str
    keys: list[tuple[str, str]]


class ReplicaList(Answer):
    """Every replica, what they share, stores of the settings that are no replicas yet, and the last comparisons."""

    replicas: list[ReplicaState]
    shared: list[str]
    waiting: list[str]
    comparisons: list[ReplicaComparison]


class ComparisonWish(BaseModel):
    """Which replicas to compare; ``deep``: by the bytes of every object."""

    model_config = ConfigDict(extra="forbid")

    first: str = Field(max_length=32, examples=["a"])
    second: str = Field(max_length=32, examples=["b"])
    deep: bool = False


class Changed(Answer):
    """Whether anything was changed; false when it was so already."""

    name: str
    changed: bool


@router.get("", summary="How the replicas stand")
def show(visit: ApiVisit) -> ReplicaList:
    """Every replica with its state, and how far one that joins is."""
    visit.require(Permission.FIXITY_READ)
    with visit.reading() as session:
        found = views_replicas.replicas(session, visit)
    return ReplicaList(
        replicas=[ReplicaState.model_validate(one.report) for one in found.replicas],
        shared=found.shared,
        waiting=found.waiting,
        comparisons=[ReplicaComparison.model_validate(one) for one in found.comparisons],
    )


@router.post("/compare", summary="Compare two replicas", status_code=202)
def compare(visit: ApiVisit, wish: ComparisonWish) -> Begun:
    """Have a worker hold the listings of two replicas against each other."""
    return Begun(job=page.begin_comparison(visit, wish.first, wish.second, deep=wish.deep))


@router.post("/{name}", summary="Add a replica", status_code=202)
def add(visit: ApiVisit, name: str) -> Changed:
    """Make a store that the settings describe a replica; workers fill it."""
    return Changed(name=name, changed=page.add(visit, name))


@router.post("/{name}/fill", summary="Go on filling a replica", status_code=202)
def fill(visit: ApiVisit, name: str) -> Begun:
    """Have a worker go on filling a replica that joins."""
    return Begun(job=page.begin_fill(visit, name))


@router.post("/{name}/retire", summary="Take a replica out of use")
def retire(visit: ApiVisit, name: str) -> Changed:
    """No longer written, read or audited; what lies on it stays untouched."""
    return Changed(name=name, changed=page.retire(visit, name))
