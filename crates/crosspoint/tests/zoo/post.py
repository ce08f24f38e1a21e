"""A connector in one file."""

import os


class Send:
    """Sends nothing, and says so."""

    def __init__(self, to: str):
        self.to = to

    def execute(self, config, task_data):
        return {"response": f"sent to {self.to}", "status": 200, "mimetype": "text/plain"}


class Where:
    def execute(self, config, task_data):
        return {"response": os.getcwd(), "status": 200, "mimetype": "text/plain"}
