"""What connectors should not do."""

import time


class Careless:
    """Keeps what belongs to a call where the next one finds it."""

    text = ""

    def __init__(self, text: str, count: int = "many"):
        Careless.text = text

    def execute(self, config, task_data):
        time.sleep(0.01)
        return {
            "command_response": {
                "body": {"text": Careless.text},
                "mimetype": "application/json",
                "http_status": 200,
            },
            "command_response_version": 2,
            "error": None,
            "spiff__logs": [],
        }
