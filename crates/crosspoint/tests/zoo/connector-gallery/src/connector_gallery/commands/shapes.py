"""Signatures of every kind."""

import abc
import dataclasses
import enum
from typing import Any, Dict, List, Literal, Optional

from ..answers import answer


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Simple:
    """Takes what the protocol has names for.

    :param name: what it is called
    :param count: how many there are
    """

    def __init__(self, name: str, count: int, loud: bool = False, note: Optional[str] = None):
        self.values = [name, count, loud, note]

    def execute(self, config, task_data):
        return answer(self.values)


class Rich:
    """Takes what only a schema can say.

    Args:
        ratio: a part of one
    """

    def __init__(
        self,
        ratio: float,
        tags: List[str],
        table: Dict[str, int],
        mode: Literal["fast", "slow"],
        colour: Colour = Colour.RED,
        anything: Any = None,
        untold=5,
    ):
        self.values = [ratio, tags, table, mode, str(colour), anything, untold]

    def execute(self, config, task_data):
        return answer(self.values)


class Open:
    """Takes more than it lists."""

    def __init__(self, first: str, **kwargs):
        self.body = {"first": first, "rest": kwargs}

    def execute(self, config, task_data):
        return answer(self.body)


class Inherits(Simple):
    pass


@dataclasses.dataclass
class Record:
    title: str
    pages: int = 1

    def execute(self, config, task_data):
        return answer(dataclasses.asdict(self))


class Abstract(abc.ABC):
    @abc.abstractmethod
    def execute(self, config, task_data):
        """Not a command by itself."""


class _Private:
    def execute(self, config, task_data):
        return answer("never")


class NoCommand:
    """Has no execute."""
