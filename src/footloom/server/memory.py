"""What a large answer took is given back to the system, so that a server of many days stays small."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import sys

__all__ = ("give_back_freed",)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # as malloc.h has them
_LARGE = 1 << 20
_KEPT = 16 << 20


@functools.cache
def give_back_freed() -> bool:
    """Let what this process frees in large pieces go back at once; False where the system knows no such setting.

    glibc learns from the first large array that is freed to keep the next ones, up to 32 MB each, and Arrow's own
    allocator keeps what it has: after some reads of a day a server holds twice the memory that it needs. Some MB of
    smaller pieces are kept: who reads a day a run at a time would get fresh pages, all of them zeroed, for every run.
    """
    if not sys.platform.startswith("linux"):
        return False
    import pyarrow as pa

    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        if libc.mallopt(_M_MMAP_THRESHOLD, _LARGE) and libc.mallopt(_M_TRIM_THRESHOLD, _KEPT):
            pa.set_memory_pool(pa.system_memory_pool())
            return True
    return False
