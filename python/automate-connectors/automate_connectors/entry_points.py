"""Loads the adapters that installed distributions declare."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING, Dict, Iterable, Iterator, List, Optional

if TYPE_CHECKING:
    from .registry import ConnectorRegistry

GROUPS = ("automate.connectors", "django_automate.connectors")
"""Both names are in the documentation."""

logger = logging.getLogger(__name__)


@dataclass
class Loaded:
    """What came of it."""

    names: List[str] = field(default_factory=list)
    """The adapters that are registered now, in the order of loading: those of entry points, and those that their modules
    registered at import."""

    problems: Dict[str, str] = field(default_factory=dict)
    """The entry points that could not be loaded, each with the reason."""


def declared(
    path: Optional[List[str]] = None, problems: Optional[Dict[str, str]] = None
) -> Iterator[importlib.metadata.EntryPoint]:
    """The entry points of both groups, each once, of the distributions in `path` (all of `sys.path`).

    A distribution whose list cannot be read is written to `problems`, and the others are read.
    """
    found: Iterable[importlib.metadata.Distribution] = (
        importlib.metadata.distributions() if path is None else importlib.metadata.distributions(path=path)
    )
    names, seen = set(), set()
    for distribution in found:
        try:
            points = [point for point in distribution.entry_points if point.group in GROUPS]
            name = distribution.metadata["Name"] if points else None
        except Exception as error:
            logger.warning("Reading the entry points of %s", distribution, exc_info=True)
            if problems is not None:
                file = distribution.locate_file("")
                problems[f"a distribution in {file}"] = f"reading its entry points: {type(error).__name__}: {error}"
            continue
        # The first on the path is the one that is imported.
        if name is None or name in names:
            continue
        names.add(name)
        for point in points:
            # It may name an adapter in both groups.
            if (point.name, point.value) not in seen:
                seen.add((point.name, point.value))
                yield point


def load(registry: ConnectorRegistry, points: Optional[Iterable[importlib.metadata.EntryPoint]] = None) -> Loaded:
    """Registers what entry points name, under the names of the entry points: those given, or all in the environment.

    A value without a class names a module that registers adapters when it is imported. One that cannot be loaded is a
    problem, and the others are loaded; only KeyboardInterrupt ends it.
    """
    loaded = Loaded()
    for point in declared(problems=loaded.problems) if points is None else points:
        before = registry.adapters()
        try:
            _load(registry, point)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # A module may even leave by SystemExit.
            reason = f"{point.value}: {type(error).__name__}: {error}"
            logger.warning("Adapter %s was not loaded: %s", point.name, reason, exc_info=True)
            known = loaded.problems.get(point.name)
            loaded.problems[point.name] = reason if known is None else f"{known}; {reason}"
        for name, adapter_cls in registry.adapters().items():
            new = before.get(name) is not adapter_cls or (name == point.name and name not in loaded.problems)
            if new and name not in loaded.names:
                loaded.names.append(name)
    return loaded


def _load(registry: ConnectorRegistry, point: importlib.metadata.EntryPoint) -> None:
    target = point.load()
    if not isinstance(target, ModuleType):
        registry.register(point.name, target)
        return
    # It may have been imported before.
    package = f"{target.__name__}."
    if not any(f"{adapter_cls.__module__}.".startswith(package) for adapter_cls in registry.adapters().values()):
        raise TypeError("the module registers no adapter")
