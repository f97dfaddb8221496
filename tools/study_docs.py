"""Write a page a study into docs/studies, made from its file: `python tools/study_docs.py` (`--check`: compare)."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from footloom.studies import Study, find_study, study_names

__all__ = ("FOLDER", "main", "pages")

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "studies"
_KINDS = {
    "line": "a line",
    "histogram": "bars from zero",
    "candle": "candles: open, high, low, close",
    "band": "a band: lower, upper",
    "level": "a level of its bar",
    "box": "boxes: lower edge, upper edge, since",
    "zone": "zones, told as events",
    "marker": "markers, told as events",
    "cell_flag": "marks of cells",
    "column": "a column of numbers",
}
_UNITS = {
    "tick": "price",
    "row": "price (low edge of a level)",
    "lot": "quantity",
    "ns": "time, ns UTC",
    "per_second": "a second",
    "base": "quantity of the base asset",
    "price": "price, of whichever symbol",
    "side": "+1 buy, -1 sell, 0 neither",
}


def pages() -> dict[str, str]:
    """Return the text of every page by its file name."""
    names = study_names()
    return {"README.md": _index(names)} | {f"{name}.md": _page(name, find_study(name)) for name in names}


def _index(names: list[str]) -> str:
    lines = [f"| [{name}]({name}.md) | {find_study(name).TITLE} | {_first_line(find_study(name))} |" for name in names]
    return (
        "# Studies\n\nMade from their files by `python tools/study_docs.py`. What the numbers mean stands in "
        "[definitions](../definitions.md); one of your own is written as [own studies](../own_studies.md) says.\n\n"
        "| study | title | what |\n|---|---|---|\n" + "\n".join(lines) + "\n"
    )


def _first_line(study: Study) -> str:
    return (inspect.getdoc(study) or "").splitlines()[0]


def _page(name: str, study: Study) -> str:
    return "\n".join([*_head(name, study), *_parameters(study), *_outputs(study), *_python(name), ""])


def _head(name: str, study: Study) -> Iterator[str]:
    text = (inspect.getdoc(study) or "").replace("``", "`")
    yield from (f"# {study.TITLE}", "", f"`{name}`", "", re.sub(r"(?<!`)`~?footloom\.([\w.]+)`", r"`\1`", text), "")
    sections = sorted(set(re.findall(r"\b(\d\.\d+)\b", _first_line(study))))
    if sections:
        yield from (f"Defined in [definitions](../definitions.md), section {', '.join(sections)}.", "")
    warmup = study.warmup(study.Params())
    if warmup:
        depends = "all bars since its anchor" if warmup < 0 else f"the {warmup} bars before"
        yield from (f"An answer depends on {depends}.", "")


def _parameters(study: Study) -> Iterator[str]:
    fields = msgspec.structs.fields(study.Params)
    yield from ("## Settings", "")
    if (text := inspect.getdoc(study.Params)) and fields:
        yield from (text.replace("``", "`"), "")
    if not fields:
        yield from ("None.", "")
        return
    schema = msgspec.json.schema(study.Params)
    described: dict[str, Any] = schema["$defs"][study.Params.__name__]["properties"]
    yield from ("| setting | default | what it may be |", "|---|---|---|")
    for setting in fields:
        yield f"| `{setting.name}` | `{_default(setting)}` | {_range(described[setting.name])} |"
    yield ""


def _default(setting: Any) -> str:
    value = setting.default if setting.default is not msgspec.NODEFAULT else setting.default_factory()
    return {None: "none", "": '""'}.get(value) or str(value)


def _range(schema: dict[str, Any]) -> str:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    words = " or ".join(_one_range(kind) for kind in kinds)
    return f"{schema['description']}: {words}" if "description" in schema and "anyOf" in schema else words


def _one_range(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        words = ", ".join(str(choice) for choice in schema["enum"])
    elif schema.get("type") == "array":
        items = schema.get("prefixItems") or [schema.get("items") or {}]
        words = (
            f"{len(items)} x {_one_range(items[0])}" if "prefixItems" in schema else f"list of {_one_range(items[0])}"
        )
    else:
        bounds = [
            ("minimum", "at least"),
            ("exclusiveMinimum", "above"),
            ("maximum", "at most"),
            ("exclusiveMaximum", "below"),
        ]
        limits = [f"{word} {schema[name]}" for name, word in bounds if name in schema]
        words = " ".join(
            [
                {"integer": "whole number", "string": "text"}.get(schema.get("type", ""), schema.get("type", "")),
                ", ".join(limits),
            ]
        ).strip()
    return f"{words} ({schema['description']})" if "description" in schema else words


def _outputs(study: Study) -> Iterator[str]:
    yield from ("## What it says", "", "| output | what | unit | drawn as | columns |", "|---|---|---|---|---|")
    for output in study.OUTPUTS:
        columns = ", ".join(f"`{column}`" for column in output.columns)
        unit = _UNITS.get(output.unit, output.unit)
        yield f"| `{output.name}` | {output.title} | {unit} | {_KINDS[output.kind]} | {columns} |"
    if text := inspect.getdoc(study.update):
        yield from ("", text.split("\n\n", maxsplit=1)[0].replace("``", "`").replace("\n", " "))


def _python(name: str) -> Iterator[str]:
    yield from ("", "## In Python", "", "```python", "import footloom as fl", "")
    yield 'trades = fl.load_trades("sim:PERP", "2026-03-02", "2026-03-02T02:00")'
    yield f'fl.footprint(trades, bars="5m").study("{name}")'
    yield "```"


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` say whether they are up to date."""
    wanted = pages()
    there = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    if "--check" in arguments:
        stale = sorted({*wanted, *there} - {name for name in wanted if there.get(name) == wanted[name]})
        sys.stdout.write(
            f"out of date: {', '.join(stale)}: run python tools/study_docs.py\n" if stale else "up to date\n"
        )
        return 1 if stale else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in {*there} - {*wanted}:
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {len(wanted)} pages into {FOLDER}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
