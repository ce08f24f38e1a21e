"""An adapter as the how-to pages of Django Automate have them."""

from automate_connectors.adapters.base import ActionSpec, ConnectorAdapter
from automate_connectors.models import ConnectorError
from automate_connectors.registry import connector_registry


class TicketsAdapter(ConnectorAdapter):
    code = "tickets"
    name = "Tickets"
    description = "Opens tickets."

    actions = {"open": ActionSpec(description="Opens one.", inputs={"title": {"type": "string", "required": True}})}

    def execute(self, action, params, context):
        if action == "open" and params["title"] == "fail":
            raise ConnectorError("the desk is closed", retryable=True)
        if action == "open" and params["title"] == "nothing":
            return None
        if action == "open":
            return {"token": context["secrets"].get("token"), "trace_id": context["trace_id"], "title": params["title"]}
        raise NotImplementedError(action)


connector_registry.register(TicketsAdapter)
