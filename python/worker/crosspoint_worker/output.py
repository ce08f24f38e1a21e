"""What connectors print and log, passed on line by line with the call it belongs to.

Nothing in here raises into a connector or waits for another thread's line.
"""

from __future__ import annotations

import io
import logging
import os
import sys
import threading
from typing import Any, Dict, List, Optional

from . import wire
from .channel import Channel
from .current import CURRENT, Call

_LINE_LIMIT = 8 * 1024
_CALL_LIMIT = 1024 * 1024


class Sink:
    """Sends lines and records to the host, within the limits of each call."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def send(self, call: Optional[Call], level: str, source: str, message: str) -> None:
        """Sends one line or record."""
        message = _cut(message)
        if call is None:
            self._channel.send(wire.log(None, level, source, message))
            return
        if call.muted:
            return
        call.logged += len(message) + 1
        if call.logged > _CALL_LIMIT:
            call.muted = True
            level, source = "warning", "crosspoint"
            message = f"the call wrote more than {_CALL_LIMIT // 1024} KiB; the rest of its output is dropped"
        self._channel.send(wire.log(call.name, level, source, message))


class Lines(io.TextIOBase):
    """Stands in for `sys.stdout` or `sys.stderr`: whole lines go to the sink, bytes to the descriptor as they are."""

    def __init__(self, sink: Sink, source: str, level: str, descriptor: int) -> None:
        self._sink = sink
        self._source = source
        self._level = level
        self._descriptor = descriptor
        # Re-entrant, because a finalizer that prints may run within `write`.
        self._lock = threading.RLock()
        self._begun: Dict[int, str] = {}
        self._forked = False
        self.buffer = open(descriptor, "wb", buffering=0, closefd=False)
        self.name = f"<{source}>"
        self.mode = "w"

    encoding = "utf-8"
    errors = "replace"
    line_buffering = True

    def fileno(self) -> int:
        return self._descriptor

    def writable(self) -> bool:
        return True

    def reconfigure(self, **options: Any) -> None:
        """Programs set buffering and encoding this way; both are settled."""

    def close(self) -> None:
        """Stays open: the worker and other calls go on writing."""

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        if self._forked:
            self._write_raw(text)
            return len(text)
        call = CURRENT.get()
        if call is not None and call.muted:
            return len(text)
        try:
            for line in self._whole_lines(call, text):
                self._sink.send(call, self._level, self._source, line)
        except (MemoryError, RecursionError):
            # The line is lost. The connector did nothing wrong by printing it.
            pass
        return len(text)

    def finish(self, call: Call) -> None:
        """Passes on a line that the call began and did not end."""
        line = call.lines.pop(self, None)
        if line:
            self._sink.send(call, self._level, self._source, line)

    def finish_all(self) -> None:
        """Passes on what was begun outside of calls, before the process ends."""
        with self._lock:
            begun, self._begun = self._begun, {}
        for line in begun.values():
            self._sink.send(None, self._level, self._source, line)

    def forked(self) -> None:
        """In a forked child the channel is not ours: text goes to the descriptor."""
        self._lock = threading.RLock()
        self._begun = {}
        self._forked = True

    def _whole_lines(self, call: Optional[Call], text: str) -> List[str]:
        """The lines that the text completes. No more of a line is kept than is passed on."""
        key: Any = threading.get_ident() if call is None else self
        lines: List[str] = []
        with self._lock:
            begun = self._begun if call is None else call.lines
            line = begun.pop(key, "")
            at, size = 0, 0
            while size <= _CALL_LIMIT or call is None:
                end = text.find("\n", at)
                stop = len(text) if end < 0 else end
                line += text[at : min(stop, at + _LINE_LIMIT + 1 - len(line))]
                if end < 0:
                    if line:
                        begun[key] = line
                    break
                lines.append(line)
                size += len(line) + 1
                line, at = "", end + 1
        return lines

    def _write_raw(self, text: str) -> None:
        data = text.encode("utf-8", "replace")
        try:
            while data:
                data = data[os.write(self._descriptor, data) :]
        except OSError:
            pass


class Records(logging.Handler):
    """Passes on what is logged, at the levels that loggers have."""

    def __init__(self, sink: Sink) -> None:
        super().__init__(logging.NOTSET)
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        try:
            message = self.format(record)
        except Exception as error:
            message = f"{record.msg!r} (its arguments do not fit: {error})"
        self._sink.send(CURRENT.get(), _level(record.levelno), record.name, message)

    def handleError(self, record: logging.LogRecord) -> None:
        """Never prints about itself."""


class Output:
    """The stand-ins of one process, put in place."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        sink = Sink(channel)
        self._streams = [Lines(sink, "stdout", "info", 1), Lines(sink, "stderr", "warning", 2)]
        sys.stdout, sys.stderr = self._streams
        self._records = Records(sink)
        root = logging.getLogger()
        root.addHandler(self._records)
        root.setLevel(logging.INFO)
        self._wrap_basic_config(root)
        os.register_at_fork(after_in_child=self._forked)

    def finish(self, call: Call) -> None:
        """Passes on the lines that a call did not end, before it is answered."""
        if call.lines:
            for stream in self._streams:
                stream.finish(call)

    def finish_all(self) -> None:
        """Passes on what is left when the process ends."""
        for stream in self._streams:
            stream.finish_all()

    def _wrap_basic_config(self, root: logging.Logger) -> None:
        """Lets `logging.basicConfig` work although a handler is there already.

        Without this it does nothing, and the connector's level is lost. What it adds for the standard streams is
        taken off again: each record would arrive twice.
        """
        basic_config = logging.basicConfig

        def apply(**options: Any) -> None:
            root.removeHandler(self._records)
            try:
                basic_config(**options)
            finally:
                for handler in list(root.handlers):
                    if type(handler) is logging.StreamHandler and handler.stream in self._streams:
                        root.removeHandler(handler)
                root.addHandler(self._records)

        logging.basicConfig = apply

    def _forked(self) -> None:
        self._channel.forsake()
        for stream in self._streams:
            stream.forked()
        logging.getLogger().removeHandler(self._records)


def _level(number: int) -> str:
    if number < logging.INFO:
        return "debug"
    if number < logging.WARNING:
        return "info"
    return "warning" if number < logging.ERROR else "error"


def _cut(message: str) -> str:
    """At most 8 KiB of UTF-8."""
    if len(message) * 4 <= _LINE_LIMIT:
        return message
    data = message[: _LINE_LIMIT + 1].encode("utf-8", "replace")
    return message if len(data) <= _LINE_LIMIT else data[:_LINE_LIMIT].decode("utf-8", "ignore")
