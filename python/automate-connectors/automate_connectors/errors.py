"""The failures of adapters."""

from __future__ import annotations

from enum import Enum
from typing import Any, Dict, Optional, Union


class ConnectorErrorCode(str, Enum):
    """What kind of failure it was. The value is the name."""

    AUTH_FAILED = "AUTH_FAILED"
    FORBIDDEN = "FORBIDDEN"
    NOT_FOUND = "NOT_FOUND"
    RATE_LIMITED = "RATE_LIMITED"
    TIMEOUT = "TIMEOUT"
    UPSTREAM_5XX = "UPSTREAM_5XX"
    INVALID_INPUT = "INVALID_INPUT"
    CONFIG_INVALID = "CONFIG_INVALID"
    TRANSIENT_NETWORK = "TRANSIENT_NETWORK"
    INTERNAL_ERROR = "INTERNAL_ERROR"


class ConnectorError(Exception):
    """A failure with a code, and a message that may be shown.

    Both forms are taken: `ConnectorError(code, message_safe, …)` and `ConnectorError(message, retryable=…)`. A subclass
    may say `code` and `retryable` on the class. `details_safe` may have `retry_after_ms`.
    """

    code: ConnectorErrorCode = ConnectorErrorCode.INTERNAL_ERROR
    message_safe: str = ""
    retryable: bool = False
    details_safe: Optional[Dict[str, Any]] = None
    connector_code: Optional[str] = None

    def __init__(
        self,
        code: Union[ConnectorErrorCode, str, None] = None,
        message_safe: Optional[str] = None,
        retryable: Optional[bool] = None,
        details_safe: Optional[Dict[str, Any]] = None,
        connector_code: Optional[str] = None,
    ) -> None:
        known = _code(code)
        if known is not None:
            self.code = known
        elif code is not None:
            # No code of ours: it is the message, or belongs to it.
            message_safe = str(code) if message_safe is None else f"{code}: {message_safe}"
        if message_safe is not None:
            self.message_safe = str(message_safe)
        if retryable is not None:
            self.retryable = retryable
        if details_safe is not None:
            self.details_safe = details_safe
        if connector_code is not None:
            self.connector_code = connector_code

    def __str__(self) -> str:
        return f"{self._code_text()}: {self._message()}"

    def to_dict(self) -> Dict[str, Any]:
        """`code`, `message`, `retryable`, `details` and `connector`."""
        return {
            "code": self._code_text(),
            "message": self._message(),
            "retryable": self.retryable,
            "details": self.details_safe or {},
            "connector": self.connector_code,
        }

    def _code_text(self) -> str:
        # A subclass may have set anything.
        return str(getattr(self.code, "value", self.code))

    def _message(self) -> str:
        # A subclass with a constructor of its own may not have called this one.
        if self.message_safe:
            return self.message_safe
        return " ".join(str(part) for part in self.args) or type(self).__name__


def _code(value: Any) -> Optional[ConnectorErrorCode]:
    try:
        return ConnectorErrorCode(value)
    except ValueError:
        return None
