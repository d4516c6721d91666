"""The life of replicas: how one joins, is filled and verified, is compared with another, and leaves.

A store becomes a replica by ``add_replica``; it is ``filling`` until it holds, read back, every object that the holding
had when it joined (``filling``), and ``active`` from then on; ``retire_replica`` takes one out of use. Writing to the
replicas is ``repository.storage.replicas``; catching up one that was away is ``repository.pending``.
"""

from repository.replication.adding import add_replica, refuse_when_taken
from repository.replication.comparing import Comparison, Difference, compare, confirm_pair
from repository.replication.destroyed import list_destroyed
from repository.replication.filling import Step, close_gaps, fill, filling_replicas
from repository.replication.report import ReplicaReport, report
from repository.replication.retiring import retire_replica, unknown_replica
from repository.replication.states import KnownStates

__all__ = [
    "Comparison",
    "Difference",
    "KnownStates",
    "ReplicaReport",
    "Step",
    "add_replica",
    "close_gaps",
    "compare",
    "confirm_pair",
    "fill",
    "filling_replicas",
    "list_destroyed",
    "refuse_when_taken",
    "report",
    "retire_replica",
    "unknown_replica",
]
