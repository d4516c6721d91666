"""Whether the process lives and whether the site is ready, for whoever watches it; nothing personal, no sign-in."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lantai.web.views_system import health

router = APIRouter(tags=["system"])


@router.get("/healthz", summary="Is the process alive?")
def healthz() -> dict[str, str]:
    """Answers as long as the process runs; asks nothing else."""
    return {"status": "ok"}


@router.get(
    "/readyz", summary="Is the site ready?", responses={503: {"description": "A part that is needed does not answer"}}
)
def readyz(request: Request) -> JSONResponse:
    """Database, every replica and the index must answer; a missing worker is told but stops nobody from reading."""
    parts = health(request.app.state.site)
    ready = all(one.ok for one in parts if one.needed)
    body: dict[str, Any] = {
        "status": "ready" if ready else "not ready",
        "parts": {one.code: {"ok": one.ok, "needed": one.needed} for one in parts},
    }
    return JSONResponse(body, 200 if ready else 503)
