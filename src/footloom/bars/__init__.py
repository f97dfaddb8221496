"""Bar rules: one file = one bar type, found by its ``parse`` function.

`footloom.bars.time` is the model of bars that a trade's time decides, `footloom.bars.volume` of those that end by what
was traded. Outside packages add theirs through the entry point group ``footloom.bars``: each entry is a ``parse``.
`footloom.testing.bar_contract` is what all of them hold.
"""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
import pkgutil
from collections.abc import Callable, Iterator

from footloom.bars._rule import BarRule
from footloom.errors import ConfigError

__all__ = ("BarRule", "parse_rule")

_SPELLINGS = (
    "a time (1s, 15s, 1m, 5m, 1h, 4h, 1d, 1w, 1mo), trades (500t), volume (100v, 100v-split), quote value (1e6q, "
    "1e6q-split), a range in ticks (r20), renko (ren10, ren10-3), delta (d500), imbalance (ib500, vib100, qib1e6, "
    "ib500-e) or runs (rb500, vrb100, qrb1e6)"
)

Parser = Callable[[str], BarRule | None]


def _parsers() -> Iterator[Parser]:
    names = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    for name in sorted(names, key=lambda name: (name != "time", name)):  # most charts need no other kernels
        yield importlib.import_module(f"{__name__}.{name}").parse
    for entry in importlib.metadata.entry_points(group="footloom.bars"):
        yield entry.load()


@functools.cache
def parse_rule(text: str) -> BarRule:
    """Return the bar rule that ``text`` spells in the bar grammar.

    Raises
    ------
    ConfigError
        No bar type knows that spelling.

    Examples
    --------
    >>> parse_rule("60m").text
    '1h'
    """
    words = str(text).strip()  # what is no text is refused like any other word
    for parse in _parsers():
        rule = parse(words)
        if rule is not None:
            return rule
    raise ConfigError(f"{text!r} names no bars: write {_SPELLINGS}")
