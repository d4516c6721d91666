"""Real servers for tests and development: started here, on free loopback ports, in temporary folders.

Each class has ``start``, ``stop``, ``kill`` (SIGKILL; the data stay, ``start`` brings it back on the same port) and
``alive``; ``base.NotHere`` says why a machine cannot have one. ``python -m tests.services start`` is `make services`.
"""
