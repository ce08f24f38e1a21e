"""The guide's examples run as they are. Tests are named after the cases of the conformance list that they prove."""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import unittest
from typing import Any, Dict

import guide
from automate_connectors.adapters.base import ConnectorAdapter
from automate_connectors.entry_points import declared, load
from automate_connectors.registry import ConnectorRegistry, connector_registry


def run(*arguments: str, cwd: str) -> "subprocess.CompletedProcess[str]":
    """A process of this interpreter that sees the package, the folder, and nothing of ours else."""
    return subprocess.run(
        [sys.executable, "-B", *arguments],
        cwd=cwd,
        env={"PYTHONPATH": f"{guide.PACKAGE}:{cwd}"},
        capture_output=True,
        text=True,
        check=False,
    )


class TheGuide(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def adapter(self) -> Any:
        """The class of the guide, from its own block."""
        names: Dict[str, Any] = {"__name__": "my_package.adapters"}
        exec(compile(guide.block("adapter.py"), "adapter.py", "exec"), names)
        return names["MyServiceAdapter"]

    def test_case_01_the_adapter_registers_connects_and_executes(self) -> None:
        names: Dict[str, Any] = {"__name__": "followed"}
        exec(guide.block("adapter.py") + guide.block("registration.py"), names)
        adapter = connector_registry.get_adapter_cls("my_service")()
        self.assertIs(type(adapter), names["MyServiceAdapter"])
        self.assertIs(adapter.connect(), True)
        self.assertEqual(adapter.execute("send_message", {"text": "Hello"}), {"status": "sent"})

    def test_case_02_the_entry_point_registers_it_under_both_groups(self) -> None:
        point = guide.block("entry_point.toml").replace('"', "").replace("project.entry-points.", "")
        for group in ("automate.connectors", "django_automate.connectors"):
            with self.subTest(group), tempfile.TemporaryDirectory() as folder:
                files = {"my_package/__init__.py": "", "my_package/adapters.py": guide.block("adapter.py")}
                metadata = guide.installed("my-package", point.replace("automate.connectors", group))
                guide.write(folder, {**files, **metadata})
                sys.path.insert(0, folder)
                importlib.invalidate_caches()
                try:
                    registry = ConnectorRegistry()
                    loaded = load(registry, declared([folder]))
                    self.assertEqual((loaded.names, loaded.problems), (["my_service"], {}))
                    self.assertEqual(registry.get_adapter_cls("my_service").version, "1.0.0")
                finally:
                    sys.path.remove(folder)
                    for name in ("my_package", "my_package.adapters"):
                        sys.modules.pop(name, None)

    def test_case_03_the_test_case_passes_under_unittest_and_pytest(self) -> None:
        whole = guide.block("adapter.py") + guide.block("testing.py")
        guide.write(self.folder, {"test_my_service.py": whole})
        # Two tests of the guide, and five checks of the contract.
        for runner, said in ((["unittest", "-v"], "Ran 7 tests"), (["pytest", "-p", "no:cacheprovider"], "7 passed")):
            with self.subTest(runner):
                ended = run("-m", *runner, "test_my_service.py", cwd=self.folder)
                self.assertEqual(ended.returncode, 0, ended.stdout + ended.stderr)
                self.assertIn(said, ended.stdout + ended.stderr)

    def test_case_03_a_test_of_the_guide_fails_when_the_adapter_is_wrong(self) -> None:
        wrong = guide.block("adapter.py").replace('"sent"', '"lost"') + guide.block("testing.py")
        guide.write(self.folder, {"test_my_service.py": wrong})
        for runner in ("unittest", "pytest"):
            ended = run("-m", runner, "test_my_service.py", cwd=self.folder)
            self.assertNotEqual(ended.returncode, 0)
            self.assertIn("test_send_message", ended.stdout + ended.stderr)

    def test_case_03_nothing_needs_django_or_pytest(self) -> None:
        program = (
            "import sys\n"
            # Even where they are installed.
            "for name in ('django', 'pytest', '_pytest', 'requests', 'pydantic'): sys.modules[name] = None\n"
            "import automate_connectors, pkgutil, importlib\n"
            "for module in pkgutil.walk_packages(automate_connectors.__path__, 'automate_connectors.'):\n"
            "    if module.name != 'automate_connectors._harness': importlib.import_module(module.name)\n"
            "from automate_connectors.testing import ConnectorTestCase\n"
        )
        ended = run("-c", program, cwd=self.folder)
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr), (0, "", ""))

    def test_case_04_it_is_made_without_arguments_even_when_its_constructor_does_not_call_ours(self) -> None:
        class Headstrong(self.adapter()):  # type: ignore[misc]
            def __init__(self) -> None:
                self.sent = 0

        adapter = Headstrong()
        self.assertEqual(adapter.execute("send_message", {}), {"status": "sent"})
        self.assertIsNone(adapter.profile)
        self.assertEqual(adapter.redact({"token": "abc"}), {"token": "***REDACTED***"})

    def test_case_05_the_version_may_be_absent_and_the_registered_name_goes_before_its_own(self) -> None:
        class Nameless(ConnectorAdapter):
            name = "something_else"

        registry = ConnectorRegistry()
        registry.register("mine", Nameless)
        self.assertEqual(list(registry.adapters()), ["mine"])
        self.assertEqual(registry.get_adapter_cls("mine")().version, "")
        self.assertEqual(self.adapter()().version, "1.0.0")

    def test_case_06_an_unknown_action_raises_the_adapters_own_message_and_is_invalid_input(self) -> None:
        adapter = self.adapter()()
        with self.assertRaises(ValueError) as raised:
            adapter.execute("fly", {})
        error = adapter.normalize_error(raised.exception)
        self.assertEqual(error.to_dict()["message"], "Unknown action: fly")
        self.assertEqual((error.code.value, error.retryable), ("INVALID_INPUT", False))


if __name__ == "__main__":
    unittest.main()
