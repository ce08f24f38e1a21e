"""The checks of the contract with pytest's fixtures, in the form of the real package. Imports pytest."""

from __future__ import annotations

from typing import Any, Dict

import pytest

from .errors import ConnectorError, ConnectorErrorCode


class ConnectorContractHarness:
    """For a class `Test…` that has the fixture `adapter_cls`, and `valid_config` where `{}` is none."""

    @pytest.fixture
    def adapter_cls(self) -> Any:
        """The adapter under test."""
        raise NotImplementedError(f"{type(self).__name__} has to have the fixture adapter_cls")

    @pytest.fixture
    def valid_config(self) -> Dict[str, Any]:
        """A configuration that the adapter takes."""
        return {}

    def test_capabilities_schema(self, adapter_cls: Any) -> None:
        """The capabilities are flags."""
        capabilities = adapter_cls().capabilities
        assert isinstance(capabilities.supports_webhooks, bool)
        assert isinstance(capabilities.supports_polling, bool)

    def test_validate_config_contract(self, adapter_cls: Any, valid_config: Dict[str, Any]) -> None:
        """The valid configuration is valid."""
        result = adapter_cls().validate_config(valid_config)
        assert result.ok, result.errors
        assert list(result.errors) == []

    def test_normalize_error_contract(self, adapter_cls: Any) -> None:
        """Any exception becomes a ConnectorError with one of the ten codes."""
        error = adapter_cls().normalize_error(RuntimeError("the service said something odd"))
        assert isinstance(error, ConnectorError)
        assert error.code in list(ConnectorErrorCode)
