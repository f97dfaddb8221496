"""The sockets of one venue: which of them carries what, while symbols come and go.

A symbol stays on the connection that it was put on, so that others never notice: what is new goes where there is room,
what is given up leaves room behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from footloom.errors import ConfigError
from footloom.feeds._asks import united
from footloom.feeds._jobs import Jobs
from footloom.feeds._socket import Keeper, Surroundings
from footloom.venues._venue import Bases, Socket, Wanted

__all__ = ("Carried", "Fleet")


@dataclass(slots=True)
class Carried:
    """What one socket carries, where it leads, and how many ``connections`` have been taken note of."""

    where: str
    wanted: list[Wanted]
    task: asyncio.Task[Any]
    connections: int = 0

    @property
    def names(self) -> list[str]:
        """The symbols on it."""
        return [one.symbol for one in self.wanted]


class Fleet:
    """All sockets of one venue, by what they carry.

    Parameters
    ----------
    venue
        Its module.
    bases
        Its addresses.
    credentials
        What its sockets need.
    """

    def __init__(self, venue: Any, bases: Bases, credentials: Mapping[str, str]) -> None:
        self.keepers: dict[Keeper, Carried] = {}
        self.credentials = dict(credentials)
        self._venue = venue
        self._bases = bases
        self._where: dict[str, str] = {}
        self._opened: dict[str, int] = {}

    def log_in(self, credentials: Mapping[str, str]) -> None:
        """Go on with new credentials: what is open stays open, what connects uses them.

        Raises
        ------
        ConfigError
            They are not enough.
        """
        self.credentials = dict(credentials)
        for keeper, carried in self.keepers.items():
            keeper.renew(self._socket(carried.wanted, keeper.socket.name))

    def check(self, wanted: Sequence[Wanted]) -> None:
        """Refuse what the venue has not, or does not send so much of.

        Raises
        ------
        ConfigError
            So it is, or there are no credentials.
        """
        self._plan(wanted)

    def add(self, wanted: Sequence[Wanted], around: Surroundings, jobs: Jobs) -> None:
        """Listen to more: on open sockets that have room, then on new ones. More streams of a symbol count too.

        Raises
        ------
        ConfigError
            There is no room and no further connection to be had; what had room is listened to.
        """
        for where, parts in self._by_where(wanted).items():
            left = [rest for one in parts if (rest := self._kept(where, one)).streams]
            for keeper, carried in self.keepers.items():
                if carried.where == where and left:
                    count = self._room(carried.wanted, left)
                    self._change(keeper, carried, _merged(carried.wanted, left[:count]))
                    left = left[count:]
            while left:
                count = self._room([], left)
                self._open(where, left[:count], around, jobs)
                left = left[count:]

    # What a socket carries of a symbol stays on it, with more of the same symbol as far as that has room; the rest is
    # returned. Nothing may come twice.
    def _kept(self, where: str, one: Wanted) -> Wanted:
        for keeper, carried in self.keepers.items():
            mine = next((part for part in carried.wanted if part.symbol == one.symbol), None)
            if mine is None or carried.where != where:
                continue
            free = one.streams - self._beside(keeper, where, one.symbol)
            more = _merged(carried.wanted, [msgspec.structs.replace(one, streams=free)])
            known = free if self._is_one(more) else free & mine.streams
            self._change(keeper, carried, _merged(carried.wanted, [msgspec.structs.replace(one, streams=known)]))
            one = msgspec.structs.replace(one, streams=one.streams - known)
        return one

    # What other sockets carry of a symbol since one of them was full.
    def _beside(self, keeper: Keeper, where: str, symbol: str) -> frozenset[str]:
        others = [carried for one, carried in self.keepers.items() if one is not keeper and carried.where == where]
        parts = [part.streams for carried in others for part in carried.wanted if part.symbol == symbol]
        return frozenset().union(*parts)

    def remove(self, symbol: str) -> None:
        """Listen to a symbol no more; a socket that carries nothing else is closed."""
        for keeper, carried in list(self.keepers.items()):
            left = [one for one in carried.wanted if one.symbol != symbol]
            if not left:
                carried.task.cancel()
                del self.keepers[keeper]
            else:
                self._change(keeper, carried, left)

    def carriers(self, name: str) -> Iterator[Keeper]:
        """Return the sockets that carry a symbol."""
        return (keeper for keeper, carried in self.keepers.items() if name in carried.names)

    def _change(self, keeper: Keeper, carried: Carried, wanted: list[Wanted]) -> None:
        if wanted != carried.wanted:
            carried.wanted = wanted
            keeper.change(self._socket(wanted, keeper.socket.name))

    def _open(self, where: str, wanted: list[Wanted], around: Surroundings, jobs: Jobs) -> None:
        most = self._venue.most_sockets(self.credentials) if hasattr(self._venue, "most_sockets") else None
        if most is not None and len(self.keepers) >= most:
            raise ConfigError(
                f"{self._venue.VENUE}: no room for {wanted[0].symbol}"
                f"{f' and {len(wanted) - 1} more' if len(wanted) > 1 else ''} on {most} connections, which is all that "
                "an account has: record fewer symbols"
            )
        plain = self._plan(wanted)[0]
        number = self._opened[where] = self._opened.get(where, 0) + 1
        base = plain.name.removesuffix(" 1")
        name = plain.name if number == 1 else f"{base} {number}"
        keeper = Keeper(msgspec.structs.replace(plain, name=name), around)
        self.keepers[keeper] = Carried(where, list(wanted), jobs.start(keeper.run()))

    # How many of some parts one socket takes beside what it carries; a lone part that fits nowhere is an error.
    def _room(self, carried: Sequence[Wanted], parts: Sequence[Wanted]) -> int:
        if self._is_one(_merged(carried, parts)):
            return len(parts)
        fits, over = 0, len(parts)
        while over - fits > 1:
            middle = (fits + over) // 2
            if self._is_one(_merged(carried, parts[:middle])):
                fits = middle
            else:
                over = middle
        if not fits and not carried:
            self._plan(parts[:1])
            raise ConfigError(f"{self._venue.VENUE}: {parts[0].symbol} does not fit one connection: ask for less of it")
        return fits

    def _is_one(self, wanted: Sequence[Wanted]) -> bool:
        try:
            return len(self._plan(wanted)) == 1
        except ConfigError:
            return False

    def _plan(self, wanted: Sequence[Wanted]) -> list[Socket]:
        sockets: list[Socket] = self._venue.sockets(wanted, self._bases, self.credentials)
        return sockets

    def _socket(self, wanted: Sequence[Wanted], name: str) -> Socket:
        return msgspec.structs.replace(self._plan(wanted)[0], name=name)

    # Some venues serve their streams at several addresses: each part of a symbol goes where its streams are.
    def _by_where(self, wanted: Sequence[Wanted]) -> dict[str, list[Wanted]]:
        parts: dict[str, list[Wanted]] = {}
        for one in wanted:
            streams: dict[str, set[str]] = {}
            for stream in sorted(one.streams):
                where = self._where_of(one, stream)
                if where:
                    streams.setdefault(where, set()).add(stream)
            for where, some in streams.items():
                parts.setdefault(where, []).append(msgspec.structs.replace(one, streams=frozenset(some)))
        return parts

    def _where_of(self, one: Wanted, stream: str) -> str:
        if stream not in self._where:
            sockets = self._plan([msgspec.structs.replace(one, streams=frozenset({stream}))])
            self._where[stream] = sockets[0].url.partition("?")[0] if sockets else ""  # "" is asked for over REST
        return self._where[stream]


def _merged(wanted: Sequence[Wanted], more: Sequence[Wanted]) -> list[Wanted]:
    found = {one.symbol: one for one in wanted}
    for one in more:
        found[one.symbol] = united(found[one.symbol], one) if one.symbol in found else one
    return list(found.values())
