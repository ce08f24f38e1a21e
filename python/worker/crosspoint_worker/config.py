"""The `config` that commands get."""

from __future__ import annotations

import os
from typing import Any, Dict, Mapping, Optional

from .current import CURRENT, Call


class Config(Dict[str, Any]):
    """A dict of the host's values that falls back on the environment, then on Flask's defaults.

    Code that runs for a call finds the values of that call's profile first, whichever of these objects it asks: what
    `execute` gets, and Flask's `current_app.config`, which all calls share. `config["KEY"]` raises KeyError when nothing has it, `config.get("KEY")` is None. The environment is looked at when
    a key is asked for, so that a change is seen. Only the host's values are listed when it is printed or walked.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.defaults: Mapping[str, Any] = {}

    def of(self, call: Call) -> Config:
        """What `execute` gets: these values and those of the call's profile, for its threads, too."""
        if not call.config:
            return self
        own = Config({**self, **call.config})
        own.defaults = self.defaults
        return own

    def __getitem__(self, key: str) -> Any:
        call = CURRENT.get()
        if call is not None and key in call.config:
            return call.config[key]
        return super().__getitem__(key)

    def __missing__(self, key: str) -> Any:
        if isinstance(key, str) and key in os.environ:
            return os.environ[key]
        return self.defaults[key]

    def __contains__(self, key: object) -> bool:
        call = CURRENT.get()
        if call is not None and key in call.config:
            return True
        return super().__contains__(key) or (isinstance(key, str) and key in os.environ) or key in self.defaults

    def get(self, key: str, default: Optional[Any] = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __repr__(self) -> str:
        return f"<config: {', '.join(sorted(map(str, self)))}>"
