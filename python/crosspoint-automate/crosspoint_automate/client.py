"""Talks to the API of a Crosspoint (docs/api.md in its repository)."""

from __future__ import annotations

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Dict, Optional

from automate_connectors.errors import ConnectorError, ConnectorErrorCode

from .settings import Settings

UNDER_WAY = ("received", "accepted", "running")
"""The states of a call that has not ended."""

_LONGEST_PAUSE = 5.0
_Code = ConnectorErrorCode


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the JSON object, and after how many seconds it is worth trying again."""

    status: int
    body: Any
    retry_after: Optional[float] = None


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the key elsewhere."""

    def redirect_request(self, *_: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


class Client:
    """One Crosspoint, with one key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def call(self, body: Dict[str, Any]) -> Answer:
        """Runs a command and waits for its end, on one connection or, for long calls, by asking again and again.

        ConnectorError where no answer came: `retryable` when nothing was sent, or when the call has a key, by which
        a Crosspoint knows it again.
        """
        end = time.monotonic() + self._settings.timeout
        keyed = "idempotency_key" in body
        answer = self.ask("/api/v1/calls", body, keyed)
        pause = 0.1
        while answer.status == 202 or _is_under_way(answer):
            call = answer.body["id"]
            left = end - time.monotonic()
            if left <= 0:
                raise _error(_Code.TIMEOUT, f"call {call} has not ended in time and goes on", keyed, {"call": call})
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, _LONGEST_PAUSE)
            answer = self._look(call, answer, left)
        return answer

    def ask(
        self, path: str, body: Optional[Dict[str, Any]] = None, keyed: bool = False, timeout: Optional[float] = None
    ) -> Answer:
        """One request: a POST with a body, a GET without. Any status is an answer."""
        headers = {"Accept": "application/json"}
        if self._settings.api_key:
            headers["Spiff-Connector-Proxy-Api-Key"] = self._settings.api_key
        data = None
        if body is not None:
            headers["Content-Type"] = "application/json"
            data = json.dumps(body, allow_nan=False).encode()
        request = urllib.request.Request(self._settings.url + path, data, headers)
        repeatable = keyed or body is None
        try:
            with _OPENER.open(request, timeout=timeout or self._settings.timeout) as response:
                return _read(response.status, response)
        except urllib.error.HTTPError as error:
            with error:
                return _read(error.code, error)
        except urllib.error.URLError as error:
            raise _network(error.reason, repeatable) from None
        except (OSError, http.client.HTTPException) as error:
            raise _network(error, repeatable) from None
        except ValueError:
            # Of a key with a line break, for example; the value is not shown.
            raise _error(_Code.CONFIG_INVALID, "the address or the key cannot be sent in a request") from None

    def _look(self, call: str, before: Answer, timeout: float) -> Answer:
        """How a call is now; as before, when the Crosspoint cannot say it at the moment."""
        try:
            answer = self.ask(f"/api/v1/calls/{call}", timeout=timeout)
        except ConnectorError as error:
            if not error.retryable:
                raise
            return before
        return before if answer.status in (429, 503) else answer


def _is_under_way(answer: Answer) -> bool:
    return answer.status == 200 and isinstance(answer.body, dict) and answer.body.get("state") in UNDER_WAY


def _read(status: int, response: Any) -> Answer:
    text = response.read()
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    try:
        wait: Optional[float] = max(0.0, float(response.headers.get("Retry-After", "")))
    except ValueError:
        wait = None
    return Answer(status, body, wait)


def _network(reason: Any, repeatable: bool) -> ConnectorError:
    if isinstance(reason, (TimeoutError, socket.timeout)):
        return _error(_Code.TIMEOUT, "Crosspoint did not answer in time", repeatable)
    # Nothing was sent.
    unsent = isinstance(reason, (ConnectionRefusedError, socket.gaierror))
    kind = reason.strerror if isinstance(reason, OSError) and reason.strerror else type(reason).__name__
    return _error(_Code.TRANSIENT_NETWORK, f"Crosspoint could not be reached: {kind}", unsent or repeatable)


def _error(code: Any, message: str, retryable: bool = False, details: Optional[Dict[str, Any]] = None) -> ConnectorError:
    return ConnectorError(code, message, retryable, details, "crosspoint")
