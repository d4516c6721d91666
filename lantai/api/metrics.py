"""``/metrics``: figures for Prometheus, for whom the settings let read them; for everybody else nothing is there."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from lantai.metering import FORWARDED, Readers
from lantai.metrics import CONTENT_TYPE_LATEST, Meters
from lantai.site import Site
from lantai.web.limits import address_of, too_many

router = APIRouter()


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The figures of this process and of the whole site; 404 for who may not read them, 401 for a wrong token.

    ``TooMany`` after many wrong tokens from this network address (``request.too_many``).
    """
    site: Site = request.app.state.site
    meters: Meters = request.app.state.meters
    readers: Readers = request.app.state.readers
    address = address_of(request)
    if seconds := readers.wait(address):
        raise too_many(seconds)
    allowed = readers.admit(
        address,
        caller=request.state.caller,
        forwarded=any(name in request.headers for name in FORWARDED),
        authorization=request.headers.get("authorization", ""),
    )
    if not allowed:
        by_token = site.settings.metrics.access == "token"
        raise HTTPException(401 if by_token else 404, headers={"WWW-Authenticate": "Bearer"} if by_token else None)
    return Response(await asyncio.to_thread(meters.text), media_type=CONTENT_TYPE_LATEST)
