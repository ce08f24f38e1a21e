"""What needs no Crosspoint: settings, and answers of something that is none."""

from __future__ import annotations

import os
import socket
import unittest
from typing import Any, Dict
from unittest import mock

from automate_connectors.errors import ConnectorError
from automate_connectors.testing import ConnectorTestCase
from crosspoint_automate import CrosspointAdapter, settings
from crosspoint_automate.adapter import _key
from harness import System

CLEAN = {name: "" for name in os.environ if name.startswith("CROSSPOINT_")}


@mock.patch.dict(os.environ, CLEAN)
class SettingsOfACall(unittest.TestCase):
    def test_a_profile_goes_before_the_environment(self) -> None:
        with mock.patch.dict(os.environ, CROSSPOINT_URL="http://env/", CROSSPOINT_LONG="on", CROSSPOINT_TIMEOUT="5"):
            found = settings.of({"url": "http://own", "timeout": 7}, {"api_key": "k"})
            self.assertEqual((found.url, found.timeout, found.long, found.api_key), ("http://own", 7.0, True, "k"))
            found = settings.of({}, {})
        self.assertEqual((found.url, found.timeout, found.api_key, found.idempotency), ("http://env", 5.0, None, True))

    def test_the_key_of_the_environment_goes_to_its_own_address_alone(self) -> None:
        with mock.patch.dict(os.environ, CROSSPOINT_URL="http://env/", CROSSPOINT_API_KEY="k-4711"):
            self.assertIsNone(settings.of({"url": "http://other"}, {}).api_key)
            self.assertEqual(settings.of({"url": "http://env"}, {}).api_key, "k-4711")
            self.assertNotIn("4711", repr(settings.of({}, {})))

    def test_all_mistakes_are_told_at_once_without_their_values(self) -> None:
        wrong: Dict[str, Any] = {
            "url": "http://me:hunter2@host",
            "timeout": "hunter2",
            "long": "hunter2",
            "idempotency": "hunter2",
            "profile": 5,
            "timout": 1,
        }
        found = CrosspointAdapter().validate_config(wrong)
        self.assertFalse(found.ok)
        self.assertEqual(len(found.errors), 6)
        self.assertNotIn("hunter2", str(found.errors))
        with self.assertRaises(ConnectorError) as raised:
            settings.of(wrong, {})
        self.assertEqual((raised.exception.code, raised.exception.message_safe), ("CONFIG_INVALID", "; ".join(found.errors)))
        for url in ("host:7004", "ftp://host", "http://", "http://host?x=1", "http://host:99999", 5):
            self.assertFalse(CrosspointAdapter().validate_config({"url": url}).ok, url)
        self.assertTrue(CrosspointAdapter().validate_config({"url": "https://host/proxy", "long": "no"}).ok)

    def test_without_an_address_nothing_is_called_and_there_are_no_actions(self) -> None:
        for call in (CrosspointAdapter().connect, lambda: CrosspointAdapter().execute("a/B", {})):
            with self.assertRaisesRegex(ConnectorError, "CROSSPOINT_URL"):
                call()
        self.assertEqual(CrosspointAdapter().action_specs, {})


class Keys(unittest.TestCase):
    def test_a_key_is_of_one_call_of_one_execution(self) -> None:
        def key(action: str = "a/B", given: Any = None, **ctx: Any) -> Any:
            return _key(action, given or {"x": 1, "y": 2}, ctx)

        self.assertIsNone(key())
        one = key(execution_id="e")
        self.assertEqual(one, key(given={"y": 2, "x": 1}, execution_id="e"))
        others = [
            key(execution_id="f"),
            key("a/C", execution_id="e"),
            key(given={"x": 2}, execution_id="e"),
            key(execution_id="e", step_id="s"),
            key(idempotency_key="not a key\n"),
        ]
        self.assertEqual(len({one, *others}), 6)
        self.assertEqual(key(idempotency_key="mine", execution_id="e"), "mine")


@mock.patch.dict(os.environ, CLEAN)
class Strangers(unittest.TestCase):
    def setUp(self) -> None:
        self.system = System()
        self.addCleanup(self.system.end)

    def fails(self, **ctx: Any) -> ConnectorError:
        profile = {"config": {"url": self.system.url}, "encrypted_secrets": {"api_key": "k-4711"}}
        with self.assertRaises(ConnectorError) as raised:
            CrosspointAdapter().execute("a/B", {}, {"profile": profile, **ctx})
        return raised.exception

    def test_an_answer_of_something_else_is_told_as_such(self) -> None:
        for status, body, code in ((502, b"<html>", "UPSTREAM_5XX"), (200, b"[]", "INTERNAL_ERROR"), (404, b"", "NOT_FOUND")):
            self.system.answers(status, body)
            error = self.fails()
            self.assertEqual((error.code, error.retryable), (code, False))
            self.assertIn("not one of Crosspoint", error.message_safe)
        self.system.answers(503, b"starting", Retry_After="3")
        error = self.fails(execution_id="e")
        self.assertEqual((error.retryable, error.details_safe), (True, {"retry_after_ms": 3000}))

    def test_a_redirect_is_not_followed_with_the_key(self) -> None:
        self.system.answers(307, b"", Location=f"{self.system.url}/elsewhere")
        self.assertEqual(self.fails().code, "INTERNAL_ERROR")
        self.assertEqual(len(self.system.seen), 1)

    def test_one_that_hangs_up_is_asked_again_only_with_a_key(self) -> None:
        self.system.hangs_up = True
        self.assertEqual((self.fails().code, self.fails().retryable), ("TRANSIENT_NETWORK", False))
        self.assertTrue(self.fails(execution_id="e").retryable)

    def test_one_that_is_not_there_may_always_be_asked_again(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            with mock.patch.dict(os.environ, CROSSPOINT_URL=url):
                for call in (CrosspointAdapter().connect, lambda: CrosspointAdapter().execute("a/B", {})):
                    with self.assertRaises(ConnectorError) as raised:
                        call()
                    self.assertEqual((raised.exception.code, raised.exception.retryable), ("TRANSIENT_NETWORK", True))

    def test_one_that_is_not_ready_is_not_connected(self) -> None:
        self.system.answers(503, {"ready": False, "problems": []})
        with mock.patch.dict(os.environ, CROSSPOINT_URL=self.system.url):
            self.assertIs(CrosspointAdapter().connect(), False)


@mock.patch.dict(os.environ, CLEAN)
class Contract(ConnectorTestCase):
    adapter_class = CrosspointAdapter


if __name__ == "__main__":
    unittest.main()
