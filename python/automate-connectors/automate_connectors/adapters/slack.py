"""Sends messages to Slack."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional

from .. import context
from .._slack_api import Answer, SlackApi
from ..errors import ConnectorError, ConnectorErrorCode
from ..types import ActionSpec, ConnectorCapabilities, ConnectorResult
from .base import ConnectorAdapter

INPUT = {
    "type": "object",
    "properties": {
        "channel": {"type": "string", "description": "The channel's id or name."},
        "message": {"type": "string", "description": "The text; with blocks, what notifications show."},
        "blocks": {"type": "array", "description": "Block Kit blocks."},
    },
    "required": ["channel"],
}


class SlackAdapter(ConnectorAdapter):
    """Takes a bot token as the secret `token` of its profile, and `api_url` and `timeout` (seconds) from its settings."""

    code = "slack"
    name = "Slack"
    version = "1.0.0"
    description = "Sends messages to Slack."

    api_url = "https://slack.com/api"
    timeout = 10.0

    @property
    def capabilities(self) -> ConnectorCapabilities:
        """It tells how long to wait when Slack limits it."""
        return ConnectorCapabilities(supports_rate_limit_headers=True)

    @property
    def action_specs(self) -> Dict[str, ActionSpec]:
        """`send_message`, and no other."""
        spec = ActionSpec(
            "send_message", "Sends a message to a channel.", INPUT, {"type": "object"}, side_effects=True, idempotent=False
        )
        return {spec.name: spec}

    def connect(self) -> bool:
        """Whether Slack takes the token; without one, whether it can be reached. Raises ConnectorError when not."""
        profile = self._profile({})
        token = profile["encrypted_secrets"].get("token")
        self._api(profile, token).call("auth.test" if token else "api.test", {})
        return True

    def execute(self, action: str, payload: Dict[str, Any], ctx: Optional[Dict[str, Any]] = None) -> ConnectorResult:
        """Answers Slack's answer. Without a profile the payload may have a `token`."""
        if action != "send_message":
            raise self._error(ConnectorErrorCode.INVALID_INPUT, f"Unknown action: {action}")
        message = self._message(payload)
        profile = self._profile(ctx or {})
        token = profile["encrypted_secrets"].get("token") or payload.get("token")
        if not token:
            raise self._error(ConnectorErrorCode.AUTH_FAILED, "The profile has no secret 'token' for Slack")
        answer = self._api(profile, token).call("chat.postMessage", message)
        return ConnectorResult(data=answer)

    def _message(self, payload: Mapping[str, Any]) -> Answer:
        channel, text, blocks = (payload.get(name) for name in ("channel", "message", "blocks"))
        if not channel:
            raise self._error(ConnectorErrorCode.INVALID_INPUT, "send_message needs 'channel'")
        if not text and not blocks:
            raise self._error(ConnectorErrorCode.INVALID_INPUT, "send_message needs 'message', 'blocks', or both")
        if blocks:
            # Notifications and screen readers need a text.
            return {"channel": channel, "blocks": blocks, "text": text or "Notification"}
        return {"channel": channel, "text": text}

    def _profile(self, ctx: Mapping[str, Any]) -> Dict[str, Any]:
        """The profile as the caller gave it; else the one that the host attached; else that of the call."""
        call = context.current()
        attached = self.profile or (call.profile if call else None)
        profile = ctx.get("profile") or (attached.as_dict() if attached else {})
        return {name: profile.get(name) or {} for name in ("config", "encrypted_secrets")}

    def _api(self, profile: Dict[str, Any], token: Optional[str]) -> SlackApi:
        config = profile["config"]
        try:
            timeout = float(config.get("timeout", self.timeout))
        except (TypeError, ValueError):
            raise self._error(ConnectorErrorCode.CONFIG_INVALID, "the setting 'timeout' has to be seconds") from None
        return SlackApi(config.get("api_url", self.api_url), token, timeout)

    def _error(self, code: ConnectorErrorCode, message: str) -> ConnectorError:
        return ConnectorError(code, message, connector_code=self.code)
