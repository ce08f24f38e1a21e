"""Calls through the adapter to a running Crosspoint."""

from __future__ import annotations

import json
import os
import socket
import threading
import unittest
from typing import Any, Dict
from unittest import mock

from automate_connectors.errors import ConnectorError
from crosspoint_automate import CrosspointAdapter
from harness import KEY, PATIENCE, Crosspoint, System

CONFIG = """
[connectors.http.profiles.account]
settings = {{ origin = "{system}" }}
secrets = {{ access_token = "t-4711" }}

[connectors.http.commands.HeadRequestV2.policy]
rate = "1/h"
"""


class Calls(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.system = System()
        cls.addClassCleanup(cls.system.end)
        cls.crosspoint = Crosspoint(CONFIG.format(system=cls.system.url))
        cls.addClassCleanup(cls.crosspoint.end)

    def setUp(self) -> None:
        self.system.answers(200, {"order": 7})
        self.system.mimetype = "application/json"
        self.system.gate, self.system.hangs_up = None, False
        self.system.seen.clear()
        self.config: Dict[str, Any] = {"url": self.crosspoint.url}
        self.secrets = {"api_key": KEY}

    def ctx(self, **more: Any) -> Dict[str, Any]:
        return {"profile": {"config": self.config, "encrypted_secrets": self.secrets}, **more}

    def get(self, path: str = "/", **ctx: Any) -> Any:
        return CrosspointAdapter().execute("http/GetRequestV2", {"url": self.system.url + path}, self.ctx(**ctx))

    def post(self, data: Any = None, **ctx: Any) -> Any:
        given = {"url": f"{self.system.url}/orders", "data": data or {"book": 1}}
        return CrosspointAdapter().execute("http/PostRequestV2", given, self.ctx(**ctx))

    def fails(self, call: Any, *arguments: Any, **ctx: Any) -> ConnectorError:
        with self.assertRaises(ConnectorError) as raised:
            call(*arguments, **ctx)
        error = raised.exception
        self.assertNotIn(KEY, json.dumps(error.to_dict()))
        self.assertEqual(error.connector_code, "crosspoint")
        return error

    def code(self, call: Any, *arguments: Any, **ctx: Any) -> Any:
        error = self.fails(call, *arguments, **ctx)
        return error.code.value, error.retryable

    def execute(self, action: str, given: Dict[str, Any], **ctx: Any) -> Any:
        return CrosspointAdapter().execute(action, given, self.ctx(**ctx))

    def test_a_command_runs_and_its_answer_comes_back_in_a_dict(self) -> None:
        result = self.get("/orders/7")
        self.assertEqual(result.status, "success")
        self.assertEqual((result.data["status"], result.data["body"]), (200, {"order": 7}))
        self.assertEqual(result.data["mimetype"], "application/json")
        self.assertEqual(result.meta["encoding"], "json")
        self.assertRegex(result.meta["call"], "^[0-9a-f-]{36}$")
        self.assertEqual(self.system.seen, [("GET", "/orders/7", b"")])
        json.dumps([result.data, result.meta])

    def test_texts_and_large_and_odd_values_come_back_as_they_were(self) -> None:
        odd = {"Ü": "x" * (1 << 20), "big": 2**62, "deep": [[[[{"a": None}]]]]}
        self.system.answers(200, odd)
        self.assertEqual(self.post(odd).data["body"], odd)
        self.assertEqual(json.loads(self.system.seen[0][2]), odd)

    def test_the_runtimes_own_member_action_is_no_parameter(self) -> None:
        action = "http/GetRequestV2"
        result = self.execute(action, {"action": action, "url": self.system.url})
        self.assertEqual(result.data["body"], {"order": 7})

    def test_the_profile_that_is_named_is_used(self) -> None:
        self.config["profile"] = "account"
        self.assertEqual(self.get().data["body"], {"order": 7})
        self.config["profile"] = "nobody"
        error = self.fails(self.get)
        self.assertEqual((error.code, error.retryable), ("CONFIG_INVALID", False))
        self.assertEqual(error.details_safe["problem"], "profile_not_found")

    def test_mistakes_in_the_input_are_told_all_at_once_and_not_retried(self) -> None:
        error = self.fails(self.execute, "http/GetRequestV2", {"ulr": 1})
        self.assertEqual((error.code, error.retryable), ("INVALID_INPUT", False))
        pointers = [one["pointer"] for one in error.details_safe["errors"]]
        self.assertEqual(sorted(pointers), ["/arguments/ulr", "/arguments/url"])
        for action in ("send", "a/b/c", "http/", "", "http/Get Request"):
            self.assertEqual(self.code(self.execute, action, {}), ("INVALID_INPUT", False))
        self.assertEqual(self.code(self.execute, "http/NoSuchCommand", {}), ("INVALID_INPUT", False))
        for odd in ({"url": {1, 2}}, {"url": float("nan")}):
            self.assertEqual(self.code(self.execute, "http/GetRequestV2", odd), ("INVALID_INPUT", False))

    def test_a_wrong_key_and_no_key_fail_to_authenticate(self) -> None:
        for secrets in ({"api_key": "wrong"}, {}):
            self.secrets = secrets
            self.assertEqual(self.code(self.get), ("AUTH_FAILED", False))
        self.secrets = {"api_key": "line\nbreak"}
        self.assertEqual(self.code(self.get), ("CONFIG_INVALID", False))
        self.assertEqual(self.system.seen, [])

    def test_errors_of_the_system_have_its_codes(self) -> None:
        for status, code in (
            (401, "AUTH_FAILED"),
            (403, "FORBIDDEN"),
            (404, "NOT_FOUND"),
            (422, "INVALID_INPUT"),
            (418, "INTERNAL_ERROR"),
        ):
            self.system.answers(status, {"why": "because"})
            self.assertEqual(self.code(self.get), (code, False), status)
        self.system.answers(429, {})
        self.assertEqual(self.code(self.post), ("RATE_LIMITED", True))

    def test_an_error_of_the_system_is_retried_only_where_the_command_may_be_repeated(self) -> None:
        self.system.answers(503, {})
        self.assertEqual(self.code(self.get), ("UPSTREAM_5XX", True))
        self.assertEqual(self.code(self.post), ("UPSTREAM_5XX", False))

    def test_a_system_that_breaks_off_is_retried_only_where_nothing_is_in_doubt(self) -> None:
        self.system.hangs_up = True
        self.assertEqual(self.code(self.get), ("TRANSIENT_NETWORK", True))
        error = self.fails(self.post)
        self.assertEqual((error.code, error.retryable), ("INTERNAL_ERROR", False))
        self.assertEqual(error.details_safe["state"], "unknown")
        self.assertIn("settle", error.message_safe)

    def test_a_system_that_is_not_there_may_be_tried_again(self) -> None:
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}"
            self.assertEqual(self.code(self.execute, "http/PostRequestV2", {"url": url}), ("TRANSIENT_NETWORK", True))

    def test_what_no_rule_allows_and_what_is_no_address_are_not_tried_again(self) -> None:
        self.assertEqual(self.code(self.execute, "http/GetRequestV2", {"url": self.crosspoint.url}), ("FORBIDDEN", False))
        self.assertEqual(self.code(self.execute, "http/GetRequestV2", {"url": "nowhere"}), ("INVALID_INPUT", False))

    def test_a_limit_says_how_long_to_wait(self) -> None:
        head = ("http/HeadRequestV2", {"url": self.system.url})
        with mock.patch.object(self.system, "body", b""):
            self.execute(*head)
            error = self.fails(self.execute, *head)
        self.assertEqual((error.code, error.retryable), ("RATE_LIMITED", True))
        self.assertGreater(error.details_safe["retry_after_ms"], 1000)

    def test_a_repeated_execution_has_one_effect(self) -> None:
        first = self.post(execution_id="e-1")
        again = self.post(execution_id="e-1")
        self.assertEqual((again.data, again.meta["call"]), (first.data, first.meta["call"]))
        self.assertEqual(len(self.system.seen), 1)
        # Another input, another step, another execution, or none of them.
        self.post({"book": 2}, execution_id="e-1")
        self.post(execution_id="e-1", step_id="two")
        self.post(execution_id="e-2")
        self.post()
        self.post()
        self.assertEqual(len(self.system.seen), 6)

    def test_a_key_of_the_context_goes_as_it_is_and_may_be_left_out(self) -> None:
        self.post(idempotency_key="order-7")
        conflict = self.fails(self.post, {"book": 2}, idempotency_key="order-7")
        self.assertEqual((conflict.code, conflict.details_safe["problem"]), ("INVALID_INPUT", "idempotency_conflict"))
        self.config["idempotency"] = False
        self.post(idempotency_key="order-7")
        self.assertEqual(len(self.system.seen), 2)

    def test_a_call_whose_outcome_is_unknown_is_not_done_again(self) -> None:
        self.system.hangs_up = True
        self.assertEqual(self.code(self.post, execution_id="e-3"), ("INTERNAL_ERROR", False))
        self.system.hangs_up = False
        error = self.fails(self.post, execution_id="e-3")
        self.assertEqual((error.code, error.retryable), ("INTERNAL_ERROR", False))
        self.assertEqual(error.details_safe["problem"], "outcome_unknown")
        self.assertEqual(len(self.system.seen), 1)

    def test_a_long_call_is_asked_for_until_it_has_ended(self) -> None:
        self.config["long"] = True
        self.system.gate = threading.Event()
        results = []
        caller = threading.Thread(target=lambda: results.append(self.post()))
        caller.start()
        self.assertTrue(self.system.came.acquire(timeout=PATIENCE))
        self.system.gate.set()
        caller.join(PATIENCE)
        self.assertEqual(results[0].data["body"], {"order": 7})
        self.system.answers(404, {})
        self.assertEqual(self.code(self.post), ("NOT_FOUND", False))

    def test_a_call_that_takes_too_long_can_be_asked_for_again_by_its_key(self) -> None:
        for long in (True, False):
            with self.subTest(long=long):
                execution = f"slow-{long}"
                self.system.gate = threading.Event()
                self.system.seen.clear()
                self.config = {"url": self.crosspoint.url, "long": long, "timeout": 0.3}
                self.assertEqual(self.code(self.post, execution_id=execution), ("TIMEOUT", True))
                self.assertEqual(self.code(self.post), ("TIMEOUT", False))
                self.system.gate.set()
                self.config["timeout"] = PATIENCE
                self.assertEqual(self.post(execution_id=execution).data["body"], {"order": 7})
                self.assertEqual(len(self.system.seen), 2)

    def test_connecting_asks_whether_it_is_ready(self) -> None:
        with mock.patch.dict(os.environ, CROSSPOINT_URL=self.crosspoint.url):
            self.assertIs(CrosspointAdapter().connect(), True)

    def test_the_commands_are_the_actions(self) -> None:
        with mock.patch.dict(os.environ, CROSSPOINT_URL=self.crosspoint.url, CROSSPOINT_API_KEY=KEY):
            specs = CrosspointAdapter().action_specs
        spec = specs["http/GetRequestV2"]
        self.assertEqual(spec.input_schema["required"], ["url"])
        self.assertEqual((spec.side_effects, spec.idempotent), (False, True))
        self.assertEqual((specs["http/PostRequestV2"].side_effects, specs["http/PostRequestV2"].idempotent), (True, False))
        with mock.patch.dict(os.environ, CROSSPOINT_URL=self.crosspoint.url, CROSSPOINT_API_KEY="wrong"):
            with self.assertRaises(ConnectorError) as raised:
                CrosspointAdapter().action_specs
        self.assertEqual(raised.exception.code, "AUTH_FAILED")

    def test_the_environment_stands_in_for_a_profile(self) -> None:
        with mock.patch.dict(os.environ, CROSSPOINT_URL=f"{self.crosspoint.url}/", CROSSPOINT_API_KEY=KEY):
            result = CrosspointAdapter().execute("http/GetRequestV2", {"url": self.system.url}, {"execution_id": "e-9"})
        self.assertEqual(result.data["body"], {"order": 7})


class WithoutALedger(unittest.TestCase):
    def test_keys_and_long_calls_are_refused_and_the_rest_works(self) -> None:
        system = System()
        self.addCleanup(system.end)
        crosspoint = Crosspoint('[store]\nurl = "none"\n')
        self.addCleanup(crosspoint.end)

        def call(**config: Any) -> Any:
            profile = {"config": {"url": crosspoint.url, **config}, "encrypted_secrets": {"api_key": KEY}}
            ctx = {"profile": profile, "execution_id": "e-1"}
            return CrosspointAdapter().execute("http/GetRequestV2", {"url": system.url}, ctx)

        for config, said in (
            ({}, "an idempotency key needs the ledger"),
            ({"idempotency": False, "long": True}, "needs the ledger, which is switched off"),
        ):
            with self.assertRaises(ConnectorError) as raised:
                call(**config)
            self.assertEqual((raised.exception.code, raised.exception.retryable), ("CONFIG_INVALID", False))
            self.assertIn(said, raised.exception.message_safe)
            self.assertIn("'idempotency' = false and 'long' = false", raised.exception.message_safe)
        self.assertEqual(system.seen, [])
        self.assertEqual(call(idempotency=False).data["body"], {})


if __name__ == "__main__":
    unittest.main()
