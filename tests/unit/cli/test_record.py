"""Recording from the command line: what is listened to, what is said of it, and how it ends."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime as dt
import errno
import io
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from footloom import config
from footloom.cli import _record_feeds as feeds
from footloom.cli import record as verb
from footloom.cli._record_show import logging_to, showing
from footloom.cli._record_tally import Disk, Status, SymbolStatus, Tally, line, measured
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.series import Series
from footloom.core.trades import FLAG_BACKFILLED, Trades
from footloom.errors import ConfigError, VenueError
from footloom.feeds import live as live_module
from footloom.feeds._line import size_of
from footloom.feeds.flow import Arrival, Commit, FeedState, Losses
from footloom.feeds.live import Journal
from footloom.store import Coverage
from footloom.store.files import Store

KEY = "binance_usdm:BTCUSDT"
SECOND = 10**9


def instrument() -> Instrument:
    from decimal import Decimal

    return Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))


def commit(*late_ms: int, fetched: int = 0, gaps: tuple[Gap, ...] = (), recorded: bool = True) -> Commit:
    count = len(late_ms)
    times = [1_772_409_600 * SECOND + number for number in range(count)]
    trades = Trades.build(
        instrument(),
        times,
        [6_000_000] * count,
        [1] * count,
        [1] * count,
        trade_id=list(range(count)),
        ts_recv_ns=[at + late * 10**6 for at, late in zip(times, late_ms, strict=True)],
        flags=[FLAG_BACKFILLED if number < fetched else 0 for number in range(count)],
        tape="agg_trade",
    )
    return Commit(key=KEY, trades=trades, watermark_ns=0, gaps=gaps, recorded=recorded)


def gap(*, healed: bool) -> Gap:
    return Gap(symbol="BTCUSDT", from_ns=0, to_ns=1, cause="test", healed=healed)


def status(tally: Tally, state: FeedState, disk: Disk | None = None, now_s: float = 100.0) -> Status:
    return tally.status({KEY: state}, disk or Disk(free=10**12), now_s, 1_772_409_600.0)


def test_commits_are_counted_and_fetched_rows_are_not_late() -> None:
    tally = Tally([KEY], 0.0)
    tally(commit(900_000, 20, 35, fetched=1))
    tally(commit(gaps=(gap(healed=False), gap(healed=True), gap(healed=False))))

    found = status(tally, FeedState(phase="live", messages_per_s=12.34)).symbols[0]

    assert (found.rows, found.lag_ms, found.gaps, found.healed) == (3, 35.0, 2, 1)
    assert status(tally, FeedState(phase="live")).symbols[0].lag_ms is None  # since the last status


def test_rows_are_those_that_the_disk_took() -> None:
    tally = Tally([KEY], 0.0)
    for recorded, rows, waiting in ((True, 2, 0), (False, 2, 2), (False, 2, 4), (True, 8, 0)):
        tally(commit(5, 5, recorded=recorded))
        found = status(tally, FeedState(phase="live"))
        assert (found.rows, found.waiting, found.recorded) == (rows, waiting, recorded)


@pytest.mark.anyio
async def test_rows_that_were_given_up_or_refused_are_told_and_not_counted_as_stored(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(live_module, "_PENDING_BYTES", 2 * size_of((commit(*[5] * 10).trades, ())))
    kept: list[int] = []
    trouble: list[Exception] = []

    def append_many(items: Sequence[tuple[Trades, Sequence[Gap]]]) -> int:
        if trouble:
            raise trouble[0]
        kept.extend(at for rows, _ in items for at in rows.trade_id.tolist())
        return len(kept)

    journal, tally = Journal(SimpleNamespace(append_many=append_many)), Tally([KEY], 0.0)

    async def take(error: Exception | None) -> Status:
        trouble[:] = [] if error is None else [error]
        rows = commit(*[5] * 10).trades
        arrival = Arrival(KEY, rows, rows, 0)
        recorded = await journal.append([arrival])
        tally(arrival.committed(recorded=recorded, losses=journal.losses))
        return status(tally, FeedState(phase="live"))

    full, wrong = OSError(errno.ENOSPC, "No space left on device"), ValueError("ids descend")
    assert (await take(None)).rows == 10
    for _ in range(9):
        found = await take(full)
    assert (found.rows, found.waiting + found.given_up) == (10, 90)
    assert found.given_up > 50
    assert (await take(wrong)).refused == 10 + found.waiting, "what stood in line before it was joined with it"
    found = await take(None)
    assert (found.rows, found.waiting, found.rows + found.given_up + found.refused) == (len(kept), 0, 120)
    assert f"all but {found.given_up:,} rows" in caplog.text
    said = line(found)
    assert f"{found.refused:,} rows refused by the store, see the log · {found.given_up:,} rows given up" in said
    await take(full)
    await journal.closed()
    assert "nothing took the last 10 rows, to the end: they are not recorded" in caplog.text


def test_rows_of_a_chain_are_counted_and_lost_where_they_are_stored() -> None:
    option, index = (msgspec.structs.replace(instrument(), symbol=name) for name in ("OPTION", "INDEX"))
    chain = Series.build(
        index, "chain", [0] * 5, **dict.fromkeys(("side", "expiry_ns", "strike_tick", "source"), [0] * 5)
    )
    quotes = Series.build(option, "open_interest", [0], oi_lot=[1])
    tally = Tally([option.key, index.key], 0.0)
    for losses in (Losses(), Losses().and_more(index.key, refused=5), Losses().and_more(index.key, refused=9)):
        for one, series in ((option, (chain, quotes)), (index, ())):
            tally(Commit(one.key, Trades.empty(one), (), 0, series=series, losses=losses))

    found = tally.status({}, Disk(free=1), 1.0, 0.0)
    assert {one.key: one.rows for one in found.symbols} == {option.key: 3, index.key: 6}
    assert tally.rates(100.0)["chain"].rows == 15


def test_a_loss_that_several_tapes_share_is_one_gap() -> None:
    tally = Tally([KEY], 0.0)
    lost = gap(healed=False)
    tally(dataclasses.replace(commit(), side_gaps=(("mark", lost), ("liquidation", lost))))

    assert status(tally, FeedState(phase="live")).symbols[0].gaps == 1


def test_snapshots_are_counted_as_they_are_stored() -> None:
    tally = Tally([KEY], 0.0)
    for trades, snapshots in ((2, 1), (0, 3)):
        found = commit(*[5] * trades)
        tally(
            dataclasses.replace(found, trades=dataclasses.replace(found.trades, tape="snapshot"), snapshots=snapshots)
        )

    assert status(tally, FeedState(phase="live")).rows == 4
    assert tally.rates(100.0)["snapshot"].rows == 4


def test_what_a_day_brings_is_told_after_a_minute_and_without_what_was_fetched() -> None:
    tally = Tally([KEY], 0.0)
    tally(commit(1, 1, 1, 1, fetched=1))

    assert tally.rates(59.0) == {}
    assert (tally.rates(86.4)["agg_trade"].rows, tally.rates(86.4)["agg_trade"].seconds) == (3, 86.4)


def test_the_line_says_how_it_stands() -> None:
    tally = Tally([KEY], 0.0)
    tally(commit(20))

    well = line(status(tally, FeedState(phase="live", messages_per_s=8.0), Disk(free=5 * 10**10, days=41.2)))
    assert well == (
        "binance_usdm:BTCUSDT live · 8 msgs/s · 1 rows · lag 20 ms · gaps 0, healed 0 · 50.0 GB free, about 41 days"
    )
    tally(commit(recorded=False))
    ill = line(status(tally, FeedState(phase="reconnecting", text="code 1006, again in 3 s"), Disk(free=None)))
    assert "NOT RECORDED: the disk takes nothing, 0 rows wait" in ill
    assert "disk unknown" in ill
    assert ill.endswith("reconnecting: code 1006, again in 3 s")


def test_several_symbols_are_one_line_and_only_odd_ones_are_named() -> None:
    tally = Tally([KEY, "bybit_linear:BTCUSDT"], 0.0)
    states = {KEY: FeedState(phase="live"), "bybit_linear:BTCUSDT": FeedState(phase="stale", text="silent for 40 s")}

    text = line(tally.status(states, Disk(free=10**12), 1.0, 0.0))

    assert text.startswith("1 of 2 live · ")
    assert text.endswith(" · bybit_linear:BTCUSDT stale: silent for 40 s")


def test_who_connects_owes_no_word_why() -> None:
    states = {KEY: FeedState(phase="connecting"), "bybit_linear:BTCUSDT": FeedState(phase="stale")}

    text = line(Tally(list(states), 0.0).status(states, Disk(free=10**12), 1.0, 0.0))

    assert text.endswith(f" · {KEY} connecting · bybit_linear:BTCUSDT stale: no word why")


def test_what_is_always_recorded_and_what_where_asked() -> None:
    ((venue, plain),) = feeds.wanted_of(["binance_usdm:btcusdt"], depth=None, quotes=False)
    ((_, more),) = feeds.wanted_of([KEY], depth=20, quotes=True)

    assert (venue, plain.symbol) == ("binance_usdm", "BTCUSDT")
    assert plain.streams == {"agg_trade", "liquidation", "mark", "open_interest"}
    assert more.streams == plain.streams | {"depth", "quote"}
    assert more.depth == 20


def test_another_tape_stands_for_the_usual_one() -> None:
    ((_, single),) = feeds.wanted_of(["binance_spot:BTCUSDT"], depth=None, quotes=False, tape="trade")
    assert single.streams == {"trade"}

    with pytest.raises(ConfigError, match=r"has no tape 'agg_trade': --tape may be trade$"):
        feeds.wanted_of(["bybit_linear:BTCUSDT"], depth=None, quotes=False, tape="agg_trade")
    with pytest.raises(ConfigError, match=r"has no tape 'depth': --tape may be agg_trade or trade$"):
        feeds.wanted_of(["binance_spot:BTCUSDT"], depth=None, quotes=False, tape="depth")


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        (["nope:X"], "no venue"),
        (["BTCUSDT"], "names no instrument"),
        ([KEY, "binance_usdm:btcusdt"], "twice"),
    ],
)
def test_names_that_cannot_be(keys: list[str], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        feeds.wanted_of(keys, depth=None, quotes=False)


def test_options_around_the_money_go_with_the_symbol_that_they_stand_on() -> None:
    ((_, found),) = feeds.wanted_of(["upstox:NIFTY.FUT1"], depth=None, quotes=False, options="ATM+-10")

    assert (found.symbol, found.options) == ("NIFTY.FUT1", "ATM+-10")
    assert found.streams == {"snapshot", "open_interest"}


@pytest.mark.parametrize(
    ("key", "options", "said"),
    [
        (KEY, "atm±10", "has no options"),
        ("upstox:NIFTY", "10", "says not which options to follow"),
        ("upstox:NIFTY", "atm±51", "no atm±N"),
    ],
)
def test_options_that_cannot_be(key: str, options: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        feeds.wanted_of([key], depth=None, quotes=False, options=options)


def test_a_name_that_was_looked_up_is_not_counted_beside_its_symbol() -> None:
    tally = Tally(["upstox:NIFTY.FUT1"], 0.0)
    tally(commit(5))

    found = tally.status({KEY: FeedState(phase="live")}, Disk(free=1), 1.0, 0.0)

    assert [(one.key, one.rows) for one in found.symbols] == [(KEY, 1)]


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5h", 5400), ("2d", 172_800), ("", None)])
def test_lengths_of_time(text: str, seconds: float | None) -> None:
    assert verb._seconds(text) == seconds


@pytest.mark.parametrize("text", ["soon", "8", "-1s", "0s", "1w"])
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ConfigError, match="no length of time"):
        verb._seconds(text)


class Scripted:
    """A recorder that does what a test says."""

    def __init__(self, state: FeedState, act: Callable[[Callable[[Commit], None]], None] = lambda _: None) -> None:
        self.keys = [KEY]
        self.closed = False
        self._state, self._act = state, act

    def state(self) -> list[tuple[str, FeedState]]:
        return [(KEY, self._state)]

    async def run(self, publish: Callable[[Commit], None]) -> None:
        try:
            self._act(publish)
            await asyncio.Event().wait()
        finally:
            self.closed = True


def run(recorder: Scripted, store: Path, seconds: float | None) -> list[Status]:
    shown: list[Status] = []
    with Store(store, writer=True) as opened:
        asyncio.run(verb._until_stopped(recorder, opened, seconds, shown.append, lambda _: None))  # type: ignore[arg-type]
    return shown


def test_it_ends_when_its_time_is_over(tmp_path: Path) -> None:
    recorder = Scripted(FeedState(phase="live"), lambda publish: publish(commit(5)))

    shown = run(recorder, tmp_path, 1.5)

    assert recorder.closed
    assert shown[0].rows == 1
    assert shown[0].disk.free is not None


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_end_it_as_if_nothing_were(tmp_path: Path, number: signal.Signals) -> None:
    recorder = Scripted(FeedState(phase="live"), lambda _: os.kill(os.getpid(), number))

    run(recorder, tmp_path, 60)

    assert recorder.closed


def test_a_fault_of_its_own_ends_it(tmp_path: Path) -> None:
    def fail(_publish: object) -> None:
        raise VenueError("the venue is gone")

    with pytest.raises(VenueError, match="is gone"):
        run(Scripted(FeedState(phase="live"), fail), tmp_path, 60)


def test_who_is_refused_at_once_has_mistyped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verb, "_PATIENCE_S", 0.0)

    with pytest.raises(VenueError, match="does not list NOPE"):
        run(Scripted(FeedState(phase="stopped", text="binance_usdm does not list NOPE")), tmp_path, 60)


def test_nobody_reading_does_not_stop_the_recording(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    found = status(Tally([KEY], 0.0), FeedState(phase="live"))
    with showing(json=True) as (show, _):
        monkeypatch.setattr(sys, "stdout", Gone())
        show(found)
        show(found)

    assert capsys.readouterr().err.count("nobody reads the status any more") == 1


def test_a_line_of_json_is_a_whole_document(capsys: pytest.CaptureFixture[str]) -> None:
    with showing(json=True) as (show, _):
        show(status(Tally([KEY], 0.0), FeedState(phase="live")))

    document = msgspec.json.decode(capsys.readouterr().out)
    assert document["symbols"][0]["key"] == KEY
    assert document["recorded"] is True


def test_without_a_terminal_lines_come_when_something_changes(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally([KEY], 0.0)
    with showing(json=False) as (show, _):
        for phase in ("connecting", "live", "live", "live", "stale"):
            show(status(tally, FeedState(phase=phase)))  # type: ignore[arg-type]

    assert [text.split()[2] for text in capsys.readouterr().err.splitlines()] == ["connecting", "live", "stale"]


def test_seconds_that_are_counted_down_are_no_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    tally = Tally([KEY], 0.0)
    with showing(json=False) as (show, _):
        for seconds in (12, 11, 9):
            show(status(tally, FeedState(phase="reconnecting", text=f"code 1006; trying again in {seconds} s")))

    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_log_is_cut_and_warnings_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("footloom.cli._record_show._LOG_BYTES", 2_000)
    told: list[str] = []
    log = logging.getLogger("footloom.feeds.test")
    with logging_to(tmp_path / "logs" / "r.log", told.append):
        for number in range(200):
            log.info("something happened: %d", number)
        log.warning("something odd")

    names = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert names == ["r.log", *(f"r.log.{number}" for number in range(1, 6))]
    assert all(path.stat().st_size <= 2_000 for path in (tmp_path / "logs").iterdir())
    assert told == ["footloom: something odd"]
    assert "something odd" in (tmp_path / "logs" / "r.log").read_text()


class Full(io.StringIO):
    def write(self, _text: str) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
@pytest.mark.parametrize("form", ["json", "lines"])
def test_a_full_disk_behind_log_status_and_stderr_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    log, found = logging.getLogger("footloom.feeds.test"), status(Tally([KEY], 0.0), FeedState(phase="live"))
    with showing(json=form == "json") as (show, tell), logging_to(Path("/dev/full"), tell):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Full())
            patch.setattr(sys, "stderr", Full())
            show(found)
            log.error("not recorded from here on")
        log.error("nor here")
        show(found)

    said = capsys.readouterr()
    assert "nor here" in said.err
    assert "Traceback" not in said.err
    assert (KEY in said.out) is (form == "json")


def test_a_log_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="name another file"), logging_to(tmp_path, print):
        pass


def test_settings_reach_the_feeds_and_the_store() -> None:
    settings = config.load(
        {}, endpoints=["binance_usdm=http://127.0.0.1:9"], flags={"commit_ms": 2.0, "depth_quota": "1GB"}
    )
    wanted = feeds.wanted_of([KEY], depth=None, quotes=False)

    found = feeds.settings_of(wanted, settings)

    assert found.bases["binance_usdm"].ws == "ws://127.0.0.1:9"
    assert (found.commit_s, found.backfill_hours) == (0.002, 0.0)
    assert feeds.store_settings(settings).book_quota_bytes == 10**9


def standing(*phases: str, rows: int = 0, offset_ms: float | None = None) -> Status:
    symbols = [
        SymbolStatus(
            key=f"test:S{number}", phase=phase, text="why", messages_per_s=0.0, rows=rows if not number else 0,
            lag_ms=None, gaps=0, healed=0, backfill=None, offset_ms=offset_ms,
        )
        for number, phase in enumerate(phases)
    ]  # fmt: skip
    return Status(time="now", seconds=8.0, recorded=True, refused=0, rows=rows, disk=Disk(free=None), symbols=symbols)


def test_a_run_that_heard_nothing_fails_and_one_silent_symbol_is_named() -> None:
    said: list[str] = []
    with pytest.raises(VenueError, match="nothing was received in 8 s: test:S0 connecting: why"):
        verb._say_silent(standing("connecting"), said.append, must_hear=True)
    verb._say_silent(standing("closed"), said.append, must_hear=True)
    verb._say_silent(standing("connecting"), said.append, must_hear=False)
    assert len(said) == 2, "who shut the market, or pressed Ctrl-C, is told and not failed"
    verb._say_silent(standing("live", "stopped", rows=5), said.append, must_hear=True)
    assert said[2] == "footloom: nothing was received of 1 of 2 symbols: test:S1 stopped: why"
    verb._say_silent(standing("live"), said.append, must_hear=True)
    assert len(said) == 3, "it was heard, only nothing was traded"


def test_the_line_stays_short_with_many_symbols() -> None:
    text = line(standing(*["connecting"] * 44))
    assert "0 of 44 live" in text
    assert "and 40 more" in text
    assert len(text) < 400


def test_how_long_the_disk_lasts_is_told_by_what_rows_take_in_this_store() -> None:
    def stored(tape: str, rows: int, size: int, journal: int = 0) -> Coverage:
        return Coverage(
            key=KEY, tape=tape, day=dt.date(2026, 3, 2), rows=rows, first_ns=1, last_ns=2, bytes=size, gaps=0, parts=1,
            journal_rows=journal,
        )  # fmt: skip

    found = measured(
        [stored("depth", 60_000, 120_000), stored("depth", 50_000, 80_000, 10_000), stored("quote", 90, 9_000)]
    )
    assert found == {"depth": 2.0}
    tally = Tally([KEY], 0.0, {"agg_trade": 7.0})
    tally(commit(5))
    assert tally.rates(100.0)["agg_trade"].bytes_per_row == 7.0
