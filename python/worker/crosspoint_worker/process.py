"""What a worker does as a process: it never outlives its host, and knows its size."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def settle() -> None:
    """Makes this process the leader of a group of its own, deaf to the terminal's Ctrl-C, and mortal with its host.

    The host decides when a worker ends, so SIGINT does nothing. A handler is set rather than SIG_IGN, because
    children would inherit the latter.
    """
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _die_with_parent()


def kill_group() -> None:
    """Ends this process and all its children at once. They are orphans: nobody reads what they would say."""
    try:
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(1)


def resident() -> int:
    """Resident memory in bytes; its peak where the present size cannot be had."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def _die_with_parent() -> None:
    """Asks Linux to kill this process when the host dies.

    The end of the socket says the same, but needs a thread that gets at the interpreter, which C code can prevent.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    except (ImportError, OSError, AttributeError):
        return
    # A host that died before the call was made sends no signal any more.
    if os.getppid() != parent:
        kill_group()
