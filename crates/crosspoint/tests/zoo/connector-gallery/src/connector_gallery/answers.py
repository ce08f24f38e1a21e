"""What the commands share."""


def answer(body):
    """A result of version 2."""
    return {
        "command_response": {"body": body, "mimetype": "application/json", "http_status": 200},
        "command_response_version": 2,
        "error": None,
        "spiff__logs": [],
    }
