"""The commands of an adapter: what it declares, what is configured, and what its source gives away."""

from __future__ import annotations

import inspect
import re
from typing import Any, Callable, Dict, List, Optional, Tuple

from . import adapter_places, adapter_source

OPEN = "execute"
"""The command that takes any action, of adapters that declare none."""

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,128}")

Described = Dict[str, Any]


class Action:
    """One command. `name` is the action that the adapter is asked for; none where the call says it."""

    def __init__(self, name: Optional[str], description: str, schema: Dict[str, Any], idempotent: bool = False) -> None:
        self.name = name
        self.description = description
        self.idempotent = idempotent
        properties = schema.get("properties")
        self._properties: Dict[str, Any] = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        self._required = [n for n in required if isinstance(n, str)] if isinstance(required, list) else []
        # As JSON Schema has it: others may come, too, unless it is forbidden.
        self.open = schema.get("additionalProperties") is not False

    def described(self) -> Described:
        """As the `initialize` result has it."""
        names = list(self._properties) + [name for name in self._required if name not in self._properties]
        return {
            "name": self.name or OPEN,
            "description": self.description,
            "parameters": [self._parameter(name) for name in names],
            "open": self.open,
            "long": False,
            "idempotent": self.idempotent,
        }

    def mistakes(self, arguments: Dict[str, Any]) -> Optional[str]:
        """What is missing. The host has looked, too: this is for what speaks to the worker itself."""
        missing = [name for name in self._required if name not in arguments]
        return f"the parameters of {self.name or OPEN} do not fit; missing: {', '.join(missing)}" if missing else None

    def _parameter(self, name: str) -> Described:
        schema = self._properties.get(name)
        schema = schema if isinstance(schema, dict) else {}
        return {"name": name, "required": name in self._required, "schema": schema}


def actions_of(
    cls: type, configured: List[str], instance: Callable[[], Any], problem: Callable[[str, Optional[BaseException]], None]
) -> Tuple[List[Action], "set[str]"]:
    """The commands of a class, and the actions that it is known to know.

    `instance` makes an object of it where its declaration has to be asked for. `problem` is told what cannot be used.
    """
    declared: Dict[str, Any] = {}
    try:
        declared = _declared(cls, instance)
    except BaseException as error:
        problem("asking it for its action_specs", error)
    found: Dict[str, Action] = {}
    for name, spec in declared.items():
        try:
            found[name] = _of_spec(name, spec)
        except Exception as error:
            problem(f"the declaration of its action {name!r}", error)
    inferred = [] if declared else adapter_source.actions_of(vars_execute(cls))
    for name in configured:
        found.setdefault(name, Action(name, "An action that the configuration names; its parameters are the payload.", {}))
    for name in inferred:
        words = f"Inferred from the source of {cls.__name__}, which compares its action with this name; "
        found.setdefault(name, Action(name, words + "the parameters are the payload.", {}))
    known = set(found)
    for name in [name for name in found if not _NAME.fullmatch(name) or name == OPEN and not declared]:
        del found[name]
        if not declared:
            continue
        problem(f"its action {name!r} has a name that no command can have: letters, digits, _, . and - are possible", None)
    actions = list(found.values())
    if not declared:
        actions.insert(0, _open())
    return actions, known


def vars_execute(cls: type) -> Any:
    """The function `execute` of a class, without what makes it a method."""
    function = inspect.getattr_static(cls, "execute")
    return getattr(function, "__func__", function)


def _open() -> Action:
    properties = {
        "action": {"type": "string", "description": "The action, as the adapter knows it."},
        "payload": {"type": "object", "description": "What the action takes."},
    }
    schema = {"properties": properties, "required": ["action"], "additionalProperties": False}
    return Action(None, "Runs any action of the adapter, which does not declare them.", schema)


def _declared(cls: type, instance: Callable[[], Any]) -> Dict[str, Any]:
    """The dict `action_specs`, or the dict `actions` of the how-to pages."""
    if not adapter_places.overrides(cls, "action_specs"):
        actions = inspect.getattr_static(cls, "actions", None)
        return dict(actions) if isinstance(actions, dict) else {}
    declared = inspect.getattr_static(cls, "action_specs")
    if not isinstance(declared, dict):
        declared = instance().action_specs
        declared = declared() if callable(declared) else declared
    if not isinstance(declared, dict):
        raise TypeError(f"it is {type(declared).__name__}, and a dict of actions by name is needed")
    return {str(name): spec for name, spec in declared.items()}


def _of_spec(name: str, spec: Any) -> Action:
    """An `ActionSpec`, whichever package it is from, or a dict of its members."""
    get: Callable[[str], Any] = spec.get if isinstance(spec, dict) else lambda member: getattr(spec, member, None)
    schema = get("input_schema")
    schema = schema if isinstance(schema, dict) else {}
    return Action(name, str(get("description") or ""), schema, bool(get("idempotent")))
