"""CSV files of trades, whatever their columns: a block of bytes in, columns of trades out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from footloom.core.trades import I8, I64
from footloom.importers import _csv_rules as csv
from footloom.importers._csv_reference import fields_of
from footloom.importers._csv_words import CsvLayout, explain, shown
from footloom.importers._keys import Keys, keys_at
from footloom.importers._rows import NO_SYMBOL, Ask, Dropped, Outside, Plan, Rows, is_symbol
from footloom.importers._source import Block, Source

__all__ = ("Table", "read_csv", "table_of")

_NO_TRADES = (csv.ZERO_PRICE, csv.ZERO_QTY, csv.NOT_MARKET)
_NO_DEFECTS = (*_NO_TRADES, csv.REPEATED)
_MOST_TEXTS = 4_096  # different symbols and types in one file
_NOT_READ, _ABSENT = -2, -3


class Table(NamedTuple):
    """What the tokenizer wrote for one block: see `footloom.importers._csv_rows.tokenise`."""

    out: NDArray[np.int64]
    status: I8
    time_unit: I8
    recv_unit: I8
    side: I8
    codes: NDArray[np.int64]


def table_of(
    data: bytes | memoryview, size: int, layout: CsvLayout, grid: csv.Grid, texts: Sequence[bytes] = ()
) -> Table:
    """Return the ``size`` lines of ``data`` as rows on a grid, with the texts among them looked up."""
    from footloom.importers._csv_rows import tokenise

    roles = np.array(layout.roles, np.int64)
    rules = csv.rules(grid, csv.unit_mask(layout.time_units), csv.unit_mask(layout.recv_units))
    tables = 3 if (roles >= csv.TEXT).any() else 0
    out, small = np.empty((6, size), np.int64), np.zeros((4, size), np.int8)
    codes = np.full(tables * size, _NOT_READ, np.int64)
    tokenise(np.frombuffer(data, np.uint8), roles, rules, *csv.word_table(texts), out, small, codes)
    status, time_unit, recv_unit, side = small
    return Table(out, status, time_unit, recv_unit, side, codes.reshape(tables, size))


def read_csv(source: Source, plan: Plan, ask: Ask) -> Iterator[Rows | Outside]:
    """Yield the rows of a file whose plan holds a `CsvLayout`."""
    reader = _Reader(plan, ask)
    for block in source.blocks():
        yield from reader.read(block)


@dataclass
class _Reader:
    plan: Plan
    ask: Ask
    texts: list[bytes] = field(default_factory=list)
    grids: dict[str, csv.Grid] = field(default_factory=dict)
    time_unit: int | None = None
    recv_unit: int | None = None
    keys: Keys = field(default_factory=Keys)
    again: tuple[int, I64] = (0, np.empty(0, np.int64))

    @property
    def layout(self) -> CsvLayout:
        layout: CsvLayout = self.plan.layout
        return layout

    @property
    def one_symbol(self) -> bool:
        return csv.TEXT not in self.layout.roles

    @property
    def venue(self) -> str:
        return self.plan.venue or self.ask.venue

    def read(self, block: Block) -> Iterator[Rows | Outside]:
        if self.time_unit is None or not self.grids:
            self._begin(self._tokenise(block, csv.SCAN))
        first = next(reversed(self.grids), "")
        table = self._judged(block, first)
        outside = Outside()
        for symbol in self._symbols(block, table, outside):
            # Another instrument stands on another grid: its rows are read again on that.
            yield self._rows(block, table if symbol == first else self._judged(block, symbol), symbol)
        self._count_the_rest(block, table, outside)
        yield outside

    # The first good row tells the units of time, and from when the grid is asked.
    def _begin(self, table: Table) -> None:
        good = table.status == csv.OK
        if not good.any():
            return
        row = int(np.argmax(good))
        self.time_unit = int(table.time_unit[row])
        if csv.RECV in self.layout.roles:
            self.recv_unit = int(table.recv_unit[row])
        if self.one_symbol:
            self._take_grid(self.plan.symbol or self.ask.symbol, int(table.out[4, row]))

    def _take_grid(self, symbol: str, at_ns: int) -> None:
        self.grids[symbol] = self.ask.grid(self.venue, symbol, at_ns)

    def _tokenise(self, block: Block, grid: csv.Grid) -> Table:
        table = table_of(block.data, block.lines, self.layout, grid, self.texts)
        while self._learn(block, table):
            table = table_of(block.data, block.lines, self.layout, grid, self.texts)
        return table

    # Texts that stand in good rows and are not in the table yet; True where there are, and the block must be read
    # again.
    def _learn(self, block: Block, table: Table) -> bool:
        known = len(self.texts)
        unknown = np.flatnonzero((table.codes == -1).any(axis=0) & (table.status == csv.OK))
        for row in unknown:
            if len(self.texts) == _MOST_TEXTS:
                break
            for role, text in zip(self.layout.roles, fields_of(_line(block, table, int(row))), strict=True):
                if role >= csv.TEXT and text not in self.texts:
                    self.texts.append(text)
        return len(self.texts) > known

    # What the tokenizer cannot know: headers, mixed units, prints that are no market trades, other events.
    def _judged(self, block: Block, symbol: str) -> Table:
        table = self._tokenise(block, self.grids.get(symbol, csv.SCAN))
        roles, status = self.layout.roles, table.status
        good = status == csv.OK
        if self.time_unit is not None and (table.time_unit[good] != self.time_unit).any():
            status[good & ~self._unit_fits(table)] = csv.MIXED_UNITS
        if self.recv_unit is not None:
            status[good & (table.recv_unit != self.recv_unit)] = csv.MIXED_RECV
        if csv.TEXT + 2 in roles:
            market = np.isin(table.codes[2], [self._code(text) for text in self.layout.market])
            status[(status == csv.OK) & ~market] = csv.NOT_MARKET
        if csv.TEXT + 1 in roles:
            status[(table.codes[1] >= csv.WORDS) & (table.codes[1] != self._code(self.layout.event))] = csv.OTHER_EVENT
        if not self.one_symbol:
            table.codes[:, status == csv.COLUMNS] = _NOT_READ  # a text in the wrong column says nothing
            status[(status == csv.OK) & (table.codes[0] < csv.WORDS)] = csv.ONE_TOO_MANY
        self._take_out_headers(block, table)
        if self.layout.key is not None:
            self._take_out_repeated(block, table, self.layout.key)
        return table

    def _code(self, text: bytes) -> int:
        return csv.WORDS + self.texts.index(text) if text in self.texts else _ABSENT

    # The file's own unit; and where the venue changed its files on a day, ms before and µs from that day on.
    def _unit_fits(self, table: Table) -> NDArray[np.bool_]:
        own: NDArray[np.bool_] = table.time_unit == self.time_unit
        switch = self.layout.switch_ns
        return own if switch is None else own | (table.time_unit == np.where(table.out[4] >= switch, 2, 1))

    # A header is no row, wherever it stands: files are joined with `cat`.
    def _take_out_headers(self, block: Block, table: Table) -> None:
        header = self.layout.header.strip().lower()
        for row in np.flatnonzero((table.status != csv.OK) & (table.status != csv.BLANK)) if header else ():
            if _line(block, table, int(row)).strip().lower() == header:
                table.status[row] = csv.BLANK

    # A block is judged once for each symbol, and its keys are added once.
    def _take_out_repeated(self, block: Block, table: Table, column: int) -> None:
        if self.again[0] != block.first_line:
            rows = np.flatnonzero((table.status == csv.OK) | (table.status == csv.NOT_MARKET))
            again = self.keys.add(keys_at(np.frombuffer(block.data, np.uint8), table.out[0, rows], column))
            self.again = block.first_line, rows[again]
        table.status[self.again[1]] = csv.REPEATED

    # The symbols of the block that are asked for; rows of others are counted.
    def _symbols(self, block: Block, table: Table, outside: Outside) -> list[str]:
        if self.one_symbol:
            return [self.plan.symbol or self.ask.symbol]
        symbols = []
        codes = table.codes[0][table.status != csv.OTHER_EVENT]
        for code in np.unique(codes[codes >= csv.WORDS]):
            symbol = self.texts[int(code) - csv.WORDS].decode("utf-8", "replace")
            if self.ask.symbol not in {"", symbol}:
                outside.other[f"trades of {symbol}"] += int((codes == code).sum())
                continue
            if not self.ask.symbol and not is_symbol(symbol):
                outside.dropped.append(_of_no_symbol(block, table, (table.codes[0] == code), symbol))
                continue
            if symbol not in self.grids:
                scanned = self._tokenise(block, csv.SCAN)
                good = (scanned.codes[0] == code) & (scanned.status == csv.OK)
                if good.any():
                    self._take_grid(symbol, int(scanned.out[4, np.argmax(good)]))
            symbols.append(symbol)
        return symbols

    # Lines that belong to no tape.
    def _count_the_rest(self, block: Block, table: Table, outside: Outside) -> None:
        if self.one_symbol:
            return
        others = table.status == csv.OTHER_EVENT
        for code in np.unique(table.codes[1][others]):
            name = self.texts[int(code) - csv.WORDS].decode("utf-8", "replace")
            outside.other[name] += int((table.codes[1][others] == code).sum())
        lost = (table.codes[0] < csv.WORDS) & (table.status != csv.BLANK) & ~others
        outside.dropped += self._dropped(block, table, lost, csv.SCAN)

    def _rows(self, block: Block, table: Table, symbol: str) -> Rows:
        mine = np.ones(len(table.status), np.bool_)
        if not self.one_symbol:
            mine = table.codes[0] == self._code(symbol.encode())
        good = mine & (table.status == csv.OK)
        other = mine & np.isin(table.status, _NO_TRADES)
        bad = mine & ~good & (table.status != csv.BLANK) & (table.status != csv.OTHER_EVENT)
        take = slice(None) if good.all() else good
        line = block.first_line + np.arange(len(mine))
        has_ids = csv.ID in self.layout.roles
        return Rows(
            venue=self.venue,
            symbol=symbol,
            tape=self.plan.tape,
            line=line[take],
            ts_exch_ns=table.out[4][take],
            price_tick=table.out[2][take],
            qty_lot=table.out[3][take],
            side=table.side[take],
            trade_id=table.out[1][take] if has_ids else None,
            ts_recv_ns=table.out[5][take] if csv.RECV in self.layout.roles else None,
            other_line=line[other],
            other_id=table.out[1][other] if has_ids else line[other],
            other_ns=table.out[4][other],
            dropped=self._dropped(block, table, bad, self.grids.get(symbol, csv.SCAN)),
        )

    def _dropped(self, block: Block, table: Table, rows: NDArray[np.bool_], grid: csv.Grid) -> list[Dropped]:
        dropped = []
        for status in np.unique(table.status[rows]).tolist():
            these = rows & (table.status == status)
            first = int(np.argmax(these))
            line = _line(block, table, first)
            ended = first + 1 < len(these) or block.ended
            began = self.recv_unit if status == csv.MIXED_RECV else self.time_unit
            unit = "" if began is None else csv.UNITS[began]
            detail = explain(status, line, self.layout, grid, unit, ended=ended)
            reason, defect = csv.REASONS[status], status not in _NO_DEFECTS
            reason += f": {self.layout.not_market}" if status == csv.NOT_MARKET else ""
            dropped.append(Dropped(reason, int(these.sum()), block.first_line + first, shown(line), detail, defect))
        return dropped


# Rows of others stand in the same file: theirs are taken.
def _of_no_symbol(block: Block, table: Table, rows: NDArray[np.bool_], symbol: str) -> Dropped:
    rows &= (table.status != csv.OTHER_EVENT) & (table.status != csv.BLANK)
    first = int(np.argmax(rows))
    text = shown(_line(block, table, first))
    detail = f"{symbol[:60]!r} can be no symbol"
    return Dropped(NO_SYMBOL, int(rows.sum()), block.first_line + first, text, detail)


def _line(block: Block, table: Table, row: int) -> bytes:
    return block.line_at(int(table.out[0, row]))
