"""Recorded WebSocket streams, self-made: every form of line, every market, every fault."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from footloom.core.trades import FLAG_NO_RECV
from footloom.feeds.ingest import Options, import_files
from tests.unit.importers.conftest import Import, assert_adds_up
from tests.unit.importers.files import gzipped, text_of

NAME = "recording.txt"
START_MS = 1_723_161_256_322


def trade(t: int, *, maker: bool = False, price: str = "61800.30", qty: str = "3.000", **more: Any) -> dict[str, Any]:
    """A USD-M trade message; the local clock reads a second more than the exchange's."""
    return {"e": "trade", "E": START_MS, "T": START_MS + t, "s": "BTCUSDT", "t": t, "p": price, "q": qty, "X": "MARKET",
            "m": maker} | more  # fmt: skip


def spot(t: int, **more: Any) -> dict[str, Any]:
    message = trade(t, **more) | {"M": True}
    del message["X"]
    return message


def agg(a: int, **more: Any) -> dict[str, Any]:
    message = trade(a, **more) | {"e": "aggTrade", "a": a, "f": 2 * a, "l": 2 * a + 1}
    del message["t"], message["X"]
    return message


def coin(t: int, **more: Any) -> dict[str, Any]:
    return trade(t, **more) | {"s": "BTCUSD_PERP"}


def two(make: Callable[..., dict[str, Any]]) -> list[dict[str, Any]]:
    """One taker buy of 3 and one taker sell of 2."""
    return [make(1, qty="3"), make(2, qty="2", maker=True)]


def in_ns(message: Any, k: int) -> str:
    return f"{(START_MS + 1_000 + k) * 1_000_000 + 7} {json.dumps(message)}"


def in_us(message: Any, k: int) -> str:
    return f"{(START_MS + 1_000 + k) * 1_000} {json.dumps(message, separators=(',', ':'))}"


def in_ms(message: Any, k: int) -> str:
    return f"{START_MS + 1_000 + k} {json.dumps(message)}"


def in_s(message: Any, k: int) -> str:
    return f"{(START_MS + 1_000 + k) / 1_000:.3f}: {json.dumps(message)}"


def combined(message: Any, k: int) -> str:
    return in_ns({"stream": "x@trade", "data": message}, k)


def combined_the_other_way(message: Any, k: int) -> str:
    return in_ns({"data": message, "stream": "x@trade"}, k)


def bare(message: Any, _k: int) -> str:
    return json.dumps(message)


def recording(messages: list[Any], form: Callable[[Any, int], str] = combined) -> bytes:
    return text_of(*(message if isinstance(message, str) else form(message, k) for k, message in enumerate(messages)))


@pytest.mark.parametrize("form", [in_ns, in_us, in_ms, in_s, combined, combined_the_other_way, bare])
@pytest.mark.parametrize(
    ("make", "key", "tape"),
    [
        (trade, "binance_usdm:BTCUSDT", "trade"),
        (spot, "binance_spot:BTCUSDT", "trade"),
        (coin, "binance_coinm:BTCUSD_PERP", "trade"),
        (agg, "binance_usdm:BTCUSDT", "agg_trade"),
    ],
)
def test_a_taker_buys_three_and_one_sells_two(
    take: Import, form: Callable[[Any, int], str], make: Callable[..., dict[str, Any]], key: str, tape: str
) -> None:
    done = take(recording(two(make), form), NAME)

    assert (done.tape.instrument, done.tape.tape, done.report.problems) == (key, tape, [])
    assert [text.rstrip("0").rstrip(".") for text in (done.tape.buy, done.tape.sell)] == ["3", "2"]
    stored = done.load(key, tape)
    assert stored.side.tolist() == [1, -1]  # ask column 3, bid column 2
    assert stored.ts_exch_ns.tolist() == [(START_MS + 1) * 1_000_000, (START_MS + 2) * 1_000_000]
    if form is bare:
        assert (stored.flags & FLAG_NO_RECV).all()
    else:
        ahead = (stored.ts_recv_ns - stored.ts_exch_ns) // 1_000_000
        assert ahead.tolist() == [999, 999]
        assert not (stored.flags & FLAG_NO_RECV).any()


def test_trades_and_aggregates_are_two_tapes(take: Import) -> None:
    done = take(recording([*two(trade), *two(agg)]), NAME)
    assert sorted((tape.tape, tape.kept) for tape in done.file.tapes) == [("agg_trade", 2), ("trade", 2)]
    assert len(done.load(tape="trade")) == len(done.load(tape="agg_trade")) == 2


def test_several_symbols_and_the_one_that_is_asked_for(take: Import) -> None:
    messages = [*two(trade), trade(7, s="AKROUSDT", price="0.01731", qty="312"), coin(9)]
    done = take(recording(messages), NAME)
    assert sorted(tape.instrument for tape in done.file.tapes) == [
        "binance_coinm:BTCUSD_PERP",
        "binance_usdm:AKROUSDT",
        "binance_usdm:BTCUSDT",
    ]
    only = take(recording(messages), "again.txt", symbol="akrousdt", venue="binance_usdm")
    assert only.tape.instrument == "binance_usdm:AKROUSDT"
    assert only.file.other_messages == {"trades of binance_usdm:BTCUSDT": 2, "trades of binance_coinm:BTCUSD_PERP": 1}


def test_everything_else_is_counted_and_left(take: Import) -> None:
    others = [
        "wss://fstream.binance.com/stream?streams=btcusdt@trade <-> 1626992740.179554",
        {"e": "depthUpdate", "E": 1, "T": 2, "s": "BTCUSDT", "U": 1, "u": 2, "pu": 0, "b": [], "a": []},
        {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"},
        {"e": "kline", "E": 1, "s": "BTCUSDT", "k": {"s": "BTCUSDT"}},
        "",
    ]
    snapshot = {"lastUpdateId": 1, "E": 1, "T": 1, "bids": [["1", "1"]], "asks": []}
    done = take(recording([*others, *two(trade), in_ns(snapshot, 9)]), NAME)
    assert done.file.other_messages == {
        "stream address": 1,
        "depthUpdate": 1,
        "bookTicker": 1,
        "kline": 1,
        "book snapshot": 1,
    }
    assert (done.report.read, done.report.other_messages, done.report.problems) == (2, 5, [])


def test_prints_that_are_no_market_trades(take: Import) -> None:
    messages = [trade(1), trade(2, X="INSURANCE_FUND", price="55555.5"), trade(3, X="NA", price="0", qty="0"), trade(4)]
    messages += [trade(5, price="0.0", qty="0.0"), trade(6)]
    done = take(recording(messages), NAME)
    assert done.reasons == {
        "no market trade: X is 'INSURANCE_FUND'": 1,
        "no market trade: X is 'NA'": 1,
        "no market trade: price is zero": 1,
    }
    assert (done.tape.kept, done.tape.gap_count, done.report.problems) == (3, 0, [])
    assert "id 2, price 55555.5, quantity 3.000" in done.tape.drops[0].detail


def test_a_hole_a_duplicate_and_a_step_back(take: Import) -> None:
    messages = [trade(1), trade(2), trade(5), trade(5), trade(4), trade(6, qty="1")]
    done = take(recording(messages), NAME)
    assert (done.tape.kept, done.tape.duplicates, done.tape.out_of_order) == (5, 1, 1)
    (gap,) = done.tape.gaps
    assert (gap.after_id, gap.before_id, gap.missing, gap.after_line, gap.before_line) == (2, 4, 1, 2, 5)
    assert done.load(tape="trade").trade_id.tolist() == [1, 2, 4, 5, 6]


@pytest.mark.parametrize(
    ("line", "reason", "words"),
    [
        ('1723161256322000007 {"e":"trade","s":"BTC', "no JSON", "Input data was truncated"),
        ('1723161256322000007 {"e":"tradeLite"}', "unknown event type 'tradeLite'", "known are"),
        ('1723161256322000007 {"e":"trade","s":"BTCUSDT"}', "a trade message that is not as documented", "required"),
        ("nothing at all", "no JSON on the line", "no JSON on the line"),
        (in_ms(trade(3), 0), "local time in another unit than the rest of the file", "the file's are in ns"),
        (bare(trade(3), 0), "local time in another unit than the rest of the file", "it is ''"),
        (f"{'9' * 5_000} {bare(trade(3), 0)}", "local time in another unit than the rest of the file", "in ns"),
        (in_ns(trade(3, T=1723161256), 0), "a trade message that is not as documented", "T is 1723161256"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_line_that_cannot_be_read(
    take: Import,
    line: str,
    reason: str,
    words: str,
    strict: bool,  # noqa: FBT001 - both ways
) -> None:
    done = take(recording([trade(1), trade(2), line, trade(4)], in_ns), NAME, strict=strict)
    (drop,) = done.file.unreadable
    assert (drop.reason, drop.line, drop.count) == (reason, 3, 1)
    assert words in drop.detail
    assert (done.report.read, done.report.kept, done.tape.gap_count) == (4, 3, 1)
    assert done.report.ok is not strict
    assert done.store.exists() is not strict


def test_a_price_off_the_grid(take: Import) -> None:
    done = take(recording([trade(1), trade(2, price="61800.35"), trade(3, qty="0.0001")]), NAME)
    assert done.reasons == {"price off the grid": 1, "quantity off the grid": 1}
    first, second = done.tape.drops
    assert (first.line, "no whole multiple of the tick 0.1" in first.detail) == (2, True)
    assert (second.line, "no whole multiple of the lot 0.001" in second.detail) == (3, True)
    assert '"p": "61800.35"' in first.text


@pytest.mark.parametrize("packed", [False, True])
def test_a_recording_cut_in_the_middle(take: Import, packed: bool) -> None:  # noqa: FBT001 - both ways
    rng = np.random.default_rng(5)
    text = recording([trade(k, qty=f"{rng.integers(1, 10**6)}") for k in range(2_000)])
    whole = gzipped(text) if packed else text
    done = take(whole[: len(whole) // 2], NAME)
    assert 100 < done.tape.kept < 1_500
    assert any("cut" in problem for problem in done.report.problems)
    assert done.load(tape="trade").trade_id.tolist() == list(range(done.tape.kept))


def test_nothing_tells_the_market(take: Import) -> None:
    messages = [{name: value for name, value in trade(k).items() if name != "X"} for k in range(3)]
    done = take(recording(messages), NAME)
    assert done.file.usage
    assert "its venue: add --venue (one of binance_spot, binance_usdm, binance_coinm)" in done.file.error
    assert take(recording(messages), NAME, venue="binance_usdm").tape.instrument == "binance_usdm:BTCUSDT"


def test_other_messages_tell_the_market(take: Import) -> None:
    messages = [{name: value for name, value in trade(k).items() if name != "X"} for k in range(3)]
    ticker = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1", "T": 1, "E": 1}
    done = take(recording([ticker, *messages]), NAME)
    assert done.tape.instrument == "binance_usdm:BTCUSDT"
    assert "venue binance_usdm, from the fields of its bookTicker messages" in done.file.notes
    book = {"u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}
    assert take(recording([book, *messages]), "spot.txt").tape.instrument == "binance_spot:BTCUSDT"


def test_a_flag_against_the_file(take: Import) -> None:
    done = take(recording(two(trade)), NAME, venue="binance_spot")
    assert done.file.error == "it holds no trades of binance_spot, only 2 trades of binance_usdm:BTCUSDT"


def test_both_markets_in_one_recording(take: Import) -> None:
    done = take(recording([*two(trade), *two(spot)]), NAME)
    assert sorted(tape.instrument for tape in done.file.tapes) == ["binance_spot:BTCUSDT", "binance_usdm:BTCUSDT"]


def test_tick_and_lot_from_the_text(take: Import) -> None:
    messages = [
        trade(k, s="CTKUSDT", price=price, qty="10.00") for k, price in enumerate(["1.01100", "1.01200", "1.0"])
    ]
    done = take(recording(messages), NAME)
    assert (done.tape.tick_size, done.tape.lot_size, done.tape.tick_from) == ("0.001", "1", "decimals of the file")


def test_a_recording_without_trades(take: Import) -> None:
    ticker = {"e": "bookTicker", "u": 1, "s": "BTCUSDT", "b": "1", "B": "1", "a": "2", "A": "1"}
    done = take(recording([ticker, ticker]), NAME)
    assert done.file.error == "it holds no trades, only 2 bookTicker"


def test_another_vendors_lines(take: Import) -> None:
    done = take(text_of('{"type":"live_feed","feeds":{}}', '{"type":"live_feed","feeds":{}}'), NAME)
    assert "is of no known format" in done.file.error
    assert "binance_ws_lines: no message of Binance's" in done.file.error


@given(data=st.data())
def test_a_mutated_recording_always_adds_up(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    text = bytearray(
        recording([*two(trade), *two(spot), *two(agg)], data.draw(st.sampled_from([in_ns, in_s, combined])))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    path = tmp_path_factory.mktemp("mutated") / NAME
    path.write_bytes(bytes(text))
    assert_adds_up(import_files([path], Options(dry_run=True), store=path.parent / "store"))
