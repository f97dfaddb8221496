"""Which streams of Binance's markets carry what, and the sockets for them (documentation of 2026-07)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from footloom.errors import ConfigError
from footloom.venues._venue import Socket, Wanted

__all__ = ("COIN_STREAMS", "FUTURES_STREAMS", "SPOT_STREAMS", "Path", "added", "sockets")

_PER_SOCKET = 200  # 1024 are documented, 200 were for years
_PER_MESSAGE = 100  # stream names in one address or one SUBSCRIBE: a few kB
_CHANGES = 100  # messages of an opening have lower numbers
_PARTIAL = (5, 10, 20)  # how many best levels a stream can carry; 0 is the changes of the whole book
_RARE = frozenset({"liquidation"})  # minutes and hours without one are usual
# Streams that speak every second or so on their own, whatever the market does: where one is, silence is a fault.
_STEADY = frozenset({"mark"})
_STALL_S: Final = {True: 15.0, False: 60.0}


class Path(NamedTuple):
    """Where a stream is served and what it is called: ``path`` before ``/stream``, ``name`` behind the symbol."""

    path: str
    name: str


# USD-M since 2026-04-23: on the wrong path a stream is acknowledged and stays silent, as it does at the old root.
# @trade is in no documentation; it was received on /public on 2026-07-31.
FUTURES_STREAMS: Final[Mapping[str, Path]] = {
    "agg_trade": Path("/market", "aggTrade"),
    "trade": Path("/public", "trade"),
    "quote": Path("/public", "bookTicker"),
    "depth": Path("/public", "depth@100ms"),
    "liquidation": Path("/market", "forceOrder"),
    "mark": Path("/market", "markPrice@1s"),
}
# COIN-M has one path (the official client of autumn 2026), though it shares the infrastructure of USD-M.
COIN_STREAMS: Final[Mapping[str, Path]] = {stream: Path("", path.name) for stream, path in FUTURES_STREAMS.items()}
SPOT_STREAMS: Final[Mapping[str, Path]] = {
    "agg_trade": Path("", "aggTrade"),
    "trade": Path("", "trade"),
    "quote": Path("", "bookTicker"),
    "depth": Path("", "depth@100ms"),
}


class _Asked(NamedTuple):
    symbol: str
    stream: str
    name: str


def sockets(
    wanted: Sequence[Wanted], base: str, streams: Mapping[str, Path], *, venue: str, polled: frozenset[str]
) -> list[Socket]:
    """Return the connections that carry what is wanted, a path apart, at most 200 streams each.

    Parameters
    ----------
    wanted
        Symbols and streams; a symbol may come several times.
    base
        ``wss://host``, no path.
    streams
        What the market serves.
    venue
        For names and messages.
    polled
        Streams that are asked for over REST instead: no socket, no error.

    Raises
    ------
    ConfigError
        The market has no such stream, or no such depth.
    """
    by_path: dict[str, dict[_Asked, None]] = {}
    for one in wanted:
        for stream in sorted(one.streams - polled):
            if stream not in streams:
                have = ", ".join(sorted(streams.keys() | polled))
                raise ConfigError(f"{venue} has no stream {stream!r} (asked for {one.symbol}): it has {have}")
            path, name = streams[stream]
            name = _partial(one, venue) if stream == "depth" and one.depth else name
            asked = _Asked(one.symbol, stream, f"{one.symbol.lower()}@{name}")
            by_path.setdefault(path, {})[asked] = None
    return [
        _socket(venue, base, path, number, list(asked)[at : at + _PER_SOCKET])
        for path, asked in sorted(by_path.items())
        for number, at in enumerate(range(0, len(asked), _PER_SOCKET), start=1)
    ]


def _partial(one: Wanted, venue: str) -> str:
    if one.depth not in _PARTIAL:
        offered = ", ".join(map(str, _PARTIAL))
        raise ConfigError(
            f"{venue} has no stream of {one.depth} levels (asked for {one.symbol}): {offered}, or 0 for the whole book"
        )
    return f"depth{one.depth}@100ms"


# The first streams stand in the address and need no acknowledgement; what does not fit is subscribed to.
def _socket(venue: str, base: str, path: str, number: int, asked: Sequence[_Asked]) -> Socket:
    names = [one.name for one in asked]
    opening = [
        _subscribe(names[at : at + _PER_MESSAGE], number=at // _PER_MESSAGE)
        for at in range(_PER_MESSAGE, len(names), _PER_MESSAGE)
    ]
    kind = path.strip("/") or "stream"
    return Socket(
        name=f"{venue} {kind}" if number == 1 else f"{venue} {kind} {number}",
        url=f"{base}{path}/stream?streams={'/'.join(names[:_PER_MESSAGE])}",
        opening=tuple(opening),
        expects=frozenset((one.symbol, one.stream) for one in asked if one.stream not in _RARE),
        stall_s=_STALL_S[any(one.stream in _STEADY for one in asked)],
        sends_per_s=4.0,  # spot cuts at five a second, pongs among them
    )


def _subscribe(names: Sequence[str], *, number: int) -> str:
    return _control("SUBSCRIBE", names, number)


def _control(method: str, names: Sequence[str], number: int) -> str:
    return msgspec.json.encode({"method": method, "params": list(names), "id": number}).decode()


def added(old: Socket, new: Socket) -> tuple[str, ...]:
    """Return the messages that make of a connection that was opened as ``old`` what ``new`` asks for."""
    before, after = _names(old), _names(new)
    gone, more = [name for name in before if name not in after], [name for name in after if name not in before]
    batches = [
        (method, names[at : at + _PER_MESSAGE])
        for method, names in (("UNSUBSCRIBE", gone), ("SUBSCRIBE", more))
        for at in range(0, len(names), _PER_MESSAGE)
    ]
    return tuple(_control(method, names, number) for number, (method, names) in enumerate(batches, start=_CHANGES))


def _names(socket: Socket) -> dict[str, None]:
    names = socket.url.partition("?streams=")[2].split("/")
    for message in socket.opening:
        names += msgspec.json.decode(message)["params"]
    return dict.fromkeys(names)
