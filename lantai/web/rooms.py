"""All rooms of the interface on one router."""

from fastapi import APIRouter

from lantai.web.pages import (
    deposit,
    files,
    holdings,
    preservation,
    records,
    retention,
    search,
    signing,
    submissions,
    system,
    today,
    tokens,
    use,
)

router = APIRouter()
for _room in (
    signing,
    today,
    deposit,
    submissions,
    holdings,
    records,
    files,
    search,
    use,
    tokens,
    preservation,
    retention,
    system,
):
    router.include_router(_room.router)
