"""The JSON text messages of ``/ws/v1``, in both directions, and the meta of a snapshot.

Nanoseconds are decimal text, because JavaScript's numbers end at 2^53; prices and quantities are exact decimal text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from footloom.core.messages import Gap
from footloom.core.rolls import Roll
from footloom.errors import ProtocolError
from footloom.feeds.flow import Phase
from footloom.options.replies import ChainChange, ChainReply
from footloom.studies import Life

__all__ = (
    "PROTOCOL_VERSION",
    "ChainAsked",
    "ChainText",
    "ErrorText",
    "FeedGone",
    "FeedText",
    "GapSpan",
    "GapText",
    "Hello",
    "Ping",
    "Pong",
    "Rebuilt",
    "Request",
    "Resync",
    "RollSpan",
    "SideName",
    "SnapshotMeta",
    "Status",
    "StreamRequest",
    "StreamText",
    "StudyOutput",
    "StudyRequest",
    "StudySpec",
    "Subscribe",
    "Subscribed",
    "TopicRequest",
    "Unsubscribe",
    "encode_text",
    "parse_request",
)

PROTOCOL_VERSION = 1


class TopicRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a client wants to see; what it leaves out takes the symbol's default."""

    symbol: str
    tape: str | None = None
    bars: str = "1m"
    ticks_per_level: Annotated[int, Meta(ge=1)] | None = None
    value_area: Literal["two_row", "one_row", "one_row_capped"] | None = None
    value_area_pct: str | None = None
    poc_tie: Literal["centre", "lowest"] | None = None
    cvd_reset: Literal["session", "never"] | None = None
    imbalance_pct: Annotated[int, Meta(ge=1)] | None = None
    imbalance_compare: Literal["ge", "gt"] | None = None
    imbalance_zero: Literal["infinite", "ignore", "as_one"] | None = None
    min_vol_lot: Annotated[int, Meta(ge=0)] | None = None
    stack_n: Annotated[int, Meta(ge=2)] | None = None


SideName = Literal["last", "liquidations", "funding", "open_interest"]


class ChainAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What of an option chain is told (`footloom.feeds.stored_chain.ChainAsk`); what is left out, as over REST."""

    expiry: Annotated[str, Meta(max_length=10)] | None = None
    strikes: Annotated[int, Meta(ge=0, le=1_000)] | None = None
    rate: Annotated[float, Meta(ge=-0.5, le=1.0)] | None = None
    price: Annotated[float, Meta(gt=0, le=1e12)] | None = None


class StreamRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """One of the streams of a symbol that are no chart (`footloom.server.live.sides`).

    ``options`` is the chain of an underlying (`footloom.server.live.chains`), of which ``chain`` says how much.
    """

    symbol: str
    name: SideName | Literal["options"]
    chain: ChainAsked | None = None

    def __post_init__(self) -> None:
        """Refuse what is of a chain for another stream."""
        if self.chain is not None and self.name != "options":
            raise ValueError(f"chain belongs to the stream options, not to {self.name}")


class StudyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A study beside a chart; ``label`` is its name in the frames, that of the study where none is given."""

    study: str
    label: str = ""
    params: dict[str, Any] = {}


class Subscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="subscribe"):
    """Start a topic, a chart or a stream: answered by `Subscribed` and a snapshot, or by `ErrorText`."""

    id: int
    topic: TopicRequest | None = None
    history_bars: Annotated[int, Meta(ge=1)] = 300
    stream: StreamRequest | None = None
    studies: tuple[StudyRequest, ...] = ()
    format: Literal["binary", "json"] = "binary"

    def __post_init__(self) -> None:
        """Refuse a request of nothing, of two things, or of studies without a chart."""
        if (self.topic is None) == (self.stream is None):
            raise ValueError("name either a topic or a stream")
        if self.stream is not None and self.studies:
            raise ValueError("studies stand beside a topic, not beside a stream")

    @property
    def is_fed(self) -> bool:
        """Whether the symbol's own feed brings it: a chain comes with those of its options."""
        return self.stream is None or self.stream.name != "options"

    @property
    def symbol(self) -> str:
        """The symbol that is asked for."""
        asked = self.topic or self.stream
        assert asked is not None
        return asked.symbol


class Unsubscribe(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="unsubscribe"):
    """Stop a topic: not answered, and nothing of it is sent after what is under way."""

    topic_id: int


class Ping(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="op", tag="ping"):
    """Ask whether the connection is alive: answered by `Pong`."""


Request = Subscribe | Unsubscribe | Ping


class StudyOutput(msgspec.Struct, frozen=True):
    """One thing that a study says: its columns, their unit, and how it wants to be drawn."""

    name: str
    kind: str
    unit: str
    columns: Sequence[str]
    title: str
    life: Life | None = None
    bits: Sequence[int] = ()


class StudySpec(msgspec.Struct, frozen=True):
    """A study as it was resolved: every parameter, and what it says.

    ``steps`` is what the units ``base`` and ``price`` are worth, as decimal text, where it reads other symbols.
    """

    label: str
    study: str
    title: str
    params: dict[str, Any]
    outputs: Sequence[StudyOutput]
    steps: dict[str, str] = {}


class Hello(msgspec.Struct, frozen=True, tag_field="type", tag="hello"):
    """The first message of a connection."""

    version: int
    server: str


class Pong(msgspec.Struct, frozen=True, tag_field="type", tag="pong"):
    """The answer to `Ping`: a page cannot see the pings of the WebSocket itself."""


class Subscribed(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="subscribed"):
    """A topic as it was resolved; its snapshot follows."""

    id: int
    topic_id: int
    topic: TopicRequest | None = None
    stream: StreamRequest | None = None
    studies: Sequence[StudySpec] = ()


class GapSpan(msgspec.Struct, frozen=True):
    """A stretch of the tape that is known to be missing."""

    from_ns: str
    to_ns: str
    cause: str
    missing: int | None
    healed: bool = False  # what was missing there is stored by now

    @classmethod
    def of(cls, gap: Gap) -> GapSpan:
        """Return a gap as the wire has it."""
        return cls(str(gap.from_ns), str(gap.to_ns), gap.cause, gap.missing, gap.healed)


class RollSpan(msgspec.Struct, frozen=True):
    """From ``at_ns`` on another contract stands for a continuous future.

    ``from_price`` and ``to_price`` are the last prices of both before it, ``difference`` how far the new one stands
    above the old one: decimal text, "" where it is not known.
    """

    at_ns: str
    from_symbol: str
    to_symbol: str
    rule: str
    from_price: str
    to_price: str
    difference: str

    @classmethod
    def of(cls, roll: Roll) -> RollSpan:
        """Return a roll as the wire has it."""
        difference = "" if roll.gap is None else f"{roll.gap:f}"
        prices = roll.from_price, roll.to_price, difference
        return cls(str(roll.at_ns), roll.from_symbol, roll.to_symbol, roll.rule, *prices)


class GapText(msgspec.Struct, frozen=True, tag_field="type", tag="gap"):
    """A gap was seen, or is healed."""

    topic_id: int
    topic_seq: int
    gap: GapSpan


class StreamText(msgspec.Struct, frozen=True, tag_field="type", tag="stream"):
    """What a stream that is no chart says: how it stands (``snapshot``), or what is new (``update``)."""

    topic_id: int
    topic_seq: int
    symbol: str
    name: SideName
    kind: str
    rows: Sequence[dict[str, Any]]


class ChainText(msgspec.Struct, frozen=True, omit_defaults=True, tag_field="type", tag="chain"):
    """An option chain: the whole of it (``snapshot``), or what changed in it (``update``).

    ``problem`` says why it stands still: then what was told before is the last that is known.
    """

    topic_id: int
    topic_seq: int
    kind: Literal["snapshot", "update"]
    chain: ChainReply | None = None
    change: ChainChange | None = None
    problem: str = ""


class Rebuilt(msgspec.Struct, frozen=True, tag_field="type", tag="rebuilt"):
    """Bars from ``from_ns`` on were built anew (definitions 0.5); a snapshot follows."""

    topic_id: int
    topic_seq: int
    from_ns: str
    epoch: int


class Resync(msgspec.Struct, frozen=True, tag_field="type", tag="resync"):
    """The client was too slow and events were dropped: forget the topic's bars, a new snapshot follows."""

    topic_id: int
    topic_seq: int


class ErrorText(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """A request could not be served; ``id`` is the request's where it was readable."""

    id: int | None
    code: str
    message: str


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="status"):
    """The header of a symbol: last and best prices, the day so far, and how far the feed may be trusted."""

    symbol: str
    last: str | None
    bid: str | None
    ask: str | None
    prev_close: str | None
    day_open: str | None
    day_high: str | None
    day_low: str | None
    day_volume: str
    vwap: str | None
    lag_ms: int | None
    engine_ns: str
    recorded: bool
    score: dict[str, float | int | None] | None
    trouble: str | None = None  # why nothing comes any more, in words
    day_start_ns: str | None = None  # of the session whose figures these are
    day_from_ns: str | None = None  # its first trade that is stored: before it the day's figures know nothing
    notes: Sequence[str] = ()  # what else is wrong: not recorded, refused, not sealed, found damaged at the start


class FeedText(msgspec.Struct, frozen=True, kw_only=True, tag_field="type", tag="feed"):
    """How the connection of a live symbol stands (`footloom.feeds.flow.FeedState`), sent to every client.

    ``has_trades`` says that the symbol can be charted: until then a subscription is refused as ``not_stored``.
    """

    symbol: str
    phase: Phase
    text: str
    since_ns: str
    backfill: float | None
    messages_per_s: float
    offset_ms: float | None
    has_trades: bool


class FeedGone(msgspec.Struct, frozen=True, tag_field="type", tag="feed_gone"):
    """A symbol is no longer listened to: nobody looked at it for a while."""

    symbol: str


class SnapshotMeta(msgspec.Struct, frozen=True, kw_only=True):
    """What a chart's legend says, and what its numbers mean: sent as JSON inside each snapshot."""

    symbol: str
    tape: str
    bars: str
    ticks_per_level: int
    tick_size: str
    lot_size: str
    market_lot: str | None  # the units that one contract trades in, where it is known
    base: str
    quote: str
    contract_multiplier: str
    inverse: bool
    calendar: str
    tz: str
    simulated: bool
    inferred: bool
    cvd_reset: str
    value_area: str
    value_area_pct: str
    poc_tie: str
    imbalance_pct: int
    imbalance_compare: str
    min_vol: Literal["auto"] | int
    stack_n: int
    default_ticks_per_level: int
    has_more: bool
    gaps: Sequence[GapSpan]
    candles: bool = False  # before the first recorded trade stand the venue's candles, without order flow
    open_interest: Sequence[str] = ()  # of candles: at the end of each bar, "" where the venue does not say
    rolls: Sequence[RollSpan] | UnsetType = UNSET  # of a continuous future: those that the bars span


_REQUESTS = msgspec.json.Decoder(Request)
_ENCODER = msgspec.json.Encoder()


def parse_request(text: str | bytes) -> Request:
    """Read one message of a client.

    Raises
    ------
    ProtocolError
        It is no JSON, or no request of the protocol; the message says which field is wrong.
    """
    if not text:
        raise ProtocolError('the message is empty; send {"op":"subscribe","id":1,"topic":{"symbol":"VENUE:SYMBOL"}}')
    try:
        request: Request = _REQUESTS.decode(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ProtocolError(
            f"the message is no request: {error}; "
            'send {"op":"subscribe","id":1,"topic":{"symbol":"VENUE:SYMBOL"}} or {"op":"unsubscribe","topic_id":1}'
        ) from None
    return request


def encode_text(message: msgspec.Struct) -> str:
    """Return a message as JSON text."""
    return _ENCODER.encode(message).decode()
