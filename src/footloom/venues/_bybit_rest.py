"""What is asked of Bybit over REST, and what the answers mean (documentation of 2026-07)."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar
from urllib.parse import unquote

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import OffMarket, Trade
from footloom.errors import RateLimited, Refused, SchemaChanged
from footloom.venues._bybit_frames import TAKER, ms, off_market
from footloom.venues._decimal_text import check_number, is_number, step
from footloom.venues._shown import shown
from footloom.venues._venue import Bases, Candle, Request

__all__ = (
    "BUDGET",
    "VENUE",
    "candles",
    "instruments",
    "instruments_next",
    "instruments_request",
    "read_candles",
    "read_time",
    "read_trades",
    "recent_trades",
    "server_time",
)

VENUE: Final = "bybit_linear"
BUDGET: Final = "bybit"
_PAGE: Final = 1000
_MINUTE_NS = 60_000_000_000
_MS = 1_000_000
_TOO_OFTEN, _RETRY_S = 10_006, 5.0
_KINDS: Final = {"LinearPerpetual": "perpetual", "LinearFutures": "future"}
_T = TypeVar("_T")
_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Envelope(msgspec.Struct, rename="camel"):
    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = msgspec.Raw(b"null")


_envelope = msgspec.json.Decoder(_Envelope)
_WRONG = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def _ask(bases: Bases, call: str, **params: str | int) -> Request:
    return Request(
        url=f"{bases.rest}/v5/market/{call}",
        params=tuple((name, str(value)) for name, value in params.items()),
        budget=BUDGET,
    )


def _result(decoder: msgspec.json.Decoder[_T], document: bytes, what: str) -> _T:
    # A refusal comes with HTTP status 200 and a code of its own.
    try:
        envelope = _envelope.decode(document)
        if envelope.ret_code == 0:
            return decoder.decode(envelope.result)
    except _WRONG as error:
        raise SchemaChanged(f"no answer with {what} ({error}): {shown(document)}") from None
    message = f"Bybit gives no {what}: {envelope.ret_msg[:120]} (code {envelope.ret_code})"
    if envelope.ret_code == _TOO_OFTEN:
        raise RateLimited(f"{message}; asked again in {_RETRY_S:.0f} s", _RETRY_S)
    raise Refused(message, 200, envelope.ret_msg[:120])


class _Row(msgspec.Struct, rename="camel"):
    exec_id: str
    price: str
    size: str
    side: str
    time: str
    is_block_trade: bool = False
    seq: _Id | str | None = None


class _Rows(msgspec.Struct):
    rows: list[_Row] = msgspec.field(name="list")


_rows = msgspec.json.Decoder(_Rows)


def recent_trades(symbol: str, bases: Bases) -> Request:
    """Ask for the newest 1000 trades: there is no way to ask for older ones."""
    return _ask(bases, "recent-trade", category="linear", symbol=symbol, limit=_PAGE)


def read_trades(document: bytes, symbol: str, ts_recv_ns: int) -> list[Trade | OffMarket]:
    """Return a page of trades, oldest first (the venue sends the newest first); block trades are among them.

    Raises
    ------
    SchemaChanged, Refused, RateLimited
        The answer is no page of trades, or a refusal.
    """
    rows = _result(_rows, document, f"trades of {symbol}").rows
    return [_trade(row, symbol, ts_recv_ns, document) for row in reversed(rows)]


def _trade(row: _Row, symbol: str, ts_recv_ns: int, document: bytes) -> Trade | OffMarket:
    check_number("price", row.price, "a recent trade")
    check_number("size", row.size, "a recent trade")
    if row.side not in TAKER:
        raise SchemaChanged(f"a recent trade whose side is {row.side[:40]!r}, not Buy or Sell: {shown(document)}")
    trade = Trade(
        symbol=symbol,
        ts_exch_ns=ms(row.time, "time", document),
        price=row.price,
        qty=row.size,
        side=TAKER[row.side],
        trade_id=None,
        ts_recv_ns=ts_recv_ns,
        seq=_seq(row.seq, document),
        uid=row.exec_id,
    )
    return off_market(trade, block=row.is_block_trade)


def _seq(value: int | str | None, document: bytes) -> int | None:
    if not isinstance(value, str):
        return value
    if not (value.isascii() and value.isdigit() and len(value) <= 18):
        raise SchemaChanged(f"a recent trade whose seq is {value[:40]!r}, no number: {shown(document)}")
    return int(value)


class _PriceFilter(msgspec.Struct, rename="camel"):
    tick_size: str = ""


class _LotFilter(msgspec.Struct, rename="camel"):
    qty_step: str = ""


class _Listed(msgspec.Struct, rename="camel"):
    symbol: str
    price_filter: _PriceFilter
    lot_size_filter: _LotFilter
    contract_type: str = ""
    status: str = ""
    base_coin: str = ""
    quote_coin: str = ""
    delivery_time: str = ""


class _Page(msgspec.Struct, rename="camel"):
    rows: list[_Listed] = msgspec.field(name="list")
    next_page_cursor: str = ""


_page = msgspec.json.Decoder(_Page)


def instruments_request(bases: Bases) -> Request:
    """Ask for the first page of instruments."""
    return _ask(bases, "instruments-info", category="linear", limit=_PAGE)


def instruments_next(document: bytes, bases: Bases) -> Request | None:
    """Ask for the page behind ``document``, None where it was the last.

    Raises
    ------
    SchemaChanged, Refused, RateLimited
        The answer is no list of instruments, or a refusal.
    """
    page = _result(_page, document, "instruments")
    if not page.next_page_cursor or not page.rows:
        return None
    # The cursor comes as it has to stand in an address; it is encoded again when it is sent.
    return _ask(bases, "instruments-info", category="linear", limit=_PAGE, cursor=unquote(page.next_page_cursor))


def instruments(document: bytes, at_ns: int) -> list[Instrument]:
    """Return what one page lists, valid from ``at_ns`` on. A symbol without tick or step is left out.

    Raises
    ------
    SchemaChanged, Refused, RateLimited
        The answer is no list of instruments, or a refusal.
    """
    found = [_instrument(row, at_ns, document) for row in _result(_page, document, "instruments").rows]
    return [one for one in found if one is not None]


def _instrument(row: _Listed, at_ns: int, document: bytes) -> Instrument | None:
    tick_size, lot_size = step(row.price_filter.tick_size), step(row.lot_size_filter.qty_step)
    if tick_size is None or lot_size is None:
        return None
    return Instrument(
        venue=VENUE,
        symbol=row.symbol,
        tick_size=tick_size,
        lot_size=lot_size,
        base=row.base_coin,
        quote=row.quote_coin,
        kind=_KINDS.get(row.contract_type, ""),
        status=row.status,
        expiry_ns=None if row.delivery_time in {"", "0"} else ms(row.delivery_time, "deliveryTime", document),
        valid_from_ns=at_ns,
    )


class _Time(msgspec.Struct, rename="camel"):
    time_nano: str


_time = msgspec.json.Decoder(_Time)


def server_time(bases: Bases) -> Request:
    """Ask for the venue's clock."""
    return _ask(bases, "time")


def read_time(document: bytes) -> int:
    """Return the venue's clock, ns UTC.

    Raises
    ------
    SchemaChanged, Refused, RateLimited
        The answer is no time, or a refusal.
    """
    text = _result(_time, document, "time").time_nano
    if not (len(text) == 19 and text.isascii() and text.isdigit()):
        raise SchemaChanged(f"an answer whose timeNano is {text[:40]!r}, no time in ns")
    return int(text)


def candles(symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:  # noqa: ARG001 - needs none
    """Ask for the minute candles that open in ``[from_ns, to_ns)``, of its first 1000 minutes at most."""
    end_ns = min(to_ns, from_ns + _PAGE * _MINUTE_NS)  # of a longer range the venue sends the end
    return _ask(
        bases,
        "kline",
        category="linear",
        symbol=symbol,
        interval=1,
        start=-(-from_ns // _MS),
        end=(end_ns - 1) // _MS,
        limit=_PAGE,
    )


class _Klines(msgspec.Struct):
    rows: list[list[str]] = msgspec.field(name="list")


_klines = msgspec.json.Decoder(_Klines)


def read_candles(document: bytes) -> list[Candle]:
    """Return minute candles, oldest first (the venue sends the newest first); the last may not be finished.

    Raises
    ------
    SchemaChanged, Refused, RateLimited
        The answer is no list of candles, or a refusal.
    """
    rows: Any = _result(_klines, document, "candles").rows
    return sorted((_candle(row, document) for row in rows), key=lambda candle: candle.open_ns)


def _candle(row: list[str], document: bytes) -> Candle:
    if len(row) < 6 or not all(map(is_number, row[1:6])):
        raise SchemaChanged(f"a candle that is not as documented: {shown(document)}")
    open_ns = ms(row[0], "start", document)
    return Candle(
        open_ns=open_ns,
        close_ns=open_ns + _MINUTE_NS,
        open=row[1],
        high=row[2],
        low=row[3],
        close=row[4],
        volume=row[5],
    )
