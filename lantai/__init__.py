"""The program: settings, HTTP, command line, worker. The only package that knows FastAPI, Typer and DBOS."""

__version__ = "0.1.0"
