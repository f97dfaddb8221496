"""P1: one taker buys 3 and one sells 2: in every wire form the ask column holds 3, the bid column 2, and delta is 1.

The same after the tape was read again, exported, and imported from the export.
"""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from footloom.cli.main import main
from footloom.core.quotes import Quotes
from footloom.feeds.stored import stored_trades
from footloom.kernels.side_rules import RULES, RuleParams, infer_sides
from footloom.store.files import Store

MS = 1_723_161_256_000
FUTURES = {"e": "trade", "E": MS, "T": MS, "s": "BTCUSDT", "t": 7, "p": "61800.10", "X": "MARKET"}
AGGREGATE = {"e": "aggTrade", "E": MS, "T": MS, "s": "BTCUSDT", "a": 7, "p": "61800.10", "f": 7, "l": 7}
SPOT = {"e": "trade", "E": MS, "T": MS, "s": "BTCUSDT", "t": 7, "p": "61800.10", "M": True}


def frames(data: dict[str, Any]) -> str:
    """Say it as Binance does: whether the buyer was the maker."""
    number = "t" if "t" in data else "a"
    told = [data | {"q": "3", "m": False}, data | {"q": "2", "m": True, number: 8}]
    return "".join(f"{MS}000000 {json.dumps({'stream': 's', 'data': one})}\n" for one in told)


FORMS = {
    "usdm-trade.txt": ("binance_usdm:BTCUSDT", frames(FUTURES)),
    "usdm-agg.txt": ("binance_usdm:BTCUSDT", frames(AGGREGATE)),
    "spot-trade.txt": ("binance_spot:BTCUSDT", frames(SPOT)),
    "coinm-trade.txt": ("binance_coinm:BTCUSD_PERP", frames(FUTURES | {"s": "BTCUSD_PERP"})),
    "BTCUSDT-aggTrades-2024-08-08.csv": (
        "binance_usdm:BTCUSDT",
        (
            "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
            f"7,61800.1,3,7,7,{MS},false\n8,61800.1,2,8,8,{MS},true\n"
        ),
    ),
    "BTCUSDT-trades-2024-08-08.csv": (
        "binance_usdm:BTCUSDT",
        (
            "id,price,qty,quote_qty,time,is_buyer_maker\n"
            f"7,61800.1,3,185400.3,{MS},false\n8,61800.1,2,123600.2,{MS},true\n"
        ),
    ),
    "BTCUSDT2024-08-08.csv": (
        "bybit_linear:BTCUSDT",
        (
            "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
            f"{MS // 1000}.0,BTCUSDT,Buy,3,61800.10,PlusTick,00000000-0000-0001-0000-000000000007,1,3,1\n"
            f"{MS // 1000}.1,BTCUSDT,Sell,2,61800.10,PlusTick,00000000-0000-0002-0000-000000000007,1,2,1\n"
        ),
    ),
}


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as left:
        main(list(arguments))
    assert left.value.code in {None, 0}


def bar(key: str, store: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    capsys.readouterr()
    run("bars", key, "--ticks-per-level", "1", "--json", "--store", str(store))
    (found,) = json.loads(capsys.readouterr().out)["bars"]
    return dict(found)


def check(found: dict[str, Any]) -> None:
    numbers = {name: Decimal(found[name]) for name in ("buy", "sell", "unknown", "delta", "by_stated")}
    assert numbers == {"buy": 3, "sell": 2, "unknown": 0, "delta": 1, "by_stated": 5}
    ((_, ask_column, bid_column, *_),) = found["levels"]
    assert [Decimal(ask_column), Decimal(bid_column)] == [Decimal(3), Decimal(2)]


@pytest.mark.parametrize("name", FORMS)
def test_the_side_is_the_takers_in_every_form(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key, text = FORMS[name]
    (tmp_path / name).write_text(text, encoding="utf-8")
    venue = key.partition(":")[0]
    run("import", str(tmp_path / name), "--venue", venue, "--store", str(tmp_path / "store"))
    check(bar(key, tmp_path / "store", capsys))


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_export_imported_again_has_the_same_sides(
    ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    key, text = FORMS["usdm-trade.txt"]
    (tmp_path / "first.txt").write_text(text, encoding="utf-8")
    run("import", str(tmp_path / "first.txt"), "--store", str(tmp_path / "store"))
    out = tmp_path / f"out.{ending}"
    run("export", key, str(out), "--store", str(tmp_path / "store"))
    columns = "ts=ts_exch_ns,price=price,qty=qty,side=side,id=trade_id"
    venue, _, symbol = key.partition(":")
    run(
        "import", str(out), "--map", columns, "--venue", venue, "--symbol", symbol, "--ts-unit", "ns",
        "--side-buy=1", "--side-sell=-1",
        "--store", str(tmp_path / "again"),
    )  # fmt: skip
    check(bar(key, tmp_path / "again", capsys))


@pytest.mark.parametrize("rule", RULES)
def test_no_rule_changes_what_a_venue_states(rule: str, tmp_path: Path) -> None:
    """Inferring is asked for, and its rows say that they are inferred; what is stored stays as it was."""
    _, text = FORMS["usdm-trade.txt"]
    (tmp_path / "first.txt").write_text(text, encoding="utf-8")
    run("import", str(tmp_path / "first.txt"), "--store", str(tmp_path / "store"))
    with Store(tmp_path / "store") as store:
        stated = stored_trades(store, "binance_usdm:BTCUSDT", "trade", 0, 2**62)
        price = stated.price_tick[:1]
        quotes = Quotes(stated.instrument, stated.ts_exch_ns[:1] - 1, price - 1, price)
        inferred = infer_sides(stated, quotes, RuleParams(rule=rule))  # type: ignore[arg-type] # one of them
        assert (inferred.flags != stated.flags).all()
        assert stated.side.tolist() == [1, -1]
        again = stored_trades(store, "binance_usdm:BTCUSDT", "trade", 0, 2**62)
        assert np.array_equal(again.side, stated.side)
