"""What a command or auth takes, from its constructor, by the rules of the reference host."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import sys
from typing import Any, Dict, FrozenSet, List, Mapping, Optional

from . import docstrings, hints
from .schema import Schema, schema_of, takes_none

_SKIPPED = {"self", "kwargs"}


class Target:
    """A class that can be called: its description for the host, and what is precomputed for calls."""

    def __init__(self, name: str, cls: type) -> None:
        """Raises ValueError or TypeError when the class does not tell what it takes."""
        self.name = name
        self.cls = cls
        # How many calls in a row were quick: the pool's note.
        self.streak = 0
        signature = _signature(cls)
        parameters = list(signature.parameters.values())
        self.open = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self._listed = [p for p in parameters if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self._known: FrozenSet[str] = frozenset(p.name for p in self._listed)
        self._needed: FrozenSet[str] = frozenset(p.name for p in self._listed if p.default is p.empty)
        self.long = callable(getattr(cls, "execute_async", None))

    def mistakes(self, arguments: Dict[str, Any]) -> Optional[str]:
        """Everything that does not fit about the names of the arguments; None when they fit."""
        names = arguments.keys()
        if self._needed <= names and (self.open or names <= self._known):
            return None
        missing = [p.name for p in self._listed if p.name in self._needed and p.name not in names]
        unknown = [] if self.open else [name for name in names if name not in self._known]
        parts = []
        if missing:
            parts.append(f"missing: {', '.join(missing)}")
        if unknown:
            known = ", ".join(p.name for p in self._listed) or "no parameters"
            parts.append(f"not known: {', '.join(unknown)} ({self.name} takes {known})")
        return f"the parameters of {self.name} do not fit; " + "; ".join(parts)

    def description(self) -> Dict[str, Any]:
        """As the `initialize` result has it."""
        words, about = _documentation(self.cls)
        names = hints.names_of(self.cls, inspect.unwrap(self.cls.__init__))  # type: ignore[misc]
        return {
            "name": self.name,
            "description": words,
            "parameters": [_parameter(p, names, about) for p in self._listed if p.name not in _SKIPPED],
            "open": self.open,
            "long": self.long,
        }


def _signature(cls: type) -> inspect.Signature:
    """The constructor's signature without `self`.

    A class with a `__new__` that takes anything (a singleton) tells nothing by itself, so `__init__` is asked first.
    """
    options: Dict[str, Any] = {}
    if sys.version_info >= (3, 14):
        import annotationlib

        # Names that exist for type checkers only must not make the class unusable.
        options["annotation_format"] = annotationlib.Format.FORWARDREF
    if getattr(cls, "__signature__", None) is not None or cls.__init__ is object.__init__:  # type: ignore[misc]
        return inspect.signature(cls, **options)
    signature = inspect.signature(cls.__init__, **options)  # type: ignore[misc]
    parameters = list(signature.parameters.values())
    if parameters and parameters[0].kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD):
        parameters = parameters[1:]
    return signature.replace(parameters=parameters)


def _parameter(parameter: inspect.Parameter, names: Mapping[str, Any], about: Mapping[str, str]) -> Dict[str, Any]:
    kind = Any if parameter.annotation is parameter.empty else hints.resolve(parameter.annotation, names)
    schema: Schema = schema_of(kind)
    if parameter.name in about:
        schema["description"] = about[parameter.name]
    has_default = parameter.default is not parameter.empty
    if has_default:
        default = _json(parameter.default)
        if default is not None:
            schema["default"] = default
    return {
        "name": parameter.name,
        "required": not has_default and not takes_none(kind),
        "schema": schema,
    }


def _json(value: Any) -> Any:
    """A default as JSON; None when it has none to show."""
    if isinstance(value, enum.Enum):
        value = value.value
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None


def _documentation(cls: type) -> "tuple[str, Dict[str, str]]":
    """The class's own words, else its constructor's, and what both say about parameters."""
    own: Optional[str] = cls.__doc__
    if dataclasses.is_dataclass(cls) and own and own.startswith(cls.__name__ + "("):
        # Written by `dataclass`: the signature again.
        own = None
    init = cls.__init__  # type: ignore[misc]
    words, about = docstrings.parse(own)
    init_words, init_about = docstrings.parse(init.__doc__ if init is not object.__init__ else None)
    documented: List[Dict[str, str]] = [init_about, about]
    merged = {name: text for part in documented for name, text in part.items()}
    return words or init_words, merged
