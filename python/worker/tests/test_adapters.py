"""Adapters of Django Automate: what their source gives away, their calling form, and what becomes of what they raise."""

from __future__ import annotations

import os
import sys
import tempfile
import textwrap
import unittest

WORKER = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
OURS = os.path.abspath(os.path.join(WORKER, "..", "automate-connectors"))
sys.path.insert(0, WORKER)

from crosspoint_worker import adapter_errors, adapter_places, adapter_source, adapters  # noqa: E402
from harness import PACKAGES, Worker  # noqa: E402


def load(source):
    """The class `A` of a module with this source, which `inspect` can read."""
    folder = tempfile.mkdtemp()
    path = os.path.join(folder, f"m{load.count}.py")
    load.count += 1
    with open(path, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(source))
    return adapter_places.import_file(path).A


load.count = 0


class Source(unittest.TestCase):
    def found(self, body, head="def execute(self, action, payload):"):
        lines = textwrap.indent(textwrap.dedent(body), " " * 8)
        return adapter_source.actions_of(load(f"class A:\n    {head}\n{lines}\n").execute)

    def test_what_the_action_is_compared_with_is_found(self):
        body = """
            if action == "send": return 1
            elif "post" == action: return 2
            if action in ("look", "see") or action in {"try"}: return 3
            if payload["mode"] == "fast": return 4
            if action != "last": raise ValueError(action)
        """
        self.assertEqual(self.found(body), ["send", "post", "look", "see", "try", "last"])

    def test_a_dict_that_the_action_chooses_from_is_found(self):
        body = """
            table = {"one": self.one, "two": self.two}
            other = {"never": 1}
            if action in table: return table[action](payload)
            return {"three": 3}.get(action) or other["x"]
        """
        self.assertEqual(self.found(body), ["one", "two", "three"])

    @unittest.skipIf(sys.version_info < (3, 10), "match is newer")
    def test_the_cases_of_a_match_are_found(self):
        body = """
            match action:
                case "send" | "post": return 1
                case "look": return 2
                case _: raise ValueError(action)
        """
        self.assertEqual(self.found(body), ["send", "post", "look"])

    def test_the_first_parameter_counts_whatever_it_is_called(self):
        body = 'return was == "send" or action == "no"'
        self.assertEqual(self.found(body, "def execute(self, was, action):"), ["send"])
        head = "@staticmethod\n    def execute(was, action):"
        self.assertEqual(self.found(body, head), ["send"])

    def test_what_has_no_source_has_no_names(self):
        self.assertEqual(adapter_source.actions_of(len), [])
        self.assertEqual(self.found("return getattr(self, action)(payload)"), [])


class Form(unittest.TestCase):
    def takes(self, head):
        return adapters.takes_context(load(f"class A:\n    {head}\n        return 1\n"))

    def test_a_third_parameter_is_the_context(self):
        self.assertFalse(self.takes("def execute(self, action, payload):"))
        self.assertFalse(self.takes("@staticmethod\n    def execute(action, payload):"))
        self.assertFalse(self.takes("def execute(self, action, payload, **more):"))
        self.assertTrue(self.takes("def execute(self, action, params, context):"))
        self.assertTrue(self.takes("def execute(self, action, payload, ctx=None):"))
        self.assertTrue(self.takes("@classmethod\n    def execute(cls, action, payload, ctx):"))
        self.assertTrue(self.takes("def execute(self, *all):"))

    def test_any_other_form_is_told(self):
        for head in ["def execute(self, action):", "def execute(self, a, b, c, d):", "def execute(self, a, b, *, ctx):"]:
            with self.assertRaisesRegex(TypeError, "takes neither"):
                self.takes(head)


class Errors(unittest.TestCase):
    ADAPTER = """
        class A:
            def execute(self, action, payload):
                if action == "parse":
                    return int(payload)
                raise ValueError(f"Unknown action: {action}")
    """

    def failure(self, action, payload, known):
        adapter = load(self.ADAPTER)()
        try:
            adapter.execute(action, payload)
        except ValueError as error:
            return adapter_errors.of_call(error, adapter, action, known)
        raise AssertionError("it went well")

    def test_an_unknown_action_is_told_by_who_raised_it_and_what_it_names(self):
        for known in (set(), {"parse"}):
            failure = self.failure("fly", None, known)
            self.assertEqual((failure.code, failure.effect), ("INVALID_INPUT", "none"))
        failure = self.failure("parse", "seven", {"parse"})
        self.assertEqual((failure.kind, failure.code, failure.effect), ("raised", "ValueError", "maybe"))
        failure = self.failure("parse", "seven", set())
        self.assertEqual(failure.code, "ValueError")

    def test_what_says_something_against_the_connection_breaks_it(self):
        def breaks(code):
            return adapter_errors.breaks_connection(adapter_errors.AdapterFailure(code, "", "none", None, None))

        self.assertTrue(all(map(breaks, ["AUTH_FAILED", "TIMEOUT", "TRANSIENT_NETWORK", "UPSTREAM_5XX", "INTERNAL_ERROR"])))
        self.assertFalse(any(map(breaks, ["NOT_FOUND", "INVALID_INPUT", "FORBIDDEN", "RATE_LIMITED"])))


COUNTS = """
class Counts:
    made = 0

    def __init__(self):
        Counts.made += 1
        self.number, self.connected = Counts.made, 0

    def connect(self):
        self.connected += 1
        return True

    def execute(self, action, payload, ctx):
        return [self.number, self.connected, ctx["profile"]["config"]["n"]]
"""


class Hosted(unittest.TestCase):
    def test_one_profile_with_several_values_has_an_object_for_each(self):
        with tempfile.TemporaryDirectory() as folder, Worker() as worker:
            path = os.path.join(folder, "counts.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(COUNTS)
            place = {"file": path, "object": "Counts", "actions": ["see"]}
            params = {"protocol": 1, "connectors": [{"name": "x", "adapter": place}], "import_path": []}
            params.update(threads=4, max_answer=1000, config={})
            worker.wait(worker.ask("initialize", params))

            def see(n):
                profile = {"name": "p", "config": {"n": n}, "secrets": {}}
                return worker.result("x/see", {}, profile=profile)["json"]

            for _ in range(3):
                self.assertEqual([see(1), see(2)], [[1, 1, 1], [2, 1, 2]])
            # More than are kept.
            for n in range(3, 12):
                see(n)
            self.assertEqual(see(1), [12, 1, 1])

    def test_a_place_without_an_adapter_is_a_problem_and_no_crash(self):
        with Worker() as worker:
            place = {"file": os.path.join(PACKAGES, "files", "adapter.py"), "object": "Nobody", "actions": []}
            params = {"protocol": 1, "connectors": [{"name": "x", "adapter": place}], "import_path": []}
            params.update(threads=1, max_answer=1000, config={})
            result = worker.wait(worker.ask("initialize", params))["result"]
            self.assertEqual(result["connectors"][0]["commands"], [])
            self.assertIn("Nobody", result["problems"][0]["message"])


    def problems(self, name, source, **more):
        """What is told of an adapter `A`, or of a single file where `single` is set."""
        with tempfile.TemporaryDirectory() as folder, Worker() as worker:
            path = os.path.join(folder, f"{name}.py")
            with open(path, "w", encoding="utf-8") as file:
                file.write(source)
            with open(os.path.join(folder, "beside.py"), "w", encoding="utf-8"):
                pass
            adapter = {"file": path, "object": "A", "actions": [], "package": OURS}
            place = {"file": path} if more.get("single") else {"adapter": adapter}
            params = {"protocol": 1, "connectors": [{"name": "x", **place}], "import_path": []}
            params.update(threads=1, max_answer=1000, config={})
            result = worker.wait(worker.ask("initialize", params))["result"]
            self.assertEqual(result["connectors"][0]["commands"], [])
            return "\n".join(problem["message"] for problem in result["problems"])

    def test_a_library_that_is_missing_is_told_with_the_setting_that_brings_it(self):
        for single in (True, False):
            told = self.problems("lacks", "import no_such_zz.part\n", single=single)
            self.assertIn("No module named 'no_such_zz'. extra_requirements = [\"no_such_zz\"] installs", told)
            # What is there, and what lies beside the file, is no library that is missing.
            self.assertNotIn("extra_requirements", self.problems("part", "import json.no_such\n", single=single))
            self.assertNotIn("extra_requirements", self.problems("near", "import beside\n", single=single))

    def test_the_deprecated_form_is_told_with_what_to_write_instead(self):
        told = self.problems("old", "from automate_connectors.base import Connector\n")
        self.assertIn("automate_connectors.base", told)
        self.assertIn("deprecated form", told)
        self.assertIn("execute(action, payload)", told)

    def test_a_constructor_with_arguments_is_told_before_any_call(self):
        execute = "    def execute(self, action, payload):\n        return 1\n"
        told = self.problems("takes", "class A:\n    def __init__(self, url, key=1):\n        pass\n" + execute)
        self.assertIn("A() needs arguments (url)", told)
        for head in ["def __init__(self, url=None):", "def __init__(self, *a, **k):"]:
            adapters.refuse_arguments(load(f"class A:\n    {head}\n        pass\n{execute}"))

    def test_a_constructor_that_raises_is_not_told_as_connect(self):
        class A:
            pass

        failure = adapter_errors.of_making(KeyError("URL"), "x")
        self.assertEqual((failure.code, failure.message), ("connect_failed", "x: making the adapter raised KeyError: 'URL'"))
        self.assertEqual(failure.effect, "none")
        failure = adapter_errors.of_connect(KeyError("URL"), A(), "x")
        self.assertEqual(failure.message, "x: connect() raised KeyError: 'URL'")


if __name__ == "__main__":
    unittest.main()
