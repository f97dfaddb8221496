"""One pass over the bytes of frames: decimal text as whole units, a row a print.

Used by `footloom.kernels.print_frames`, which says what is read.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numba import types

from footloom.kernels.eight_bytes import MASKS, as_word, load, plain_end
from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_IN, bare, jit
from footloom.kernels.json_values import (
    FALSE,
    FIELDS,
    K_A,
    K_BT,
    K_E,
    K_EVENT,
    K_I,
    K_M,
    K_NQ,
    K_P,
    K_Q,
    K_S,
    K_SEQ,
    K_SPOT_M,
    K_ST,
    K_T,
    K_TAKER,
    K_TID,
    K_V,
    K_X,
    MOST_DIGITS,
    NUMBER,
    SLOTS,
    TEXT,
    TRUE,
    byte,
    key_of,
    object_of,
    short_word,
    skip,
    value_of,
)

__all__ = (
    "BYBIT",
    "BYTES_A_PRINT",
    "COLUMNS",
    "LONGEST",
    "MIX",
    "MOST_PLACES",
    "RECORD",
    "SPACE",
    "VENUES",
    "read_prints",
)

# How the market of a frame is told: Binance's `st` is 1 for USD-M, 2 for COIN-M, and spot has none.
_SPOT, BYBIT = 3, 4
VENUES: Final = {"binance_usdm": 1, "binance_coinm": 2, "binance_spot": _SPOT, "bybit_linear": BYBIT}

_I64_2D = types.Array(types.int64, 2, "C")
COLUMNS = 9
_FRAME, _SYMBOL, _TAPE, _ID, _TS, _TICK, _LOT, _SIDE, _UID = range(COLUMNS)
_W_AGG, _W_TRADE, _W_MARKET, _W_BUY, _W_SELL = map(as_word, ("aggTrade", "trade", "MARKET", "Buy", "Sell"))
_W_STREAM, _W_DATA, _W_TOPIC = map(as_word, ('"stream"', "data", "topic"))
_W_NEXT, _NEXT = as_word('","data"'), 9  # with its colon
_W_PUBLIC, _W_TRADE_OF, _PUBLIC_TRADE = as_word("publicTr"), as_word("ade."), 12
MOST_PLACES: Final = MOST_DIGITS
MOST: Final = 10 ** (MOST_DIGITS - 1)
_TEN = np.array([10**n for n in range(MOST_PLACES + 1)], np.int64)
_MOST_TENS = (2**63 - 1) // _TEN  # what times so many tens fits 64 bits
_EARLIEST_MS, _LATEST_MS = 1_230_768_000_000, 4_102_444_800_000  # 2009 to 2100
BYTES_A_PRINT = 40  # at the least: T, s, S, v, p, i and seq with their quotes
# The book of instruments: size of its table, then the table, then a record each: name as three words, places and whole
# number of the last place of a tick, and of a lot.
RECORD = 8
SPACE = COLUMNS + FIELDS * (SLOTS + 2)  # a row, and the values of an object
LONGEST = 24
MIX = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_MIX_0, _MIX_1, _MIX_2 = (np.uint64(value) for value in MIX)


@bare
def _kind(work, slot):
    return work[FIELDS * slot + 2 * FIELDS]


@bare
def _number(work, slot):
    return work[FIELDS * slot + 2 * FIELDS + 1]


@bare
def _is(data, work, slot, length, word):
    at = FIELDS * slot + 2 * FIELDS
    return (
        work[at] == TEXT and work[at + 2] - work[at + 1] == length and load(data, work[at + 1]) & MASKS[length] == word
    )


@bare
def _record(data, work, book):
    # Where the record of the symbol stands in the book, or -1.
    at = FIELDS * K_S + 2 * FIELDS
    start, stop = work[at + 1], work[at + 2]
    if work[at] != TEXT or stop - start > LONGEST:
        return np.int64(-1)
    one, two, three = short_word(data, start, stop), np.uint64(0), np.uint64(0)
    if stop - start > 8:
        two = short_word(data, start + 8, stop)
    if stop - start > 16:
        three = short_word(data, start + 16, stop)
    size = book[0]
    place = np.int64((one * _MIX_0 + two * _MIX_1 + three * _MIX_2) >> np.uint64(40)) & (size - 1)
    while book[1 + place] >= 0:
        record = book[1 + place]
        if book[record] == np.int64(one) and book[record + 1] == np.int64(two) and book[record + 2] == np.int64(three):
            return record
        place = (place + 1) & (size - 1)
    return np.int64(-1)


@bare
def _units(data, work, slot, places, whole):
    # Decimal text in units of `whole` in the last of `places` decimals; -1 where it is none, nothing, or off the grid.
    at = FIELDS * slot + 2 * FIELDS
    start, stop = work[at + 1], work[at + 2]
    if work[at] != TEXT:
        return np.int64(-1)
    number, left, i = np.int64(0), places, start
    while i < stop and byte(data, i) >= 48 and byte(data, i) <= 57 and number < MOST:
        number = number * 10 + (np.int64(byte(data, i)) - 48)
        i += 1
    if i == start:
        return np.int64(-1)
    if i < stop:
        if byte(data, i) != 46 or i + 1 == stop:
            return np.int64(-1)
        i += 1
        while i < stop and left > 0 and byte(data, i) >= 48 and byte(data, i) <= 57 and number < MOST:
            number = number * 10 + (np.int64(byte(data, i)) - 48)
            left -= 1
            i += 1
        while i < stop:
            if byte(data, i) != 48:
                return np.int64(-1)
            i += 1
    if number == 0 or number > _MOST_TENS[left]:
        return np.int64(-1)
    number *= _TEN[left]
    if whole == 1:
        return number
    return number // whole if number % whole == 0 else np.int64(-1)


@bare
def _fill(data, work, book, row, price, qty):
    # What both venues say alike: symbol, price, quantity.
    record = _record(data, work, book)
    if record < 0:
        return False
    row[_SYMBOL] = (record - 1 - book[0]) // RECORD
    row[_TICK] = _units(data, work, price, book[record + 3], book[record + 4])
    row[_LOT] = _units(data, work, qty, book[record + 5], book[record + 6])
    return row[_TICK] > 0 and row[_LOT] > 0


@bare
def _time_ns(value):
    if value >= _EARLIEST_MS and value < _LATEST_MS:
        return value * 1_000_000
    if value >= _EARLIEST_MS * 1_000 and value < _LATEST_MS * 1_000:
        return value * 1_000
    return np.int64(-1)


@bare
def _binance_print(data, work, book, row, venue):
    is_agg = _is(data, work, K_E, 8, _W_AGG)
    number = K_A if is_agg else K_TID
    if is_agg:
        if _kind(work, K_NQ) != 0 and _kind(work, K_NQ) != TEXT:
            return False
    elif not _is(data, work, K_E, 5, _W_TRADE) or (_kind(work, K_X) != 0 and not _is(data, work, K_X, 6, _W_MARKET)):
        return False
    if _kind(work, number) != NUMBER or _kind(work, K_T) != NUMBER:
        return False
    if _kind(work, K_M) != TRUE and _kind(work, K_M) != FALSE:
        return False
    if _kind(work, K_EVENT) != 0 and _kind(work, K_EVENT) != NUMBER:
        return False
    if _kind(work, K_SPOT_M) == TEXT or _kind(work, K_SPOT_M) == NUMBER:
        return False
    # Rows of the other futures market come on the same streams, and say so.
    if _kind(work, K_ST) != 0 and (_kind(work, K_ST) != NUMBER or _number(work, K_ST) != venue or venue == _SPOT):
        return False
    row[_TAPE], row[_ID], row[_TS], row[_UID] = is_agg, _number(work, number), _time_ns(_number(work, K_T)), -1
    row[_SIDE] = -1 if _kind(work, K_M) == TRUE else 1  # the buyer was the maker, so the seller crossed the spread
    return row[_TS] > 0 and _fill(data, work, book, row, K_P, K_Q)


@bare
def _bybit_print(data, work, book, row):
    is_buy = _is(data, work, K_TAKER, 3, _W_BUY)
    if not is_buy and not _is(data, work, K_TAKER, 4, _W_SELL):
        return False
    time_ms = _number(work, K_T)
    if _kind(work, K_T) != NUMBER or time_ms < _EARLIEST_MS or time_ms >= _LATEST_MS or _kind(work, K_I) != TEXT:
        return False
    if _kind(work, K_SEQ) != NUMBER or (_kind(work, K_BT) != 0 and _kind(work, K_BT) != FALSE):
        return False
    row[_TAPE], row[_ID], row[_TS], row[_UID] = 0, _number(work, K_SEQ), time_ms * 1_000_000, _number(work, K_I)
    row[_SIDE] = 1 if is_buy else -1
    return _fill(data, work, book, row, K_P, K_V)


@bare
def _behind_stream(data, i, stop):
    # Where the value of "data" begins, behind the stream's name at `i`, as Binance writes it; -1 where it is otherwise.
    if byte(data, i) != 34:
        return np.int64(-1)
    i = plain_end(data, i + 1, stop)
    is_next = i + _NEXT < stop and load(data, i) == _W_NEXT and byte(data, i + 8) == 58
    return i + _NEXT if is_next else np.int64(-1)


@bare
def _binance_frame(data, i, stop, work, book, row, venue):
    # Whether the frame is one plain trade; raw, or {"stream": .., "data": ..}.
    wrapped = i + 9 < stop and load(data, i + 1) == _W_STREAM
    if wrapped and byte(data, i) != 123:
        return False
    begins = np.int64(-1)
    if wrapped and byte(data, i + 9) == 58:
        begins = _behind_stream(data, i + 10, stop)
    if begins >= 0:
        i = begins
    elif wrapped:
        i = key_of(data, i + 1, stop, work)
        if i < 0:
            return False
        i = value_of(data, i, stop, work, FIELDS)
        if i < 0 or work[FIELDS] != TEXT:
            return False
        i = skip(data, i, stop)
        if i >= stop or byte(data, i) != 44:
            return False
        i = key_of(data, i + 1, stop, work)
        if i < 0 or work[1] - work[0] != 4 or short_word(data, work[0], work[1]) != _W_DATA:
            return False
    i = object_of(data, i, stop, work)
    if i < 0:
        return False
    if wrapped:
        i = skip(data, i, stop)
        if i >= stop or byte(data, i) != 125:
            return False
        i += 1
    return i == stop and _binance_print(data, work, book, row, venue)


@bare
def _bybit_prints(data, i, stop, work, book, row, rows, count):
    # Rows of the list that starts at `i`, from `count` on; returns where it ends (or -1), and the count behind it.
    none = (np.int64(-1), count)
    if byte(data, i) != 91:
        return none
    i = skip(data, i + 1, stop)
    if i < stop and byte(data, i) == 93:
        return i + 1, count
    while True:
        i = object_of(data, i, stop, work)
        if i < 0 or not _bybit_print(data, work, book, row):
            return none
        for n in range(1, COLUMNS):
            rows[n, count] = row[n]
        count += 1
        i = skip(data, i, stop)
        if i >= stop:
            return none
        if byte(data, i) == 93:
            return i + 1, count
        if byte(data, i) != 44:
            return none
        i = skip(data, i + 1, stop)


@bare
def _bybit_frame(data, i, stop, work, book, row, rows, count):
    # The count behind the rows that the frame adds, or -1 where it is not plain.
    topics, lists = 0, 0
    if i >= stop or byte(data, i) != 123:
        return np.int64(-1)
    i += 1
    while True:
        i = key_of(data, i, stop, work)
        if i < 0:
            return np.int64(-1)
        length, word = work[1] - work[0], short_word(data, work[0], work[1])
        if length == 4 and word == _W_DATA:
            lists += 1
            i, count = _bybit_prints(data, i, stop, work, book, row, rows, count)
            if i < 0:
                return np.int64(-1)
        else:
            i = value_of(data, i, stop, work, FIELDS)
            if i < 0:
                return np.int64(-1)
            if length == 5 and word == _W_TOPIC:
                topics += 1
                start = work[FIELDS + 1]
                if work[FIELDS] != TEXT or work[FIELDS + 2] - start < _PUBLIC_TRADE:
                    return np.int64(-1)
                if load(data, start) != _W_PUBLIC or load(data, start + 8) & MASKS[4] != _W_TRADE_OF:
                    return np.int64(-1)
        i = skip(data, i, stop)
        if i >= stop:
            return np.int64(-1)
        if byte(data, i) == 125:
            return count if i + 1 == stop and topics == 1 and lists == 1 else np.int64(-1)
        if byte(data, i) != 44:
            return np.int64(-1)
        i += 1


@jit(types.UniTuple(INT, 2)(U8_IN, I64_IN, INT, I64_IN, _I64_2D, I64_OUT, I64_OUT))
def read_prints(data, lengths, venue, book, rows, declined, space):
    """Fill a row a print and the numbers of the frames that are not plain; return how many of each.

    ``data`` uint8, all frames and `footloom.kernels.eight_bytes.BEYOND` bytes; ``lengths`` of each; ``rows`` int64
    (`COLUMNS`, room for all prints), ``declined`` int64 (n_frames,), ``space`` int64 (`SPACE`,).
    """
    work, row = space[COLUMNS:], space[:COLUMNS]
    count, refused, stop = np.int64(0), 0, np.int64(0)
    for frame in range(len(lengths)):
        start = stop
        stop += lengths[frame]
        after = np.int64(-1)
        if venue == BYBIT:
            after = _bybit_frame(data, start, stop, work, book, row, rows, count)
        elif _binance_frame(data, start, stop, work, book, row, venue):
            for n in range(1, COLUMNS):
                rows[n, count] = row[n]
            after = count + 1
        if after < 0:
            declined[refused] = frame
            refused += 1
            continue
        for n in range(count, after):
            rows[_FRAME, n] = frame
        count = after
    return count, refused
