"""Ratios, max pain, walls, volatilities and exposure of a chain, against arithmetic in plain Python."""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import io
import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

import footloom as fl
from footloom.core.series import NO_QUOTE, Series
from footloom.core.sessions import calendar
from footloom.engine.chain_tables import history_table
from footloom.feeds.ingest import Options, import_files
from footloom.feeds.stored_chain import ChainAsk, newest
from footloom.notebook.chains import OptionChain
from footloom.options import black76
from footloom.options.chain import Chain, Side
from footloom.options.deltas import change_of
from footloom.options.documents import chain_reply, history_reply
from footloom.options.heat import Heat
from footloom.options.measures import Measures, days_left
from footloom.options.replies import ChainReply
from tests.unit.options.chain_kit import EXPIRY_NS, MINUTE_NS, MONDAY_NS, OPEN_NS, Row, call, chain_of, put, spot
from tests.unit.options.test_updates import applied

RATE = 0.06
Day = tuple[OptionChain, dict[str, list[dict[str, int]]]]


def measured(*rows: Row, at_ns: int = OPEN_NS, **settings: Any) -> Measures:
    ask = ChainAsk(**settings)
    return ask.measures(chain_of(*rows), EXPIRY_NS, np.array([at_ns]))


def test_sums_run_over_strikes_of_which_both_sides_are_known() -> None:
    """A ratio of half a chain is no ratio: the put at 26 100 has no call beside it and is told as left out."""
    found = measured(
        call(OPEN_NS, 26000, oi_lot=400, volume_lot=0), put(OPEN_NS, 26000, oi_lot=500, volume_lot=9),
        put(OPEN_NS, 26100, oi_lot=1_000),
    )  # fmt: skip
    assert found.put_call_ratio("oi_lot").tolist() == [1.25]
    assert math.isnan(found.put_call_ratio("volume_lot")[0])  # no calls traded
    assert found.left_out("oi_lot").tolist() == [1]
    assert found.walls("put")[0][0].strike == 2_610_000  # what is open at a strike needs no other side


def test_nothing_is_made_of_nothing() -> None:
    found = measured(call(OPEN_NS, 26000, ltp_tick=1), put(OPEN_NS, 26000, ltp_tick=1))
    assert math.isnan(found.put_call_ratio("oi_lot")[0])
    assert found.max_pain.tolist() == [NO_QUOTE]
    assert found.walls("call") == [[]]
    assert math.isnan(found.straddle[0])
    assert math.isnan(found.gamma_exposure()[0])


def quoted(spot_price: float, vol: float, strikes: range, *, at_ns: int = OPEN_NS) -> list[Row]:
    """Quote every option a tick around its Black-76 price."""
    years = (EXPIRY_NS - at_ns) / (365 * 86_400 * 1e9)
    forward = spot_price * math.exp(RATE * years)
    rows: list[Row] = []
    for strike in strikes:
        for made, is_call in ((call, True), (put, False)):
            price = float(black76.price(forward, strike, years, RATE, vol, is_call=is_call)[0])
            middle = round(price * 100)
            quote = {"bid_tick": max(0, middle - 1), "bid_lot": 75, "ask_tick": middle + 1, "ask_lot": 75}
            rows.append(made(at_ns, strike, oi_lot=1_500, **quote))
    return rows


def test_the_forward_the_smile_and_the_straddle_come_back() -> None:
    found = measured(*quoted(26_180, 0.12, range(25_900, 26_500, 50)), rate=RATE)
    years = (EXPIRY_NS - OPEN_NS) / (365 * 86_400 * 1e9)
    assert found.forward[0] == pytest.approx(26_180 * math.exp(RATE * years), abs=0.02)
    assert found.smile[0] == pytest.approx(0.12, abs=1e-4)
    assert found.atm_vol[0] == pytest.approx(0.12, abs=1e-4)
    assert found.board.strikes[found.atm[0]] == 2_620_000
    at_money = [
        float(black76.price(found.forward[0], 26_200, years, RATE, 0.12, is_call=one)[0]) for one in (True, False)
    ]
    assert found.straddle[0] == pytest.approx(sum(at_money), abs=0.02)
    gamma = found.greeks("call").gamma[0]
    assert gamma == pytest.approx(found.greeks("put").gamma[0], rel=1e-2)
    # The same open interest on both sides: calls and puts cancel.
    assert found.gamma_exposure()[0] == pytest.approx(0, abs=1e-3 * float(np.sum(gamma)) * 1_500 * 26_180**2 * 0.01)


def test_of_equal_pains_the_one_nearest_the_forward_stands_whatever_the_spot() -> None:
    """One call at 26 000 and one put at 26 100 pay 100 at both: the quotes imply 26 090, the spot stands at 26 010."""
    sides: dict[str, int] = {"bid_lot": 75, "ask_lot": 75}
    rows = [
        call(OPEN_NS, 26_000, oi_lot=75, bid_tick=14_000, ask_tick=14_000, **sides),
        put(OPEN_NS, 26_000, oi_lot=0, bid_tick=5_000, ask_tick=5_000, **sides),
        call(OPEN_NS, 26_100, oi_lot=0),
        put(OPEN_NS, 26_100, oi_lot=75),
    ]
    found = measured(spot(OPEN_NS, 26_010), *rows)
    assert found.forward[0] == pytest.approx(26_090, abs=1)
    assert found.max_pain.tolist() == [2_610_000]


def test_the_sum_of_nothing_known_is_no_zero() -> None:
    half = measured(call(OPEN_NS, 26_000, oi_lot=400), put(OPEN_NS, 26_000, volume_lot=9))
    reply = chain_reply(half)
    assert (reply.call_oi, reply.put_oi, reply.left_out) == (None, None, 1)
    assert (history_reply(half).call_oi, history_reply(half).put_oi) == ([None], [None])
    none_open = chain_reply(measured(call(OPEN_NS, 26_000, oi_lot=0), put(OPEN_NS, 26_000, oi_lot=0)))
    assert (none_open.call_oi, none_open.put_oi) == ("0", "0")


def test_crossed_quotes_imply_nothing() -> None:
    rows = quoted(26_180, 0.12, range(26_100, 26_300, 50))
    rows[0] |= {"bid_tick": rows[0]["ask_tick"] + 5}
    found = measured(*rows, rate=RATE)
    assert np.isnan(found.vols["call"][0, 0])
    assert np.isfinite(found.vols["call"][0, 1:]).all()
    assert found.board.crossed("call")[0].tolist() == [True, False, False, False]


def test_no_time_left_is_no_volatility() -> None:
    late = EXPIRY_NS - 1
    rows = quoted(26_180, 0.12, range(26_100, 26_300, 50), at_ns=late)
    expired = measured(*rows, at_ns=EXPIRY_NS, rate=RATE)
    assert np.isnan(expired.vols["call"]).all()
    assert np.isnan(expired.forward).all()


def test_strikes_around_the_money_need_a_price() -> None:
    rows = [made(OPEN_NS, strike, oi_lot=strike) for strike in range(25_900, 26_300, 100) for made in (call, put)]
    assert measured(*rows, around=1, price=26_050.0).total("oi_lot", "call").tolist() == [25_900 + 26_000 + 26_100]
    assert measured(*rows, spot(OPEN_NS, 26_151), around=0).total("oi_lot", "call").tolist() == [26_200]
    with pytest.raises(fl.FootloomError, match="where the money is of nse:NIFTY is not known"):
        measured(*rows, around=1)


@pytest.mark.parametrize(
    "settings", [{"rate": 2.0}, {"price": 0.0}, {"price": math.nan}, {"rate": math.nan}, {"around": -1}]
)
def test_numbers_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(fl.FootloomError, match="cannot be"):
        measured(call(OPEN_NS, 26000, oi_lot=1), **settings)


def test_days_left_are_those_of_the_calendar() -> None:
    """From Friday to Tuesday: four days, three sessions; on Tuesday before the close one session and no day."""
    assert days_left("nse_fo", OPEN_NS, EXPIRY_NS) == (4, 3)
    assert days_left("nse_fo", OPEN_NS + 8 * 3600 * 10**9, EXPIRY_NS) == (4, 2)
    assert days_left("nse_fo", EXPIRY_NS - 1, EXPIRY_NS) == (0, 1)
    assert days_left("nse_fo", EXPIRY_NS, EXPIRY_NS) == (0, 0)


def test_steps_of_open_interest_are_between_updates_of_one_day() -> None:
    rows = [
        *(call(OPEN_NS + i * 3 * MINUTE_NS, 26000, oi_lot=oi) for i, oi in enumerate((100, 130, 130, 90))),
        call(OPEN_NS + 12 * MINUTE_NS, 26100, oi_lot=5),
        call(MONDAY_NS, 26000, oi_lot=400),
    ]
    chain = chain_of(*rows)
    heat = Heat(chain.board(EXPIRY_NS, chain.stamps(MINUTE_NS)))
    assert heat.steps("call")[:, 0].tolist() == [NO_QUOTE, 30, 0, -40, 0, NO_QUOTE]
    assert heat.held("call")[:, 0].tolist() == [False, False, False, False, True, False]
    assert heat.steps("call")[:, 1].tolist() == [NO_QUOTE] * 6
    assert heat.stale_ns == 6 * MINUTE_NS
    assert heat.clip(heat.steps("call")) == 40
    assert heat.clip(heat.steps("put")) is None


def test_open_interest_that_is_too_old_is_no_data() -> None:
    rows = [call(OPEN_NS, 26000, oi_lot=1), *(put(OPEN_NS + i * MINUTE_NS, 26000, oi_lot=i) for i in range(8))]
    chain = chain_of(*rows)
    heat = Heat(chain.board(EXPIRY_NS, chain.stamps(MINUTE_NS)))
    assert heat.stale_ns == 5 * MINUTE_NS
    assert heat.steps("call")[:, 0].tolist() == [NO_QUOTE, 0, 0, 0, 0, 0, NO_QUOTE, NO_QUOTE]


@pytest.fixture(scope="module")
def day(recordings: Path, tmp_path_factory: pytest.TempPathFactory) -> Day:
    path, store = recordings / "seeds" / "NIFTY_OptionChainData.csv.gz", tmp_path_factory.mktemp("chain")
    assert import_files([path], Options(), store=store).ok
    latest: dict[tuple[str, str], dict[str, str]] = {}
    for one in csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode())):
        known = latest.setdefault((one["timestamp"], one["strike_price"]), one)
        if int(one["id"]) > int(known["id"]):
            latest[one["timestamp"], one["strike_price"]] = one
    stamps: dict[str, list[dict[str, int]]] = {}
    for (minute, _), one in latest.items():
        numbers = {name: int(text) for name, text in one.items() if name.startswith(("call_", "put_", "strike"))}
        stamps.setdefault(minute, []).append(numbers)
    return fl.load_chain("nse:NIFTY", store=store), stamps


def walls_of(rows: list[dict[str, int]], side: str) -> list[tuple[int, int, bool]]:
    ordered = sorted(rows, key=lambda one: (-one[f"{side}_oi"], one["strike_price"]))
    held = [one[f"{side}_oi"] for one in ordered]
    return [
        (100 * one["strike_price"], 75 * held[k], 2 * held[k] >= 3 * held[k + 1]) for k, one in enumerate(ordered[:3])
    ]


def pain_of(rows: list[dict[str, int]]) -> int:
    def paid(at: int) -> int:
        return sum(
            one["call_oi"] * max(at - one["strike_price"], 0) + one["put_oi"] * max(one["strike_price"] - at, 0)
            for one in rows
        )

    return min((one["strike_price"] for one in rows), key=lambda at: (paid(at), at))


def test_every_stamp_of_a_real_day_is_the_plain_sum_of_its_rows(
    day: Day,
) -> None:
    chain, stamps = day
    found = chain.history()
    zone = calendar("nse_fo").zone
    minutes = [f"{dt.datetime.fromtimestamp(at // 10**9, zone):%H:%M}" for at in found.board.at_ns.tolist()]
    assert minutes == sorted(stamps)
    assert len(minutes) == 91
    plain = [stamps[minute] for minute in minutes]
    totals = [{name: sum(one[name] for one in rows) for name in rows[0]} for rows in plain]
    assert found.total("oi_lot", "call").tolist() == [75 * one["call_oi"] for one in totals]
    assert found.put_call_ratio("oi_lot").tolist() == [one["put_oi"] / one["call_oi"] for one in totals]
    assert found.put_call_ratio("volume_lot").tolist() == [one["put_volume"] / one["call_volume"] for one in totals]
    assert found.max_pain.tolist() == [100 * pain_of(rows) for rows in plain]
    sides: tuple[Side, Side] = ("call", "put")
    for side in sides:
        assert found.walls(side) == [walls_of(rows, side) for rows in plain]
    assert found.left_out("oi_lot").tolist() == [0] * 91


def test_the_heat_of_a_real_day_is_the_plain_difference(
    day: Day,
) -> None:
    chain, stamps = day
    heat = chain.heat()
    minutes = sorted(stamps)
    for i, strike in enumerate(heat.strikes):
        oi = [next(one["put_oi"] for one in stamps[minute] if one["strike_price"] == int(strike)) for minute in minutes]
        assert heat.puts[i] == [None, *(75 * (now - before) for before, now in zip(oi, oi[1:], strict=False))]
    assert sum(one or 0 for one in heat.day_puts) == 75 * sum(one["put_oi_change"] for one in stamps[minutes[-1]])


def test_a_real_chain_at_an_instant_says_who_said_what(
    day: Day,
) -> None:
    chain, stamps = day
    reply = chain.at("2025-12-05T10:00:30+05:30", price=26_100.0, around=2)
    rows = {one["strike_price"]: one for one in stamps["09:55"]}
    assert [row.strike for row in reply.rows] == ["26000", "26050", "26100", "26150", "26200"]
    for row in reply.rows:
        plain = rows[int(row.strike)]
        assert (row.call.oi, row.put.oi_day) == (str(75 * plain["call_oi"]), str(75 * plain["put_oi_change"]))
        assert row.call.said["oi"].source == "chain_csv"
        assert (row.call.iv, row.call.bid, row.call.venue) == (None, None, {})
    assert (reply.units_a_lot, reply.expiry, reply.spot_from, reply.forward) == (75, "2025-12-09", "given", None)


def test_a_sum_over_no_strike_at_all_is_null_in_a_table_too() -> None:
    chain = chain_of(call(OPEN_NS, 26000, oi_lot=75), put(OPEN_NS + MINUTE_NS, 26000, oi_lot=150))
    at_ns = np.array([OPEN_NS, OPEN_NS + MINUTE_NS], np.int64)
    table = history_table(Measures(chain.board(EXPIRY_NS, at_ns)))
    assert [table.column(name).to_pylist() for name in ("call_oi", "put_oi", "pcr_oi", "left_out")] == [
        [None, 75], [None, 150], [None, 2.0], [1, 0]
    ]  # fmt: skip
    assert b"dealers are long every call" in table.schema.metadata[b"footloom"]


def test_tables_of_a_real_day_are_exact(day: Day) -> None:
    chain, stamps = day
    table = chain.to_arrow()
    assert len(table) == 91 * 85 * 2
    assert sum(int(one) for one in table.column("oi").to_pylist()) == 75 * sum(
        one["call_oi"] + one["put_oi"] for rows in stamps.values() for one in rows
    )
    history = chain.history_arrow()
    assert [int(one) for one in history.column("max_pain").to_pylist()] == [
        pain_of(stamps[one]) for one in sorted(stamps)
    ]
    assert set(history.column("atm_iv").to_pylist()) == {None}


def test_steps_of_a_real_day_are_against_the_stamp_before_and_standing_rows_say_the_same(day: Day) -> None:
    chain, stamps = day
    minutes = sorted(stamps)
    for place in (0, 1, 45, 90):
        reply = chain.at(f"2025-12-05T{minutes[place]}:00+05:30")
        then = {one["strike_price"]: one for one in stamps[minutes[place - 1]]} if place else {}
        now = {one["strike_price"]: one for one in stamps[minutes[place]]}
        steps = [row.put.oi_step for row in reply.rows]
        assert steps == [
            str(75 * (now[strike]["put_oi"] - then[strike]["put_oi"])) if then else None for strike in sorted(now)
        ]
    standing = chain.chain.standing()
    assert len(standing) <= 3 * 2 * 85
    assert chain_reply(newest(standing, ChainAsk())) == chain_reply(newest(chain.chain, ChainAsk()))


def test_what_a_stream_tells_of_a_real_day_is_the_chain_at_each_of_its_stamps(day: Day) -> None:
    whole = day[0].chain
    told: dict[str, Any] = {}
    known = Chain(whole.series.take(slice(0, 0)))
    times = np.unique(whole.series.ts_exch_ns)[::5]
    before: ChainReply | None = None
    for since, at_ns in zip([0, *times[:-1]], times, strict=True):
        fresh = whole.series.take((whole.series.ts_exch_ns > since) & (whole.series.ts_exch_ns <= at_ns))
        known = Chain(Series.concat([known.series, fresh])).standing()
        reply = chain_reply(newest(known, ChainAsk()))
        change = None if before is None else change_of(before, reply)
        told = plain_json(reply) if change is None else applied(told, plain_json(change))
        assert (change is None) == (before is None), "one whole chain, then changes"
        asked = ChainAsk().measures(whole, int(whole.expiries[0]), np.array([at_ns]))
        assert told == plain_json(chain_reply(asked))
        before = reply


def plain_json(document: object) -> dict[str, Any]:
    return dict(msgspec.json.decode(msgspec.json.encode(document)))
