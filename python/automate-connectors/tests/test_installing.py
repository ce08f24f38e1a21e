"""Installed by pip, alone and beside the real package. The latter is played by a distribution of its name and layout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import List

import guide

PROJECT = """
[project]
name = "my-package"
version = "1.0"
dependencies = ["crosspoint-automate-connectors"]

[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

"""

LOAD = "from automate_connectors.registry import load_entry_points; print(load_entry_points())"


class Environment:
    """A virtual environment in a folder, and a copy of our source, since building leaves files in it."""

    def __init__(self, folder: str) -> None:
        self.source = os.path.join(folder, "source")
        skipped = shutil.ignore_patterns("tests", "build", "*.egg-info", "__pycache__")
        shutil.copytree(guide.PACKAGE, self.source, ignore=skipped)
        self.folder = os.path.join(folder, "environment")
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", self.folder], check=True)
        self.packages = self.run("-c", "import sysconfig; print(sysconfig.get_path('purelib'))").stdout.strip()

    @property
    def python(self) -> str:
        return os.path.join(self.folder, "bin", "python")

    def run(self, *arguments: str, path: str = "") -> "subprocess.CompletedProcess[str]":
        """Its interpreter, in a folder where nothing can be imported by accident."""
        return self._run(self.python, *arguments, path=path)

    def pip(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """The pip of the tests, run by the interpreter of the environment."""
        options = ["--python", self.python, "--disable-pip-version-check"]
        return self._run(sys.executable, "-m", "pip", *options, *arguments)

    def _run(self, *command: str, path: str = "") -> "subprocess.CompletedProcess[str]":
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        env = {**kept, "PYTHONPATH": path} if path else kept
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, check=False)

    def install_the_real_one(self) -> None:
        guide.write(self.packages, {"automate_connectors/__init__.py": "REAL = True\n"})
        guide.write(self.packages, guide.installed("django-automate", "", "0.1.0"))

    def files(self) -> List[str]:
        found = [(folder, names) for folder, _, names in os.walk(self.packages) if "__pycache__" not in folder]
        return sorted(os.path.join(folder, name) for folder, names in found for name in names)


class Installing(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.environment = Environment(self.folder)

    def succeeds(self, ended: "subprocess.CompletedProcess[str]") -> str:
        self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
        return ended.stdout

    def refuses(self, ended: "subprocess.CompletedProcess[str]") -> None:
        self.assertNotEqual(ended.returncode, 0)
        self.assertIn("pip uninstall django-automate crosspoint-automate-connectors", ended.stderr)

    def test_case_02_an_authors_package_with_the_guides_entry_point_is_found(self) -> None:
        self.succeeds(self.environment.pip("install", self.environment.source))
        author = os.path.join(self.folder, "author")
        files = {"my_package/__init__.py": "", "my_package/adapters.py": guide.block("adapter.py")}
        guide.write(author, {"pyproject.toml": PROJECT + guide.block("entry_point.toml"), **files})
        self.succeeds(self.environment.pip("install", author))
        said = self.succeeds(self.environment.run("-c", LOAD))
        self.assertEqual(said.strip(), "Loaded(names=['my_service'], problems={})")
        # Once more, over itself.
        self.succeeds(self.environment.pip("install", "--force-reinstall", self.environment.source))

    def test_beside_the_real_package_pip_refuses_and_changes_nothing(self) -> None:
        self.environment.install_the_real_one()
        before = self.environment.files()
        for how in ([], ["--editable"]):
            ended = self.environment.pip("install", *how, self.environment.source)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn("another package automate_connectors (that of django-automate)", ended.stdout + ended.stderr)
        self.assertEqual(self.environment.files(), before)

    def test_a_wheel_beside_the_real_package_says_which_to_remove_when_it_is_imported(self) -> None:
        self.succeeds(self.environment.pip("wheel", "--no-deps", "-w", self.folder, self.environment.source))
        wheel = next(name for name in os.listdir(self.folder) if name.endswith(".whl"))
        self.environment.install_the_real_one()
        self.succeeds(self.environment.pip("install", os.path.join(self.folder, wheel)))
        self.refuses(self.environment.run("-c", "import automate_connectors.registry"))

    def test_an_editable_install_says_so_too_when_the_real_package_comes_later(self) -> None:
        self.succeeds(self.environment.pip("install", "--editable", self.environment.source))
        self.succeeds(self.environment.run("-c", LOAD))
        guide.write(self.environment.packages, guide.installed("django-automate", "", "0.1.0"))
        self.refuses(self.environment.run("-c", "import automate_connectors.registry"))

    def test_a_copy_in_front_of_the_path_goes_before_the_real_package(self) -> None:
        self.environment.install_the_real_one()
        program = "import automate_connectors as it, automate_connectors.registry; print(hasattr(it, 'REAL'))"
        said = self.succeeds(self.environment.run("-c", program, path=self.environment.source))
        self.assertEqual(said.strip(), "False")


if __name__ == "__main__":
    unittest.main()
