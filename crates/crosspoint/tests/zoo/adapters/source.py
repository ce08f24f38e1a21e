"""An adapter as the source of Django Automate has them."""

from automate_connectors.adapters.base import ActionSpec, ConnectorAdapter, ConnectorError, ConnectorErrorCode
from automate_connectors.registry import register_connector
from automate_connectors.types import ConnectorCapabilities, ConnectorResult


@register_connector
class BillingAdapter(ConnectorAdapter):
    code = "billing"
    name = "Billing"

    @property
    def capabilities(self):
        return ConnectorCapabilities()

    @property
    def action_specs(self):
        schema = {
            "type": "object",
            "properties": {"amount": {"type": "integer", "description": "In cents."}, "note": {"type": "string"}},
            "required": ["amount"],
            "additionalProperties": False,
        }
        return {
            "charge": ActionSpec("charge", "Charges an amount.", schema),
            "look": ActionSpec("look", "Looks.", {"type": "object"}, idempotent=True),
        }

    def validate_config(self, config):
        return None

    def normalize_error(self, exc):
        if isinstance(exc, KeyError):
            raise RuntimeError("this one is broken, too")
        return ConnectorError(ConnectorErrorCode.UPSTREAM_5XX, f"it broke: {exc}")

    def execute(self, action, input_args, ctx):
        if action == "charge" and input_args.get("note") == "break":
            raise OSError("the wire")
        if action == "charge" and input_args.get("note") == "key":
            raise KeyError("the key")
        return ConnectorResult(data={"action": action, "input": input_args, "ctx": ctx}, meta={"page": 2})
