"""Threads of live charts, apart from those of everything else: what is long holds up neither what is short nor a chart.

A chart of years that somebody opens takes a thread for seconds; meanwhile names are looked up, snapshots packed and
late rows folded into the charts that are open.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

__all__ = ("fold_late", "look_up", "read_chart")

T = TypeVar("T")

_READING: Final = ThreadPoolExecutor(3, thread_name_prefix="chart-read")
_LOOKING: Final = ThreadPoolExecutor(2, thread_name_prefix="chart-look")
_LATE: Final = ThreadPoolExecutor(2, thread_name_prefix="chart-late")


async def read_chart(work: Callable[..., T], *given: Any) -> T:
    """Return what blocking work gives that reads as much as a chart holds; three at a time, the others wait."""
    return await asyncio.get_running_loop().run_in_executor(_READING, lambda: work(*given))


async def look_up(work: Callable[..., T], *given: Any) -> T:
    """Return what short work gives: which chart is meant, whether a symbol is stored, a snapshot as bytes."""
    return await asyncio.get_running_loop().run_in_executor(_LOOKING, lambda: work(*given))


async def fold_late(work: Callable[..., T], *given: Any) -> T:
    """Return what the fold of a late row gives, which reads the store: the chart waits for it."""
    return await asyncio.get_running_loop().run_in_executor(_LATE, lambda: work(*given))
