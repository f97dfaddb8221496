"""What Upstox answers over HTTP: instruments, candles, option contracts."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import zlib
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import msgspec

from footloom.core.instrument import Instrument
from footloom.errors import ConfigError, SchemaChanged
from footloom.typed import from_json
from footloom.venues._india_master import CALENDARS, candles_of, expiry_ns, local_date, scaled
from footloom.venues._upstox_sockets import bearer
from footloom.venues._venue import Bases, Candle, Request

__all__ = (
    "CANDLE_SPAN_NS",
    "candles",
    "candles_today",
    "instruments",
    "instruments_request",
    "option_chain",
    "option_contracts",
    "read_candles",
    "read_option_contracts",
    "read_previous_interest",
)

CANDLE_SPAN_NS = 28 * 86_400 * 10**9  # a call takes a month of minute candles at the most
_VENUE = "upstox"
_KINDS = {"FUT": "future", "CE": "option", "PE": "option", "INDEX": "index"}
_INDEX_TICK = Decimal("0.01")
_ONE = Decimal(1)
_PAISE = 100
_LARGEST = 1 << 30


class _Row(msgspec.Struct):
    # A row of the instrument file, or of option/contract, whose expiry is an ISO date.
    instrument_key: str
    segment: str = ""
    trading_symbol: str = ""
    instrument_type: str = ""
    tick_size: float | None = None
    lot_size: float | None = None
    freeze_quantity: float | None = None
    expiry: int | float | str | None = None
    strike_price: float | None = None
    underlying_symbol: str = ""
    asset_symbol: str = ""
    calendar: str = ""  # of a simulated venue alone, which is open day and night


class _Candles(msgspec.Struct):
    candles: list[list[msgspec.Raw]] = []


class _CandlesAnswer(msgspec.Struct):
    data: _Candles


class _Contracts(msgspec.Struct):
    data: list[_Row] = []


class _ChainMarket(msgspec.Struct):
    prev_oi: msgspec.Raw = msgspec.Raw(b"null")


class _ChainOption(msgspec.Struct):
    instrument_key: str = ""
    market_data: _ChainMarket = msgspec.field(default_factory=_ChainMarket)


class _ChainStrike(msgspec.Struct):
    call_options: _ChainOption | None = None
    put_options: _ChainOption | None = None


class _Chain(msgspec.Struct):
    data: list[_ChainStrike]


def instruments_request(bases: Bases) -> Request:
    """Ask for all instruments, a packed file that is made anew at about 06:00 IST."""
    return Request(url=f"{bases.archive}/instruments/exchange/complete.json.gz")


def instruments(document: bytes, at_ns: int) -> list[Instrument]:
    """Return what is traded, valid from ``at_ns`` on; quantities are units, so the lot is 1.

    Ticks of the file are in paise. Rows without a tick, which nobody can trade, are left out, except indices.

    Raises
    ------
    SchemaChanged
        The file is not as documented.
    """
    rows: list[_Row] = _decoded(_unpacked(document), list[_Row], "instrument file")
    return [one for row in rows if (one := _instrument(row, at_ns)) is not None]


def option_contracts(underlying: str, bases: Bases, credentials: dict[str, str], expiry: str = "") -> Request:
    """Ask for the option contracts on a key such as ``NSE_INDEX|Nifty 50``; ``expiry`` is an ISO date."""
    params = (("instrument_key", underlying), *((("expiry_date", expiry),) if expiry else ()))
    return Request(url=f"{bases.rest}/v2/option/contract", params=params, headers=bearer(credentials))


def read_option_contracts(document: bytes, at_ns: int) -> list[Instrument]:
    """Return the contracts of an answer to `option_contracts`."""
    rows = _decoded(document, _Contracts, "option/contract").data
    return [one for row in rows if (one := _instrument(row, at_ns)) is not None]


def option_chain(underlying: str, expiry: str, bases: Bases, credentials: dict[str, str]) -> Request:
    """Ask for the chain of one expiry (ISO date): quotes, open interest and greeks a strike; not for MCX."""
    params = (("instrument_key", underlying), ("expiry_date", expiry))
    return Request(url=f"{bases.rest}/v2/option/chain", params=params, headers=bearer(credentials))


def read_previous_interest(document: bytes) -> dict[str, str]:
    """Return what was open at the previous day's close, by key, of an answer to `option_chain`; exact text.

    Raises
    ------
    SchemaChanged
        The answer is not as documented.
    """
    found: dict[str, str] = {}
    for row in _decoded(document, _Chain, "option/chain").data:
        for option in (row.call_options, row.put_options):
            text = bytes(option.market_data.prev_oi).decode() if option is not None else ""
            if option is not None and option.instrument_key and text not in {"", "null"}:
                found[option.instrument_key] = text.strip('"')
    return found


def candles(symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:
    """Ask for the minute candles of past days, ``[from_ns, to_ns)`` by their dates in Kolkata.

    The current day is not among them: `candles_today` has it.

    Raises
    ------
    ConfigError
        The range is empty or longer than a call takes (`CANDLE_SPAN_NS`), or there is no token.
    """
    if not 0 < to_ns - from_ns <= CANDLE_SPAN_NS:
        raise ConfigError(f"{(to_ns - from_ns) / 86_400e9:.1f} days of candles of {symbol}: a call takes up to 28")
    first, last = local_date(from_ns), local_date(to_ns - 1)
    path = f"{quote(symbol, safe='')}/minutes/1/{last}/{first}"
    return Request(url=f"{bases.rest}/v3/historical-candle/{path}", headers=bearer(credentials))


def candles_today(symbol: str, bases: Bases, credentials: dict[str, str]) -> Request:
    """Ask for the minute candles of the current day."""
    path = f"intraday/{quote(symbol, safe='')}/minutes/1"
    return Request(url=f"{bases.rest}/v3/historical-candle/{path}", headers=bearer(credentials))


def read_candles(document: bytes) -> list[Candle]:
    """Return candles, oldest first.

    Raises
    ------
    SchemaChanged
        The answer is not as documented.
    """
    return candles_of(_decoded(document, _CandlesAnswer, "historical-candle").data.candles)


def _instrument(row: _Row, at_ns: int) -> Instrument | None:
    segment = row.instrument_key.partition("|")[0]
    kind = _KINDS.get(row.instrument_type, "index" if segment.endswith("_INDEX") else "spot")
    tick = scaled(row.tick_size or 0.0, _PAISE)
    if kind == "index":
        tick = tick or _INDEX_TICK
    if tick is None:
        return None
    calendar = CALENDARS.get(segment, "nse_cash")
    return Instrument(
        venue=_VENUE,
        symbol=row.instrument_key,
        tick_size=tick,
        lot_size=_ONE,
        quote="INR",
        calendar=row.calendar or calendar,
        kind=kind,
        expiry_ns=_expiry_ns(row, calendar),
        name=row.trading_symbol,
        underlying=row.underlying_symbol or row.asset_symbol,
        option=row.instrument_type if kind == "option" else "",
        strike=scaled(row.strike_price or 0.0, 1),
        market_lot=scaled(row.lot_size or 0.0, 1),
        freeze_qty=scaled(row.freeze_quantity or 0.0, 1),
        valid_from_ns=at_ns,
    )


def _expiry_ns(row: _Row, calendar: str) -> int | None:
    if row.expiry in {None, "", 0}:
        return None
    try:
        if isinstance(row.expiry, str):
            return expiry_ns(dt.date.fromisoformat(row.expiry[:10]), calendar)
        return expiry_ns(local_date(int(row.expiry or 0) * 1_000_000), calendar)
    except (ValueError, OverflowError, OSError):
        raise SchemaChanged(f"{row.instrument_key} of Upstox's instruments expires {row.expiry!r}, no date") from None


def _unpacked(document: bytes) -> bytes:
    if document[:2] != b"\x1f\x8b":
        return document
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(document)) as file:
            return file.read(_LARGEST)
    except (OSError, EOFError, zlib.error) as error:
        raise SchemaChanged(f"Upstox's instrument file cannot be unpacked: {error}; fetch it again") from None


def _decoded(document: bytes, kind: Any, what: str) -> Any:
    try:
        return from_json(document, kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise SchemaChanged(f"Upstox's {what} is not as documented: {error}") from None
