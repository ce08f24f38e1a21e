"""Results of all kinds, each by an expression, which uses what is imported here."""

import collections  # noqa: F401
import datetime  # noqa: F401
import decimal  # noqa: F401

CIRCLE = {}
CIRCLE["command_response"] = {"body": CIRCLE}
CIRCLE["command_response_version"] = 2


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def envelope(body):
    return {"command_response": {"body": body}, "command_response_version": 2, "error": None, "spiff__logs": []}


class Evaluate:
    """Returns what a Python expression gives."""

    def __init__(self, expression: str):
        self.expression = expression

    def execute(self, config, task_data):
        names = {**globals(), "config": config, "task_data": task_data}
        return eval(self.expression, names)

    async def execute_async(self, config, task_data, callback_url):
        return eval(self.expression, {**globals(), "callback_url": callback_url})


class Construct:
    def __init__(self, fail: bool = False):
        if fail:
            raise ValueError("cannot be made")

    def execute(self, config, task_data):
        return envelope({})
