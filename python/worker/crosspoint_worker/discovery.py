"""Finding commands and auths in packages and files, by the rules of the reference host.

What differs on purpose: modules are imported under their real names, once, so that relative imports work and nothing
runs twice; a module that cannot be imported is reported and the rest is served.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pkgutil
import re
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any, Callable, Dict, Iterator, List, Optional, Union

from . import failures
from .describe import Target

if TYPE_CHECKING:
    from .adapters import AdapterCommand

Problem = Dict[str, Optional[str]]
AnyTarget = Union[Target, "AdapterCommand"]


class Connector:
    """What was found of one connector."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.description = ""
        self.commands: Dict[str, AnyTarget] = {}
        self.auths: Dict[str, AnyTarget] = {}
        # Of an adapter: what tries whether its system can be reached, if it has that.
        self.check: Optional[AnyTarget] = None
        self.is_adapter = False
        self.problems: List[Problem] = []

    def describe(self) -> Dict[str, Any]:
        """As the `initialize` result has it. What cannot be described becomes a problem."""
        described = {
            "name": self.name,
            "description": self.description,
            "commands": self._described(self.commands),
            "auths": self._described(self.auths),
        }
        if self.is_adapter:
            described.update(adapter=True, check=self.check is not None)
        return described

    def problem(self, module: Optional[str], message: str, error: Optional[BaseException] = None) -> None:
        """Notes what is not served, and why."""
        detail = None if error is None else failures.traceback_of(error)
        if error is not None:
            message = f"{message}: {failures.reason_of(error)}"
        self.problems.append({"connector": self.name, "module": module, "message": message, "traceback": detail})

    def _described(self, targets: Dict[str, AnyTarget]) -> List[Dict[str, Any]]:
        found = []
        for target in list(targets.values()):
            try:
                found.append(target.description())
            except Exception as error:
                self.problem(target.cls.__module__, f"the class {target.name} cannot be described", error)
                del targets[target.name]
        return found


def load(name: str, module: Optional[str], file: Optional[str]) -> Connector:
    """Imports a connector, a package or a single file. Never raises: problems are noted."""
    connector = Connector(name)
    if file is not None:
        _load_file(connector, file)
    elif module is not None:
        _load_package(connector, module)
    return connector


def _load_package(connector: Connector, name: str) -> None:
    package = _attempt(connector, name, lambda: importlib.import_module(name))
    if package is None:
        return
    connector.description = _first_paragraph(package.__doc__)
    if not hasattr(package, "__path__"):
        # A top-level module is as good as a file.
        _collect(connector, package, connector.commands, _is_command)
        return
    if getattr(package, "__file__", None) is None:
        folder = next(iter(package.__path__), name)
        connector.problem(name, f"{folder} has no __init__.py, so it is not a package: add an empty one")
        return
    commands = _load_part(connector, package, "commands", connector.commands, _is_command)
    auths = _load_part(connector, package, "auths", connector.auths, lambda cls: True)
    if not (commands or auths):
        connector.problem(name, f"{name} has no sub-package named commands, so there is nothing to serve")


def _load_part(
    connector: Connector, package: ModuleType, part: str, into: Dict[str, AnyTarget], wanted: Callable[[type], bool]
) -> bool:
    """Loads the modules of one sub-package. False when there is no sign of it."""
    found = [info for info in pkgutil.iter_modules(package.__path__) if info.name == part]
    name = f"{package.__name__}.{part}"
    if not found:
        folders = [os.path.join(folder, part) for folder in package.__path__]
        bare = [folder for folder in folders if os.path.isdir(folder) and _has_modules(folder)]
        for folder in bare:
            connector.problem(name, f"{folder} has no __init__.py, so nothing in it is found: add an empty one")
        return bool(bare)
    if not found[0].ispkg:
        connector.problem(name, f"{name} is a module, and a package is needed: a folder with an __init__.py")
        return True
    sub_package = _attempt(connector, name, lambda: importlib.import_module(name))
    if sub_package is not None:
        for module in _modules(connector, sub_package):
            _collect(connector, module, into, wanted)
    return True


def _modules(connector: Connector, package: ModuleType) -> Iterator[ModuleType]:
    """The modules right in a package, by name. Of packages nested deeper only the `__init__` counts, as there."""
    for info in pkgutil.iter_modules(package.__path__):
        name = f"{package.__name__}.{info.name}"
        module = _attempt(connector, name, lambda: importlib.import_module(name))
        if module is not None:
            yield module


def _load_file(connector: Connector, path: str) -> None:
    """A single file is a module named after it, with the prefix that keeps `email.py` off the library's `email`."""
    stem = re.sub(r"\W", "_", os.path.splitext(os.path.basename(path))[0])
    base = stem if stem.startswith("connector_") else f"connector_{stem}"
    name, number = base, 2
    while name in sys.modules:
        name, number = f"{base}_{number}", number + 1

    def execute() -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    module = _attempt(connector, name, execute)
    if module is None:
        return
    connector.description = _first_paragraph(module.__doc__)
    _collect(connector, module, connector.commands, _is_command)
    if not connector.commands:
        connector.problem(name, f"{path} defines no class with a method named execute")


def _attempt(connector: Connector, name: str, action: Callable[[], ModuleType]) -> Optional[ModuleType]:
    """Imports. A connector may raise anything, `SystemExit` included."""
    try:
        return action()
    except BaseException as error:
        connector.problem(name, f"importing {name}", error)
        return None


def _collect(
    connector: Connector, module: ModuleType, into: Dict[str, AnyTarget], wanted: Callable[[type], bool]
) -> None:
    """Takes the classes that a module defines itself, by name."""
    for name, member in sorted(vars(module).items()):
        if not inspect.isclass(member) or member.__module__ != module.__name__ or name.startswith("_"):
            continue
        if inspect.isabstract(member) or not wanted(member):
            continue
        if name in into:
            # The later module wins, as in the reference host.
            other = into[name].cls.__module__
            connector.problem(module.__name__, f"{name} is defined in {other} too; the one in {module.__name__} is served")
        try:
            into[name] = Target(name, member)
        except Exception as error:
            connector.problem(module.__name__, f"the class {name} cannot be described", error)


def _is_command(cls: type) -> bool:
    return callable(getattr(cls, "execute", None)) or callable(getattr(cls, "execute_async", None))


def _has_modules(folder: str) -> bool:
    return any(name.endswith(".py") for name in os.listdir(folder))


def _first_paragraph(text: Optional[str]) -> str:
    return inspect.cleandoc(text).split("\n\n")[0] if text else ""
