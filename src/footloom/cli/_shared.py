"""What several verbs share: their common flags, and where text goes."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from footloom.core.place import StorePlace, store_place

if TYPE_CHECKING:
    from rich.console import Console

    _Place = StorePlace
else:
    _Place = object  # typer wants one class; its parser makes a folder or an address

__all__ = (
    "FIRST_START",
    "AllowHostFlag",
    "EndpointFlag",
    "JsonFlag",
    "OpenFlag",
    "OriginFlag",
    "StoreFlag",
    "console",
    "open_in_browser",
    "say",
    "settings_of",
)

FIRST_START = "first start: compiling, some seconds ..."
StoreFlag = Annotated[
    _Place | None,
    typer.Option(
        "--store",
        metavar="DIR|URL",
        parser=store_place,
        help="The folder that holds the tape, or mongodb://HOST/DATABASE: FOOTLOOM_STORE, or your data folder.",
    ),
]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
AllowHostFlag = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A name under which this server is reached, such as that of a proxy."),
]
OpenFlag = Annotated[bool, typer.Option("--open/--no-open", help="Open the page in your browser.")]
OriginFlag = Annotated[
    list[str] | None,
    typer.Option(metavar="URL", help="Another page's origin that may use this server, such as http://localhost:5173."),
]
EndpointFlag = Annotated[
    list[str] | None,
    typer.Option(
        "--endpoint",
        metavar="VENUE=URL",
        help="A server that stands for a venue, such as a simulated one.",
        show_default=False,
    ),
]

_PIPE_WIDTH = 240


@contextlib.contextmanager
def as_usage(flag: str | None = None) -> Iterator[None]:
    """Let what cannot be in an argument end as wrong usage."""
    from footloom.errors import ConfigError

    try:
        yield
    except ConfigError as error:
        raise typer.BadParameter(str(error), param_hint=flag) from None


def console(*, stderr: bool = False) -> Console:
    """Return where to print tables and progress; into a file or a pipe, lines are as long as they need to be."""
    from rich.console import Console

    out = Console(stderr=stderr, highlight=False)
    return out if out.is_terminal else Console(stderr=stderr, highlight=False, width=_PIPE_WIDTH)


def say(text: str) -> None:
    """Tell the user something on stderr, so that stdout stays what was asked for; a log of JSON stays one.

    Where nobody can be told (the terminal is gone, or stderr goes to a disk that is full) work goes on all the same.
    """
    logs = sys.modules.get("footloom.server.logs")  # not there: nobody has asked for a log
    if logs is None or not logs.is_json():
        with contextlib.suppress(OSError, ValueError):
            typer.echo(text, err=True)
    else:
        logging.getLogger("footloom.cli").info(text)


def open_in_browser(address: str) -> None:
    """Open a page where there is a desktop."""
    import threading
    import webbrowser

    if has_desktop():  # without one, a text browser would take the terminal over
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


def has_desktop() -> bool:
    """Tell whether a browser could show a page here."""
    if sys.platform in {"win32", "darwin"}:
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def settings_of(given: Sequence[str]) -> dict[str, object]:
    """Return what ``--set NAME=VALUE`` sets; lists and objects are JSON."""
    import msgspec

    found: dict[str, object] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{one!r} is no setting: write NAME=VALUE", param_hint="--set")
        value: object = text
        if text.startswith(("[", "{")):
            with contextlib.suppress(msgspec.DecodeError):
                value = msgspec.json.decode(text)
        found[name.strip().replace("-", "_")] = value
    return found
