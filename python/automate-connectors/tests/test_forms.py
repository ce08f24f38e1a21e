"""The forms of the source and of the how-to pages, and the registry that takes all of them."""

from __future__ import annotations

import importlib
import sys
import tempfile
import unittest
from types import MappingProxyType
from typing import Any, Dict

import forms
import guide
from automate_connectors import context
from automate_connectors.adapters.base import ConnectorAdapter
from automate_connectors.entry_points import declared, load
from automate_connectors.models import ConnectionProfile
from automate_connectors.registry import (
    ConnectorRegistry,
    connector_registry,
    get_adapter_cls,
    get_connector_registry,
    register,
    register_connector,
)

LOGGER = "automate_connectors.registry"
PROFILE = ConnectionProfile("prod", encrypted_secrets={"key": "k-4711", "API_KEY": "a-4711"})


class Forms(unittest.TestCase):
    def test_case_07_an_adapter_like_the_source_runs(self) -> None:
        registry = ConnectorRegistry()
        self.assertIs(registry.register(forms.Shop), forms.Shop)
        adapter = registry.get_adapter_cls("shop")()
        result = adapter.execute("order", {"book": 7}, context.CallContext(profile=PROFILE).as_dict())
        self.assertEqual((result.status, result.data, result.meta), ("success", {"book": 7, "by": "k-4711"}, {"page": 1}))
        self.assertEqual(adapter.validate_config({}).errors, ["url is missing"])
        self.assertEqual(adapter.slug, "shop")

    def test_case_07_an_adapter_like_the_how_to_pages_runs(self) -> None:
        adapter = get_adapter_cls("ledger")()
        call = context.CallContext(profile=PROFILE, trace_id="t-1").as_dict()
        answer = adapter.execute("book", {"account": "a", "amount": 1}, call)
        self.assertEqual(answer, {"entry": "a", "by": "a-4711", "trace": "t-1"})
        self.assertIsNone(adapter.execute("forget", {}, call))
        with self.assertRaises(NotImplementedError):
            adapter.execute("burn", {}, call)

    def test_case_07_its_actions_have_json_schemas(self) -> None:
        spec = get_adapter_cls("ledger")().action_specs["book"]
        self.assertEqual(spec.name, "book")
        self.assertEqual(spec.input_schema["required"], ["account", "amount"])
        self.assertEqual(spec.input_schema["properties"]["account"], {"type": "string"})
        self.assertEqual(spec.output_schema, {"type": "object", "properties": {"entry": {"type": "string"}}})

    def test_case_08_the_second_and_third_parameter_may_have_any_name(self) -> None:
        def adapter(parameters: str) -> Any:
            names: Dict[str, Any] = {"ConnectorAdapter": ConnectorAdapter}
            exec(f"class It(ConnectorAdapter):\n    def execute(self, {parameters}): return locals()", names)
            return names["It"]()

        for parameters in ("action, payload", "action, input, ctx", "a, input_args, c", "verb, params, context"):
            given = ("act", {"x": 1}, {"trace_id": "t"})[: parameters.count(",") + 1]
            got = adapter(parameters).execute(*given)
            self.assertEqual([got[name.strip()] for name in parameters.split(",")], list(given))

    def test_case_24_each_form_finds_the_secrets_where_it_looks_for_them(self) -> None:
        class Guided(ConnectorAdapter):
            name = "guided"

            def execute(self, action: str, payload: dict) -> dict:
                call = context.current()
                return {"call": call.secrets["key"], "self": self.profile.encrypted_secrets["key"], "payload": payload}

        adapter = Guided()
        context.attach(adapter, PROFILE)
        payload = {"text": "Hello"}
        with context.using(context.CallContext("guided", "greet", PROFILE)):
            answer = adapter.execute("greet", payload)
        self.assertEqual(answer, {"call": "k-4711", "self": "k-4711", "payload": {"text": "Hello"}})
        self.assertIsNone(context.current())

    def test_a_profile_is_not_forced_on_a_class_that_means_something_else_by_it(self) -> None:
        class Own(ConnectorAdapter):
            def profile(self) -> str:  # type: ignore[override]
                return "mine"

        class Busy(ConnectorAdapter):
            def __init__(self) -> None:
                self.profile = "busy"  # type: ignore[assignment]

        class Slotted:
            __slots__ = ()

        own, busy = Own(), Busy()
        for adapter in (own, busy, Slotted()):
            context.attach(adapter, PROFILE)
        self.assertEqual((own.profile(), busy.profile), ("mine", "busy"))
        adapter = ConnectorAdapter()
        for profile in (PROFILE, ConnectionProfile("other"), None):
            context.attach(adapter, profile)
            self.assertIs(adapter.profile, profile)

    def test_case_22_a_profile_cannot_be_changed_and_prints_no_secret(self) -> None:
        given = {"key": "k-4711"}
        profile = ConnectionProfile("prod", "shop", "staging", {"url": "u"}, given, False)
        given["key"] = "changed"
        self.assertNotIn("4711", repr(profile) + str(context.CallContext(profile=profile)))
        for change in (
            lambda: setattr(profile, "slug", "other"),
            lambda: profile.encrypted_secrets.update(key="x"),  # type: ignore[attr-defined]
            lambda: profile.config.update(url="x"),  # type: ignore[attr-defined]
        ):
            self.assertRaises(AttributeError, change)
        self.assertIsInstance(profile.encrypted_secrets, MappingProxyType)
        expected = {"name": "prod", "slug": "prod", "connector_slug": "shop", "environment": "staging"}
        more = {"config": {"url": "u"}, "encrypted_secrets": {"key": "k-4711"}, "enabled": False}
        self.assertEqual(profile.as_dict(), {**expected, **more})


class Registering(unittest.TestCase):
    def setUp(self) -> None:
        self.registry = ConnectorRegistry()

    def test_all_forms_of_registering_and_the_decorators(self) -> None:
        self.registry.register("one", forms.Shop)
        self.registry.register(forms.Shop)

        @self.registry.register("two")
        class Two(ConnectorAdapter):
            pass

        @self.registry.register
        class Three(ConnectorAdapter):
            name = "three"

        self.assertEqual(list(self.registry.adapters()), ["one", "shop", "two", "three"])
        self.assertIs(self.registry.get_adapter_cls("two"), Two)
        self.assertIs(get_connector_registry(), connector_registry)
        for function in (register, register_connector):
            self.assertIs(function(Three), Three)
            self.assertIs(get_adapter_cls("three"), Three)

    def test_an_unknown_name_is_a_value_error_that_lists_what_is_there(self) -> None:
        self.registry.register(forms.Shop)
        with self.assertRaisesRegex(ValueError, r"'ship' not found \(registered: shop\)"):
            self.registry.get_adapter_cls("ship")

    def test_what_is_no_adapter_is_refused(self) -> None:
        nameless = type("Nameless", (ConnectorAdapter,), {})
        for wrong in (forms.Shop(), "text", 7, type("Empty", (), {}), nameless):
            with self.subTest(wrong), self.assertRaises(TypeError):
                self.registry.register(wrong) if not isinstance(wrong, str) else self.registry.register("name", wrong)
        self.assertRaises(TypeError, self.registry.register, "", forms.Shop)
        self.assertEqual(self.registry.adapters(), {})

    def test_case_09_the_last_registration_wins_with_a_warning(self) -> None:
        self.registry.register("shop", forms.Shop)
        with self.assertLogs(LOGGER, "WARNING") as logs:
            self.registry.register("shop", forms.Ledger)
            self.registry.register("shop", forms.Ledger)
        self.assertEqual(len(logs.output), 1)
        self.assertIn("forms.Shop and is now forms.Ledger", logs.output[0])
        self.assertIs(self.registry.get_adapter_cls("shop"), forms.Ledger)


class EntryPoints(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        sys.path.insert(0, self.folder)
        self.addCleanup(sys.path.remove, self.folder)
        self.addCleanup(lambda: [sys.modules.pop(name) for name in list(sys.modules) if name.startswith("plugin_")])

    def load(self, points: str, modules: Dict[str, str]) -> Any:
        guide.write(self.folder, {f"plugin_{name}.py": text for name, text in modules.items()})
        guide.write(self.folder, guide.installed("plugins", f"[automate.connectors]\n{points}"))
        importlib.invalidate_caches()
        return load(connector_registry, declared([self.folder]))

    def test_case_10_one_that_cannot_be_loaded_is_reported_and_the_others_serve(self) -> None:
        adapter = guide.block("adapter.py")
        points = (
            "absent = plugin_absent:It\nbroken = plugin_broken:It\nleaves = plugin_leaves:It\n"
            "no_class = plugin_good:Nothing\nno_adapter = plugin_good:__name__\ngood = plugin_good:MyServiceAdapter\n"
        )
        modules = {"broken": "import no_such_library", "leaves": "raise SystemExit(3)", "good": adapter}
        with self.assertLogs("automate_connectors.entry_points", "WARNING"):
            loaded = self.load(points, modules)
        self.assertEqual(loaded.names, ["good"])
        self.assertEqual(set(loaded.problems), {"absent", "broken", "leaves", "no_class", "no_adapter"})
        self.assertEqual(
            loaded.problems["broken"], "plugin_broken:It: ModuleNotFoundError: No module named 'no_such_library'"
        )
        self.assertEqual(loaded.problems["leaves"], "plugin_leaves:It: SystemExit: 3")
        self.assertEqual(connector_registry.get_adapter_cls("good")().execute("send_message", {}), {"status": "sent"})

    def test_a_module_that_registers_at_import_counts_with_all_that_it_registers(self) -> None:
        registration = guide.block("registration.py").replace('"my_service"', '"by_import"')
        module = guide.block("adapter.py") + registration + 'connector_registry.register("another", MyServiceAdapter)\n'
        loaded = self.load("module = plugin_module\nempty = plugin_empty\n", {"module": module, "empty": ""})
        self.assertEqual(loaded.names, ["by_import", "another"])
        self.assertEqual(loaded.problems, {"empty": "plugin_empty: TypeError: the module registers no adapter"})
        again = load(connector_registry, [point for point in declared([self.folder]) if point.name == "module"])
        self.assertEqual(again.problems, {})

    def test_case_10_a_list_that_cannot_be_read_is_reported_and_the_others_are_read(self) -> None:
        guide.write(self.folder, guide.installed("broken", "[automate.connectors]\nthis is no entry point\n"))
        guide.write(self.folder, {"plugin_good.py": guide.block("adapter.py")})
        guide.write(self.folder, guide.installed("plugins", "[automate.connectors]\nreadable = plugin_good:MyServiceAdapter\n"))
        problems: Dict[str, str] = {}
        with self.assertLogs("automate_connectors.entry_points", "WARNING"):
            points = list(declared([self.folder], problems))
        self.assertEqual([point.name for point in points], ["readable"])
        self.assertRegex(str(problems), f"a distribution in {self.folder}.*reading its entry points")

    def test_of_two_versions_on_the_path_the_first_counts(self) -> None:
        guide.write(self.folder, guide.installed("plugins", "[automate.connectors]\nmine = first:It\n"))
        with tempfile.TemporaryDirectory() as later:
            guide.write(later, guide.installed("plugins", "[automate.connectors]\nmine = second:It\n", "0.1"))
            self.assertEqual([point.value for point in declared([self.folder, later])], ["first:It"])

    def test_two_distributions_that_name_the_same_adapter_warn(self) -> None:
        guide.write(self.folder, guide.installed("other", "[django_automate.connectors]\nsame = plugin_b:MyServiceAdapter\n"))
        with self.assertLogs(LOGGER, "WARNING"):
            adapter = guide.block("adapter.py")
            loaded = self.load("same = plugin_a:MyServiceAdapter\n", {"a": adapter, "b": adapter})
        self.assertEqual(loaded.names, ["same"])


if __name__ == "__main__":
    unittest.main()
