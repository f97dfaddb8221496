"""Settings: who stands above whom, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from footloom import config
from footloom.errors import ConfigError
from footloom.feeds.endpoints import bases_of, checked
from footloom.venues._venue import Bases


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"FOOTLOOM_CONFIG": str(tmp_path)}


def settings(environment: dict[str, str], text: str) -> None:
    (Path(environment["FOOTLOOM_CONFIG"]) / "footloom.toml").write_text(text)


def test_without_anything_there_are_defaults() -> None:
    found = config.load({})

    assert found.store.name == "store"
    assert found.endpoints == {}
    assert found.origins["store"] == "default"


def test_flags_stand_above_the_environment_above_the_file(environment: dict[str, str]) -> None:
    settings(
        environment, 'store = "/a"\ncommit_ms = 5\ndepth_quota = "1GB"\n[endpoints]\nbybit_linear = "http://a:1"\n'
    )
    environment |= {"FOOTLOOM_STORE": "/b", "FOOTLOOM_COMMIT_MS": "7", "FOOTLOOM_ENDPOINT_BYBIT_LINEAR": "http://b:1/"}

    from_file = config.load({"FOOTLOOM_CONFIG": environment["FOOTLOOM_CONFIG"]})
    from_environment = config.load(environment)
    flagged = config.load(
        environment, store=Path("/c"), endpoints=["bybit_linear=http://c:1"], flags={"commit_ms": 9, "fetch": None}
    )

    found = (from_file, from_environment, flagged)
    assert [str(one.store) for one in found] == ["/a", "/b", "/c"]
    assert [one.commit_ms for one in found] == [5, 7, 9]
    assert [one.endpoints for one in found] == [{"bybit_linear": f"http://{host}:1"} for host in "abc"]
    assert [one.origins["store"] for one in found] == ["footloom.toml", "FOOTLOOM_STORE", "flag"]
    assert flagged.depth_quota == 10**9
    assert flagged.fetch == "missing"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("comit_ms = 3", "did you mean commit_ms"),
        ("colour = 3", "there are store, endpoints"),
        ("commit_ms = 0.1", "must be 1 or more"),
        ("commit_ms = nan", "must be 1 or more"),
        ('commit_ms = "soon"', "cannot be"),
        ('depth_quota = "much"', "no size"),
        ('fetch = "always"', "cannot be"),
        ("store = [", "cannot be read"),
        ('endpoints = "x"', "not a table"),
        ('[endpoints]\nbybit_linear = "ftp://x"', "no address"),
        ('[endpoints]\nbybit_linear = "http://user:pass@x"', "no address"),
        ('[endpoints]\nbybit_linear = "http://127.0.0.1:99999"', "no address"),
    ],
)
def test_what_cannot_be_is_refused(environment: dict[str, str], text: str, said: str) -> None:
    settings(environment, text)

    with pytest.raises(ConfigError, match=said):
        config.load(environment)


@pytest.mark.parametrize("text", ["port = [1, 2]", 'port = "abc"', "symbols = 3", "log_format = 1"])
def test_what_cannot_be_is_refused_under_a_flag_too(environment: dict[str, str], text: str) -> None:
    settings(environment, text)
    flags = {"port": 8123, "log_format": "text", "symbols": ["test:ABC"]}

    with pytest.raises(ConfigError, match=r"footloom\.toml\), which cannot be: write "):
        config.load(environment, flags=flags)


@pytest.mark.parametrize("text", ["binance_usdm", "=http://x", "Binance=http://x", "x=", "x=127.0.0.1:9"])
def test_an_endpoint_that_is_none(text: str) -> None:
    with pytest.raises(ConfigError, match="endpoint"):
        config.load({}, endpoints=[text])


def test_one_server_stands_for_a_venue() -> None:
    usual = Bases(ws="wss://w", rest="https://r", archive="https://a")
    found = config.load({}, endpoints=["bybit_linear=https://127.0.0.1:9"])

    assert bases_of("bybit_linear", usual, found) == Bases(
        ws="wss://127.0.0.1:9", rest="https://127.0.0.1:9", archive="https://127.0.0.1:9/archive"
    )
    assert bases_of("upstox", usual, found) == usual


def test_an_endpoint_of_no_venue_is_refused(environment: dict[str, str]) -> None:
    environment["FOOTLOOM_ENDPOINT_BINANCE_USD"] = "http://127.0.0.1:9001"

    with pytest.raises(ConfigError, match=r"endpoint of 'binance_usd'.*binance_usdm"):
        checked(config.load(environment))
