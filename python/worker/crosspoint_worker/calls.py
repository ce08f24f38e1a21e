"""Runs calls: from the request to the frame that answers it."""

from __future__ import annotations

import inspect
from contextvars import copy_context
from typing import Any, Dict, List, Tuple

from . import wire
from .answers import Answers
from .config import Config
from .current import CURRENT, Call
from .describe import Target
from .discovery import AnyTarget, Connector, Problem
from .failures import Failure, raised
from .flask_host import FlaskHost
from .loop import Loop
from .output import Output


class Calls:
    """What is served, and how one call of it is made."""

    def __init__(self, config: Config, flask: FlaskHost, loop: Loop, output: Output, limit: int) -> None:
        self._targets: Dict[Tuple[str, str], AnyTarget] = {}
        self._auths: Dict[Tuple[str, str], AnyTarget] = {}
        self._checks: Dict[str, AnyTarget] = {}
        self._problems: List[Problem] = []
        self._config = config
        self._flask = flask
        self._loop = loop
        self._output = output
        self._answers = Answers(limit)

    def serve(self, connector: Connector) -> None:
        """Adds a connector's commands and auths."""
        for name, target in connector.commands.items():
            self._targets[connector.name, name] = target
        for name, target in connector.auths.items():
            self._auths[connector.name, name] = target
        if connector.check is not None:
            self._checks[connector.name] = connector.check
        self._problems.extend(connector.problems)

    def find(self, call: Call) -> None:
        """Notes what a call calls, when there is such a command, auth or check."""
        if call.checks:
            call.target = self._checks.get(call.connector)
            return
        targets = self._auths if call.describes else self._targets
        call.target = targets.get((call.connector, call.command))

    def answer(self, call: Call) -> bytes:
        """Runs a call in a context of its own, so that what it sets is not seen by the next. Never raises."""
        return copy_context().run(self._answer, call)

    def _answer(self, call: Call) -> bytes:
        CURRENT.set(call)
        try:
            text = self._perform(call)
            self._output.finish(call)
            return wire.result(call.request, text)
        except Failure as failure:
            self._output.finish(call)
            return failure.frame(call.request)
        except BaseException as error:
            # Memory or stack ran out between the command and its answer, or the worker is wrong.
            return raised(error).frame(call.request)

    def _perform(self, call: Call) -> str:
        target = call.target
        if target is None:
            raise self._unknown(call)
        if call.cancelled:
            raise Failure("busy", "Cancelled", f"{call.command} was cancelled before it began", "none")
        mistakes = target.mistakes(call.arguments)
        if mistakes is not None:
            raise Failure("arguments", "TypeError", mistakes, "none")
        if not isinstance(target, Target):
            return target.perform(call, self._loop, self._answers)
        if call.describes:
            return self._describe(target, call)
        handed_over = target.long and call.callback_url is not None
        try:
            if self._flask.active:
                with self._flask.around(call):
                    result = self._execute(target, call, handed_over)
            else:
                result = self._execute(target, call, handed_over)
        except BaseException as error:
            raise raised(error) from None
        return self._answers.write(call.command, result, handed_over)

    def _describe(self, target: Target, call: Call) -> str:
        """Asks an auth for the description of its application, as the reference host does."""
        config = self._config.of(call)
        try:
            if self._flask.active:
                with self._flask.around(call):
                    result = target.cls(**call.arguments).app_description(config)
            else:
                result = target.cls(**call.arguments).app_description(config)
            if inspect.isawaitable(result):
                result = self._loop.wait(call, result)
        except BaseException as error:
            failure = raised(error)
            # Nothing but this process was asked.
            raise Failure(failure.kind, failure.code, failure.message, "none", failure.detail) from None
        return self._answers.describe(call.command, result)

    def _execute(self, target: Target, call: Call, handed_over: bool) -> Any:
        """Makes the object and runs it, as the reference host does."""
        command = target.cls(**call.arguments)
        config = self._config.of(call)
        if handed_over:
            result = command.execute_async(config, call.task_data, callback_url=call.callback_url)
        else:
            result = command.execute(config, call.task_data)
        if type(result) is not dict and inspect.isawaitable(result):
            result = self._loop.wait(call, result)
        return result

    def _unknown(self, call: Call) -> Failure:
        kind = "auth" if call.describes else "command"
        message = f"no {kind} {call.connector}/{call.command} was found"
        problems = [str(p["message"]) for p in self._problems if p["connector"] == call.connector]
        if problems:
            more = f"; and {len(problems) - 3} more" if len(problems) > 3 else ""
            message += f"; of this connector not everything could be loaded: {'; '.join(problems[:3])}{more}"
        return Failure("unknown", "command_not_found", message, "none")
