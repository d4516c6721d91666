"""A part finds what the routers that it is made like find, and nothing else."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from lantai.part import ApiPart, Part


def _app(room: type[APIRouter], part: type[APIRouter]) -> FastAPI:
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    api, inner, rooms, varying = part(), part(prefix="/tokens"), room(), room()

    @inner.get("/{token}")
    def token(token: str) -> str:
        return token

    @rooms.get("/")
    def today() -> str:
        return "today"

    @rooms.post("/records/{record}")
    def record(record: str) -> str:
        return record

    @varying.get("/{anything}/there")
    def there(anything: str) -> str:
        return anything

    api.include_router(inner)
    app.include_router(api, prefix="/api/v1")
    whole = room()
    for one in (rooms, varying):
        whole.include_router(one)
    app.include_router(whole)
    return app


_PATHS = (
    "/ /records/1 /records/1/ /records //records/1 /x/there /api/v1/tokens/1 /api/v1 /api/v1/ /s/x /api/v1/records/1"
    " /api/v2/tokens/1 /api/v1tokens/1 /tokens/1 /%72ecords/1 /s/records/1 /s /records/records/1"
)


async def _answers(app: FastAPI, root: str) -> dict[tuple[str, str], tuple[int, str, httpx.Headers]]:
    found = {}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app, root_path=root), base_url="http://site") as client:
        for path in _PATHS.split():
            for method in ("GET", "POST", "HEAD", "OPTIONS"):
                answer = await client.request(method, path)
                found[method, path] = (answer.status_code, answer.text, answer.headers)
    return found


@pytest.mark.parametrize("root", ["", "/s", "/records"])
def test_every_address_is_answered_as_by_the_plain_routers(root: str) -> None:
    ours = asyncio.run(_answers(_app(Part, ApiPart), root))
    assert ours == asyncio.run(_answers(_app(APIRouter, APIRouter), root))
    assert 200 in {status for status, _, _ in ours.values()}
