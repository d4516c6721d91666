"""The rules of all rooms in one table: what every route asks of whoever comes."""

from __future__ import annotations

from tests.journeys import route_rules_keeping, route_rules_papers, route_rules_use
from tests.journeys.route_shapes import Rule

RULES: dict[str, Rule] = {**route_rules_papers.RULES, **route_rules_use.RULES, **route_rules_keeping.RULES}
