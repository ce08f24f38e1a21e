"""What an answer of a Crosspoint means to Django Automate."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional

from automate_connectors.errors import ConnectorError, ConnectorErrorCode
from automate_connectors.types import ConnectorResult

from .client import Answer

_Code = ConnectorErrorCode

_PROBLEMS = {
    "command_not_found": _Code.INVALID_INPUT,
    "idempotency_conflict": _Code.INVALID_INPUT,
    "outcome_unknown": _Code.INTERNAL_ERROR,
    "profile_not_found": _Code.CONFIG_INVALID,
    "profile_disabled": _Code.CONFIG_INVALID,
    "profile_incomplete": _Code.CONFIG_INVALID,
    "profile_invalid": _Code.CONFIG_INVALID,
    "ledger_off": _Code.CONFIG_INVALID,
    "deadline_exceeded": _Code.TIMEOUT,
}
"""The codes of problems that say more than their status."""

_STATUSES = {
    400: _Code.INVALID_INPUT,
    401: _Code.AUTH_FAILED,
    403: _Code.FORBIDDEN,
    404: _Code.NOT_FOUND,
    405: _Code.INVALID_INPUT,
    408: _Code.TIMEOUT,
    409: _Code.INVALID_INPUT,
    413: _Code.INVALID_INPUT,
    415: _Code.INVALID_INPUT,
    422: _Code.INVALID_INPUT,
    429: _Code.RATE_LIMITED,
}

_FAILURES = {
    "EgressRefused": _Code.FORBIDDEN,
    "not_authorised": _Code.AUTH_FAILED,
    "MissingSchema": _Code.INVALID_INPUT,
    "InvalidSchema": _Code.INVALID_INPUT,
    "InvalidURL": _Code.INVALID_INPUT,
    "InvalidHeader": _Code.INVALID_INPUT,
}
"""The codes of commands' own failures that say more than their status."""


def result(answer: Answer, keyed: bool, is_idempotent: Callable[[], bool]) -> ConnectorResult:
    """The result of a call that succeeded; a ConnectorError for any other answer.

    `is_idempotent`, whether the command may be repeated, is asked only where it makes a difference: after an error of
    the system.
    """
    body = answer.body
    if not isinstance(body, dict):
        raise _stranger(answer, keyed)
    if answer.status != 200:
        raise _problem(answer, body, keyed)
    if body.get("error") is not None or body.get("state") == "unknown":
        raise _failure(body, is_idempotent)
    outcome = body.get("outcome") or {}
    data = {name: outcome.get(name) for name in ("status", "body", "mimetype", "headers")}
    meta = {"call": body.get("id"), "encoding": outcome.get("encoding"), "logs": outcome.get("logs") or []}
    # The runtime of Django Automate takes nothing but a dict.
    return ConnectorResult(data=data, meta=meta)


def _problem(answer: Answer, body: Dict[str, Any], keyed: bool) -> ConnectorError:
    """Of a request that was not done, or of a call that broke down."""
    name = str(body.get("code") or "")
    code = _PROBLEMS.get(name) or _of_status(answer.status)
    # Nothing was done, or the key makes a repetition harmless.
    harmless = body.get("effect", "none") == "none" or keyed
    again = answer.status in (429, 503) or (answer.status == 504 and harmless)
    details: Dict[str, Any] = {"problem": name, "status": answer.status}
    details.update({member: body[member] for member in ("call", "effect", "errors") if member in body})
    if answer.retry_after is not None:
        details["retry_after_ms"] = int(answer.retry_after * 1000)
    message = str(body.get("detail") or body.get("error") or f"Crosspoint answered {answer.status}")
    if name == "ledger_off":
        message += "; the adapter's settings 'idempotency' = false and 'long' = false do without it"
    return ConnectorError(code, message, again, details, "crosspoint")


def _failure(body: Dict[str, Any], is_idempotent: Callable[[], bool]) -> ConnectorError:
    """Of a command that ran, or would have run."""
    error = body.get("error") or {}
    name, kind, state = str(error.get("code") or "unknown"), error.get("kind"), body.get("state")
    status = (body.get("outcome") or {}).get("status") or 0
    details = {"error": name, "call": body.get("id"), "state": state, "effect": error.get("effect")}
    again = False
    if state == "unknown":
        code = _Code.TIMEOUT if "Timeout" in name else _Code.INTERNAL_ERROR
        message = f"nobody knows whether it has happened ({error.get('message') or name}): settle call {body.get('id')}"
        return ConnectorError(code, message, False, details, "crosspoint")
    if name in _FAILURES:
        code = _FAILURES[name]
    elif kind == "transport":
        code = _Code.TIMEOUT if "Timeout" in name else _Code.TRANSIENT_NETWORK
        # With an effect that may have been, only a command that may be repeated is 'failed' rather than 'unknown'.
        again = state == "failed"
    else:
        code = _of_status(status)
        again = status == 429 or (status >= 500 and kind == "reported" and is_idempotent())
    return ConnectorError(code, f"{name}: {error.get('message')}", again, details, "crosspoint")


def _stranger(answer: Answer, keyed: bool) -> ConnectorError:
    """Whoever answered was no Crosspoint: something in front of it, or at its place."""
    code = _of_status(answer.status)
    message = f"the answer {answer.status} is not one of Crosspoint"
    return ConnectorError(code, message, answer.status in (502, 503, 504) and keyed, _wait(answer), "crosspoint")


def _wait(answer: Answer) -> Optional[Dict[str, Any]]:
    return None if answer.retry_after is None else {"retry_after_ms": int(answer.retry_after * 1000)}


def _of_status(status: int) -> ConnectorErrorCode:
    return _STATUSES.get(status, _Code.UPSTREAM_5XX if status >= 500 else _Code.INTERNAL_ERROR)
