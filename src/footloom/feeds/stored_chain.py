"""Option chains that are stored: which there are, the rows of a stretch, and what is asked of them."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import msgspec
import numpy as np

from footloom.core.chains import CHAIN
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.sessions import calendar
from footloom.core.trades import I64
from footloom.errors import ConfigError, DataError, NotStored
from footloom.feeds._import_tally import iso
from footloom.feeds.derived_chain import contract_lots, derived_chain, derived_days
from footloom.feeds.simulated_chain import EVERY_NS, SIMULATED, simulated_chain, simulated_days
from footloom.options.chain import Chain
from footloom.options.measures import RATE, Measures
from footloom.store import Store

__all__ = (
    "ChainAsk",
    "StoredChain",
    "chain_at",
    "chain_stamp",
    "chain_through",
    "load_chain",
    "newest",
    "standing_chain",
    "stored_chains",
    "underlying_of",
)

_DAY_NS = 86_400_000_000_000


class StoredChain(NamedTuple):
    """An underlying with a chain: its key, how many rows there are, and from when to when, ns UTC.

    The simulated market's chain is made of its trades, which are the rows that count there.
    """

    key: str
    rows: int
    first_ns: int
    last_ns: int


def stored_chains(store: Store, key: str | None = None) -> list[StoredChain]:
    """Return the chains that a store has, by key: those that were told, and those that its options' snapshots make."""
    found: dict[str, StoredChain] = {}
    told = [day for day in store.series(key) if day.tape == CHAIN]
    days = told + derived_days(store, told, key)
    if key in {None, SIMULATED}:
        days += simulated_days(store)
    for day in days:
        if day.first_ns is None or day.last_ns is None:
            continue
        known = found.get(day.key, StoredChain(day.key, 0, day.first_ns, day.last_ns))
        found[day.key] = StoredChain(
            day.key, known.rows + day.rows, min(known.first_ns, day.first_ns), max(known.last_ns, day.last_ns)
        )
    return [found[one] for one in sorted(found)]


def load_chain(store: Store, key: str, from_ns: int, to_ns: int) -> Chain:
    """Return the chain of an underlying in ``[from_ns, to_ns)``, with what the first of its days said before that.

    Raises
    ------
    NotStored
        Nothing is stored of it in that stretch.
    """
    known = stored_chains(store, key)
    if not known:
        others = ", ".join(one.key for one in stored_chains(store))
        found = f"stored are {others}" if others else "nor is any other"
        raise NotStored(f"no option chain of {key} is stored: {found}; footloom import brings one in")
    begin = max(_day_begin(store, key, max(from_ns, known[0].first_ns)), 0)
    if begin > known[0].last_ns or to_ns <= known[0].first_ns:
        raise NotStored(
            f"nothing of the chain of {key} is stored {_stretch(from_ns, to_ns)}: it has {iso(known[0].first_ns)} to "
            f"{iso(known[0].last_ns)}"
        )
    series = simulated_chain(store, begin, to_ns) if key == SIMULATED else _load(store, key, begin, to_ns)
    if not len(series):
        raise NotStored(f"nothing of the chain of {key} is stored {_stretch(from_ns, to_ns)}")
    return Chain(series, {} if key == SIMULATED else contract_lots(store, key))


def _stretch(from_ns: int, to_ns: int) -> str:
    instant = to_ns == from_ns + 1
    return f"at {iso(from_ns)}" if instant else f"from {iso(from_ns)} up to {iso(to_ns)}"


# Of each day what was told of the chain itself, else what its options' snapshots make.
def _load(store: Store, key: str, from_ns: int, to_ns: int) -> Series:
    derived = derived_chain(store, key, from_ns, to_ns)
    if not any(day.tape == CHAIN for day in store.series(key)):
        return Series.empty(underlying_of(store, key), CHAIN) if derived is None else derived
    if derived is None or not len(derived):
        return store.load_series(key, CHAIN, from_ns, to_ns)
    try:
        told = store.load_series(key, CHAIN, from_ns, to_ns)
    except NotStored:  # on other days alone
        return derived
    joined = Series.concat([told, derived])
    return joined.take(np.argsort(joined.ts_exch_ns, kind="stable"))


def underlying_of(store: Store, key: str) -> Instrument:
    """Return the underlying of a chain.

    Raises
    ------
    NotStored
        Nothing is stored of it.
    """
    if key == SIMULATED:
        return store.instrument(key)
    try:
        return store.grid(key, CHAIN)
    except NotStored:
        derived = derived_chain(store, key, 0, 0)
        if derived is None:
            raise
        return derived.instrument


# Whoever comes late in a day must know what its first rows said.
def _day_begin(store: Store, key: str, at_ns: int) -> int:
    market = calendar("crypto" if key == SIMULATED else underlying_of(store, key).calendar)
    day = market.session_date(at_ns)
    low, high = at_ns - 2 * _DAY_NS, at_ns
    while high - low > 1_000_000_000:
        middle = (low + high) // 2
        low, high = (low, middle) if market.session_date(middle) == day else (middle, high)
    return high


class ChainAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a chain.

    ``expiry`` is a day such as 2025-12-09 (None: the next one, the last of all where each has passed). ``around`` is
    how many strikes on each side of the money count (None: all). ``rate`` is interest a year. ``price`` is that of the
    underlying, where the chain does not say it.
    """

    expiry: str | None = None
    around: int | None = None
    rate: float = RATE
    price: float | None = None

    def expiry_ns(self, chain: Chain, at_ns: int) -> int:
        """Return the expiry that is meant at an instant.

        Raises
        ------
        ConfigError
            It is no date.
        NotStored
            The chain has no such expiry.
        """
        if self.expiry is None:
            every = chain.expiries
            # After the last close of a day of expiry its chain is still looked at.
            return int(every[-1]) if len(every) and at_ns >= every[-1] else chain.expiry(at_ns=at_ns)
        try:
            day = dt.date.fromisoformat(self.expiry).isoformat()
        except ValueError:
            raise ConfigError(f"expiry {self.expiry!r} is no date: write it as 2025-12-09") from None
        for one in chain.expiries.tolist():
            if chain.day_text(one) == day:
                return int(one)
        days = ", ".join(chain.day_text(one) for one in chain.expiries.tolist()) or "none"
        raise NotStored(f"the chain of {chain.instrument.key} has no expiry {day} there: it has {days}")

    def measures(self, chain: Chain, expiry_ns: int, at_ns: I64) -> Measures:
        """Return what is asked for at some instants.

        Raises
        ------
        ConfigError
            A number cannot be.
        DataError
            Strikes around the money are asked for, and nothing tells where it is.
        """
        if not -0.5 <= self.rate <= 1.0:
            raise ConfigError(f"a rate of {self.rate:g} a year cannot be: write 0.055 for 5.5 %")
        if self.price is not None and not 0 < self.price < 1e12:
            raise ConfigError(f"a price of the underlying of {self.price:g} cannot be: it must be above zero")
        if self.around is not None and self.around < 0:
            raise ConfigError(f"{self.around} strikes on each side of the money cannot be")
        made = Measures(chain.board(expiry_ns, at_ns), self.rate, self.around, self.price)
        if self.around is not None and len(at_ns) and not (made.atm >= 0).any():
            raise DataError(
                f"where the money is of {chain.instrument.key} is not known: the chain has neither the price of its "
                "underlying nor quotes of calls and puts; give the price, or ask for all strikes"
            )
        return made


def chain_stamp(store: Store, key: str) -> tuple[int, int]:
    """Return what changes whenever more of a chain is stored; cheap, but it reads the store."""
    known = stored_chains(store, key)
    if not known:
        return 0, 0
    one = known[0]
    return (0, one.last_ns // EVERY_NS) if key == SIMULATED else (one.rows, one.last_ns)


def standing_chain(store: Store, key: str) -> Chain:
    """Return the rows of a chain that say how it stands at its last one.

    Raises
    ------
    NotStored
        Nothing is stored of it.
    """
    return _last_day(store, key).standing()


# To its last row: of options' snapshots that is behind the time of the last trade.
def _last_day(store: Store, key: str) -> Chain:
    known = stored_chains(store, key)
    return load_chain(store, key, known[0].last_ns if known else 0, 2**62)


def newest(chain: Chain, ask: ChainAsk) -> Measures:
    """Return what is asked of a chain at the time of its newest row."""
    at_ns = int(chain.series.ts_exch_ns.max())
    return ask.measures(chain, ask.expiry_ns(chain, at_ns), np.array([at_ns], np.int64))


def chain_at(store: Store, key: str, ask: ChainAsk, at_ns: int | None = None) -> Measures:
    """Return what is asked of a chain at an instant, by default that of its last row.

    Raises
    ------
    NotStored
        Nothing is stored of it on the day of that instant.
    """
    if at_ns is None:
        return newest(_last_day(store, key), ask)
    chain = load_chain(store, key, at_ns, at_ns + 1)
    return ask.measures(chain, ask.expiry_ns(chain, at_ns), np.array([at_ns], np.int64))


def chain_through(
    store: Store, key: str, ask: ChainAsk, from_ns: int | None, to_ns: int | None, every_ns: int
) -> Measures:
    """Return what is asked of a chain at the instants in ``[from_ns, to_ns)`` with news; by default its last day.

    Raises
    ------
    NotStored
        Nothing is stored of it there.
    """
    known = stored_chains(store, key)
    end = 2**62 if to_ns is None else to_ns
    begin = from_ns
    if begin is None:
        begin = min(known[0].last_ns, end - 1) if known else 0
    chain = load_chain(store, key, begin, end)
    expiry_ns = ask.expiry_ns(chain, int(chain.series.ts_exch_ns[0]))
    instants = chain.stamps(every_ns, expiry_ns)
    if from_ns is not None:
        instants = instants[instants >= from_ns]
    return ask.measures(chain, expiry_ns, instants)
