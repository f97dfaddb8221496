"""Waiting for the first trade of a symbol of which nothing is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from footloom.errors import ConfigError, NotStored, UnknownSymbol
from footloom.feeds.flow import FeedState
from footloom.server.live.board import Board

__all__ = ("wait_for_trades",)

_LOOK_S = 0.05
_BEGINNING = 3  # so many times as long is waited for a feed that has only begun to connect


async def wait_for_trades(
    board: Board,
    key: str,
    resolved: Callable[[], str],
    states: Callable[[], Sequence[tuple[str, FeedState]]],
    ready_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait until a symbol can be charted; ``resolved`` is what its name, ``key``, means by now.

    The board is asked, which is told all the time: to put together how every feed stands (``states``) takes
    milliseconds, and after a restart fifty charts wait here at once. A feed that begins without trouble is waited for
    longer than ``ready_s`` seconds, and from when it has begun it has these to hear a trade: on a busy machine fifty
    charts were refused in the moment in which their feeds went live.

    Raises
    ------
    UnknownSymbol
        Its venue does not list it.
    ConfigError
        Its feed has stopped.
    NotStored
        No trade came in time.
    """
    begun_s = since_s = clock()
    while not board.has_trades(found := resolved()):
        state = board.state(found)
        if state is not None and state.phase == "stopped":  # as it was told last: it may have begun again
            state = dict(states()).get(found)
        if state is not None and state.phase == "stopped":
            raise UnknownSymbol(state.text) if "does not list" in state.text else ConfigError(f"{key}: {state.text}")
        begins = state is None or (state.phase == "connecting" and not state.text)
        if begins:
            since_s = clock()
        if clock() > (begun_s + _BEGINNING * ready_s if begins else since_s + ready_s):
            raise NotStored(
                f"nothing of {key} is stored yet, and no trade came within {clock() - begun_s:.3g} s: its feed is "
                f"{_said(dict(states()).get(found))}; it goes on listening for a while, ask again"
            )
        await asyncio.sleep(_LOOK_S)


def _said(state: FeedState | None) -> str:
    if state is None:
        return "not begun"
    return f"{state.phase}{f', {state.text}' if state.text else ''}"
