"""Slack's web API, as far as the adapter needs it."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Optional

from .errors import ConnectorError, ConnectorErrorCode

Answer = Dict[str, Any]

DEFAULT_WAIT_MS = 1000
"""How long to wait when Slack limits us and does not say for how long."""

MAX_ANSWER = 4 << 20
"""Bytes of an answer."""

_Code = ConnectorErrorCode

REASONS = {
    **dict.fromkeys(
        ("account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked", "invalid_token"),
        _Code.AUTH_FAILED,
    ),
    **dict.fromkeys(
        (
            "access_denied",
            "ekm_access_denied",
            "is_archived",
            "missing_scope",
            "no_permission",
            "not_allowed_token_type",
            "not_in_channel",
            "restricted_action",
        ),
        _Code.FORBIDDEN,
    ),
    **dict.fromkeys(("channel_not_found", "thread_not_found", "user_not_found"), _Code.NOT_FOUND),
    **dict.fromkeys(("ratelimited", "rate_limited", "message_limit_exceeded"), _Code.RATE_LIMITED),
    **dict.fromkeys(
        (
            "invalid_arguments",
            "invalid_array_arg",
            "invalid_blocks",
            "invalid_blocks_format",
            "msg_blocks_too_long",
            "msg_too_long",
            "no_text",
            "too_many_attachments",
        ),
        _Code.INVALID_INPUT,
    ),
}
"""What the reasons of `ok: false` mean; any other is the system's trouble."""

_STATUSES = {401: _Code.AUTH_FAILED, 403: _Code.FORBIDDEN, 404: _Code.NOT_FOUND}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


class SlackApi:
    """The methods at one address with one token."""

    def __init__(self, url: str, token: Optional[str], timeout: float) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._timeout = timeout
        self._opener = urllib.request.build_opener(_NoRedirects)

    def call(self, method: str, arguments: Dict[str, Any]) -> Answer:
        """The answer of a method that says `ok`. Everything else is a ConnectorError.

        What may be tried again is what Slack did not take: a refused connection, a limit. The whole call takes no longer
        than the timeout, plus one more when the answer trickles in.
        """
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        try:
            body = json.dumps(arguments).encode()
        except (TypeError, ValueError) as error:
            raise _error(_Code.INVALID_INPUT, f"the message is no JSON: {error}") from None
        try:
            request = urllib.request.Request(f"{self._url}/{method}", body, headers, method="POST")
            if request.type not in ("http", "https"):
                raise ValueError("no http address")
        except ValueError:
            raise _error(_Code.CONFIG_INVALID, "the setting 'api_url' is no http or https address") from None
        return _judged(method, self._send(request))

    def _send(self, request: urllib.request.Request) -> bytes:
        end = time.monotonic() + self._timeout
        try:
            with self._opener.open(request, timeout=self._timeout) as response:
                return _read(response, end)
        except urllib.error.HTTPError as error:
            with error:
                raise _of_status(error.code, error.headers) from None
        except urllib.error.URLError as error:
            raise _of_network(error.reason) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _of_network(error) from None


def retry_after_ms(value: Optional[str], now: Optional[float] = None) -> int:
    """Milliseconds of a `Retry-After`: seconds, or a date; without one that can be read, one second."""
    try:
        return max(0, int(float(value or "") * 1000))
    except (ValueError, OverflowError):
        pass
    try:
        until = parsedate_to_datetime(value or "").timestamp()
    except (TypeError, ValueError, IndexError):
        return DEFAULT_WAIT_MS
    return max(0, int((until - (time.time() if now is None else now)) * 1000))


def _read(response: Any, end: float) -> bytes:
    parts, size = [], 0
    # What is there, rather than so many bytes: a trickle must not outlast the timeout.
    while part := response.read1(1 << 16):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER:
            raise _error(_Code.UPSTREAM_5XX, f"the answer has more than {MAX_ANSWER} bytes")
        if time.monotonic() > end:
            raise TimeoutError
    return b"".join(parts)


def _judged(method: str, body: bytes) -> Answer:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise _error(_Code.UPSTREAM_5XX, f"{method}: the answer is no JSON object")
    if answer.get("ok"):
        return answer
    reason = str(answer.get("error") or "no reason given")
    code = REASONS.get(reason, _Code.UPSTREAM_5XX)
    details: Dict[str, Any] = {"reason": reason}
    if code is _Code.RATE_LIMITED:
        details["retry_after_ms"] = DEFAULT_WAIT_MS
    raise _error(code, f"Slack refused {method}: {reason}", code is _Code.RATE_LIMITED, details)


def _of_status(status: int, headers: Any) -> ConnectorError:
    details: Dict[str, Any] = {"status": status}
    if status == 429:
        details["retry_after_ms"] = retry_after_ms(headers.get("Retry-After"))
        return _error(_Code.RATE_LIMITED, "Slack limits the rate of calls", True, details)
    # After a 5xx nobody knows whether the message is there.
    code = _STATUSES.get(status, _Code.UPSTREAM_5XX if status >= 500 else _Code.INTERNAL_ERROR)
    return _error(code, f"Slack answered {status}", False, details)


def _of_network(reason: Any) -> ConnectorError:
    if isinstance(reason, (TimeoutError, socket.timeout)):
        return _error(_Code.TIMEOUT, "Slack did not answer in time")
    refused = isinstance(reason, ConnectionRefusedError)
    what = "refused the connection" if refused else f"could not be reached ({type(reason).__name__})"
    return _error(_Code.TRANSIENT_NETWORK, f"Slack {what}", refused)


def _error(
    code: ConnectorErrorCode, message: str, retryable: bool = False, details: Optional[Dict[str, Any]] = None
) -> ConnectorError:
    return ConnectorError(code, message, retryable, details, "slack")
