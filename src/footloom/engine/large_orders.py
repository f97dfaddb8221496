"""Large aggressive orders, put together from their fills (definitions 6.7).

All fills of an order have one time, so trades may be cut between two instants anywhere: the orders are the same. What a
large one is follows from the orders before it alone.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Annotated, Any, Literal, Self

import msgspec
import numpy as np

from footloom.core.decimals import parse_decimal
from footloom.core.instrument import Instrument
from footloom.core.trades import I64, Trades
from footloom.errors import ConfigError
from footloom.kernels.orders import ORDER_COLUMNS, UNKNOWN, join_orders, trailing_quantile
from footloom.typed import from_plain

__all__ = ("LargeOrders", "Measure", "Orders", "Params", "large_orders", "order_params", "orders_of", "whole_instants")

_HOUR_NS = 3600 * 10**9
_MOST_PLACES = 6  # of a percentile
_BY_PERCENTILE, _BY_QUANTITY = ({"when": {"by": how}} for how in ("percentile", "quantity"))


class Params(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From when on an order is large, and how its bubble is drawn.

    ``by``: the percentile of the orders of the hours before it, or a quantity. ``sides``, ``size`` and ``numbers``
    change no number.
    """

    by: Literal["percentile", "quantity"] = "percentile"
    percentile: Annotated[
        str, msgspec.Meta(description="above 50 and below 100", max_length=12, extra_json_schema=_BY_PERCENTILE)
    ] = "99"
    hours: Annotated[
        int, msgspec.Meta(ge=1, le=168, description="hours before an order", extra_json_schema=_BY_PERCENTILE)
    ] = 24
    min_qty: Annotated[
        str, msgspec.Meta(description="quantity, decimal text above 0", max_length=40, extra_json_schema=_BY_QUANTITY)
    ] = "1"
    sides: Literal["both", "buy", "sell"] = "both"
    size: Annotated[int, msgspec.Meta(ge=20, le=400, description="percent of the usual size")] = 100
    numbers: Literal["on", "off"] = "on"

    @property
    def span_ns(self) -> int:
        """How far back the orders lie that one is held against, ns; 0 where a quantity decides."""
        return self.hours * _HOUR_NS if self.by == "percentile" else 0


def order_params(settings: dict[str, object]) -> Params:
    """Return settings from outside, every value checked.

    Raises
    ------
    ConfigError
        A setting is unknown or out of its range; the message says which.
    """
    unknown = sorted(set(settings) - set(Params.__struct_fields__))
    if unknown:
        raise ConfigError(
            f"large orders have no setting {', '.join(unknown)}: they have {', '.join(Params.__struct_fields__)}"
        )
    try:
        params = from_plain(settings, Params, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(f"large orders cannot be set so: {error}") from None
    _share(params)
    if parse_decimal(params.min_qty) <= 0:
        raise ConfigError(f"min_qty must be above 0, got {params.min_qty}")
    return params


# The percentile as a fraction of whole numbers.
def _share(params: Params) -> tuple[int, int]:
    share = parse_decimal(params.percentile)
    places = -int(share.as_tuple().exponent)
    if not 50 < share < 100 or places > _MOST_PLACES:
        raise ConfigError(
            f"percentile must be above 50 and below 100, with {_MOST_PLACES} decimals at the most: got "
            f"{params.percentile}"
        )
    top, bottom = (share / 100).as_integer_ratio()
    return top, bottom


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Orders as columns, int64 (n,), in the order of their time.

    ``side``: +1 bought, -1 sold, 0 unknown (then it is one trade). ``qty_lot`` is all that was filled, at ``levels``
    prices from ``first_tick`` to ``last_tick``; ``beyond`` the sum of lots times ticks away from ``first_tick``.
    ``threshold_lot`` is the quantity from which on it was large.
    """

    ts_ns: I64
    side: I64
    qty_lot: I64
    trades: I64
    levels: I64
    first_tick: I64
    last_tick: I64
    beyond: I64
    threshold_lot: I64

    def __len__(self) -> int:
        return len(self.ts_ns)

    def take(self, rows: Any) -> Self:
        """Return some of them: a slice, a mask or indices."""
        return type(self)(*(getattr(self, one.name)[rows] for one in fields(self)))

    def between(self, from_ns: int, to_ns: int) -> Self:
        """Return those of ``[from_ns, to_ns)``."""
        low, high = np.searchsorted(self.ts_ns, (from_ns, to_ns))
        return self.take(slice(int(low), int(high)))

    @classmethod
    def concat(cls, pieces: Iterable[Orders]) -> Self:
        """Join neighbouring pieces."""
        found = list(pieces) or [_none()]
        return cls(*(np.concatenate([getattr(piece, one.name) for piece in found]) for one in fields(cls)))

    def average(self, i: int) -> Decimal:
        """Return the average price of order ``i``, ticks."""
        return int(self.first_tick[i]) + Decimal(int(self.beyond[i])) / int(self.qty_lot[i])


def _none() -> Orders:
    return Orders(*(np.empty(0, np.int64) for _ in fields(Orders)))


def orders_of(trades: Trades) -> Orders:
    """Return all orders of trades that ascend in the ordering key; no threshold is known of them yet."""
    out = np.empty((len(ORDER_COLUMNS), len(trades)), np.int64)
    columns = (trades.ts_exch_ns, trades.price_tick, trades.qty_lot, trades.side, trades.trade_id, trades.flags)
    count = join_orders(*columns, out)
    made = dict(zip(ORDER_COLUMNS, out[:, :count], strict=True))
    first = made.pop("first")
    return Orders(ts_ns=trades.ts_exch_ns[first], threshold_lot=np.full(count, UNKNOWN), **made)


def whole_instants(pieces: Iterable[Trades]) -> Iterator[Trades]:
    """Yield the same trades cut between two instants only: the last one of a piece may go on in the next."""
    waiting: Trades | None = None
    for piece in pieces:
        joined = piece if waiting is None else Trades.concat([waiting, piece])
        if not len(joined):
            continue
        last = int(np.searchsorted(joined.ts_exch_ns, joined.ts_exch_ns[-1]))
        waiting = joined.take(slice(last, len(joined)))
        if last:
            yield joined.take(slice(0, last))
    if waiting is not None:
        yield waiting


class Measure:
    """Says of orders, given in the order of their time, from which quantity on each was large.

    Parameters
    ----------
    instrument
        Whose lots are counted.
    params
        What is large.
    """

    def __init__(self, instrument: Instrument, params: Params) -> None:
        self._params = params
        lots = parse_decimal(params.min_qty) / instrument.lot_size
        self._least_lot = int(lots.to_integral_value(rounding="ROUND_CEILING"))
        self._share = _share(params)
        none = np.empty(0, np.int64)
        self._ts_ns = self._qty_lot = none
        self._values, self._counts = none, none  # of the quantities held, and how often each occurs

    @property
    def held(self) -> int:
        """How many orders it remembers."""
        return len(self._ts_ns)

    def look(self, orders: Orders) -> I64:
        """Return the thresholds of the orders that follow those taken, lots, int64 (n,); keep nothing."""
        if self._params.by == "quantity":
            return np.full(len(orders), self._least_lot)
        held = len(self._ts_ns)
        ts_ns, qty_lot = self._joined(orders)
        values = np.union1d(self._values, orders.qty_lot)
        counts = np.zeros(len(values), np.int64)
        counts[np.searchsorted(values, self._values)] = self._counts
        out = np.empty(len(orders), np.int64)
        trailing_quantile(ts_ns, qty_lot, held, self._params.span_ns, *self._share, values, counts, out)
        return out

    def take(self, orders: Orders) -> None:
        """Take orders in: those that follow are held against them."""
        if self._params.by == "percentile" and len(orders):
            ts_ns, qty_lot = self._joined(orders)
            kept = int(np.searchsorted(ts_ns, ts_ns[-1] - self._params.span_ns))
            self._ts_ns, self._qty_lot = ts_ns[kept:], qty_lot[kept:]
            self._values, self._counts = np.unique(self._qty_lot, return_counts=True)

    def _joined(self, orders: Orders) -> tuple[I64, I64]:
        return np.concatenate([self._ts_ns, orders.ts_ns]), np.concatenate([self._qty_lot, orders.qty_lot])


class LargeOrders:
    """A fold from trades to the large orders among them."""

    def __init__(self, instrument: Instrument, params: Params) -> None:
        self._measure = Measure(instrument, params)

    @property
    def held(self) -> int:
        """How many orders it remembers."""
        return self._measure.held

    def copied(self) -> LargeOrders:
        """Return a fold that stands where this one does, and goes on by itself."""
        other = copy.copy(self)
        vars(other)["_measure"] = copy.copy(self._measure)  # whose columns are replaced, never written to
        return other

    def update(self, trades: Trades) -> Orders:
        """Return the large orders of trades that follow those given before and hold whole instants."""
        found, made = self._found(trades)
        self._measure.take(made)
        return found

    def peek(self, trades: Trades) -> Orders:
        """Return the same without taking them in."""
        return self._found(trades)[0]

    def _found(self, trades: Trades) -> tuple[Orders, Orders]:
        made = orders_of(trades)
        limits = self._measure.look(made)
        large = (limits != UNKNOWN) & (made.qty_lot >= limits)
        return replace(made.take(large), threshold_lot=limits[large]), made


def large_orders(trades: Trades, params: Params | None = None) -> Orders:
    """Return the large orders of a tape: of orders at its beginning too little is known to call them large.

    Raises
    ------
    ConfigError
        The tape's sides were inferred from snapshots: what they merge cannot be told apart.
    """
    if trades.tape == "snapshot":
        raise ConfigError("orders cannot be put together from snapshots, which merge the trades between two of them")
    return LargeOrders(trades.instrument, params or Params()).update(trades)
