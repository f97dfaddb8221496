"""``footloom VERB``: the list of verbs, and the one place where errors become messages and exit codes.

Exit codes: 0 ok, 1 failed, 2 usage. A verb's module is imported when the verb is used, so that ``footloom --help``
answers in a blink.
"""

from __future__ import annotations

import contextlib
import difflib
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
import typer.core
import typer.main

import footloom
from footloom.errors import FootloomError

__all__ = ("VERBS", "app", "main")

# verb -> (module, function, one line for the list). The line stands here because the module is not imported for the
# list.
VERBS: dict[str, tuple[str, str, str]] = {
    "demo": ("footloom.cli.demo", "demo", "Open a live footprint of the simulated market in the browser."),
    "serve": ("footloom.cli.serve", "serve", "Serve charts of a store over HTTP and WebSocket."),
    "link": ("footloom.cli.link", "link", "Print the link that lets a phone or another machine in."),
    "record": ("footloom.cli.record", "record", "Record what venues send, for weeks."),
    "import": ("footloom.cli.import_", "import_files", "Read recorded files of an exchange into the store."),
    "fetch": ("footloom.cli.fetch", "fetch", "Fetch the past of symbols from their venue into the store."),
    "login": ("footloom.cli.login", "login", "Get a token of a broker's account, and keep it."),
    "doctor": ("footloom.cli.doctor", "doctor", "Look at clock, store, network and tokens: what is wrong."),
    "coverage": ("footloom.cli.coverage", "coverage", "Say what is stored: symbols, tapes, days, gaps."),
    "remove": ("footloom.cli.remove", "remove", "Take a tape out of the store."),
    "verify": ("footloom.cli.verify", "verify", "Fold a stored day live and at once, and compare bit by bit."),
    "export": ("footloom.cli.export", "export", "Write trades, snapshots, bars, levels or a study as a file."),
    "bars": ("footloom.cli.bars", "bars", "Print or write bars and footprints of a stored symbol."),
    "options": ("footloom.cli.options", "options", "Show option chains: open interest, ratios, max pain, walls, IV."),
    "simulate": ("footloom.cli.simulate", "simulate", "Stand in for an exchange on this machine, faults included."),
}


class _Verbs(typer.core.TyperGroup):
    """A group that knows its verbs by name and imports the one that runs."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature is the base class's
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - the signature is the base class's
        if cmd_name not in VERBS:
            return None
        return typer.core.TyperCommand(cmd_name, help=VERBS[cmd_name][2])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(VERBS)}"
            ctx.fail(f"there is no verb {args[0]!r}; {hint}")
        name, command, rest = super().resolve_command(ctx, args)
        return (name, command, rest) if name is None or command is None else (name, _load(name), rest)


def _load(verb: str) -> Any:
    module, function, _ = VERBS[verb]
    single = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    single.command(verb)(getattr(importlib.import_module(module), function))
    return typer.main.get_command(single)


app = typer.Typer(
    cls=_Verbs,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich takes longer to import than the list to print
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"footloom {footloom.__version__}")
        raise typer.Exit


@app.callback(help="Weaves the trade tape into footprints: `footloom demo` shows one that moves.")
def _root(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take what comes before the verb."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    if sys.stdout is None:  # `footloom serve >&-`: whoever closed it wants to read nothing
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - open until the end
    try:
        app(args=None if arguments is None else list(arguments), prog_name="footloom")
    except FootloomError as error:
        _fail(str(error))
    except BrokenPipeError:  # `footloom bars ... | head`
        _let_go_of_output()
        sys.exit(1)
    except OSError as error:  # `footloom bars ... > file` on a full disk, a name that is too long
        _let_go_of_output()
        where = "" if error.filename is None else f"{error.filename}: "
        _fail(f"{where}{error.strerror or error}; free some space, or name another file or folder")
    except KeyboardInterrupt:
        sys.exit(130)
    finally:
        if arguments is None:
            gc.freeze()  # the interpreter's own end would look through everything once more, for nothing


# What waits to be written would fail once more when the interpreter ends.
def _let_go_of_output() -> None:
    with contextlib.suppress(OSError, ValueError, AttributeError):  # it may be closed, or no file at all
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _fail(message: str) -> None:
    typer.echo(f"footloom: {message}", err=True)
    sys.exit(1)


if __name__ == "__main__":
    main()
