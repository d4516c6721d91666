"""Words for jobs: their states, what they do, the queues they wait in. ``lantai.web.labels`` holds them with the others."""

from __future__ import annotations

from lantai.i18n import N_

JOBS: dict[str, dict[str, str]] = {
    "job_state": {
        "waiting": N_("Waiting"),
        "running": N_("Running"),
        "done": N_("Finished"),
        "failed": N_("Failed"),
        "stopped": N_("Stopped"),
    },
    "queue": {
        "ingest": N_("Deposits"),
        "follow_up": N_("Text and index"),
        "care": N_("Daily care"),
        "audit": N_("Re-reading and repair"),
        "images": N_("Pictures of pages"),
        "ocr": N_("Reading of scans"),
        "watch": N_("Watched folders"),
        "index": N_("Making the index anew"),
    },
    "job_step": {
        "pipeline_step": N_("A batch of a deposit"),
        "enqueue_follow_up": N_("Text and index enqueued"),
        "care_step": N_("A batch of care"),
        "audit_step": N_("Re-reading"),
        "repair_step": N_("Repair"),
        "rebuild_index_step": N_("Making the index anew"),
    },
    "work": {
        "ingest_v1": N_("Take in a submission"),
        "follow_up_v1": N_("Text and index"),
        "audit_v1": N_("Re-read every object"),
        "repair_v1": N_("Repair damage"),
        "care_v1": N_("Daily care"),
        "care.backup": N_("Make a backup"),
        "care.pending": N_("Write what a replica lacks"),
        "care.derive": N_("Read the text of files"),
        "care.images": N_("Make pictures of pages"),
        "care.ocr": N_("Recognise text in scans"),
        "care.index": N_("Carry changes into the search index"),
        "care.seal": N_("Seal the ledger"),
        "care.retention": N_("Carry new retention rules through"),
        "care.due-totals": N_("Count what is due for appraisal"),
        "care.first-audit": N_("Re-read what is new"),
        "care.parts": N_("Tell of parts that stay down"),
        "care.carry-on": N_("Carry on what was interrupted"),
        "care.watch": N_("Look at watched folders"),
        "care.uploads": N_("Drop uploads that were never finished"),
        "care.release": N_("Clear what is stored out of quarantine"),
        "care.audit": N_("Re-read what was read longest ago"),
        "care.inventory": N_("Count what lies on replicas"),
        "care.totals": N_("Count holdings and findings"),
        "care.grants": N_("End grants that are over, remind of those that end soon"),
        "care.prune": N_("Clear away jobs long ended"),
        "care.checkpoint": N_("Checkpoint of the ledger"),
        "rebuild_index_v1": N_("Make the search index anew"),
    },
}
