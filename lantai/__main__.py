"""``python -m lantai``: the command line."""

from lantai.cli import main

main()
