"""What is asked of Binance over REST, and what the answers mean, for its three markets alike."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Annotated, Any, Final, NamedTuple

import msgspec

from footloom.core.instrument import Instrument
from footloom.core.messages import BookUpdate, Message, OffMarket, OpenInterest, Trade
from footloom.errors import ConfigError, SchemaChanged
from footloom.venues import _binance
from footloom.venues import _binance_events as events
from footloom.venues._decimal_text import check_number, is_number, step
from footloom.venues._shown import shown
from footloom.venues._venue import ArchiveFile, Bases, Candle, Poll, Request, Wanted

__all__ = (
    "COIN_API",
    "SPOT_API",
    "SPOT_SINGLES",
    "USD_API",
    "Api",
    "Listed",
    "Singles",
    "read_book",
    "read_candles",
    "read_poll",
    "read_time",
    "read_trades",
)

PAGE: Final = 1000  # rows of trades a call may return
_HOUR_NS = 3_600_000_000_000
_MINUTE_NS = 60_000_000_000
_MS = 1_000_000
_OPEN_INTEREST_S: Final = 10.0
_ARCHIVED: Final = {"agg_trade": "aggTrades", "trade": "trades"}


class Api(NamedTuple):
    """One market's REST: what it differs in, and the requests of `_venue.Venue`, which its module offers by name."""

    venue: str
    path: str
    budget: str
    agg_trades_weight: int
    depth_limit: int  # what lies deeper stays unknown until it changes
    depth_weight: int
    klines_weight: int  # of 1000 rows
    exchange_info_weight: int
    folder: str  # of its archive
    inverse: bool = False

    def ask(self, bases: Bases, call: str, weight: int, **params: str | int) -> Request:
        """Return a call of this market's REST."""
        return Request(
            url=f"{bases.rest}{self.path}/{call}",
            params=tuple((name, str(value)) for name, value in params.items()),
            weight=weight,
            budget=self.budget,
        )

    def instruments_request(self, bases: Bases) -> Request:
        """Ask for all instruments."""
        # Spot's list of permissions is most of its answer, and of no use here.
        params = {"showPermissionSets": "false"} if self.venue == _binance.SPOT else {}
        return self.ask(bases, "exchangeInfo", self.exchange_info_weight, **params)

    def instruments(self, document: bytes, at_ns: int) -> list[Instrument]:
        """Return what is listed, valid from ``at_ns`` on. A symbol without tick or lot is left out.

        So is one of the other futures market: many calls know the symbols of both.

        Raises
        ------
        SchemaChanged
            The answer is no list of instruments.
        """
        rows: list[Listed] = _decoded(_exchange_info, document, "a list of instruments").symbols
        if self.venue != _binance.SPOT:
            rows = [row for row in rows if _binance.venue_of(_binance.FUTURES, row.symbol) == self.venue]
        found = [_instrument(row, self.venue, at_ns, inverse=self.inverse) for row in rows]
        return [one for one in found if one is not None]

    def recent_trades(self, symbol: str, bases: Bases) -> Request:
        """Ask for the newest aggregate trades."""
        return self.ask(bases, "aggTrades", self.agg_trades_weight, symbol=symbol, limit=PAGE)

    def trades_from(self, symbol: str, trade_id: int, bases: Bases) -> Request:
        """Ask for the page of aggregate trades that begins at an id. Futures know the last 48 hours only."""
        return self.ask(bases, "aggTrades", self.agg_trades_weight, symbol=symbol, fromId=trade_id, limit=PAGE)

    def trades_at(self, symbol: str, from_ns: int, to_ns: int, bases: Bases) -> Request:
        """Ask for the first aggregate trades of ``[from_ns, to_ns)``, of its first hour at most: the venue's limit."""
        end_ns = min(to_ns, from_ns + _HOUR_NS)
        return self.ask(
            bases,
            "aggTrades",
            self.agg_trades_weight,
            symbol=symbol,
            startTime=from_ns // _MS,
            endTime=max(from_ns // _MS, (end_ns - 1) // _MS),  # both are inclusive
            limit=PAGE,
        )

    def book_snapshot(self, symbol: str, bases: Bases) -> Request:
        """Ask for the whole book, as deep as the venue tells."""
        return self.ask(bases, "depth", self.depth_weight, symbol=symbol, limit=self.depth_limit)

    def server_time(self, bases: Bases) -> Request:
        """Ask for the venue's clock."""
        return self.ask(bases, "time", 1)

    def polls(self, wanted: Sequence[Wanted], bases: Bases, credentials: dict[str, str]) -> list[Poll]:  # noqa: ARG002 - needs none
        """Return what has to be asked again and again: open interest has no stream.

        Every ten seconds a symbol, or as seldom as a tenth of the budget allows.
        """
        symbols = sorted({one.symbol for one in wanted if "open_interest" in one.streams})
        every_s = max(_OPEN_INTEREST_S, len(symbols) / 4)
        return [Poll(request=self.ask(bases, "openInterest", 1, symbol=s), symbol=s, every_s=every_s) for s in symbols]

    def archive(self, symbol: str, day: str, tape: str, bases: Bases) -> ArchiveFile:
        """Return where the trades of a past day (ISO date, UTC) lie.

        Raises
        ------
        ConfigError
            The archive has no such tape.
        """
        if tape not in _ARCHIVED:
            have = ", ".join(_ARCHIVED)
            raise ConfigError(f"Binance's archive has no tape {tape!r} (asked for {symbol}): it has {have}")
        kind = _ARCHIVED[tape]
        name = f"{symbol}-{kind}-{day}.zip"
        url = f"{bases.archive}/data/{self.folder}/daily/{kind}/{symbol}/{name}"
        return ArchiveFile(url=url, checksum_url=f"{url}.CHECKSUM", name=name)

    def candles(self, symbol: str, from_ns: int, to_ns: int, bases: Bases, credentials: dict[str, str]) -> Request:  # noqa: ARG002 - needs none
        """Ask for the minute candles that open in ``[from_ns, to_ns)``, of its first 1000 minutes at most."""
        # Of a longer range COIN-M would send the end, the others the beginning.
        start, end = -(-from_ns // _MS), (min(to_ns, from_ns + PAGE * _MINUTE_NS) - 1) // _MS
        return self.ask(
            bases, "klines", self.klines_weight, symbol=symbol, interval="1m", startTime=start, endTime=end, limit=PAGE
        )


class Singles(NamedTuple):
    """Single trades of a market that gives them to everybody: the calls of `_venue.TapeCalls`."""

    api: Api
    weight: int

    def recent_trades(self, symbol: str, bases: Bases) -> Request:
        """Ask for the newest single trades."""
        return self.api.ask(bases, "trades", self.weight, symbol=symbol, limit=PAGE)

    def trades_from(self, symbol: str, trade_id: int, bases: Bases) -> Request:
        """Ask for the page of single trades that begins at an id."""
        return self.api.ask(bases, "historicalTrades", self.weight, symbol=symbol, fromId=trade_id, limit=PAGE)

    def read_trades(self, document: bytes, symbol: str, ts_recv_ns: int) -> list[Trade | OffMarket]:
        """Return a page of single trades, oldest first; prints of nothing are among them, for their ids count.

        Raises
        ------
        SchemaChanged
            The answer is no page of trades.
        """
        rows = _decoded(_single_rows, document, "a page of single trades")
        made = [
            events.TradePrint(s=symbol, t=row.id, p=row.price, q=row.qty, T=row.time, m=row.isBuyerMaker)
            for row in rows
        ]
        return _oldest_first(made, ts_recv_ns)


SPOT_API: Final = Api(_binance.SPOT, "/api/v3", "binance_spot", 4, 5000, 250, 2, 20, "spot")
# One budget for both since 2026-06-30.
USD_API: Final = Api(_binance.USDM, "/fapi/v1", "binance_futures", 20, 1000, 20, 5, 1, "futures/um")
COIN_API: Final = Api(_binance.COINM, "/dapi/v1", "binance_futures", 20, 1000, 20, 5, 1, "futures/cm", inverse=True)

SPOT_SINGLES: Final = Singles(SPOT_API, 25)


def read_trades(document: bytes, symbol: str, ts_recv_ns: int) -> list[Trade | OffMarket]:
    """Return a page of aggregate trades, oldest first; prints of nothing are among them, for their ids count.

    Raises
    ------
    SchemaChanged
        The answer is no page of trades.
    """
    rows = _decoded(_agg_rows, document, "a page of aggregate trades")
    made = [events.AggTrade(s=symbol, a=row.a, p=row.p, q=row.q, T=row.T, m=row.m) for row in rows]
    return _oldest_first(made, ts_recv_ns)


def _oldest_first(
    made: Sequence[events.AggTrade] | Sequence[events.TradePrint], ts_recv_ns: int
) -> list[Trade | OffMarket]:
    found = [_binance.trade_of(event, ts_recv_ns) for event in made]
    found.sort(key=lambda pair: pair[0].trade_id or 0)
    return [OffMarket(trade=trade, reason=reason) if reason else trade for trade, reason in found]


_Id = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _AggRow(msgspec.Struct):
    a: _Id
    p: str
    q: str
    T: int
    m: bool


_agg_rows = msgspec.json.Decoder(list[_AggRow])


class _SingleRow(msgspec.Struct):
    id: _Id
    price: str
    qty: str
    time: int
    isBuyerMaker: bool  # noqa: N815 - the venue's own name


_single_rows = msgspec.json.Decoder(list[_SingleRow])


def _decoded(decoder: Any, document: bytes, what: str) -> Any:
    try:
        return decoder.decode(document)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise SchemaChanged(f"no answer with {what} ({error}): {shown(document)}") from None


_snapshot = msgspec.json.Decoder(events.Snapshot)


def read_book(document: bytes, symbol: str, ts_recv_ns: int) -> BookUpdate:
    """Return the whole book.

    Raises
    ------
    SchemaChanged
        The answer is no book.
    """
    return _binance.book_of(_decoded(_snapshot, document, "a book"), symbol, ts_recv_ns)


class _Time(msgspec.Struct):
    serverTime: int  # noqa: N815 - the venue's own name


_time = msgspec.json.Decoder(_Time)


def read_time(document: bytes) -> int:
    """Return the venue's clock, ns UTC.

    Raises
    ------
    SchemaChanged
        The answer is no time.
    """
    return _binance.time_ns(_decoded(_time, document, "the server's time").serverTime, "serverTime")


class _OpenInterest(msgspec.Struct):
    symbol: str
    openInterest: str  # noqa: N815 - the venue's own name
    time: int


_open_interest = msgspec.json.Decoder(_OpenInterest)


def read_poll(document: bytes, symbol: str, ts_recv_ns: int) -> Iterator[Message]:
    """Yield the open interest, each contract counted once.

    Raises
    ------
    SchemaChanged
        The answer is none, or of another symbol.
    """
    found: _OpenInterest = _decoded(_open_interest, document, "open interest")
    check_number("openInterest", found.openInterest)
    if found.symbol != symbol:
        raise SchemaChanged(f"open interest of {found.symbol[:40]!r} where that of {symbol} was asked for")
    yield OpenInterest(
        symbol=symbol,
        ts_exch_ns=_binance.time_ns(found.time, "time"),
        ts_recv_ns=ts_recv_ns,
        qty=found.openInterest,
    )


class _Filter(msgspec.Struct):
    filterType: str  # noqa: N815 - the venue's own names here and below
    tickSize: str = ""  # noqa: N815
    stepSize: str = ""  # noqa: N815


class Listed(msgspec.Struct):
    """One symbol of `exchangeInfo`."""

    symbol: str
    filters: list[_Filter]
    status: str = ""
    contractStatus: str = ""  # noqa: N815 - COIN-M's word for status
    contractType: str = ""  # noqa: N815
    baseAsset: str = ""  # noqa: N815
    quoteAsset: str = ""  # noqa: N815
    deliveryDate: int = 0  # noqa: N815
    contractSize: int = 1  # noqa: N815 - COIN-M: quote currency of one contract


class _ExchangeInfo(msgspec.Struct):
    symbols: list[Listed]


_exchange_info = msgspec.json.Decoder(_ExchangeInfo)
_FAR_MS = 4_000_000_000_000  # perpetuals are said to be delivered in 2100


def _instrument(row: Listed, venue: str, at_ns: int, *, inverse: bool) -> Instrument | None:
    by_type = {one.filterType: one for one in row.filters}
    price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
    tick_size = None if price is None else step(price.tickSize)
    lot_size = None if lot is None else step(lot.stepSize)
    if tick_size is None or lot_size is None:
        return None  # precision fields are no steps: without the filters the grid is not known
    ends = 0 < row.deliveryDate < _FAR_MS
    return Instrument(
        venue=venue,
        symbol=row.symbol,
        tick_size=tick_size,
        lot_size=lot_size,
        base=row.baseAsset,
        quote=row.quoteAsset,
        contract_multiplier=Decimal(row.contractSize),
        inverse=inverse,
        kind="spot" if not row.contractType else "perpetual" if row.contractType.endswith("PERPETUAL") else "future",
        status=row.status or row.contractStatus,
        expiry_ns=_binance.time_ns(row.deliveryDate, "deliveryDate") if ends else None,
        valid_from_ns=at_ns,
    )


_klines = msgspec.json.Decoder(list[list[str | int]])


def read_candles(document: bytes) -> list[Candle]:
    """Return minute candles, oldest first; the last may not be finished.

    Raises
    ------
    SchemaChanged
        The answer is no list of candles.
    """
    rows: list[list[str | int]] = _decoded(_klines, document, "candles")
    return sorted((_candle(row, document) for row in rows), key=lambda candle: candle.open_ns)


def _candle(row: list[str | int], document: bytes) -> Candle:
    if len(row) < 7 or not (isinstance(row[0], int) and isinstance(row[6], int)):
        raise SchemaChanged(f"a candle that is not as documented: {shown(document)}")
    numbers = [text for text in row[1:6] if isinstance(text, str) and is_number(text)]
    if len(numbers) != 5:
        raise SchemaChanged(f"a candle with a number that is none: {shown(document)}")
    return Candle(
        open_ns=_binance.time_ns(row[0], "open time"),
        close_ns=_binance.time_ns(row[6], "close time") + _MS,  # the venue names the last ms
        open=numbers[0],
        high=numbers[1],
        low=numbers[2],
        close=numbers[3],
        volume=numbers[4],
    )
