"""Stores and replicas: one port (``base.Store``), one contract suite (``tests/contracts``), a backend a module."""
