"""Frames read as a block say what the venues' `parse` says of each, or nothing: on recordings, broken and made up."""

import gzip
import importlib
import json
import re
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from footloom.core.instrument import Instrument
from footloom.core.messages import Trade
from footloom.errors import ConfigError, FootloomError
from footloom.kernels.print_frames import TAPES, VENUES, PrintFrames
from footloom.venues._binance import FUTURES, venue_of

MS = 1_764_738_254_155
USDM_AGG = (
    b'{"e":"aggTrade","E":1764738254310,"s":"BTCUSDT","a":2911000123,"p":"92150.10","q":"0.512","nq":"0.500",'
    b'"f":6870001001,"l":6870001004,"T":1764738254155,"m":true,"st":1}'
)
USDM_TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161256322,"T":1723161256322,"s":"BTCUSDT","t":5266583935,'
    b'"p":"61800.30","q":"0.006","X":"MARKET","m":false}}'
)
SPOT_TRADE = (
    b'{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",'
    b'"q":"0.02000000","T":1723161255342,"m":true,"M":true}}'
)
COINM_TRADE = (
    b'{"stream":"btcusd_perp@trade","data":{"e":"trade","E":1723161257687,"T":1723161257679,"s":"BTCUSD_PERP",'
    b'"t":849714402,"p":"61804.8","q":"4","X":"MARKET","m":false}}'
)
BYBIT = (
    b'{"topic":"publicTrade.BTCUSDT","type":"snapshot","ts":1764738254371,"data":[{"T":1764738254369,"s":"BTCUSDT",'
    b'"S":"Buy","v":"0.012","p":"92150.10","L":"PlusTick","i":"c0ffee00-0000-5000-8000-000000000001","BT":false,'
    b'"RPI":false,"seq":88012345678},{"T":1764738254370,"s":"ETHUSDT","S":"Sell","v":"1","p":"3050.5","L":"ZeroMinusTick",'
    b'"i":"c0ffee00-0000-5000-8000-000000000002","BT":false,"RPI":true,"seq":88012345679}]}'
)
OF = {"binance_usdm": [USDM_AGG, USDM_TRADE], "binance_spot": [SPOT_TRADE], "binance_coinm": [COINM_TRADE],
      "bybit_linear": [BYBIT]}  # fmt: skip
GRIDS = {
    "BTCUSDT": ("0.01", "0.00001"),
    "ETHUSDT": ("0.5", "0.25"),
    "BTCUSD_PERP": ("0.1", "1"),
    "A": ("10", "1000"),
    "1000000MOGUSDT_A_VERY_LONG": ("1", "1"),
}


# Of Binance's futures each market lists its own: a name of the other one is no print of this one.
def listed(venue):
    if venue not in {"binance_usdm", "binance_coinm"}:
        return GRIDS
    return {name: grid for name, grid in GRIDS.items() if venue_of(FUTURES, name) == venue}


def instruments(venue, grids=None):
    rows = (listed(venue) if grids is None else grids).items()
    return [Instrument(venue=venue, symbol=name, tick_size=Decimal(t), lot_size=Decimal(q)) for name, (t, q) in rows]


def check(venue, frames, reader=None):
    """Compare with `parse` frame by frame; return how many were read."""
    reader = reader or PrintFrames(venue, instruments(venue))
    parse = importlib.import_module(f"footloom.venues.{venue}").parse
    found = reader.read(frames)
    rows = {number: [] for number in range(len(frames))}
    for row, number in enumerate(found.frame.tolist()):
        rows[number].append(row)
    declined = found.declined.tolist()
    assert not [number for number in declined if rows[number]]
    assert found.frame.tolist() == sorted(found.frame.tolist())
    for number in set(range(len(frames))) - set(declined):
        messages = list(parse(frames[number], 7))  # must not raise: a frame that is read is a good one
        assert all(type(message) is Trade for message in messages), frames[number]
        assert [meaning(reader, found, row) for row in rows[number]] == [
            said(reader, message) for message in messages
        ], frames[number]
    return len(frames) - len(declined)


def meaning(reader, found, row):
    names = ("ts_exch_ns", "price_tick", "qty_lot", "side", "number")
    symbol = reader.instruments[found.symbol[row]].symbol
    return (symbol, TAPES[found.tape[row]], *(int(getattr(found, name)[row]) for name in names), found.uid(row))


def said(reader, trade):
    instrument = next(one for one in reader.instruments if one.symbol == trade.symbol)
    number = trade.trade_id if trade.trade_id is not None else trade.seq
    units = (instrument.price_tick(trade.price), instrument.qty_lot(trade.qty))
    return (trade.symbol, trade.tape, trade.ts_exch_ns, *units, int(trade.side), number, trade.uid)


@pytest.mark.parametrize("venue", VENUES)
def test_documented_frames_are_read(venue):
    assert check(venue, OF[venue]) == len(OF[venue])


@pytest.mark.parametrize("venue", VENUES)
def test_keys_in_any_order_and_spaces_are_read(venue):
    frames = [json.dumps(turned(json.loads(frame))).encode() for frame in OF[venue]]

    assert check(venue, frames) == len(frames)


def turned(value):
    if isinstance(value, list):
        return [turned(one) for one in value]
    if isinstance(value, dict):
        order = sorted(value) if "stream" not in value else ["stream", "data"]
        return {key: turned(value[key]) for key in (order if "stream" in value else reversed(order))}
    return value


USDM = USDM_AGG.decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"p":"92150.10"', '"p":"92150.105"'),  # off the grid
        ('"p":"92150.10"', '"p":"0.00"'),  # nothing
        ('"p":"92150.10"', '"p":"9e4"'),
        ('"p":"92150.10"', '"p":".5"'),
        ('"p":"92150.10"', '"p":"1..5"'),
        ('"p":"92150.10"', '"p":"-1"'),
        ('"p":"92150.10"', '"p":92150.10'),
        ('"p":"92150.10"', '"p":"99999999999999999999.10"'),  # beyond 64 bits
        ('"q":"0.512"', '"q":"0"'),
        ('"s":"BTCUSDT"', '"s":"XTCUSDT"'),
        ('"s":"BTCUSDT"', '"s":"BTC\\u0055SDT"'),
        ('"e":"aggTrade"', '"e":"aggTradX"'),
        ('"m":true', '"m":1'),
        ('"m":true', '"m":null'),
        ('"m":true', '"m":trueX'),
        (',"m":true', ""),
        ('"m":true', '"m":true,"m":false'),  # twice
        ('"st":1', '"st":2'),  # the other futures market
        ('"T":1764738254155', '"T":1764738254155.0'),
        ('"T":1764738254155', '"T":01764738254155'),
        ('"T":1764738254155', '"T":176473825'),
        ('"f":6870001001', '"f":[1]'),
        ('"f":6870001001', '"data":5'),
        ('"f":6870001001', '"f":-1'),
        ('"nq":"0.500"', '"nq":5'),
        ("}", ',"x":"é"}'),
        ("}", "} "),
        ("}", "}}"),
        ("}", ",}"),
        ("}", ""),
        ("{", " {"),
    ],
)
def test_what_is_not_plain_is_declined(before, after):
    frame = USDM.replace(before, after).encode()

    assert frame != USDM_AGG
    found = PrintFrames("binance_usdm", instruments("binance_usdm")).read([USDM_AGG, frame, USDM_AGG])
    assert (found.frame.tolist(), found.declined.tolist()) == ([0, 2], [1])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('"BT":false', '"BT":true'),
        ('"S":"Sell"', '"S":"sell"'),
        ('"v":"1"', '"v":"0.0"'),
        ('"s":"ETHUSDT"', '"s":"XRPUSDT"'),
        (',"seq":88012345679', ""),
        ("publicTrade.", "orderbook.1."),
        ('"type":"snapshot"', '"type":{"x":1}'),
        ("]}", ",]}"),
        ("]}", "]"),
    ],
)
def test_a_frame_of_several_prints_is_read_whole_or_not_at_all(before, after):
    frame = BYBIT.decode().replace(before, after).encode()

    found = PrintFrames("bybit_linear", instruments("bybit_linear")).read([frame, BYBIT])
    assert (found.frame.tolist(), found.declined.tolist()) == ([1, 1], [0])
    assert found.uid(1) == "c0ffee00-0000-5000-8000-000000000002"


@pytest.mark.parametrize("kind", ["INSURANCE_FUND", "ADL", "NA", "", "MARKET "])
def test_prints_that_are_no_market_trades_are_declined(kind):
    """P11: they would be in the footprint."""
    known = [(venue, one) for venue, frames in OF.items() for one in frames if b'"X":"MARKET"' in one]
    assert {venue for venue, _ in known} == {"binance_usdm", "binance_coinm"}
    for venue, plain in known:
        forced = plain.replace(b'"X":"MARKET"', f'"X":"{kind}"'.encode())
        assert READERS[venue].read([plain, forced]).declined.tolist() == [1]


def test_units_of_any_grid():
    frames = [USDM.replace("BTCUSDT", "A").replace("92150.10", p).replace('"0.512"', f'"{q}"').encode()
              for p, q in (("920", "5000"), ("920.000", "5000.0"), ("925", "5000"), ("920", "5500"))]  # fmt: skip
    found = PrintFrames("binance_usdm", instruments("binance_usdm")).read(frames)

    assert (found.price_tick.tolist(), found.qty_lot.tolist()) == ([92, 92], [5, 5])
    assert found.declined.tolist() == [2, 3]
    assert check("binance_usdm", frames) == 2


def test_many_symbols_are_told_apart():
    grids = {f"{n}USDT": ("0.1", "0.001") for n in range(700)}
    frames = [USDM.replace("BTCUSDT", name).encode() for name in grids]
    reader = PrintFrames("binance_usdm", instruments("binance_usdm", grids))

    assert reader.read(frames).symbol.tolist() == list(range(700))
    assert reader.read([frames[5].replace(b"5USDT", b"700USDT")]).declined.tolist() == [0]


def test_no_frames_and_empty_frames():
    reader = PrintFrames("binance_usdm", instruments("binance_usdm"))

    assert reader.read([]).declined.tolist() == []
    assert reader.read([b"", b"{", b"", USDM_AGG]).declined.tolist() == [0, 1, 2]


def test_a_venue_that_is_not_known_is_refused():
    with pytest.raises(ConfigError, match="upstox"):
        PrintFrames("upstox", [])


BITS = [b"", b",", b":", b'"', b"{", b"}", b"[", b"]", b" ", b"\\", b"0", b".", b"9", b"-", b"e", b"true", b"null"]
MORE = [b'"m":false', b'"st":2', b'"s":"ETHUSDT"', b"\x00", b"\xff"]
pieces = st.sampled_from(BITS + MORE) | st.binary(max_size=3)


@given(st.sampled_from([(venue, frame) for venue, frames in OF.items() for frame in frames]), st.data())
def test_mutated_frames_are_never_read_otherwise(known, data):
    venue, frame = known
    frames = []
    for _ in range(8):
        broken = frame
        for _ in range(data.draw(st.integers(1, 2))):
            at = data.draw(st.integers(0, len(broken)))
            broken = broken[:at] + data.draw(pieces) + broken[at + data.draw(st.integers(0, 3)) :]
        frames.append(broken)
    check(venue, [*frames, frame], READERS[venue])


READERS = {venue: PrintFrames(venue, instruments(venue)) for venue in VENUES}
scalars = (
    st.none() | st.booleans() | st.integers(-5, 2**63) | st.floats(allow_nan=False) | st.text(max_size=12)
    | st.sampled_from(["trade", "aggTrade", "MARKET", "Buy", "BTCUSDT", "A", "0.5", "10", "1e3"])
)  # fmt: skip
numbers = st.decimals(0, 10**7, places=3).map(str) | st.from_regex(r"[0-9]{0,20}\.?[0-9]{0,4}", fullmatch=True)
ids = st.integers(0, 2**40) | st.integers(2**62, 2**64) | scalars
fields = {
    "e": st.sampled_from(["trade", "aggTrade", "kline"]),
    "T": st.integers(MS - 9, MS + 9) | st.just(MS * 1000) | scalars,
    "s": st.sampled_from([*GRIDS, "X"]),
    "m": st.booleans() | scalars,
    "S": st.sampled_from(["Buy", "Sell", "x"]),
    "st": st.integers(0, 3) | scalars,
    "nq": numbers | scalars,
    "i": st.text(max_size=5),
    **dict.fromkeys("pqv", numbers),
    **dict.fromkeys(("a", "t", "E", "seq"), ids),
    **dict.fromkeys(("M", "X", "BT", "x", "stream", "data"), scalars),
}
REQUIRED = {"binance": ("e", "T", "s", "p", "q", "m", "a", "t"), "bybit": ("T", "s", "p", "v", "S", "i", "seq")}


@st.composite
def made_up(draw, kind):
    names = set(REQUIRED[kind]) - draw(st.sets(st.sampled_from(REQUIRED[kind]), max_size=1))
    names |= draw(st.sets(st.sampled_from(sorted(fields)), max_size=4))
    order = draw(st.permutations(sorted(names)))
    return {name: draw(fields[name]) for name in order}


@given(st.sampled_from(["binance_usdm", "binance_spot", "binance_coinm"]), st.data())
def test_made_up_binance_frames_are_never_read_otherwise(venue, data):
    values = [data.draw(made_up("binance")) for _ in range(6)]
    wrap = data.draw(st.booleans())
    frames = [json.dumps({"stream": "x@y", "data": value} if wrap else value).encode() for value in values]
    check(venue, frames, READERS[venue])


@given(st.lists(made_up("bybit"), max_size=4), st.sampled_from(["publicTrade.X", "publicTrade", "tickers.X"]))
@example([], "publicTrade.X")
def test_made_up_bybit_frames_are_never_read_otherwise(prints, topic):
    for value in ({"topic": topic, "data": prints}, {"data": prints, "ts": 1, "topic": topic}):
        check("bybit_linear", [json.dumps(value).encode()], READERS["bybit_linear"])


@pytest.mark.parametrize(
    ("venue", "file", "grids", "least"),
    [
        ("binance_usdm", "usdm_btcusdt_20240808.gz", {"BTCUSDT": ("0.1", "0.001")}, 10_000),
        ("binance_spot", "spot_btcusdt_20240808.gz", {"BTCUSDT": ("0.01", "0.00001")}, 5_000),
        ("binance_coinm", "cm_btcusd_perp_20240808.gz", {"BTCUSD_PERP": ("0.1", "1")}, 100),
    ],
)
def test_real_frames_are_all_read_and_alike(recordings, venue, file, grids, least):
    lines = gzip.decompress((recordings / "binance" / file).read_bytes()).splitlines()
    frames = [line.split(b" ", 1)[1] for line in lines]
    trades = [frame for frame in frames if b'"e":"trade"' in frame or b'"e":"aggTrade"' in frame]
    reader = PrintFrames(venue, instruments(venue, grids))

    read = check(venue, trades, reader)

    assert read > least
    left = [trades[number] for number in reader.read(trades).declined.tolist()]
    # Spot and USD-M have a tick of their own; what is left are prints that are no market trades.
    assert all(re.search(rb'"X":"(?!MARKET)', frame) for frame in left), left[:3]
    others = [frame for frame in frames if b'"e":"trade"' not in frame and b'"e":"aggTrade"' not in frame][:500]
    assert check(venue, others, reader) == 0


def test_frames_of_all_kinds_are_read_or_declined_alike(recordings):
    text = gzip.decompress((recordings / "binance" / "futures_ws_20210722.txt.gz").read_bytes()).decode()
    frames = [line.split(": ", 1)[1].encode() for line in text.splitlines() if ": {" in line]
    symbols = {json.loads(frame)["data"]["s"] for frame in frames if b'"aggTrade"' in frame}
    grids = dict.fromkeys(sorted(symbols), ("0.00001", "0.001"))

    assert check("binance_usdm", frames, PrintFrames("binance_usdm", instruments("binance_usdm", grids))) == sum(
        b'"aggTrade"' in frame for frame in frames
    )


def test_the_slow_path_is_asked_for_what_it_refuses():
    with pytest.raises(FootloomError):
        list(importlib.import_module("footloom.venues.binance_usdm").parse(USDM_AGG[:-1], 7))
