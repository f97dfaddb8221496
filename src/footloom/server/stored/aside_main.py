"""The process that reads the store for large requests (`footloom.server.stored.aside`): asked over its standard input.

It ends when that does: with the server, however the server ends. What would be printed goes to the server's log.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:  # what takes long to import comes when this process has stepped back
    from pathlib import Path

    from footloom.kernels.inference import SnapshotParams
    from footloom.server.stored.tasks import Task

__all__ = ("main",)

_LOG = logging.getLogger(__name__)


def main() -> None:
    """Answer requests until the other side has gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches both: the server says when it is over
    asks, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from footloom.server.pauses import step_back

    step_back()
    from footloom.server.memory import give_back_freed
    from footloom.server.stored.tasks import send

    give_back_freed()
    asked: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(asks, asked), daemon=True).start()
    while True:
        send(answers, _answered(*asked.get()))


# While it works, too: nobody waits for the answer any more.
def _listen(pipe: IO[bytes], asked: queue.SimpleQueue[Any]) -> None:
    from footloom.server.stored.tasks import receive

    try:
        while True:
            asked.put(receive(pipe))
    except EOFError:
        os._exit(0)
    except BaseException:  # noqa: BLE001 - else the other side waits for an answer that nobody makes
        _LOG.exception("a large request could not be read")
        os._exit(1)


def _answered(root: Path, inference: SnapshotParams, task: Task) -> tuple[str, Any]:
    from footloom.errors import FootloomError
    from footloom.server.stored.rolled import RolledHistory
    from footloom.store.files import Store

    try:
        with Store(root) as store:
            history = RolledHistory(store, inference)
            history.has_candles = lambda _chart: task.has_candles
            history.steps.told = task.opening_step
            return "made", task.make(history, *task.given)
    except FootloomError as error:
        return "failed", (type(error).__name__, str(error))
    except MemoryError:
        text = "there is too little memory for this answer: ask for a shorter range or for more ticks_per_level"
        return "failed", ("TooMuch", text)
    except Exception:  # noqa: BLE001 - one request must not end the next
        _LOG.exception("a large request failed")
        return "failed", ("FootloomError", "the server could not serve this request: its log says why")


if __name__ == "__main__":
    logging.basicConfig(stream=sys.stderr)
    main()
