"""Test cases for adapters.

`ConnectorTestCase` works under `unittest` and under pytest. `ConnectorContractHarness` has fixtures, so that it is there
under pytest alone.
"""

from __future__ import annotations

import inspect
import json
import unittest
from typing import Any, ClassVar, Optional

from . import context
from .errors import ConnectorError, ConnectorErrorCode
from .profiles import ConnectionProfile

__all__ = ["ConnectorTestCase"]


class ConnectorTestCase(unittest.TestCase):
    """Tests of an adapter: set `adapter_class`, and get it from `get_adapter()`.

    A class that sets `adapter_class` also gets the checks of the contract, as `test_contract_…`. They ask nothing of the
    service. `contract_checks = False` leaves them out; so does a method of the same name.
    """

    adapter_class: ClassVar[Any] = None
    profile: ClassVar[Optional[ConnectionProfile]] = None
    """The account that adapters get."""
    contract_checks: ClassVar[bool] = True

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        # Not on this class itself: whoever imports it would run them without an adapter.
        if cls.adapter_class is not None and cls.contract_checks:
            for check in _CHECKS:
                if not hasattr(cls, check.__name__):
                    setattr(cls, check.__name__, check)

    def get_adapter(self, profile: Optional[ConnectionProfile] = None) -> Any:
        """A new adapter, made as a host makes it, with this profile or that of the class."""
        if self.adapter_class is None:
            raise TypeError(f"{type(self).__name__} has to set adapter_class")
        adapter = self.adapter_class()
        context.attach(adapter, profile or self.profile)
        return adapter


def test_contract_it_has_a_name(self: ConnectorTestCase) -> None:
    """`code` or `name` is text."""
    adapter = self.get_adapter()
    key = getattr(adapter, "code", None) or getattr(adapter, "name", None)
    self.assertTrue(isinstance(key, str) and key, f"{self.adapter_class.__name__} needs a name")


def test_contract_execute_takes_an_action_and_a_payload(self: ConnectorTestCase) -> None:
    """By position, and a context where there is a third parameter."""
    execute = inspect.signature(self.get_adapter().execute)
    for count in (2, 3):
        try:
            execute.bind(*("action", {}, {})[:count])
            return
        except TypeError:
            continue
    self.fail(f"execute{execute} takes neither (action, payload) nor (action, payload, context)")


def test_contract_actions_are_described_in_json(self: ConnectorTestCase) -> None:
    """`action_specs` has schemas by the name of the action."""
    specs = getattr(self.get_adapter(), "action_specs", {})
    for name, spec in specs.items():
        self.assertIsInstance(name, str)
        self.assertIsInstance(spec.input_schema, dict, f"the input schema of {name}")
        json.dumps([spec.input_schema, spec.output_schema])


def test_contract_a_configuration_is_judged(self: ConnectorTestCase) -> None:
    """`validate_config` answers with `ok` and `errors`."""
    adapter = self.get_adapter()
    if hasattr(adapter, "validate_config"):
        result = adapter.validate_config(dict(self.profile.config) if self.profile else {})
        self.assertIsInstance(result.ok, bool)
        self.assertIsInstance(result.errors, list)


def test_contract_an_exception_becomes_a_connector_error(self: ConnectorTestCase) -> None:
    """`normalize_error` gives one of the ten codes."""
    adapter = self.get_adapter()
    if hasattr(adapter, "normalize_error"):
        error = adapter.normalize_error(RuntimeError("the service said something odd"))
        self.assertIsInstance(error, ConnectorError)
        self.assertIn(error.code, list(ConnectorErrorCode))


_CHECKS = (
    test_contract_it_has_a_name,
    test_contract_execute_takes_an_action_and_a_payload,
    test_contract_actions_are_described_in_json,
    test_contract_a_configuration_is_judged,
    test_contract_an_exception_becomes_a_connector_error,
)


def __getattr__(name: str) -> Any:
    if name == "ConnectorContractHarness":
        from ._harness import ConnectorContractHarness

        return ConnectorContractHarness
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
