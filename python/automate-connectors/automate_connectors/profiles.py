"""The account that a call runs with."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Dict, Mapping


@dataclass(frozen=True)
class ConnectionProfile:
    """Settings and secrets of an account at a system. Nothing of it can be changed, and printing it shows no secret.

    `encrypted_secrets` has the name of the real model's field: its references are resolved, so that it holds the
    values. There is no database: what the host gives to the call at hand is all there is.
    """

    slug: str
    connector_slug: str = ""
    environment: str = "prod"
    config: Mapping[str, Any] = field(default_factory=dict)
    encrypted_secrets: Mapping[str, Any] = field(default_factory=dict, repr=False)
    enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("config", "encrypted_secrets"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    @property
    def name(self) -> str:
        """The slug: a profile has no other name here."""
        return self.slug

    def as_dict(self) -> Dict[str, Any]:
        """A copy in the form that `ctx["profile"]` has."""
        return {
            "name": self.name,
            "slug": self.slug,
            "connector_slug": self.connector_slug,
            "environment": self.environment,
            "config": dict(self.config),
            "encrypted_secrets": dict(self.encrypted_secrets),
            "enabled": self.enabled,
        }
