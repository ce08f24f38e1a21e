"""A Crosspoint of the binary that was built, and a system behind it."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional, Tuple

PATIENCE = 60.0
"""Seconds after which a test gives up on a process: no figure, only the difference between an error and a hang."""

KEY = "automate-key-4711"


def binary() -> str:
    """The program under test, from the variable CROSSPOINT_TEST_BINARY, which `cargo xtask test` sets."""
    try:
        return os.path.abspath(os.environ["CROSSPOINT_TEST_BINARY"])
    except KeyError:
        message = "CROSSPOINT_TEST_BINARY has to be the path of a crosspoint (cargo build --package crosspoint)"
        raise RuntimeError(message) from None


class Crosspoint:
    """`crosspoint serve` in a folder of its own, killed at the end."""

    def __init__(self, config: str = "", env: Optional[Dict[str, str]] = None) -> None:
        self.folder = tempfile.mkdtemp()
        with open(os.path.join(self.folder, "crosspoint.toml"), "w", encoding="utf-8") as file:
            file.write(f'listen = "127.0.0.1:0"\n{config}')
        self._log = open(os.path.join(self.folder, "log"), "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [binary(), "serve"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "CONNECTOR_PROXY_API_KEY": KEY, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        lines: "queue.Queue[str]" = queue.Queue()
        threading.Thread(target=lambda: [lines.put(line) for line in self.process.stdout], daemon=True).start()
        try:
            self.url = lines.get(timeout=PATIENCE).split(" on ")[1].strip()
        except (queue.Empty, IndexError):
            self._log.seek(0)
            raise RuntimeError(f"it did not start: {self._log.read()}") from None

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self._log.close()
        shutil.rmtree(self.folder)


class System(ThreadingHTTPServer):
    """The system that commands call: answers as it is told, and counts."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.body = b"{}"
        self.mimetype = "application/json"
        self.headers: Dict[str, str] = {}
        self.gate: Optional[threading.Event] = None
        self.came = threading.Semaphore(0)
        self.hangs_up = False
        self.seen: List[Tuple[str, str, bytes]] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answers(self, status: int, body: Any = None, **headers: str) -> None:
        self.status = status
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def end(self) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: System

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen.append((self.command, self.path, body))
        self.server.came.release()
        if self.server.hangs_up:
            self.close_connection = True
            return
        if self.server.gate is not None:
            self.server.gate.wait(PATIENCE)
        self.send_response(self.server.status)
        for name, value in {"Content-Type": self.server.mimetype, **self.server.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    do_GET = do_HEAD = do_POST

    def log_message(self, *_: Any) -> None:
        pass
