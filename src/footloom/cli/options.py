"""``footloom options``: option chains that are stored, and what they say."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from footloom.cli._shared import JsonFlag, StoreFlag, console, say

if TYPE_CHECKING:
    from footloom.feeds.stored_chain import ChainAsk
    from footloom.options.replies import ChainReply, HeatReply, HistoryReply, SmileReply
    from footloom.store import Store

__all__ = ("options",)

What = Literal["list", "chain", "pcr", "maxpain", "walls", "iv", "heat", "history", "readout", "export"]
_MINUTE_S = 60


def options(
    what: Annotated[
        What,
        typer.Argument(metavar="WHAT", help="list, chain, pcr, maxpain, walls, iv, heat, history, readout or export."),
    ],
    symbol: Annotated[str, typer.Argument(metavar="[VENUE:SYMBOL]", help="The underlying, as `list` names it.")] = "",
    out: Annotated[
        Path | None, typer.Argument(metavar="[OUT]", help="export: the file, .csv or .parquet.", show_default=False)
    ] = None,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="The chain at this time (UTC); its last one.", show_default=False)
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="Through time: from here; the last day.")
    ] = None,
    end: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this time, itself left out.")] = None,
    expiry: Annotated[
        str | None, typer.Option(metavar="DAY", help="Day of expiry, such as 2025-12-09; the next one.")
    ] = None,
    strikes: Annotated[
        int | None, typer.Option(metavar="N", min=0, help="Strikes on each side of the money; all.", show_default=False)
    ] = None,
    every: Annotated[
        int, typer.Option(metavar="S", min=1, help="Through time: seconds between two instants.")
    ] = _MINUTE_S,
    price: Annotated[
        float | None, typer.Option(metavar="P", help="Price of the underlying, where the chain does not say it.")
    ] = None,
    rate: Annotated[float | None, typer.Option(metavar="R", help="Interest a year; 0.055 is 5.5 %.")] = None,
    contract: Annotated[
        str | None,
        typer.Option(metavar="VENUE:SYMBOL", help="readout: the contract; the nearest future.", show_default=False),
    ] = None,
    of: Annotated[
        Literal["chain", "history"], typer.Option(help="export: options, or their ratios through time.")
    ] = "chain",
    force: Annotated[bool, typer.Option("--force", help="export: replace OUT where it is there already.")] = False,
    json: JsonFlag = False,
    store: StoreFlag = None,
) -> None:
    """Show an option chain that is stored: open interest, ratios, max pain, walls, volatilities.

    Open interest and volume are shown in lots where it is known how many units a lot is, in JSON and files in units.
    """
    from footloom import config
    from footloom.store.open import open_store

    if what != "list" and not symbol:
        raise typer.BadParameter("name the underlying, as `footloom options list` does", param_hint="VENUE:SYMBOL")
    if (out is not None) != (what == "export"):
        raise typer.BadParameter("export needs a file, and nothing else takes one", param_hint="OUT")
    with open_store(config.load(store=store).store) as opened:
        if what == "list":
            _list(opened, json=json)
            return
        ask = _ask(expiry, strikes, price, rate)
        if what == "export" and out is not None:
            _export(opened, symbol, ask, (start, end), (every, of, out), force=force)
        elif what == "readout":
            _read_out(opened, symbol, ask, contract, at, json=json)
        elif what in {"chain", "iv"}:
            _instant(opened, symbol, ask, at, what, json=json)
        else:
            _through(opened, symbol, ask, (start, end), every, what, json=json)


def _ask(expiry: str | None, strikes: int | None, price: float | None, rate: float | None) -> ChainAsk:
    from footloom.feeds.stored_chain import ChainAsk

    ask = ChainAsk(expiry=expiry, around=strikes, price=price)
    return ask if rate is None else ChainAsk(expiry=expiry, around=strikes, price=price, rate=rate)


def _print_json(reply: object) -> None:
    import msgspec

    sys.stdout.write(msgspec.json.encode(reply).decode() + "\n")


def _list(store: Store, *, json: bool) -> None:
    from footloom.feeds.stored_chain import stored_chains

    found = stored_chains(store)
    if json:
        _print_json([one._asdict() for one in found])
        return
    if not found:
        console().print("no option chain is stored yet: footloom import FILE brings one in")
    for one in found:
        console().print(f"{one.key}: {one.rows:,} rows, {_moment(one.first_ns)} to {_moment(one.last_ns)} UTC")


def _moment(ns: int) -> str:
    import datetime as dt

    return f"{dt.datetime.fromtimestamp(ns // 10**9, dt.UTC):%Y-%m-%d %H:%M:%S}"


def _table(names: list[str], title: str = "") -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    for name in names:
        table.add_column(name, justify="right")
    return table


def _instant(store: Store, symbol: str, ask: ChainAsk, at: str | None, what: str, *, json: bool) -> None:
    from footloom._api import instant_ns
    from footloom.feeds.stored_chain import chain_at
    from footloom.options.documents import chain_reply, smile_reply

    measures = chain_at(store, symbol, ask, None if at is None else instant_ns(at))
    if what == "iv":
        smile = smile_reply(measures)
        _print_json(smile) if json else _print_smile(smile)
        return
    reply = chain_reply(measures)
    _print_json(reply) if json else _print_chain(reply)


def _read_out(store: Store, symbol: str, ask: ChainAsk, contract: str | None, at: str | None, *, json: bool) -> None:
    from footloom._api import instant_ns
    from footloom.engine.read_outs import read_outs_of

    reply = read_outs_of(store, symbol, ask, contract, None if at is None else instant_ns(at))
    if json:
        _print_json(reply)
        return
    out = console()
    out.print(f"{reply.symbol} at {_moment(int(reply.at_ns))} UTC, session since {_moment(int(reply.session_ns))}")
    out.print(f"point of control {reply.poc}; key level {reply.key_level or 'none: no wall is within half a strike'}")
    for row in reply.readings:
        agrees = {None: "", True: ", and aggressive volume agrees", False: ", but aggressive volume does not agree"}
        out.print(f"[bold]{row.baseline}[/bold]: {row.reading or 'no reading'}{agrees[row.confirmed]}")
        out.print(f"  {row.words}")
        for line in row.because:
            out.print(f"  - {line}")


def _print_smile(reply: SmileReply) -> None:
    table = _table(["strike", "IV", "call IV", "put IV"])
    for strike, *vols in zip(reply.strikes, reply.iv, reply.call_iv, reply.put_iv, strict=True):
        table.add_row(strike, *(_percent(one) for one in vols))
    console().print(
        f"{reply.symbol}, expiry {reply.expiry}, at {_moment(int(reply.at_ns))} UTC; forward {_shown(reply.forward)}, "
        f"interest {reply.rate:.2%} a year"
    )
    console().print(table)


def _print_chain(reply: ChainReply) -> None:
    out = console()
    unit = "lots" if reply.units_a_lot else "units"
    out.print(
        f"{reply.symbol}, expiry {reply.expiry}, at {_moment(int(reply.at_ns))} UTC; {reply.days_to_expiry} days left"
    )
    out.print(
        f"spot {_shown(reply.spot)} ({reply.spot_from or 'not known'}), forward {_shown(reply.forward)}, "
        f"straddle {_shown(reply.straddle)}, IV {_percent(reply.atm_iv)} at interest {reply.rate:.2%}"
    )
    out.print(
        f"PCR {_shown(reply.pcr_oi, 4)} by open interest, {_shown(reply.pcr_volume, 4)} by volume; "
        f"max pain {reply.max_pain or '-'}; of the {len(reply.rows)} strikes below"
        + (f"; strikes left out, as a side of them is not known: {reply.left_out}" if reply.left_out else "")
    )
    names = ["IV", "volume", "dOI day", "OI", "call", "strike", "put", "OI", "dOI day", "volume", "IV"]
    table = _table(names, f"in {unit}" + (f" of {reply.units_a_lot}" if reply.units_a_lot else ""))
    marks = {one.strike: "C" for one in reply.call_walls}
    for one in reply.put_walls:
        marks[one.strike] = marks.get(one.strike, "") + "P"
    for row in reply.rows:
        call, put = (
            (
                _percent(one.iv),
                *(_lots(text, reply.units_a_lot) for text in (one.volume, one.oi_day, one.oi)),
                one.ltp or "-",
            )
            for one in (row.call, row.put)
        )
        table.add_row(*call, f"{marks.get(row.strike, '')} {row.strike}", *reversed(put))
    out.print(table)
    if reply.gex is not None:
        out.print(f"gamma exposure {reply.gex:,.0f} a move of 1 %: assumes that {reply.gex_assumes}")


def _through(
    store: Store, symbol: str, ask: ChainAsk, span: tuple[str | None, str | None], every: int, what: str, *, json: bool
) -> None:
    from footloom.feeds.stored_chain import chain_through
    from footloom.options.documents import heat_reply, history_reply
    from footloom.options.heat import Heat

    measures = chain_through(store, symbol, ask, *_span(*span), every * 10**9)
    if what == "heat":
        heat = heat_reply(Heat(measures.board), measures)
        _print_json(heat) if json else _print_heat(heat)
        return
    reply = history_reply(measures)
    if json:
        _print_json(reply)
    else:
        _print_history(reply, what)


# Each strike's newest change, the sum of those that are told, and the change of the day; every instant stands in JSON.
def _print_heat(reply: HeatReply) -> None:
    out, lot = console(), reply.units_a_lot
    if not reply.at_ns:
        out.print(f"{reply.symbol}, expiry {reply.expiry}: nothing new was said in that stretch")
        return
    out.print(
        f"{reply.symbol}, expiry {reply.expiry}: changes of open interest at {len(reply.at_ns)} instants, "
        f"{_moment(int(reply.at_ns[0]))} to {_moment(int(reply.at_ns[-1]))} UTC"
    )
    names = ["last", "sum", "day"]
    table = _table([*names, "call", "strike", "put", *reversed(names)], f"in lots of {lot}" if lot else "in units")
    for i, strike in enumerate(reply.strikes):
        call, put = (
            [_signed(one, lot) for one in (steps[-1], _sum_of(steps), day)]
            for steps, day in ((reply.calls[i], reply.day_calls[i]), (reply.puts[i], reply.day_puts[i]))
        )
        table.add_row(*call, "", strike, "", *reversed(put))
    out.print(table)
    out.print("last: since the instant before; sum: of all that are told; day: against the previous day's close")


def _sum_of(steps: Sequence[int | None]) -> int | None:
    known = [one for one in steps if one is not None]
    return sum(known) if known else None


def _signed(units: int | None, lot: int | None) -> str:
    return "-" if units is None else f"{'+' * (units > 0)}{_lots(str(units), lot)}"


def _span(start: str | None, end: str | None) -> tuple[int | None, int | None]:
    from footloom._api import instant_ns
    from footloom.errors import ConfigError

    from_ns, to_ns = (None if moment is None else instant_ns(moment) for moment in (start, end))
    if from_ns is not None and to_ns is not None and to_ns <= from_ns:
        raise ConfigError(f"the range is empty: --from {start} is not before --to {end}")
    return from_ns, to_ns


def _print_history(reply: HistoryReply, what: str) -> None:
    lot = reply.units_a_lot
    columns = {
        "pcr": {
            "PCR OI": [_shown(one, 4) for one in reply.pcr_oi],
            "PCR volume": [_shown(one, 4) for one in reply.pcr_volume],
            "call OI": [_lots(one, lot) for one in reply.call_oi],
            "put OI": [_lots(one, lot) for one in reply.put_oi],
        },
        "maxpain": {"max pain": [one or "-" for one in reply.max_pain]},
        "walls": {
            name: [
                f"{one.strike} ({_lots(one.oi, lot)}{', strong' if one.strong else ''})" if one else "-"
                for one in walls
            ]
            for name, walls in (("call wall", reply.call_wall), ("put wall", reply.put_wall))
        },
    }
    shown = columns.get(what) or {name: one for group in columns.values() for name, one in group.items()}
    if what == "history":
        shown |= {"straddle": [_shown(one) for one in reply.straddle], "IV": [_percent(one) for one in reply.atm_iv]}
    table = _table(["UTC", *shown])
    for i, at in enumerate(reply.at_ns):
        table.add_row(_moment(int(at)), *(column[i] for column in shown.values()))
    unit = f"lots of {lot}" if lot else "units"
    console().print(f"{reply.symbol}, expiry {reply.expiry}; open interest in {unit}")
    console().print(table)


def _export(
    store: Store,
    symbol: str,
    ask: ChainAsk,
    span: tuple[str | None, str | None],
    wanted: tuple[int, str, Path],
    *,
    force: bool,
) -> None:
    from footloom.engine.chain_tables import chain_table, history_table
    from footloom.errors import ConfigError
    from footloom.feeds.stored_chain import chain_through
    from footloom.notebook.writing import ENDINGS, check_free, write_tables

    every, of, out = wanted
    kind = ENDINGS.get(out.suffix.lower())
    if kind not in {"csv", "parquet", "arrow"}:
        raise ConfigError(
            f"{out.name} is no table's name: name a .csv, .parquet or .arrow file; "
            f"for JSON, `footloom options {'history' if of == 'history' else 'chain'} {symbol} --json` prints it"
        )
    check_free(out, force=force)
    measures = chain_through(store, symbol, ask, *_span(*span), every * 10**9)
    table = chain_table(measures) if of == "chain" else history_table(measures)
    written = write_tables(out, kind, table.schema, [table], force=force)
    say(f"wrote {written.rows:,} rows ({of} of {symbol}) to {out}, {written.bytes:,} bytes")


def _lots(units: str | None, lot: int | None) -> str:
    if units is None:
        return "-"
    if not lot:
        return f"{int(units):,}"
    return f"{int(units) // lot:,}" if int(units) % lot == 0 else f"{int(units) / lot:,.2f}"


def _shown(value: float | None, places: int = 2) -> str:
    return "-" if value is None else f"{value:,.{places}f}"


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.2%}"
