"""Recorded volume against the feed's own minute candles: what is off by more than a hundredth is told."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from footloom.core.instrument import Instrument
from footloom.core.messages import Tick
from footloom.core.trades import Trades
from footloom.feeds._minutes import MinuteCheck

MINUTE = 60 * 10**9
START = 29_900_000 * MINUTE
NIFTY = Instrument(venue="upstox", symbol="NSE_FO|1", tick_size=Decimal("0.05"), lot_size=Decimal(1))


# A trade of ten and a look every six seconds; the feed's candle counts all of it, what is kept only a share.
def play(check: MinuteCheck, minutes: range, kept: int = 10) -> list[str]:
    said = []
    for minute in minutes:
        for step in range(10):
            at_ns = START + minute * MINUTE + step * 6 * 10**9
            trades = Trades.build(NIFTY, np.array([at_ns]), [500_000], [kept], [1])
            candle = (START + minute * MINUTE, str(10 * (step + 1)))
            tick = Tick(symbol=NIFTY.symbol, ts_exch_ns=at_ns, ts_recv_ns=at_ns, ltp="25000", minute=candle)
            said.append(check.add([tick], trades))
    return [text for text in said if text]


def test_volume_that_agrees_is_silent() -> None:
    check = MinuteCheck()
    assert play(check, range(30)) == []
    assert check.ratio == 1.0


@pytest.mark.parametrize("kept", [9, 11])
def test_volume_that_is_off_is_told_once_with_the_figure(kept: int) -> None:
    check = MinuteCheck()
    [said] = play(check, range(30), kept)
    assert f"is {kept / 10:.3f} of what the feed's own minute candles say" in said


def test_minutes_that_were_not_seen_whole_are_not_compared() -> None:
    check = MinuteCheck()
    for minute in range(0, 40, 2):
        play(check, range(minute, minute + 1), 3)
        check.interrupted()
    assert check.ratio is None


def test_a_few_minutes_prove_nothing() -> None:
    check = MinuteCheck()
    assert play(check, range(6), 5) == []
