"""Refuses to work in an environment that has the real package, too.

Both own the folder `automate_connectors`: whoever is installed last writes over files of the other, and what is left
is neither. pip does not notice that by itself.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
from typing import Iterator, List, Optional
from urllib.parse import unquote, urlsplit

NAME = "crosspoint-automate-connectors"
"""The distribution that this package belongs to."""

VERSION = "0.1.0"

REAL = "django-automate"
"""The distribution that the real package belongs to."""

MESSAGE = (
    "automate_connectors is owned by two distributions in {folder}: {real} and {ours}. They write over each other's "
    "files. Remove both (pip uninstall {real} {ours}) and install the one you want."
)


def refuse_company(package: str) -> None:
    """Raises ImportError when the real distribution is installed where this package is.

    `package` is the path of the package's `__init__.py`. A copy that lies outside of an environment, as Crosspoint
    puts in front of the path of its workers, may see the real package there: it is whole, and goes before it.
    """
    parent = os.path.dirname(os.path.dirname(os.path.abspath(package)))
    for folder in (parent, _editable_from(parent)):
        if folder is not None and has(REAL, [folder]):
            raise ImportError(MESSAGE.format(folder=folder, real=REAL, ours=NAME))


def has(name: str, folders: List[str]) -> bool:
    """Whether a distribution is installed in one of the folders."""
    return any(True for _ in found(name, folders))


def found(name: str, folders: List[str]) -> Iterator[importlib.metadata.Distribution]:
    """The installations of a distribution in folders."""
    context = importlib.metadata.DistributionFinder.Context(name=name, path=folders)
    return iter(importlib.metadata.Distribution.discover(context=context))


def _editable_from(parent: str) -> Optional[str]:
    """The folder that has the metadata of this package when it is installed in place (`pip install -e`)."""
    try:
        distribution = importlib.metadata.distribution(NAME)
        origin = json.loads(distribution.read_text("direct_url.json") or "{}")
        if not origin.get("dir_info", {}).get("editable"):
            return None
        source = unquote(urlsplit(origin["url"]).path)
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError, OSError):
        return None
    same = os.path.realpath(source) == os.path.realpath(parent)
    return os.path.abspath(str(distribution.locate_file(""))) if same else None
