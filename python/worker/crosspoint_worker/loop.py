"""The event loop on which coroutines run: one, in a thread of its own, for as long as the worker lives."""

from __future__ import annotations

import threading
from contextvars import copy_context
from typing import TYPE_CHECKING, Any, Awaitable, Optional, Tuple

from .current import Call
from .threads import OwnThread

if TYPE_CHECKING:
    import asyncio


class Loop:
    """Started by the first coroutine: importing asyncio takes longer than starting the rest of the worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: Optional[asyncio.AbstractEventLoop] = None
        self._thread: Optional[threading.Thread] = None
        self._closing = False

    def wait(self, call: Call, awaitable: Awaitable[Any]) -> Any:
        """Runs it on the loop, in a copy of this context, and waits. Raises what it raises."""
        loop = self._started()
        done = threading.Lock()
        done.acquire()
        outcome: Tuple[Any, Optional[BaseException]] = (None, None)

        def finished(task: asyncio.Task[Any]) -> None:
            nonlocal outcome
            try:
                outcome = task.result()
            except BaseException as error:
                outcome = (None, error)
            call.task = None
            done.release()

        def start() -> None:
            task = loop.create_task(_guarded(awaitable))
            task.add_done_callback(finished)
            call.task = task
            if call.cancelled:
                task.cancel()

        loop.call_soon_threadsafe(start, context=copy_context())
        done.acquire()
        result, error = outcome
        if error is not None:
            raise error
        return result

    def cancel(self, call: Call) -> None:
        """Cancels the call's coroutine, if it is one and still runs."""
        call.cancelled = True
        if self._loop is None:
            return

        def cancel() -> None:
            if call.task is not None:
                call.task.cancel()

        try:
            self._loop.call_soon_threadsafe(cancel)
        except RuntimeError:
            # The loop has ended, and all calls with it.
            pass

    def close(self) -> None:
        """Cancels tasks that connectors left behind and ends the loop, as `asyncio.run` does."""
        if self._loop is not None and self._thread is not None:
            self._closing = True
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _started(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                import asyncio

                self._loop = asyncio.new_event_loop()
                self._thread = OwnThread(self._run, self._loop)
                self._thread.start()
            return self._loop

    def _run(self, loop: asyncio.AbstractEventLoop) -> None:
        import asyncio

        asyncio.set_event_loop(loop)
        while not self._closing:
            try:
                loop.run_forever()
            except BaseException:
                # A task of a connector's own raised SystemExit. The loop's exception handler has been told.
                continue
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        try:
            loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.run_until_complete(loop.shutdown_default_executor())
        finally:
            loop.close()


async def _guarded(awaitable: Awaitable[Any]) -> Tuple[Any, Optional[BaseException]]:
    """A task must not raise SystemExit or KeyboardInterrupt: asyncio lets them end the loop."""
    try:
        return await awaitable, None
    except BaseException as error:
        return None, error
