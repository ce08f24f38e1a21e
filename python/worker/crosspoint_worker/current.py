"""One call, and which of them the running code belongs to."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Dict, List, Optional

if TYPE_CHECKING:
    import asyncio

    from .discovery import AnyTarget


class Call:
    """A request to run a command, to describe an auth, or to check a connection, from when it was read until it was answered."""

    __slots__ = (
        "request",
        "name",
        "connector",
        "command",
        "describes",
        "arguments",
        "task_data",
        "callback_url",
        "config",
        "profile",
        "checks",
        "headers",
        "target",
        "cancelled",
        "task",
        "lines",
        "logged",
        "muted",
    )

    def __init__(self, request: int, params: Dict[str, Any]) -> None:
        self.request = request
        self.name: str = params["call"]
        self.connector: str = params["connector"]
        # An auth is called by the name of its class as a command is.
        self.describes = "auth" in params
        # Whether it asks for the check of an adapter, which has neither command nor arguments.
        self.checks = not self.describes and "command" not in params
        self.command: str = params["auth"] if self.describes else params.get("command", "connect")
        self.arguments: Dict[str, Any] = {} if self.checks else params["arguments"]
        # What the reference host passes when a request has no task data.
        self.task_data: Any = params.get("task_data", "{}")
        self.callback_url: Optional[str] = params.get("callback_url")
        # The values of its profile.
        self.config: Dict[str, Any] = params.get("config") or {}
        # The same for an adapter: `name`, `config` and `secrets`.
        self.profile: Dict[str, Any] = params.get("profile") or {"name": None, "config": {}, "secrets": {}}
        self.headers: List[List[str]] = params.get("headers") or []
        self.target: Optional[AnyTarget] = None
        self.cancelled = False
        self.task: Optional[asyncio.Task[Any]] = None
        # Begun lines by stream, how many bytes were passed on, and whether more are dropped.
        self.lines: Dict[Any, str] = {}
        self.logged = 0
        self.muted = False


CURRENT: ContextVar[Optional[Call]] = ContextVar("crosspoint_call", default=None)
"""The call that the running code belongs to; none in threads that a connector starts without a copy of the context."""
