"""How long records are kept and why: triggers, periods, assignment."""
