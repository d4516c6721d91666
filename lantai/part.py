"""The routers that the interface is made of."""

from __future__ import annotations

from functools import cached_property

from fastapi import APIRouter
from starlette.routing import Match
from starlette.types import Scope


class Part(APIRouter):
    """A router that says at once that an address is none of its own, by the first step of the path.

    There are some four hundred routes, and each would be compared with every address, at every level of routers: 4 ms of
    every answer (measured).
    """

    under = ""
    """What stands before the paths of its routes."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a route is meant."""
        if scope["type"] == "http" and not self._may_be(_below(scope)):
            return Match.NONE, {}
        return super().matches(scope)

    def _may_be(self, path: str) -> bool:
        if self.under and not path.startswith(f"{self.under}/"):
            return False
        return self._steps is None or _first(path.removeprefix(self.under)) in self._steps

    @cached_property
    def _steps(self) -> frozenset[str] | None:
        """First steps of the routes; ``None``: any, for there is a router among them, or a step that varies."""
        found = set()
        for route in self.routes:
            first = _first(getattr(route, "path", "/{"))
            if "{" in first:
                return None
            found.add(first)
        return frozenset(found)


def _below(scope: Scope) -> str:
    """The path below the one that a server in front gives to the whole site."""
    path, root = str(scope["path"]), str(scope.get("root_path", ""))
    return path.removeprefix(root) if path.startswith(f"{root}/") or path == root else path


def _first(path: str) -> str:
    return path.removeprefix("/").partition("/")[0]


class ApiPart(Part):
    """A part of the API."""

    under = "/api/v1"
