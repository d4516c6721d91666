"""Making the catalogue anew from what the replicas hold (docs/architecture.md, "When the database is gone").

``rebuild`` reads one replica into an empty database; its report says as of which block, and what did not fit.
"""

from repository.rebuild.report import Difference, Fault, RebuildReport
from repository.rebuild.run import rebuild

__all__ = ["Difference", "Fault", "RebuildReport", "rebuild"]
