"""The tokenizer in plain Python, readable as its definition.

`read_row` gives for one line what `footloom.importers._csv_rows.tokenise` gives for a block; a test holds the two
together.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

from footloom.core.trades import I64, U8
from footloom.importers import _csv_rules as csv

__all__ = ("Row", "fields_of", "first_refused", "read_row")

_NUMBER = re.compile(rb"(-?)(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_MOST_DIGITS = 20  # those of 64 bits, and one more


class Row(NamedTuple):
    """What one line says; where ``status`` is neither OK nor a zero, the other values mean nothing."""

    status: int
    trade_id: int = 0
    price: int = 0
    qty: int = 0
    time_ns: int = 0
    recv_ns: int = 0
    time_unit: int = 0
    recv_unit: int = 0
    side: int = 0
    codes: tuple[int, int, int] = (0, 0, 0)


class _Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def fields_of(line: bytes) -> list[bytes]:
    """Return the fields of a line, without the blanks and quotes around them; none for an empty line or a comment."""
    line = line.rstrip(b"\r \t")
    if not line or line.startswith(b"#"):
        return []
    return [field.strip(b' \t"') for field in line.split(b",")]


def read_row(line: bytes, roles: Sequence[int], rules: I64, texts: U8, offsets: I64) -> Row:
    """Read one line, without its newline: see `tokenise` for the arguments."""
    fields = fields_of(line)
    if len(fields) != len(roles):
        return Row(csv.COLUMNS if fields else csv.BLANK)
    words = [bytes(texts[a:b]) for a, b in itertools.pairwise(offsets)]
    found: dict[str, int] = {}
    codes = [0, 0, 0]
    zeros: set[int] = set()
    try:
        for role, text in zip(roles, fields, strict=True):
            if role >= csv.TEXT:
                known = words[csv.WORDS :]
                codes[role - csv.TEXT] = csv.WORDS + known.index(text) if text in known else -1
            elif role in {csv.MAKER, csv.SIDE}:
                found["side"] = _side(text, role, words[: csv.WORDS], rules)
            elif role:
                found |= _READERS[role](text, rules)
                zeros |= {role} & {csv.PRICE, csv.QTY} if _is_zero(text) else set()
    except _Refused as refused:
        return Row(refused.status)
    status = csv.ZERO_PRICE if csv.PRICE in zeros else csv.ZERO_QTY if zeros else csv.OK
    return Row(status, **found, codes=(codes[0], codes[1], codes[2]))


def first_refused(fields: Sequence[bytes], roles: Sequence[int], rules: I64) -> int:
    """Return the number of the first column that is refused for itself; 0 where none is."""
    texts, offsets = csv.word_table(())
    words = [bytes(texts[a:b]) for a, b in itertools.pairwise(offsets)]
    for column, (role, text) in enumerate(zip(roles, fields, strict=True)):
        try:
            if role in {csv.MAKER, csv.SIDE}:
                _side(text, role, words, rules)
            elif role in _READERS:
                _READERS[role](text, rules)
        except _Refused:
            return column
    return 0


def _side(text: bytes, role: int, words: Sequence[bytes], rules: I64) -> int:
    at = words.index(text.lower()) if text.lower() in words else -1
    if at < 0 or (at < csv.MAKER_WORDS) != (role == csv.MAKER):
        raise _Refused(csv.BAD_SIDE)
    return int(rules[csv.RULE_SIDES + at])


def _id(text: bytes, _rules: I64) -> dict[str, int]:
    return {"trade_id": _fitting(int(_number(text, csv.BAD_ID, digits_only=True)))}


def _price(text: bytes, rules: I64) -> dict[str, int]:
    return {"price": _on_grid(_number(text, csv.BAD_PRICE), int(rules[0]), int(rules[1]), csv.OFF_TICK)}


def _qty(text: bytes, rules: I64) -> dict[str, int]:
    return {"qty": _on_grid(_number(text, csv.BAD_QTY), int(rules[2]), int(rules[3]), csv.OFF_LOT)}


def _time(text: bytes, rules: I64) -> dict[str, int]:
    ns, unit = _moment(_number(text, csv.BAD_TIME, powers=False), int(rules[4]))
    return {"time_ns": ns, "time_unit": unit}


def _recv(text: bytes, rules: I64) -> dict[str, int]:
    value = _number(text, csv.BAD_RECV, powers=False)
    try:
        ns, unit = _moment(value, int(rules[5]))
    except _Refused:
        raise _Refused(csv.BAD_RECV) from None
    return {"recv_ns": ns, "recv_unit": unit}


_READERS = {csv.ID: _id, csv.PRICE: _price, csv.QTY: _qty, csv.TIME: _time, csv.RECV: _recv}


def _is_zero(text: bytes) -> bool:
    match = _NUMBER.fullmatch(text)
    return match is not None and not match[2].strip(b"0.")


def _number(text: bytes, bad: int, *, digits_only: bool = False, powers: bool = True) -> Fraction:
    match = _NUMBER.fullmatch(text)
    if match is None:
        raise _Refused(bad)
    sign, digits, power = match.groups()
    if sign:
        raise _Refused(csv.BELOW_ZERO)
    whole, _, part = digits.partition(b".")
    ahead = (whole + part).lstrip(b"0")
    counted = ahead.rstrip(b"0")
    if len(counted) > _MOST_DIGITS:  # before Python reads it, which refuses numbers of thousands of digits its own way
        raise _Refused(csv.TOO_LARGE)
    value = _fitting(int(counted or b"0"))
    if (digits_only and not text.isdigit()) or (power and not powers):
        raise _Refused(bad)
    exponent = len(ahead) - len(counted) - len(part) + int((power or b"e0")[1:])
    return value * Fraction(10) ** exponent


def _fitting(whole: int, status: int = csv.TOO_LARGE) -> int:
    if whole // 10 > csv.ROOM:
        raise _Refused(status)
    return whole


def _on_grid(value: Fraction, places: int, unit: int, off: int) -> int:
    if places < 0:
        return _decimals(value)
    scaled = value * 10**places
    if scaled.denominator != 1:
        raise _Refused(off)
    count, rest = divmod(_fitting(int(scaled)), unit)
    if rest:
        raise _Refused(off)
    return count


def _decimals(value: Fraction) -> int:
    # The decimals that a value needs: the least n with value * 10**n whole.
    places = 0
    while (value * 10**places).denominator != 1:
        places += 1
    return places


def _moment(value: Fraction, units: int) -> tuple[int, int]:
    for unit in range(len(csv.UNITS)):
        if csv.EARLIEST_S <= value / 1000**unit < csv.LATEST_S:
            if not units >> unit & 1:
                raise _Refused(csv.TIME_UNIT)
            ns = value * 10 ** (9 - 3 * unit)
            if ns.denominator != 1:
                raise _Refused(csv.BAD_TIME)
            return int(ns), unit
    raise _Refused(csv.TIME_RANGE)
