"""A deposit list looked through over the web, before a deposit; page and API share this."""

from __future__ import annotations

from ingest.list_report import ListReport, check_bytes
from ingest.pool import CheckPool
from lantai.web.visit import Visit
from metadata.errors import Invalid
from metadata.rights import Permission

ENDINGS = (".xlsx", ".csv", ".json")


def checked(visit: Visit, name: str, data: bytes) -> ListReport:
    """The report on a list; ``Invalid`` for a name of no kind of list. Nothing is kept."""
    visit.require(Permission.DEPOSIT)
    name = name.replace("\\", "/").rpartition("/")[2]
    if not name.lower().endswith(ENDINGS):
        raise Invalid(
            "list.wrong_kind",
            zh="移交清单应为 XLSX、CSV 或 JSON 文件。旧版 XLS 请另存为 XLSX。",
            en="A deposit list is an XLSX, CSV or JSON file. Save an old XLS as XLSX.",
        )
    limits = visit.site.settings.limits
    made: list[CheckPool] = []

    def pool() -> CheckPool:
        made.append(CheckPool(1, memory_bytes=limits.check_memory, seconds=limits.check_seconds, batch=1))
        return made[0]

    try:
        with visit.reading() as session:
            profile = visit.site.archive.profile
            return check_bytes(
                session, name=name, data=data, actor=visit.person, profile=profile, limits=limits, pool=pool
            )
    finally:
        for one in made:
            one.close()
