"""The commands of a Crosspoint as actions."""

from __future__ import annotations

import threading
import time
from typing import Any, Dict, Tuple

from automate_connectors.errors import ConnectorError, ConnectorErrorCode
from automate_connectors.types import ActionSpec

from . import answers
from .client import Client
from .settings import Settings

KEPT = 60.0
"""Seconds for which a list is kept. Adapters are made anew for each call, so that they cannot keep it themselves."""

_LOCK = threading.Lock()
_LISTS: Dict[Tuple[str, Any], Tuple[float, Dict[str, ActionSpec]]] = {}


def actions(settings: Settings) -> Dict[str, ActionSpec]:
    """All commands that the key may see, by id. ConnectorError when they cannot be had."""
    key = (settings.url, settings.api_key)
    with _LOCK:
        until, known = _LISTS.get(key, (0.0, {}))
    if time.monotonic() < until:
        return dict(known)
    answer = Client(settings).ask("/api/v1/commands")
    if answer.status != 200 or not isinstance(answer.body, list):
        # An error, whatever it is.
        answers.result(answer, True, lambda: True)
        raise ConnectorError(ConnectorErrorCode.INTERNAL_ERROR, "the list of commands is none", connector_code="crosspoint")
    specs = {spec.name: spec for spec in map(_spec, answer.body)}
    with _LOCK:
        _LISTS[key] = (time.monotonic() + KEPT, specs)
    return dict(specs)


def _spec(command: Dict[str, Any]) -> ActionSpec:
    safety = command.get("safety")
    return ActionSpec(
        name=command["id"],
        description=command.get("description") or "",
        input_schema=command.get("parameters") or {},
        output_schema={"type": "object"},
        side_effects=safety != "read-only",
        idempotent=safety in ("read-only", "idempotent"),
    )
