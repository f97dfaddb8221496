"""The doctor: each fault that can be made here is found, and said with what to do."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from footloom import config
from footloom.cli import _doctor_network as network
from footloom.cli import _doctor_store as here
from footloom.cli import doctor
from footloom.cli._doctor_settings import lot_findings, serving_findings
from footloom.cli.main import app
from footloom.config.settings import SETTINGS
from footloom.core.instrument import Instrument
from footloom.core.messages import Gap
from footloom.core.trades import Trades
from footloom.feeds._venues import venue_named
from footloom.feeds.credentials import Credentials, save
from footloom.store.files import Store
from footloom.testing.venues import LocalVenue
from footloom.venues import binance_usdm
from tests.unit.cli.small_market import small_market
from tests.unit.fetching.http_kit import plain_server

NOW_NS = 1_772_409_600 * 10**9
KEY = "binance_usdm:BTCUSDT"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    grid = Instrument(venue="binance_usdm", symbol="BTCUSDT", tick_size=Decimal("0.1"), lot_size=Decimal("0.001"))
    times = [NOW_NS - 60 * 10**9 + number for number in range(5)]
    with Store(tmp_path / "store", writer=True) as store:
        store.put_instrument(grid)
        store.write_part(
            Trades.build(grid, times, [1] * 5, [1] * 5, [1] * 5, trade_id=[1, 2, 3, 4, 5], tape="agg_trade")
        )
    return tmp_path / "store"


def found(root: Path, *, full: bool = False) -> list[here.Finding]:
    return list(here.store_findings(root, NOW_NS, full=full))


def odd(findings: list[here.Finding]) -> list[here.Finding]:
    return [one for one in findings if one.state != "ok"]


def test_a_good_store_is_well(root: Path) -> None:
    findings = found(root)

    assert odd(findings) == []
    assert any("5 rows of 1 symbols" in one.text for one in findings)
    assert any("1 parts are as they were written" in one.text for one in findings)


def test_a_store_that_is_not_there_is_no_fault(tmp_path: Path) -> None:
    assert [one.state for one in found(tmp_path / "none")] == ["ok"]
    assert not (tmp_path / "none").exists()


def test_who_writes_is_named(root: Path) -> None:
    with Store(root, writer=True):
        texts = [one.text for one in found(root)]

    assert any(text.startswith("written to by process ") for text in texts)


def test_a_damaged_part_is_bad(root: Path) -> None:
    (part,) = root.glob("tapes/**/*.parquet")
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0xFF
    part.write_bytes(bytes(data))

    (bad,) = odd(found(root))

    assert bad.state == "bad"
    assert part.name in bad.text
    assert bad.advice


def test_gaps_of_the_last_week_are_named_with_the_way_to_mend_them(root: Path) -> None:
    with Store(root, writer=True) as store:
        grid = store.instrument(KEY)
        gaps = [
            Gap(symbol="BTCUSDT", from_ns=NOW_NS - back, to_ns=NOW_NS - back + 10**9, cause="test")
            for back in (10**12, 30 * 86_400 * 10**9)
        ]
        store.write_part(Trades.empty(grid, "agg_trade"), None, gaps)

    (warning,) = odd(found(root))

    assert (warning.area, warning.state) == ("gaps", "warn")
    assert "agg_trade 1" in warning.text
    assert f"footloom fetch {KEY} --days 7" in warning.advice


def test_frames_that_nobody_could_parse_and_segments_put_aside_are_told(root: Path) -> None:
    with Store(root, writer=True) as store:
        store.quarantine("binance_usdm", b"?", NOW_NS, "no field p")
    (root / "journal" / "quarantine").mkdir(parents=True, exist_ok=True)
    (root / "journal" / "quarantine" / "segment-1.sqlite").write_bytes(b"")

    texts = [one.text for one in odd(found(root))]

    assert any("1 of binance_usdm" in text and "no field p" in text for text in texts)
    assert any("1 journal segments" in text for text in texts)


@pytest.mark.parametrize(("free", "state"), [(10**10, "ok"), (4 * 10**9, "warn"), (10**8, "bad")])
def test_room_on_the_disk(root: Path, monkeypatch: pytest.MonkeyPatch, free: int, state: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": free}))

    assert found(root)[0].state == state


@pytest.mark.parametrize(("back_s", "ends_s", "state"), [(60, 86_400, "ok"), (60, 600, "warn"), (600, -60, "bad")])
def test_tokens(tmp_path: Path, back_s: int, ends_s: int, state: str) -> None:
    kept_text = "s3cr3t-token"
    kept = Credentials(
        venue="upstox",
        kind="oauth",
        values={"access_token": kept_text},
        made_ns=NOW_NS - back_s * 10**9,
        expires_ns=NOW_NS + ends_s * 10**9,
    )
    path = save(kept, tmp_path)

    findings = list(here.token_findings(["upstox", "angelone"], NOW_NS, tmp_path))

    assert [one.state for one in findings] == [state, "warn"]
    assert kept_text not in repr(findings)
    path.chmod(0o644)
    (open_to_all, _) = here.token_findings(["upstox", "angelone"], NOW_NS, tmp_path)
    assert open_to_all.state == "bad"


@pytest.mark.parametrize(("day", "state"), [("2026-06-01", "ok"), ("2026-12-15", "warn"), ("2027-01-05", "warn")])
def test_the_end_of_the_calendar(day: str, state: str) -> None:
    from footloom import _api

    (finding,) = here.calendar_findings(_api.instant_ns(day))

    assert finding.state == state
    assert bool(finding.advice) == (state == "warn")


@pytest.mark.parametrize(
    ("offset_ms", "error_ms", "state"), [(40, 20, "ok"), (-300, 20, "warn"), (5000, 20, "bad"), (900, 800, "ok")]
)
def test_a_clock_is_judged_by_what_is_sure(offset_ms: float, error_ms: float, state: str) -> None:
    finding = network._judged("x", offset_ms, error_ms)

    assert finding.state == state
    assert ("ahead of" in finding.text) == (offset_ms > 0)


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_venue_that_is_not_there_is_bad(closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "_PATIENCE_S", 0.5)
    settings = config.load({}, endpoints=[f"binance_usdm=http://127.0.0.1:{closed_port}"])

    way, clock = asyncio.run(network.network_findings([binance_usdm], settings))

    assert (way.area, way.state) == ("network", "bad")
    assert "no connection (Connection refused)" in way.text
    assert (clock.area, clock.state) == ("clock", "bad")


def test_a_name_that_does_not_exist() -> None:
    finding = asyncio.run(network._way("x", True, "no-such-host.invalid", 443))

    assert finding.state == "bad"
    assert "no such name" in finding.text


def test_a_server_that_speaks_no_tls_is_told_as_that() -> None:
    async def found() -> here.Finding:
        async with plain_server() as port:
            return await network._way("x", True, "127.0.0.1", port)

    finding = asyncio.run(found())

    assert finding.state == "bad"
    assert "SSL" in finding.text


@pytest.mark.parametrize("venue", ["upstox", "angelone"])
def test_a_token_that_is_kept_is_tried(venue: str, tmp_path: Path) -> None:
    now_ns = time.time_ns()
    kept = {"access_token": "planted-a", "jwt_token": "planted-j", "api_key": "planted-k", "feed_token": "planted-f"}
    save(Credentials(venue=venue, kind="test", values=kept, made_ns=now_ns, expires_ns=now_ns + 10**15), tmp_path)

    async def told(local: LocalVenue) -> here.Finding:
        settings = config.load({"FOOTLOOM_CONFIG": str(tmp_path)}, endpoints=[f"{venue}={local.url}"])
        findings = await network.network_findings([venue_named(venue)], settings)
        (found,) = (one for one in findings if one.area == "tokens")
        return found

    async def before_and_after_it_ends() -> tuple[here.Finding, here.Finding]:
        async with LocalVenue(venue, small_market(venue, now_ns)) as local:
            good = await told(local)
            local.dialect.ordered("token")
            return good, await told(local)

    good, bad = asyncio.run(before_and_after_it_ends())

    assert (good.state, good.text) == ("ok", f"{venue}: the token was tried, and is taken")
    assert (bad.state, bad.advice) == ("bad", f"footloom login {venue}")
    assert "the token is refused" in bad.text
    assert "planted" not in bad.text


def test_the_clock_of_a_broker_is_that_of_its_answers() -> None:
    start_ns = time.time_ns() // 10**9 * 10**9
    wanted = {0.5: "ok 0 ms ahead of", 90.5: "bad 90,000 ms ahead of", -19_799.5: "bad 19,800,000 ms behind"}

    async def told() -> list[here.Finding]:
        async with LocalVenue("upstox", small_market("upstox", start_ns)) as local:
            settings = config.load({}, endpoints=[f"upstox={local.url}"])
            clocks = [lambda ahead_s=ahead_s: start_ns + int(ahead_s * 1e9) for ahead_s in wanted]
            return [await network._clock(venue_named("upstox"), settings, clock) for clock in clocks]

    found = asyncio.run(told())

    assert [f"{one.state} {one.text}" for one in found] == [f"{said} upstox (± 500)" for said in wanted.values()]


def test_the_verb_says_everything_and_ends_with_1_where_something_is_bad(root: Path) -> None:
    (part,) = root.glob("tapes/**/*.parquet")
    runner = CliRunner()
    environment = {"FOOTLOOM_CONFIG": str(root.parent / "config")}
    named = ["doctor", "--store", str(root.parent / "none"), "--json"]

    good = runner.invoke(app, named, env=environment)
    assert good.exit_code == 0
    assert msgspec.json.decode(good.stdout)["ok"] is True

    (root / "footloom.json").write_text("{}")
    bad = runner.invoke(app, ["doctor", "--store", str(root)], env=environment)
    assert bad.exit_code == 1
    assert "BAD " in bad.stdout
    assert part.exists()


def test_a_venue_that_nobody_knows_is_wrong_usage() -> None:
    assert CliRunner().invoke(app, ["doctor", "nope"]).exit_code == 2


def test_every_setting_is_told_with_its_origin_and_no_secret(tmp_path: Path) -> None:
    token, password = "planted-token-0123456789", "planted-password"
    variables = {
        "FOOTLOOM_CONFIG": str(tmp_path),
        "FOOTLOOM_STORE": str(tmp_path / "store"),
        "FOOTLOOM_TOKEN": token,
        "FOOTLOOM_HOST": "0.0.0.0",  # noqa: S104 - what is told
        "FOOTLOOM_PORT": "0",
        "MONGO_URI": f"mongodb://me:{password}@localhost/",
        "BINANCE_FUTURES_WS": "wss://fstream.binance.com/stream",
        "LOTSIZE": "50",
    }

    result = CliRunner().invoke(app, ["doctor"], env=variables)

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    said = {line.split()[2]: line for line in lines if line[6:].startswith("settings")}
    assert set(SETTINGS) - {"endpoints"} <= set(said)
    assert "token set (FOOTLOOM_TOKEN)" in said["token"]
    assert "mongo_uri set (MONGO_URI)" in said["mongo_uri"]
    assert "lot_size 50 (LOTSIZE)" in said["lot_size"]
    assert "max_subscriptions 64 (default)" in said["max_subscriptions"]
    assert "retired by Binance" in said["BINANCE_FUTURES_WS:"]
    assert "answers who shows the token, at " in result.output
    assert token not in result.output
    assert password not in result.output


def test_a_certificate_that_cannot_be_used_is_bad(tmp_path: Path) -> None:
    given = {"FOOTLOOM_CONFIG": str(tmp_path), "FOOTLOOM_PORT": "0", "FOOTLOOM_TLS_CERT": str(tmp_path / "none.pem")}

    bad = [one for one in serving_findings(config.load(given)) if one.state == "bad"]

    assert len(bad) == 1
    assert "none.pem is no file" in bad[0].text


@pytest.mark.parametrize(("lot", "state"), [("75", "ok"), ("50", "warn")])
def test_an_expected_lot_is_compared_with_the_exchange_s(tmp_path: Path, lot: str, state: str) -> None:
    settings = config.load({"FOOTLOOM_CONFIG": str(tmp_path), "INSTRUMENT_TOKEN": "53001", "LOTSIZE": lot})
    future = Instrument(
        venue="angelone", symbol="NFO|53001", tick_size=Decimal("0.05"), lot_size=Decimal(1), market_lot=Decimal(75)
    )

    (found,) = lot_findings(settings, [future])

    assert (found.state, "in lots of 75" in found.text) == (state, True)
    assert "nothing is stored" in next(iter(lot_findings(settings, []))).text


def test_the_venue_of_a_symbol_that_is_listened_to_is_tried_before_anything_is_stored(tmp_path: Path) -> None:
    """Whoever sets up Angel One by INSTRUMENT_TOKEN is told of its token before the first start."""
    given = {"FOOTLOOM_CONFIG": str(tmp_path), "INSTRUMENT_TOKEN": "53001"}
    settings = config.load(given, store=tmp_path / "store")
    assert [module.VENUE for module in doctor._venues(None, settings)] == ["angelone"]
