"""Words for codes of replicas; ``lantai.web.labels`` holds them with the others."""

from __future__ import annotations

from lantai.i18n import N_

REPLICAS: dict[str, dict[str, str]] = {
    "replica": {
        "active": N_("In use"),
        "filling": N_("Being filled"),
        "retired": N_("Out of use"),
    },
    "fill_phase": {
        "listing": N_("Objects are being listed"),
        "copying": N_("Objects are being written"),
        "verifying": N_("Objects are being read back"),
    },
}
