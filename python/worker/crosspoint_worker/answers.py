"""From what a command returned to the result of a `call`.

Every failure in here has effect `done`: the command ran, and only its result cannot be used.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from json.encoder import encode_basestring
from typing import Any, Dict, Optional

from . import values, wire
from .failures import Failure


class Answers:
    """Writes results, up to a size in bytes."""

    def __init__(self, limit: int) -> None:
        self._limit = limit

    def write(self, command: str, result: Any, handed_over: bool) -> str:
        """The JSON of the result. Raises Failure of the kind `result`."""
        if not isinstance(result, dict):
            if not isinstance(result, Mapping):
                raise _invalid(command, f"it is {_named(result)}, and a dict is needed")
            result = dict(result)
        if handed_over:
            return f'{{"version":2,"handed_over":true,"answer":{self.json(command, result)}}}'
        version = result.get("command_response_version", 1)
        if not isinstance(version, (int, float)):
            raise _invalid(command, f"command_response_version is {_named(version)}, and a number is needed")
        if version > 1:
            return f'{{"version":2,"handed_over":false,"answer":{self.json(command, result)}}}'
        return self._first_version(command, result)

    def describe(self, auth: str, result: Any) -> str:
        """The JSON of an auth's description. What JSON cannot hold is left out: such a dict may have functions in it."""
        if not isinstance(result, Mapping):
            raise _invalid(f"{auth}.app_description", f"it is {_named(result)}, and a dict is needed")
        parts = {}
        for key, value in result.items():
            try:
                wire.dump({key: value})
            except Exception:
                continue
            parts[key] = value
        return f'{{"description":{self.json(auth, parts)}}}'

    def _first_version(self, command: str, result: Dict[str, Any]) -> str:
        if "response" not in result:
            raise _invalid(command, "it has no response (version 1), nor a command_response_version above 1")
        response = result["response"]
        status = _status(command, result)
        if response is None:
            response = ""
        if isinstance(response, str):
            body, usual = f'"text":{self._text(command, response)}', "text/plain"
        elif isinstance(response, (bytes, bytearray, memoryview)):
            data = bytes(response)
            self._check_size(command, len(data))
            body, usual = f'"base64":"{base64.b64encode(data).decode("ascii")}"', "application/octet-stream"
        else:
            body, usual = f'"json":{self.json(command, response, "response")}', "application/json"
        mimetype = result.get("mimetype")
        if not isinstance(mimetype, str):
            mimetype = usual
        return (
            f'{{"version":1,"handed_over":false,"status":{status},"mimetype":{wire.quote(mimetype)},{body}}}'
        )

    def _text(self, command: str, text: str) -> str:
        self._check_size(command, len(text))
        if text.isascii():
            return wire.quote(text)
        try:
            self._check_size(command, len(text.encode("utf-8")))
        except UnicodeEncodeError as error:
            place = f"response has half of a surrogate pair at character {error.start}"
            raise _invalid(command, f"{place}, which is no text: return whole characters or bytes") from None
        # Not escaped: other scripts would take up to three times the room.
        return encode_basestring(text)

    def json(self, command: str, value: Any, name: Optional[str] = None) -> str:
        """The JSON of a value, which messages call `name`. Raises Failure of the kind `result`."""
        try:
            text = wire.dump(value)
        except Exception:
            # A subclass of dict may raise anything. Its problem is told in words, not by Python's own sentence.
            place = value if name is None else {name: value}
            raise _invalid(command, values.problem(place)) from None
        self._check_size(command, len(text))
        return text

    def _check_size(self, command: str, size: int) -> None:
        if size > self._limit:
            raise Failure(
                "result",
                "AnswerTooLarge",
                f"{command} did run, but its answer of {size} bytes is above the limit of {self._limit}: "
                "return less, or raise max_answer",
                "done",
            )


def _status(command: str, result: Dict[str, Any]) -> int:
    """The outer status; 200 when there is none. What `int()` takes is taken, as in the reference host."""
    given = result.get("status")
    if given is None:
        return 200
    try:
        status = int(given)
    except (TypeError, ValueError, OverflowError):
        status = 0
    if not 200 <= status <= 999:
        shown = repr(given) if isinstance(given, (int, float)) else _named(given)
        raise _invalid(command, f"status is {shown}, and a number from 200 to 999 is needed")
    return status


def _named(value: Any) -> str:
    name = type(value).__name__
    return "None" if value is None else f"{'an' if name[:1].lower() in 'aeiou' else 'a'} {name}"


def _invalid(command: str, what: str) -> Failure:
    return Failure("result", "InvalidResult", f"{command} did run, but what it returned cannot be used: {what}", "done")
