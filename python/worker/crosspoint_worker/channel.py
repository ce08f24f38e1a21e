"""The socket to the host: whole frames in, whole frames out."""

from __future__ import annotations

import os
import socket
import threading
from collections import deque
from typing import Deque, Optional

from .wire import LENGTH

_BUFFER = 64 * 1024
"""Bytes read at once. Several pipelined requests arrive with one system call."""


class Channel:
    """Frames on a connected stream socket. One thread reads at a time; any thread sends."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._bytes = memoryview(bytearray(_BUFFER))
        self._start = 0
        self._end = 0
        self._lock = threading.Lock()
        self._sender = 0
        self._late: Deque[bytes] = deque()
        self._open = True

    def read(self) -> Optional[str]:
        """The next message, or None when the other side is gone. What is not UTF-8 is empty text."""
        while True:
            have = self._end - self._start
            if have >= 4:
                (size,) = LENGTH.unpack_from(self._bytes, self._start)
                first = self._start + 4
                if have - 4 >= size:
                    self._start = first + size
                    return _text(self._bytes[first : first + size])
                if size + 4 > _BUFFER:
                    return self._read_large(first, size)
            if not self._fill():
                return None

    def send(self, data: bytes) -> None:
        """Sends a frame. A host that is gone is no error here: the thread that reads finds out.

        A collection of garbage or a signal may run a connector's code in the middle of sending, and that code may
        print. Such a frame waits until the thread is through with the first.
        """
        me = threading.get_ident()
        if self._sender == me:
            self._late.append(data)
            return
        with self._lock:
            self._sender = me
            try:
                if self._open:
                    self._sock.sendall(data)
                    while self._late:
                        self._sock.sendall(self._late.popleft())
            except OSError:
                self._open = False
            finally:
                self._sender = 0

    def forsake(self) -> None:
        """Gives the socket up in a forked child, which must neither use it nor keep it open."""
        self._lock = threading.Lock()
        self._sender = 0
        self._late.clear()
        self._open = False
        try:
            self._sock.close()
        except OSError:
            pass

    def _fill(self) -> bool:
        """Reads what is there, at least a byte; False at the end."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._end == _BUFFER or self._start > _BUFFER // 2:
            left = bytes(self._bytes[self._start : self._end])
            self._bytes[: len(left)] = left
            self._start, self._end = 0, len(left)
        count = _receive(self._sock, self._bytes[self._end :])
        self._end += count
        return count > 0

    def _read_large(self, first: int, size: int) -> Optional[str]:
        """Reads a message that does not fit the buffer into memory of its own."""
        body = memoryview(bytearray(size))
        have = self._end - first
        body[:have] = self._bytes[first : self._end]
        self._start = self._end = 0
        while have < size:
            count = _receive(self._sock, body[have:])
            if count == 0:
                return None
            have += count
        return _text(body)


def _text(data: memoryview) -> str:
    try:
        return str(data, "utf-8")
    except UnicodeDecodeError:
        return ""


def _receive(sock: socket.socket, into: memoryview) -> int:
    try:
        return sock.recv_into(into)
    except OSError:
        return 0


def take_standard_input() -> Channel:
    """Moves the socket away from descriptor 0, so that neither children nor `input()` get at it.

    Raises OSError when standard input is no socket: the program was started by hand.
    """
    moved = os.dup(0)
    sock = socket.socket(fileno=moved)
    sock.setblocking(True)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.close(empty)
    return Channel(sock)
