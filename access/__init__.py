"""People and what they may see: organs, accounts, roles, the gate, the use register."""
