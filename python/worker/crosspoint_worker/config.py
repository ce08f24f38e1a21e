"""The `config` that commands get."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional


class Config(Dict[str, Any]):
    """A dict of the host's values that falls back on the environment, then on Flask's defaults.

    `config["KEY"]` raises KeyError when nothing has it, `config.get("KEY")` is None. The environment is looked at when
    a key is asked for, so that a change is seen. Only the host's values are listed when it is printed or walked.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.defaults: Mapping[str, Any] = {}

    def over(self, values: Mapping[str, Any]) -> Config:
        """The same with some values of its own before all others."""
        config = Config({**self, **values})
        config.defaults = self.defaults
        return config

    def __missing__(self, key: str) -> Any:
        if isinstance(key, str) and key in os.environ:
            return os.environ[key]
        return self.defaults[key]

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or (isinstance(key, str) and key in os.environ) or key in self.defaults

    def get(self, key: str, default: Optional[Any] = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __repr__(self) -> str:
        return f"<config: {', '.join(sorted(map(str, self)))}>"
