"""The application in a Django project. The registry of Django Automate's runtime is played by one of its form."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import unittest

REGISTRY = """
class Registry:
    def __init__(self):
        self.connectors = {}

    def register_connector(self, slug, connector_cls):
        self.connectors[slug] = connector_cls

registry = Registry()
"""

PROJECT = """
import django
from django.conf import settings

settings.configure(INSTALLED_APPS=["crosspoint_automate"])
django.setup()

from automate.registry import registry
from automate_connectors.registry import get_adapter_cls

print(registry.connectors["crosspoint"] is get_adapter_cls("crosspoint"), get_adapter_cls("crosspoint").__name__)
"""


class Application(unittest.TestCase):
    def test_a_project_that_lists_it_has_the_adapter_in_both_registries(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "automate"))
            for name, text in (("__init__", ""), ("registry", REGISTRY)):
                with open(os.path.join(folder, "automate", f"{name}.py"), "w", encoding="utf-8") as file:
                    file.write(text)
            ended = subprocess.run(
                [sys.executable, "-B", "-c", PROJECT],
                env={"PYTHONPATH": os.pathsep.join([*map(os.path.abspath, sys.path), folder])},
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertEqual((ended.stdout, ended.returncode), ("True CrosspointAdapter\n", 0), ended.stderr)


if __name__ == "__main__":
    unittest.main()
