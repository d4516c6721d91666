"""The gate: the one way to a record or a case file.

Default deny. What an actor may see is the union over the roles held of

    permission of the role  x  divisions of the organ where it is held  x  access level and marks of the record,

for records that are active. What the profile permits ``on_grant`` is permitted only for what a grant in force names, as far as the grant says so; level
and marks of the record count there too, its division does not. A thing that is not visible is ``NotFound``, worded exactly
as if it were not there.

``access.reach`` works out what somebody reaches, once per session and epoch (``access.permits``). From it alone come
the decisions in memory (``access.deciding``), the criteria of queries (``access.criteria``) and the terms of the search
index (``access.terms``); ``access.listing`` hands out what passes. Callers take all of it from here.
"""

from __future__ import annotations

from access.criteria import all_lies_in, known_households, visible_cases, visible_records
from access.deciding import allowed, allowed_at, decide, decide_case, require
from access.listing import (
    MOST,
    case_meant,
    cases_by_id,
    cases_numbered,
    cases_of,
    file_numbers,
    get_case,
    get_record,
    kinds_present,
    list_cases,
    list_records,
    records_by_id,
    select_records,
)
from access.reach import Because
from access.terms import GrantedClause, PermissionClause, PermissionTerms, permission_terms

__all__ = [
    "MOST",
    "Because",
    "GrantedClause",
    "PermissionClause",
    "PermissionTerms",
    "all_lies_in",
    "allowed",
    "allowed_at",
    "case_meant",
    "cases_by_id",
    "cases_numbered",
    "cases_of",
    "decide",
    "decide_case",
    "file_numbers",
    "get_case",
    "get_record",
    "kinds_present",
    "known_households",
    "list_cases",
    "list_records",
    "permission_terms",
    "records_by_id",
    "require",
    "select_records",
    "visible_cases",
    "visible_records",
]
