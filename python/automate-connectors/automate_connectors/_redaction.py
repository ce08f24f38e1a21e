"""Masks what looks like a secret by the name of its key."""

from __future__ import annotations

import re
from typing import Any

MASK = "***REDACTED***"

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_SENSITIVE = {"auth", "authorization", "credentials", "key", "passwd", "password", "secret", "token"}
_ENDINGS = ("apikey", "password", "secret", "token")


def redacted(data: Any) -> Any:
    """A masked copy of dicts and lists; everything else as it is."""
    if isinstance(data, dict):
        return {key: MASK if _is_sensitive(key) else redacted(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [redacted(value) for value in data]
    return data


def _is_sensitive(key: Any) -> bool:
    """`api_key`, `apiKey` and `accesstoken` are, `author` and `monkey` are not."""
    if not isinstance(key, str):
        return False
    words = {word.lower() for word in _WORDS.findall(key)}
    return bool(words & _SENSITIVE) or any(word.endswith(_ENDINGS) for word in words)
