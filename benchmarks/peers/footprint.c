/*
 * The fixed peer: trades to footprints in plain C, as fast as it is reasonable to write by hand. It is measured against, never
 * shipped. Two passes over each bar: the first finds its range (the compiler makes vector code of it), the second adds into a
 * dense scratch block that stays in the cache. No branch depends on the data of a trade: the side picks a lane, and two copies of
 * the block are used in turn, so that a trade does not wait for the one before it. A lane's word holds lots in its low 44 bits and
 * the number of trades above.
 *
 * gcc -O3 -march=native -shared -fPIC footprint.c -o footprint.so
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_SHIFT 44
#define LOTS_MASK ((INT64_C(1) << COUNT_SHIFT) - 1)
#define ONE_TRADE (INT64_C(1) << COUNT_SHIFT)
#define MAGIC_SHIFT 40
#define LANES 8 /* sell, unknown, buy, padding; twice */

enum { BUY_IMBALANCE = 1, SELL_IMBALANCE = 2, BUY_STACK = 4, SELL_STACK = 8 };

typedef struct {
    int64_t n_trades;
    const int64_t *ts_ns, *price_tick, *qty_lot;
    const int8_t *side; /* +1 buy, -1 sell, 0 unknown */
    int64_t bar_ns, ticks_per_level;
    int64_t full; /* 0: levels, OHLC, delta path, CVD; 1: and POC, value area, imbalance, stacks */
    int64_t value_area_pct, imbalance_pct, min_vol_lot, stack_n;
} job;

typedef struct {
    int64_t bar_capacity, level_capacity; /* checked: -1 is returned when either is too small */
    int64_t *open_ns, *open_tick, *high_tick, *low_tick, *close_tick;
    int64_t *buy_lot, *sell_lot, *unknown_lot, *min_delta_lot, *max_delta_lot, *cvd_lot, *trades;
    int64_t *level_offset; /* bar_capacity + 1 */
    int64_t *row, *level_buy, *level_sell, *level_unknown, *level_trades;
    int64_t *poc_row, *vah_row, *val_row;
    uint8_t *cell_flags;
} answer;

typedef struct {
    int64_t rows;                        /* how many fit */
    int64_t *lanes;                      /* rows * LANES, zero between bars */
    int64_t *buy, *sell, *volume, *slot; /* the bar's dense rows; slot: where its level stands in the output */
    uint8_t *flags;
} scratch;

static int64_t largest(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smallest(int64_t a, int64_t b) { return a < b ? a : b; }

static void release(scratch *s) {
    free(s->lanes), free(s->buy), free(s->sell), free(s->volume), free(s->slot), free(s->flags);
}

static int reserve(scratch *s, int64_t rows) {
    if (rows <= s->rows) return 1;
    release(s);
    s->rows = 2 * rows;
    size_t bytes = (size_t)s->rows * sizeof(int64_t);
    s->lanes = calloc((size_t)s->rows * LANES, sizeof(int64_t));
    s->buy = malloc(bytes), s->sell = malloc(bytes), s->volume = malloc(bytes), s->slot = malloc(bytes);
    s->flags = malloc((size_t)s->rows);
    return s->lanes && s->buy && s->sell && s->volume && s->slot && s->flags;
}

/* The first trade at or after `closed`: gallop, then halve. */
static int64_t bar_end(const int64_t *ts, int64_t first, int64_t n, int64_t closed, int64_t guess) {
    int64_t low = first, reach = guess;
    while (low + reach < n && ts[low + reach] < closed) low += reach, reach *= 2;
    int64_t high = smallest(low + reach, n);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (ts[middle] < closed) low = middle;
        else high = middle;
    }
    return high;
}

/* Row of the largest volume; on a tie the one nearest the middle, then the lower. */
static int64_t poc_of(const int64_t *volume, int64_t rows) {
    int64_t best = 0;
    for (int64_t r = 1; r < rows; r++) {
        int64_t nearer = llabs(2 * r - (rows - 1)) < llabs(2 * best - (rows - 1));
        if (volume[r] > volume[best] || (volume[r] == volume[best] && nearer)) best = r;
    }
    return best;
}

static int64_t pair_above(const int64_t *volume, int64_t top, int64_t rows) {
    return (top + 1 < rows ? volume[top + 1] : 0) + (top + 2 < rows ? volume[top + 2] : 0);
}

static int64_t pair_below(const int64_t *volume, int64_t low) {
    return (low > 0 ? volume[low - 1] : 0) + (low > 1 ? volume[low - 2] : 0);
}

/* Grow by the larger pair of rows, above on a tie, until `pct` of the volume is inside. */
static void value_area(const int64_t *volume, int64_t rows, int64_t total, int64_t pct, int64_t *top, int64_t *low) {
    int64_t inside = volume[*top];
    while (100 * inside < pct * total && (*top < rows - 1 || *low > 0)) {
        int64_t above = pair_above(volume, *top, rows), below = pair_below(volume, *low);
        if (*low == 0 || (*top < rows - 1 && above >= below)) *top = smallest(*top + 2, rows - 1), inside += above;
        else *low = largest(*low - 2, 0), inside += below;
    }
}

static void mark_stacks(uint8_t *flags, int64_t rows, int64_t stack_n, uint8_t imbalance, uint8_t stack) {
    int64_t run = 0;
    for (int64_t r = 0; r < rows; r++) {
        run = flags[r] & imbalance ? run + 1 : 0;
        if (run == stack_n)
            for (int64_t back = 0; back < stack_n; back++) flags[r - back] |= stack;
        else if (run > stack_n) flags[r] |= stack;
    }
}

static void imbalances(const job *in, const scratch *s, int64_t rows) {
    for (int64_t r = 0; r < rows; r++) {
        int64_t below = r > 0 ? s->sell[r - 1] : 0, above = r < rows - 1 ? s->buy[r + 1] : 0;
        int buy = (r > 0) & (s->buy[r] >= in->min_vol_lot) & (100 * s->buy[r] >= in->imbalance_pct * below);
        int sell = (r < rows - 1) & (s->sell[r] >= in->min_vol_lot) & (100 * s->sell[r] >= in->imbalance_pct * above);
        s->flags[r] = (uint8_t)(buy * BUY_IMBALANCE | sell * SELL_IMBALANCE);
    }
    mark_stacks(s->flags, rows, in->stack_n, BUY_IMBALANCE, BUY_STACK);
    mark_stacks(s->flags, rows, in->stack_n, SELL_IMBALANCE, SELL_STACK);
}

static void measures(const job *in, const answer *out, const scratch *s, int64_t bar, int64_t base_row, int64_t rows) {
    int64_t total = 0;
    for (int64_t r = 0; r < rows; r++) total += s->volume[r];
    int64_t poc = poc_of(s->volume, rows), top = poc, low = poc;
    value_area(s->volume, rows, total, in->value_area_pct, &top, &low);
    imbalances(in, s, rows);
    out->poc_row[bar] = base_row + poc, out->vah_row[bar] = base_row + top, out->val_row[bar] = base_row + low;
    for (int64_t r = 0; r < rows; r++) out->cell_flags[s->slot[r]] = s->flags[r];
}

/* One trade into its lane. */
#define ADD(lane_offset, j)                                                                                     \
    s->lanes[(((uint64_t)(tick[j] - base) * magic) >> MAGIC_SHIFT) * LANES + (lane_offset) + 1 + in->side[j]] += \
        ONE_TRADE + in->qty_lot[j]

static int64_t fold_bar(const job *in, const answer *out, scratch *s, int64_t bar, int64_t first, int64_t stop, int64_t p) {
    const int64_t *tick = in->price_tick, step = in->ticks_per_level;
    int64_t high = tick[first], low = tick[first];
    for (int64_t j = first; j < stop; j++) high = largest(high, tick[j]), low = smallest(low, tick[j]);
    int64_t base_row = low / step - (low % step < 0), base = base_row * step, rows = (high - base) / step + 1;
    if (p + rows > out->level_capacity || !reserve(s, rows)) return -1;

    const uint64_t magic = ((UINT64_C(1) << MAGIC_SHIFT) + (uint64_t)step - 1) / (uint64_t)step;
    int64_t delta = 0, min_delta = 0, max_delta = 0, j = first;
    for (; j + 1 < stop; j += 2) {
        ADD(0, j);
        ADD(4, j + 1);
        int64_t between = delta + in->side[j] * in->qty_lot[j];
        delta = between + in->side[j + 1] * in->qty_lot[j + 1];
        min_delta = smallest(min_delta, smallest(between, delta));
        max_delta = largest(max_delta, largest(between, delta));
    }
    if (j < stop) {
        ADD(0, j);
        delta += in->side[j] * in->qty_lot[j];
        min_delta = smallest(min_delta, delta), max_delta = largest(max_delta, delta);
    }

    int64_t buys = 0, sells = 0, unknowns = 0, begun = p;
    for (int64_t r = 0; r < rows; r++) {
        int64_t *lane = s->lanes + r * LANES;
        int64_t sell = lane[0] + lane[4], unknown = lane[1] + lane[5], buy = lane[2] + lane[6];
        memset(lane, 0, LANES * sizeof(int64_t));
        int64_t count = (sell + unknown + buy) >> COUNT_SHIFT;
        sell &= LOTS_MASK, unknown &= LOTS_MASK, buy &= LOTS_MASK;
        buys += buy, sells += sell, unknowns += unknown;
        out->row[p] = base_row + r, out->level_buy[p] = buy, out->level_sell[p] = sell;
        out->level_unknown[p] = unknown, out->level_trades[p] = count;
        s->buy[r] = buy, s->sell[r] = sell, s->volume[r] = buy + sell + unknown, s->slot[r] = p;
        p += count != 0;
    }
    out->open_tick[bar] = tick[first], out->high_tick[bar] = high, out->low_tick[bar] = low;
    out->close_tick[bar] = tick[stop - 1], out->trades[bar] = stop - first;
    out->buy_lot[bar] = buys, out->sell_lot[bar] = sells, out->unknown_lot[bar] = unknowns;
    out->min_delta_lot[bar] = min_delta, out->max_delta_lot[bar] = max_delta;
    out->cvd_lot[bar] = (bar ? out->cvd_lot[bar - 1] : 0) + buys - sells;
    out->level_offset[bar] = begun;
    if (in->full) measures(in, out, s, bar, base_row, rows);
    return p;
}

/* Returns the number of bars, or -1 when the answer does not fit. */
int64_t footprint(const job *in, const answer *out) {
    scratch s = {0};
    int64_t bar = 0, p = 0, guess = 1024;
    for (int64_t first = 0, stop; first < in->n_trades && p >= 0; first = stop, bar++) {
        if (bar == out->bar_capacity) {
            p = -1;
            break;
        }
        int64_t opened = in->ts_ns[first] - in->ts_ns[first] % in->bar_ns;
        stop = bar_end(in->ts_ns, first, in->n_trades, opened + in->bar_ns, guess);
        guess = largest((stop - first) / 2, 1);
        out->open_ns[bar] = opened;
        p = fold_bar(in, out, &s, bar, first, stop, p);
    }
    release(&s);
    if (p < 0) return -1;
    out->level_offset[bar] = p;
    return bar;
}
