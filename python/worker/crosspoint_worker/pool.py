"""The threads that take turns at reading.

Whoever reads a call runs it itself: no queue and no change of thread lies between the socket and `execute`. While it
runs, somebody else must read, so that pings are answered and other calls begin although `limit` calls sleep.

- A command that has taken its time before, or is new, lets another thread read first.
- A command that has been quick lately keeps the turn, because waking a thread costs more than such a call. A watch
  passes the turn on when the call takes longer than it used to.

There is one thread more than calls are run at a time. Threads are made when they are first needed.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Callable, Deque, Dict, Optional

from .channel import Channel
from .current import Call
from .threads import OwnThread, prepare

_TICK = 0.001
_QUIET_TICKS = 100
"""The watch looks each tick while quick calls come, and sleeps after so many ticks without one."""

_QUICK = 0.0005
_SLOW = 0.002
_STREAK = 3
"""A command is quick after so many calls in a row below the first time, until one takes longer than the second."""


class Pool:
    """Runs calls, `limit` at a time; those beyond wait in the order in which they came."""

    def __init__(self, channel: Channel, dispatch: Callable[[str], Optional[Call]], gone: Callable[[], None]) -> None:
        """`dispatch` handles a message, and returns it when it is a call to run. `gone` is told when reading ends."""
        self._channel = channel
        self._dispatch = dispatch
        self._gone = gone
        self._answer: Callable[[Call], bytes]
        # Held by whoever reads. The watch releases it for a thread that is stuck in a call.
        self._turn = threading.Lock()
        self._state = threading.Lock()
        self._limit = 0
        self._running = 0
        # Threads that read or wait for the turn.
        self._idle = 0
        self._waiting: Deque[Call] = deque()
        self._under_way: Dict[int, Call] = {}
        # The call whose thread kept the turn.
        self._kept: Optional[Call] = None
        self._alarm = threading.Semaphore(0)
        self._watch_sleeps = True
        self._ended = False
        self.draining = False
        self._drained = threading.Event()

    def start(self) -> None:
        """Begins to read."""
        prepare()
        self._idle = 1
        self._grow()
        OwnThread(self._watch).start()

    def open(self, limit: int, answer: Callable[[Call], bytes]) -> None:
        """Lets calls in."""
        self._answer = answer
        self._limit = max(1, limit)

    @property
    def is_open(self) -> bool:
        """Whether calls are let in: after `initialize`, until `shutdown`."""
        return self._limit > 0 and not self.draining

    @property
    def in_flight(self) -> int:
        """How many calls are not answered yet."""
        return len(self._under_way)

    def find(self, request: int) -> Optional[Call]:
        """A call that is not answered yet."""
        return self._under_way.get(request)

    def drain(self) -> None:
        """Lets no more calls in."""
        with self._state:
            self.draining = True
            self._check_drained()

    def wait_until_drained(self) -> None:
        """Waits until all calls are answered after `drain`."""
        self._drained.wait()

    # === The turn ===

    def _work(self) -> None:
        while not self._ended:
            self._turn.acquire()
            call = self._lead()
            while call is not None:
                self._run(call)
                call = self._finish()

    def _lead(self) -> Optional[Call]:
        """Reads, and runs quick calls, as long as this thread has the turn. The call that it runs without the turn."""
        while True:
            call = self._next_call()
            if call is None:
                self._turn.release()
                return None
            if not _is_quick(call):
                self._pass_on()
                return call
            self._keep(call)
            self._run(call)
            with self._state:
                kept = self._kept is call
                self._kept = None if kept else self._kept
            if not kept:
                return self._finish()
            # Still the reader. Whoever waits is run by a thread that ends a call, so there is nobody to look for.
            self._finish_leading()

    def _next_call(self) -> Optional[Call]:
        """Reads until there is a call to run now; None at the end."""
        while not self._ended:
            text = self._channel.read()
            if text is None:
                self._ended = True
                self._gone()
                break
            call = self._dispatch(text)
            if call is not None and self._begin(call):
                return call
        return None

    def _pass_on(self) -> None:
        """Lets another thread read."""
        with self._state:
            grow = self._leave()
        self._turn.release()
        if grow:
            self._grow()

    def _leave(self) -> bool:
        """Counts the reader out, in `_state`. True when nobody is left to read, and a thread has to be made."""
        self._idle -= 1
        if self._idle:
            return False
        self._idle = 1
        return True

    def _keep(self, call: Call) -> None:
        """Runs a call with the turn in hand, watched."""
        with self._state:
            self._kept = call
            wake, self._watch_sleeps = self._watch_sleeps, False
        if wake:
            self._alarm.release()

    def _watch(self) -> None:
        """Passes the turn on for a thread whose call is the same at two ticks."""
        seen: Optional[Call] = None
        quiet = 0
        while not self._ended:
            time.sleep(_TICK)
            call = self._kept
            quiet = quiet + 1 if call is None else 0
            if call is not None and call is seen:
                self._take_from(call)
            elif quiet > _QUIET_TICKS:
                with self._state:
                    self._watch_sleeps = self._kept is None
                    sleeps = self._watch_sleeps
                if sleeps:
                    self._alarm.acquire()
                quiet = 0
            seen = call

    def _take_from(self, call: Call) -> None:
        with self._state:
            if self._kept is not call:
                return
            self._kept = None
            grow = self._leave()
        self._turn.release()
        if grow:
            self._grow()

    # === Calls ===

    def _begin(self, call: Call) -> bool:
        """Whether the call may run now."""
        with self._state:
            self._under_way[call.request] = call
            if self._running >= self._limit:
                self._waiting.append(call)
                return False
            self._running += 1
            return True

    def _run(self, call: Call) -> None:
        began = time.monotonic()
        data = self._answer(call)
        # Before it is sent: who has all answers must not be told that something is in flight.
        self._under_way.pop(call.request, None)
        self._channel.send(data)
        _note(call, time.monotonic() - began)

    def _finish(self) -> Optional[Call]:
        """Ends a call on a thread without the turn. The call that it runs next, if one waits."""
        with self._state:
            if self._waiting:
                return self._waiting.popleft()
            self._running -= 1
            self._idle += 1
            self._check_drained()
            return None

    def _finish_leading(self) -> None:
        """Ends a call on the thread that reads."""
        with self._state:
            self._running -= 1
            self._check_drained()

    def _check_drained(self) -> None:
        if self.draining and not self._running and not self._waiting:
            self._drained.set()

    def _grow(self) -> None:
        try:
            OwnThread(self._work).start()
        except RuntimeError:
            # No more threads are to be had. Nobody reads until one is through with its call.
            with self._state:
                self._idle -= 1


def _is_quick(call: Call) -> bool:
    return call.target is None or call.target.streak >= _STREAK


def _note(call: Call, seconds: float) -> None:
    """Remembers how a command behaves. Two threads that note at once do no harm."""
    target = call.target
    if target is None:
        return
    if seconds < _QUICK:
        target.streak += 1
    elif seconds > _SLOW:
        target.streak = 0
