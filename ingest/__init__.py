"""From hand to shelf: submissions, checks, findings, packaging, accession."""
