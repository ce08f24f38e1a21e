"""Ends of calls, threads and processes."""

import ctypes
import os
import sys
import threading


class Fine:
    """Does nothing wrong."""

    def execute(self, config, task_data):
        return {"response": {"pid": os.getpid()}, "status": 200, "mimetype": "application/json"}


class Leave:
    def execute(self, config, task_data):
        sys.exit("enough of this")


class Exit:
    def execute(self, config, task_data):
        print("last words", file=sys.stderr)
        os._exit(3)


class Segfault:
    def execute(self, config, task_data):
        ctypes.string_at(0)


class Loop:
    """Never ends."""

    def execute(self, config, task_data):
        while True:
            pass


class Freeze:
    """Never ends, and lets no other thread of Python run."""

    def execute(self, config, task_data):
        ctypes.PyDLL(None).sleep(100_000)


class Recurse:
    def execute(self, config, task_data):
        return self.execute(config, task_data)


class Nest:
    """Raises from so deep within C code that a careless interpreter ends."""

    def execute(self, config, task_data):
        nested = []
        for _ in range(100_000):
            nested = [nested]
        return {"command_response_version": 2, "command_response": nested, "error": None, "spiff__logs": []}


class Flood:
    """Writes so many MiB to standard output, the way that C code does."""

    def __init__(self, mebibytes: int):
        self.mebibytes = mebibytes

    def execute(self, config, task_data):
        line = (b"x" * 127 + b"\n") * 8192
        for _ in range(self.mebibytes):
            left = line
            while left:
                left = left[os.write(1, left) :]
        return {"response": "flooded", "status": 200, "mimetype": "text/plain"}


class Chatter:
    """Prints so many lines."""

    def __init__(self, lines: int):
        self.lines = lines

    def execute(self, config, task_data):
        for _ in range(self.lines):
            print("y" * 1023)
        return {"response": "said", "status": 200, "mimetype": "text/plain"}


class Large:
    def __init__(self, size: int):
        self.size = size

    def execute(self, config, task_data):
        return {"response": "x" * self.size, "status": 200, "mimetype": "text/plain"}


class Linger:
    """Leaves a thread behind that nobody can end."""

    def execute(self, config, task_data):
        threading.Thread(target=threading.Event().wait).start()
        return {"response": str(os.getpid()), "status": 200, "mimetype": "text/plain"}
