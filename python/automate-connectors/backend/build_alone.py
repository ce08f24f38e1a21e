"""The build backend: setuptools, which refuses where another distribution already owns `automate_connectors`.

pip builds with the interpreter of the environment that it installs into, so that this sees it, and nothing is changed.
uv builds elsewhere, and a wheel is not built at all: then the package itself refuses, when it is imported.
"""

import os
import sys
import sysconfig

from setuptools import build_meta as _setuptools
from setuptools.build_meta import *  # noqa: F401,F403

_HERE = os.path.dirname(os.path.abspath(__file__))


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    _refuse()
    return _setuptools.build_wheel(wheel_directory, config_settings, metadata_directory)


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    _refuse()
    return _setuptools.build_editable(wheel_directory, config_settings, metadata_directory)


def _refuse():
    alone = {}
    with open(os.path.join(_HERE, "..", "automate_connectors", "_alone.py"), encoding="utf-8") as source:
        exec(source.read(), alone)  # Importing it would import the package.
    paths = sysconfig.get_paths()
    folders = sorted({paths["purelib"], paths["platlib"]})
    stranger = any(os.path.isdir(os.path.join(folder, "automate_connectors")) for folder in folders)
    if alone["has"](alone["REAL"], folders) or (stranger and not alone["has"](alone["NAME"], folders)):
        sys.exit(
            f"error: {folders[0]} has another package automate_connectors (that of {alone['REAL']}). It would be written "
            f"over. Remove it first, or use an environment of its own: python -m venv"
        )
