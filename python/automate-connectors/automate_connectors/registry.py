"""Which adapters there are."""

from __future__ import annotations

import logging
from importlib.metadata import EntryPoint
from typing import Any, Dict, Iterable, Optional, TypeVar

from .entry_points import Loaded, load

__all__ = [
    "ConnectorRegistry",
    "Loaded",
    "connector_registry",
    "get_adapter_cls",
    "get_connector_registry",
    "load_entry_points",
    "register",
    "register_connector",
]

Adapter = TypeVar("Adapter", bound=type)

logger = logging.getLogger(__name__)


class ConnectorRegistry:
    """Adapter classes by name."""

    def __init__(self) -> None:
        self._adapters: Dict[str, type] = {}

    def register(self, name: Any, adapter_cls: Optional[type] = None) -> Any:
        """Registers a class, and returns it.

        `register("name", cls)`; `register(cls)` under its `code`, or else its `name`; both forms also as a decorator,
        `@register("name")` and `@register`. The last one of a name wins, with a warning. What is no adapter class is a
        TypeError.
        """
        if isinstance(name, str) and adapter_cls is None:
            return lambda decorated: self._add(name, decorated)
        if adapter_cls is None:
            return self._add(key_of(name), name)
        return self._add(name, adapter_cls)

    def get_adapter_cls(self, code: str) -> type:
        """The class of a name. ValueError when there is none."""
        if code not in self._adapters:
            known = ", ".join(sorted(self._adapters)) or "none"
            raise ValueError(f"Connector '{code}' not found (registered: {known})")
        return self._adapters[code]

    def adapters(self) -> Dict[str, type]:
        """All classes by name: a copy, in the order of their registration."""
        return dict(self._adapters)

    def __contains__(self, name: object) -> bool:
        return name in self._adapters

    def _add(self, name: Any, adapter_cls: Adapter) -> Adapter:
        check_adapter(adapter_cls)
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"the name of {adapter_cls.__name__} has to be text, not {name!r}")
        before = self._adapters.get(name)
        if before is not None and before is not adapter_cls:
            logger.warning(
                "Connector %s was %s and is now %s: the last registration wins", name, _path(before), _path(adapter_cls)
            )
        self._adapters[name] = adapter_cls
        return adapter_cls


def check_adapter(candidate: Any) -> None:
    """Raises TypeError for what is no adapter class. It need not inherit from ConnectorAdapter."""
    if not isinstance(candidate, type):
        raise TypeError(f"an adapter is a class, not {candidate!r}")
    if not callable(getattr(candidate, "execute", None)):
        raise TypeError(f"{candidate.__name__} is no adapter: it has no execute()")


def key_of(adapter_cls: Any) -> str:
    """The name under which a class wants to be registered: its `code`, or else its `name`."""
    check_adapter(adapter_cls)
    for attribute in ("code", "name"):
        key = getattr(adapter_cls, attribute, None)
        if isinstance(key, str) and key:
            return key
    raise TypeError(f"{adapter_cls.__name__} has neither code nor name: register it with a name")


def _path(adapter_cls: type) -> str:
    return f"{adapter_cls.__module__}.{adapter_cls.__qualname__}"


connector_registry = ConnectorRegistry()
"""The registry of this process."""


def get_connector_registry() -> ConnectorRegistry:
    """The registry of this process."""
    return connector_registry


def get_adapter_cls(code: str) -> type:
    """The class of a name in the registry of this process. ValueError when there is none."""
    return connector_registry.get_adapter_cls(code)


def register(name: Any, adapter_cls: Optional[type] = None) -> Any:
    """Registers in the registry of this process, in all forms of `ConnectorRegistry.register`."""
    return connector_registry.register(name, adapter_cls)


register_connector = register



def load_entry_points(points: Optional[Iterable[EntryPoint]] = None) -> Loaded:
    """Registers the adapters that installed distributions declare, or those of `points`. See `entry_points.load`."""
    return load(connector_registry, points)
