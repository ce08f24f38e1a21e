from automate_connectors.adapters.base import ConnectorAdapter

class MyServiceAdapter(ConnectorAdapter):
    """Adapter for MyService integration."""

    name = "my_service"
    version = "1.0.0"

    def connect(self) -> bool:
        """Test connectivity to the service."""
        # Return True if service is reachable
        return True

    def execute(self, action: str, payload: dict) -> dict:
        """Execute an action on the service."""
        if action == "send_message":
            return self._send_message(payload)
        raise ValueError(f"Unknown action: {action}")

    def _send_message(self, payload: dict) -> dict:
        # Implementation here
        return {"status": "sent"}
