"""Finds what JSON cannot hold, and says where it is and what to do."""

from __future__ import annotations

import datetime
import decimal
import math
from typing import Any, Iterator, List, Optional, Set, Tuple

_Path = Optional[Tuple[Any, Any]]
"""A place: what it is in, and the key or index there; None for the whole result."""

_LONGEST_PLACE = 200


def problem(result: Any) -> str:
    """One sentence on the first thing that cannot be written, in the order of the result."""
    seen: Set[int] = set()
    # Walked with a list, because what is wrong may be that it is nested too deeply.
    todo: List[Tuple[bool, _Path, Any]] = [(False, None, result)]
    while todo:
        leaving, path, value = todo.pop()
        if leaving:
            seen.discard(id(value))
            continue
        wrong = _wrong(value)
        if wrong is not None:
            return f"{_place(path)} {wrong}"
        if not isinstance(value, (dict, list, tuple)):
            continue
        if id(value) in seen:
            return f"{_place(path)} contains itself: return a copy without the circle"
        seen.add(id(value))
        todo.append((True, path, value))
        parts = []
        for key, part in _parts(value):
            if not isinstance(key, (str, int, float, type(None))):
                return f"{_place(path)} has a key that is {_kind(key)}: use text for keys"
            if isinstance(key, float) and not math.isfinite(key):
                return f"{_place(path)} has the key {key}: use text for keys"
            parts.append((False, (path, key), part))
        todo.extend(reversed(parts))
    return "it is nested too deeply: return a flatter one"


def _parts(value: Any) -> Iterator[Tuple[Any, Any]]:
    return iter(value.items()) if isinstance(value, dict) else enumerate(value)


def _wrong(value: Any) -> Optional[str]:
    """What is wrong with a value by itself."""
    if value is None or isinstance(value, (str, bool, dict, list, tuple)):
        return None
    if isinstance(value, int):
        try:
            int.__repr__(value)
        except ValueError:
            return "is an integer with more digits than Python writes: return it as text"
        return None
    if isinstance(value, float):
        return None if math.isfinite(value) else f"is {value}, which is no JSON number: return None or text instead"
    return f"is {_kind(value)}, which JSON does not have: {_advice(value)}"


def _kind(value: Any) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _advice(value: Any) -> str:
    if isinstance(value, (datetime.date, datetime.time)):
        return "return its isoformat()"
    if isinstance(value, decimal.Decimal):
        return "return str() or float() of it"
    if isinstance(value, (set, frozenset)):
        return "return a list"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "return decoded text or Base64"
    return "return text, numbers, booleans, None, lists and dicts only"


def _place(path: _Path) -> str:
    """The place as one would write it: `command_response.body.rows[3].when`."""
    keys = []
    while path is not None:
        path, key = path
        keys.append(key)
    text = ""
    for key in reversed(keys):
        if isinstance(key, str) and key.isidentifier():
            text += f".{key}" if text else key
        else:
            text += f"[{key!r}]"
        if len(text) > _LONGEST_PLACE:
            return text[:_LONGEST_PLACE] + "…"
    return text or "it"
