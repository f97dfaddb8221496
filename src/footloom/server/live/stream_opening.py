"""How a stream that is no chart starts: it reads the store, and takes in what came meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from footloom.server.live.chains import place_of, start_chain
from footloom.server.live.lanes import look_up
from footloom.server.live.sides import Side, stored_rows
from footloom.server.live.symbol_state import Stream, SymbolState
from footloom.server.wire.messages import ChainAsked, StreamRequest
from footloom.store import Store

__all__ = ("opened",)


async def opened(symbol: SymbolState, key: str, asked: StreamRequest, store: Store, ids: Iterator[int]) -> Stream:
    """Return the stream that is asked for, started if it does not run.

    Raises
    ------
    FootloomError
        It cannot be: nothing is stored of it, say.
    """
    if asked.name == "options":
        chain = asked.chain or ChainAsked()
        return await _started(symbol, place_of(chain), lambda: start_chain(next(ids), key, chain, store))
    name = asked.name
    return await _started(symbol, name, lambda: Side(next(ids), key, name, stored_rows(store, key, name)))


# No await between the end of the backlog and the stream's place among the others: nothing is missed.
async def _started(symbol: SymbolState, name: str, start: Callable[[], Stream]) -> Stream:
    if name in symbol.sides:
        return symbol.sides[name]
    place = object()
    backlog = symbol.stream_backlogs[place] = []
    try:
        stream = await look_up(start)
    finally:
        del symbol.stream_backlogs[place]
    if name not in symbol.sides:
        symbol.sides[name] = stream
        stream.catch_up(backlog)
    return symbol.sides[name]
