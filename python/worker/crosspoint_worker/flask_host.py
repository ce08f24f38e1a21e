"""The Flask application that some connectors expect around them.

The reference host is a Flask program, so connectors say `current_app.config[...]` (some of them while they are
imported) and `request.headers[...]`. Flask is slow to import and to enter, so nothing happens until a connector
imports it.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import os
import sys
from types import ModuleType
from typing import Any, ContextManager, Optional, Sequence

from .config import Config
from .current import CURRENT, Call

_OWN_HEADERS = {"content-length", "content-type", "transfer-encoding"}
"""Headers that describe the body as it came; here the body is the arguments."""


class FlaskHost:
    """Watches for the import of Flask; from then on an application surrounds imports and calls."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._app: Any = None
        self._importing = contextlib.ExitStack()
        self._watch = _Watch(self)
        sys.meta_path.insert(0, self._watch)

    @property
    def active(self) -> bool:
        """Whether a connector has imported Flask."""
        return self._app is not None

    def loaded(self, flask: ModuleType) -> None:
        """Makes the application, and enters it for whoever is just importing Flask."""
        folder = os.getcwd()
        app = flask.Flask(
            "crosspoint", static_folder=None, root_path=folder, instance_path=os.path.join(folder, "instance")
        )
        self._config.defaults = dict(app.config)
        app.config = self._config
        self._app = app
        call = CURRENT.get()
        if call is None:
            self._importing.enter_context(app.app_context())
        else:
            # Imported within a call. Each call has a context of its own, which takes this one with it when it ends.
            self.around(call).__enter__()

    def end_imports(self) -> None:
        """Leaves the application that surrounded the imports."""
        self._importing.close()

    def around(self, call: Call) -> ContextManager[Any]:
        """A request context with the headers that came in and the arguments as body."""
        headers = [(name, value) for name, value in call.headers if name.lower() not in _OWN_HEADERS]
        context: ContextManager[Any] = self._app.test_request_context(
            f"/v1/do/{call.connector}/{call.command}", method="POST", headers=headers, json=call.arguments
        )
        return context


class _Watch:
    """A finder that finds nothing but the moment when Flask was imported."""

    def __init__(self, host: FlaskHost) -> None:
        self._host = host

    def find_spec(
        self, name: str, path: Optional[Sequence[str]] = None, target: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if name != "flask":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path)
        if spec is None or spec.loader is None:
            return spec
        execute = spec.loader.exec_module

        def exec_module(module: ModuleType) -> None:
            # Only now: looking for Flask is not importing it.
            sys.meta_path.remove(self)
            execute(module)
            self._host.loaded(module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec
