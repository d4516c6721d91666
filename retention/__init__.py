"""How long records are kept, by which rule, from when; nothing is ever destroyed by a timer.

``periods``, ``triggers`` and ``assignment`` are pure rules; ``schedules`` writes and explains assignments.
"""
