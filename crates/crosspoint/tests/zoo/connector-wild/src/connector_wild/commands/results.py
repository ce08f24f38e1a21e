"""Results that cannot be sent."""

import datetime
import decimal


def circle():
    value = []
    value.append(value)
    return value


UNSENDABLE = {
    "datetime": lambda: datetime.datetime(2026, 1, 2, 3, 4, 5),
    "decimal": lambda: decimal.Decimal("1.50"),
    "set": lambda: {1, 2},
    "nan": lambda: float("nan"),
    "infinity": lambda: float("inf"),
    "bytes": lambda: b"abc",
    "circle": circle,
    "object": object,
}


class Holds:
    """Returns a result that holds something that JSON cannot."""

    def __init__(self, what: str, version: int = 2):
        self.what, self.version = what, version

    def execute(self, config, task_data):
        bad = {"deep": [1, UNSENDABLE[self.what]()]}
        if self.version == 1:
            return {"response": bad, "status": 200, "mimetype": "application/json"}
        return {
            "command_response": {"body": bad, "mimetype": "application/json", "http_status": 200},
            "command_response_version": 2,
            "error": None,
            "spiff__logs": [],
        }


class NoDict:
    def execute(self, config, task_data):
        return ["a", "list"]


class Nothing:
    def execute(self, config, task_data):
        pass


class NoResponse:
    def execute(self, config, task_data):
        return {"status": 200, "mimetype": "text/plain"}


class OddStatus:
    def __init__(self, status):
        self.status = status

    def execute(self, config, task_data):
        return {"response": "odd", "status": self.status, "mimetype": "text/plain"}
