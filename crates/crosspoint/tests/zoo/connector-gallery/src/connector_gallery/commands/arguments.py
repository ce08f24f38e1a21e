"""What arrives."""

import os

from ..answers import answer


class Echo:
    """Gives back what it was given.

    :param value: anything
    """

    def __init__(self, value):
        self.value = value

    def execute(self, config, task_data):
        return answer({"value": self.value, "type": type(self.value).__name__, "repr": ascii(self.value)})


class TaskData:
    """Gives back the task data."""

    def execute(self, config, task_data):
        return answer({"task_data": task_data, "type": type(task_data).__name__})


class Config:
    """Looks into its config.

    :param name: what to look for
    """

    def __init__(self, name: str):
        self.name = name

    def execute(self, config, task_data):
        return answer({"get": config.get(self.name), "in": self.name in config, "value": config[self.name]})


class Environment:
    """Gives all its environment variables."""

    def execute(self, config, task_data):
        return answer(dict(os.environ))


class Beside:
    """Reads a file that lies in the project, by a relative path."""

    def execute(self, config, task_data):
        with open("beside.txt", encoding="utf-8") as file:
            return answer(file.read())
