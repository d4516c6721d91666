"""Measures: ours and the other side in turns, on the same corpora, in one run. Nothing here fails on a timing."""
