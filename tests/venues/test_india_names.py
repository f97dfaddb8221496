"""Names of Indian instruments: what they say, and what they mean on a day."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, UnknownSymbol
from footloom.venues import _india_names as names
from footloom.venues import upstox
from footloom.venues._india_master import expiry_ns
from footloom.venues._india_options import parse_options

WEEKS = (
    dt.date(2025, 12, 9),
    dt.date(2025, 12, 16),
    dt.date(2025, 12, 23),
    dt.date(2025, 12, 30),
    dt.date(2026, 1, 27),
)
MONTHS = (dt.date(2025, 12, 30), dt.date(2026, 1, 27), dt.date(2026, 2, 24))
STRIKES = [Decimal(25_000 + 50 * i) for i in range(41)]
NOON = expiry_ns(dt.date(2025, 12, 3), "nse_fo")
SECOND = 10**9


def made(symbol: str, kind: str, name: str, **fields: object) -> Instrument:
    return Instrument(
        venue="upstox", symbol=symbol, tick_size=Decimal("0.05"), lot_size=Decimal(1), kind=kind, name=name, **fields
    )


def chain() -> list[Instrument]:
    listed = [
        made("NSE_INDEX|Nifty 50", "index", "NIFTY"),
        made("NSE_INDEX|Nifty Bank", "index", "BANKNIFTY"),
        made("BSE_EQ|INE002A01018", "spot", "RELIANCE"),
        made("NSE_EQ|INE002A01018", "spot", "RELIANCE"),
    ]
    token = 40_000
    for day in MONTHS:
        token += 1
        name = f"NIFTY FUT {day:%d %b %y}".upper()
        listed.append(made(f"NSE_FO|{token}", "future", name, underlying="NIFTY", expiry_ns=expiry_ns(day, "nse_fo")))
    for day in WEEKS:
        for strike in STRIKES:
            for option in ("CE", "PE"):
                token += 1
                name = f"NIFTY {strike} {option} {day:%d %b %y}".upper()
                end = expiry_ns(day, "nse_fo")
                listed.append(
                    made(
                        f"NSE_FO|{token}", "option", name,
                        underlying="NIFTY", expiry_ns=end, strike=strike, option=option,
                    )
                )  # fmt: skip
    return listed


LISTED = chain()
BY_SYMBOL = {one.symbol: one for one in LISTED}


def means(name: str, at_ns: int = NOON, spot: str | None = None) -> str:
    return BY_SYMBOL[names.resolve(name, LISTED, at_ns, spot)].name


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("NSE_FO|45450", names.Exact("NSE_FO|45450")),
        ("NSE_INDEX|Nifty 50", names.Exact("NSE_INDEX|Nifty 50")),
        ("NIFTY", names.Plain("NIFTY")),
        ("nifty.fut1", names.Continuous("NIFTY", 1)),
        ("NIFTY.FUT2", names.Continuous("NIFTY", 2)),
        ("NIFTY.ATM.CE.W1", names.Atm("NIFTY", 0, "CE", "W1")),
        ("NIFTY.ATM+2.CE.W1", names.Atm("NIFTY", 2, "CE", "W1")),
        ("M&M.ATM-10.PE.M2", names.Atm("M&M", -10, "PE", "M2")),
        ("NIFTY 09DEC25 26000 CE", names.Contract("NIFTY", dt.date(2025, 12, 9), Decimal(26_000), "CE")),
        ("  nifty  9DEC2025  26000.5  pe ", names.Contract("NIFTY", dt.date(2025, 12, 9), Decimal("26000.5"), "PE")),
        ("NIFTY 30DEC25 FUT", names.Contract("NIFTY", dt.date(2025, 12, 30), None, "")),
    ],
)
def test_what_a_name_says(name: str, said: names.Name) -> None:
    assert names.parse_name(name) == said


@pytest.mark.parametrize(
    "name", ["", "NIFTY.FUT0", "NIFTY.FUTX", "NIFTY.ATM+2.CE", "NIFTY.ATM2.CE.W1", "NIFTY 31FEB26 1 CE"]
)
def test_what_is_no_name(name: str) -> None:
    with pytest.raises(ConfigError, match=r"09DEC25|NIFTY\.FUT1"):
        names.parse_name(name)


@pytest.mark.parametrize(
    ("name", "spot", "meant"),
    [
        ("NIFTY", None, "NIFTY"),
        ("nifty 50", None, "NIFTY"),
        ("RELIANCE", None, "RELIANCE"),
        ("NIFTY.FUT1", None, "NIFTY FUT 30 DEC 25"),
        ("NIFTY.FUT3", None, "NIFTY FUT 24 FEB 26"),
        ("NIFTY 30DEC25 FUT", None, "NIFTY FUT 30 DEC 25"),
        ("NIFTY 09DEC25 26000 CE", None, "NIFTY 26000 CE 09 DEC 25"),
        ("NIFTY 26000 CE 09 DEC 25", None, "NIFTY 26000 CE 09 DEC 25"),
        ("NIFTY.ATM.CE.W1", "26012.40", "NIFTY 26000 CE 09 DEC 25"),
        ("NIFTY.ATM.CE.W1", "26025", "NIFTY 26000 CE 09 DEC 25"),
        ("NIFTY.ATM.CE.W1", "26025.05", "NIFTY 26050 CE 09 DEC 25"),
        ("NIFTY.ATM+2.CE.W1", "26012.40", "NIFTY 26100 CE 09 DEC 25"),
        ("NIFTY.ATM-1.PE.W2", "26012.40", "NIFTY 25950 PE 16 DEC 25"),
        ("NIFTY.ATM.PE.M1", "26012.40", "NIFTY 26000 PE 30 DEC 25"),
        ("NIFTY.ATM.PE.M2", "26012.40", "NIFTY 26000 PE 27 JAN 26"),
    ],
)
def test_what_a_name_means(name: str, spot: str | None, meant: str) -> None:
    assert means(name, spot=spot) == meant


def test_nse_goes_before_bse() -> None:
    assert names.resolve("RELIANCE", LISTED, NOON) == "NSE_EQ|INE002A01018"


def test_a_contract_stands_until_the_close_of_its_last_day() -> None:
    close = expiry_ns(dt.date(2025, 12, 9), "nse_fo")
    assert means("NIFTY.ATM.CE.W1", close - 1, "26000") == "NIFTY 26000 CE 09 DEC 25"
    assert means("NIFTY.ATM.CE.W1", close, "26000") == "NIFTY 26000 CE 16 DEC 25"
    future = expiry_ns(dt.date(2025, 12, 30), "nse_fo")
    assert means("NIFTY.FUT1", future - 1) == "NIFTY FUT 30 DEC 25"
    assert means("NIFTY.FUT1", future) == "NIFTY FUT 27 JAN 26"
    assert dt.datetime.fromtimestamp(close // SECOND, names.dt.UTC) == dt.datetime(2025, 12, 9, 10, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("NIFTI", "did you mean NIFTY"),
        ("NIFTI.FUT1", "did you mean NIFTY"),
        ("NIFTY.FUT4", "only 3 futures of NIFTY are listed: 30DEC25, 27JAN26, 24FEB26"),
        ("NIFTY 10DEC25 26000 CE", "no option of NIFTY expires on 10 Dec 2025; listed are 09DEC25, 16DEC25"),
        ("NIFTY 09DEC25 26010 CE", "the nearest are 25850, 25900, 25950, 26000"),
        ("NIFTY.ATM.CE.W9", "NIFTY has 5 expiries of kind W, not 9"),
        ("NIFTY.ATM+90.CE.W1", "41 strikes are listed, from 25000 to 27000"),
        ("NSE_FO|99999", "an expired contract is not listed"),
        ("NSE_INDEX|Nifty 5", "near it are NSE_INDEX.Nifty 50"),
        ("XSE|1", "BSE_EQ, NSE_EQ, NSE_FO, NSE_INDEX"),
        ("RELIANCE.FUT1", "no futures of RELIANCE"),
    ],
)
def test_what_is_not_listed(name: str, words: str) -> None:
    with pytest.raises(UnknownSymbol, match=words):
        names.resolve(name, LISTED, NOON, "26000")


def test_an_option_of_the_money_needs_the_price() -> None:
    with pytest.raises(ConfigError, match="it needs that price"):
        names.resolve("NIFTY.ATM.CE.W1", LISTED, NOON)
    assert upstox.spot_of("NIFTY.ATM.CE.W1", LISTED) == "NSE_INDEX|Nifty 50"
    assert upstox.spot_of("NIFTY.FUT1", LISTED) is None


def test_an_old_file_is_told() -> None:
    with pytest.raises(UnknownSymbol, match="have expired"):
        names.resolve("NIFTY.FUT1", LISTED, expiry_ns(dt.date(2026, 3, 2), "nse_fo"))


def test_ten_strikes_around_the_money_are_42_options() -> None:
    options = names.Chain.of("NIFTY", "W1", LISTED, NOON)
    symbols = options.around(Decimal(26_000), 10)
    assert len(symbols) == len(set(symbols)) == 42
    strikes = sorted({BY_SYMBOL[symbol].strike or 0 for symbol in symbols})
    assert (strikes[0], strikes[-1], len(strikes)) == (25_500, 26_500, 21)
    assert len(options.around(Decimal(27_000), 10)) == 22, "fewer at the end of the chain"


def test_the_money_is_held_for_half_a_strike_more() -> None:
    options = names.Chain.of("NIFTY", "W1", LISTED, NOON)
    centre = options.follow(Decimal(26012))
    assert centre == 26_000
    path = ["26030", "26049.95", "26050", "26020", "26000.05", "26000", "25950.05", "25950", "26900"]
    seen = []
    for spot in path:
        centre = options.follow(Decimal(spot), centre)
        seen.append(int(centre))
    assert seen == [26_000, 26_000, 26_050, 26_050, 26_050, 26_000, 26_000, 25_950, 26_900]
    assert options.follow(Decimal(26_000), Decimal(12_345)) == 26_000, "a strike of another chain"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("atm±10", (10, "W1")),
        ("ATM+-5", (5, "W1")),
        ("atm 3", (3, "W1")),
        ("atm±2.m1", (2, "M1")),
        ("atm±0", (0, "W1")),
    ],
)
def test_which_options_to_follow(text: str, said: tuple[int, str]) -> None:
    assert tuple(parse_options(text)) == said


@pytest.mark.parametrize("text", ["", "10", "atm", "atm±x", "atm±10.W0", "itm±3"])
def test_what_says_not_which_options(text: str) -> None:
    with pytest.raises(ConfigError, match="atm±10"):
        parse_options(text)


def test_options_follow_the_money() -> None:
    rule = parse_options("atm±1")
    first = rule.around("NIFTY", LISTED, NOON, "26012")
    assert len(first.symbols) == 6
    assert rule.around("NIFTY", LISTED, NOON, "26049", first.centre) == first
    moved = rule.around("NIFTY", LISTED, NOON, "26050", first.centre)
    assert moved.centre == 26_050
    strikes = {BY_SYMBOL[symbol].strike for symbol in set(moved.symbols) - set(first.symbols)}
    gone = {BY_SYMBOL[symbol].strike for symbol in set(first.symbols) - set(moved.symbols)}
    assert (strikes, gone) == ({26_100}, {25_950})
    expired = expiry_ns(WEEKS[0], "nse_fo")
    assert BY_SYMBOL[rule.around("NIFTY", LISTED, expired, "26050").symbols[0]].name.endswith("16 DEC 25")
