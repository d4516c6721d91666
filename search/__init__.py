"""Finding records: one port, engines behind it, the analysis that makes both scripts meet."""
