"""From what an adapter raised to a failure of the call."""

from __future__ import annotations

import enum
import inspect
import json
from typing import Any, Dict, Optional

from . import adapter_places, values, wire
from .failures import Failure, raised, text_of, traceback_of

_MOST_DETAILS = 64 * 1024
"""How many bytes of details are passed on."""

NOTHING_DONE = {"INVALID_INPUT", "CONFIG_INVALID"}
"""Codes by which an adapter says that it did not begin."""

UNCERTAIN = {"TIMEOUT", "TRANSIENT_NETWORK", "INTERNAL_ERROR"}
"""Codes after which nobody knows what was done. By the others the system has answered."""

STAYS_CONNECTED = {"INVALID_INPUT", "NOT_FOUND", "FORBIDDEN", "RATE_LIMITED"}
"""Codes that say nothing against the connection."""


class AdapterFailure(Failure):
    """A failure by one of the codes of Django Automate, with what the adapter says about it."""

    def __init__(self, code: str, message: str, effect: str, detail: Optional[str], told: Optional[Dict[str, Any]]) -> None:
        super().__init__("adapter", code, message, effect, detail)
        self.told = told or {}

    def members(self) -> Dict[str, Any]:
        return {"retryable": self.told.get("retryable"), "report": self.told or None}


def of_call(error: BaseException, adapter: Any, action: str, known: "set[str]") -> Failure:
    """What `execute` raised."""
    if isinstance(error, Failure):
        return error
    unknown = _unknown_action(error, adapter, action, known)
    if unknown is not None:
        return unknown
    told = _told(error, adapter)
    if told is None:
        return raised(error)
    effect = "none" if told["code"] in NOTHING_DONE else "maybe" if told["code"] in UNCERTAIN else "done"
    return AdapterFailure(told["code"], told["message"], effect, traceback_of(error), told)


def of_connect(error: BaseException, adapter: Any, name: str) -> Failure:
    """What `connect` raised. `execute` was not called, so nothing was done."""
    return _before_execute(error, _told(error, adapter), f"{name}: connect()")


def of_making(error: BaseException, name: str) -> Failure:
    """What the constructor raised. Neither `connect` nor `execute` was called."""
    told = _members(error) if _is_connector_error(error) else None
    return _before_execute(error, told, f"{name}: making the adapter")


def _before_execute(error: BaseException, told: Optional[Dict[str, Any]], what: str) -> Failure:
    if told is None:
        message = f"{what} raised {type(error).__name__}: {text_of(error)}"
        return AdapterFailure("connect_failed", message, "none", traceback_of(error), None)
    return AdapterFailure(told["code"], f"{what} failed: {told['message']}", "none", traceback_of(error), told)


def refused_connection(name: str) -> Failure:
    """`connect` answered that there is no connection."""
    message = f"{name}: connect() answered that the system cannot be used"
    return AdapterFailure("connect_failed", message, "none", None, None)


def breaks_connection(failure: Failure) -> bool:
    """Whether `connect` has to come before the next call."""
    return failure.kind in ("raised", "adapter") and failure.code not in STAYS_CONNECTED


def _unknown_action(error: BaseException, adapter: Any, action: str, known: "set[str]") -> Optional[Failure]:
    """An action that the adapter does not know, as the guide and the how-to pages say it.

    A ValueError may come from bad data deep inside of an action, so its type alone says nothing. Where no action is known
    it counts if `execute` itself raised it, with the action in its text.
    """
    if not isinstance(error, (ValueError, NotImplementedError)) or action in known:
        return None
    itself = _raised_by_execute(error, adapter)
    if not known and not (itself and action in text_of(error)):
        return None
    return AdapterFailure("INVALID_INPUT", text_of(error), "none" if itself else "maybe", traceback_of(error), None)


def _raised_by_execute(error: BaseException, adapter: Any) -> bool:
    """Whether the statement that raised stands in `execute` itself."""
    function = inspect.unwrap(getattr(adapter.execute, "__func__", adapter.execute))
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and trace.tb_frame.f_code is getattr(function, "__code__", None)


def _told(error: BaseException, adapter: Any) -> Optional[Dict[str, Any]]:
    """What an error of Django Automate says, or one that the adapter makes of another; None for any other."""
    if not _is_connector_error(error):
        own = adapter_places.overrides(type(adapter), "normalize_error")
        if not isinstance(error, Exception) or not (own or isinstance(error, (TimeoutError, ConnectionError))):
            return None
        try:
            normal = adapter.normalize_error(error)
        except Exception:
            # What it was to explain says more.
            return None
        if not _is_connector_error(normal):
            return None
        error = normal
    try:
        return _members(error)
    except Exception:
        return None


def _is_connector_error(error: Any) -> bool:
    return any(base.__name__ == "ConnectorError" for base in type(error).__mro__)


def _members(error: Any) -> Dict[str, Any]:
    """As `to_dict` has them, from the attributes: a subclass may have changed the method."""
    code = getattr(error, "code", None)
    code = code.value if isinstance(code, enum.Enum) else code
    message = getattr(error, "message_safe", None) or " ".join(str(part) for part in getattr(error, "args", ()))
    details = getattr(error, "details_safe", None)
    connector = getattr(error, "connector_code", None)
    return {
        "code": _text(code or "INTERNAL_ERROR"),
        "message": _text(message or type(error).__name__),
        "retryable": bool(getattr(error, "retryable", False)),
        "details": _json(details) if isinstance(details, dict) else {},
        "connector": None if connector is None else _text(connector),
    }


def _text(value: Any) -> str:
    return str(value).encode("utf-8", "replace").decode("utf-8")


def _json(details: Dict[Any, Any]) -> Dict[str, Any]:
    """Details as JSON; what it does not have is told by its type."""
    kept: Dict[str, Any] = {}
    room = _MOST_DETAILS
    for key, value in details.items():
        try:
            size = len(wire.dump(value)) + len(str(key))
        except Exception:
            value, size = values.problem(value), 0
        if size > room:
            value, size = "(too long to be told)", 0
        room -= size
        kept[str(key)] = value
    # Halves of surrogate pairs become question marks.
    text = json.dumps(kept, ensure_ascii=False)
    clean: Dict[str, Any] = json.loads(text.encode("utf-8", "replace"))
    return clean
