"""The adapters `logging` and `slack`, the latter against a Slack of our own on a local port."""

from __future__ import annotations

import json
import socket
import threading
import time
import unittest
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, List, Optional

from automate_connectors import context
from automate_connectors._slack_api import retry_after_ms
from automate_connectors.adapters.logging import LoggingAdapter
from automate_connectors.adapters.slack import SlackAdapter
from automate_connectors.errors import ConnectorError
from automate_connectors.profiles import ConnectionProfile
from automate_connectors.testing import ConnectorTestCase

TOKEN = "xoxb-4711"


class Slack(ThreadingHTTPServer):
    """Answers as it is told, and remembers what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = 200
        self.headers: Dict[str, str] = {}
        self.body: bytes = b'{"ok": true, "ts": "1.2"}'
        self.gate: Optional[threading.Event] = None
        self.seen: List[Any] = []
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/api"


class Handler(BaseHTTPRequestHandler):
    server: Slack

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.seen.append((self.path, self.headers.get("Authorization"), body))
        if self.server.gate is not None:
            self.server.gate.wait(30)
        try:
            self.send_response(self.server.status)
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(self.server.body)
        except OSError:
            pass  # The adapter has given up.

    do_GET = do_POST

    def log_message(self, *_: Any) -> None:
        pass


class SendingToSlack(unittest.TestCase):
    def setUp(self) -> None:
        self.slack = Slack()
        self.addCleanup(self.slack.server_close)
        self.addCleanup(self.slack.shutdown)
        self.config: Dict[str, Any] = {"api_url": self.slack.url}

    def ctx(self) -> Dict[str, Any]:
        profile = ConnectionProfile("prod", "slack", config=self.config, encrypted_secrets={"token": TOKEN})
        return context.CallContext("slack", "send_message", profile).as_dict()

    def send(self, **payload: Any) -> Any:
        return SlackAdapter().execute("send_message", {"channel": "C1", **payload}, self.ctx())

    def fails(self, **payload: Any) -> ConnectorError:
        with self.assertRaises(ConnectorError) as raised:
            self.send(**(payload or {"message": "Hello"}))
        error = raised.exception
        self.assertNotIn(TOKEN, json.dumps(error.to_dict()))
        self.assertEqual(error.connector_code, "slack")
        return error

    def answer(self, status: int, body: Any = None, **headers: str) -> None:
        self.slack.status = status
        self.slack.headers = {name.replace("_", "-"): value for name, value in headers.items()}
        self.slack.body = json.dumps(body or {}).encode()

    def test_case_34_message_blocks_or_both_are_sent_and_slacks_answer_comes_back(self) -> None:
        blocks = [{"type": "divider"}]
        for payload, text in (
            ({"message": "Grüße"}, "Grüße"),
            ({"blocks": blocks}, "Notification"),
            ({"message": "Hello", "blocks": blocks}, "Hello"),
        ):
            result = self.send(**payload)
            self.assertEqual((result.status, result.data), ("success", {"ok": True, "ts": "1.2"}))
            path, authorization, sent = self.slack.seen.pop()
            self.assertEqual((path, authorization), ("/api/chat.postMessage", f"Bearer {TOKEN}"))
            given = {"blocks": blocks} if "blocks" in payload else {}
            self.assertEqual(sent, {"channel": "C1", "text": text, **given})

    def test_case_34_without_message_and_blocks_nothing_is_sent(self) -> None:
        for payload in ({"message": ""}, {"channel": None, "message": "x"}, {"blocks": [b"no JSON"]}):
            error = self.fails(**payload)
            self.assertEqual((error.code, error.retryable), ("INVALID_INPUT", False))
        self.assertEqual(self.slack.seen, [])

    def test_case_34_refusals_are_told_apart(self) -> None:
        for reason, code in (
            ("invalid_auth", "AUTH_FAILED"),
            ("not_in_channel", "FORBIDDEN"),
            ("channel_not_found", "NOT_FOUND"),
            ("msg_too_long", "INVALID_INPUT"),
            ("fatal_error", "UPSTREAM_5XX"),
            ("something_new", "UPSTREAM_5XX"),
        ):
            self.answer(200, {"ok": False, "error": reason})
            error = self.fails()
            self.assertEqual((error.code, error.retryable, error.details_safe), (code, False, {"reason": reason}))
            self.assertIn(reason, error.message_safe)

    def test_case_34_a_limit_says_how_long_to_wait(self) -> None:
        def wait(**headers: str) -> Any:
            self.answer(429, None, **headers)
            error = self.fails()
            self.assertEqual((error.code, error.retryable), ("RATE_LIMITED", True))
            return error.details_safe["retry_after_ms"]

        self.assertEqual(wait(Retry_After="7"), 7000)
        self.assertEqual(wait(), 1000)
        self.assertEqual(wait(Retry_After="soon"), 1000)
        # As long as the test itself may take is left of the hour.
        self.assertTrue(0 < wait(Retry_After=formatdate(time.time() + 3600, usegmt=True)) <= 3600_000)
        self.answer(200, {"ok": False, "error": "ratelimited"})
        self.assertEqual((self.fails().code, self.fails().retryable), ("RATE_LIMITED", True))

    def test_retry_after_is_read_in_both_forms(self) -> None:
        self.assertEqual(retry_after_ms("Thu, 01 Jan 1970 00:01:00 GMT", now=15.0), 45_000)
        self.assertEqual(retry_after_ms("Thu, 01 Jan 1970 00:01:00 GMT", now=75.0), 0)
        self.assertEqual((retry_after_ms("1.5"), retry_after_ms("-3"), retry_after_ms("inf")), (1500, 0, 1000))

    def test_case_34_errors_of_the_server_are_not_repeated(self) -> None:
        for status, code in ((500, "UPSTREAM_5XX"), (503, "UPSTREAM_5XX"), (401, "AUTH_FAILED"), (418, "INTERNAL_ERROR")):
            self.answer(status, {"ok": True})
            error = self.fails()
            self.assertEqual((error.code, error.retryable, error.details_safe), (code, False, {"status": status}))

    def test_a_redirect_is_not_followed_with_the_token(self) -> None:
        self.answer(307, None, Location=f"{self.slack.url}/elsewhere")
        self.assertEqual(self.fails().code, "INTERNAL_ERROR")
        self.assertEqual([path for path, _, _ in self.slack.seen], ["/api/chat.postMessage"])

    def test_an_answer_that_is_no_json_object_is_the_systems_trouble(self) -> None:
        for body in (b"<html>", b"[]", b"\xff", b""):
            self.slack.body = body
            self.assertEqual(self.fails().code, "UPSTREAM_5XX")

    def test_case_34_a_refused_connection_may_be_tried_again(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            self.config["api_url"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
            error = self.fails()
        self.assertEqual((error.code, error.retryable), ("TRANSIENT_NETWORK", True))

    def test_case_34_a_slow_answer_is_given_up_and_not_repeated(self) -> None:
        self.config["timeout"] = "0.2"
        self.slack.gate = threading.Event()
        self.addCleanup(self.slack.gate.set)
        error = self.fails()
        self.assertEqual((error.code, error.retryable), ("TIMEOUT", False))
        self.assertEqual(len(self.slack.seen), 1)

    def test_mistakes_of_the_profile_are_told_before_anything_is_sent(self) -> None:
        for name, wrong in (("timeout", "long"), ("api_url", "slack.com/api"), ("api_url", "file:///etc/passwd")):
            self.config = {"api_url": self.slack.url, name: wrong}
            error = self.fails()
            self.assertEqual(error.code, "CONFIG_INVALID")
            self.assertIn(name, error.message_safe)

    def test_the_token_comes_from_the_call_the_instance_or_the_payload(self) -> None:
        profile = ConnectionProfile("prod", config=self.config, encrypted_secrets={"token": "attached"})
        adapter = SlackAdapter()
        message = {"channel": "C1", "message": "Hello"}
        with self.assertRaises(ConnectorError) as raised:
            adapter.execute("send_message", message)
        self.assertEqual(raised.exception.code, "AUTH_FAILED")
        with context.using(context.CallContext(profile=profile)):
            adapter.execute("send_message", message)
        context.attach(adapter, profile)
        adapter.execute("send_message", message)
        adapter.execute("send_message", {**message, "token": "paid"}, {"profile": {"config": self.config}})
        self.assertEqual([token for _, token, _ in self.slack.seen], ["Bearer attached", "Bearer attached", "Bearer paid"])

    def test_connecting_asks_slack_whether_it_takes_the_token(self) -> None:
        adapter = SlackAdapter()
        context.attach(adapter, ConnectionProfile("prod", config=self.config, encrypted_secrets={"token": TOKEN}))
        self.assertIs(adapter.connect(), True)
        self.answer(200, {"ok": False, "error": "invalid_auth"})
        with self.assertRaises(ConnectorError) as raised:
            adapter.connect()
        self.assertEqual(raised.exception.code, "AUTH_FAILED")
        context.attach(adapter, ConnectionProfile("prod", config=self.config))
        self.answer(200, {"ok": True})
        self.assertIs(adapter.connect(), True)
        self.assertEqual([path for path, _, _ in self.slack.seen], ["/api/auth.test", "/api/auth.test", "/api/api.test"])

    def test_an_unknown_action_is_invalid_input(self) -> None:
        with self.assertRaises(ConnectorError) as raised:
            SlackAdapter().execute("fly", {}, self.ctx())
        self.assertEqual(raised.exception.message_safe, "Unknown action: fly")
        self.assertEqual(raised.exception.code, "INVALID_INPUT")


class ContractOfSlack(ConnectorTestCase):
    adapter_class = SlackAdapter


class ContractOfLogging(ConnectorTestCase):
    adapter_class = LoggingAdapter

    def test_case_33_any_action_is_echoed_and_logged_without_secrets(self) -> None:
        adapter = self.get_adapter()
        self.assertIs(adapter.connect(), True)
        for call in (("fly", {"to": "Ü", "token": TOKEN}), ("", {}), ("fly", {"x": [1]}, {"trace_id": "t"})):
            with self.assertLogs("automate_connectors.adapters.logging", "INFO") as logs:
                result = adapter.execute(*call)
            self.assertEqual((result.status, result.data), ("success", {"logged": True, "input": call[1]}))
            self.assertNotIn(TOKEN, logs.output[0])


if __name__ == "__main__":
    unittest.main()
