"""Option chains that nobody told as such: made of the stored snapshots of their options whenever they are asked for.

A recorder of messages (documents of a database, frames, options that were charted one by one) leaves snapshots of each
option. Where the contracts are known (`defined`), they are a chain: a row an option and two seconds at most, when
something in it is new, and once a minute that it still stands. A day of which a chain itself is stored is that chain's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import msgspec
import numpy as np

from footloom.core.chains import CALL, CHAIN, PUT, SOURCES, UNDERLYING
from footloom.core.decimals import to_units
from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.sessions import calendar
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.core.trades import I64
from footloom.errors import NotStored
from footloom.store import Coverage, Store

__all__ = ("chain_instrument", "contract_lots", "defined", "derived_chain", "derived_days")

_SNAPSHOT: Final = "snapshot"
_TICK, _LOT = Decimal("0.01"), Decimal(1)  # of prices of options and of indices; one unit
_EVERY_NS: Final = 2 * 10**9
_AGAIN_NS: Final = 60 * 10**9
_SILENT_NS: Final = 10 * 86_400 * 10**9  # so long an option may not trade, and is still told of
_SIDES: Final = {"CE": CALL, "PE": PUT}
_NONE: Final = -1


def chain_instrument(option: Instrument, known: Iterable[Instrument]) -> Instrument:
    """Return the underlying of an option as its chain is kept under: the index of that name, else the name itself."""
    indices = (one for one in known if one.venue == option.venue and one.kind == "index")
    index = next((one for one in indices if option.underlying in {one.name, one.underlying}), None)
    return Instrument(
        venue=option.venue,
        symbol=option.underlying if index is None else index.symbol,
        tick_size=_TICK,
        lot_size=_LOT,
        quote=option.quote,
        calendar=option.calendar,
        kind="index",
        name=option.underlying,
    )


def _options(store: Store, key: str | None) -> dict[str, list[tuple[Instrument, Instrument]]]:
    # By the chain's key: options and the chain's instrument.
    known = store.instruments()
    indices = [one for one in known if one.kind == "index"]
    found: dict[str, list[tuple[Instrument, Instrument]]] = defaultdict(list)
    for one in known:
        is_whole = one.option in _SIDES and one.underlying and one.strike is not None and one.expiry_ns is not None
        if not is_whole or (key is not None and key.partition(":")[0] != one.venue):
            continue
        chain = chain_instrument(one, indices)
        if key in {None, chain.key}:
            found[chain.key].append((one, chain))
    return found


def contract_lots(store: Store, key: str) -> dict[int, int | None]:
    """Return how many units a contract of a chain is, by its expiry (ns UTC), as the venue's list said it.

    None where an expiry's contracts are not all of one size.
    """
    found: dict[int, set[int]] = defaultdict(set)
    for one, _ in _options(store, key).get(key, []):
        if one.expiry_ns is not None and one.market_lot is not None and one.market_lot >= 1:
            found[one.expiry_ns].add(int(one.market_lot))
    return {expiry_ns: min(sizes) if len(sizes) == 1 else None for expiry_ns, sizes in found.items()}


def derived_days(store: Store, told: Iterable[Coverage], key: str | None = None) -> list[Coverage]:
    """Return the days of which options' snapshots are stored, and no chain (``told``); rows are snapshots."""
    options = _options(store, key)
    if not options:
        return []
    of_chains = {(day.key, day.day) for day in told}
    of_option = {one.key: chain for chain, mine in options.items() for one, _ in mine}
    days: dict[tuple[str, object], Coverage] = {}
    for day in store.coverage():
        chain = of_option.get(day.key)
        if chain is None or day.tape != _SNAPSHOT or not day.rows or (chain, day.day) in of_chains:
            continue
        before = days.get((chain, day.day))
        days[chain, day.day] = (
            msgspec.structs.replace(day, key=chain, tape=CHAIN) if before is None else _joined(before, day)
        )
    return list(days.values())


def _joined(one: Coverage, other: Coverage) -> Coverage:
    firsts = [day.first_ns for day in (one, other) if day.first_ns is not None]
    lasts = [day.last_ns for day in (one, other) if day.last_ns is not None]
    return msgspec.structs.replace(
        one, rows=one.rows + other.rows, first_ns=min(firsts, default=None), last_ns=max(lasts, default=None)
    )


def derived_chain(store: Store, key: str, from_ns: int, to_ns: int) -> Series | None:
    """Return the chain of ``[from_ns, to_ns)`` on the days that `derived_days` has, ascending; None without options."""
    mine = _options(store, key).get(key)
    if not mine:
        return None
    chain = mine[0][1]
    told = [day for day in store.series(key) if day.tape == CHAIN]
    days = derived_days(store, told, key)
    if not any((day.first_ns or 0) < to_ns and (day.last_ns or 0) >= from_ns for day in days):
        return Series.empty(chain, CHAIN)
    pieces = [_of_option(store, one, chain, from_ns, to_ns) for one, _ in mine]
    pieces.append(_of_index(store, chain, from_ns, to_ns))
    joined = Series.concat([Series.empty(chain, CHAIN), *(piece for piece in pieces if piece is not None)])
    if told:
        ordinals = np.array([one.day.toordinal() for one in told], np.int64)
        joined = joined.take(~np.isin(_days(chain, joined.ts_exch_ns), ordinals))
    return joined.take(np.argsort(joined.ts_exch_ns, kind="stable"))


def _days(chain: Instrument, times_ns: I64) -> I64:
    market = calendar(chain.calendar)
    minutes, place = np.unique(times_ns // _AGAIN_NS, return_inverse=True)
    dates = np.array([market.session_date(one * _AGAIN_NS).toordinal() for one in minutes.tolist()], np.int64)
    return dates[place] if len(dates) else np.zeros(0, np.int64)


# Of an option that has not traded since, every message carries the time of an older trade: it is filed there.
def _seen(store: Store, key: str, from_ns: int, to_ns: int) -> Snapshots | None:
    found = _filed(store, key, from_ns, to_ns)
    if found is not None:
        return found
    older = _filed(store, key, from_ns - _SILENT_NS, from_ns)
    if older is None:
        return None
    heard = older.take((older.ts_recv_ns >= from_ns) & (older.ts_recv_ns < to_ns))
    return heard if len(heard) else None


def _filed(store: Store, key: str, from_ns: int, to_ns: int) -> Snapshots | None:
    try:
        found = store.load(key, _SNAPSHOT, from_ns, to_ns)
    except NotStored:
        return None
    return found if isinstance(found, Snapshots) and len(found) else None


def _of_option(store: Store, option: Instrument, chain: Instrument, from_ns: int, to_ns: int) -> Series | None:
    seen = _seen(store, option.key, from_ns, to_ns)
    if seen is None or option.strike is None or option.expiry_ns is None:
        return None
    prices = {name: _ticks(seen, name) for name in ("ltp_tick", "bid_tick", "ask_tick")}
    lots = {name: _units(seen, name) for name in ("oi_lot", "vtt_lot", "bid_lot", "ask_lot")}
    for side in ("bid", "ask"):  # nobody is there: a quantity of 0 without a price
        none = (prices[f"{side}_tick"] <= 0) | (lots[f"{side}_lot"] == 0)
        prices[f"{side}_tick"] = np.where(none, NO_QUOTE, prices[f"{side}_tick"])
        lots[f"{side}_lot"] = np.where(none, 0, lots[f"{side}_lot"])
    columns = {**prices, **{name.replace("vtt", "volume"): held for name, held in lots.items()}}
    columns = {name: np.where((held < 0) & (held != NO_QUOTE), NO_QUOTE, held) for name, held in columns.items()}
    columns |= {name: getattr(seen, name) for name in GREEKS}  # the venue's own: below zero some of them are
    rows = _news(seen.ts_recv_ns, columns)
    return Series.build(
        chain,
        CHAIN,
        seen.ts_recv_ns[rows],
        seen.ts_recv_ns[rows],
        side=_SIDES[option.option],
        expiry_ns=option.expiry_ns,
        strike_tick=to_units(option.strike, _TICK, "strike"),
        source=_source(option),
        **{name: held[rows] for name, held in columns.items()},
    )


def _of_index(store: Store, chain: Instrument, from_ns: int, to_ns: int) -> Series | None:
    seen = _seen(store, chain.key, from_ns, to_ns)
    if seen is None:
        return None
    price = _ticks(seen, "ltp_tick")
    rows = _news(seen.ts_recv_ns, {"ltp_tick": price})
    times = seen.ts_recv_ns[rows]
    return Series.build(
        chain, CHAIN, times, times, side=UNDERLYING, expiry_ns=0, strike_tick=0, source=_source(chain),
        ltp_tick=price[rows],
    )  # fmt: skip


def _source(one: Instrument) -> int:
    name = f"{one.venue}_feed"
    return next((number for number, known in enumerate(SOURCES) if known == name), SOURCES.index("upstox_feed"))


def _ticks(seen: Snapshots, name: str) -> I64:
    return _scaled(getattr(seen, name), to_units(seen.instrument.tick_size, _TICK, "tick size"))


def _units(seen: Snapshots, name: str) -> I64:
    return _scaled(getattr(seen, name), to_units(seen.instrument.lot_size, _LOT, "lot size"))


def _scaled(held: I64, by: int) -> I64:
    return np.where(held == NO_QUOTE, NO_QUOTE, np.where(held == NO_QUOTE, 0, held) * by)


# The last message of every two seconds, where it says anything new, and the first of each minute.
def _news(times_ns: I64, columns: Mapping[str, I64]) -> I64:
    last = np.flatnonzero(np.diff(times_ns // _EVERY_NS, append=_NONE))
    table = np.stack([held[last] for held in columns.values()])
    new = np.ones(len(last), np.bool_)
    new[1:] = (table[:, 1:] != table[:, :-1]).any(axis=0) | (np.diff(times_ns[last] // _AGAIN_NS) != 0)
    rows: I64 = last[new]
    return rows


def defined(store: Store, listed: Sequence[Instrument]) -> list[str]:
    """Let stored symbols be what a venue's list says they are, on the grid that they have; return those that are new.

    Contracts that have ended are in no list of today: take the list of the day on which they were recorded.
    """
    stored = {day.key for day in (*store.coverage(), *store.partials())}
    by_key = {one.key: one for one in listed}
    wanted = [by_key[key] for key in sorted(stored & by_key.keys())]
    names = {one.underlying for one in wanted if one.underlying}
    indices = [one for one in listed if one.kind == "index" and one.name in names and one.key not in stored]
    found = []
    for one in (*wanted, *indices):
        try:
            before = store.instrument(one.key)
        except NotStored:
            before = one
        made = msgspec.structs.replace(
            one, tick_size=before.tick_size, lot_size=before.lot_size, valid_from_ns=before.valid_from_ns,
            valid_to_ns=before.valid_to_ns,
        )  # fmt: skip
        if made != before or before is one:
            store.put_instrument(made)
            found.append(one.key)
    return found
