"""What a client can subscribe to, whatever it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol

from footloom.server.wire.frames import Form
from footloom.server.wire.messages import Subscribed

__all__ = ("AnyTopic",)


class AnyTopic(Protocol):
    """What a client can subscribe to: the chart of a symbol, or another stream of it."""

    id: int
    seq: int
    folding: asyncio.Lock

    @property
    def key(self) -> str:
        """The symbol."""

    def subscribed(self, request_id: int) -> Subscribed:
        """Return the answer to a request of it."""

    def catch_up(self) -> None:
        """Fold what was taken in, and post what it changed: ``seq`` is then that of the next snapshot."""

    def snapshot(self, history_bars: int, form: Form = "binary") -> Awaitable[bytes | str]:
        """Return how it stands at the call, with ``folding``."""

    def study_snapshot(self, history_bars: int, form: Form) -> bytes | str | None:
        """Return what studies beside it say, None where there are none."""
