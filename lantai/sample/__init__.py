"""A synthetic county: households that never were, with real documents of every kind the catalogue knows.

The same number of households and the same seed give the same bytes. The division 990101 is fictional, persons,
numbers and accounts are made up, and every page says 合成样例 SYNTHETIC.
"""

from __future__ import annotations

from lantai.sample.writer import SampleSummary, write_sample

__all__ = ["SampleSummary", "write_sample"]
