"""Finds the class of an adapter (Django Automate): by what an entry point names, or by what a module registers."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import re
import sys
from types import ModuleType
from typing import Any, Dict, List, Optional

from . import failures

BASE = "automate_connectors.adapters.base"
"""Where the base class of adapters is, in our package and in the real one."""


def load_class(place: Dict[str, Any]) -> type:
    """The class at a place: `module` or `file`, and in it `object` or the name that it is `registered` by.

    Raises whatever importing raises, and TypeError or LookupError where there is no adapter.
    """
    module = import_file(place["file"]) if place.get("file") else importlib.import_module(place["module"])
    wanted = place.get("object")
    if not wanted:
        return _registered_as(place["registered"], module)
    found: Any = module
    for part in wanted.split("."):
        found = getattr(found, part)
    return checked(found)


def checked(candidate: Any) -> type:
    """The same, when it is the class of an adapter."""
    if not isinstance(candidate, type):
        raise TypeError(f"an adapter is a class, and this is {candidate!r}")
    if not callable(getattr(candidate, "execute", None)):
        old = failures.INSTEAD if hasattr(candidate, "execute_action") else ""
        raise TypeError(f"{candidate.__name__} is no adapter: it has no execute(){old}")
    return candidate


def import_file(path: str) -> ModuleType:
    """Imports a single file, under a name that is no library's."""
    stem = re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0])
    name = f"automate_file_{stem}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def registered() -> Dict[str, Any]:
    """What is registered in this process by now, by name."""
    home = sys.modules.get("automate_connectors.registry")
    get = getattr(home, "get_connector_registry", None)
    registry = None if get is None else get()
    # That of the real package has no method for it.
    listed = getattr(registry, "adapters", None)
    found = listed() if callable(listed) else getattr(registry, "_connectors", None)
    return dict(found or {})


def defined_in(module: ModuleType) -> List[type]:
    """The adapters that a module defines itself, by name: what inherits from the base class."""
    members = [member for _, member in sorted(vars(module).items()) if inspect.isclass(member)]
    own = [member for member in members if member.__module__ == module.__name__]
    return [cls for cls in own if not cls.__name__.startswith("_") and inherits(cls) and overrides(cls, "execute")]


def inherits(cls: type) -> bool:
    """Whether a class inherits from the base class of adapters."""
    return any(base.__name__ == "ConnectorAdapter" and base.__module__ == BASE for base in cls.__mro__[1:])


def overrides(cls: type, name: str) -> bool:
    """Whether a class says something by a name that the base class does not."""
    for base in cls.__mro__:
        if name in vars(base):
            return base.__module__ != BASE and base is not object
    return False


def key_of(cls: type) -> str:
    """The name of an adapter that nobody named: its `code`, else its `name`, else that of the class."""
    for attribute in ("code", "name"):
        key = getattr(cls, attribute, None)
        if isinstance(key, str) and key.strip():
            return key
    return cls.__name__


def _registered_as(name: str, module: Optional[ModuleType]) -> type:
    known = registered()
    if name not in known:
        there = ", ".join(sorted(known)) or "nothing"
        where = "it" if module is None else module.__name__
        raise LookupError(f"{where} registers no adapter {name!r} any more, but {there}")
    return checked(known[name])
