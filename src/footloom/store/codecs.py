"""Which kind of row is stored in which way, by version of the schema."""

from __future__ import annotations

from collections.abc import Sequence

from footloom.core.series import KINDS
from footloom.core.snapshots import GREEKS
from footloom.store.columns import FINISHED, SEQ, SNAPSHOTS, TRADES, Form
from footloom.store.encoding import (
    RECEIPT,
    SIGNED,
    Codec,
    field_codec,
    number_codec,
    optional_codec,
    smallest_codec,
    time_codec,
)

__all__ = ("codecs",)

_TRADES = (
    time_codec("ts_exch_ns", "ts_exch"),
    number_codec("price_tick"),
    SIGNED,
    optional_codec("trade_id"),
    RECEIPT,
    optional_codec(SEQ),
)
_SNAPSHOTS = (
    time_codec("ts_recv_ns", "ts_recv"),
    time_codec("ts_exch_ns", "ts_exch"),
    *(number_codec(name) for name in ("ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick")),
    *(field_codec(name) for name in ("oi_lot", "bid_lot", "ask_lot", "atp_e4", *GREEKS)),
    optional_codec(SEQ),
)
_FINISHED = (
    time_codec("open_ns", "open"),
    time_codec("close_ns", "close"),
    *(number_codec(name) for name in FINISHED.dtypes if name not in {"open_ns", "close_ns"}),
    optional_codec(SEQ),
)
_SERIES = {
    tape: (
        time_codec("ts_exch_ns", "ts_exch"),
        time_codec("ts_recv_ns", "ts_recv") if kind.time == "ts_recv_ns" else RECEIPT,
        *(smallest_codec(name) for name in kind.columns),
        optional_codec(SEQ),
    )
    for tape, kind in KINDS.items()
}
# Version 1 stored the columns one by one as they are in memory. Nothing writes it any more; it is read for good.
_FIRST = {
    TRADES.name: tuple(number_codec(name) for name in TRADES.dtypes),
    SNAPSHOTS.name: tuple(
        number_codec(name)
        for name in ("ts_exch_ns", "ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick", "ts_recv_ns")
    ),
}


_PRESENT = {TRADES.name: _TRADES, SNAPSHOTS.name: _SNAPSHOTS, FINISHED.name: _FINISHED, **_SERIES}


def codecs(form: Form, version: int) -> Sequence[Codec]:
    """Return how a version of the schema stores one kind of row."""
    return (_FIRST if version == 1 else _PRESENT)[form.name]
