"""Hosts adapters of Django Automate: makes them, connects them, and runs their actions.

There is one object for each profile, which is connected before its first call, and again after a failure. What an
adapter may expect is described in `docs/automate.md`.
"""

from __future__ import annotations

import inspect
import sys
import threading
from typing import Any, Dict, List, Optional

from . import adapter_actions, adapter_context, adapter_errors, adapter_places
from .adapter_actions import Action
from .adapter_answers import written
from .answers import Answers
from .current import Call
from .discovery import Connector
from .failures import Failure
from .loop import Loop

RAW = ("token", "api_key", "password", "secret", "authorization")
"""Names of payload members that hold credentials, as Django Automate refuses them."""


_MOST_OF_A_PROFILE = 8
"""So many objects are kept of one profile, by its values."""

NO_PROFILE: Dict[str, Any] = {"name": None, "config": {}, "secrets": {}}


class Instance:
    """An adapter with the profile that it was made for."""

    def __init__(self, profile: Dict[str, Any]) -> None:
        self.profile = profile
        self.lock = threading.RLock()
        self.connected = False
        self._adapter: Any = None

    def adapter(self, cls: type) -> Any:
        """The object, made when it is first needed. Raises what its constructor raises."""
        if self._adapter is not None:
            return self._adapter
        with self.lock:
            if self._adapter is None:
                adapter = cls()
                adapter_context.attach(adapter)
                self._adapter = adapter
            return self._adapter


class Adapter:
    """A class of adapters, and its objects by profile."""

    def __init__(self, name: str, cls: type, options: Dict[str, Any], settings: Dict[str, Any]) -> None:
        """`settings` are those of the configuration, which stand under those of a profile.

        Raises TypeError where the class cannot be made, or its `execute` not be called.
        """
        self.name = name
        self._settings = settings
        self.cls = cls
        refuse_arguments(cls)
        self.context_taken = takes_context(cls)
        self.connects = adapter_places.overrides(cls, "connect") and callable(getattr(cls, "connect", None))
        self._raw = bool(options.get("raw_credentials"))
        self.known: "set[str]" = set()
        self._lock = threading.Lock()
        # By the name of the profile, those that were used last first.
        self._instances: Dict[Optional[str], List[Instance]] = {}

    def instance(self, profile: Dict[str, Any]) -> Instance:
        """That of a profile. Where it has other values than it had, a new one: a secret has changed, or one profile has
        values of its own in several processes of an engine."""
        with self._lock:
            known = self._instances.setdefault(profile.get("name"), [])
            at = next((n for n, instance in enumerate(known) if instance.profile == profile), None)
            instance = Instance(profile) if at is None else known.pop(at)
            known.insert(0, instance)
            del known[_MOST_OF_A_PROFILE:]
            return instance

    def plain(self) -> Any:
        """The object that has no profile, to ask what the adapter declares."""
        return self.instance(NO_PROFILE).adapter(self.cls)

    def connect(self, instance: Instance, loop: Loop, call: Call, again: bool) -> Any:
        """The object, connected: unless it is, or `again`. Raises Failure.

        Calls do not wait for a check of what is connected.
        """
        if instance.connected and not again:
            return instance.adapter(self.cls)
        with instance.lock:
            try:
                adapter = instance.adapter(self.cls)
            except BaseException as error:
                raise adapter_errors.of_making(error, self.name) from None
            if not self.connects or (instance.connected and not again):
                return adapter
            try:
                answer = adapter.connect()
                if inspect.isawaitable(answer):
                    answer = loop.wait(call, answer)
            except BaseException as error:
                instance.connected = False
                raise adapter_errors.of_connect(error, adapter, self.name) from None
            # Without an answer nothing is said against it.
            instance.connected = answer is None or bool(answer)
            if not instance.connected:
                raise adapter_errors.refused_connection(self.name)
            return adapter

    def run(self, action: str, payload: Any, call: Call, loop: Loop) -> Any:
        """Calls `execute`, on a connected object. Raises Failure."""
        if not isinstance(payload, dict):
            raise Failure("arguments", "TypeError", "payload has to be an object", "none")
        self._refuse_raw(payload)
        instance = self.instance(call.profile)
        with adapter_context.using(self.name, action, call):
            adapter = self.connect(instance, loop, call, again=False)
            try:
                more = [adapter_context.third_argument(self.name, call)] if self.context_taken else []
                result = adapter.execute(action, payload, *more)
                if inspect.isawaitable(result):
                    result = loop.wait(call, result)
                return result
            except BaseException as error:
                failure = adapter_errors.of_call(error, adapter, action, self.known)
                if adapter_errors.breaks_connection(failure):
                    instance.connected = False
                raise failure from None

    def check(self, call: Call, loop: Loop) -> None:
        """Calls `connect` whether or not it is connected. Raises Failure."""
        with adapter_context.using(self.name, "", call):
            self.connect(self.instance(call.profile), loop, call, again=True)

    def prepare(self, call: Call) -> None:
        """Gives a call the account that it runs with."""
        if self._settings:
            call.profile = {**call.profile, "config": {**self._settings, **(call.profile.get("config") or {})}}

    def _refuse_raw(self, payload: Dict[str, Any]) -> None:
        found = [name for name in payload if isinstance(name, str) and name.lower() in RAW]
        if found and not self._raw:
            message = (
                f"the payload holds credentials ({', '.join(found)}): put them into a profile of {self.name}, "
                "or allow them by raw_credentials = true"
            )
            raise adapter_errors.AdapterFailure("INVALID_INPUT", message, "none", None, None)


class AdapterCommand:
    """A command of an adapter, where calls look for one."""

    long = False

    def __init__(self, adapter: Adapter, action: Action) -> None:
        self.name = action.described()["name"]
        self.cls = adapter.cls
        self.streak = 0
        self._adapter = adapter
        self._action = action

    def description(self) -> Dict[str, Any]:
        """As the `initialize` result has it."""
        return self._action.described()

    def mistakes(self, arguments: Dict[str, Any]) -> Optional[str]:
        """What is wrong with the names of the arguments; None when nothing is."""
        return self._action.mistakes(arguments)

    def perform(self, call: Call, loop: Loop, answers: Answers) -> str:
        """The JSON of the result. Raises Failure."""
        self._adapter.prepare(call)
        action, payload = self._action.name, call.arguments
        if action is None:
            action, payload = str(call.arguments["action"]), call.arguments.get("payload")
            payload = {} if payload is None else payload
        return written(action, self._adapter.run(action, payload, call, loop), answers)


class AdapterCheck(AdapterCommand):
    """Whether an adapter can reach its system with a profile."""

    def __init__(self, adapter: Adapter) -> None:
        super().__init__(adapter, Action(None, "", {}))

    def mistakes(self, arguments: Dict[str, Any]) -> Optional[str]:
        return None

    def perform(self, call: Call, loop: Loop, answers: Answers) -> str:
        self._adapter.prepare(call)
        self._adapter.check(call, loop)
        return '{"connected":true}'


def load(name: str, place: Dict[str, Any], settings: Dict[str, Any]) -> Connector:
    """Imports an adapter. Never raises: what goes wrong is a problem of the connector."""
    connector = Connector(name)
    if place.get("package"):
        # Ours goes before one that is installed.
        sys.path.insert(0, place["package"])
    try:
        adapter = Adapter(name, adapter_places.load_class(place), place, settings)
    except BaseException as error:
        connector.problem(place.get("module"), "loading the adapter", error)
        return connector

    def problem(message: str, error: Optional[BaseException]) -> None:
        connector.problem(adapter.cls.__module__, message, error)

    actions, adapter.known = adapter_actions.actions_of(adapter.cls, place.get("actions") or [], adapter.plain, problem)
    for action in actions:
        command = AdapterCommand(adapter, action)
        connector.commands[command.name] = command
    if adapter.connects:
        connector.check = AdapterCheck(adapter)
    connector.description = _words(adapter.cls)
    connector.is_adapter = True
    return connector


def takes_context(cls: type) -> bool:
    """Whether `execute` takes a context behind action and payload. Told once for a class, by its signature.

    Raises TypeError where it takes neither two nor three arguments.
    """
    parameters = list(inspect.signature(adapter_actions.vars_execute(cls)).parameters.values())
    if not isinstance(inspect.getattr_static(cls, "execute"), staticmethod):
        parameters = parameters[1:]
    positional = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    needed = [p for p in positional if p.default is p.empty]
    keywords = [p for p in parameters if p.kind is p.KEYWORD_ONLY and p.default is p.empty]
    rest = any(p.kind is p.VAR_POSITIONAL for p in parameters)
    if len(needed) > 3 or keywords or (len(positional) < 2 and not rest):
        raise TypeError(f"{cls.__name__}.execute() takes neither (action, payload) nor (action, payload, context)")
    return len(positional) >= 3 or rest


def refuse_arguments(cls: type) -> None:
    """Raises TypeError where the constructor of a class needs arguments: nobody has any for it."""
    try:
        parameters = inspect.signature(cls).parameters.values()
    except (TypeError, ValueError):
        # Of some classes nobody can tell before they are made.
        return
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if needed:
        raise TypeError(
            f"{cls.__name__}() needs arguments ({', '.join(needed)}), and an adapter is made without any: give them "
            "defaults, and take what they hold from the profile"
        )


def _words(cls: type) -> str:
    """What it says about itself, with its version."""
    said = getattr(cls, "description", None)
    if not isinstance(said, str) or not said.strip():
        own = vars(cls).get("__doc__")
        said = inspect.cleandoc(own).split("\n\n")[0] if isinstance(own, str) else str(getattr(cls, "name", ""))
    version = getattr(cls, "version", None)
    known = f"version {version}" if isinstance(version, (str, int, float)) and version else "version unknown"
    return f"{said.strip()} ({known})".strip()
