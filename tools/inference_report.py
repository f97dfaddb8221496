"""Write docs/inference.md from recordings with true sides: `python tools/inference_report.py` (`--check`: compare).

The recordings are read where they are: `FOOTLOOM_RECORDINGS`, or the folder ``shared/data`` beside the checkout.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from inference_scores import (
    bar_scores,
    cut_by_time,
    cut_by_volume,
    feed_scores,
    joins,
    places,
    rule_scores,
    tick_scores,
)
from inference_tapes import Tape, read_tape

from footloom.kernels.side_score import Score

__all__ = ("FILES", "TARGET", "main", "report")

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "inference.md"
FILES = {
    "usdm_btcusdt_20240808.gz": "Binance USD-M, BTCUSDT",
    "cm_btcusd_perp_20240808.gz": "Binance COIN-M, BTCUSD_PERP",
    "spot_btcusdt_20240808.gz": "Binance spot, BTCUSDT",
}
_S = 1_000_000_000
_BARS = 50
_FEW = 0.01
_NAMES = {"quote": "quote", "lee_ready": "Lee-Ready", "emo": "EMO", "clnv": "CLNV"}
_SCORES = ("by count", "by volume", "coverage", "coverage by volume", "half credit")
_HEAD = """# Side inference, measured

Recordings whose venue states who crossed the spread are signed as if it did not, by every rule of definitions 1.2
and by the snapshot inference of 1.3, and held against the truth as 1.4 says. This page is made by

    python tools/inference_report.py

from recordings that are not part of the project; a test makes it again where they are, and compares.

*By count* and *by volume* are the shares that are right among what got a side, *coverage* the share that got one; in
*half credit* a trade without a side counts as half right. A quote is in force for a trade if it is strictly older
(`exchange time`: by the exchange's clock; `arrival`: by the order in which messages came). The tick rules look at no
quote. Whoever looks at the book only now and then sees older quotes.

Many trades stand outside the quote before them: an order that takes several prices prints all of them in the
millisecond in which the quote changes. EMO and CLNV leave those to the tick rule, the quote rule and Lee-Ready do not;
that, and the few trades inside the spread, is all in which they differ.
"""


def report(folder: Path) -> str:
    """Return the page.

    Raises
    ------
    FileNotFoundError
        A recording is not there.
    """
    parts = [_HEAD, _inputs(tapes := {title: read_tape(folder / "binance" / file) for file, title in FILES.items()})]
    for title, tape in tapes.items():
        parts += [f"## {title}\n", _places(tape), _rules(tape)]
        if tape.timed:
            parts.append(_feeds(tape))
        parts.append(_bars(tape))
    return "\n".join([*parts, _summary(tapes)]).rstrip() + "\n"


def _table(head: tuple[str, ...], rows: list[list[str]], words: int = 1) -> str:
    # The first columns hold words, the others numbers.
    lines = [head, tuple("---" if i < words else "---:" for i in range(len(head))), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _cells(found: Score) -> list[str]:
    values = (found.acc_classified, found.vol_acc_classified, found.coverage, found.vol_coverage, found.acc_half_credit)
    return [_share(value) for value in values]


def _inputs(tapes: dict[str, Tape]) -> str:
    rows = [
        [title, f"`{t.file}`", f"`{t.sha256[:16]}`", f"{len(t.trades):,}", f"{len(t.quotes):,}"]
        for title, t in tapes.items()
    ]
    return _table(("recording", "file", "sha256 begins", "trades", "quotes"), rows, words=3)


def _places(tape: Tape) -> str:
    rows = [[name, *map(_share, places(tape, *met))] for name, met in joins(tape).items()]
    head = ("quotes by", "trades at the quote", "inside the spread", "outside", "without a quote")
    return "Where trades stand to the quote before them, shares of their number:\n\n" + _table(head, rows)


def _rules(tape: Tape) -> str:
    rows = [["none", name, *_cells(found)] for name, found in tick_scores(tape).items()]
    for joined, met in joins(tape).items():
        rows += [[joined, _NAMES[rule], *_cells(found)] for rule, found in rule_scores(tape, *met).items()]
    return "Each rule:\n\n" + _table(("quotes by", "rule", *_SCORES), rows, words=2)


def _feeds(tape: Tape) -> str:
    found = feed_scores(tape)
    names = list(next(iter(found.values()))[1])
    rows = [
        [f"{each} ms", *_cells(s), *(_share(shares[name]) for name in names)] for each, (s, shares) in found.items()
    ]
    text = (
        "A feed that shows the last trade, the volume of the day and the best quotes every so often, and nothing else "
        "(1.3).\nEach trade has the side that its stretch was given; on the right, shares of the inferred volume:\n\n"
    )
    return text + _table(("snapshots every", *_SCORES, *names), rows)


def _bars(tape: Tape) -> str:
    cuts = {
        "1 minute": cut_by_time(tape, 60 * _S),
        "10 seconds": cut_by_time(tape, 10 * _S),
        f"1/{_BARS} of the volume": cut_by_volume(tape, _BARS),
    }
    found = {f"{name} ({int(cut[-1]) + 1} bars)": bar_scores(tape, cut) for name, cut in cuts.items()}
    ways = next(iter(found.values()))
    rows = [[way, *(_share(scores[way]) for scores in found.values())] for way in ways]
    text = "Whole bars: the share of the volume that is put on the right side, `1 - sum |guess - bought| / volume`:\n\n"
    return text + _table(("way", *found), rows)


def _summary(tapes: dict[str, Tape]) -> str:
    lines = [
        "## What the recordings say\n",
        "By count, best first; what is equal to the last digit shown stands together.\n",
    ]
    for title, tape in tapes.items():
        for joined, met in joins(tape).items():
            scores = {_NAMES[rule]: found.acc_classified for rule, found in rule_scores(tape, *met).items()}
            scores["tick"] = tick_scores(tape)["tick"].acc_classified
            lines.append(f"- {title}, quotes by {joined}: {_ranked(scores)}.")
    lines += ["", *_expected(tapes)]
    return "\n".join(lines)


def _ranked(scores: dict[str, float | None]) -> str:
    by_share: dict[str, list[str]] = {}
    for name, value in sorted(scores.items(), key=lambda item: -(item[1] or 0)):
        by_share.setdefault(_share(value), []).append(name)
    return ", ".join(f"{' = '.join(names)} ({share})" for share, names in by_share.items())


# What one would expect, and whether it is so here.
def _expected(tapes: dict[str, Tape]) -> list[str]:
    lines = ["What literature and reasoning let one expect, and what is found:\n"]
    rows = []
    for title, tape in tapes.items():
        met = joins(tape)
        fresh = met.get("exchange time", met["arrival"])
        scores, ticks = rule_scores(tape, *fresh), tick_scores(tape)
        quote, emo, tick = (s.acc_classified or 0 for s in (scores["quote"], scores["emo"], ticks["tick"]))
        bars = bar_scores(tape, cut_by_volume(tape, _BARS))
        changed, same = (
            ticks[name].acc_classified or 0 for name in ("tick, where the price has changed", "tick, where it has not")
        )
        bulk, guess = bars["bulk tick: the tick rule, summed"], bars["BVC, normal, 50 bars"]
        found = (quote >= emo >= tick, places(tape, *fresh).inside < _FEW, same < changed, bulk > guess)
        rows.append([title, *("yes" if one else "no" for one in found)])
    head = (
        "recording",
        "quote >= EMO >= tick",
        "under 1 % inside the spread",
        "tick rule worse at unchanged prices",
        "bulk tick > BVC",
    )
    return [*lines, _table(head, rows, words=5)]


def main(arguments: list[str]) -> int:
    """Write the page, or with ``--check`` say whether it is up to date; 1 where it is not, 2 without the recordings."""
    folder = Path(os.environ.get("FOOTLOOM_RECORDINGS") or ROOT.parent / "shared" / "data")
    try:
        text = report(folder)
    except FileNotFoundError as error:
        sys.stderr.write(f"{error.filename} is not there: set FOOTLOOM_RECORDINGS to the folder of the recordings\n")
        return 2
    if "--check" in arguments:
        fresh = TARGET.exists() and TARGET.read_text(encoding="utf-8") == text
        sys.stdout.write(
            "up to date\n" if fresh else f"{TARGET} is out of date: run python tools/inference_report.py\n"
        )
        return 0 if fresh else 1
    TARGET.write_text(text, encoding="utf-8")
    sys.stdout.write(f"wrote {TARGET}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
