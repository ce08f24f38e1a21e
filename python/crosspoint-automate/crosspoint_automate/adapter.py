"""The adapter, in the form of the real package: `execute(action, input, ctx)`."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, Dict, Mapping, Optional

from automate_connectors.adapters.base import ConnectorAdapter, ValidationResult
from automate_connectors.errors import ConnectorError, ConnectorErrorCode
from automate_connectors.types import ActionSpec, ConnectorCapabilities, ConnectorResult

from . import answers, catalogue, settings
from .client import Client
from .settings import Settings

_ACTION = re.compile(r"[^/\s]+/[^/\s]+\Z")
_KEY = re.compile(r"[!-~]{1,1000}\Z")


class CrosspointAdapter(ConnectorAdapter):
    """Actions are commands, as `http/GetRequestV2`, and their input is the command's parameters."""

    code = "crosspoint"
    name = "Crosspoint"
    version = "0.1.0"
    description = "Calls the connectors of a Crosspoint."

    @property
    def capabilities(self) -> ConnectorCapabilities:
        """It sends keys, and tells how long to wait."""
        return ConnectorCapabilities(supports_idempotency_key=True, supports_rate_limit_headers=True)

    @property
    def action_specs(self) -> Dict[str, ActionSpec]:
        """The commands of the Crosspoint, asked for when they are needed. ConnectorError when it does not answer.

        There is no call here, and no profile in the real package: the environment says which Crosspoint. Without one
        there are none.
        """
        try:
            found = self._settings({})
        except ConnectorError:
            return {}
        return catalogue.actions(found)

    @property
    def config_schema(self) -> Dict[str, Any]:
        """The settings of a profile; its secret is `api_key`."""
        return settings.SCHEMA

    def validate_config(self, config: Dict[str, Any]) -> ValidationResult:
        """Whether the settings of a profile will do."""
        errors = settings.mistakes(config)
        return ValidationResult(ok=not errors, errors=errors)

    def connect(self) -> bool:
        """Whether the Crosspoint is ready. ConnectorError when it cannot be reached."""
        return Client(self._settings({})).ask("/readyz").status == 200

    def execute(self, action: str, input: Dict[str, Any], ctx: Optional[Dict[str, Any]] = None) -> ConnectorResult:
        """Runs a command. `data` has `status`, `body`, `mimetype` and `headers`; `meta` the id of the call."""
        if not isinstance(action, str) or not _ACTION.match(action):
            raise _refused("an action is connector/Command, as http/GetRequestV2")
        ctx = ctx or {}
        found = self._settings(ctx)
        # The runtime of Django Automate leaves the action itself in the input.
        arguments = {name: value for name, value in input.items() if (name, value) != ("action", action)}
        body: Dict[str, Any] = {"command": action, "arguments": arguments, "wait": not found.long}
        if found.profile:
            body["profile"] = found.profile
        try:
            key = _key(action, arguments, ctx) if found.idempotency else None
        except (TypeError, ValueError) as error:
            raise _refused(f"the input is no JSON: {error}") from None
        if key:
            body["idempotency_key"] = key
        answer = Client(found).call(body)
        return answers.result(answer, bool(key), lambda: _is_idempotent(found, action))

    def normalize_error(self, exc: Exception) -> ConnectorError:
        """Failures of this adapter have their codes already."""
        if isinstance(exc, ConnectorError):
            return exc
        return ConnectorError(ConnectorErrorCode.INTERNAL_ERROR, type(exc).__name__, connector_code=self.code)

    def _settings(self, ctx: Mapping[str, Any]) -> Settings:
        """By the profile of the call, or that which a host has attached; else by the environment."""
        profile = ctx.get("profile") or {}
        config, secrets = profile.get("config") or {}, profile.get("encrypted_secrets") or ctx.get("secrets") or {}
        attached = getattr(self, "profile", None)
        if not profile and attached is not None:
            config, secrets = attached.config, attached.encrypted_secrets
        return settings.of(config, secrets)


def _key(action: str, arguments: Dict[str, Any], ctx: Mapping[str, Any]) -> Optional[str]:
    """Under which a repeated call has one effect: that of the context, or one for this call of its execution.

    A retried execution gives the same key. Two steps that do the same with the same input are told apart by `step_id` or
    `node_key`, where the context has them.
    """
    given = ctx.get("idempotency_key")
    said = json.dumps(arguments, sort_keys=True, allow_nan=False)
    if isinstance(given, str) and _KEY.match(given):
        return given
    execution = given or ctx.get("execution_id")
    if not execution:
        return None
    step = ctx.get("step_id") or ctx.get("node_key") or ""
    whole = json.dumps([str(execution), str(step), action, said])
    return f"automate-{hashlib.sha256(whole.encode()).hexdigest()}"


def _is_idempotent(found: Settings, action: str) -> bool:
    try:
        spec = catalogue.actions(found).get(action)
    except ConnectorError:
        return False
    return spec is not None and spec.idempotent


def _refused(message: str) -> ConnectorError:
    return ConnectorError(ConnectorErrorCode.INVALID_INPUT, message, connector_code="crosspoint")
