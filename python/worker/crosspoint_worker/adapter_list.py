"""Which adapters of Django Automate an environment has: `… --adapters`, asked by standard input.

Entry points are read from what is installed, without importing anything. Where a distribution or a project has none, its
modules that mention `automate_connectors` are imported, one by one, to see what they register. Each line printed is a JSON
object with one member: `adapter`, `problem`, `importing` (what is imported next) or `done`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import os
import sys
import urllib.parse
from types import ModuleType
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Set

from . import adapter_places, failures

GROUPS = ("automate.connectors", "django_automate.connectors")

_OURS = {"django-automate", "crosspoint-automate-connectors", "crosspoint-automate"}
"""Distributions of Django Automate itself and of Crosspoint, whose adapters are not mounted with an environment."""

_NO_ADAPTERS = {"tests", "test", "testing", "conftest", "setup", "migrations", "node_modules", "__pycache__"}

_MENTION = b"automate_connectors"

_LARGEST = 1 << 20


def main() -> int:
    """Prints what is found."""
    asked = json.load(sys.stdin)
    # What is imported may print.
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path[:0] = asked["import_path"]
    sys.dont_write_bytecode = True

    def tell(**member: Any) -> None:
        out.write(json.dumps(member) + "\n")
        out.flush()

    Finder(asked["search"], set(asked["skip"]), tell).run()
    tell(done=True)
    out.close()
    # Threads that modules started must not keep this process.
    os._exit(0)


class Finder:
    """One search."""

    def __init__(self, search: Dict[str, Any], skip: Set[str], tell: Callable[..., None]) -> None:
        self._search = search
        self._skip = skip
        self._tell = tell
        self._known: Dict[str, Dict[str, str]] = {}

    def run(self) -> None:
        """Looks everywhere that was asked for."""
        for name, value in self._search["declared"]:
            self._entry(name, value, "pyproject.toml")
        for file in self._search["files"]:
            self._import(file, lambda file=file: adapter_places.import_file(file), {"file": file})
        bare: List[importlib.metadata.Distribution] = []
        for distribution in self._distributions():
            points = [point for point in distribution.entry_points if point.group in GROUPS]
            for point in points:
                self._entry(point.name, point.value, str(distribution.metadata["Name"]))
            if not points:
                bare.append(distribution)
            elif _origin(distribution) in self._search["projects"]:
                # Only its metadata knew: its source need not be looked through.
                project = os.path.join(str(_origin(distribution)), "")
                roots = self._search["roots"]
                self._search["roots"] = [root for root in roots if not os.path.join(root, "").startswith(project)]
        if self._search["modules"]:
            modules: Iterable[str] = self._search["modules"]
        else:
            modules = self._modules(bare)
        for module in modules:
            self._import(module, lambda module=module: importlib.import_module(module), {"module": module})

    def _entry(self, name: str, value: str, where: str) -> None:
        module, _, wanted = value.partition(":")
        place = {"module": module.strip()}
        wanted = wanted.split("[")[0].strip()
        if wanted:
            self._found(name, {**place, "object": wanted}, where)
        else:
            # It names a module that registers adapters.
            self._import(place["module"], lambda: importlib.import_module(place["module"]), place)

    def _found(self, name: str, place: Dict[str, str], where: str) -> None:
        """An adapter. The first of a name is served."""
        known = self._known.setdefault(name, place)
        if known is place:
            self._tell(adapter={"name": name, **place})
        elif known != place:
            self._tell(problem=f"{name}: {_shown(place)} ({where}) has the name of {_shown(known)}, which is served")

    def _import(self, what: str, action: Callable[[], ModuleType], place: Dict[str, str]) -> None:
        """Imports a module, and takes what it registers; else what it defines."""
        if what in self._skip:
            return
        self._tell(importing=what)
        before = adapter_places.registered()
        try:
            module = action()
        except BaseException as error:
            self._tell(problem=f"{what}: importing it: {failures.reason_of(error)}")
            return
        # One that an earlier one imported has registered what it registers already.
        new = {
            name: cls
            for name, cls in adapter_places.registered().items()
            if before.get(name) is not cls or getattr(cls, "__module__", None) == module.__name__
        }
        for name in new:
            if name not in self._known:
                self._found(name, {**place, "registered": name}, what)
        if new:
            return
        there = set(map(id, adapter_places.registered().values()))
        for cls in adapter_places.defined_in(module):
            if id(cls) not in there:
                self._found(adapter_places.key_of(cls), {**place, "object": cls.__name__}, what)

    def _distributions(self) -> Iterator[importlib.metadata.Distribution]:
        """Those that were asked for, each once."""
        wanted = {_normal(name) for name in self._search["distributions"]}
        seen: Set[str] = set()
        for distribution in importlib.metadata.distributions():
            name = _normal(str(distribution.metadata["Name"]))
            asked = self._search["all"] or name in wanted or _origin(distribution) in self._search["projects"]
            if asked and name not in seen and name not in _OURS:
                seen.add(name)
                yield distribution

    def _modules(self, bare: List[importlib.metadata.Distribution]) -> Iterator[str]:
        """Modules whose source mentions the package: of projects used from source, and of distributions without entry
        points."""
        for root in self._search["roots"]:
            inside = os.path.exists(os.path.join(root, "__init__.py"))
            yield from _mentioning(root, os.path.basename(root) if inside else "")
        if self._search["all"]:
            owned = {"automate_connectors"}
            for distribution in importlib.metadata.distributions():
                declares = any(point.group in GROUPS for point in distribution.entry_points)
                if declares or _normal(str(distribution.metadata["Name"])) in _OURS:
                    owned.update(_tops(distribution))
            for folder in sys.path:
                if folder.startswith(sys.prefix) and folder.endswith("-packages"):
                    for top in sorted(os.listdir(folder)):
                        name = top[:-3] if top.endswith(".py") else top
                        if name not in owned:
                            yield from _mentioning(os.path.join(folder, top), name)
            return
        for distribution in bare:
            for top in sorted(_tops(distribution)):
                for place in (top, f"{top}.py"):
                    path = str(distribution.locate_file(place))
                    if os.path.exists(path):
                        yield from _mentioning(path, top)


def _mentioning(path: str, name: str) -> Iterator[str]:
    """The modules below a path that mention the package; `name` is that of the module at the path itself."""
    base = os.path.basename(path)
    stem = base[:-3] if base.endswith(".py") else base
    if name and (not name.split(".")[-1].isidentifier() or stem in _NO_ADAPTERS):
        return
    if os.path.isfile(path):
        if path.endswith(".py") and not base.startswith("test_") and _mentions(path):
            yield name[: -len(".__init__")] if name.endswith(".__init__") else name
        return
    try:
        entries = sorted(os.listdir(path))
    except OSError:
        return
    for entry in entries:
        inner = entry[:-3] if entry.endswith(".py") else entry
        below = os.path.join(path, entry)
        if entry.startswith(".") or not (entry.endswith(".py") or os.path.isdir(below)):
            continue
        yield from _mentioning(below, f"{name}.{inner}" if name else inner)


def _mentions(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _MENTION in file.read(_LARGEST)
    except OSError:
        return False


def _tops(distribution: importlib.metadata.Distribution) -> Set[str]:
    """The modules and packages that a distribution installed at the top."""
    tops = set((distribution.read_text("top_level.txt") or "").split())
    for file in distribution.files or []:
        first = file.parts[0]
        if len(file.parts) > 1 and not first.endswith((".dist-info", ".egg-info")) and first not in ("..", "__pycache__"):
            tops.add(first)
        elif len(file.parts) == 1 and first.endswith(".py"):
            tops.add(first[:-3])
    return tops


def _origin(distribution: importlib.metadata.Distribution) -> Optional[str]:
    """The folder that a distribution was installed from."""
    try:
        url = json.loads(distribution.read_text("direct_url.json") or "{}").get("url", "")
    except ValueError:
        return None
    return urllib.parse.unquote(urllib.parse.urlsplit(url).path) if url.startswith("file:") else None


def _normal(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _shown(place: Dict[str, str]) -> str:
    where = place.get("module") or place.get("file") or ""
    return f"{where}:{place['object']}" if "object" in place else where
