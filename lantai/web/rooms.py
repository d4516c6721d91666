"""All rooms of the interface on one router."""

from fastapi import APIRouter

from lantai.web.pages import (
    confirming,
    deposit,
    files,
    holdings,
    lists,
    preservation,
    records,
    reports,
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
    lists,
    submissions,
    confirming,
    holdings,
    records,
    reports,
    files,
    search,
    use,
    tokens,
    preservation,
    retention,
    system,
):
    router.include_router(_room.router)
