"""A neighbour: the reference imports it on each request, whatever is called."""

import json
from typing import Dict, Optional


class Second:
    """Never called."""

    def __init__(self, url: str, headers: Optional[Dict[str, str]] = None, attempts: int = 1):
        self.url = url
        self.headers = headers or {}
        self.attempts = attempts

    def execute(self, config, task_data):
        body = json.dumps({"url": self.url, "headers": self.headers})
        return {"response": body, "status": 200, "mimetype": "application/json"}
