"""The simulated market's option chain agrees with its price, and is the same however it is asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from footloom.core.series import NO_QUOTE
from footloom.core.trades import Trades
from footloom.feeds.simulated_chain import simulated_chain, simulated_interest
from footloom.options.chain import Chain
from footloom.options.measures import Measures
from footloom.store.files import Store
from footloom.venues.sim import PERP
from footloom.venues.sim.chain import EVERY_NS, chain_of, open_contracts

DAY_NS, DAY = 1_772_409_600_000_000_000, 86_400_000_000_000
AT = DAY_NS + np.arange(0, 600, 30) * EVERY_NS
PRICE = 120_000 + np.arange(20) * 37


def test_quotes_imply_the_price_and_a_smile() -> None:
    chain = Chain(chain_of(PERP, AT, PRICE))
    assert len(chain.expiries) == 3
    board = chain.board(int(chain.expiries[1]), AT)
    found = Measures(board)
    assert board.spot.tolist() == PRICE.tolist()
    assert found.forward == pytest.approx(PRICE * 0.5, rel=3e-3)
    assert np.isfinite(found.atm_vol).all()
    smile = found.smile[-1]
    centre = int(found.atm[-1])
    assert smile[0] > smile[centre]
    assert not board.crossed("call").any()
    assert not board.crossed("put").any()
    assert np.isfinite(found.straddle).all()


def test_open_interest_moves_and_volume_only_grows() -> None:
    chain = Chain(chain_of(PERP, AT, PRICE))
    board = chain.board(int(chain.expiries[0]), AT)
    oi, volume = board.values("oi_lot", "put"), board.values("volume_lot", "put")
    assert (oi != NO_QUOTE).all()
    assert (oi > 0).any()
    assert len(np.unique(oi[:, 12])) > 5
    assert (np.diff(volume, axis=0) >= 0).all()
    found = Measures(board)
    assert np.isfinite(found.put_call_ratio("oi_lot")).all()
    assert (found.max_pain != NO_QUOTE).all()


def test_a_part_of_a_day_is_that_part_of_the_whole() -> None:
    whole, part = chain_of(PERP, AT, PRICE), chain_of(PERP, AT[:7], PRICE[:7])
    assert part.equals(whole.take(whole.ts_exch_ns <= AT[6]))
    assert len(chain_of(PERP, AT[:0], PRICE[:0])) == 0


def test_the_contract_itself_has_open_interest_that_moves_and_is_the_same_for_each_instant() -> None:
    told = open_contracts(PERP, AT)
    lots = told["oi_lot"]
    assert (lots > 0).all()
    assert len(set(lots.tolist())) > len(lots) // 2
    assert open_contracts(PERP, AT[5:6])["oi_lot"].tolist() == [int(lots[5])]
    assert np.abs(np.diff(lots)).max() < lots.mean() / 10


def test_a_minute_is_told_at_its_own_time_once_trades_behind_it_are_stored(tmp_path: Path) -> None:
    with Store(tmp_path, writer=True) as store:
        store.put_instrument(PERP)
        at = DAY_NS + np.array([10, 70, 100]) * 10**9  # the last one lies behind the minute at 60 s, none at it
        ones = np.ones(3, np.int64)
        store.append(Trades.build(PERP, at, ones * 120_000, ones, ones, trade_id=np.arange(1, 4), ts_recv_ns=at))
        minute = DAY_NS + EVERY_NS
        assert np.unique(simulated_chain(store, DAY_NS, minute + 1).ts_exch_ns).tolist() == [minute]
        assert np.unique(simulated_chain(store, DAY_NS, DAY_NS + 2 * DAY).ts_exch_ns).tolist() == [minute]
        assert len(simulated_chain(store, DAY_NS, minute)) == 0
        assert simulated_interest(store, DAY_NS, DAY_NS + DAY).ts_exch_ns.tolist() == []
