"""What a contract's price, its open interest and who was aggressive say together, and where its chain holds it up.

Two readings that are never mixed: against the previous session's close, and over the interval between the last two
updates of open interest. The key level is the session's point of control where it stands within half a strike of a
wall of open interest (definitions 7.1, 7.2, 7.4).
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final, NamedTuple, TypeVar

import msgspec
import numpy as np

from footloom.core.sessions import Calendar, calendar
from footloom.core.trades import Trades
from footloom.engine.profiles import of_prices
from footloom.errors import NotStored
from footloom.feeds._import_tally import iso
from footloom.feeds.stored import chart_tapes, span_of, stored_trades
from footloom.feeds.stored_chain import ChainAsk, chain_at, stored_chains, underlying_of
from footloom.feeds.stored_interest import Interest, contract_at, stored_interest
from footloom.options.documents import underlying_name
from footloom.options.measures import Measures
from footloom.options.positions import key_strike
from footloom.options.readout import Baseline, Kind, read_out
from footloom.options.replies import ReadOutReply, ReadOutRow
from footloom.store import Store

__all__ = ("charts_of", "front_of", "read_outs", "read_outs_of")

T = TypeVar("T", Trades, Interest)
Level = tuple[float, float] | None  # the point of control and the wall that it stands at

_LAST_NS: Final = 15 * 60 * 10**9
_LOOK_BACK: Final = 7  # days in which the session before is looked for
_ROWS_A_STRIKE: Final = 20  # rows of the profile between two strikes, at least


class _Contract(NamedTuple):
    # What is stored of the contract up to the instant.
    key: str
    at_ns: int
    open_ns: int
    today: Trades
    before: Trades  # the session before
    held: Interest
    held_before: Interest


def read_outs(store: Store, key: str, at_ns: int | None = None, chain: Measures | None = None) -> ReadOutReply:
    """Return what a contract says at an instant (ns UTC), by default that of its last trade.

    Parameters
    ----------
    key
        The contract that is traded.
    chain
        The chain of its underlying at that instant; without one there is no key level.

    Raises
    ------
    NotStored
        Nothing is stored of the contract in the session of that instant.
    """
    found = _read(store, key, at_ns)
    instrument = found.today.instrument
    tick = instrument.tick_size
    walls, step = _walls(chain)
    rows = max(1, int(Decimal(step) / tick) // _ROWS_A_STRIKE) if step else 1
    poc = Decimal(of_prices(instrument, found.today.price_tick, found.today.qty_lot, rows).poc)
    at_wall = _wall_at(poc, walls, step)
    kind: Kind = "future" if not instrument.option else "call" if instrument.option == "CE" else "put"
    level: Level = (float(poc), float(at_wall)) if at_wall is not None else None
    readings = [_since_close(found, kind, level), _over_interval(found, kind, level)]
    return ReadOutReply(
        symbol=key,
        tz=calendar(instrument.calendar).tz,
        at_ns=str(found.at_ns),
        session_ns=str(found.open_ns),
        poc=f"{poc:f}",
        key_level=None if at_wall is None else f"{at_wall:f}",
        chain=None if chain is None else chain.board.chain.instrument.key,
        readings=readings,
    )


def charts_of(store: Store, chain: str, name: str) -> list[str]:
    """Return the stored symbols that stand on the underlying of a chain: its futures, the nearest first, and itself."""
    stored = {day.key for day in store.coverage()}
    known = [one for one in store.instruments() if one.key in stored]
    futures = [one for one in known if one.underlying.upper() == name.upper() and not one.option]
    futures.sort(key=lambda one: (one.expiry_ns is None, one.expiry_ns or 0, one.key))
    return list(dict.fromkeys([*(one.key for one in futures), *(one.key for one in known if one.key == chain)]))


def front_of(store: Store, charts: Sequence[str], name: str) -> str | None:
    """Return the chart that goes with a chain, of those that `charts_of` found: its front future, ever the nearest one.

    Where no future is stored it is the underlying itself; None where nothing of both is.

    Examples
    --------
    ``upstox:NIFTY.FUT1`` of ``upstox:NSE_FO|53001``, ``sim:PERP`` of itself.
    """
    for key in charts:
        instrument = store.instrument(key)
        if instrument.kind == "future" and instrument.expiry_ns is not None:
            return f"{instrument.venue}:{name.upper()}.FUT1"
    return charts[0] if charts else None


def read_outs_of(
    store: Store, symbol: str, ask: ChainAsk, contract: str | None = None, at_ns: int | None = None
) -> ReadOutReply:
    """Return what a contract says, beside the chain of ``symbol``; a symbol without a chain is the contract itself.

    The name of a continuous future means the contract that stands for it at that instant.

    Raises
    ------
    NotStored
        Nothing is stored of the contract, or of the chain on the day of that instant.
    """
    chains = stored_chains(store, symbol)
    if contract is None:
        contract = _contract_of(store, symbol, at_ns) if chains else symbol
    named, contract = contract, contract_at(store, contract, at_ns)
    if at_ns is None:
        at_ns = span_of(store, contract, chart_tapes(store, contract)[0])[1]
    chain = None
    if chains:
        with contextlib.suppress(NotStored):  # of another day than the contract's last trade
            chain = chain_at(store, symbol, ask, at_ns)
    return msgspec.structs.replace(read_outs(store, contract, at_ns, chain), symbol=named)


# The nearest future that has not expired, as far as anything of it is stored.
def _contract_of(store: Store, symbol: str, at_ns: int | None) -> str:
    known = stored_chains(store, symbol)[0]
    name = underlying_name(underlying_of(store, symbol))
    moment = known.last_ns if at_ns is None else at_ns
    for key in charts_of(store, symbol, name):
        if (store.instrument(key).expiry_ns or moment + 1) > moment:
            return key
    raise NotStored(f"no future of {symbol} is stored, whose open interest could be read: name the contract")


def _read(store: Store, key: str, at_ns: int | None) -> _Contract:
    tape = chart_tapes(store, key)[0]
    last_ns = span_of(store, key, tape)[1]
    at_ns = last_ns if at_ns is None else at_ns
    market = calendar(store.instrument(key).calendar)
    open_ns, close_ns = _session_of(market, at_ns)
    today = stored_trades(store, key, tape, open_ns, min(at_ns + 1, close_ns))
    if not len(today):
        raise NotStored(f"nothing of {key} traded from {iso(open_ns)} to {iso(at_ns)}: there is nothing to read")
    day = market.local_date(open_ns)
    sessions = [one for one in market.sessions(day - dt.timedelta(days=_LOOK_BACK), day) if one[1] <= open_ns]
    before, held_before = today.take(slice(0, 0)), Interest(np.empty(0, np.int64), np.empty(0, np.int64))
    if sessions:
        opened_ns, ended_ns = sessions[-1]
        before = _last_of(lambda from_ns: stored_trades(store, key, tape, from_ns, ended_ns), opened_ns, ended_ns)
        held_before = _last_of(lambda from_ns: stored_interest(store, key, from_ns, ended_ns), opened_ns, ended_ns)
    held = stored_interest(store, key, open_ns, min(at_ns + 1, close_ns))
    return _Contract(key, at_ns, open_ns, today, before, held, held_before)


# Behind its close a day's session is still the one that is read: recorders go on, and messages repeat the last trade.
def _session_of(market: Calendar, at_ns: int) -> tuple[int, int]:
    day = market.local_date(at_ns)
    begun = [(opens, closes) for opens, closes in market.sessions(day, day) if opens <= at_ns]
    return begun[-1] if begun else market.session_of(at_ns)


# What a session ended with: its last minutes are read first, for the whole of it may be millions of trades.
def _last_of(read: Callable[[int], T], opened_ns: int, ended_ns: int) -> T:
    found = read(max(opened_ns, ended_ns - _LAST_NS))
    return found if _count(found) or ended_ns - _LAST_NS <= opened_ns else read(opened_ns)


def _count(found: Trades | Interest) -> int:
    return len(found.lots) if isinstance(found, Interest) else len(found)


def _walls(chain: Measures | None) -> tuple[list[Decimal], Decimal | None]:
    if chain is None:
        return [], None
    board, last = chain.board, len(chain.board.at_ns) - 1
    strikes = board.strikes
    if len(strikes) < 2 or last < 0:
        return [], None
    tick = board.chain.instrument.tick_size
    found = [wall.strike * tick for side in ("call", "put") for wall in chain.walls(side)[last]]
    middle = int(max(chain.atm[last], 0))
    near = np.diff(strikes[max(0, middle - 5) : middle + 6])
    return found, (int(near.min()) if len(near) else int(np.diff(strikes).min())) * tick


def _wall_at(poc: Decimal, walls: Sequence[Decimal], step: Decimal | None) -> Decimal | None:
    if step is None or not walls:
        return None
    unit = Decimal(1).scaleb(min(int(one.as_tuple().exponent) for one in (poc, step, *walls)))
    ticks = [int(one / unit) for one in walls]
    place = key_strike(int(poc / unit), ticks, int(step / unit))
    return None if place is None else walls[ticks.index(place)]


def _price(trades: Trades, row: int = -1) -> float:
    return int(trades.price_tick[row]) * float(trades.instrument.tick_size)


def _volume(trades: Trades, side: int) -> Decimal:
    return int(trades.qty_lot[trades.side == side].sum()) * trades.instrument.lot_size


def _since_close(found: _Contract, kind: Kind, level: Level) -> ReadOutRow:
    price = (_price(found.before), _price(found.today)) if len(found.before) else None
    was, now = found.held_before.lots, found.held.lots
    held = (int(was[-1]), int(now[-1])) if len(was) and len(now) else None
    from_ns = int(found.before.ts_exch_ns[-1]) if len(found.before) else None
    return _row((from_ns, found.at_ns), found.today, (price, held), "previous close", (kind, level))


# Between the last two updates: price is that of the last trade before each (definitions 7.2).
def _over_interval(found: _Contract, kind: Kind, level: Level) -> ReadOutRow:
    updates, times = found.held.updates(), found.today.ts_exch_ns
    if len(updates.lots) < 2:
        return _row((None, found.at_ns), found.today.take(slice(0, 0)), (None, None), "interval", (kind, level))
    span, held = updates.at_ns[-2:].tolist(), updates.lots[-2:].tolist()
    first, stop = (int(np.searchsorted(times, at_ns, side="right")) for at_ns in span)
    price = (_price(found.today, first - 1), _price(found.today, stop - 1)) if first else None
    between = found.today.take(slice(first, stop))
    return _row((span[0], span[1]), between, (price, (held[0], held[1])), "interval", (kind, level))


def _row(
    span: tuple[int | None, int],
    trades: Trades,
    moved: tuple[tuple[float, float] | None, tuple[int, int] | None],
    baseline: Baseline,
    of: tuple[Kind, Level],
) -> ReadOutRow:
    (price, lots), (kind, level), lot_size = moved, of, trades.instrument.lot_size
    held = None if lots is None else (lots[0] * lot_size, lots[1] * lot_size)
    buy, sell = _volume(trades, 1), _volume(trades, -1)
    told = read_out(
        price, held, buy=buy, sell=sell, baseline=baseline, kind=kind,
        poc=level[0] if level else None, wall=level[1] if level else None,
    )  # fmt: skip
    return ReadOutRow(
        baseline=baseline,
        label=told.label,
        reading=told.reading,
        confirmed=told.confirmed,
        words=told.words,
        because=told.because,
        from_ns=None if span[0] is None else str(span[0]),
        to_ns=str(span[1]),
        price=None if price is None else list(price),
        open_interest=None if held is None else [f"{one:f}" for one in held],
        buy=f"{buy:f}",
        sell=f"{sell:f}",
    )
