"""What the how-to pages import from here. These are no database models."""

from .errors import ConnectorError, ConnectorErrorCode
from .profiles import ConnectionProfile
from .types import ActionSpec, ConnectorCapabilities, ConnectorResult

__all__ = [
    "ActionSpec",
    "ConnectionProfile",
    "ConnectorCapabilities",
    "ConnectorError",
    "ConnectorErrorCode",
    "ConnectorResult",
]
