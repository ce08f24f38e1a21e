"""Everything that a connector should not do, and does.

The code of a call uses what is imported here.
"""

import asyncio  # noqa: F401
import contextvars  # noqa: F401
import logging  # noqa: F401
import multiprocessing  # noqa: F401
import os  # noqa: F401
import subprocess  # noqa: F401
import sys  # noqa: F401
import threading
import time  # noqa: F401

ANSWER = {"response": "done", "mimetype": "text/plain"}
RELEASED = threading.Event()


class Run:
    """Runs Python code; `answer` may be set by it."""

    def __init__(self, code: str):
        self.code = code

    def execute(self, config, task_data):
        names = {**globals(), "config": config, "task_data": task_data}
        exec(self.code, names)
        return names.get("answer", ANSWER)


class RunAsync:
    """Runs Python code as the body of a coroutine."""

    def __init__(self, code: str):
        self.code = code

    async def execute(self, config, task_data):
        names = {**globals(), "config": config}
        lines = "\n".join("    " + line for line in self.code.splitlines())
        exec(f"async def body():\n{lines}\n", names)
        return await names["body"]() or ANSWER


class Sleep:
    """Waits until `Release` was called."""

    def execute(self, config, task_data):
        print("asleep", flush=True)
        RELEASED.wait()
        return ANSWER


class Release:
    def execute(self, config, task_data):
        RELEASED.set()
        return ANSWER


class Quick:
    """Quick, until it is told to wait."""

    def __init__(self, wait: bool = False):
        self.wait = wait

    def execute(self, config, task_data):
        if self.wait:
            print("asleep", flush=True)
            RELEASED.wait()
        return ANSWER
