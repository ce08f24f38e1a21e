"""Annotations as types, also where they are text.

`from __future__ import annotations` and forward references leave text behind. `typing.get_type_hints` gives up on all
of them when one name is unknown, or when an older Python cannot evaluate `str | None`. Here each is read for itself,
and only the part that is not understood becomes `Any`.
"""

from __future__ import annotations

import ast
import sys
import typing
from typing import Any, List, Mapping, Union


def resolve(annotation: Any, names: Mapping[str, Any]) -> Any:
    """The type that an annotation means; `names` is what its module knows."""
    if isinstance(annotation, typing.ForwardRef):
        annotation = annotation.__forward_arg__
    if not isinstance(annotation, str):
        return annotation
    try:
        tree = ast.parse(annotation.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError):
        return Any
    return _Reader(names).read(tree.body)


def names_of(owner: type, function: Any) -> Mapping[str, Any]:
    """The names that annotations of a class's constructor may use: its module's, then those of its bases' modules."""
    names: dict[str, Any] = {}
    for base in reversed(owner.__mro__):
        names.update(vars(sys.modules.get(base.__module__, typing)))
    names.update(getattr(function, "__globals__", {}))
    return names


class _Reader:
    """Reads the expressions that annotations are made of."""

    def __init__(self, names: Mapping[str, Any]) -> None:
        self._names = names

    def read(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            # Text within text is a forward reference again.
            return resolve(node.value, self._names) if isinstance(node.value, str) else node.value
        if isinstance(node, (ast.Name, ast.Attribute)):
            return self._named(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return Union[_type(self.read(node.left)), _type(self.read(node.right))]
        if isinstance(node, ast.Subscript):
            return self._subscript(node)
        return Any

    def _named(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Attribute):
            return getattr(self._named(node.value), node.attr, Any)
        if not isinstance(node, ast.Name):
            return Any
        found = self._names.get(node.id, Any)
        if found is Any:
            builtins = sys.modules["builtins"]
            found = getattr(builtins, node.id, Any)
        # An alias may itself be text.
        return found

    def _subscript(self, node: ast.Subscript) -> Any:
        base = self._named(node.value)
        inner: Any = node.slice
        parts: List[ast.expr] = list(inner.elts) if isinstance(inner, ast.Tuple) else [inner]
        if base is typing.Literal:
            arguments = [part.value if isinstance(part, ast.Constant) else self.read(part) for part in parts]
        else:
            arguments = [self.read(part) for part in parts]
        try:
            return base[tuple(arguments) if len(arguments) > 1 else arguments[0]]
        except Exception:
            return base


def _type(value: Any) -> Any:
    """`None` as the type that a union wants, and anything odd as `Any`."""
    if value is None:
        return type(None)
    return value if isinstance(value, type) or typing.get_origin(value) is not None else Any
