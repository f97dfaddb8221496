"""Work ahead: the next piece is made on another thread while the caller uses this one."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

__all__ = ("prefetched",)

T = TypeVar("T")
_END = object()


def prefetched(pieces: Iterator[T]) -> Iterator[T]:
    """Yield what ``pieces`` yields, one ahead of the caller; memory holds three pieces at most."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="decode") as thread:
        try:
            following: Future[T | object] = thread.submit(next, pieces, _END)
            while (piece := following.result()) is not _END:
                following = thread.submit(next, pieces, _END)
                yield piece  # type: ignore[misc] # not the end
        finally:
            thread.shutdown(wait=True, cancel_futures=True)
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
