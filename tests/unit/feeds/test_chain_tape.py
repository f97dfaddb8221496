"""Rows of a chain as a feed says them: what changed, every two seconds at most, of the right option."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from footloom.core.chains import CALL, SOURCES, UNDERLYING
from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.series import NO_QUOTE, Series
from footloom.errors import DataError
from footloom.feeds._chain import ChainTape
from footloom.options.chain import Chain
from footloom.options.measures import Measures

S = 10**9
AT = 1_765_771_200 * S
OPTION = Instrument(
    venue="upstox", symbol="NSE_FO|51510", tick_size=Decimal("0.05"), lot_size=Decimal(1), quote="INR", kind="option",
    calendar="nse_fo", underlying="NIFTY", strike=Decimal(26000), option="CE", expiry_ns=AT + 86_400 * S,
)  # fmt: skip
INDEX = Instrument(
    venue="upstox", symbol="NSE_INDEX|Nifty 50", tick_size=Decimal("0.05"), lot_size=Decimal(1), kind="index",
    calendar="nse_cash", name="NIFTY",
)  # fmt: skip


def tick(at_s: float, **said: Any) -> Tick:
    at_ns = AT + round(at_s * S)
    return Tick(symbol=OPTION.symbol, ts_exch_ns=at_ns, ts_recv_ns=at_ns + 1_000_000, **said)


def said_in(series: Series) -> dict[str, int]:
    return {name: int(column[0]) for name, column in series.columns.items() if column[0] != NO_QUOTE}


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def tape(told: list[str]) -> ChainTape:
    return ChainTape(OPTION, INDEX.symbol, told.append)


def test_a_message_is_a_row_of_its_underlying(tape: ChainTape, told: list[str]) -> None:
    tape.add(
        tick(0, oi="1565935", ltp="269.2", vtt="510160", bid="268.2", bid_qty="70", ask="", ask_qty="",
             greeks=("0.10440826416015625", "0.328", "0.0003", "-15.022", "43.8769"))
    )  # fmt: skip
    [rows] = tape.take(AT + 2 * S)
    assert rows.instrument.key == "upstox:NSE_INDEX|Nifty 50"
    assert rows.instrument.name == "NIFTY"
    assert (int(rows.ts_exch_ns[0]), int(rows.ts_recv_ns[0])) == (AT, AT + 1_000_000)
    assert said_in(rows) == {
        "side": CALL, "expiry_ns": OPTION.expiry_ns, "strike_tick": 2_600_000, "oi_lot": 1_565_935,
        "volume_lot": 510_160, "ltp_tick": 26_920, "bid_tick": 26_820, "bid_lot": 70, "ask_lot": 0,
        "iv_e8": 10_440_826, "delta_e8": 32_800_000, "gamma_e8": 30_000, "theta_e8": -1_502_200_000,
        "vega_e8": 4_387_690_000, "source": SOURCES.index("upstox_feed"),
    }  # fmt: skip
    assert told == []


def test_only_what_changed_is_written_and_every_two_seconds_at_most(tape: ChainTape) -> None:
    tape.add(tick(0, oi="100", ltp="5", vtt="10"))
    assert len(tape.take(AT + 2 * S)) == 1
    tape.add(tick(2.5, oi="100", ltp="5.05", vtt="10"))
    tape.add(tick(3.0, oi="100", ltp="5.10", vtt="11"))
    assert tape.take(AT + 3 * S) == []
    [rows] = tape.take(AT + 4 * S)
    assert {name: said_in(rows)[name] for name in ("ltp_tick", "volume_lot")} == {"ltp_tick": 510, "volume_lot": 11}
    assert "oi_lot" not in said_in(rows)
    assert int(rows.ts_exch_ns[0]) == AT + 3 * S
    tape.add(tick(5, oi="100", ltp="5.10", vtt="11"))
    assert tape.take(AT + 9 * S) == [], "nothing is new"


def test_what_is_said_again_is_written_once_a_minute_so_that_it_does_not_look_old(tape: ChainTape) -> None:
    written = []
    for second in range(0, 200, 5):
        tape.add(tick(second, oi="100"))
        written += [(int(rows.ts_exch_ns[0]) - AT) // S for rows in tape.take(AT + (second + 3) * S)]
    assert written == [0, 60, 120, 180]


def test_a_side_that_comes_back_and_one_that_goes_are_both_written(tape: ChainTape) -> None:
    quotes = [("5", "75"), ("", ""), ("5", "75")]
    found = []
    for place, (bid, quantity) in enumerate(quotes):
        tape.add(tick(3 * place, bid=bid, bid_qty=quantity))
        found += [said_in(rows) for rows in tape.take(AT + (3 * place + 2) * S)]
    assert [(row.get("bid_tick"), row["bid_lot"]) for row in found] == [(500, 75), (None, 0), (500, 75)]


def test_the_underlying_says_its_price_alone() -> None:
    tape = ChainTape(INDEX, INDEX.symbol, lambda _: None)
    tape.add(Tick(symbol=INDEX.symbol, ts_exch_ns=AT, ts_recv_ns=AT, ltp="26186.45", oi="7", vtt="9"))
    [rows] = tape.take(AT + 2 * S)
    assert said_in(rows) == {
        "side": UNDERLYING, "expiry_ns": 0, "strike_tick": 0, "ltp_tick": 2_618_645,
        "source": SOURCES.index("upstox_feed"),
    }  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"ltp": "5.005"}, {"oi": "1.5"}, {"oi": "-75"}, {"vtt": "-1"}, {"bid": "nan", "bid_qty": "1"},
        {"bid": "5", "bid_qty": "-75"}, {"greeks": ("1e30", "", "", "", "")}, {"greeks": ("", "nan", "", "", "")},
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_and_in_no_chain(tape: ChainTape, told: list[str], wrong: dict[str, str]) -> None:
    tape.add(tick(0, **wrong))
    assert tape.take(AT + 9 * S) == []
    assert "a message of upstox:NSE_FO|51510 is in no chain" in told[0]


def test_time_never_goes_back_for_one_option(tape: ChainTape) -> None:
    tape.add(tick(5, oi="1"))
    first = tape.take(AT + 6 * S)
    tape.add(tick(3, oi="2"))
    second = tape.take(AT + 9 * S)
    times = np.concatenate([rows.ts_exch_ns for rows in (*first, *second)])
    assert times.tolist() == [AT + 5 * S, AT + 5 * S]


def test_a_quantity_that_nobody_said_is_unknown_and_one_of_0_is_nobody(tape: ChainTape) -> None:
    tape.add(tick(0, bid="5", bid_qty=None, ask="6", ask_qty="0"))
    [rows] = tape.take(AT + 2 * S)
    said = said_in(rows)
    assert (said["bid_tick"], said.get("bid_lot")) == (500, None)
    assert (said.get("ask_tick"), said["ask_lot"]) == (None, 0)
    board = Chain(rows).board(OPTION.expiry_ns or 0, np.array([AT + S]))
    quote = [int(board.values(name, "call")[0, 0]) for name in ("bid_tick", "bid_lot", "ask_tick", "ask_lot")]
    assert quote == [500, NO_QUOTE, NO_QUOTE, 0]
    assert np.isnan(board.mid("call")).all()


def test_a_time_far_ahead_of_its_receipt_does_not_stamp_what_comes_later(tape: ChainTape, told: list[str]) -> None:
    def said(at_s: float, ahead_s: float, oi: str) -> list[int]:
        recv_ns = AT + round(at_s * S)
        sent_ns = recv_ns + round(ahead_s * S)
        tape.add(Tick(symbol=OPTION.symbol, ts_exch_ns=sent_ns, ts_recv_ns=recv_ns, oi=oi))
        return [(int(rows.ts_exch_ns[0]) - AT) // S for rows in tape.take(recv_ns + 2 * S)]

    assert said(0, 0, "1") == [0]
    assert said(10, 86_400, "2") == [10], "its receipt stands"
    assert said(20, 0, "3") == [20], "and the next one stands at its own time"
    assert said(30, 7_200, "4") == [30]
    assert said(40, 59, "5") == [99], "clocks may differ by a minute"
    assert len(told) == 1, "it is told once"
    assert "more than 60 s ahead, and its receipt stands" in told[0]


def test_what_stood_the_day_before_is_a_row_of_its_own_source(tape: ChainTape) -> None:
    tape.stood("71365.0", AT)
    tape.add(tick(1, oi="80000"))
    before, now = tape.take(AT + 2 * S)
    assert said_in(before) == {
        "side": CALL, "expiry_ns": OPTION.expiry_ns, "strike_tick": 2_600_000, "prev_oi_lot": 71_365,
        "source": SOURCES.index("upstox_chain"),
    }  # fmt: skip
    assert said_in(now)["source"] == SOURCES.index("upstox_feed")
    assert "prev_oi_lot" not in said_in(now)
    measures = Measures(Chain(Series.concat([before, now])).board(OPTION.expiry_ns or 0, np.array([AT + S])))
    assert measures.change("call").tolist() == [[80_000 - 71_365]]
    assert tape.take(AT + 9 * S) == [], "it is written once"
    with pytest.raises(DataError, match="below zero"):
        tape.stood("-5", AT)
