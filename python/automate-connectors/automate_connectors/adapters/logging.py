"""An adapter that writes to the log what it is given, and answers it."""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional

from ..types import ConnectorResult
from .base import ConnectorAdapter

logger = logging.getLogger(__name__)


class LoggingAdapter(ConnectorAdapter):
    """Takes any action."""

    code = "logging"
    name = "Logging"
    version = "1.0.0"
    description = "Writes what it is given to the log."

    def connect(self) -> bool:
        """There is nothing to connect to."""
        return True

    def execute(self, action: str, payload: Dict[str, Any], ctx: Optional[Dict[str, Any]] = None) -> ConnectorResult:
        """Answers `{"logged": true, "input": payload}`. In the log, what looks like a secret is masked."""
        logger.info("%s %s", action, self.redact(payload))
        return ConnectorResult(data={"logged": True, "input": payload})
