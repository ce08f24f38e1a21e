"""The blocks of the guide, put together as somebody would who follows it. No character of a block is changed."""

from __future__ import annotations

import os
from typing import Dict

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "from_the_guide")

PACKAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
"""The folder that has `automate_connectors`."""


def block(name: str) -> str:
    """One of `adapter.py`, `registration.py`, `entry_point.toml` and `testing.py`."""
    with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
        return file.read()


def write(folder: str, files: Dict[str, str]) -> None:
    """Writes files by their paths in a folder."""
    for path, text in files.items():
        whole = os.path.join(folder, path)
        os.makedirs(os.path.dirname(whole), exist_ok=True)
        with open(whole, "w", encoding="utf-8") as file:
            file.write(text)


def installed(name: str, entry_points: str, version: str = "1.0") -> Dict[str, str]:
    """The metadata that an installed distribution has in `site-packages`."""
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    return {
        f"{folder}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{folder}/entry_points.txt": entry_points,
    }
