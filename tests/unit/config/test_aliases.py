"""The names of other programs: each means here what it meant there, or is refused aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from footloom import config
from footloom.config.aliases import ALIASES, aliased
from footloom.errors import ConfigError
from footloom.feeds.endpoints import bases_of
from footloom.venues import binance_usdm, bybit_linear

LOGIN = {"API_KEY": "k3y-abc", "CLIENT_CODE": "A1234", "PASS": "4321", "AUTH_TOKEN": "JBSWY3DPEHPK3PXP"}


def load(tmp_path: Path, **variables: str) -> config.Config:
    return config.load({"FOOTLOOM_CONFIG": str(tmp_path), **variables})


def notice(found: config.Config, name: str) -> config.Notice:
    (one,) = (one for one in found.notices if one.name == name)
    return one


def test_the_login_of_angel_one_is_four_names(tmp_path: Path) -> None:
    found = load(tmp_path, **LOGIN)

    assert found.angelone == {
        "api_key": "k3y-abc",
        "client_code": "A1234",
        "pin": "4321",
        "totp_secret": "JBSWY3DPEHPK3PXP",
    }
    assert [value for value in LOGIN.values() if value in repr(found)] == []


def test_a_part_of_a_login_is_ignored_aloud_and_a_lone_key_quietly(tmp_path: Path) -> None:
    some = load(tmp_path, API_KEY="x", PASS="y")  # noqa: S106 - planted
    alone = load(tmp_path, API_KEY="of something else")

    assert (some.angelone, alone.angelone) == ({}, {})
    assert notice(some, "PASS").is_loud
    assert "needs CLIENT_CODE, AUTH_TOKEN too" in notice(some, "PASS").text
    assert not notice(alone, "API_KEY").is_loud


def test_a_code_of_six_digits_is_no_secret_key(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the secret key from which") as refused:
        load(tmp_path, **LOGIN | {"AUTH_TOKEN": "123456"})
    assert "123456" not in str(refused.value)


def test_the_text_of_the_example_counts_as_not_set(tmp_path: Path) -> None:
    found = load(tmp_path, API_KEY="YOUR_API_KEY", CLIENT_CODE="YOUR_CLIENT_CODE", INSTRUMENT_TOKEN="your-token")  # noqa: S106

    assert (found.angelone, found.symbols) == ({}, ())
    assert "not set" in notice(found, "API_KEY").text


@pytest.mark.parametrize(("token", "symbol"), [("53001", "NFO|53001"), ("NSE|3045", "NSE|3045"), ("MCX|9", "MCX|9")])
def test_the_instrument_is_what_is_listened_to(tmp_path: Path, token: str, symbol: str) -> None:
    found = load(tmp_path, INSTRUMENT_TOKEN=token)

    assert found.symbols == (f"angelone:{symbol}",)
    assert found.origins["symbols"] == "INSTRUMENT_TOKEN"
    assert ("another exchange" in found.notices[0].text) == ("|" not in token)


def test_the_lot_is_kept_to_be_compared(tmp_path: Path) -> None:
    assert load(tmp_path, LOTSIZE="50").lot_size == "50"
    for wrong in ("0", "-75", "many", "nan"):
        with pytest.raises(ConfigError, match="LOTSIZE"):
            load(tmp_path, LOTSIZE=wrong)


def test_the_database_of_finished_candles_is_ignored_with_a_reason(tmp_path: Path) -> None:
    text = notice(load(tmp_path, DB_NAME="trading_data_SEP.db"), "DB_NAME").text

    assert text.startswith("ignored: trading_data_SEP.db")
    assert "FOOTLOOM_STORE" in text


def test_mongo_is_as_it_stands_there(tmp_path: Path) -> None:
    bare = load(tmp_path)
    named = load(tmp_path, MONGO_URI="mongodb://localhost:27017/", MONGO_DB_NAME="mine", TICK_COLLECTION="ticks")

    assert (bare.mongo_uri, bare.mongo_db_name, bare.tick_collection) == (None, "upstox_strategy_db", "tick_data")
    assert (named.mongo_uri, named.mongo_db_name, named.tick_collection) == (
        "mongodb://localhost:27017/",
        "mine",
        "ticks",
    )
    assert named.origins["mongo_db_name"] == "MONGO_DB_NAME"


def test_our_own_name_stands_above_theirs(tmp_path: Path) -> None:
    found = load(tmp_path, WS_PING_INTERVAL="20s", FOOTLOOM_WS_PING_INTERVAL="5", MAX_CANDLES="500")

    assert (found.ws_ping_interval, found.origins["ws_ping_interval"]) == (5.0, "FOOTLOOM_WS_PING_INTERVAL")
    assert (found.max_history_bars, found.origins["max_history_bars"]) == (500, "MAX_CANDLES")


def test_max_candles_is_read_from_the_file_too(tmp_path: Path) -> None:
    (tmp_path / "footloom.toml").write_text("max_candles = 500")

    assert load(tmp_path).max_history_bars == 500


@pytest.mark.parametrize(
    "url", ["wss://fstream.binance.com/stream", "wss://fstream.binance.com/ws", "wss://fstream.binance.com"]
)
def test_the_retired_root_of_binance_is_told_and_not_used(tmp_path: Path, url: str) -> None:
    found = load(tmp_path, BINANCE_FUTURES_WS=url)

    assert bases_of("binance_usdm", binance_usdm.BASES, found) == binance_usdm.BASES
    assert notice(found, "BINANCE_FUTURES_WS").is_loud
    assert "retired by Binance on 2026-04-23" in notice(found, "BINANCE_FUTURES_WS").text


@pytest.mark.parametrize(
    ("name", "venue", "url", "base"),
    [
        ("BINANCE_FUTURES_WS", binance_usdm, "ws://127.0.0.1:9/stream", "ws://127.0.0.1:9"),
        ("BINANCE_FUTURES_WS", binance_usdm, "wss://fstream.binance.com/market/stream", "wss://fstream.binance.com"),
        (
            "BINANCE_FUTURES_WS",
            binance_usdm,
            "wss://fstream.binancefuture.com/stream",
            "wss://fstream.binancefuture.com",
        ),
        ("BYBIT_WS_LINEAR", bybit_linear, "wss://stream.bybit.com/v5/public/linear", "wss://stream.bybit.com"),
        ("BYBIT_WS_LINEAR", bybit_linear, "wss://stream.bytick.com/v5/public/linear", "wss://stream.bytick.com"),
    ],
)
def test_another_socket_stands_for_a_venue_s_own(tmp_path: Path, name: str, venue: object, url: str, base: str) -> None:
    found = bases_of(venue.VENUE, venue.BASES, load(tmp_path, **{name: url}))

    assert (found.ws, found.rest) == (base, venue.BASES.rest)


def test_an_address_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="BYBIT_WS_LINEAR is no WebSocket address"):
        load(tmp_path, BYBIT_WS_LINEAR="https://stream.bybit.com")


def test_the_address_of_a_page_s_server_is_ignored_and_says_how_to_serve_that_page(tmp_path: Path) -> None:
    text = notice(load(tmp_path, NEXT_PUBLIC_BACKEND_WS="ws://localhost:8000"), "NEXT_PUBLIC_BACKEND_WS").text

    assert "footloom serve --compat 003 --port 8000" in text


def test_no_name_is_without_an_effect_or_a_word() -> None:
    given = {
        **LOGIN,
        "INSTRUMENT_TOKEN": "53001",
        "LOTSIZE": "50",
        "DB_NAME": "x.db",
        "MONGO_URI": "mongodb://h/",
        "MONGO_DB_NAME": "d",
        "TICK_COLLECTION": "t",
        "WS_PING_INTERVAL": "20",
        "BINANCE_FUTURES_WS": "ws://h/stream",
        "BYBIT_WS_LINEAR": "ws://h/v5/public/linear",
        "NEXT_PUBLIC_BACKEND_WS": "ws://h:1",
        "max_candles": "500",
        "MAX_CANDLES": "500",
    }
    assert set(given) == set(ALIASES)

    for name, value in given.items():
        found = aliased({name: value})
        assert found.values or found.sockets or found.notices, name
