"""A stored market with all that is told beside the trades: seeded, small, and counted here once more, plainly."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from footloom.core.instrument import Instrument
from footloom.core.series import Series
from footloom.core.trades import FLAG_NO_ID, Trades
from footloom.store.files import Store
from footloom.venues._india_master import expiry_ns

__all__ = ("BARE", "MINUTE", "PERP", "START", "Market", "build")

SECOND = 10**9
MINUTE = 60 * SECOND
START = 1_772_409_600 * SECOND  # a Monday, 00:00 UTC
HOURS = 3
PERP = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
BARE = Instrument(venue="binance_spot", symbol="BTCUSDT", tick_size=Decimal("0.01"), lot_size=Decimal("0.001"))


@dataclass
class Market:
    """What was stored, row by row: times in seconds from `START`, quantities in lots."""

    trades: list[tuple[int, int, int, int]] = field(default_factory=list)  # ns, tick, lots, side
    interest: list[tuple[int, int]] = field(default_factory=list)
    forced: list[tuple[int, int, int]] = field(default_factory=list)  # second, lots, side
    marks: list[tuple[int, int, int, int]] = field(default_factory=list)  # second, mark, index and rate times 10^8


def made(seed: int = 5) -> Market:
    """Return a market that trades every few seconds and tells its open interest about every three minutes."""
    chance, market, tick, interest = random.Random(seed), Market(), 600_000, 8_000_000
    at = chance.randrange(SECOND)
    while at < HOURS * 3600 * SECOND:
        tick += chance.randrange(-4, 5)
        market.trades.append((START + at, tick, chance.randrange(1, 2000), chance.choice([-1, 1])))
        at += chance.randrange(SECOND // 2, 4 * SECOND)
    for second in range(-40, HOURS * 3600, 20):
        if second % 180 == 20 or second < 0:
            interest += chance.randrange(-4000, 4500)
        market.interest.append((second, interest))
    for second in range(0, HOURS * 3600, 30):
        index = 6_000_000_000_000 + chance.randrange(-(10**9), 10**9)
        rate = 10_000 if second < 3600 else -2_500
        market.marks.append((second, index + chance.randrange(-(10**9), 2 * 10**9), index, rate))
    for _ in range(60):
        market.forced.append((chance.randrange(600, HOURS * 3600), chance.randrange(1, 900), chance.choice([-1, 1])))
    market.forced.sort()
    return market


# A future on the day before its end and on that day, the next one on that day and the one after: three trades each.
def contract(name: str, end: dt.date, first_tick: int, days: tuple[int, int]) -> Trades:
    """Return the trades of one of two futures."""
    future = Instrument(
        venue="upstox",
        symbol=f"NSE_FO|{name}",
        tick_size=Decimal("0.1"),
        lot_size=Decimal(1),
        calendar="nse_fo",
        kind="future",
        underlying="NIFTY",
        expiry_ns=expiry_ns(end, "nse_fo"),
    )
    rolls_ns = expiry_ns(dt.date(2025, 11, 25), "nse_fo")
    at = [rolls_ns + day * 24 * 60 * MINUTE - 60 * MINUTE + k * SECOND for day in days for k in (1, 2, 3)]
    ticks = [first_tick + 10 * k for _ in days for k in range(3)]
    return Trades.build(future, at, ticks, [75] * 6, [1] * 6, trade_id=list(range(1, 7)))


def build(root: Path, market: Market) -> None:
    """Write it to a store: the perpetual, a spot market of which nothing but trades is known, and two futures."""
    ns, ticks, lots, sides = (list(column) for column in zip(*market.trades, strict=True))
    ids = list(range(1, len(ns) + 1))
    with Store(root, writer=True) as store:
        for trades in (
            contract("A", dt.date(2025, 11, 25), 260_000, (-1, 0)),
            contract("B", dt.date(2025, 12, 30), 261_000, (0, 1)),
        ):
            store.put_instrument(trades.instrument)
            store.append(trades)
        for instrument in (PERP, BARE):
            store.put_instrument(instrument)
            price = [tick * 10 for tick in ticks] if instrument is BARE else ticks
            store.append(
                Trades.build(instrument, ns, price, lots, sides, trade_id=ids, ts_recv_ns=ns, tape="agg_trade")
            )
        times = [START + second * SECOND for second, _ in market.interest]
        store.append(Series.build(PERP, "open_interest", times, oi_lot=[lot for _, lot in market.interest]))
        when, mark, index, rate = (list(column) for column in zip(*market.marks, strict=True))
        times = [START + second * SECOND for second in when]
        due = [START + 8 * 3600 * SECOND] * len(times)
        store.append(Series.build(PERP, "mark", times, mark_e8=mark, index_e8=index, rate_e8=rate, next_ns=due))
        seconds, lots, sides = (list(column) for column in zip(*market.forced, strict=True))
        times = [START + second * SECOND for second in seconds]
        store.append(
            Trades.build(
                PERP,
                times,
                [600_000] * len(times),
                lots,
                sides,
                trade_id=list(range(len(times))),
                ts_recv_ns=times,
                flags=[FLAG_NO_ID] * len(times),
                tape="liquidation",
            )
        )
