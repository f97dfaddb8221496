"""What Angel One answers over HTTP: the scrip master and minute candles."""

from __future__ import annotations

import datetime as dt
import functools
from decimal import Decimal
from typing import Any

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.secret import Secret
from footloom.errors import ConfigError, SchemaChanged, VenueError
from footloom.typed import from_json
from footloom.venues._angelone_frames import TYPES
from footloom.venues._india_master import CALENDARS as SEGMENTS
from footloom.venues._india_master import ZONE, candles_of, expiry_ns, scaled
from footloom.venues._venue import Bases, Candle, Request

__all__ = ("CALENDARS", "CANDLE_SPAN_NS", "candles", "headers", "instruments", "instruments_request", "read_candles")

CANDLE_SPAN_NS = 30 * 86_400 * 10**9
CALENDARS = {
    "NSE": "nse_cash",
    "BSE": "nse_cash",
    "NFO": "nse_fo",
    "BFO": "nse_fo",
    "MCX": SEGMENTS["MCX_FO"],
    "NCDEX": SEGMENTS["NCX_FO"],
    "CDS": SEGMENTS["NCD_FO"],
}
_VENUE = "angelone"
_CANDLES = "/rest/secure/angelbroking/historical/v1/getCandleData"
_PAISE, _CURRENCY = 100, 10_000_000
_INDEX_TICK = Decimal("0.01")
_ONE = Decimal(1)
_INDEX_TYPES = {"AMXIDX", "INDEX"}
_MINUTE_NS = 60 * 10**9


class _Scrip(msgspec.Struct):
    token: str
    exch_seg: str
    symbol: str = ""
    name: str = ""
    expiry: str = ""
    strike: str = ""
    lotsize: str = ""
    instrumenttype: str = ""
    tick_size: str = ""
    calendar: str = ""  # of a simulated venue alone, which is open day and night


class _Answer(msgspec.Struct):
    status: bool = False
    message: str = ""
    errorcode: str = ""
    data: list[list[msgspec.Raw]] | None = None


def headers(credentials: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Return the headers that every call needs, with the token where there is one.

    The addresses of the machine are mandatory and unused; nothing true is told about it.

    Raises
    ------
    ConfigError
        There is no API key.
    """
    key, token = credentials.get("api_key", ""), credentials.get("jwt_token", "")
    if not key:
        raise ConfigError("angelone gives data to accounts only, and there is no API key: run footloom login angelone")
    fixed = (
        ("Content-Type", "application/json"),
        ("Accept", "application/json"),
        ("X-UserType", "USER"),
        ("X-SourceID", "WEB"),
        ("X-ClientLocalIP", "127.0.0.1"),
        ("X-ClientPublicIP", "127.0.0.1"),
        ("X-MACAddress", "00:00:00:00:00:00"),
        ("X-PrivateKey", Secret(key)),
    )
    bearer = Secret(token if token.startswith("Bearer ") else f"Bearer {token}")
    return (*fixed, ("Authorization", bearer)) if token else fixed


def instruments_request(bases: Bases) -> Request:
    """Ask for all instruments, a file that is made anew each day."""
    return Request(url=f"{bases.archive}/OpenAPIScripMaster.json")


def instruments(document: bytes, at_ns: int) -> list[Instrument]:
    """Return what is traded, valid from ``at_ns`` on; quantities are units, so the lot is 1.

    Ticks and strikes of the file are in paise, those of currency derivatives in 1/10 000 000 rupee. Rows without a
    tick, and exchanges that the feed has not, are left out.

    Raises
    ------
    SchemaChanged
        The file is not as documented.
    """
    rows: list[_Scrip] = _decoded(document, list[_Scrip], "scrip master")
    return [one for row in rows if (one := _instrument(row, at_ns)) is not None]


def candles(symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:
    """Ask for minute candles of ``[from_ns, to_ns)``, 30 days at the most.

    Raises
    ------
    ConfigError
        The range is empty or too long, or there is no account.
    """
    if not 0 < to_ns - from_ns <= CANDLE_SPAN_NS:
        raise ConfigError(f"{(to_ns - from_ns) / 86_400e9:.1f} days of candles of {symbol}: a call takes up to 30")
    exchange, _, token = symbol.partition("|")
    asked = {
        "exchange": exchange,
        "symboltoken": token,
        "interval": "ONE_MINUTE",
        "fromdate": _minute(from_ns),
        "todate": _minute(to_ns - 1),  # the last one is included
    }
    body = msgspec.json.encode(asked)
    return Request(url=f"{bases.rest}{_CANDLES}", method="POST", headers=headers(credentials), body=body)


def read_candles(document: bytes) -> list[Candle]:
    """Return candles, oldest first.

    Raises
    ------
    SchemaChanged
        The answer is not as documented.
    VenueError
        It says that the call failed, and why.
    """
    answer = _decoded(document, _Answer, "getCandleData")
    if not answer.status:
        raise VenueError(f"Angel One gives no candles ({answer.errorcode or 'no code'}): {answer.message[:200]}")
    return candles_of(answer.data or [])


def _instrument(row: _Scrip, at_ns: int) -> Instrument | None:
    if row.exch_seg not in TYPES:
        return None
    divisor = _CURRENCY if row.exch_seg == "CDS" else _PAISE
    kind = _kind(row)
    tick = _number(row.tick_size, divisor, row) or (_INDEX_TICK if kind == "index" else None)
    if tick is None:
        return None
    calendar = CALENDARS[row.exch_seg]
    option = row.symbol[-2:] if kind == "option" else ""
    return Instrument(
        venue=_VENUE,
        symbol=f"{row.exch_seg}|{row.token}",
        tick_size=tick,
        lot_size=_ONE,
        quote="INR",
        calendar=row.calendar or calendar,
        kind=kind,
        expiry_ns=_expiry_ns(row, calendar),
        name=row.symbol,
        underlying=row.name,
        option=option if option in {"CE", "PE"} else "",
        strike=_number(row.strike, divisor, row) if kind == "option" else None,
        market_lot=_number(row.lotsize, 1, row),
        valid_from_ns=at_ns,
    )


def _kind(row: _Scrip) -> str:
    if row.instrumenttype in _INDEX_TYPES:
        return "index"
    return {"FUT": "future", "OPT": "option"}.get(row.instrumenttype[:3], "spot")


def _number(text: str, divisor: int, row: _Scrip) -> Decimal | None:
    try:
        return scaled(text, divisor) if text else None
    except ArithmeticError:
        raise SchemaChanged(
            f"{row.symbol or row.token} of Angel One's scrip master has {text[:40]!r}, no number"
        ) from None


def _expiry_ns(row: _Scrip, calendar: str) -> int | None:
    if not row.expiry:
        return None
    try:
        return expiry_ns(_day(row.expiry), calendar)
    except ValueError:
        raise SchemaChanged(f"{row.symbol} of Angel One's scrip master expires {row.expiry[:40]!r}, no date") from None


# The same few of all rows of a master.
@functools.lru_cache(4_096)
def _day(text: str) -> dt.date:
    return dt.datetime.strptime(text.title(), "%d%b%Y").replace(tzinfo=ZONE).date()


def _minute(at_ns: int) -> str:
    return f"{dt.datetime.fromtimestamp(at_ns // _MINUTE_NS * 60, ZONE):%Y-%m-%d %H:%M}"


def _decoded(document: bytes, kind: Any, what: str) -> Any:
    try:
        return from_json(document, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SchemaChanged(f"Angel One's {what} is not as documented: {error}") from None
