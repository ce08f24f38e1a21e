"""What commands return, and what becomes of it."""

from __future__ import annotations

import base64
import unittest

from harness import Worker


class Results(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worker = Worker(env={"ONLY_IN_ENVIRONMENT": "env", "IN_BOTH": "env"})
        cls.worker.load("connector_wild", max_answer=100_000, config={"IN_BOTH": "host", "NUMBER": 7})

    @classmethod
    def tearDownClass(cls):
        cls.worker.__exit__()

    def evaluate(self, expression, **more):
        return self.worker.result("wild/Evaluate", {"expression": expression}, **more)

    def rejected(self, expression, code="InvalidResult"):
        failure = self.worker.failure("wild/Evaluate", {"expression": expression})
        self.assertEqual((failure["kind"], failure["code"], failure["effect"]), ("result", code, "done"))
        self.assertIn("did run", failure["message"])
        return failure["message"]

    def test_version_one_keeps_its_status_and_its_body(self):
        given = self.evaluate("{'response': 'täxt', 'status': '418', 'mimetype': 'text/x'}")
        expected = {"version": 1, "handed_over": False, "status": 418, "mimetype": "text/x", "text": "täxt"}
        self.assertEqual(given, expected)
        self.assertEqual(self.evaluate("{'response': ''}")["status"], 200)
        self.assertEqual(self.evaluate("{'response': {1: None}, 'status': 299.0}")["json"], {"1": None})
        self.assertEqual(self.evaluate("{'response': [1.5]}")["mimetype"], "application/json")
        data = bytes(range(256))
        self.assertEqual(base64.b64decode(self.evaluate("{'response': bytes(range(256))}")["base64"]), data)

    def test_odd_statuses_are_named(self):
        self.assertIn("status is 0,", self.rejected("{'response': '', 'status': 0}"))
        self.assertIn("status is a str,", self.rejected("{'response': '', 'status': 'fine'}"))
        self.assertIn("status is a list,", self.rejected("{'response': '', 'status': []}"))

    def test_version_two_is_the_dict_as_it_is(self):
        expression = "{'command_response': {'body': [1, 'x', None, 10**30]}, 'command_response_version': 2, 'z': True}"
        given = self.evaluate(expression)
        answer = {"command_response": {"body": [1, "x", None, 10**30]}, "command_response_version": 2, "z": True}
        self.assertEqual(given, {"version": 2, "handed_over": False, "answer": answer})

    def test_anything_like_a_dict_will_do(self):
        self.assertEqual(self.evaluate("collections.UserDict(response='u')")["text"], "u")

    def test_a_callback_hands_the_call_over(self):
        given = self.evaluate("{'response': callback_url}", callback_url="http://back")
        self.assertEqual(given, {"version": 2, "handed_over": True, "answer": {"response": "http://back"}})

    def test_what_json_does_not_have_is_named_with_its_place(self):
        when = self.rejected("envelope({'when': datetime.datetime(2024, 1, 1)})")
        self.assertIn("command_response.body.when is a datetime, which JSON does not have", when)
        self.assertIn("isoformat()", when)
        self.assertIn("body.rows[1] is a Decimal", self.rejected("envelope({'rows': [1, decimal.Decimal(1)]})"))
        self.assertIn("body is a set", self.rejected("envelope({1})"))
        self.assertIn("body['a b'] is a bytes", self.rejected("envelope({'a b': b''})"))
        self.assertIn("body[0] is nan", self.rejected("envelope([float('nan')])"))
        self.assertIn("response.x is inf", self.rejected("{'response': {'x': float('inf')}}"))
        self.assertIn("has a key that is a tuple", self.rejected("envelope({(1, 2): 3})"))
        self.assertIn("body contains itself", self.rejected("CIRCLE"))
        self.assertIn("nested too deeply", self.rejected("envelope(nested(100_000))"))

    def test_what_is_no_result_is_named(self):
        self.assertIn("it is None, and a dict is needed", self.rejected("None"))
        self.assertIn("it is a str", self.rejected("'text'"))
        self.assertIn("it has no response", self.rejected("{'status': 200}"))
        self.assertIn("command_response_version is a str", self.rejected("{'command_response_version': '2'}"))

    def test_answers_above_the_limit_are_too_large(self):
        for expression in ("{'response': 'x' * 10**6}", "{'response': bytes(10**6)}", "envelope('x' * 10**6)"):
            self.assertIn("above the limit of 100000", self.rejected(expression, "AnswerTooLarge"))
        self.assertEqual(len(self.evaluate("{'response': 'ü' * 50_000}")["text"]), 50_000)

    def test_half_a_surrogate_pair_is_escaped_in_json_and_refused_in_text(self):
        self.assertEqual(self.evaluate("envelope('\\ud800')")["answer"]["command_response"]["body"], "\ud800")
        self.assertIn("surrogate pair at character 1", self.rejected("{'response': 'a\\ud800'}"))
        failure = self.worker.failure("wild/Run", {"code": "raise ValueError('a\\ud800b')"})
        self.assertEqual(failure["message"], "a?b")

    def test_arguments_arrive_as_they_were_sent(self):
        code = "answer = {'response': task_data}"
        sent = {"big": 2**200, "small": 1e-300, "text": "\u2028😀\x00", "none": None, "list": [[], {}], "ß": 1.0}
        self.assertEqual(self.worker.result("wild/Run", {"code": code}, task_data=sent)["json"], sent)
        self.assertEqual(self.worker.result("wild/Run", {"code": code})["text"], "{}")

    def test_integers_that_python_does_not_read_are_a_mistake_in_the_arguments(self):
        if not hasattr(__import__("sys"), "get_int_max_str_digits"):
            return self.assertEqual(self.evaluate("{'response': 'older Pythons read any'}")["status"], 200)
        body = b'{"jsonrpc":"2.0","id":77001,"method":"call","params":{"task_data":' + b"9" * 5000 + b"}}"
        self.worker.socket.sendall(len(body).to_bytes(4, "big") + body)
        data = self.worker.wait(77001)["error"]["data"]
        self.assertEqual((data["kind"], data["code"], data["effect"]), ("arguments", "ValueError", "none"))
        self.assertIn("more digits", self.rejected("envelope(10 ** 5000)"))

    def test_requests_that_are_nested_too_deeply_are_a_mistake_in_the_arguments(self):
        depth = 200_000
        body = b'{"jsonrpc":"2.0","id":77002,"method":"call","params":' + b"[" * depth + b"]" * depth + b"}"
        self.worker.socket.sendall(len(body).to_bytes(4, "big") + body)
        self.assertEqual(self.worker.wait(77002)["error"]["data"]["code"], "RecursionError")

    def test_config_falls_back_on_the_environment(self):
        expression = (
            "{'response': [config['IN_BOTH'], config['NUMBER'], config['ONLY_IN_ENVIRONMENT'], config.get('NOWHERE'),"
            " config.get('NOWHERE', 1), 'NOWHERE' in config, 'ONLY_IN_ENVIRONMENT' in config]}"
        )
        self.assertEqual(self.evaluate(expression)["json"], ["host", 7, "env", None, 1, False, True])
        failure = self.worker.failure("wild/Evaluate", {"expression": "config['NOWHERE']"})
        self.assertEqual((failure["code"], failure["message"]), ("KeyError", "'NOWHERE'"))

    def test_a_calls_own_config_comes_first_and_is_its_own(self):
        expression = (
            "{'response': [config['IN_BOTH'], config.get('own'), 'own' in config, config['NUMBER'],"
            " config['ONLY_IN_ENVIRONMENT'], repr(config)]}"
        )

        def evaluate(**more):
            result = self.worker.result("wild/Evaluate", {"expression": expression}, **more)
            return result["json"]

        own = {"IN_BOTH": "profile", "own": [1], "ONLY_IN_ENVIRONMENT": "profile"}
        seen = evaluate(config=own)
        self.assertEqual(seen[:5], ["profile", [1], True, 7, "profile"])
        self.assertNotIn("profile", seen[5])
        self.assertEqual(evaluate()[:5], ["host", None, False, 7, "env"])

    def test_calls_at_once_see_each_its_own_config(self):
        code = (
            "import threading, time\ntime.sleep(0.01)\nseen = [config['who']]\n"
            "def look(): seen.append(config['who'])\n"
            "thread = threading.Thread(target=look); thread.start(); thread.join()\n"
            "answer = {'response': seen}"
        )
        asked = {}
        for number in range(40):
            asked[self.worker.begin("wild/Run", {"code": code}, config={"who": number})] = number
        for request, number in asked.items():
            self.assertEqual(self.worker.wait(request)["result"]["json"], [number, number])

    def test_what_is_raised_comes_with_class_text_and_a_traceback_of_the_connector(self):
        failure = self.worker.failure("wild/Construct", {"fail": True})
        self.assertEqual((failure["kind"], failure["code"], failure["effect"]), ("raised", "ValueError", "maybe"))
        self.assertEqual(failure["message"], "cannot be made")
        self.assertIn('raise ValueError("cannot be made")', failure["detail"])
        self.assertNotIn("crosspoint_worker", failure["detail"])

    def test_unknown_commands_and_connectors_are_named(self):
        self.assertIn("wild/Nothing", self.worker.failure("wild/Nothing")["message"])
        self.assertEqual(self.worker.failure("nobody/Evaluate")["kind"], "unknown")


if __name__ == "__main__":
    unittest.main()
