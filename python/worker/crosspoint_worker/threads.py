"""Threads of the worker's own, told apart from those of connectors."""

from __future__ import annotations

import sys
import threading
from types import CodeType
from typing import Any, Callable, Optional

_STACK = 16 * 1024 * 1024
"""Address space for each thread's stack, so that recursion ends at Python's limit and not at the stack's."""


class OwnThread(threading.Thread):
    """Ends with the process like a daemon thread, but its children are no daemons.

    A thread inherits from the one that starts it whether it is a daemon. In the reference host commands run in the main
    thread, so a thread that they start is joined when the program ends. Whether this one is joined was settled when it
    started; what changes afterwards is only what its children inherit.
    """

    def __init__(self, target: Callable[..., None], *arguments: Any) -> None:
        super().__init__(target=target, args=arguments, name="crosspoint", daemon=True)

    def run(self) -> None:
        self._daemonic = False
        super().run()


def prepare() -> None:
    """Sets the size of the stacks of threads that start from now on."""
    threading.stack_size(_STACK)


def count_foreign() -> int:
    """Living non-daemon threads of the connectors. Those of a `concurrent.futures` pool count while they run something."""
    main = threading.main_thread()
    foreign = [t for t in threading.enumerate() if t is not main and not t.daemon and not isinstance(t, OwnThread)]
    idle = _idle_code()
    if not foreign or idle is None:
        return len(foreign)
    frames = sys._current_frames()
    return sum(getattr(frames.get(t.ident or 0), "f_code", None) is not idle for t in foreign)


def _idle_code() -> Optional[CodeType]:
    """The code in which a pool's thread waits for work, when there are such pools."""
    pools = sys.modules.get("concurrent.futures.thread")
    return getattr(getattr(pools, "_worker", None), "__code__", None)
