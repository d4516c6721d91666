"""People and what they may see: organs, accounts, roles, sessions, the gate, the use register.

Default deny, one gate: no code path reaches a record except through ``access.gate``.
"""
