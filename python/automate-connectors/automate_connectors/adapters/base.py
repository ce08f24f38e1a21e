"""The base class of adapters.

It takes every form that the documentation of Django Automate shows: `execute(action, payload)` of the guide, `execute(action,
input, ctx)` of the source, `execute(action, params, context)` of the how-to pages. Nothing but `execute` has to be written.
"""

from __future__ import annotations

import socket
from abc import ABC
from dataclasses import dataclass, field, replace
from typing import Any, Dict, List, Optional

from .._redaction import redacted
from ..errors import ConnectorError, ConnectorErrorCode
from ..profiles import ConnectionProfile
from ..types import ActionSpec, ConnectorCapabilities, ConnectorResult

__all__ = [
    "ActionSpec",
    "ConnectionProfile",
    "ConnectorAdapter",
    "ConnectorCapabilities",
    "ConnectorError",
    "ConnectorErrorCode",
    "ConnectorResult",
    "ValidationResult",
]


@dataclass(frozen=True)
class ValidationResult:
    """Whether a configuration will do, and what is wrong with it."""

    ok: bool
    errors: List[str] = field(default_factory=list)


class ConnectorAdapter(ABC):
    """Connects to one external service. It is made without arguments, once for each profile."""

    code: str = ""
    """The key of adapters that have one; else `name` is it."""
    name: str = ""
    version: str = ""
    description: str = ""

    profile: Optional[ConnectionProfile] = None
    """The account of the calls of this instance, set by the host after it was made. Not in the real package."""

    def connect(self) -> bool:
        """Whether the service can be used; the health check, too. Must not change anything there."""
        return True

    def execute(self, action: str, payload: Dict[str, Any], *context: Any) -> Any:
        """Runs an action. Has to be written."""
        raise NotImplementedError(f"{type(self).__name__} has no execute()")

    @property
    def slug(self) -> str:
        """The key: `code`, or else `name`."""
        return self.code or self.name

    @property
    def capabilities(self) -> ConnectorCapabilities:
        """None, unless the adapter says otherwise."""
        return ConnectorCapabilities()

    @property
    def action_specs(self) -> Dict[str, ActionSpec]:
        """The declared actions by name: those in the class's dict `actions`, if it has one."""
        declared = getattr(self, "actions", None)
        if not isinstance(declared, dict):
            return {}
        specs = {name: spec for name, spec in declared.items() if isinstance(spec, ActionSpec)}
        return {name: spec if spec.name else replace(spec, name=name) for name, spec in specs.items()}

    @property
    def config_schema(self) -> Dict[str, Any]:
        """JSON Schema of a profile's settings; empty when anything goes."""
        return {}

    def validate_config(self, config: Dict[str, Any]) -> ValidationResult:
        """Whether all settings are there that `config_schema` requires."""
        missing = [name for name in self.config_schema.get("required", []) if name not in config]
        return ValidationResult(not missing, [f"missing setting '{name}'" for name in missing])

    def normalize_error(self, exc: Exception) -> ConnectorError:
        """A failure with a code for whatever was raised. Only what did nothing may be tried again."""
        if isinstance(exc, ConnectorError):
            return exc
        code = ConnectorErrorCode.INTERNAL_ERROR
        if isinstance(exc, (TimeoutError, socket.timeout)):
            code = ConnectorErrorCode.TIMEOUT
        elif isinstance(exc, ConnectionError):
            code = ConnectorErrorCode.TRANSIENT_NETWORK
        elif isinstance(exc, (ValueError, NotImplementedError)):
            code = ConnectorErrorCode.INVALID_INPUT
        return ConnectorError(
            code,
            str(exc) or type(exc).__name__,
            retryable=isinstance(exc, ConnectionRefusedError),
            connector_code=self.slug or None,
        )

    def redact(self, data: Any) -> Any:
        """A copy in which the values of keys that look like secrets are masked, at any depth."""
        return redacted(data)
