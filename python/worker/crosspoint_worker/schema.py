"""Types as JSON Schema (2020-12), as far as it can tell: what is not understood takes any value."""

from __future__ import annotations

import collections.abc
import enum
import sys
import typing
from typing import Any, Dict, List, Union

Schema = Dict[str, Any]

_NONE = type(None)
_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", _NONE: "null"}
_ARRAYS = (
    list,
    tuple,
    set,
    frozenset,
    collections.abc.Collection,
    collections.abc.Iterable,
    collections.abc.MutableSequence,
    collections.abc.MutableSet,
    collections.abc.Sequence,
    collections.abc.Set,
)
_OBJECTS = (dict, collections.abc.Mapping, collections.abc.MutableMapping)
_DEPTH = 16
"""How deep types may be nested; beyond that any value will do. A type may contain itself."""


def schema_of(kind: Any, depth: int = 0) -> Schema:
    """The schema of what may be passed where this type is asked for. An optional type lists `null` last."""
    if depth > _DEPTH:
        return {}
    if kind is None:
        kind = _NONE
    if isinstance(kind, collections.abc.Hashable) and kind in _SIMPLE:
        return {"type": _SIMPLE[kind]}
    origin = typing.get_origin(kind) or kind
    arguments = typing.get_args(kind)
    if is_union(kind):
        return _union([schema_of(argument, depth + 1) for argument in arguments])
    if origin is typing.Literal:
        return _choices(list(arguments))
    if origin in _ARRAYS:
        items = [a for a in arguments if a is not Ellipsis]
        return _with({"type": "array"}, "items", schema_of(items[0], depth + 1) if len(items) == 1 else {})
    if origin in _OBJECTS:
        values = schema_of(arguments[1], depth + 1) if len(arguments) == 2 else {}
        return _with({"type": "object"}, "additionalProperties", values)
    if hasattr(kind, "__metadata__"):
        return _annotated(kind, depth)
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return _choices([member.value for member in kind])
    if isinstance(kind, type) and issubclass(kind, dict):
        return {"type": "object"}
    # NewType, and the aliases of `type X = ...`.
    meant = getattr(kind, "__supertype__", None) or getattr(kind, "__value__", None)
    return {} if meant is None else schema_of(meant, depth + 1)


def is_union(kind: Any) -> bool:
    """Whether a type is `Union[...]`, `Optional[...]` or `X | Y`."""
    origin = typing.get_origin(kind)
    if origin is Union:
        return True
    if sys.version_info >= (3, 10):
        import types

        return origin is types.UnionType
    return False


def takes_none(kind: Any) -> bool:
    """Whether a parameter of this type counts as optional, as the reference host counts."""
    if getattr(kind, "__metadata__", None) is not None:
        kind = typing.get_args(kind)[0]
    return kind is None or kind is _NONE or (is_union(kind) and _NONE in typing.get_args(kind))


def _with(schema: Schema, key: str, value: Schema) -> Schema:
    if value:
        schema[key] = value
    return schema


def _annotated(kind: Any, depth: int) -> Schema:
    """`Annotated[X, "what it is"]`."""
    schema = schema_of(typing.get_args(kind)[0], depth + 1)
    for note in kind.__metadata__:
        text = note if isinstance(note, str) else getattr(note, "documentation", None)
        if isinstance(text, str):
            schema["description"] = text
    return schema


def _choices(values: List[Any]) -> Schema:
    """An enumeration, when JSON has all of its values."""
    values = [value.value if isinstance(value, enum.Enum) else value for value in values]
    if not values or not all(type(value) in _SIMPLE for value in values):
        return {}
    types = _unique([_SIMPLE[type(value)] for value in values])
    return {"type": types[0] if len(types) == 1 else types, "enum": values}


def _union(parts: List[Schema]) -> Schema:
    """One of several. A single alternative beside `null` stays itself, and simple ones become a list of types."""
    null = {"type": "null"}
    others = [part for part in parts if part != null]
    if not all(others):
        return {}
    if len(others) == len(parts):
        alternatives = others
    elif len(others) == 1 and isinstance(others[0].get("type"), str):
        only = dict(others[0])
        only["type"] = [only["type"], "null"]
        if "enum" in only:
            only["enum"] = [*only["enum"], None]
        return only
    else:
        alternatives = [*others, null]
    if all(list(part) == ["type"] and isinstance(part["type"], str) for part in alternatives):
        return {"type": _unique([part["type"] for part in alternatives])}
    return {"anyOf": alternatives}


def _unique(names: List[str]) -> List[str]:
    return list(dict.fromkeys(names))
