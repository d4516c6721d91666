"""All parts of the API on one router, and what their tags mean."""

from fastapi import APIRouter

from lantai.api import (
    alarms,
    arranging,
    describing,
    holdings,
    holds,
    jobs,
    numbers,
    people,
    preservation,
    replicas,
    reports,
    requests,
    retention,
    saved_searches,
    search,
    session,
    submissions,
    system,
    tokens,
    uploads,
    use,
)

TAGS = [
    {"name": "session", "description": "Signing in and out; who is signed in."},
    {"name": "tokens", "description": "Access tokens with which programs act as an account."},
    {"name": "submissions", "description": "Deposits on their way in: files, findings, decisions."},
    {"name": "uploads", "description": "Files by parts that go on after a lost line (tus 1.0.0)."},
    {"name": "holdings", "description": "Case files, records, versions and files, through the gate."},
    {"name": "reports", "description": "Four-property reports of deposits, household files and records."},
    {"name": "search", "description": "Full-text search within what the caller may see."},
    {"name": "use", "description": "The use register: who looked at what, when, why."},
    {"name": "alarms", "description": "What a person must look at, who deals with it, what came of it."},
    {"name": "requests", "description": "Requests for access, decisions, grants."},
    {"name": "preservation", "description": "Replicas, audits, incidents, repair."},
    {"name": "retention", "description": "Why and until when records are kept."},
    {"name": "holds", "description": "What is not to be appraised, transferred or destroyed."},
    {"name": "people", "description": "Organs, accounts, roles, sessions and the log, for the three administrators."},
    {"name": "system", "description": "State of the site, index, jobs."},
]

router = APIRouter()
for _part in (
    session,
    tokens,
    submissions,
    uploads,
    describing,
    holdings,
    arranging,
    numbers,
    reports,
    search,
    saved_searches,
    use,
    alarms,
    requests,
    preservation,
    replicas,
    retention,
    holds,
    people,
    system,
    jobs,
):
    router.include_router(_part.router)
