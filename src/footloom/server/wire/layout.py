"""The one table of the binary chart frame: Python encodes by it, TypeScript's decoder is generated from it.

A frame is little-endian. A header (`HEADER_FIELDS`) is followed by the meta (JSON), the bar columns and the level
columns, in the order of the tables; the meta and every column are padded with zeros to a multiple of 8 bytes, so that a
browser can lay typed arrays over the buffer without copying. A frame is encoded once for all who look at its topic;
``prev_seq`` alone is each client's own, and is put in where the frame is sent.

Frames of studies have the same header (`STUDY_KINDS`): behind their meta, which names their columns and the types,
stand ``open_ns`` of the bars (i64) and then those columns.

Prices are ticks and quantities lots, as whole float64 numbers not above 2^53; levels are rows, as int32 offsets from
their bar's ``base_row``. ``level_start`` has one entry more than there are bars: bar ``i`` owns the levels from
``level_start[i]`` up to, without, ``level_start[i + 1]``.
"""

from __future__ import annotations

import struct
from typing import Final, Literal

__all__ = (
    "ALIGN",
    "BAR_COLUMNS",
    "BAR_FLAGS",
    "CELL_FLAGS",
    "COLUMN_WORDS",
    "HEADER",
    "HEADER_BYTES",
    "HEADER_FIELDS",
    "ITEM_BYTES",
    "KINDS",
    "LAYOUT_VERSION",
    "LEVEL_COLUMNS",
    "LEVEL_START",
    "MAGIC",
    "MAX_EXACT",
    "NO_SEQ",
    "PREV_SEQ_AT",
    "STUDY_KINDS",
    "ColumnType",
    "markdown",
    "typescript",
)

ColumnType = Literal["i64", "f64", "i32", "u32", "u8"]

LAYOUT_VERSION: Final = 2
MAGIC: Final = b"FTLM"
ALIGN: Final = 8
NO_SEQ: Final = -1  # ``prev_seq`` of the first frame of a topic that a client is sent, and of frames over REST

# name, format of `struct`, type in words, what it says
HEADER_FIELDS: Final[tuple[tuple[str, str, str, str], ...]] = (
    ("magic", "4s", "4 bytes", f"`{MAGIC.decode()}`"),
    ("version", "B", "u8", f"the layout: {LAYOUT_VERSION}"),
    ("kind", "B", "u8", "what it is (below)"),
    ("zero", "H", "u16", "0"),
    ("meta", "I", "u32", "bytes of meta, before padding: JSON"),
    ("bars", "I", "u32", "number of bars"),
    ("levels", "I", "u32", "number of levels"),
    ("topic", "I", "u32", "topic id"),
    ("topic_seq", "d", "f64", "where in its topic it stands: a whole number that only grows"),
    (
        "prev_seq",
        "d",
        "f64",
        f"`topic_seq` of the frame before it that this client was sent, {NO_SEQ} before the first",
    ),
)
HEADER: Final = "<" + "".join(form for _, form, _, _ in HEADER_FIELDS)
HEADER_BYTES: Final = struct.calcsize(HEADER)
PREV_SEQ_AT: Final = HEADER_BYTES - 8
MAX_EXACT: Final = 2**53  # the largest integer up to which float64 holds every one
LEVEL_START: Final = "level_start"  # the one column with n_bars + 1 entries

KINDS: Final[dict[str, int]] = {"snapshot": 1, "bar_open": 2, "bar_closed": 3, "bar_revised": 4}
STUDY_KINDS: Final[dict[str, int]] = {"studies": 5, "studies_open": 6, "studies_closed": 7}

BAR_COLUMNS: Final[tuple[tuple[str, ColumnType], ...]] = (
    ("open_ns", "i64"),
    ("close_ns", "i64"),
    ("last_ns", "i64"),
    ("base_row", "f64"),
    ("open_tick", "f64"),
    ("high_tick", "f64"),
    ("low_tick", "f64"),
    ("close_tick", "f64"),
    ("buy", "f64"),
    ("sell", "f64"),
    ("unknown", "f64"),
    ("min_delta", "f64"),
    ("max_delta", "f64"),
    ("cvd", "f64"),
    ("min_vol", "f64"),
    ("coverage", "f64"),
    ("quote_share", "f64"),
    ("trades", "f64"),
    ("poc", "i32"),
    ("vah", "i32"),
    ("val", "i32"),
    ("flags", "u32"),
    (LEVEL_START, "u32"),
)
LEVEL_COLUMNS: Final[tuple[tuple[str, ColumnType], ...]] = (
    ("row", "i32"),
    ("buy", "f64"),
    ("sell", "f64"),
    ("unknown", "f64"),
    ("trades", "u32"),
    ("cell_flags", "u8"),
)
BAR_FLAGS: Final[dict[str, int]] = {"final": 1, "gap": 2, "off_session": 4, "no_flow": 8}
CELL_FLAGS: Final[dict[str, int]] = {"buy_imbalance": 1, "sell_imbalance": 2, "buy_stack": 4, "sell_stack": 8}

# Columns of the same meaning share a line.
COLUMN_WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("open_ns close_ns last_ns", "the bar's interval, its last trade: ns UTC"),
    ("base_row", "row of its lowest level; a row's label is `row * ticks_per_level` ticks"),
    ("open_tick high_tick low_tick close_tick", "as traded, ticks"),
    ("buy sell unknown", "lots"),
    ("min_delta max_delta cvd", "lots (definitions 3)"),
    ("min_vol", "the imbalance's minimum volume, lots (definitions 5.1)"),
    ("coverage quote_share", "shares (definitions 1.4); NaN stands for null"),
    ("trades", "number"),
    ("poc vah val", "rows, counted from `base_row`"),
    ("flags", "1 final, 2 gap, 4 off-session, 8 no flow (a candle of the venue)"),
    (LEVEL_START, "bar `i` owns levels `level_start[i]` up to, without, `level_start[i + 1]`"),
    ("row", "counted from its bar's `base_row`"),
    ("cell_flags", "1 buy imbalance, 2 sell imbalance, 4 buy stack, 8 sell stack"),
)

ITEM_BYTES: Final[dict[ColumnType, int]] = {"i64": 8, "f64": 8, "i32": 4, "u32": 4, "u8": 1}


def _columns(name: str, columns: tuple[tuple[str, ColumnType], ...]) -> list[str]:
    return [f"export const {name} = [", *(f'  ["{column}", "{kind}"],' for column, kind in columns), "] as const;", ""]


def _constants(name: str, values: dict[str, int]) -> list[str]:
    return [f"export const {name} = {{", *(f"  {key}: {value}," for key, value in values.items()), "} as const;", ""]


def typescript() -> str:
    """Return ``web/src/protocol/layout.generated.ts``: the tables above as typed constants."""
    lines = [
        "// Generated by tools/emit_protocol.py from src/footloom/server/wire/layout.py: do not edit.",
        "",
        f"export const LAYOUT_VERSION = {LAYOUT_VERSION};",
        f'export const MAGIC = "{MAGIC.decode()}";',
        f"export const HEADER_BYTES = {HEADER_BYTES};",
        f"export const NO_SEQ = {NO_SEQ};",
        f"export const ALIGN = {ALIGN};",
        f'export const LEVEL_START = "{LEVEL_START}";',
        "",
        *_constants("HEADER_AT", _offsets()),
        *_constants("KINDS", KINDS),
        *_constants("STUDY_KINDS", STUDY_KINDS),
        *_columns("BAR_COLUMNS", BAR_COLUMNS),
        *_columns("LEVEL_COLUMNS", LEVEL_COLUMNS),
        *_constants("BAR_FLAGS", BAR_FLAGS),
        *_constants("CELL_FLAGS", CELL_FLAGS),
        f"export const ITEM_BYTES = {{ {', '.join(f'{k}: {v}' for k, v in ITEM_BYTES.items())} }} as const;",
        "",
    ]
    return "\n".join(lines)


def _offsets() -> dict[str, int]:
    forms = [form for _, form, _, _ in HEADER_FIELDS]
    return {name: struct.calcsize("<" + "".join(forms[:at])) for at, (name, _, _, _) in enumerate(HEADER_FIELDS)}


def _table(head: tuple[str, str, str], rows: list[tuple[str, str, str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in (head, ("---", "---", "---"), *rows)]


def _described(columns: tuple[tuple[str, ColumnType], ...]) -> list[tuple[str, str, str]]:
    types, order = dict(columns), [name for name, _ in columns]
    rows: list[tuple[int, tuple[str, str, str]]] = []
    for names, words in COLUMN_WORDS:
        mine = [name for name in names.split() if name in types]
        if mine:
            rows.append((order.index(mine[0]), (", ".join(f"`{name}`" for name in mine), types[mine[0]], words)))
    return [row for _, row in sorted(rows)]


def markdown() -> str:
    """Return the tables of ``docs/protocol.md``."""
    at = _offsets()
    head = [(str(at[name]), kind, f"`{name}`: {words}") for name, _, kind, words in HEADER_FIELDS]
    kinds = ", ".join(f"{number} {name}" for name, number in (KINDS | STUDY_KINDS).items())
    lines = [
        *_table(("offset", "type", "header"), head),
        "",
        f"Kinds: {kinds}.",
        "",
        "Bar columns, one entry a bar (`level_start`: one more):",
        "",
        *_table(("column", "type", "what"), _described(BAR_COLUMNS)),
        "",
        "Level columns, one entry a traded level, ascending within a bar:",
        "",
        *_table(("column", "type", "what"), _described(LEVEL_COLUMNS)),
    ]
    return "\n".join(lines)
