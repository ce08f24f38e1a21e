"""Frames and JSON-RPC texts.

Answers are joined from parts that are JSON already, so that each value is written once.
"""

from __future__ import annotations

import json
import struct
from json.encoder import encode_basestring_ascii
from typing import Any, Optional

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
CALL_FAILED = -32000

LENGTH = struct.Struct(">I")
"""What precedes each message."""

_encoder = json.JSONEncoder(allow_nan=False)

dump = _encoder.encode
"""Writes a value as ASCII JSON. Raises TypeError, ValueError or RecursionError for what JSON cannot hold."""


def quote(text: str) -> str:
    """The text as a JSON string that any reader can decode: halves of surrogate pairs become question marks."""
    if not text.isascii():
        text = text.encode("utf-8", "replace").decode("utf-8")
    return encode_basestring_ascii(text)


def frame(text: str) -> bytes:
    """A text with its length in front."""
    body = text.encode("utf-8")
    return LENGTH.pack(len(body)) + body


def result(request: int, text: str) -> bytes:
    """The frame of an answer whose result is the given JSON."""
    return frame(f'{{"jsonrpc":"2.0","id":{request},"result":{text}}}')


def error(request: Optional[int], code: int, message: str, data: Optional[str] = None) -> bytes:
    """The frame of an error; `data` is JSON."""
    name = "null" if request is None else str(request)
    more = "" if data is None else f',"data":{data}'
    return frame(f'{{"jsonrpc":"2.0","id":{name},"error":{{"code":{code},"message":{quote(message)}{more}}}}}')


def log(call: Optional[str], level: str, source: str, message: str) -> bytes:
    """The frame of a `log` notification."""
    name = "null" if call is None else quote(call)
    return frame(
        f'{{"jsonrpc":"2.0","method":"log","params":{{"call":{name},"level":"{level}",'
        f'"source":{quote(source)},"message":{quote(message)}}}}}'
    )


def load(text: str) -> Any:
    """Reads a message. Raises ValueError or RecursionError."""
    return json.loads(text)
