"""Engines behind one port: ``base`` says what an engine must do; each other module does it with one product."""
