"""The four-property report (四性检测报告) of a deposit, of a household file, of one record (DA/T 70-2018).

``of_submission`` speaks of filing and of hand-over and receipt, ``of_case_file`` and ``of_record`` of long-term
preservation. What a person may not see is not in her report.
"""

from ingest.report.holdings import of_case_file, of_record
from ingest.report.model import FORMAT, ItemResult, Remark, Report
from ingest.report.submission import of_submission

__all__ = ["FORMAT", "ItemResult", "Remark", "Report", "of_case_file", "of_record", "of_submission"]
