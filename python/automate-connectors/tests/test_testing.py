"""What `automate_connectors.testing` promises to those who inherit from it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from typing import Any, List

import guide
from automate_connectors.adapters.base import ConnectorAdapter
from automate_connectors.adapters.logging import LoggingAdapter
from automate_connectors.profiles import ConnectionProfile
from automate_connectors.testing import ConnectorTestCase

HARNESS = """
import pytest
from automate_connectors.testing import ConnectorContractHarness, ConnectorTestCase
from forms import Shop

class TestShop(ConnectorContractHarness):
    @pytest.fixture
    def adapter_cls(self):
        return Shop

    @pytest.fixture
    def valid_config(self):
        return {"url": "https://shop.example"}

class TestShopWithoutUrl(TestShop):
    @pytest.fixture
    def valid_config(self):
        return {}
"""


def problems(adapter: Any) -> List[str]:
    """The names of the checks that an adapter does not pass."""
    case = type("Case", (ConnectorTestCase,), {"adapter_class": adapter})
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)
    return sorted(test.id().rsplit(".", 1)[1] for test, _ in result.failures + result.errors)


class Testing(unittest.TestCase):
    def test_the_class_itself_has_no_tests_so_that_importing_it_runs_none(self) -> None:
        self.assertEqual(unittest.defaultTestLoader.getTestCaseNames(ConnectorTestCase), [])
        with self.assertRaisesRegex(TypeError, "has to set adapter_class"):
            ConnectorTestCase().get_adapter()

    def test_checks_can_be_left_out_and_replaced(self) -> None:
        class Bare(ConnectorTestCase):
            adapter_class = LoggingAdapter
            contract_checks = False

        class Replaced(ConnectorTestCase):
            adapter_class = LoggingAdapter

            def test_contract_it_has_a_name(self) -> None:
                """Ours."""

        self.assertEqual(unittest.defaultTestLoader.getTestCaseNames(Bare), [])
        self.assertEqual(Replaced.test_contract_it_has_a_name.__doc__, "Ours.")
        self.assertEqual(len(unittest.defaultTestLoader.getTestCaseNames(Replaced)), 5)

    def test_each_adapter_is_new_and_has_the_profile(self) -> None:
        class Profiled(ConnectorTestCase):
            adapter_class = LoggingAdapter
            profile = ConnectionProfile("test")

        case = Profiled()
        self.assertEqual(case.get_adapter().profile.slug, "test")
        self.assertEqual(case.get_adapter(ConnectionProfile("other")).profile.slug, "other")
        self.assertIsNot(case.get_adapter(), case.get_adapter())

    def test_the_checks_find_what_they_are_for(self) -> None:
        class Wrong(ConnectorAdapter):
            actions = {"a": None}

            def execute(self, action: str) -> None:  # type: ignore[override]
                pass

            @property
            def action_specs(self) -> Any:
                return {"a": {}}

            def validate_config(self, config: Any) -> Any:
                return True

            def normalize_error(self, exc: Exception) -> Any:
                return exc

        self.assertEqual(
            problems(Wrong),
            [
                "test_contract_a_configuration_is_judged",
                "test_contract_actions_are_described_in_json",
                "test_contract_an_exception_becomes_a_connector_error",
                "test_contract_execute_takes_an_action_and_a_payload",
                "test_contract_it_has_a_name",
            ],
        )
        self.assertEqual(problems(LoggingAdapter), [])

    def test_the_harness_with_fixtures_works_under_pytest(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            guide.write(folder, {"test_shop.py": HARNESS})
            ended = subprocess.run(
                [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", folder],
                env={"PYTHONPATH": f"{guide.PACKAGE}:{guide.PACKAGE}/tests"},
                capture_output=True,
                text=True,
                check=False,
            )
        self.assertIn("1 failed, 5 passed", ended.stdout, ended.stdout + ended.stderr)
        self.assertIn("TestShopWithoutUrl::test_validate_config_contract", ended.stdout)


if __name__ == "__main__":
    unittest.main()
