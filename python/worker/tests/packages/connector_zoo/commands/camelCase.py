import dataclasses
import datetime
import enum
from abc import ABC, abstractmethod
from typing import Any, Dict, List, Literal, Optional, Union

from ..shared import Base


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Abstract(ABC):
    @abstractmethod
    def execute(self, config, task_data):
        """What the others do."""


class _Private:
    def execute(self, config, task_data):
        return {}


class Inherited(Base):
    """Has its parent's constructor."""


class Inner:
    """No command: it cannot be executed."""


class Types:
    """Shows every type.

    Some more words.

    Args:
        text: a text
            that goes on
        number (int): a number

    Returns:
        nothing: of interest
    """

    def __init__(
        self,
        text: str,
        number: int,
        ratio: float,
        flag: bool,
        names: List[str],
        table: Dict[str, int],
        anything: Any,
        bare,
        when: datetime.datetime,
        color: Color,
        either: Union[str, int],
        mode: Literal["a", "b"] = "a",
        perhaps: Optional[str] = None,
        maybe_mode: Optional[Literal["x", 1]] = None,
        several: Union[List[str], Dict[str, str], None] = None,
        made: object = object(),
        *arguments: str,
        keyword: Optional[int],
    ):
        self.seen = dict(locals())
        for name in ("self", "made", "arguments"):
            self.seen.pop(name)

    def execute(self, config, task_data):
        return {"response": self.seen, "mimetype": "application/json"}


@dataclasses.dataclass
class Record:
    """A record.

    :param str name: its name
    """

    name: str
    tags: List[str] = dataclasses.field(default_factory=list)
    color: Color = Color.RED

    def execute(self, config, task_data):
        return {"response": {"name": self.name, "tags": self.tags}, "mimetype": "application/json"}


@dataclasses.dataclass
class Plain:
    size: int = 3

    def execute(self, config, task_data):
        return {"response": str(self.size), "mimetype": "text/plain"}


class Singleton:
    _only = None

    def __new__(cls, *args, **kwargs):
        cls._only = cls._only or super().__new__(cls)
        return cls._only

    def __init__(self, key: str):
        self.key = key

    def execute(self, config, task_data):
        return {"response": self.key, "mimetype": "text/plain"}


class OnlyLong:
    def execute_async(self, config, task_data, callback_url):
        return {"command_response": {"body": callback_url}, "command_response_version": 2}
