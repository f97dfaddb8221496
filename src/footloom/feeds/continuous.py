"""Continuous futures of what is stored: ``upstox:NIFTY.FUT1`` as a view of the contracts that were recorded.

Contracts are stored, the view is made when it is read: in each stretch of time the rows of one contract, with a `Roll`
where two meet (definitions 0.7). The store knows the contracts that it has definitions of. The name says the rest:

``upstox:NIFTY.FUT1``
    The nearest contract, until the close of its day of expiry; ``FUT2`` is the one after it.
``upstox:NIFTY.FUT1@open_interest``
    Until the first close of a session at which the next contract has the greater open interest.
``upstox:NIFTY.FUT1@adjusted``, ``upstox:NIFTY.FUT1@open_interest@adjusted``
    The prices before each roll moved by how far the new contract stood above the old one. Another key, so that nothing
    joins them with prices as traded.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument, split_key
from footloom.core.messages import Gap
from footloom.core.rolls import Reading, Roll, RollRule, Stretch, by_expiry, ends_by_date, ends_by_interest, rolls
from footloom.core.rolls import stretches as stretches_of
from footloom.core.sessions import calendar, cut_at
from footloom.core.trades import Trades
from footloom.errors import ConfigError, DataError, NotStored
from footloom.feeds._interest import interest_at_closes
from footloom.feeds.stored import Inference, chart_tapes, span_of, stored_inference, stored_pieces, stored_trades
from footloom.kernels.inference import Counters, SnapshotParams
from footloom.store import Coverage, Store
from footloom.store.grid import gcd
from footloom.venues._india_names import CONTINUOUS, exchange_rank

__all__ = (
    "Continuous",
    "ContinuousName",
    "ContinuousView",
    "continuous_trades",
    "contracts_named",
    "in_one_spelling",
    "is_continuous",
    "refuse_continuous",
)

_NAME = re.compile(rf"{CONTINUOUS}(?P<interest>@open_interest)?(?P<adjusted>@adjusted)?", re.IGNORECASE)
_DAY_NS = 86_400 * 10**9


class ContinuousName(NamedTuple):
    """What the name of a continuous future says."""

    venue: str
    underlying: str
    number: int
    roll: RollRule = "date"
    adjusted: bool = False

    @classmethod
    def of(cls, key: str) -> ContinuousName:
        """Read a name.

        Raises
        ------
        ConfigError
            It names no continuous future.

        Examples
        --------
        >>> ContinuousName.of("upstox:nifty.fut1@open_interest").key
        'upstox:NIFTY.FUT1@open_interest'
        """
        venue, name = split_key(key)
        match = _NAME.fullmatch(name)
        if match is None:
            raise ConfigError(f"{key} names no continuous future: write {venue}:NIFTY.FUT1")
        rule: RollRule = "open_interest" if match["interest"] else "date"
        return cls(venue, match["underlying"].upper(), int(match["number"]), rule, bool(match["adjusted"]))

    @property
    def symbol(self) -> str:
        """The name without its venue."""
        rule = "" if self.roll == "date" else f"@{self.roll}"
        return f"{self.underlying}.FUT{self.number}{rule}{'@adjusted' if self.adjusted else ''}"

    @property
    def key(self) -> str:
        """The whole name, in one spelling."""
        return f"{self.venue}:{self.symbol}"


@dataclass(frozen=True, slots=True)
class Continuous:
    """The trades of a continuous future, what they were made of, and where it rolled within the range.

    ``trades`` are in the ordering key, on one grid that holds those of all contracts; their instrument's calendar is
    cut at the rolls, so that no bar spans one. ``stretches`` are the contracts, each in its time, ``gaps`` what is
    missing of them. ``inference`` says how sides were inferred, where only snapshots are stored, else it is None.
    """

    trades: Trades
    stretches: tuple[Stretch, ...]
    rolls: tuple[Roll, ...]
    gaps: tuple[Gap, ...] = ()
    inference: Inference | None = None


def is_continuous(key: str) -> bool:
    """Say whether a key names a continuous future."""
    return _NAME.fullmatch(key.partition(":")[2]) is not None


def in_one_spelling(key: str) -> str:
    """Return a key, that of a continuous future as its chart has it: ``upstox:nifty.fut1`` is ``upstox:NIFTY.FUT1``."""
    return ContinuousName.of(key).key if is_continuous(key) else key


def continuous_trades(
    store: Store, key: str, from_ns: int, to_ns: int, params: SnapshotParams | None = None, *, tape: str | None = None
) -> Continuous:
    """Return what is stored of a continuous future in ``[from_ns, to_ns)``; `ContinuousView` has the parameters.

    Raises
    ------
    ConfigError
        The key names no continuous future, or its contracts have several tapes and none was chosen.
    NotStored
        The store has no contract of it, or no open interest to roll by.
    DataError
        Prices are to be adjusted, and at a roll one of both contracts has none.
    """
    return ContinuousView(store, key, params, tape).between(from_ns, to_ns)


def refuse_continuous(store: Store, key: str, what: str) -> None:
    """Refuse the name of a view where a stored tape is needed.

    Raises
    ------
    ConfigError
        ``key`` names a continuous future; the message lists the stored keys that it is made of.
    """
    if is_continuous(key):
        view = ContinuousView(store, key)
        made_of = ", ".join(f"{view.name.venue}:{one.symbol}" for one in view.stretches)
        raise ConfigError(f"{key} is a view of stored contracts: {what} takes one of them: {made_of}")


class ContinuousView:
    """A continuous future over the contracts of one store; everything else is read when it is asked for.

    It answers ``coverage``, ``partials``, ``grid``, ``instrument`` and ``gaps`` as a store does that holds this one
    symbol.

    Parameters
    ----------
    store
        Where the contracts are.
    key
        The name, as `ContinuousName` reads it.
    params
        How sides are inferred from snapshots.
    tape
        What to read of the contracts; left out, what charts of them read.
    """

    def __init__(self, store: Store, key: str, params: SnapshotParams | None = None, tape: str | None = None) -> None:
        self.name = ContinuousName.of(key)
        self._store, self._params = store, params
        self._shifts: dict[int, int] = {}
        known = contracts_named(store, self.name)
        if not known:
            plain = self.name._replace(roll="date", adjusted=False).key
            raise NotStored(f"no future of {self.name.underlying} is stored: footloom record {plain}")
        self.tape, held = _held(store, self.name, known, tape)
        spans = [span_of(store, one.key, self.tape) for one in held]
        self._first_ns, self._last_ns = min(first for first, _ in spans), max(last for _, last in spans)
        by_date = self.name.roll == "date"
        ends = ends_by_date(known) if by_date else ends_by_interest(known, self._readings(known))
        # A roll that nobody has traded behind is still to come.
        every = rolls(self.name.symbol, self.name.number, known, ends)
        self._rolls = [roll for roll in every if self._first_ns < roll.at_ns <= self._last_ns]
        # From the start of the first day: snapshots are filed under their receipt, and tell of what traded before it.
        days = calendar(held[0].calendar).day_edges(self._first_ns, self._first_ns + 1, lambda day: day)
        parts = stretches_of(self.name.number, known, ends, int(days.start_ns[0]), 2**62)
        self.stretches = [part for part in parts if part.from_ns <= self._last_ns]
        self._instrument = _joined_instrument(self.name.symbol, [store.grid(one.key, self.tape) for one in held], every)

    def _readings(self, known: Sequence[Instrument]) -> Mapping[str, list[Reading]]:
        found = interest_at_closes(self._store, known)
        if not found:
            raise NotStored(
                f"no open interest is stored of the futures of {self.name.underlying}, so {self.name.key} cannot roll "
                f"by it: {self.name._replace(roll='date').key} rolls by date"
            )
        return found

    # As a store answers.

    def coverage(self, _key: str | None = None) -> list[Coverage]:
        """Return the stored days of the contracts, each within its time."""
        return [
            msgspec.structs.replace(
                row,
                key=self.name.key,
                first_ns=max(row.first_ns, part.from_ns),
                last_ns=min(row.last_ns, part.to_ns - 1),
            )
            for part in self.stretches
            for row in self._store.coverage(self._of(part))
            if row.tape == self.tape and row.first_ns is not None and row.last_ns is not None
            if row.first_ns < part.to_ns and row.last_ns >= part.from_ns
        ]

    def partials(self, _key: str | None = None) -> list[Coverage]:
        """Return none: large prints of contracts are no part of the view."""
        return []

    def instrument(self, _key: str | None = None) -> Instrument:
        """Return the instrument that all contracts' prices and quantities are counted in."""
        return self._instrument

    def grid(self, _key: str | None = None, _tape: str | None = None) -> Instrument:
        """Return the same: its grid holds those of all contracts."""
        return self._instrument

    def gaps(self, _key: str, _tape: str, from_ns: int, to_ns: int) -> list[Gap]:
        """Return what is missing of the contracts within their time, and touches ``[from_ns, to_ns)``."""
        return [
            msgspec.structs.replace(
                gap, symbol=self.name.symbol, from_ns=max(gap.from_ns, part.from_ns), to_ns=min(gap.to_ns, part.to_ns)
            )
            for part in self.within(from_ns, to_ns)
            for gap in self._store.gaps(self._of(part), self.tape, part.from_ns, part.to_ns)
        ]

    # What the view is made of.

    def within(self, from_ns: int, to_ns: int) -> list[Stretch]:
        """Return the contracts of ``[from_ns, to_ns)``, each in its time."""
        cut = [
            msgspec.structs.replace(part, from_ns=max(part.from_ns, from_ns), to_ns=min(part.to_ns, to_ns))
            for part in self.stretches
        ]
        return [part for part in cut if part.from_ns < part.to_ns]

    def rolls(self, from_ns: int, to_ns: int) -> list[Roll]:
        """Return the rolls of ``[from_ns, to_ns)``, with the last prices of both contracts within a day before each."""
        return [self._priced(roll) for roll in self._rolls if from_ns <= roll.at_ns < to_ns]

    def pieces(self, from_ns: int, to_ns: int) -> Iterator[Trades]:
        """Yield the trades of ``[from_ns, to_ns)`` in neighbouring pieces, of which only a few are in memory at a time.

        Raises
        ------
        DataError
            Prices are to be adjusted, and at a roll one of both contracts has none.
        """
        for part in self.within(from_ns, to_ns):
            with contextlib.suppress(NotStored):  # a contract that is known, and was not recorded
                for piece in stored_pieces(
                    self._store, self._of(part), self.tape, part.from_ns, part.to_ns, self._params
                ):
                    yield self._moved(piece, part)

    def between(self, from_ns: int, to_ns: int) -> Continuous:
        """Return all that is stored of ``[from_ns, to_ns)``.

        Raises
        ------
        DataError
            Prices are to be adjusted, and at a roll one of both contracts has none.
        """
        parts = self.within(from_ns, to_ns)
        pieces = [Trades.empty(self._instrument, self.tape)]
        answers = []
        for part in parts:
            with contextlib.suppress(NotStored):  # a contract that is known, and was not recorded
                if self.tape == "snapshot":
                    answers.append(
                        stored_inference(self._store, self._of(part), part.from_ns, part.to_ns, self._params)
                    )
                    found = answers[-1].trades
                else:
                    found = stored_trades(self._store, self._of(part), self.tape, part.from_ns, part.to_ns)
                pieces.append(self._moved(found, part))
        joined = Trades.concat(pieces)
        gaps = self.gaps(self.name.key, self.tape, from_ns, to_ns)
        inference = self._inference(joined, answers) if self.tape == "snapshot" else None
        return Continuous(joined, tuple(parts), tuple(self.rolls(from_ns, to_ns)), tuple(gaps), inference)

    def _of(self, part: Stretch) -> str:
        return f"{self.name.venue}:{part.symbol}"

    def _moved(self, found: Trades, part: Stretch) -> Trades:
        scaled = found.on_grid(self._instrument)
        later = [roll for roll in self._rolls if self.name.adjusted and roll.at_ns >= part.to_ns]
        price_tick = scaled.price_tick + sum(map(self._shift, later))
        return dataclasses.replace(scaled, instrument=self._instrument, price_tick=price_tick)

    # By how many ticks a roll moves all that was before it.
    def _shift(self, roll: Roll) -> int:
        if roll.at_ns not in self._shifts:
            priced = self._priced(roll)
            if priced.gap is None:
                raise DataError(
                    f"{self.name.key} cannot be adjusted over its roll from {roll.from_symbol} to {roll.to_symbol}: "
                    f"{'the new' if priced.from_price else 'the old'} contract has no price within a day before it; "
                    "ask for prices as traded"
                )
            self._shifts[roll.at_ns] = self._instrument.price_tick(priced.gap)
        return self._shifts[roll.at_ns]

    def _priced(self, roll: Roll) -> Roll:
        old, new = (self._last_price(symbol, roll.at_ns) for symbol in (roll.from_symbol, roll.to_symbol))
        return msgspec.structs.replace(roll, from_price=old, to_price=new)

    def _last_price(self, symbol: str, before_ns: int) -> str:
        key = f"{self.name.venue}:{symbol}"
        with contextlib.suppress(NotStored):
            seen = stored_trades(self._store, key, self.tape, before_ns - _DAY_NS, before_ns, self._params)
            if len(seen):
                return seen.instrument.price_text(int(seen.price_tick[-1]))
        return ""

    def _inference(self, trades: Trades, answers: Sequence[Inference]) -> Inference:
        none = np.empty(0, np.int64)
        lots = [
            one.unattributed_lot * to_units(one.trades.instrument.lot_size, self._instrument.lot_size, "lot size")
            for one in answers
        ]
        return Inference(
            trades=trades,
            params=self._params or SnapshotParams(),
            counters=Counters.total([one.counters for one in answers]),
            unattributed_ns=np.concatenate([none, *(one.unattributed_ns for one in answers)]),
            unattributed_lot=np.concatenate([none, *lots]),
        )


def contracts_named(store: Store, name: ContinuousName) -> list[Instrument]:
    """Return the contracts of a continuous future that a store has definitions of, by expiry."""
    found = [
        one
        for one in store.instruments()
        if one.venue == name.venue and one.kind == "future" and one.expiry_ns is not None
        if one.underlying.upper() == name.underlying
    ]
    exchange = min(map(exchange_rank, found), default=0)  # a share's futures may be listed on two
    return by_expiry([one for one in found if exchange_rank(one) == exchange])


def _held(
    store: Store, name: ContinuousName, known: Sequence[Instrument], tape: str | None
) -> tuple[str, list[Instrument]]:
    # The contracts that something is stored of, and the tape to read; tapes of two kinds never mix.
    tapes: dict[str, list[str]] = {}
    for one in known:
        with contextlib.suppress(NotStored):
            tapes[one.symbol] = chart_tapes(store, one.key)
    if not tapes:
        raise NotStored(f"nothing is stored of the futures of {name.underlying}: {', '.join(one.key for one in known)}")
    best = sorted({found[0] for found in tapes.values()})
    if tape is None and len(best) > 1:
        raise ConfigError(f"{name.key} has contracts of several tapes ({', '.join(best)}), which never mix: choose one")
    chosen = tape or best[0]
    held = [one for one in known if chosen in tapes.get(one.symbol, ())]
    if not held:
        raise NotStored(f"no contract of {name.key} has a tape {chosen}: they have {', '.join(best)}")
    return chosen, held


def _joined_instrument(symbol: str, contracts: Sequence[Instrument], every: Sequence[Roll]) -> Instrument:
    newest = contracts[-1]
    tick, lot = gcd([one.tick_size for one in contracts]), gcd([one.lot_size for one in contracts])
    days = cut_at(newest.calendar, [roll.at_ns for roll in every])
    return msgspec.structs.replace(
        newest, symbol=symbol, name=symbol, tick_size=tick, lot_size=lot, calendar=days,
        expiry_ns=None, valid_from_ns=None, valid_to_ns=None,
    )  # fmt: skip
