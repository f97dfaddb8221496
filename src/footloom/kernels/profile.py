"""Point of control and value area of each bar (definitions 4.1, 4.2), on the levels: other rows count as zeros."""

from __future__ import annotations

from numba import types

from footloom.kernels.jit import I64_IN, I64_OUT, INT, bare, jit

__all__ = (
    "ONE_ROW",
    "ONE_ROW_CAPPED",
    "TIE_CENTRE",
    "TIE_LOWEST",
    "TWO_ROW",
    "fill_profiles",
    "grow_area",
    "poc_index",
    "targets",
)

TIE_CENTRE, TIE_LOWEST = 0, 1
TWO_ROW, ONE_ROW, ONE_ROW_CAPPED = 0, 1, 2


@bare
def targets(total, share_num, share_den):
    """Return the share of a volume, rounded down and up to whole lots."""
    whole, part = total // share_den, total % share_den
    return whole * share_num + part * share_num // share_den, whole * share_num - (-part * share_num // share_den)


@bare
def poc_index(row, volume, start, stop, tie):
    """Return the index of the level with the most volume among ``start : stop``."""
    # Doubled distances from the middle of the grid, so that they stay whole; a later row wins only when strictly
    # nearer.
    best, middle = start, row[start] + row[stop - 1]
    for i in range(start + 1, stop):
        if volume[i] > volume[best] or (
            volume[i] == volume[best] and tie == TIE_CENTRE and abs(2 * row[i] - middle) < abs(2 * row[best] - middle)
        ):
            best = i
    return best


@bare
def grow_area(row, volume, start, stop, poc, at_least, at_most, method, tie):
    """Return the highest and lowest row of the area around level ``poc``: ``at_least`` lots, capped ``at_most``."""
    # `up`, `down` are the rows reached; `above`, `below` the next levels beyond them.
    lowest, highest = row[start], row[stop - 1]
    up = down = row[poc]
    above, below = poc + 1, poc - 1
    acc = volume[poc]
    stride = 2 if method == TWO_ROW else 1
    while acc < at_least and (up < highest or down > lowest):
        new_up, new_down = min(up + stride, highest), max(down - stride, lowest)
        up_sum, next_above = 0, above
        while next_above < stop and row[next_above] <= new_up:
            up_sum += volume[next_above]
            next_above += 1
        down_sum, next_below = 0, below
        while next_below >= start and row[next_below] >= new_down:
            down_sum += volume[next_below]
            next_below -= 1
        if next_above == above and next_below == below:
            # Only empty rows within reach: as far as the next level at once, however far that is.
            room_up = row[above] - 1 - up if above < stop else 0
            room_down = down - 1 - row[below] if below >= start else 0
            ahead = (row[poc] - down) - (up - row[poc])
            if up < highest and (down == lowest or method == TWO_ROW or tie == TIE_LOWEST):
                up += room_up // stride * stride
            elif up == highest:
                down -= room_down // stride * stride
            elif ahead == 0:
                # In turn, upwards first: where both would arrive, the upper level is seen before the last step down.
                pairs = min(room_up, room_down)
                up, down = up + pairs, down - pairs + (1 if room_up <= room_down else 0)
            elif ahead > 0:
                up += min(room_up, ahead)
            else:
                down -= min(room_down, -ahead)
            continue
        if up == highest or down == lowest:
            go_up = down == lowest
        elif up_sum != down_sum:
            go_up = up_sum > down_sum
        else:
            go_up = method == TWO_ROW or tie == TIE_LOWEST or new_up - row[poc] <= row[poc] - new_down
        pick = up_sum if go_up else down_sum
        if method == ONE_ROW_CAPPED and acc + pick > at_most:
            break
        acc += pick
        if go_up:
            up, above = new_up, next_above
        else:
            down, below = new_down, next_below
    return up, down


@jit(types.void(I64_IN, I64_IN, I64_IN, INT, INT, INT, INT, I64_OUT, I64_OUT, I64_OUT))
def fill_profiles(offset, row, volume, share_num, share_den, method, tie, poc, vah, val):
    """Write the POC row and the highest and lowest row of the value area of each bar.

    ``offset`` int64 (n_bars + 1,), ``row`` ascending in each bar, ``volume`` lots, int64 (n_levels,); every bar has a
    level. The target is ``share_num / share_den`` of the bar's volume, compared in whole lots. Outputs int64
    (n_bars,).
    """
    for bar in range(len(offset) - 1):
        start, stop = offset[bar], offset[bar + 1]
        total = 0
        for i in range(start, stop):
            total += volume[i]
        floor, ceiling = targets(total, share_num, share_den)
        best = poc_index(row, volume, start, stop, tie)
        poc[bar] = row[best]
        vah[bar], val[bar] = grow_area(row, volume, start, stop, best, ceiling, floor, method, tie)
