"""What is found in packages and files, and how it is described."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import unittest

from harness import PACKAGES, WORKER, Worker


def described(answer, name, part="commands"):
    """The description of one command."""
    for connector in answer["connectors"]:
        for entry in connector[part]:
            if entry["name"] == name:
                return entry
    raise AssertionError(f"{name} is not listed: {answer}")


def schemas(entry):
    return {p["name"]: p["schema"] for p in entry["parameters"]}


class Zoo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.worker = Worker()
        cls.zoo = cls.worker.load("connector_zoo")

    @classmethod
    def tearDownClass(cls):
        cls.worker.__exit__()

    def test_classes_that_modules_define_themselves_and_that_can_be_executed_are_listed(self):
        names = [entry["name"] for entry in self.zoo["connectors"][0]["commands"]]
        expected = "Inherited OnlyLong Plain Record Singleton Types Shallow Future".split()
        self.assertEqual(names, expected)
        self.assertEqual(self.zoo["problems"], [])
        self.assertEqual([e["name"] for e in self.zoo["connectors"][0]["auths"]], ["Login"])
        self.assertEqual(self.zoo["connectors"][0]["description"], "Every kind of class that a connector may have.")

    def test_types_become_schemas(self):
        self.assertEqual(
            schemas(described(self.zoo, "Types")),
            {
                "text": {"type": "string", "description": "a text that goes on"},
                "number": {"type": "integer", "description": "a number"},
                "ratio": {"type": "number"},
                "flag": {"type": "boolean"},
                "names": {"type": "array", "items": {"type": "string"}},
                "table": {"type": "object", "additionalProperties": {"type": "integer"}},
                "anything": {},
                "bare": {},
                "when": {},
                "color": {"type": "string", "enum": ["red", "blue"]},
                "either": {"type": ["string", "integer"]},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
                "perhaps": {"type": ["string", "null"]},
                "maybe_mode": {
                    "anyOf": [{"type": ["string", "integer"], "enum": ["x", 1]}, {"type": "null"}],
                },
                "several": {
                    "anyOf": [
                        {"type": "array", "items": {"type": "string"}},
                        {"type": "object", "additionalProperties": {"type": "string"}},
                        {"type": "null"},
                    ]
                },
                "made": {},
                "keyword": {"type": ["integer", "null"]},
            },
        )

    def test_parameters_without_default_and_none_are_required(self):
        entry = described(self.zoo, "Types")
        optional = [p["name"] for p in entry["parameters"] if not p["required"]]
        self.assertEqual(optional, ["mode", "perhaps", "maybe_mode", "several", "made", "keyword"])
        self.assertFalse(entry["open"])
        self.assertEqual(entry["description"], "Shows every type.\n\nSome more words.")

    def test_annotations_that_are_text_are_read_one_by_one(self):
        self.assertEqual(
            schemas(described(self.zoo, "Future")),
            {
                "text": {"type": "string"},
                "unknown": {},
                "modern": {"type": ["string", "null"]},
                "size": {"type": ["integer", "null"]},
                "names": {"type": ["array", "null"]},
                "mode": {"type": "string", "enum": ["a", "b"], "default": "a"},
            },
        )
        required = [p["name"] for p in described(self.zoo, "Future")["parameters"] if p["required"]]
        self.assertEqual(required, ["text", "unknown"])

    def test_an_inherited_constructor_with_keywords_makes_the_command_open(self):
        entry = described(self.zoo, "Inherited")
        self.assertTrue(entry["open"])
        self.assertEqual(
            schemas(entry),
            {"url": {"type": "string", "description": "where to go"}, "attempts": {"type": ["integer", "null"]}},
        )
        result = self.worker.result("zoo/Inherited", {"url": "u", "self_made": 1})
        self.assertEqual(result["json"], {"url": "u", "more": {"self_made": 1}})

    def test_dataclasses_are_commands(self):
        entry = described(self.zoo, "Record")
        self.assertEqual(entry["description"], "A record.")
        self.assertEqual(
            schemas(entry),
            {
                "name": {"type": "string", "description": "its name"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "color": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            },
        )
        self.assertEqual(described(self.zoo, "Plain")["description"], "")
        self.assertEqual(self.worker.result("zoo/Record", {"name": "n"})["json"], {"name": "n", "tags": []})

    def test_a_singleton_is_described_by_its_init(self):
        self.assertEqual(schemas(described(self.zoo, "Singleton")), {"key": {"type": "string"}})

    def test_all_missing_and_unknown_arguments_are_named_at_once(self):
        failure = self.worker.failure("zoo/Record", {"nme": "n", "colour": "red"})
        self.assertEqual((failure["kind"], failure["code"], failure["effect"]), ("arguments", "TypeError", "none"))
        self.assertEqual(
            failure["message"],
            "the parameters of Record do not fit; missing: name; not known: nme, colour (Record takes name, tags, color)",
        )

    def test_a_command_that_is_long_only_needs_a_callback(self):
        self.assertTrue(described(self.zoo, "OnlyLong")["long"])
        self.assertEqual(self.worker.failure("zoo/OnlyLong")["code"], "AttributeError")
        result = self.worker.result("zoo/OnlyLong", callback_url="http://back")
        self.assertEqual(result["answer"]["command_response"]["body"], "http://back")


class Problems(unittest.TestCase):
    def test_what_cannot_be_imported_is_reported_and_the_rest_is_served(self):
        with Worker() as worker:
            answer = worker.load("connector_broken")
            problems = {p["module"]: p for p in answer["problems"]}
            absent = problems["connector_broken.commands.absent"]
            self.assertIn("No module named 'a_library_that_is_not_installed'", absent["message"])
            self.assertIn("absent.py", absent["traceback"])
            self.assertNotIn("crosspoint_worker", absent["traceback"])
            self.assertIn("SystemExit: not today", problems["connector_broken.commands.leaves"]["message"])
            self.assertIn("Wrong", problems["connector_broken.commands.works"]["message"])
            self.assertEqual([c["name"] for c in answer["connectors"][0]["commands"]], ["Works"])
            self.assertEqual(worker.result("broken/Works")["text"], "it does")
            failure = worker.failure("broken/Lost")
            self.assertEqual(failure["kind"], "unknown")
            self.assertIn("a_library_that_is_not_installed", failure["message"])

    def test_a_missing_init_file_is_named_as_the_reason(self):
        with Worker() as worker:
            answer = worker.load("connector_bare", "connector_folder", "connector_nothing", "connector_unheard_of")
            bare, folder, nothing, unheard = answer["problems"]
            self.assertIn(os.path.join("connector_bare", "commands") + " has no __init__.py", bare["message"])
            self.assertIn("connector_folder has no __init__.py", folder["message"])
            self.assertIn("no sub-package named commands", nothing["message"])
            self.assertIn("No module named 'connector_unheard_of'", unheard["message"])

    def test_a_wrong_protocol_is_an_error_and_a_right_one_may_follow(self):
        with Worker() as worker:
            params = {"protocol": 7, "connectors": [], "import_path": [], "threads": 1, "max_answer": 1}
            answer = worker.wait(worker.ask("initialize", params))
            self.assertIn("speaks protocol 1, not 7", answer["error"]["message"])
            self.assertEqual(worker.load()["connectors"], [])


class Surroundings(unittest.TestCase):
    def test_a_single_file_is_a_connector_even_when_it_is_named_like_a_library_module(self):
        with Worker() as worker:
            answer = worker.load("files/email.py", import_path=[])
            self.assertEqual(answer["problems"], [])
            self.assertIn("Subject: hello", worker.result("email/Compose", {"subject": "hello"})["text"])

    def test_neither_the_worker_nor_the_current_folder_is_on_the_path(self):
        code = "import sys, os\nanswer = {'response': {'path': sys.path, 'cwd': os.getcwd()}}"
        with tempfile.TemporaryDirectory() as folder, Worker(cwd=folder) as worker:
            worker.load("connector_wild")
            seen = worker.result("wild/Run", {"code": code})["json"]
            self.assertEqual(seen["path"][0], PACKAGES)
            self.assertEqual(os.path.realpath(seen["cwd"]), os.path.realpath(folder))
            for path in seen["path"]:
                self.assertNotIn(path, ("", folder, seen["cwd"], WORKER, os.path.dirname(WORKER)))

    def test_packages_of_an_environment_are_listed_without_importing_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("connector_b", "connector_a", "other"):
                os.makedirs(os.path.join(folder, name))
                with open(os.path.join(folder, name, "__init__.py"), "w") as init:
                    init.write("raise RuntimeError('imported')")
            os.makedirs(os.path.join(folder, "x-1.dist-info"))
            with open(os.path.join(folder, "x-1.dist-info", "METADATA"), "w") as metadata:
                metadata.write("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
            with open(os.path.join(folder, "x-1.dist-info", "RECORD"), "w") as record:
                record.write("connector_a/__init__.py,,\nother/__init__.py,,\nx-1.dist-info/RECORD,,\n")
            env = {**os.environ, "PYTHONPATH": folder}

            def listed(*arguments):
                command = [sys.executable, WORKER, "--list", *arguments]
                return json.loads(subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE).stdout)

            self.assertEqual(listed()["packages"], ["connector_a", "connector_b"])
            self.assertEqual(listed("x", "y"), {"packages": ["connector_a"], "missing": ["y"]})
            self.assertEqual(listed("--path", folder)["packages"], ["connector_a", "connector_b"])


if __name__ == "__main__":
    unittest.main()
