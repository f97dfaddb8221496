"""Delimited rows to exact integers, a block of bytes at a time: the tokenizer of every CSV importer.

No float is made on the way: a decimal becomes digits and a power of ten, and those become whole ticks or lots. A row
that cannot be taken gets a status instead of values; `footloom.importers._csv_reference` says the same in plain Python.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import types

from footloom.importers import _csv_rules as csv
from footloom.kernels.jit import I64_IN, I64_OUT, INT, U8_IN, jit, part

__all__ = ("tokenise",)

_I64_2D = types.Array(types.int64, 2, "C")
_I8_2D = types.Array(types.int8, 2, "C")

_COMMA, _NEWLINE, _RETURN, _SPACE, _TAB, _QUOTE, _HASH = 44, 10, 13, 32, 9, 34, 35
_POINT, _MINUS, _PLUS, _ZERO, _E = 46, 45, 43, 48, 101
_LATEST_NS, _EARLIEST_NS = csv.LATEST_S * 10**9, csv.EARLIEST_S * 10**9
_TENS = np.array([10**power for power in range(19)], np.int64)


# Without the sign of the index there is nothing to wrap around: a third of the tokenizer's time.
@numba.njit(inline="always")
def _at(buf, i):
    return buf[np.uint64(i)]


@part
def _lower(letter):
    return letter + 32 if 65 <= letter <= 90 else letter


@part
def _exponent(buf, i, stop):
    # Returns the power of ten after an "e", where it ends, and whether it is one.
    sign = 1
    if i < stop and (buf[i] == _MINUS or buf[i] == _PLUS):
        sign = -1 if buf[i] == _MINUS else 1
        i += 1
    power, first = 0, i
    while i < stop and i - first < 3:
        digit = np.int64(buf[i]) - _ZERO
        if digit < 0 or digit > 9:
            break
        power = power * 10 + digit
        i += 1
    return sign * power, i, i > first


@part
def _number(buf, i, stop):
    # Returns mantissa, scale and kind of the text in [i, stop): value = mantissa * 10**scale, no zeros at
    # the mantissa's end.
    negative = i < stop and buf[i] == _MINUS
    if negative:
        i += 1
    mantissa, scale, tail = 0, 0, 0  # tail: zeros since the last other digit
    fraction, seen = 0, 0
    pointed, large, kind = False, False, csv.WHOLE
    while i < stop:
        digit = np.int64(buf[i]) - _ZERO
        if 0 <= digit <= 9:
            seen += 1
            if pointed:
                fraction += 1
            if digit == 0:
                tail += 1
            else:
                if mantissa != 0:
                    while tail > 0 and not large:
                        large = mantissa > csv.ROOM
                        mantissa *= 10
                        tail -= 1
                    large = large or mantissa > csv.ROOM
                    mantissa = mantissa * 10 + digit
                else:
                    mantissa = digit
                tail = 0
                scale = -fraction
        elif buf[i] == _POINT and not pointed:
            pointed = True
            kind = csv.POINTED
            if scale == 0:
                scale = tail
                tail = 0 if mantissa == 0 else tail
        else:
            break
        i += 1
    if not pointed:
        scale = tail
    if i < stop and seen > 0 and _lower(np.int64(buf[i])) == _E:
        power, i, good = _exponent(buf, i + 1, stop)
        kind = csv.POWERED
        scale += power
        if good == 0:
            return 0, 0, csv.NONE
    if seen == 0 or i != stop:
        return 0, 0, csv.NONE
    if mantissa == 0:
        scale = 0
    if negative:
        kind = csv.NEGATIVE
    elif large:
        kind = csv.LARGE
    return mantissa, scale, kind


@part
def _times_ten(value, power, most):
    # Returns value * 10**power, or `most` as status where that leaves 64 bits.
    while power > 0:
        if value > csv.ROOM:
            return 0, most
        value *= 10
        power -= 1
    return value, csv.OK


@part
def _on_grid(mantissa, scale, places, unit, off):
    # Returns how many units of 10**-places make the number, and a status; with places below zero, its own places.
    if places < 0:
        return max(0, -scale), csv.OK
    if mantissa == 0:
        return 0, csv.OK
    if scale + places < 0:
        return 0, off
    value, status = _times_ten(mantissa, scale + places, csv.TOO_LARGE)
    if status != csv.OK or unit == 1:
        return value, status
    if value % unit != 0:
        return 0, off
    return value // unit, csv.OK


@part
def _time(mantissa, scale, units):
    # Returns ns, the unit's number (0 s, 1 ms, 2 µs, 3 ns) and a status. The windows of the units do not touch.
    whole, power, status = mantissa, scale, csv.OK
    while power < 0 and whole > 0:
        whole //= 10
        power += 1
    whole, status = _times_ten(whole, max(power, 0), csv.TIME_RANGE)
    factor = 1
    for unit in range(4):
        if status == csv.OK and whole // factor >= csv.EARLIEST_S and whole // factor < csv.LATEST_S:
            if units >> unit & 1 == 0:
                return 0, unit, csv.TIME_UNIT
            rest = scale + 9 - 3 * unit
            if rest < 0:
                return 0, unit, csv.BAD_TIME
            value, status = _times_ten(mantissa, rest, csv.TIME_RANGE)
            return value, unit, status
        factor *= 1000
    return 0, 0, csv.TIME_RANGE


@part
def _side_word(buf, a, b, texts, offsets, maker):
    # Returns which word for a side the field is, in any case of letters; -1 where it is none of its kind.
    first, last = (0, csv.MAKER_WORDS) if maker else (csv.MAKER_WORDS, csv.WORDS)
    for k in range(first, last):
        size = offsets[k + 1] - offsets[k]
        if size == b - a:
            j = 0
            while j < size and _lower(np.int64(buf[a + j])) == texts[offsets[k] + j]:
                j += 1
            if j == size:
                return k
    return -1


@part
def _known_text(buf, a, b, texts, offsets):
    # Returns which of the texts after the words for a side the field is, -1 where it is none.
    for k in range(csv.WORDS, len(offsets) - 1):
        size = offsets[k + 1] - offsets[k]
        if size == b - a:
            j = 0
            while j < size and buf[a + j] == texts[offsets[k] + j]:
                j += 1
            if j == size:
                return k
    return -1


@part
def _why(kind, bad, plain):
    # Returns the status for the kind of number found; `plain` 1 refuses powers of ten, 2 everything but digits.
    if kind == csv.NEGATIVE:
        return csv.BELOW_ZERO
    if kind == csv.LARGE:
        return csv.TOO_LARGE
    if kind == csv.NONE or (plain == 1 and kind == csv.POWERED) or (plain == 2 and kind != csv.WHOLE):
        return bad
    return csv.OK


@part
def _field(buf, a, b, role, row, rules, texts, offsets, out, small, codes):
    # Reads one field [a, b) into the columns of its role and returns a status.
    if role in (csv.MAKER, csv.SIDE):
        found = _side_word(buf, a, b, texts, offsets, role == csv.MAKER)
        if found < 0:
            return csv.BAD_SIDE
        small[3, row] = rules[csv.RULE_SIDES + found]
        return csv.OK
    if role >= csv.TEXT:
        codes[(role - csv.TEXT) * out.shape[1] + row] = _known_text(buf, a, b, texts, offsets)
        return csv.OK
    mantissa, scale, kind = _number(buf, a, b)
    if role == csv.ID:
        status = _why(kind, csv.BAD_ID, 2)
        out[1, row], large = _times_ten(mantissa, scale, csv.TOO_LARGE)
        return status if status != csv.OK else large
    if role == csv.PRICE:
        status = _why(kind, csv.BAD_PRICE, 0)
        out[2, row], grid = _on_grid(mantissa, scale, rules[0], rules[1], csv.OFF_TICK)
        small[0, row] |= np.int8(mantissa == 0)
        return status if status != csv.OK else grid
    if role == csv.QTY:
        status = _why(kind, csv.BAD_QTY, 0)
        out[3, row], grid = _on_grid(mantissa, scale, rules[2], rules[3], csv.OFF_LOT)
        small[0, row] |= np.int8(2 * (mantissa == 0))
        return status if status != csv.OK else grid
    which = role - csv.TIME
    status = _why(kind, csv.BAD_TIME if which == 0 else csv.BAD_RECV, 1)
    out[4 + which, row], unit, span = _time(mantissa, scale, rules[4 + which])
    small[1 + which, row] = unit
    if which == 1 and span != csv.OK:
        span = csv.BAD_RECV
    return status if status != csv.OK else span


@part
def _any_field(buf, i, stop, role, row, rules, texts, offsets, out, small, codes):
    # Reads the field that starts at i, whatever stands in it; returns where it ends and a status.
    end = i
    while end < stop and buf[end] != _COMMA and buf[end] != _NEWLINE:
        end += 1
    a, b = i, end
    if end == stop or buf[end] == _NEWLINE:
        while b > a and (buf[b - 1] == _RETURN or buf[b - 1] == _SPACE or buf[b - 1] == _TAB):
            b -= 1
    while a < b and (buf[a] == _SPACE or buf[a] == _TAB or buf[a] == _QUOTE):
        a += 1
    while b > a and (buf[b - 1] == _SPACE or buf[b - 1] == _TAB or buf[b - 1] == _QUOTE):
        b -= 1
    return end, _field(buf, a, b, role, row, rules, texts, offsets, out, small, codes)


@part
def _plain_grid(mantissa, digits, places, wanted, unit):
    # Returns whole units, and whether the number is one: above zero, in 64 bits and on the grid.
    plain = mantissa > 0 and wanted >= 0 and digits + max(wanted - places, 0) <= 18
    if plain and places < wanted:
        mantissa *= _TENS[wanted - places]
    elif plain and places > wanted:
        power = _TENS[places - wanted]
        whole = mantissa // power
        plain = whole * power == mantissa
        mantissa = whole
    if plain and unit != 1:
        whole = mantissa // unit
        plain = whole * unit == mantissa
        mantissa = whole
    return mantissa, plain


@part
def _plain_maker(buf, i, stop):
    # Returns where "true", "True", "false" or "False" ends, and the side: 0 where it is none of them.
    if i + 4 >= stop:
        return i, 0
    truth = _at(buf, i) == 116 or _at(buf, i) == 84
    k = i + 1 if truth else i + 2
    plain = _at(buf, k) == (114 if truth else 108) and _at(buf, k + 1) == (117 if truth else 115)
    plain = plain and _at(buf, k + 2) == 101
    plain = plain and (truth or ((_at(buf, i) == 102 or _at(buf, i) == 70) and _at(buf, i + 1) == 97))
    if not plain or not (k + 3 == stop or _at(buf, k + 3) == _COMMA or _at(buf, k + 3) == _NEWLINE):
        return i, 0
    return k + 3, -1 if truth else 1


@part
def _blank_line(buf, i, stop):
    # Returns where the line ends if nothing or a comment stands on it, and whether that is so.
    k = i
    while k < stop and (_at(buf, k) == _RETURN or _at(buf, k) == _SPACE or _at(buf, k) == _TAB):
        k += 1
    if k < stop and _at(buf, k) != _NEWLINE and _at(buf, i) != _HASH:
        return i, 0
    while k < stop and _at(buf, k) != _NEWLINE:
        k += 1
    return k, 1


@jit(INT(U8_IN, I64_IN, I64_IN, U8_IN, I64_IN, _I64_2D, _I8_2D, I64_OUT))
def tokenise(buf, roles, rules, texts, offsets, out, small, codes):
    """Read every line of ``buf`` and return how many there were.

    Parameters
    ----------
    buf
        uint8 (n_bytes,): lines, each ended by a newline, the last perhaps not.
    roles
        int64 (n_columns,): what each column is, a role of `_csv_rules`.
    rules
        int64: see `_csv_rules.rules`.
    texts, offsets
        The words to look up, uint8 and int64: see `_csv_rules.word_table`.
    out
        int64 (6, n): where the line starts, id, price in ticks, quantity in lots, time ns, receipt ns.
    small
        int8 (4, n), zeroed: status, unit of the time, unit of the receipt, side.
    codes
        int64 (3 * n,): which text stands in each text column, -1 for an unknown one.
    """
    i, stop, row, n_columns = 0, len(buf), 0, len(roles)
    while i < stop:
        out[0, row] = i
        i, blank = _blank_line(buf, i, stop)
        if blank:
            small[0, row] = csv.BLANK
            row += 1
            i += 1
            continue
        status, column = csv.OK, 0
        while True:
            role = roles[column] if column < n_columns else 0
            if role == 0 or (status != csv.OK and role < csv.TEXT):
                while i < stop and (_at(buf, i) > _COMMA or (_at(buf, i) != _COMMA and _at(buf, i) != _NEWLINE)):
                    i += 1
            else:
                first, plain = i, False
                if role < csv.MAKER:
                    # The plain case: digits, perhaps a point, and the end of the field. Whatever is not plain goes the
                    # long way. (As a function of its own, even inlined, this takes half as long again.)
                    mantissa, places = 0, 0
                    while i < stop and np.uint8(_at(buf, i) - 48) <= 9:
                        mantissa = mantissa * 10 + (np.int64(_at(buf, i)) - _ZERO)
                        i += 1
                    digits = i - first
                    if i < stop and _at(buf, i) == _POINT:
                        i += 1
                        while i < stop and np.uint8(_at(buf, i) - 48) <= 9:
                            mantissa = mantissa * 10 + (np.int64(_at(buf, i)) - _ZERO)
                            i += 1
                        places = i - first - digits - 1
                        digits += places
                    plain = 0 < digits <= 18 and (i == stop or _at(buf, i) == _COMMA or _at(buf, i) == _NEWLINE)
                    whole = digits == i - first
                    if not plain:
                        pass
                    elif role == csv.ID:
                        plain = whole
                        out[1, row] = mantissa
                    elif role <= csv.QTY:
                        at = 2 * (role - csv.PRICE)
                        out[role, row], plain = _plain_grid(mantissa, digits, places, rules[at], rules[at + 1])
                    else:
                        unit, factor = (1, 1_000_000) if digits == 13 else (2, 1_000)
                        value = mantissa * factor
                        plain = whole and digits in (13, 16) and rules[role] >> unit & 1 == 1
                        plain = plain and _EARLIEST_NS <= value < _LATEST_NS
                        out[role, row] = value
                        small[role - 3, row] = unit
                elif role == csv.MAKER:
                    i, side = _plain_maker(buf, i, stop)
                    small[3, row] = side
                    plain = side != 0
                if not plain:
                    i, found = _any_field(buf, first, stop, role, row, rules, texts, offsets, out, small, codes)
                    # Texts are looked up in bad rows too: they say whose row it is.
                    status = found if status == csv.OK else status
            column += 1
            if i >= stop or _at(buf, i) == _NEWLINE:
                break
            i += 1
        if column != n_columns:
            status = csv.COLUMNS
        elif status == csv.OK and small[0, row] != 0:
            status = csv.ZERO_PRICE if small[0, row] & 1 else csv.ZERO_QTY
        small[0, row] = status
        row += 1
        i += 1
    return row
