"""Starts the worker as the host does, and speaks to it."""

from __future__ import annotations

import json
import os
import socket
import struct
import subprocess
import sys
from typing import Any, Callable, Dict, List, Optional

WORKER = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", "crosspoint_worker"))
PACKAGES = os.path.abspath(os.path.join(os.path.dirname(__file__), "packages"))

PATIENCE = 30.0
"""Seconds after which a test gives up on the worker: no figure, only the difference between an error and a hang."""

Message = Dict[str, Any]


class Gone(Exception):
    """The worker closed its end."""


class Worker:
    """A worker process and the host's end of its socket."""

    def __init__(self, python: str = sys.executable, cwd: Optional[str] = None, env: Optional[Dict[str, str]] = None) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.settimeout(PATIENCE)
        self.socket = ours
        self.logs: List[Message] = []
        self._answers: Dict[Optional[int], Message] = {}
        self._next = 0
        self._buffer = b""
        self.process = subprocess.Popen(
            [python, WORKER],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=cwd,
            env=None if env is None else {**os.environ, **env},
            start_new_session=True,
        )
        theirs.close()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def write(self, message: Message) -> None:
        """Sends one message."""
        body = json.dumps(message).encode()
        self.socket.sendall(struct.pack(">I", len(body)) + body)

    def read(self) -> Message:
        """The next message, whatever it is. Raises Gone at the end."""
        (size,) = struct.unpack(">I", self._exactly(4))
        message: Message = json.loads(self._exactly(size).decode("utf-8"))
        return message

    def notify(self, method: str, **params: Any) -> None:
        """Sends a notification."""
        self.write({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: Message) -> int:
        """Sends a request and does not wait for its answer."""
        self._next += 1
        self.write({"jsonrpc": "2.0", "id": self._next, "method": method, "params": params})
        return self._next

    def wait(self, request: int) -> Message:
        """The answer of a request. Logs that come before it are kept in `logs`."""
        while request not in self._answers:
            self._take(self.read())
        return self._answers.pop(request)

    def wait_for_log(self, wanted: Callable[[Message], bool]) -> Message:
        """The first log that is wanted, also of those that came already."""
        seen = 0
        while True:
            for log in self.logs[seen:]:
                if wanted(log):
                    return log
            seen = len(self.logs)
            self._take(self.read())

    def load(self, *names: str, threads: int = 8, max_answer: int = 1 << 20, **more: Any) -> Message:
        """Initializes with connectors of the folder `packages`: packages by name, files by their ending."""
        connectors = [_connector(name) for name in names]
        params: Message = {"protocol": 1, "connectors": connectors, "import_path": [PACKAGES]}
        params.update(threads=threads, max_answer=max_answer, config={})
        params.update(more)
        answer: Message = self.wait(self.ask("initialize", params))["result"]
        return answer

    def begin(self, command: str, arguments: Optional[Message] = None, **more: Any) -> int:
        """Sends a call of `connector/Command`."""
        connector, name = command.split("/")
        params = {"call": f"c{self._next + 1}", "connector": connector, "command": name}
        return self.ask("call", {**params, "arguments": arguments or {}, "headers": [], **more})

    def call(self, command: str, arguments: Optional[Message] = None, **more: Any) -> Message:
        """Calls and waits: the whole answer."""
        return self.wait(self.begin(command, arguments, **more))

    def result(self, command: str, arguments: Optional[Message] = None, **more: Any) -> Message:
        """Calls; the result. Raises AssertionError when the call failed."""
        answer = self.call(command, arguments, **more)
        if "error" in answer:
            raise AssertionError(f"{command} failed: {answer['error']}")
        result: Message = answer["result"]
        return result

    def failure(self, command: str, arguments: Optional[Message] = None, **more: Any) -> Message:
        """Calls; the failure's data. Raises AssertionError when the call succeeded."""
        answer = self.call(command, arguments, **more)
        if "error" not in answer:
            raise AssertionError(f"{command} succeeded: {answer}")
        data: Message = answer["error"]["data"]
        return data

    def ping(self) -> Message:
        """The worker's health."""
        health: Message = self.wait(self.ask("ping", {}))["result"]
        return health

    def shut_down(self) -> int:
        """Asks it to end, waits, and tells its exit code."""
        self.notify("shutdown")
        return self.process.wait(PATIENCE)

    def messages(self, stream: str = "stdout") -> List[str]:
        """What was logged from one source so far."""
        return [log["message"] for log in self.logs if log["source"] == stream]

    def _take(self, message: Message) -> None:
        if message.get("method") == "log":
            self.logs.append(message["params"])
        else:
            self._answers[message["id"]] = message

    def _exactly(self, size: int) -> bytes:
        while len(self._buffer) < size:
            data = self.socket.recv(1 << 16)
            if not data:
                raise Gone()
            self._buffer += data
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def _connector(name: str) -> Message:
    if name.endswith(".py"):
        return {"name": os.path.basename(name)[:-3], "file": os.path.join(PACKAGES, name)}
    return {"name": name[len("connector_") :], "module": name}
