"""Whether the process lives and whether the site is ready, for whoever watches it; nothing personal, no sign-in."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse

from lantai.parts import Parts, ready
from repository.clock import stamp

router = APIRouter(tags=["system"])


@router.get("/healthz", summary="Is the process alive?")
async def healthz() -> dict[str, str]:
    """Answers as long as the process runs; asks nothing else."""
    return {"status": "ok"}


@router.get("/readyz", summary="Is the site ready?", responses={503: {"description": "The database does not answer"}})
async def readyz(request: Request) -> JSONResponse:
    """How each part of the site is, without places, hosts or sentences: those are for who may see the state of the site.

    503 while nobody can be served, which is while the database is away; ``degraded`` when a part is down or behind and
    the rest goes on. Asked in a thread of its own, so that the answer comes while every other thread waits.
    """
    parts: Parts = request.app.state.parts
    found = await asyncio.to_thread(parts.look)
    serves = ready(found)
    well = all(one.ok for one in found)
    body: dict[str, Any] = {
        "status": ("ready" if well else "degraded") if serves else "not ready",
        "parts": {
            one.name: {
                "state": one.state.value,
                "needed": one.needed,
                **({"since": stamp(one.since)} if one.since is not None else {}),
            }
            for one in found
        },
    }
    return JSONResponse(body, 200 if serves else 503)
