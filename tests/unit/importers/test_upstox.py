"""Recordings of Upstox, self-made: what they are known for, and what is wrong with some."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.cli.main import main
from footloom.core.snapshots import GREEKS, NO_QUOTE, Snapshots
from footloom.feeds.stored import stored_trades
from footloom.store.files import Store
from tests.unit.importers.conftest import Import, Imported
from tests.unit.importers.files import gzipped
from tests.unit.importers.upstox_files import IST_MS, KEY, OPEN_MS, OPEN_NS, array, document, lines, minute, wall

MESSAGES = minute()
OBJECT_ID = f"{(OPEN_MS // 1000):08x}" + "312afef23e6448b3"
FRAME = {"ltpc": {"ltp": 25056.8, "ltt": str(OPEN_MS), "ltq": "25", "cp": 25013.15}}


def snapshots(done: Imported, key: str = f"upstox:{KEY}") -> Snapshots:
    block = Store(done.store).load(key, "snapshot", 0, 2**62)
    assert isinstance(block, Snapshots)
    return block


def trades(done: Imported) -> list[tuple[int, int]]:
    """Price in ticks and signed lots of what was inferred."""
    found = stored_trades(Store(done.store), f"upstox:{KEY}", "snapshot", 0, 2**62)
    return list(zip(found.price_tick.tolist(), (found.qty_lot * found.side).tolist(), strict=True))


@pytest.mark.parametrize("layout", ["pretty", "one line", "lines"])
@pytest.mark.parametrize("packed", [False, True])
def test_documents_become_snapshots(take: Import, layout: str, packed: bool) -> None:  # noqa: FBT001 - both ways
    text = {"pretty": array(*MESSAGES), "one line": array(*MESSAGES, indent=None), "lines": lines(*MESSAGES)}[layout]
    done = take(gzipped(text) if packed else text, "data.json.gz" if packed else "data.json")

    assert (done.file.importer, done.tape.tape, done.tape.kept, done.report.problems) == (
        "upstox_documents", "snapshot", 20, [],
    )  # fmt: skip
    held = snapshots(done)
    assert (held.instrument.calendar, str(held.instrument.tick_size), str(held.instrument.lot_size)) == (
        "nse_fo", "0.05", "1",
    )  # fmt: skip
    assert held.ts_exch_ns[1] == OPEN_NS + 500_000_000
    assert held.ts_recv_ns[0] == OPEN_NS + 300_000_000
    first = {name: int(getattr(held, name)[0]) for name in ("ltp_tick", "ltq_lot", "vtt_lot", "bid_tick", "ask_tick")}
    assert first == {"ltp_tick": 2000, "ltq_lot": 35, "vtt_lot": 1000, "bid_tick": 2000, "ask_tick": 2002}
    assert (held.oi_lot[0], held.bid_lot[0], held.ask_lot[0], held.atp_e4[0]) == (71820, 70, 35, 1000700)
    assert trades(done)[:2] == [(2002, 35), (2000, -35)]


def test_volatility_and_greeks_of_an_option_are_kept_as_it_tells_them(take: Import) -> None:
    first, silent, other, odd = (document(at, 100.0, 1000 + 35 * at) for at in range(4))
    for one, iv, greeks in (
        (first, 0.10440826416015625, {"delta": -0.6416, "theta": -15.358, "gamma": 0.0003, "vega": 45.3725, "rho": 1}),
        (other, 0.11, {"delta": -0.65, "theta": -15.4}),
        (odd, "NaN", {"delta": 1e30, "gamma": "x"}),
    ):
        one["fullFeed"]["marketFF"] |= {"iv": iv, "optionGreeks": greeks}
    done = take(array(first, silent, other, odd), "data.json")
    held = snapshots(done)
    unsaid = NO_QUOTE
    assert (done.report.problems, len(held)) == ([], 4), "what was traded beside a number that is none is taken"
    assert np.stack([getattr(held, name) for name in GREEKS], axis=1).tolist() == [
        [10_440_826, -64_160_000, 30_000, -1_535_800_000, 4_537_250_000],
        [10_440_826, -64_160_000, 30_000, -1_535_800_000, 4_537_250_000],
        [11_000_000, -65_000_000, unsaid, -1_540_000_000, unsaid],
        [unsaid] * 5,
    ]


def test_a_greek_of_zero_is_one_that_is_left_out_as_the_wire_tells_no_difference(take: Import) -> None:
    """Some recorders write the zeros that the wire leaves out, of futures too: what stood before stands."""
    future, option, again = (document(at, 100.0, 1000 + 35 * at) for at in range(3))
    zeros = {"delta": 0, "theta": 0.0, "gamma": "0", "vega": 0, "rho": 0}
    for one, iv, greeks in ((future, 0, zeros), (option, 0.12, zeros | {"delta": 0.5}), (again, 0.0, zeros)):
        one["fullFeed"]["marketFF"] |= {"iv": iv, "optionGreeks": greeks}
    held = snapshots(take(array(future, option, again), "data.json"))
    told = [12_000_000, 50_000_000, NO_QUOTE, NO_QUOTE, NO_QUOTE]
    assert np.stack([getattr(held, name) for name in GREEKS], axis=1).tolist() == [[NO_QUOTE] * 5, told, told]


@pytest.mark.parametrize(
    ("written", "counted"),
    [
        (wall, 0),
        (lambda ms: wall(ms + IST_MS), 20),
        (lambda ms: wall(ms).replace(" ", "T") + "Z", 0),
        (lambda ms: wall(ms + IST_MS).replace(" ", "T") + "Z", 20),
        (lambda ms: wall(ms + IST_MS).replace(" ", "T") + "+05:30", 0),
        (lambda ms: {"$date": wall(ms + IST_MS).replace(" ", "T") + "Z"}, 20),
        (lambda ms: {"$date": {"$numberLong": str(ms + IST_MS)}}, 20),
        (lambda ms: {"$date": ms}, 0),
        (lambda ms: ms + IST_MS, 20),
    ],
)
@pytest.mark.parametrize("with_id", [False, True])
def test_both_clock_traps_in_every_form(take: Import, written: Any, counted: int, with_id: bool) -> None:  # noqa: FBT001
    made = []
    for i, one in enumerate(minute()):
        ms = OPEN_MS + 500 * i + 300
        oid = f"{ms // 1000:08x}312afef23e6448b3"
        more = {"_id": {"$oid": oid} if i % 2 else oid} if with_id else {}
        made.append(one | more | {"_insertion_time": written(ms)})
    done = take(array(*made), "data.json")
    assert snapshots(done).ts_recv_ns.tolist() == [OPEN_NS + (500 * i + 300) * 10**6 for i in range(20)]
    ahead = "recorder's clock ahead of UTC by 5:30 h, which is taken out"
    assert done.tape.counted.get(ahead, 0) == counted


@pytest.mark.parametrize("ahead_ms", [0, IST_MS])
def test_a_lone_document_tells_whose_clock_wrote_it_too(take: Import, ahead_ms: int) -> None:
    one = document(0, 100.0, 500) | {"_insertion_time": wall(OPEN_MS + ahead_ms + 400)}
    assert snapshots(take(array(one), "data.json")).ts_recv_ns.tolist() == [OPEN_NS + 400 * 10**6]


def test_each_object_id_corrects_its_own_document(take: Import) -> None:
    # 04:14:13 UTC by the id; the stamp says 09:44:12.67Z, which is Kolkata's: the recorder's clock is slow by a second.
    one = document(0, 100.0, 500, _id={"$oid": OBJECT_ID})
    one["_insertion_time"] = {"$date": wall(OPEN_MS + IST_MS - 583).replace(" ", "T") + "Z"}
    done = take(array(one), "data.json")
    assert snapshots(done).ts_recv_ns.tolist() == [OPEN_NS - 583_000_000]
    assert done.tape.counted["received before its last trade, by the recorder's clock"] == 1


def test_documents_without_any_time_of_receipt_keep_their_order(take: Import) -> None:
    made = [document(0, 100.0, 500), document(2, 100.1, 600), document(1, 100.0, 550), document(3, 100.0, 700)]
    for one in made:
        del one["_insertion_time"]
    done = take(array(*made), "data.json")
    assert snapshots(done).vtt_lot.tolist() == [500, 600, 550, 700]
    assert done.tape.counted == {"time of the last trade steps back": 1, "volume of the day steps back": 1}


def test_stale_packets_invent_nothing(take: Import) -> None:
    """Repeats, steps back, and whole runs of old documents: volume is what the day's volume rose by, and never less."""
    good = [document(i, 100.0 + 0.05 * (i % 3), 1000 + 70 * i, 35) for i in range(30)]
    stale = []
    for i, one in enumerate(good):
        later = wall(OPEN_MS + 1000 * i + 400)
        stale.append(one)
        stale += [one | {"_insertion_time": later}] * (i % 4)  # the same trade again
        if i in {5, 17}:
            stale.append(good[i - 3] | {"_insertion_time": later})  # an old packet
    plain, odd = take(array(*good), "good.json"), None
    wanted = trades(plain)
    odd = take(array(*stale), "stale.json", symbol="", dry_run=True)
    assert odd.tape.counted["volume of the day steps back"] == 2
    assert odd.tape.counted["time of the last trade steps back"] == 2
    assert odd.tape.counted["repeats the last trade: the book may be new, nothing was traded"] >= 40
    assert sum(abs(lot) for _, lot in wanted) == 29 * 70


def test_stale_packets_give_the_same_trades(take: Import, tmp_path: Path) -> None:
    good = [document(i, 100.0 + 0.05 * (i % 3), 1000 + 70 * i, 35) for i in range(30)]
    wanted = trades(take(array(*good), "good.json"))
    stale = []
    for i, one in enumerate(good):
        stale += [one] * (1 + i % 3)
        if i in {5, 17}:
            stale.append(good[i - 3] | {"_insertion_time": one["_insertion_time"]})
    (tmp_path / "store").rename(tmp_path / "store of the good ones")
    assert trades(take(array(*stale), "stale.json")) == wanted


def test_empty_levels_after_the_close_are_no_quotes(take: Import) -> None:
    bid_only = document(1, 100.0, 535)
    bid_only["fullFeed"]["marketFF"]["marketLevel"]["bidAskQuote"] = [{"bidQ": "70", "bidP": 99.95}, {}]
    done = take(array(document(0, 100.0, 500), bid_only, document(2, 100.0, 570, book=None)), "data.json")
    held = snapshots(done)
    assert (held.bid_tick.tolist(), held.ask_tick.tolist()) == ([2000, 1999, NO_QUOTE], [2002, NO_QUOTE, NO_QUOTE])
    assert done.tape.counted == {"no bid in the book": 1, "no ask in the book": 2}


def test_what_a_message_leaves_out_has_not_changed(take: Import) -> None:
    second = document(1, 100.1, 535)
    del second["fullFeed"]["marketFF"]["marketLevel"], second["fullFeed"]["marketFF"]["oi"]
    third = document(2, 100.1, 535)
    del third["fullFeed"]["marketFF"]["vtt"], third["fullFeed"]["marketFF"]["ltpc"]
    done = take(array(document(0, 100.0, 500), second, third), "data.json")
    held = snapshots(done)
    assert held.vtt_lot.tolist() == [500, 535, 535]
    assert held.bid_tick.tolist() == [2000, 2000, 2000]
    assert held.oi_lot.tolist() == [71820, 71820, 71820]
    assert done.tape.counted["without a book: that of the message before still stands"] == 1


def test_a_silence_in_which_nobody_saw_how_it_traded_is_a_gap(take: Import) -> None:
    silent = [
        document(0, 100.0, 500),
        document(100, 100.1, 535),
        document(300, 100.0, 5000),
        document(301, 100.1, 5035),
    ]
    done = take(array(*silent), "data.json")
    (gap,) = done.tape.gaps
    assert (gap.to_ns - gap.from_ns, gap.missing) == (200 * 10**9, 0)
    assert (gap.after_line, gap.before_line) < (gap.before_line, 10**6)
    (stored,) = Store(done.store).gaps(f"upstox:{KEY}", "snapshot", 0, 2**62)
    assert stored.cause == "nothing recorded"
    # One trade in a silence is known whole; 4 465 of which one was seen are not attributed.
    assert trades(done) == [(2002, 35), (2002, 35)]


def test_greeks_index_and_ltpc_documents(take: Import) -> None:
    greeks = document(0, 100.0, 500)
    market = greeks.pop("fullFeed")["marketFF"]
    quote = market.pop("marketLevel")["bidAskQuote"][0]
    greeks |= {"firstLevelWithGreeks": market | {"firstDepth": quote}, "requestMode": "option_greeks"}
    index = {"fullFeed": {"indexFF": {"ltpc": {"ltp": 25054.6, "ltt": str(OPEN_MS), "cp": 24951.15}}}}
    index |= {"instrumentKey": "NSE_INDEX|Nifty 50", "_insertion_time": wall(OPEN_MS + 5)}
    seen = FRAME | {"instrumentKey": "NSE_FO|35415", "_insertion_time": wall(OPEN_MS + 5)}
    done = take(array(greeks, index, seen, seen), "data.json")
    tapes = {(tape.instrument, tape.tape): tape.kept for tape in done.file.tapes}
    assert tapes == {
        (f"upstox:{KEY}", "snapshot"): 1,
        ("upstox:NSE_INDEX|Nifty 50", "snapshot"): 1,
        ("upstox:NSE_FO|35415", "partial:ltpc"): 1,
    }
    assert snapshots(done).bid_tick.tolist() == [2000]
    assert snapshots(done, "upstox:NSE_INDEX|Nifty 50").vtt_lot.tolist() == [0]


def test_numbers_in_objects_and_keys_beside_names(take: Import) -> None:
    one = document(0, 100.0, 500)
    market = one["fullFeed"]["marketFF"]
    market["vtt"] = {"$numberLong": "500"}
    market["ltpc"] |= {"ltt": {"$numberLong": str(OPEN_MS)}, "ltp": {"$numberDouble": "100.05"}, "ltq": 35}
    one |= {"instrumentKey": "BANKNIFTY PUT", "raw_key": KEY}
    done = take(lines(one), "data.json")
    assert (snapshots(done).ltp_tick.tolist(), snapshots(done).vtt_lot.tolist()) == ([2001], [500])


@pytest.mark.parametrize(
    ("wound", "reason", "words"),
    [
        (("ltpc", "ltp", 100.03), "price off the grid", "price is 100.03: no whole multiple of 0.05"),
        (("ltpc", "ltp", "abc"), "price is no number", "no decimal number"),
        (("ltpc", "ltt", str(OPEN_MS // 1000)), "ltt in another unit", "a time in s, expected ms"),
        (("ltpc", "ltt", str(OPEN_MS * 1000)), "ltt in another unit", "a time in µs, expected ms"),
        (("ltpc", "ltt", "noon"), "ltt is no time", "no time in ms since 1970"),
        (("vtt", None, "-5"), "number below zero", "quantity is -5: below zero"),
        (("vtt", None, "5.5"), "quantity off the grid", "no whole multiple of 1"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_a_bad_document_is_told_and_the_rest_kept_or_nothing(
    take: Import,
    wound: tuple[str, str | None, Any],
    reason: str,
    words: str,
    strict: bool,  # noqa: FBT001 - both ways
) -> None:
    bad = json.loads(json.dumps(MESSAGES[3]))
    part = bad["fullFeed"]["marketFF"]
    if wound[1] is None:
        part[wound[0]] = wound[2]
    else:
        part[wound[0]][wound[1]] = wound[2]
    done = take(lines(*MESSAGES[:3], bad, *MESSAGES[4:]), "data.json", strict=strict)
    (drop,) = done.tape.drops
    assert (drop.reason, drop.line, drop.count) == (reason, 4, 1)
    assert words in drop.detail
    assert "document 4" in drop.detail
    assert (done.report.ok, done.report.stored) == (not strict, not strict)
    assert done.tape.kept == 19


@pytest.mark.parametrize("indent", [4, None])
def test_a_file_that_is_cut_in_the_middle(take: Import, indent: int | None) -> None:
    text = array(*MESSAGES, indent=indent)
    half = text.rindex(b"{", 0, len(text) // 2)
    done = take(text[:half], "data.json")
    assert done.tape.kept in {9, 10}
    (drop,) = done.file.unreadable
    assert drop.reason == "an object that does not end"
    assert drop.detail.endswith("the file ends within this, it seems to be cut")
    behind_an_object = text.rindex(b"}," if indent is None else b"    },\n", 0, half) + 5 * bool(indent) + 1
    done = take(text[:behind_an_object], "other.json", dry_run=True)
    (drop,) = done.file.unreadable
    assert drop.reason in {"an array that is not closed", "an object that does not end"}


def test_a_packed_file_that_is_cut_in_the_middle(take: Import) -> None:
    packed = gzipped(array(*minute(2_000)))
    done = take(packed[: len(packed) // 2], "data.json.gz")
    assert 0 < done.tape.kept < 2_000
    assert "the gzip stream ends too early" in done.report.problems[0]


def test_broken_documents_spoil_themselves_only(take: Import) -> None:
    text = array(*MESSAGES).replace(b'"vtt": "1105"', b'"vtt": "1105', 1)
    done = take(text, "data.json")
    assert done.tape.kept == 19
    assert sum(done.reasons.values()) == 1


def test_twice_changes_nothing_and_packed_is_the_same(take: Import) -> None:
    take(array(*MESSAGES), "data.json")
    again = take(gzipped(array(*MESSAGES)), "copy.json.gz")
    assert (again.tape.new, again.tape.already_stored) == (0, 20)
    assert "already imported" in again.file.notes[-1]


def test_what_neither_file_nor_flags_say(take: Import) -> None:
    nameless = [{k: v for k, v in one.items() if k != "instrumentKey"} for one in MESSAGES]
    asked = take(lines(*nameless), "data.json")
    assert "add --symbol" in asked.file.error
    done = take(lines(*nameless), "data.json", symbol=KEY)
    assert done.tape.kept == 20
    other = take(lines(*MESSAGES), "data.json", venue="kite")
    assert "but" in other.file.error
    assert "is of upstox" in other.file.error
    assert "messages of NSE_FO|51510" in take(lines(*MESSAGES), "data.json", symbol="NSE_FO|1").file.error


@pytest.mark.parametrize("text", [b'{"a": 1}\n', b"[1, 2]\n", b'{"feeds": {}}\n'])
def test_other_json_is_refused_with_what_was_tried(take: Import, text: bytes) -> None:
    done = take(text, "data.json")
    assert "of no known format; tried" in done.file.error
    assert "upstox_documents: " in done.file.error
    assert "upstox_frames: " in done.file.error


def frames() -> list[dict[str, Any]]:
    def frame(ms: int, ltp: float, ltq: str = "25") -> dict[str, Any]:
        return {"ltpc": {"ltp": ltp, "ltt": str(OPEN_MS + ms), "ltq": ltq, "cp": 1.0}}

    first = {"feeds": {"NSE_FO|35165": {"ltpc": {}}, "NSE_FO|35415": frame(0, 25056.8)}}
    index = {"NSE_INDEX|Nifty 50": {"ltpc": {"ltp": 24994.1, "ltt": str(OPEN_MS), "cp": 24951.15}}}
    live = [index, {"NSE_FO|35415": frame(0, 25056.8)}, {"NSE_FO|35415": frame(900, 25057.0, "50")}]
    return [first, *({"type": "live_feed", "feeds": feeds} for feeds in live)]


def test_trades_of_ltpc_mode_are_a_lower_bound_on_a_partial_tape(take: Import) -> None:
    done = take(lines(*frames()), "ltpc.jsonl")
    partial = next(tape for tape in done.file.tapes if tape.tape == "partial:ltpc")
    assert (partial.instrument, partial.kept, partial.unknown) == ("upstox:NSE_FO|35415", 2, "75")
    assert partial.counted == {"repeats the last trade: the book may be new, nothing was traded": 1}
    assert done.file.other_messages == {"instruments without a trade yet": 1}
    assert any("lower bound" in note for note in done.file.notes)
    assert done.report.problems == []
    store = Store(done.store)
    assert [row.tape for row in store.coverage("upstox:NSE_FO|35415")] == []
    assert [row.rows for row in store.partials("upstox:NSE_FO|35415")] == [2]
    assert np.array_equal(
        store.load("upstox:NSE_FO|35415", "partial:ltpc", 0, 2**62).ts_exch_ns, [OPEN_NS, OPEN_NS + 900_000_000]
    )
    index = snapshots(done, "upstox:NSE_INDEX|Nifty 50")
    assert (index.ltp_tick.tolist(), index.vtt_lot.tolist()) == ([2499410], [0])


def test_no_bar_is_made_of_a_partial_tape(take: Import, capsys: pytest.CaptureFixture[str]) -> None:
    done = take(lines(*frames()), "ltpc.jsonl")
    with pytest.raises(SystemExit) as left:
        main(["bars", "upstox:NSE_FO|35415", "--store", str(done.store)])
    assert left.value.code == 1
    assert "of partial:ltpc no bars are made: it holds some trades and not all" in capsys.readouterr().err


def test_frames_say_when_they_were_sent(take: Import) -> None:
    full = document(1, 100.0, 500)
    frame = {"type": "live_feed", "feeds": {KEY: {"fullFeed": full["fullFeed"]}}, "currentTs": str(OPEN_MS + 1_020)}
    info = {
        "type": "market_info",
        "currentTs": str(OPEN_MS),
        "marketInfo": {"segmentStatus": {"NSE_FO": "NORMAL_OPEN"}},
    }
    done = take(lines(info, frame), "frames.jsonl")
    assert snapshots(done).ts_recv_ns.tolist() == [OPEN_NS + 1_020_000_000]
    assert done.file.other_messages == {"market_info": 1}


def test_frames_that_are_cut_or_broken(take: Import) -> None:
    text = lines(*frames())
    done = take(text[:-40], "ltpc.jsonl")
    assert done.reasons == {"an object that does not end": 1}
    bad = text.replace(b'"ltp": 25057.0', b'"ltp": 25057,0', 1)
    done = take(bad, "bad.jsonl", dry_run=True)
    assert done.reasons == {"no JSON": 1}
    assert done.file.unreadable[0].line == 4
