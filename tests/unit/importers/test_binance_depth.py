"""Tables of Binance depth updates, which are kept as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from footloom.feeds.ingest import Options, import_files
from footloom.store.raw import raw_parts, raw_text
from tests.unit.importers.conftest import Import
from tests.unit.importers.files import gzipped, text_of

SPOT = "TimestampOfReceive,Stream,EventType,EventTime,Symbol,FirstUpdateId,FinalUpdateId,IsAsk,Price,Quantity"
TABLE = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu"


def spot(first: int, last: int, *, recv: int = 1741046400062959, time: int = 1741046400062507) -> str:
    return f"{recv},trxusdt@depth@100ms,depthUpdate,{time},TRXUSDT,{first},{last},0,0.2311,804627.7"


def test_updates_are_kept_as_they_are_and_their_ids_followed(take: Import) -> None:
    rows = [spot(10, 12), spot(10, 12), spot(13, 13), spot(15, 16, recv=1741132799999999)]
    text = text_of("# a banner", "# of two lines", SPOT, *rows)
    done = take(text, "depth.csv")
    (raw,) = done.file.raw
    assert (raw.instrument, raw.kind, raw.messages, raw.new) == ("binance_spot:TRXUSDT", "depth", 4, True)
    assert raw.counted == {"updates": 3, "breaks in the update ids": 1, "rows received an hour or more away": 1}
    assert raw_text(done.store, raw_parts(done.store)[0]) == text
    assert not take(gzipped(text), "again.csv.gz").file.raw[0].new


def test_futures_updates_say_what_came_before(take: Import) -> None:
    rows = [
        "BTCUSDT,1667347199939,1,1,b,snap,20377.00,1.770,-1",
        "BTCUSDT,1667347199940,5,9,a,set,20472.80,0.000,1",
        "BTCUSDT,1667350799940,12,15,a,set,20472.80,0.000,10",
    ]
    (raw,) = take(text_of(TABLE, *rows), "depth.csv").file.raw
    assert raw.instrument == "binance_usdm:BTCUSDT"
    assert raw.counted == {
        "rows of a snapshot": 1,
        "updates": 2,
        "breaks in the update ids": 1,
        "silent for an hour or more before it": 1,
    }


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (spot(13, 13)[:-9], "wrong number of columns"),
        (spot(13, 13).replace("TRX", "BTC", 2), "another symbol"),
        (spot(13, 13).replace("13,13", "x,13"), "no depth update"),
        (spot(13, 13, time=1741046400), "no depth update"),
    ],
)
def test_a_bad_row_is_told(take: Import, row: str, reason: str) -> None:
    row = row.replace("BTCUSDT@", "trxusdt@")
    done = take(text_of(SPOT, spot(10, 12), row), "depth.csv")
    assert done.reasons == {reason: 1}
    assert "line 3" in done.report.problems[0]
    assert not take(text_of(SPOT, spot(10, 12), row), "depth.csv", strict=True).report.stored


@pytest.mark.parametrize(
    ("name", "messages", "counted"),
    [
        (
            "positive_binance_difference_depth_stream_spot_trxusdt_04-03-2025.csv.gz",
            10_000,
            {"updates": 2_833, "silent for an hour or more before it": 1},
        ),
        ("positive_binance_difference_depth_stream_usd_m_futures_trxusdt_04-03-2025.csv.gz", 10_000, {"updates": 600}),
        ("btcusdt-depth-snap.csv", 100, {"rows of a snapshot": 100}),
        ("btcusdt-depth-update.csv", 100, {"updates": 1}),
    ],
)
def test_recorded_updates(recordings: Path, tmp_path: Path, name: str, messages: int, counted: dict[str, int]) -> None:
    report = import_files([recordings / "binance" / name], Options(), store=tmp_path / "store")
    (raw,) = report.files[0].raw
    assert (raw.messages, raw.counted) == (messages, counted)
    assert report.problems == []
