"""Which actions an adapter knows, by its source: the literal names that `execute` compares its action with.

An adapter written from the guide declares nothing. What is found here is a guess, and told as one.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from typing import Any, Iterator, List, Set, Union

_Function = (ast.FunctionDef, ast.AsyncFunctionDef)


def actions_of(execute: Any) -> List[str]:
    """The names in the order of the source; none where the source cannot be had."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(execute))))
    except (OSError, TypeError, SyntaxError, ValueError):
        return []
    function = next((node for node in ast.walk(tree) if isinstance(node, _Function)), None)
    if function is None:
        return []
    finder = _Finder(function)
    finder.visit(function)
    return list(dict.fromkeys(finder.found))


class _Finder(ast.NodeVisitor):
    """Walks one function. What is compared with its action is found, and the keys of a dict that the action chooses from."""

    def __init__(self, function: Union[ast.FunctionDef, ast.AsyncFunctionDef]) -> None:
        self.found: List[str] = []
        positional = [*getattr(function.args, "posonlyargs", []), *function.args.args]
        decorators = {d.id for d in function.decorator_list if isinstance(d, ast.Name)}
        at = 0 if "staticmethod" in decorators else 1
        self._action = positional[at].arg if len(positional) > at else None
        # Dicts that are given a name in the function, by that name.
        self._tables = {
            target.id: node.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        self._seen: Set[int] = set()

    def visit_Compare(self, node: ast.Compare) -> None:
        """`action == "send"`, `"send" == action`, `action in ("send", "post")`, and their negations."""
        sides = [node.left, *node.comparators]
        if any(self._is_action(side) for side in sides):
            for side in sides:
                self._take(side)
        self.generic_visit(node)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        """`{"send": self._send}[action]`."""
        index: ast.AST = node.slice
        # Python 3.8 and older wrapped it.
        if self._is_action(getattr(index, "value", index)) or self._is_action(index):
            self._take(node.value)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """`{"send": self._send}.get(action)`."""
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr == "get" and node.args and self._is_action(node.args[0]):
            self._take(called.value)
        self.generic_visit(node)

    def visit_Match(self, node: Any) -> None:
        """`match action: case "send" | "post": …` (Python 3.10 and newer)."""
        if self._is_action(node.subject):
            for case in node.cases:
                for part in ast.walk(case.pattern):
                    if type(part).__name__ == "MatchValue":
                        self._take(part.value)
        self.generic_visit(node)

    def _is_action(self, node: ast.AST) -> bool:
        return isinstance(node, ast.Name) and node.id == self._action

    def _take(self, node: ast.AST) -> None:
        self.found.extend(self._texts(node))

    def _texts(self, node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, (ast.Tuple, ast.List, ast.Set)):
            for element in node.elts:
                yield from self._texts(element)
        elif isinstance(node, ast.Dict):
            for key in node.keys:
                if key is not None:
                    yield from self._texts(key)
        elif isinstance(node, ast.Name) and node.id in self._tables and id(node) not in self._seen:
            self._seen.add(id(node))
            yield from self._texts(self._tables[node.id])
