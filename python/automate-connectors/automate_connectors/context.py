"""What the running code can know about its call.

An adapter from the guide, whose `execute(action, payload)` gets no context, finds it here:

    from automate_connectors import context

    call = context.current()
    token = call.secrets["token"]
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Dict, Iterator, Mapping, Optional

from .profiles import ConnectionProfile


@dataclass(frozen=True)
class CallContext:
    """One call, or one `connect()`. Without a profile there are no secrets."""

    connector: str = ""
    action: str = ""
    profile: Optional[ConnectionProfile] = None
    trace_id: Optional[str] = None
    execution_id: Optional[str] = None
    tenant_id: Optional[str] = None
    context: Mapping[str, Any] = field(default_factory=dict)

    @property
    def secrets(self) -> Mapping[str, Any]:
        """The values of the profile's secrets by name."""
        return self.profile.encrypted_secrets if self.profile else MappingProxyType({})

    @property
    def config(self) -> Mapping[str, Any]:
        """The settings of the profile by name."""
        return self.profile.config if self.profile else MappingProxyType({})

    def as_dict(self) -> Dict[str, Any]:
        """The third argument of `execute` where it has one: a copy that the adapter may change."""
        return {
            "profile": self.profile.as_dict() if self.profile else {},
            "secrets": dict(self.secrets),
            "trace_id": self.trace_id,
            "execution_id": self.execution_id,
            "tenant_id": self.tenant_id,
            "context": dict(self.context),
        }


_CURRENT: ContextVar[Optional[CallContext]] = ContextVar("automate_connectors_call", default=None)


def current() -> Optional[CallContext]:
    """The call that the running code belongs to; None outside of one, and in threads that an adapter starts itself."""
    return _CURRENT.get()


@contextmanager
def using(call: CallContext) -> Iterator[CallContext]:
    """Makes a call the current one. For hosts and for tests."""
    before = _CURRENT.set(call)
    try:
        yield call
    finally:
        _CURRENT.reset(before)


def attach(adapter: Any, profile: Optional[ConnectionProfile]) -> None:
    """Sets `adapter.profile`, unless the adapter means something else by that name or cannot take it."""
    own = getattr(adapter, "__dict__", {}).get("profile")
    taken = getattr(type(adapter), "profile", None) is not None or not isinstance(own, (type(None), ConnectionProfile))
    if not taken:
        # One with slots finds it in the current call.
        with suppress(AttributeError):
            adapter.profile = profile
