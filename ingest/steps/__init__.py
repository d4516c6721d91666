"""The steps of ``ingest.pipeline``, one module each; every one is idempotent and keyed by the submission."""
