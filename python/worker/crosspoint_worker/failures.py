"""How a call fails, as the wire says it."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from types import TracebackType
from typing import Any, Dict, Optional

from . import wire

_HERE = os.path.dirname(os.path.abspath(__file__)) + os.sep

_NOT_THEIRS = (_HERE, os.path.dirname(importlib.__file__) + os.sep, "<frozen importlib.")
"""Where frames come from that only show how the worker got there."""

_DEPRECATED = "automate_connectors.base"
"""Where Django Automate has its providers, the form of adapters that is not run."""

INSTEAD = (
    ". It is the deprecated form, a Connector with execute_action(), which is not run: derive the class from "
    "automate_connectors.adapters.base.ConnectorAdapter instead, and give it execute(action, payload)"
)
"""What is said of that form, behind what went wrong."""

_LONGEST_MESSAGE = 64 * 1024
_LONGEST_DETAIL = 64 * 1024


class Failure(Exception):
    """A call that failed: kind, code, public message, effect (`none`, `maybe`, `done`) and a traceback if there is one."""

    def __init__(self, kind: str, code: str, message: str, effect: str, detail: Optional[str] = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = shortened(message, _LONGEST_MESSAGE)
        self.effect = effect
        self.detail = detail

    def frame(self, request: int) -> bytes:
        """The error to answer a request with."""
        quote = wire.quote
        detail = "" if self.detail is None else f',"detail":{quote(self.detail)}'
        more = "".join(f",{quote(name)}:{wire.dump(value)}" for name, value in self.members().items())
        data = (
            f'{{"kind":"{self.kind}","code":{quote(self.code)},"message":{quote(self.message)},'
            f'"effect":"{self.effect}"{detail}{more}}}'
        )
        return wire.error(request, wire.CALL_FAILED, self.code, data)

    def members(self) -> Dict[str, Any]:
        """What else the wire says of it, as JSON has it."""
        return {}


def raised(error: BaseException) -> Failure:
    """What a connector raised. It may have done something before."""
    return Failure("raised", type(error).__name__, text_of(error), "maybe", traceback_of(error))


def text_of(error: BaseException) -> str:
    """What an exception says, even when saying it fails."""
    try:
        return str(error)
    except BaseException as second:
        return f"(its text cannot be had: {type(second).__name__})"


def reason_of(error: BaseException) -> str:
    """Class and text of an exception that loading code raised, with what to do where a module is missing."""
    return f"{type(error).__name__}: {text_of(error)}{_about_missing(error)}"


def _about_missing(error: BaseException) -> str:
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    if not name:
        return ""
    if name.startswith(_DEPRECATED):
        return INSTEAD
    top = name.split(".")[0]
    if top == "automate_connectors" or top in sys.modules or not top.isidentifier() or _lies_beside(error, top):
        return ""
    return (
        f'. extra_requirements = ["{top}"] installs the package of that name (into a virtual environment of your own, '
        "install it yourself)"
    )


def _lies_beside(error: BaseException, module: str) -> bool:
    """Whether a module is a file beside the one that imports it: then it is no library."""
    frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
    theirs = [name for name in frames if not name.startswith(_NOT_THEIRS)]
    folder = os.path.dirname(theirs[-1]) if theirs else ""
    return bool(folder) and any(os.path.exists(os.path.join(folder, module + end)) for end in ("", ".py"))


def traceback_of(error: BaseException) -> str:
    """The traceback from where the connector's own code begins."""
    inner: Optional[TracebackType] = error.__traceback__
    while inner is not None and inner.tb_frame.f_code.co_filename.startswith(_NOT_THEIRS):
        inner = inner.tb_next
    try:
        lines = traceback.format_exception(type(error), error, inner)
    except BaseException as second:
        return f"(the traceback cannot be had: {type(second).__name__})"
    text = "".join(lines)
    if len(text) > _LONGEST_DETAIL:
        # What was raised stands at the end.
        text = "…" + text[-_LONGEST_DETAIL:]
    return text


def shortened(text: str, limit: int) -> str:
    """The text, cut when it is longer than the limit."""
    return text if len(text) <= limit else text[:limit] + "…"
