"""The worker program: sets the process up, loads connectors, serves until it is told to stop."""

from __future__ import annotations

import faulthandler
import queue
import re
import sys
from typing import Any, Dict, List, Optional, Tuple

from . import PROTOCOL, process, threads, wire
from .calls import Calls
from .channel import Channel, take_standard_input
from .config import Config
from .current import Call
from .discovery import Connector, load
from .failures import Failure, text_of
from .flask_host import FlaskHost
from .loop import Loop
from .output import Output
from .pool import Pool

_REQUEST_ID = re.compile(r'"id"\s*:\s*(\d{1,18})\b')


def main(arguments: List[str]) -> int:
    """Runs the worker on the socket that is standard input; with `--list` lists packages and with `--adapters` adapters instead."""
    if arguments[:1] == ["--list"]:
        from . import packages

        return packages.main(arguments[1:])
    if arguments[:1] == ["--adapters"]:
        from . import adapter_list

        return adapter_list.main()
    faulthandler.enable(2)
    try:
        channel = take_standard_input()
    except OSError:
        print("crosspoint_worker is started by Crosspoint, with a socket as standard input", file=sys.stderr)
        return 2
    process.settle()
    worker = Worker(channel)
    worker.run()
    return 0


class Worker:
    """Answers everything but calls itself; calls are run by the pool."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._output = Output(channel)
        self._loop = Loop()
        self._calls: Calls
        self._pool = Pool(channel, self._dispatch, self._host_is_gone)
        # The main thread loads connectors: some of them set signal handlers, which only it may.
        self._tasks: queue.SimpleQueue[Optional[Tuple[int, Dict[str, Any]]]] = queue.SimpleQueue()

    def run(self) -> None:
        """Serves. When it returns the process may end as any Python program does."""
        self._pool.start()
        while True:
            task = self._tasks.get()
            if task is None:
                break
            self._initialize(*task)
        self._pool.wait_until_drained()
        self._loop.close()
        self._output.finish_all()

    def _dispatch(self, text: str) -> Optional[Call]:
        """Handles a message on the thread that reads. A call that is to be run is returned. Never raises."""
        try:
            message = wire.load(text)
            method, request, params = message["method"], message.get("id"), message.get("params")
        except Exception as error:
            self._unreadable(text, error)
            return None
        try:
            if method in ("call", "describe_auth", "check"):
                return self._call(request, params)
            self._handle(method, request, params)
        except Exception as error:
            known = request if isinstance(request, int) else None
            what = f"{method}: {type(error).__name__}: {text_of(error)}"
            self._channel.send(wire.error(known, wire.INVALID_PARAMS, what))
        return None

    def _handle(self, method: str, request: Optional[int], params: Dict[str, Any]) -> None:
        if method == "ping" and request is not None:
            self._channel.send(wire.result(request, wire.dump(self._health())))
        elif method == "cancel":
            call = self._pool.find(params["id"])
            if call is not None:
                self._loop.cancel(call)
        elif method == "shutdown":
            self._pool.drain()
            self._tasks.put(None)
        elif method == "initialize" and request is not None:
            self._tasks.put((request, params))
        elif request is not None:
            self._channel.send(wire.error(request, wire.METHOD_NOT_FOUND, f"no method {method}"))

    def _call(self, request: int, params: Dict[str, Any]) -> Optional[Call]:
        if not self._pool.is_open:
            reason = "the worker is not serving: calls are taken after initialize and before shutdown"
            self._channel.send(Failure("busy", "NotServing", reason, "none").frame(request))
            return None
        call = Call(request, params)
        self._calls.find(call)
        return call

    def _unreadable(self, text: str, error: BaseException) -> None:
        """Python does not read integers of thousands of digits, nor JSON that is nested too deeply."""
        found = _REQUEST_ID.search(text, 0, 200)
        if found is None:
            self._channel.send(wire.error(None, wire.PARSE_ERROR, f"reading a message: {text_of(error)}"))
            return
        message = f"Python cannot read the arguments: {text_of(error)}"
        failure = Failure("arguments", type(error).__name__, message, "none")
        self._channel.send(failure.frame(int(found.group(1))))

    def _initialize(self, request: int, params: Dict[str, Any]) -> None:
        try:
            self._channel.send(wire.result(request, wire.dump(self._load(params))))
        except Exception as error:
            what = f"initialize: {type(error).__name__}: {text_of(error)}"
            self._channel.send(wire.error(request, wire.INVALID_PARAMS, what))

    def _load(self, params: Dict[str, Any]) -> Dict[str, Any]:
        """Loads the connectors and opens the pool. Raises ValueError for what the host should not have asked."""
        if params["protocol"] != PROTOCOL:
            raise ValueError(f"this worker speaks protocol {PROTOCOL}, not {params['protocol']}")
        if self._pool.is_open:
            raise ValueError("initialize comes once")
        config = Config(params.get("config") or {})
        sys.path[:0] = params["import_path"]
        # Source that people edit: compiled code of the same second and size would be taken for fresh. No such file is
        # left in their folder either.
        from_source = params["import_path"] or any("file" in c for c in params["connectors"])
        sys.dont_write_bytecode = sys.dont_write_bytecode or bool(from_source)
        flask = FlaskHost(config)
        calls = Calls(config, flask, self._loop, self._output, params["max_answer"])
        connectors = [_loaded(c, config) for c in params["connectors"]]
        flask.end_imports()
        described = [connector.describe() for connector in connectors]
        for connector in connectors:
            calls.serve(connector)
        self._calls = calls
        self._pool.open(params["threads"], calls.answer)
        return {
            "protocol": PROTOCOL,
            "python": ".".join(map(str, sys.version_info[:3])),
            "connectors": described,
            "problems": [problem for connector in connectors for problem in connector.problems],
        }

    def _health(self) -> Dict[str, int]:
        return {"in_flight": self._pool.in_flight, "threads": threads.count_foreign(), "resident": process.resident()}

    def _host_is_gone(self) -> None:
        """After `shutdown` the host may close its end; before, it has died, and this process must not outlive it."""
        if not self._pool.draining:
            process.kill_group()


def _loaded(connector: Dict[str, Any], config: Config) -> Connector:
    """Loads a connector, or hosts an adapter. Code for adapters is imported where there is one."""
    if "adapter" not in connector:
        return load(connector["name"], connector.get("module"), connector.get("file"))
    from . import adapters

    return adapters.load(connector["name"], connector["adapter"], dict(config))
