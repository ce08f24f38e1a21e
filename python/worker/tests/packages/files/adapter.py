"""An adapter of Django Automate for the transcripts. It inherits from nothing, so that no package is needed."""


class ConnectorError(Exception):
    """Known by its name, whichever package it is from."""

    code = "RATE_LIMITED"
    message_safe = "not so fast"
    retryable = True
    details_safe = {"retry_after_ms": 1500}
    connector_code = "post"


class PostAdapter:
    """Sends letters."""

    name = "post"
    version = "1.2"

    def connect(self):
        return True

    def execute(self, action, payload, ctx):
        if action == "send":
            return {"to": payload["to"], "stamp": ctx["profile"]["config"].get("stamp"), "key": ctx["secrets"]["key"]}
        if action == "hurry":
            raise ConnectorError()
        raise ValueError(f"Unknown action: {action}")
