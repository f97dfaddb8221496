"""What the troubleshooting page quotes is what the program says, and every setting is documented."""

from __future__ import annotations

import re
from pathlib import Path

from footloom.config.aliases import ALIASES
from footloom.config.settings import SETTINGS, Config, value_of

QUOTED = re.compile(r"(?<![*\w])\*([^*|]+)\*(?!\*)")


def fragments(quote: str) -> list[str]:
    """The words of a quote that do not change: numbers, names and what is left out stand between them."""
    parts = re.split(r"\.\.\.|\bN\b|\d+|\b(?:process|footloom|port|for)\b", quote)
    return [part for one in parts if len(part := one.strip(" :();")) > 3]


def words(root: Path) -> str:
    paths = [
        *(root / "src").rglob("*.py"),
        *(root / "web" / "src").rglob("*.ts"),
        *(root / "web" / "src").rglob("*.svelte"),
    ]
    joined = " ".join(path.read_text(encoding="utf-8") for path in paths)
    joined = re.sub(r'"\s*\n\s*f?"', "", joined)  # one sentence, two lines of code
    return re.sub(r"\{[^{}]*\}|\$\{[^{}]*\}", "", joined)


def test_what_is_quoted_is_what_is_said(root: Path) -> None:
    text = (root / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    said = words(root)
    quotes = QUOTED.findall(text)
    missing = {quote: lost for quote in quotes if (lost := [one for one in fragments(quote) if one not in said])}

    assert len(quotes) > 10
    assert missing == {}


def test_a_wrong_quote_is_noticed(root: Path) -> None:
    assert fragments("connection lost, retrying in N s (attempt N)") == ["connection lost, retrying in", "s (attempt"]
    assert "the connection has gone fishing" not in words(root)


def test_every_setting_and_every_name_of_others_is_documented_with_its_default(root: Path) -> None:
    text = (root / "docs" / "serving.md").read_text(encoding="utf-8")
    rows = {
        name
        for line in text.splitlines()
        if line.startswith("| `")
        for name in re.findall(r"`(\w+)`", line.split("|")[1])
    }
    shown = dict(re.findall(r"^\| `(\w+)` \| ([^|]*?) \|", text, re.MULTILINE))

    assert set(SETTINGS) <= rows
    assert {one for one in ALIASES if one != "MAX_CANDLES"} <= rows
    with_default = (
        "commit_ms depth_quota fetch linger_s log_format max_connections max_history_bars max_messages_per_s "
        "max_subscriptions max_upload request_timeout_s ws_ping_interval"
    )
    for name in with_default.split():
        assert value_of(name, shown[name], "docs") == getattr(Config(store=Path(), folder=Path()), name), name
