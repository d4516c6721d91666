"""Words for codes of requests for access; ``lantai.web.labels`` holds them with the others."""

from __future__ import annotations

from lantai.i18n import N_

REQUESTS: dict[str, dict[str, str]] = {
    "request": {
        "submitted": N_("Waiting for the decision"),
        "questioned": N_("A question waits for an answer"),
        "approved": N_("Granted"),
        "part": N_("Granted in part"),
        "refused": N_("Refused"),
        "withdrawn": N_("Withdrawn"),
        "closed": N_("Closed"),
        "revoked": N_("Revoked"),
    },
    "request_step": {
        "submitted": N_("Request filed"),
        "named": N_("Records looked up and named"),
        "questioned": N_("Question to the asker"),
        "answered": N_("Answer"),
        "decided": N_("Decision"),
        "reminded": N_("Reminder: the grant ends soon"),
        "withdrawn": N_("Request withdrawn"),
        "revoked": N_("Grant revoked"),
        "closed": N_("Request closed"),
    },
    "request_decision": {
        "whole": N_("Granted as asked"),
        "part": N_("Granted in part"),
        "refused": N_("Not granted"),
    },
    "request_form": {
        "screen": N_("Read on screen"),
        "copy": N_("Read on screen and take copies"),
    },
    "request_numbers": {
        "masked": N_("ID, bank and telephone numbers masked"),
        "full": N_("ID, bank and telephone numbers as they are"),
    },
}
