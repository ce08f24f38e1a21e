"""Connectors that expect a Flask application around them, with the real Flask.

When the interpreter of the tests has no Flask, an environment is made and Flask is installed into it.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import tempfile
import unittest

from harness import Worker

HEADERS = [["User-Agent", "engine/1"], ["Content-Length", "99999"], ["Content-Type", "text/plain"]]


def interpreter(folder):
    """A Python that has Flask."""
    if importlib.util.find_spec("flask"):
        return sys.executable
    python = os.path.join(folder, "bin", "python")
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "flask"], check=True)
    return python


class Flask(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.python = interpreter(folder.name)

    def test_imports_and_calls_are_surrounded_by_an_application(self):
        with Worker(self.python) as worker:
            answer = worker.load("connector_flasky", config={"REGION": "north"})
            self.assertEqual(answer["problems"], [])
            for _ in range(5):
                seen = worker.result("flasky/Web", {"text": "ä"}, headers=HEADERS)["json"]
                self.assertEqual(
                    seen,
                    {
                        "region": "north",
                        "now": "north",
                        "same": True,
                        "agent": "engine/1",
                        "path": "/v1/do/flasky/Web",
                        "json": {"text": "ä"},
                        "debug": False,
                    },
                )
            self.assertEqual(worker.result("flasky/WebAsync", headers=HEADERS)["text"], "engine/1")
            own = worker.result("flasky/Web", {"text": "ä"}, headers=HEADERS, config={"REGION": "own"})["json"]
            self.assertEqual((own["region"], own["now"]), ("north", "own"))

    def test_flask_that_is_imported_within_a_call_finds_the_request(self):
        with Worker(self.python) as worker:
            worker.load("connector_late", "connector_wild", config={"REGION": "south"})
            loaded = "import importlib.util\nanswer = {'response': ['flask' in sys.modules, bool(importlib.util.find_spec('flask'))]}"
            self.assertEqual(worker.result("wild/Run", {"code": loaded})["json"], [False, True])
            for _ in range(5):
                seen = worker.result("late/Late", headers=HEADERS)["json"]
                self.assertEqual(seen, {"region": "south", "agent": "engine/1"})
            self.assertEqual(worker.result("wild/Run", {"code": loaded})["json"], [True, True])


if __name__ == "__main__":
    unittest.main()
