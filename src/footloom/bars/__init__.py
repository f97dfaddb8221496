"""Bar rules: one file = one bar type, found by its ``parse`` function (`footloom.bars.time` is the model).

Outside packages add theirs through the entry point group ``footloom.bars``.
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

Parser = Callable[[str], BarRule | None]


def _parsers() -> Iterator[Parser]:
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            yield importlib.import_module(f"{__name__}.{module.name}").parse
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
    for parse in _parsers():
        rule = parse(text.strip())
        if rule is not None:
            return rule
    raise ConfigError(f"{text!r} names no bars: write 1s, 15s, 1m, 5m, 15m, 1h, 4h, 1d, 1w or 1mo")
