"""Checks, one module each: ``run`` takes what was received and yields findings. The listing of this folder is the list."""
