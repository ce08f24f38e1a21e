"""Commands that do next to nothing, so that what is around them is measured."""

import json
import time


class Echo:
    """Answers what it was given."""

    def __init__(self, text: str):
        self.text = text

    def execute(self, config, task_data):
        return {"response": json.dumps({"text": self.text}), "status": 200, "mimetype": "application/json"}


class Sleep:
    """Waits, as a connector waits for a slow system."""

    def __init__(self, seconds: float):
        self.seconds = seconds

    def execute(self, config, task_data):
        time.sleep(self.seconds)
        return {"response": "{}", "status": 200, "mimetype": "application/json"}
