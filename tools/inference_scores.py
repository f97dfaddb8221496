"""Every way of telling sides, held against the true ones of a recording (definitions 1.2 to 1.4)."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from inference_tapes import MS, Tape, sampled, snapshots_of
from numpy.typing import NDArray

from footloom.core.quotes import NO_QUOTE, Quotes
from footloom.core.trades import I64
from footloom.kernels.bulk_volume import BulkParams, bulk_volume
from footloom.kernels.confidence import confidence
from footloom.kernels.inference import infer, snapshot_row
from footloom.kernels.side_rules import Rule, RuleParams, last_before, reverse_tick, sides_at
from footloom.kernels.side_score import Score, score

__all__ = (
    "Places",
    "bar_scores",
    "cut_by_time",
    "cut_by_volume",
    "feed_scores",
    "joins",
    "places",
    "rule_scores",
    "tick_scores",
)

F64 = NDArray[np.float64]
QUOTE_RULES: tuple[Rule, ...] = ("quote", "lee_ready", "emo", "clnv")
LOOKS_MS = (100, 250, 1000)
FEEDS_MS = (100, 250, 333, 1000)


class Places(NamedTuple):
    """Where trades stand to the quote before them, shares of their number; None where nothing traded."""

    at_quote: float
    inside: float
    outside: float
    without: float


def _met(quotes: Quotes, at: I64) -> tuple[I64, I64]:
    # Bid and ask in force at each trade; NO_QUOTE before the first.
    bid, ask = (np.append(column, NO_QUOTE)[at] for column in (quotes.bid_tick, quotes.ask_tick))
    return bid, ask


def joins(tape: Tape) -> dict[str, tuple[I64, I64]]:
    """Return the bid and ask that each trade meets, by how quotes are joined and how old they are."""
    order = np.argsort(tape.quote_line, kind="stable")
    by_line = np.append(order, -1)[last_before(tape.trade_line, tape.quote_line[order])]
    found = {}
    if tape.timed:
        ts = tape.trades.ts_exch_ns
        found["exchange time"] = _met(tape.quotes, last_before(ts, tape.quotes.ts_exch_ns))
        for each in LOOKS_MS:
            seen = sampled(tape.quotes, each * MS)
            found[f"exchange time, looked at every {each} ms"] = _met(seen, last_before(ts, seen.ts_exch_ns))
    return found | {"arrival": _met(tape.quotes, by_line)}


def places(tape: Tape, bid: I64, ask: I64) -> Places:
    """Return where trades stand to the quotes that they meet."""
    price, known = tape.trades.price_tick, (bid != NO_QUOTE) & (ask != NO_QUOTE)
    at_quote = known & ((price == bid) | (price == ask))
    inside = known & (price > bid) & (price < ask)
    outside = known & ((price < bid) | (price > ask))
    return Places(*(float(part.mean()) for part in (at_quote, inside, outside, ~known)))


def rule_scores(tape: Tape, bid: I64, ask: I64) -> dict[str, Score]:
    """Return how right each rule is that looks at quotes."""
    trades = tape.trades
    day = np.zeros(len(trades), np.int64)
    found: dict[str, Score] = {}
    for rule in QUOTE_RULES:
        side, _ = sides_at(trades.price_tick, bid, ask, day, RuleParams(rule=rule))
        found[rule] = score(side, trades.side, trades.qty_lot)
    return found


def tick_scores(tape: Tape) -> dict[str, Score]:
    """Return how right the rules are that look at prices alone, and the tick rule at changed and unchanged prices."""
    trades = tape.trades
    side = _ticks(tape)
    moved = np.diff(trades.price_tick, prepend=trades.price_tick[:1]) != 0
    backwards = reverse_tick(trades.price_tick, np.zeros(len(trades), np.int64))
    return {
        "tick": score(side, trades.side, trades.qty_lot),
        "tick, where the price has changed": score(side[moved], trades.side[moved], trades.qty_lot[moved]),
        "tick, where it has not": score(side[~moved], trades.side[~moved], trades.qty_lot[~moved]),
        "reverse tick (looks ahead)": score(backwards, trades.side, trades.qty_lot),
    }


def _ticks(tape: Tape) -> NDArray[np.int8]:
    price = tape.trades.price_tick
    none = np.full(len(price), NO_QUOTE, np.int64)
    return sides_at(price, none, none, np.zeros(len(price), np.int64), RuleParams(rule="tick"))[0]


def feed_scores(tape: Tape) -> dict[int, tuple[Score, dict[str, float]]]:
    """Return how right sides are that are inferred from snapshots, by ms between them, and shares of the volume.

    Each trade has the side of the stretch between two snapshots in which it was made.
    """
    trades, found = tape.trades, {}
    for each in FEEDS_MS:
        seen, shown = snapshots_of(trades, tape.quotes, each * MS)
        made = infer(seen).trades
        side = np.zeros(len(seen), np.int8)
        side[snapshot_row(made.trade_id)] = made.side
        stretch = np.searchsorted(shown, np.arange(len(trades)))  # the snapshot that counts each trade first
        pred = np.append(side, np.int8(0))[stretch]
        lots = confidence(made, np.array([0, len(made)], np.int64))
        volume = int(made.qty_lot.sum())
        names = {"prev_quote": "by_quote_lot", "prev_mid": "by_mid_lot", "tick": "by_tick_lot", "rest": "by_rest_lot"}
        shares = {name: int(lots[column][0]) / volume for name, column in names.items()}
        shares["quote_share"] = int(lots["quote_lot"][0]) / volume
        found[each] = score(pred, trades.side, trades.qty_lot), shares
    return found


def cut_by_time(tape: Tape, length_ns: int) -> I64:
    """Return the bar of each trade: bars of one length, those without trades left out."""
    return np.unique(tape.trades.ts_exch_ns // length_ns, return_inverse=True)[1].astype(np.int64)


def cut_by_volume(tape: Tape, bars: int) -> I64:
    """Return the bar of each trade: a bar ends with the trade that fills its share of the volume."""
    lots = tape.trades.qty_lot.tolist()
    wanted, held, bar, found = sum(lots) // bars, 0, 0, []
    for lot in lots:
        found.append(bar)
        held += lot
        if held >= wanted:
            bar, held = bar + 1, 0
    return np.array(found, np.int64)


def bar_scores(tape: Tape, bar: I64) -> dict[str, float]:
    """Return the share of the volume that each way puts on the right side: ``1 - sum |guess - bought| / volume``."""
    trades = tape.trades
    count = int(bar[-1]) + 1

    def summed(weight: F64) -> F64:
        return np.asarray(np.bincount(bar, weights=weight, minlength=count), np.float64)

    lots = trades.qty_lot.astype(np.float64)
    volume, bought = summed(lots), summed(lots * (trades.side > 0))
    close = trades.price_tick[np.append(np.flatnonzero(np.diff(bar)), len(bar) - 1)]
    change = np.sign(np.diff(close, prepend=close[:1]))

    def bulk(params: BulkParams) -> F64:
        return bulk_volume(close, volume.astype(np.int64), None, params).buy_lot

    bid, ask = joins(tape).get("exchange time", next(reversed(joins(tape).values())))
    quoted, _ = sides_at(trades.price_tick, bid, ask, np.zeros(len(trades), np.int64), RuleParams(rule="lee_ready"))
    ways: dict[str, Callable[[], F64]] = {
        "Lee-Ready, summed": lambda: summed(lots * (1 + quoted) / 2),
        "bulk tick: the tick rule, summed": lambda: summed(lots * (1 + _ticks(tape)) / 2),
        "BVC, normal, 50 bars": lambda: bulk(BulkParams()),
        "BVC, Student t(0.25), 50 bars": lambda: bulk(BulkParams(cdf="student_t")),
        "BVC, normal, whole sample (looks ahead)": lambda: bulk(BulkParams(sigma="whole_sample")),
        "BVC, Student t(0.25), whole sample (looks ahead)": lambda: bulk(
            BulkParams(cdf="student_t", sigma="whole_sample")
        ),
        "the sign of the bar's change": lambda: volume * (1 + change) / 2,
        "one half of each bar": lambda: volume / 2,
    }
    return {name: 1 - float(np.abs(way() - bought).sum() / volume.sum()) for name, way in ways.items()}
