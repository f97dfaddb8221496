"""Faults to order, as text: ``disconnect@10s,code=1006;duplicate@p=0.01;burst@20s,rate=50000,for=10s``.

A fault comes at a time after the start of the market (``@10s``), again and again (``@every=30s``), or hits single
messages with a probability (``@p=0.01``). The same seed and the same tape make the same faults.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from typing import Final

import msgspec

from footloom.errors import ConfigError

__all__ = ("KINDS", "Fault", "Faults")

_SECOND = 1_000_000_000
_UNITS: Final = {"ms": 1_000_000, "s": _SECOND, "m": 60 * _SECOND, "h": 3600 * _SECOND, "": _SECOND}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|)")

# kind -> (what it does, what it may be told with its usual value)
KINDS: Final[dict[str, tuple[str, dict[str, str]]]] = {
    "disconnect": ("closes every socket, 1006 without a word, or with a close code", {"code": "1006"}),
    "partial": ("sends half a frame to every socket, and cuts it", {}),
    "fragment": ("splits a message into continuation frames", {"on": ""}),
    "mute": ("sends no data for a while, with the sockets open and pings answered", {"for": "10s"}),
    "refuse": ("refuses new sockets for a while", {"for": "5s", "code": "503"}),
    "duplicate": ("sends a message twice", {"on": ""}),
    "reorder": ("sends a message after the next ones", {"by": "3", "on": ""}),
    "drop": ("leaves a message out", {"for": "0s", "on": ""}),
    "late": ("holds a message back", {"by": "2s", "on": ""}),
    "burst": ("trades so many times a second for a while", {"rate": "50000", "for": "10s"}),
    "wrong_path": ("acknowledges what is subscribed and sends nothing of it", {"for": "10s"}),
    "429": ("refuses calls for a while, with Retry-After", {"for": "5s", "retry_after": "2s"}),
    "token": ("lets every token expire, and cuts the sockets", {}),
    "stale_book": ("answers with books from before the stream's", {"for": "10s", "by": "5s"}),
    "u_reset": ("restarts the service: update ids begin anew with a snapshot", {}),
    "day_roll": ("lets the next day begin at that time", {}),
}
_BY_MESSAGE: Final = frozenset({"duplicate", "reorder", "drop", "late", "fragment"})
_CHANGES_TAPE: Final = frozenset({"burst", "day_roll"})


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """One fault: at ``at_ns`` after the start, every ``every_ns``, or of each message with probability ``p``.

    ``for_ns`` is how long it lasts. ``by`` is in ns for ``late`` and ``stale_book``, in messages for ``reorder``.
    ``on`` names the kind of messages that it hits: ``trade``, ``book`` ..., "" all.
    """

    kind: str
    number: int
    at_ns: int | None = None
    every_ns: int = 0
    p: float = 0.0
    for_ns: int = 0
    by: int = 0
    code: int = 0
    rate: int = 0
    retry_after_s: float = 0.0
    on: str = ""

    def hits(self, key: bytes, seed: int) -> bool:
        """Say whether a message is hit; ``key`` is its name, such as ``trade/BTCUSDT/17``."""
        word = zlib.crc32(key, zlib.crc32(b"%d/%d/" % (seed, self.number)))
        # The checksum of near keys is near: one multiplication spreads it.
        return (word * 0x9E3779B1 & 0xFFFFFFFF) < self.p * 2**32

    def covers(self, since_start_ns: int) -> bool:
        """Say whether a fault that lasts is under way."""
        if self.at_ns is None or since_start_ns < self.at_ns:
            return False
        passed = since_start_ns - self.at_ns
        return (passed % self.every_ns if self.every_ns else passed) < self.for_ns


class Faults(msgspec.Struct, frozen=True):
    """What was ordered, and the seed that decides where chance does."""

    faults: tuple[Fault, ...] = ()
    seed: int = 7
    text: str = ""

    @classmethod
    def parse(cls, text: str, seed: int = 7) -> Faults:
        """Read an order.

        Raises
        ------
        ConfigError
            There is no such fault, or it cannot be told that.

        Examples
        --------
        >>> Faults.parse("disconnect@1.5s,code=1000").faults[0].at_ns
        1500000000
        """
        parts = [part.strip() for part in text.split(";") if part.strip()]
        return cls(tuple(_fault(part, number) for number, part in enumerate(parts)), seed, ";".join(parts))

    def of(self, *kinds: str) -> tuple[Fault, ...]:
        """Return the faults of some kinds."""
        return tuple(fault for fault in self.faults if fault.kind in kinds)

    def times(self, from_ns: int, to_ns: int) -> Iterator[tuple[int, Fault]]:
        """Yield the faults of ``(from_ns, to_ns]`` after the start, with their times, in order."""
        found = []
        for fault in self.faults:
            if fault.at_ns is None or fault.kind in _CHANGES_TAPE:
                continue
            at = fault.at_ns
            if fault.every_ns and at <= from_ns:
                at += ((from_ns - at) // fault.every_ns + 1) * fault.every_ns
            while from_ns < at <= to_ns:
                found.append((at, fault))
                if not fault.every_ns:
                    break
                at += fault.every_ns
        yield from sorted(found, key=lambda one: (one[0], one[1].number))

    def under_way(self, kind: str, since_start_ns: int) -> Fault | None:
        """Return a lasting fault that is under way, None where there is none."""
        return next((fault for fault in self.of(kind) if fault.covers(since_start_ns)), None)


def _fault(part: str, number: int) -> Fault:
    kind, at, rest = part.partition("@")
    if kind not in KINDS or not at:
        raise ConfigError(
            f"{part!r} orders no fault: write KIND@10s, KIND@every=30s or KIND@p=0.01 with one of {', '.join(KINDS)}"
        )
    told = dict(_told(one.strip(), part) for one in rest.split(","))
    usual = KINDS[kind][1]
    unknown = set(told) - set(usual) - {"at", "every", "p"}
    if unknown:
        raise ConfigError(
            f"{part!r}: {kind} knows no {', '.join(sorted(unknown))}; it may be told {', '.join(usual) or 'nothing'}"
        )
    if "p" in told and kind not in _BY_MESSAGE:
        raise ConfigError(f"{part!r}: {kind} hits no single messages; write {kind}@10s or {kind}@every=30s")
    return _made(kind, number, usual | told, part)


def _told(text: str, part: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        return "at", text
    if not value:
        raise ConfigError(f"{part!r}: {name} has no value; write {name}=VALUE")
    return name, value


def _made(kind: str, number: int, told: dict[str, str], part: str) -> Fault:
    every = _duration(told.get("every", "0"), part)
    at = _duration(told["at"], part) if "at" in told else (every or None)
    p = _number(told.get("p", "0"), part)
    if at is None and not p:
        raise ConfigError(f"{part!r} says no time: write {kind}@10s, {kind}@every=30s or, for messages, {kind}@p=0.01")
    if not 0.0 <= p <= 1.0:
        raise ConfigError(f"{part!r}: p={told['p']} is no probability; it lies between 0 and 1")
    by = told.get("by", "0")
    return Fault(
        kind=kind,
        number=number,
        at_ns=at,
        every_ns=every,
        p=p,
        for_ns=_duration(told.get("for", "0"), part),
        by=int(_number(by, part)) if kind == "reorder" else _duration(by, part),
        code=int(_number(told.get("code", "0"), part)),
        rate=int(_number(told.get("rate", "0"), part)),
        retry_after_s=_duration(told.get("retry_after", "0"), part) / _SECOND,
        on=told.get("on", ""),
    )


def _duration(text: str, part: str) -> int:
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ConfigError(f"{part!r}: {text!r} is no duration; write 500ms, 10s, 2m or 1h")
    return round(float(match[1]) * _UNITS[match[2]])


def _number(text: str, part: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ConfigError(f"{part!r}: {text!r} is no number") from None
