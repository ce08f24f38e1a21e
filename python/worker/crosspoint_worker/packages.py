"""Which connector packages an environment has: `… --list [--path FOLDER]… [DISTRIBUTION]…`.

Nothing is imported. One line of JSON is printed: `packages`, the names of top-level packages; `missing`, the
distributions that are not installed.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import pkgutil
import sys
from typing import Iterator, List, Optional, Set

PREFIX = "connector_"


def main(arguments: List[str]) -> int:
    """Prints the list. With distributions only what they own; with folders what lies in them, too."""
    folders, names = [], []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--path":
            folders.append(next(rest, ""))
        else:
            names.append(argument)
    missing: List[str] = []
    if names or folders:
        packages = set(_packages(folders))
        for name in names:
            owned = _owned(name)
            if owned is None:
                missing.append(name)
            packages |= owned or set()
    else:
        packages = set(_packages(None))
    print(json.dumps({"packages": sorted(packages), "missing": missing}), flush=True)
    return 0


def _packages(folders: Optional[List[str]]) -> Iterator[str]:
    """Packages in folders; in all of `sys.path` when none are given."""
    for info in pkgutil.iter_modules(folders):
        if info.ispkg and info.name.startswith(PREFIX):
            yield info.name


def _owned(name: str) -> Optional[Set[str]]:
    """The connector packages of a distribution; None when it is not installed."""
    try:
        distribution = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return None
    tops: Set[str] = set()
    for file in distribution.files or []:
        if len(file.parts) == 1 and file.suffix == ".pth":
            # Installed in place: the file names the folder of the source.
            tops.update(_packages(_folders_of(str(distribution.locate_file(file)))))
        elif len(file.parts) > 1:
            tops.add(file.parts[0])
    tops.update((distribution.read_text("top_level.txt") or "").split())
    return tops & set(_packages(None))


def _folders_of(path: str) -> List[str]:
    try:
        with open(path, encoding="utf-8") as lines:
            return [line.strip() for line in lines if os.path.isdir(line.strip())]
    except (OSError, UnicodeDecodeError):
        return []


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
