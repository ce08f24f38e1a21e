"""Where the Crosspoint is and how it is called: from the profile of a call, or from the environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Callable, Dict, List, Mapping, Optional
from urllib.parse import urlsplit

from automate_connectors.errors import ConnectorError, ConnectorErrorCode

SCHEMA: Dict[str, Any] = {
    "type": "object",
    "properties": {
        "url": {"type": "string", "description": "Where the Crosspoint is, as http://127.0.0.1:7004."},
        "profile": {"type": "string", "description": "The profile of the connector that calls run with."},
        "timeout": {"type": "number", "description": "Seconds to wait for a call; 310 unless it is said."},
        "long": {"type": "boolean", "description": "Ask again for the result instead of waiting on one connection."},
        "idempotency": {"type": "boolean", "description": "Send a key with calls of an execution; true unless it is said."},
    },
}
"""The settings of a profile. Each has a variable, `CROSSPOINT_URL` and so on."""

TIMEOUT = 310.0
"""More than a Crosspoint takes for a call (`api.deadline`, 5 minutes), so that it is the one to say what happened."""

_WORDS = {"true": True, "1": True, "on": True, "yes": True, "false": False, "0": False, "off": False, "no": False}


@dataclass(frozen=True)
class Settings:
    """How one call goes. Printing it does not show the key."""

    url: str
    api_key: Optional[str]
    profile: Optional[str]
    timeout: float
    long: bool
    idempotency: bool

    def __repr__(self) -> str:
        return f"Settings({self.url})"


def of(config: Mapping[str, Any], secrets: Mapping[str, Any]) -> Settings:
    """The settings of a profile, completed from the environment. All mistakes are one ConnectorError (CONFIG_INVALID).

    The key of the environment goes to the address of the environment alone: a profile that has another one brings its own.
    """
    found = _found(config)
    errors = mistakes(found)
    if not found.get("url"):
        errors.append("there is no address: give the profile the setting 'url', or set CROSSPOINT_URL")
    if errors:
        raise ConnectorError(ConnectorErrorCode.CONFIG_INVALID, "; ".join(errors), connector_code="crosspoint")
    url = str(found["url"]).rstrip("/")
    key = secrets.get("api_key")
    if not key and url == os.environ.get("CROSSPOINT_URL", "").rstrip("/"):
        key = os.environ.get("CROSSPOINT_API_KEY")
    return Settings(
        url=url,
        api_key=key or None,
        profile=found.get("profile") or None,
        timeout=float(found.get("timeout", TIMEOUT)),
        long=_truth(found.get("long", False)),
        idempotency=_truth(found.get("idempotency", True)),
    )


def mistakes(config: Mapping[str, Any]) -> List[str]:
    """What is wrong with the values of settings, one sentence each. None is quoted: it may be a secret in the wrong place."""
    errors = []
    for name in sorted(set(config) - set(SCHEMA["properties"])):
        errors.append(f"unknown setting '{name}' (there are {', '.join(SCHEMA['properties'])})")
    wanted: Dict[str, Any] = {
        "url": (_is_address, "an http or https address without query"),
        "profile": (lambda value: isinstance(value, str), "text"),
        "timeout": (lambda value: float(value) > 0, "seconds, more than 0"),
        "long": (lambda value: isinstance(_truth(value), bool), "true or false"),
        "idempotency": (lambda value: isinstance(_truth(value), bool), "true or false"),
    }
    for name, (fits, what) in wanted.items():
        if name in config and not _holds(fits, config[name]):
            errors.append(f"the setting '{name}' has to be {what}")
    return errors


def _found(config: Mapping[str, Any]) -> Dict[str, Any]:
    found = {}
    for name in SCHEMA["properties"]:
        value = os.environ.get(f"CROSSPOINT_{name.upper()}")
        if value:
            found[name] = value
    return {**found, **config}


def _truth(value: Any) -> bool:
    return value if isinstance(value, bool) else _WORDS[str(value).lower()]


def _is_address(value: str) -> bool:
    parts = urlsplit(value)
    plain = not (parts.query or parts.fragment or parts.username or parts.password)
    return parts.scheme in ("http", "https") and bool(parts.hostname) and plain and parts.port != 0


def _holds(fits: Callable[[Any], bool], value: Any) -> bool:
    try:
        return fits(value)
    except (AttributeError, KeyError, TypeError, ValueError):
        return False
