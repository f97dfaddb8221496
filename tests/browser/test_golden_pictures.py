"""Every cell mode against a picture that was looked at: fixed data, three device ratios.

    FOOTLOOM_GOLDEN=write python -m pytest tests/browser/test_golden_pictures.py    writes golden_pictures.txt

A picture is the price pane in 32 x 18 mean colours: what a font or a half pixel changes does not show in them, another
colour, width or place does. All ratios are compared with the same picture.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import PageOpener, settle

pytestmark = pytest.mark.browser

STORED = Path(__file__).with_name("golden_pictures.txt")
MODES = ("bid-ask", "delta", "volume", "trades", "profile", "imbalance", "blocks", "bubbles", "heatmap")
ACROSS, DOWN = 32, 18
MEAN, MOST = 2.0, 40  # of 255: over the picture, and at its worst place
SMALL = f"""() => {{
    const canvas = document.querySelector('.pane canvas');
    const image = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const sums = new Float64Array({ACROSS * DOWN * 3});
    const counts = new Float64Array({ACROSS * DOWN});
    for (let y = 0; y < canvas.height; y += 1) {{
        const row = Math.floor((y * {DOWN}) / canvas.height) * {ACROSS};
        for (let x = 0; x < canvas.width; x += 1) {{
            const at = row + Math.floor((x * {ACROSS}) / canvas.width);
            const from = 4 * (y * canvas.width + x);
            counts[at] += 1;
            for (let k = 0; k < 3; k += 1) sums[3 * at + k] += image.data[from + k];
        }}
    }}
    return [...sums].map((sum, k) => Math.round(sum / counts[Math.floor(k / 3)]));
}}"""


def pictures(page: Any) -> dict[str, list[int]]:
    """Return the mean colours of each mode, painted directly."""
    found = {}
    for mode in MODES:
        page.evaluate(f"footloom.show({{ mode: '{mode}' }})")
        page.evaluate("footloom.repaint()")
        settle(page)
        found[mode] = page.evaluate(SMALL)
    return found


def stored() -> dict[str, list[int]]:
    lines = [line.split() for line in STORED.read_text(encoding="ascii").splitlines()]
    return {mode: list(bytes.fromhex("".join(parts))) for mode, *parts in lines}


def far(one: list[int], other: list[int]) -> tuple[float, int]:
    """Return how far two pictures are apart: on the average, and at most."""
    apart = [abs(a - b) for a, b in zip(one, other, strict=True)]
    return sum(apart) / len(apart), max(apart)


@pytest.mark.parametrize("scale", [1, *(pytest.param(scale, marks=pytest.mark.soak) for scale in (1.5, 2))])
def test_each_mode_looks_as_it_did_when_it_was_looked_at(open_page: PageOpener, scale: float) -> None:
    found = pictures(open_page(960, 600, device_scale_factor=scale))
    if os.environ.get("FOOTLOOM_GOLDEN") == "write" and scale == 1:
        text = "".join(f"{mode} {bytes(colours).hex()}\n" for mode, colours in found.items())
        STORED.write_text(text, encoding="ascii")
    golden = stored()
    for mode in MODES:
        mean, most = far(found[mode], golden[mode])
        assert mean <= MEAN, (mode, mean)
        assert most <= MOST, (mode, most)
        nearest = min((far(found[mode], golden[other])[0], other) for other in MODES)
        assert nearest[1] == mode, "the comparison tells modes from each other"
