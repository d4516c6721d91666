"""Starting to write a file's pages to disk early, without waiting (Linux ``sync_file_range``).

A large object then reaches the disk while the rest of it is still being read, and the final ``fsync``, which alone
promises durability, has little left to do. Where the call is missing nothing happens and ``fsync`` does all the work.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

_SYNC_FILE_RANGE_WRITE = 2


def _find() -> Callable[[int, int, int, int], int] | None:
    try:
        call = ctypes.CDLL(None).sync_file_range
    except (AttributeError, OSError):
        return None
    call.argtypes = (ctypes.c_int, ctypes.c_int64, ctypes.c_int64, ctypes.c_uint)
    call.restype = ctypes.c_int
    found: Callable[[int, int, int, int], int] = call
    return found


_sync_file_range = _find()


def start(descriptor: int, offset: int, length: int) -> None:
    """Ask the system to begin writing a range of dirty pages; errors are left to ``fsync``, which reports them."""
    if _sync_file_range is not None:
        _sync_file_range(descriptor, offset, length, _SYNC_FILE_RANGE_WRITE)
