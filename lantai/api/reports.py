"""Four-property reports for programs: the JSON of format ``lantai-four-property-report/1``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Query

from lantai.api.models import PROBLEMS
from lantai.part import ApiPart
from lantai.reporting import Wanted
from lantai.web.pages import reports
from lantai.web.visit import ApiVisit

router = ApiPart(tags=["reports"], responses=PROBLEMS)


@router.get("/submissions/{submission_id}/report", summary="Four-property report of a deposit")
def of_submission(visit: ApiVisit, submission_id: str, stage: Literal["G", "T"] = "G") -> dict[str, Any]:
    """Every item of the stage (G filing, T hand-over and receipt) with its result and findings; what was not checked."""
    return reports.made(visit, Wanted("submission", submission_id, stage=stage)).as_dict()


@router.get("/households/{household_no}/report", summary="Four-property report of a household file")
def of_household(
    visit: ApiVisit, household_no: str, programme: Annotated[str, Query(max_length=16)] = ""
) -> dict[str, Any]:
    """Stage P (long-term preservation) over the records of the file that the caller may read."""
    return reports.made(visit, reports.household(household_no, programme)).as_dict()


@router.get("/records/{record_id}/report", summary="Four-property report of a record")
def of_record(visit: ApiVisit, record_id: str) -> dict[str, Any]:
    """Stage P over one record."""
    return reports.made(visit, Wanted("record", record_id)).as_dict()
