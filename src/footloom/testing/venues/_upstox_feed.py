"""What a look at the board says in Upstox's protobuf: whole for a first message, what has changed for later ones."""

from __future__ import annotations

from footloom.testing.venues._grid import Grid
from footloom.testing.venues.snapshotted import Board, Look
from footloom.venues import _upstox_feed_pb2 as pb

__all__ = ("DELTA", "IV", "feed", "response")

_MODES = {
    "ltpc": pb.RequestMode.ltpc,
    "full": pb.RequestMode.full_d5,
    "option_greeks": pb.RequestMode.option_greeks,
    "full_d30": pb.RequestMode.full_d30,
}
IV, DELTA = 0.12, 0.5  # of every option: nobody computes here
_LEVELS = {"full": 5, "full_d30": 30}


def response(kind: pb.Type, feeds: dict[str, pb.Feed], now_ms: int) -> bytes:
    """Return a frame."""
    made = pb.FeedResponse(type=kind, currentTs=now_ms)
    for key, one in feeds.items():
        made.feeds[key].CopyFrom(one)
    return bytes(made.SerializeToString())


def feed(mode: str, board: Board, grid: Grid, look: Look, before: Look | None = None) -> pb.Feed:
    """Return one key's part of a frame.

    With ``before``, parts that have not changed since are left out, as the venue does in mode full.
    """
    made = pb.Feed(requestMode=_MODES[mode])
    is_index = board.instrument.symbol.partition("|")[0].endswith("_INDEX")
    price = float(grid.price(look.ltp))
    ltpc = pb.LTPC(ltp=price, ltt=look.ltt_ms, ltq=0 if is_index else look.ltq, cp=price)
    if mode == "ltpc":
        made.ltpc.CopyFrom(ltpc)
    elif is_index:
        made.fullFeed.indexFF.ltpc.CopyFrom(ltpc)
    elif mode == "option_greeks":
        part = made.firstLevelWithGreeks
        part.ltpc.CopyFrom(ltpc)
        part.firstDepth.CopyFrom(_quotes(grid, look, 1)[0])
        part.vtt, part.oi, part.iv = look.vtt, float(look.oi or 0), IV
        part.optionGreeks.delta = DELTA
    else:
        _full(made.fullFeed.marketFF, ltpc, mode, (grid, look, before))
        if board.instrument.option:
            made.fullFeed.marketFF.iv, made.fullFeed.marketFF.optionGreeks.delta = IV, DELTA
    return made


def _full(part: pb.MarketFullFeed, ltpc: pb.LTPC, mode: str, told: tuple[Grid, Look, Look | None]) -> None:
    grid, look, before = told
    part.ltpc.CopyFrom(ltpc)
    part.atp, part.vtt, part.oi = look.atp_e4 / 10_000, look.vtt, float(look.oi or 0)
    part.tbq = float(sum(lot for _, lot in look.bids))
    part.tsq = float(sum(lot for _, lot in look.asks))
    if before is None or (before.bids[:30], before.asks[:30]) != (look.bids[:30], look.asks[:30]):
        part.marketLevel.bidAskQuote.extend(_quotes(grid, look, _LEVELS[mode]))
    if look.minute_ms:
        price = float(grid.price(look.ltp))
        part.marketOHLC.ohlc.add(
            interval="I1", open=price, high=price, low=price, close=price, vol=look.minute_volume, ts=look.minute_ms
        )


def _quotes(grid: Grid, look: Look, count: int) -> list[pb.Quote]:
    quotes = []
    for level in range(count):
        quote = pb.Quote()
        if level < len(look.bids):
            quote.bidP, quote.bidQ = float(grid.price(look.bids[level][0])), look.bids[level][1]
        if level < len(look.asks):
            quote.askP, quote.askQ = float(grid.price(look.asks[level][0])), look.asks[level][1]
        quotes.append(quote)
    return quotes
