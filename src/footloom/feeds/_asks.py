"""Who asked for what: names as people write them, the symbols they mean, and how often each was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from footloom.venues._venue import Wanted

__all__ = ("Asks", "united")


@dataclass(slots=True)
class _Ask:
    wanted: Wanted
    symbol: str  # as the venue has it; as it was written until the venue has said
    resolved: bool = False
    times: int = 1


class Asks:
    """What one venue is asked for. A symbol that several ask for is listened to once, with all of their streams."""

    def __init__(self, wanted: Sequence[Wanted] = ()) -> None:
        self._asks: dict[str, _Ask] = {}
        for one in wanted:
            self.add(one)

    def add(self, wanted: Wanted) -> None:
        """Ask for something, once more where it is asked for already."""
        name = wanted.symbol
        ask = self._asks.get(name) or next((one for one in self._asks.values() if one.symbol == name), None)
        if ask is None:
            self._asks[name] = _Ask(wanted, name)
        else:
            ask.times += 1
            ask.wanted = united(ask.wanted, wanted)

    def drop(self, name: str) -> str | None:
        """Take one asking back; returns the symbol that nobody asks for any more, None where somebody does."""
        found = [key for key, ask in self._asks.items() if name in {key, ask.symbol}]
        if not found:
            return None
        key = name if name in found else found[-1]
        ask = self._asks[key]
        ask.times -= 1
        if ask.times:
            return None
        del self._asks[key]
        return None if any(one.symbol == ask.symbol for one in self._asks.values()) else ask.symbol

    def resolve(self, name: str, symbol: str) -> str | None:
        """Note what a name means now; returns the symbol that it meant before, where nobody asks for that any more."""
        ask = self._asks[name]
        before, ask.symbol, ask.resolved = ask.symbol, symbol, True
        gone = before not in {name, symbol} and all(one.symbol != before for one in self._asks.values())
        return before if gone else None

    @property
    def unresolved(self) -> list[str]:
        """Names whose meaning is not known yet."""
        return [name for name, ask in self._asks.items() if not ask.resolved]

    @property
    def meanings(self) -> dict[str, str]:
        """What the names mean that a venue has said something of."""
        return {name: ask.symbol for name, ask in self._asks.items() if ask.resolved}

    @property
    def symbols(self) -> list[str]:
        """The symbols, each once, in the order in which they were asked for."""
        return list(dict.fromkeys(ask.symbol for ask in self._asks.values()))

    @property
    def names(self) -> list[str]:
        """The names, as they were written."""
        return list(self._asks)

    def named(self, name: str) -> Wanted:
        """Return what was asked for under a name.

        Raises
        ------
        KeyError
            Nothing was.
        """
        return self._asks[name].wanted

    def wanted(self, symbol: str) -> Wanted:
        """Return all that is wanted of a symbol.

        Raises
        ------
        KeyError
            Nobody asks for it.
        """
        found: Wanted | None = None
        for ask in self._asks.values():
            if ask.symbol == symbol:
                one = msgspec.structs.replace(ask.wanted, symbol=symbol)
                found = one if found is None else united(found, one)
        if found is None:
            raise KeyError(symbol)
        return found


def united(one: Wanted, other: Wanted) -> Wanted:
    """Return what holds the streams of both; of two depths the first that was asked for counts."""
    depth = one.depth if "depth" in one.streams else other.depth
    return msgspec.structs.replace(
        one,
        streams=one.streams | other.streams,
        depth=depth,
        options=one.options or other.options,
        chain=one.chain or other.chain,
    )
