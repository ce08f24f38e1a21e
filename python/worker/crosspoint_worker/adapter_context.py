"""What an adapter can know about its call, in each of the ways that the documentation of Django Automate shows.

The source's adapters read `ctx["profile"]["encrypted_secrets"]`, those of the how-to pages `context["secrets"]`. The guide's
get no context: they find `self.profile`, and `automate_connectors.context.current()`, both in our package only.
"""

from __future__ import annotations

import contextlib
import copy
import sys
from typing import Any, ContextManager, Dict

from .current import Call


def third_argument(connector: str, call: Call) -> Dict[str, Any]:
    """The context that `execute` gets where it takes one. The adapter may change it."""
    profile = _profile(connector, call)
    return {
        "profile": profile,
        "secrets": dict(profile["encrypted_secrets"]),
        **_ids(call),
        "tenant_id": None,
        "context": copy.deepcopy(call.task_data) if isinstance(call.task_data, dict) else {},
    }


def using(connector: str, action: str, call: Call) -> ContextManager[Any]:
    """Makes this the call that `automate_connectors.context.current()` gives, where there is such a module."""
    ours = _ours()
    if ours is None:
        return contextlib.nullcontext()
    task_data = call.task_data if isinstance(call.task_data, dict) else {}
    held = any(call.profile.get(member) for member in ("name", "config", "secrets"))
    profile = _account(connector, call) if held else None
    made = ours.CallContext(connector=connector, action=action, profile=profile, context=task_data, **_ids(call))
    manager: ContextManager[Any] = ours.using(made)
    return manager


def attach(adapter: Any) -> None:
    """Gives an adapter that was just made the profile of the current call, as `self.profile`."""
    ours = _ours()
    call = None if ours is None else ours.current()
    if ours is not None and call is not None:
        ours.attach(adapter, call.profile)


def _ours() -> Any:
    """Our module, when our package is the one in use. Nothing is imported for an adapter that does without."""
    if "automate_connectors" not in sys.modules:
        return None
    try:
        from automate_connectors import context
    except ImportError:
        return None
    return context if hasattr(context, "CallContext") else None


def _profile(connector: str, call: Call) -> Dict[str, Any]:
    """In the form of `ctx["profile"]`."""
    name = call.profile.get("name")
    config = dict(call.profile.get("config") or {})
    return {
        "name": name,
        "slug": name,
        "connector_slug": connector,
        "environment": config.get("environment", "prod"),
        "config": config,
        "encrypted_secrets": dict(call.profile.get("secrets") or {}),
        "enabled": True,
    }


def _account(connector: str, call: Call) -> Any:
    from automate_connectors.profiles import ConnectionProfile

    profile = _profile(connector, call)
    del profile["name"]
    return ConnectionProfile(**{**profile, "slug": profile["slug"] or ""})


def _ids(call: Call) -> Dict[str, Any]:
    """The id under which the call is recorded."""
    return {"trace_id": call.name, "execution_id": call.name}
