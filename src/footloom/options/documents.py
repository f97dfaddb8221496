"""Option chains as documents: what the command line prints, the server answers and a notebook looks at."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any, Final

import numpy as np

from footloom.core.chains import SOURCES
from footloom.core.instrument import Instrument
from footloom.core.nse_lots import underlying_of_index, units_a_lot
from footloom.core.sessions import calendar
from footloom.core.snapshots import NO_QUOTE
from footloom.core.trades import I64
from footloom.options.black76 import F64, Greeks
from footloom.options.chain import VALUES, Board, Side
from footloom.options.heat import Heat
from footloom.options.measures import GEX_ASSUMES, Measures, days_left
from footloom.options.positions import Wall
from footloom.options.replies import (
    ChainReply,
    HeatReply,
    HistoryReply,
    OptionCell,
    Said,
    SmileReply,
    StrikeRow,
    WallRow,
)

__all__ = ("chain_reply", "heat_reply", "history_reply", "smile_reply", "underlying_name")

_SCALE: Final = Decimal(1).scaleb(-8)


def chain_reply(measures: Measures) -> ChainReply:
    """Return the last instant of measures as a document, with every strike that counts."""
    board, last = measures.board, len(measures.board.at_ns) - 1
    at_ns, name = int(board.at_ns[last]), board.chain.instrument.calendar
    days, sessions = days_left(name, at_ns, board.expiry_ns)
    return ChainReply(
        **_head(board),
        name=underlying_name(board.chain.instrument),
        expiries=[board.chain.day_text(one) for one in board.chain.expiries.tolist()],
        at_ns=str(at_ns),
        days_to_expiry=days,
        sessions_to_expiry=sessions,
        rate=measures.rate,
        spot=_number(measures.spot[last]),
        spot_from=_spot_from(measures, last),
        forward=_number(measures.forward[last]),
        atm=_atm(measures, last),
        call_oi=_open_totals(measures, "call")[last],
        put_oi=_open_totals(measures, "put")[last],
        left_out=int(measures.left_out("oi_lot")[last]),
        pcr_oi=_number(measures.put_call_ratio("oi_lot")[last]),
        pcr_volume=_number(measures.put_call_ratio("volume_lot")[last]),
        max_pain=_strike(board, measures.max_pain[last]),
        call_walls=[_wall(board, one) for one in measures.walls("call")[last]],
        put_walls=[_wall(board, one) for one in measures.walls("put")[last]],
        straddle=_number(measures.straddle[last]),
        atm_iv=_number(measures.atm_vol[last]),
        gex=_number(measures.gamma_exposure()[last]),
        gex_assumes=GEX_ASSUMES,
        rows=_rows(measures, last),
    )


def _head(board: Board) -> dict[str, Any]:
    instrument, day = board.chain.instrument, board.chain.day_text(board.expiry_ns)
    market = calendar(instrument.calendar)
    return {
        "symbol": instrument.key,
        "tz": market.tz,
        "expiry": day,
        "expiry_ns": str(board.expiry_ns),
        "units_a_lot": _lot(board, market.local_date(board.expiry_ns)),
    }


# The venue's own list goes before what is known of NSE's sizes.
def _lot(board: Board, day: dt.date) -> int | None:
    lots = board.chain.lots
    if board.expiry_ns in lots:
        return lots[board.expiry_ns]
    return units_a_lot(underlying_name(board.chain.instrument), day)


def underlying_name(instrument: Instrument) -> str:
    """Return what people call the underlying of a chain: ``NIFTY``."""
    known = instrument.underlying or instrument.name
    return known or underlying_of_index(instrument.symbol) or instrument.symbol


def _rows(measures: Measures, last: int) -> list[StrikeRow]:
    board = measures.board
    sides: tuple[Side, Side] = ("call", "put")
    cells = {side: _Cells(measures, side, last) for side in sides}
    return [
        StrikeRow(_strike(board, strike) or "", cells["call"].of(i), cells["put"].of(i))
        for i, strike in enumerate(board.strikes.tolist())
        if measures.near[last, i]
    ]


class _Cells:
    # What is known of one side at one instant, by the place of the strike.
    def __init__(self, measures: Measures, side: Side, last: int) -> None:
        board = measures.board
        self.instrument = board.chain.instrument
        self.values = {name: board.values(name, side)[last] for name in VALUES}
        self.times = {name: board.times(name, side)[last] for name in VALUES}
        self.sources = {name: board.sources(name, side)[last] for name in VALUES}
        self.day = measures.change(side)[last]
        self.step, self.step_from = (one[last] for one in board.steps(side))
        self.crossed = board.crossed(side)[last]
        self.mid = measures.mids[side][last]
        self.vol = measures.vols[side][last]
        self.greeks = Greeks(*(one[last] for one in measures.greeks(side)))

    def of(self, i: int) -> OptionCell:
        return OptionCell(
            oi=self._qty(self.values["oi_lot"][i]),
            oi_day=self._qty(self.day[i]),
            oi_step=self._qty(self.step[i]),
            step_from_ns=None if self.step_from[i] == NO_QUOTE else str(self.step_from[i]),
            volume=self._qty(self.values["volume_lot"][i]),
            ltp=self._price(self.values["ltp_tick"][i]),
            bid=self._price(self.values["bid_tick"][i]),
            bid_qty=self._qty(self.values["bid_lot"][i]),
            ask=self._price(self.values["ask_tick"][i]),
            ask_qty=self._qty(self.values["ask_lot"][i]),
            crossed=bool(self.crossed[i]),
            mid=_number(self.mid[i]),
            iv=_number(self.vol[i]),
            delta=_number(self.greeks.delta[i]),
            gamma=_number(self.greeks.gamma[i]),
            vega=_number(self.greeks.vega[i]),
            theta=_number(self.greeks.theta[i]),
            venue={
                name.removesuffix("_e8"): f"{(int(values[i]) * _SCALE).normalize():f}"
                for name, values in self.values.items()
                if name.endswith("_e8") and values[i] != NO_QUOTE
            },
            said={
                name.rpartition("_")[0]: Said(str(times[i]), SOURCES[self.sources[name][i]])
                for name, times in self.times.items()
                if times[i] != NO_QUOTE
            },
        )

    def _qty(self, value: Any) -> str | None:
        return None if value == NO_QUOTE else self.instrument.qty_text(int(value))

    def _price(self, value: Any) -> str | None:
        return None if value == NO_QUOTE else self.instrument.price_text(int(value))


def history_reply(measures: Measures) -> HistoryReply:
    """Return measures as a document."""
    board = measures.board
    call_walls, put_walls = measures.walls("call"), measures.walls("put")
    return HistoryReply(
        **_head(board),
        rate=measures.rate,
        gex_assumes=GEX_ASSUMES,
        at_ns=[str(one) for one in board.at_ns.tolist()],
        spot=_numbers(measures.spot),
        forward=_numbers(measures.forward),
        atm=[_atm(measures, i) for i in range(len(board.at_ns))],
        call_oi=_open_totals(measures, "call"),
        put_oi=_open_totals(measures, "put"),
        call_day=_day_totals(measures, "call"),
        put_day=_day_totals(measures, "put"),
        left_out=measures.left_out("oi_lot").tolist(),
        pcr_oi=_numbers(measures.put_call_ratio("oi_lot")),
        pcr_volume=_numbers(measures.put_call_ratio("volume_lot")),
        max_pain=[_strike(board, one) for one in measures.max_pain.tolist()],
        call_wall=[_wall(board, one[0]) if one else None for one in call_walls],
        put_wall=[_wall(board, one[0]) if one else None for one in put_walls],
        straddle=_numbers(measures.straddle),
        atm_iv=_numbers(measures.atm_vol),
        gex=_numbers(measures.gamma_exposure()),
    )


# A sum over no strike at all is not known, which is not 0.
def _open_totals(measures: Measures, side: Side) -> list[str | None]:
    sums, known = measures.total("oi_lot", side).tolist(), [bool(one.any()) for one in measures.both("oi_lot")]
    return [str(one) if any_known else None for one, any_known in zip(sums, known, strict=True)]


def _day_totals(measures: Measures, side: Side) -> list[str | None]:
    change = measures.change(side)
    known = (change != NO_QUOTE) & measures.near
    sums = np.where(known, change, 0).sum(axis=1)
    return [str(one) if any_known else None for one, any_known in zip(sums.tolist(), known.any(axis=1), strict=True)]


def heat_reply(heat: Heat, measures: Measures) -> HeatReply:
    """Return the changes of the strikes that count at the first instant that tells, so that rows stay."""
    board = heat.board
    at_money = np.flatnonzero(measures.near.any(axis=1))
    rows = np.flatnonzero(measures.near[at_money[0]]) if len(at_money) else np.zeros(0, np.int64)
    call, put = heat.steps("call")[:, rows], heat.steps("put")[:, rows]
    known = (call != NO_QUOTE) & (put != NO_QUOTE)
    net = np.where(known, np.where(known, put, 0) - np.where(known, call, 0), NO_QUOTE)
    return HeatReply(
        **_head(board),
        stale_ns=str(heat.stale_ns),
        at_ns=[str(one) for one in board.at_ns.tolist()],
        strikes=[_strike(board, one) or "" for one in board.strikes[rows].tolist()],
        calls=_grid(call),
        puts=_grid(put),
        net=_grid(net),
        held_calls=heat.held("call")[:, rows].T.tolist(),
        held_puts=heat.held("put")[:, rows].T.tolist(),
        clip_calls=heat.clip(call),
        clip_puts=heat.clip(put),
        clip_net=heat.clip(net),
        day_calls=_last(measures.change("call"), rows),
        day_puts=_last(measures.change("put"), rows),
    )


def _grid(values: I64) -> list[list[int | None]]:
    return [[None if one == NO_QUOTE else one for one in row] for row in values.T.tolist()]


def _last(values: I64, rows: I64) -> list[int | None]:
    return [None if one == NO_QUOTE else one for one in values[-1, rows].tolist()] if len(values) else []


def smile_reply(measures: Measures) -> SmileReply:
    """Return the volatilities of the last instant as a document."""
    board, last = measures.board, len(measures.board.at_ns) - 1
    rows = np.flatnonzero(measures.near[last])
    head = _head(board)
    del head["units_a_lot"]
    return SmileReply(
        **head,
        at_ns=str(board.at_ns[last]),
        rate=measures.rate,
        forward=_number(measures.forward[last]),
        strikes=[_strike(board, one) or "" for one in board.strikes[rows].tolist()],
        iv=_numbers(measures.smile[last, rows]),
        call_iv=_numbers(measures.vols["call"][last, rows]),
        put_iv=_numbers(measures.vols["put"][last, rows]),
    )


def _spot_from(measures: Measures, i: int) -> str | None:
    if measures.board.spot[i] != NO_QUOTE:
        return "chain"
    if measures.price is not None:
        return "given"
    return "forward" if math.isfinite(measures.spot[i]) else None


def _atm(measures: Measures, i: int) -> str | None:
    place = int(measures.atm[i])
    return None if place < 0 else _strike(measures.board, measures.board.strikes[place])


def _strike(board: Board, tick: Any) -> str | None:
    if tick == NO_QUOTE:
        return None
    text = board.chain.instrument.price_text(int(tick))
    return text.rstrip("0").rstrip(".") if "." in text else text


def _wall(board: Board, wall: Wall) -> WallRow:
    return WallRow(_strike(board, wall.strike) or "", str(wall.oi), wall.strong)


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _numbers(values: F64) -> list[float | None]:
    return [_number(one) for one in values.tolist()]
